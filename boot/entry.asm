; The kernel's first instructions: from GRUB (multiboot 1, protected mode, no paging) to C in the
; direct map. Does nothing but what C cannot run without: page directory, stack. Interrupts are off:
; [Multiboot 0.6.96] 3.2.

MULTIBOOT_MAGIC    equ 0x1BADB002      ; Multiboot Specification 0.6.96, 3.1.1
MULTIBOOT_FLAGS    equ 3               ; modules on page boundaries, memory map wanted
KERNEL_BASE        equ 0x80000000
PAGE_LARGE         equ 0x83            ; present, writable, 4 MiB: [IA32-3] 4.3
CR4_PSE            equ 0x10
CR0_PAGING_WP      equ 0x80010000

section .multiboot align=4
    dd MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

section .text
global entry
extern start, kernel_page_directory

entry:
    ; 1. eax and ebx are the loader's: keep them out of the way
    mov esi, eax
    mov edi, ebx
    cld
    ; 2. the direct map: 256 large pages from KERNEL_BASE on, and the first one at 0 until the jump
    mov edx, kernel_page_directory - KERNEL_BASE
    mov eax, PAGE_LARGE
    mov [edx], eax
    lea edx, [edx + (KERNEL_BASE >> 22) * 4]
    mov ecx, 256
.map:
    mov [edx], eax
    add eax, 1 << 22
    add edx, 4
    dec ecx
    jnz .map
    ; 3. paging on, write protection for the kernel too
    mov eax, cr4
    or eax, CR4_PSE
    mov cr4, eax
    mov eax, kernel_page_directory - KERNEL_BASE
    mov cr3, eax
    mov eax, cr0
    or eax, CR0_PAGING_WP
    mov cr0, eax
    ; 4. up into the direct map, and off the first mapping
    mov eax, .high
    jmp eax
.high:
    mov dword [kernel_page_directory], 0
    mov eax, cr3
    mov cr3, eax
    ; 5. C: start(magic, physical address of the multiboot information)
    mov esp, boot_stack_top
    xor ebp, ebp
    mov eax, esi
    mov edx, edi
    call start
.hang:
    hlt
    jmp .hang

section .bss align=4096
global boot_stack_bottom, boot_stack_top
boot_stack_bottom:
    resb 4096
boot_stack_top:

section .note.GNU-stack noalloc noexec nowrite progbits
