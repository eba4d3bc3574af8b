; thread_clone: see thread.h. The child begins with all registers as they were but eax (0) and esp.

bits 32
global thread_clone

CLONE   equ 120

section .text

; long thread_clone(unsigned flags, void *stack, int *parent_tid, const void *tls, int *child_tid,
;                   void (*function)(void *), void *argument)
thread_clone:
        push    ebp
        push    ebx
        push    esi
        push    edi
        mov     ecx, [esp + 24]         ; the child's stack: argument and function lie on it, aligned so
        sub     ecx, 16                 ; that the function finds esp + 4 at a multiple of 16
        mov     eax, [esp + 44]
        mov     [ecx], eax
        mov     edx, [esp + 40]
        mov     [ecx - 4], edx
        sub     ecx, 4
        mov     ebx, [esp + 20]
        mov     edx, [esp + 28]
        mov     esi, [esp + 32]
        mov     edi, [esp + 36]
        mov     eax, CLONE
        int     0x80
        test    eax, eax
        jz      .child
        pop     edi
        pop     esi
        pop     ebx
        pop     ebp
        ret
.child:
        xor     ebp, ebp                ; the end of every backtrace
        pop     eax
        call    eax                     ; does not return
        hlt

section .note.GNU-stack noalloc noexec nowrite progbits
