; Every way into the kernel and the one way back to user mode.
;
; Each entry leaves a struct registers (arch/i386/registers.h) on the stack of the running fibril:
; from user mode that is the stack at TSS.esp0, the top of the running user fibril's. Exceptions and
; system calls stay on it, because they may sleep; interrupts go on to a stack of their own.
; C functions take their first arguments in eax, edx and ecx (-mregparm=3).

KERNEL_DATA  equ 0x10
TRAP_SYSCALL equ 0x80
IRQ_BASE     equ 0x20

extern trap_dispatch, interrupt_dispatch, return_to_user_work, cpu, arch_hooks, task_state
extern esp0_mismatch

CPU_TASK     equ 4                   ; offset of struct cpu.task
CPU_CURRENT  equ 0
TASK_WORK    equ 0                   ; offset of struct task.return_work
WORK_LOOK    equ 32                  ; kernel/task.h: asks for a look at each return, never goes away

section .text
global syscall_entry, trap_return, trap_vectors, user_enter, double_fault_entry

%macro SAVE 0
    push es
    push ds
    push eax
    push ebp
    push edi
    push esi
    push edx
    push ecx
    push ebx
    mov edx, KERNEL_DATA
    mov ds, edx
    mov es, edx
    cld
%endmacro

; int 0x80 (an interrupt gate, so that no interrupt comes before the frame is whole)
syscall_entry:
    sub esp, 8                       ; error code and trap number: unused
    SAVE
    sti
    xor ebp, ebp
    mov eax, esp
    call [arch_hooks]                ; ->system_call(registers)

; Back to user mode, whatever brought us here. The frame is at esp.
return_to_user:
    cli
    mov eax, [cpu + CPU_TASK]
    cmp dword [eax + TASK_WORK], 0
    jne .work
.ready:
    lea eax, [esp + 64]              ; the end of the frame is the top of the fibril's stack
    cmp eax, [task_state + 4]        ; rule 3: TSS.esp0
    jne esp0_mismatch
    pop ebx
    pop ecx
    pop edx
    pop esi
    pop edi
    pop ebp
    pop eax
    pop ds
    pop es
    add esp, 8
    iret
.work:
    mov eax, esp
    call return_to_user_work         ; interrupts off in and out; may schedule
    mov eax, [cpu + CPU_TASK]
    test dword [eax + TASK_WORK], ~WORK_LOOK
    jnz .work
    jmp .ready

; void user_enter(const struct registers *frame): the first way to user mode. The frame is at the
; top of the running user fibril's stack.
user_enter:
    mov esp, eax
    jmp return_to_user

; Exceptions 0 to 31 and interrupt lines 0 to 15 push their number and come here.
trap_common:
    SAVE
    xor ebp, ebp
    cmp dword [esp + 36], IRQ_BASE
    jae interrupt_common
    mov ebp, [esp + 20]              ; keep the interrupted frame pointer for backtraces
    mov eax, esp
    call trap_dispatch
trap_return:
    test byte [esp + 48], 3          ; cs: from user mode?
    jnz return_to_user
    pop ebx
    pop ecx
    pop edx
    pop esi
    pop edi
    pop ebp
    pop eax
    pop ds
    pop es
    add esp, 8
    iret

interrupt_common:
    mov ebx, esp
    mov esp, interrupt_stack_top     ; handlers keep interrupts off, so it is never in use already
    mov eax, ebx
    call interrupt_dispatch
    mov esp, ebx
    jmp trap_return

%macro TRAP 1
align 16
trap_%1:
%if !(%1 == 8 || (%1 >= 10 && %1 <= 14) || %1 == 17)
    push dword 0                     ; the CPU pushes an error code for the others: [IA32-3] 6.13
%endif
    push dword %1
    jmp trap_common
%endmacro

%assign number 0
%rep 48
    TRAP number
%assign number number + 1
%endrep

; The double-fault task: enters by a task gate on its own stack, whatever state the fibril's is in.
double_fault_entry:
    cld
    call [arch_hooks + 4]            ; ->double_fault()
    jmp $

section .rodata
trap_vectors:
%assign number 0
%rep 48
    dd trap_ %+ number
%assign number number + 1
%endrep

section .bss align=16
interrupt_stack_bottom:
    resb 8192
interrupt_stack_top:
global double_fault_stack_top, interrupt_stack_bottom, interrupt_stack_top
    resb 8192
double_fault_stack_top:

section .note.GNU-stack noalloc noexec nowrite progbits
