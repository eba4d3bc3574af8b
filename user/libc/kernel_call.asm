; kernel_call6: the one form that needs ebp; syscall(): any call by its number, with errno; and what
; only assembly can do with the stack.

bits 32
global kernel_call6
global syscall
global vfork
global libc_signal_return
global libc_signal_return_info
extern libc_result

section .text

; long kernel_call6(long number, long a, long b, long c, long d, long e, long f)
kernel_call6:
        push    ebp
        push    ebx
        push    esi
        push    edi
        mov     eax, [esp + 20]
        mov     ebx, [esp + 24]
        mov     ecx, [esp + 28]
        mov     edx, [esp + 32]
        mov     esi, [esp + 36]
        mov     edi, [esp + 40]
        mov     ebp, [esp + 44]
        int     0x80
        pop     edi
        pop     esi
        pop     ebx
        pop     ebp
        ret

; long syscall(long number, ...): six words are passed on, given or not
syscall:
        push    dword [esp + 28]
        push    dword [esp + 28]
        push    dword [esp + 28]
        push    dword [esp + 28]
        push    dword [esp + 28]
        push    dword [esp + 28]
        push    dword [esp + 28]
        call    kernel_call6
        add     esp, 24
        mov     [esp], eax
        call    libc_result
        add     esp, 4
        ret

; int vfork(void): the child uses this very stack, so the return address is kept in a register
vfork:
        pop     ecx
        mov     eax, 190
        int     0x80
        push    ecx
        push    eax
        call    libc_result
        add     esp, 4
        ret

; Where signal handlers return to: sigreturn, with the signal's number still on the stack, and
; rt_sigreturn. Debuggers know these instructions (asm/sigframe.h).
libc_signal_return:
        pop     eax
        mov     eax, 119
        int     0x80
libc_signal_return_info:
        mov     eax, 173
        int     0x80

section .note.GNU-stack noalloc noexec nowrite progbits
