; Copies between kernel and user memory that survive bad pointers.
;
; While one of these runs, current->copy_recovery says where the page-fault handler continues when a
; fault cannot be mended. It lies in the fibril, because a fault may sleep and other fibrils copy
; meanwhile. Arguments come in eax, edx and ecx. The contracts are in arch.h.

CURRENT       equ 0                  ; struct cpu.current
RECOVERY      equ 4                  ; struct fibril.copy_recovery
EFAULT        equ 14
USER_END      equ 0x80000000

extern cpu

section .text
global copy_to_user, copy_from_user, clear_user, user_compare_exchange, user_copy_string

; Leaves for `out_of_range` unless the ecx bytes from %1 on, which is lost, are user space.
%macro CHECK_RANGE 1
    add %1, ecx
    jc out_of_range
    cmp %1, USER_END
    ja out_of_range
%endmacro

; int copy_to_user(void USER *to, const void *from, size_t size)
copy_to_user:
    push esi
    push edi
    mov edi, eax
    mov esi, edx
    CHECK_RANGE eax
    jmp copy

; int copy_from_user(void *to, const void USER *from, size_t size)
copy_from_user:
    push esi
    push edi
    mov edi, eax
    mov esi, edx
    CHECK_RANGE edx
copy:
    mov edx, [cpu + CURRENT]
    mov dword [edx + RECOVERY], failed
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

; No bytes can be copied anywhere.
out_of_range:
    test ecx, ecx
    jnz fault
    xor eax, eax
    pop edi
    pop esi
    ret

; The way out of all of them when something was wrong: `failed` with the error in eax, which is how the
; page-fault handler comes back.
fault:
    mov eax, -EFAULT
failed:
    mov edx, [cpu + CURRENT]
    mov dword [edx + RECOVERY], 0
    pop edi
    pop esi
    ret

; int clear_user(void USER *to, size_t size)
clear_user:
    push esi
    push edi
    mov edi, eax
    mov esi, edx
    mov ecx, edx
    CHECK_RANGE eax
    mov edx, [cpu + CURRENT]
    mov dword [edx + RECOVERY], failed
    xor eax, eax
    shr ecx, 2
    rep stosd
    mov ecx, esi
    and ecx, 3
    rep stosb
    mov [edx + RECOVERY], ecx
    pop edi
    pop esi
    ret

; int user_compare_exchange(u32 USER *word, u32 *seen, u32 new)
user_compare_exchange:
    push esi
    push edi
    mov edi, eax
    mov esi, edx
    cmp eax, USER_END - 4
    ja fault
    mov edx, [cpu + CURRENT]
    mov dword [edx + RECOVERY], failed
    mov eax, [esi]
    lock cmpxchg [edi], ecx
    mov dword [edx + RECOVERY], 0
    mov [esi], eax
    xor eax, eax
    pop edi
    pop esi
    ret

; int user_copy_string(char *to, const char *from, size_t size), for copy_string_from_user, which has
; checked the range: bytes copied before the zero (which is copied too), `size` if there is none, or
; the error
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
    jmp failed

section .note.GNU-stack noalloc noexec nowrite progbits
