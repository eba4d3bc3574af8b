; kernel_call6: the one form that needs ebp, and syscall(): any call by its number, with errno.

bits 32
global kernel_call6
global syscall
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

section .note.GNU-stack noalloc noexec nowrite progbits
