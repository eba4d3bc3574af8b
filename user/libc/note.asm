; The note that tells the kernel that a program speaks Fibril's own numbers too (docs: ABI): in such
; a program 320 and 321 mean asys_submit and asys_await_completion. Layout: System V ABI, "Note Section".

%define ABI_VERSION 1

section .note.fibril alloc noexec nowrite note align=4
        dd      .owner_end - .owner
        dd      .description_end - .description
        dd      1                       ; type: ABI version
.owner:
        db      "Fibril", 0
.owner_end:
        align   4, db 0
.description:
        dd      ABI_VERSION
.description_end:

section .note.GNU-stack noalloc noexec nowrite progbits
