; The switch from one fibril's stack to another's: nothing but the stack pointer and the registers
; that C functions keep. What runs before and after it is in kernel/scheduler.c.

section .text
global context_switch, context_prepare

; void context_switch(void **from, void *to)
context_switch:
    mov eax, [esp + 4]
    mov edx, [esp + 8]
    push ebp
    push ebx
    push esi
    push edi
    mov [eax], esp
    mov esp, edx
    pop edi
    pop esi
    pop ebx
    pop ebp
    ret

; void *context_prepare(void *stack_top, void (*entry)(void)): builds what the pops above expect
context_prepare:
    mov eax, [esp + 4]
    mov edx, [esp + 8]
    mov dword [eax - 4], 0          ; entry's own return address: it never returns
    mov [eax - 8], edx
    mov dword [eax - 12], 0         ; ebp: the end of the chain of frames
    sub eax, 24
    ret

section .note.GNU-stack noalloc noexec nowrite progbits
