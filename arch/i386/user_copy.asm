; Copies between kernel and user memory that survive bad pointers.
;
; While one of these runs, current->copy_recovery says where the page-fault handler continues when a
; fault cannot be mended. It lies in the fibril, because a fault may sleep and other fibrils copy
; meanwhile. Each returns 0 or -EFAULT (the string copy: the length or -EFAULT) and is called with a
; range that has been checked to lie in user space. Arguments come in eax, edx and ecx.

CURRENT       equ 0                  ; struct cpu.current
RECOVERY      equ 4                  ; struct fibril.copy_recovery
EFAULT        equ 14

extern cpu

section .text
global user_copy, user_clear, user_copy_string

; int user_copy(void *to, const void *from, size_t size)
user_copy:
    push esi
    push edi
    mov edi, eax
    mov esi, edx
    mov edx, [cpu + CURRENT]
    mov dword [edx + RECOVERY], .fault
    mov eax, ecx
    shr ecx, 2
    rep movsd
    and eax, 3
    jnz .rest
    mov [edx + RECOVERY], eax
    pop edi
    pop esi
    ret
.rest:
    mov ecx, eax
    rep movsb
    mov [edx + RECOVERY], ecx
    xor eax, eax
    pop edi
    pop esi
    ret
.fault:
    mov edx, [cpu + CURRENT]
    mov dword [edx + RECOVERY], 0
    mov eax, -EFAULT
    pop edi
    pop esi
    ret

; int user_clear(void *to, size_t size)
user_clear:
    push esi
    push edi
    mov edi, eax
    mov esi, edx
    mov edx, [cpu + CURRENT]
    mov dword [edx + RECOVERY], user_copy.fault
    xor eax, eax
    mov ecx, esi
    shr ecx, 2
    rep stosd
    mov ecx, esi
    and ecx, 3
    rep stosb
    mov [edx + RECOVERY], ecx
    pop edi
    pop esi
    ret

; int user_copy_string(char *to, const char *from, size_t size): bytes copied before the zero (which
; is copied too), or `size` if there is none
user_copy_string:
    push esi
    push edi
    mov edi, eax
    mov esi, edx
    sub esi, eax                     ; from - to: one register walks both
    lea ecx, [eax + ecx]             ; where the room ends
    push eax
    mov edx, [cpu + CURRENT]
    mov dword [edx + RECOVERY], .fault
.next:
    cmp edi, ecx
    je .end
    mov al, [esi + edi]
    mov [edi], al
    inc edi
    test al, al
    jnz .next
    dec edi
.end:
    mov dword [edx + RECOVERY], 0
    pop edx
    mov eax, edi
    sub eax, edx
    pop edi
    pop esi
    ret
.fault:
    pop edx
    jmp user_copy.fault

section .note.GNU-stack noalloc noexec nowrite progbits
