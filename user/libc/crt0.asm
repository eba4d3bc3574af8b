; Where a program begins. The kernel enters with esp at argc, then argv[], 0, envp[], 0 and the
; auxiliary vector (System V ABI, i386 supplement, "Process Initialization"); nothing else is defined.

bits 32
global _start
extern libc_start

section .text
_start:
        xor     ebp, ebp                ; the end of every backtrace
        mov     eax, esp
        and     esp, -16                ; as the compiler expects for SSE; the kernel promises only 4
        sub     esp, 12
        push    eax
        call    libc_start              ; does not return
        hlt

section .note.GNU-stack noalloc noexec nowrite progbits
