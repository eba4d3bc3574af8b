; threadlet_exec: arms, calls the function, and disarms: see threadlet.c. Arming is what setjmp does: the
; registers that a function keeps for its caller are stored, where the kernel finds them if it needs them.

bits 32
global threadlet_exec, threadlet_relieved
extern threadlet_exec_slowly, threadlet_finish, threadlet_give_back, threadlet_simd

; struct threadlet_state (threadlet.c), which begins with a struct threadlet_record
R_EBX   equ 0
R_ESI   equ 4
R_EDI   equ 8
R_EBP   equ 12
R_ESP   equ 16
R_GS    equ 28
R_HEAD  equ 32
R_VALUE equ 36
PAGE    equ 40
NEXT    equ 44
SELECT  equ 48
CALLED  equ 52
THREADLETS equ 12                       ; in struct user_context, which gs shows
; struct threadlet_page
ARMED   equ 0
KEPT    equ 4                           ; and four words behind it
; on the caller's stack, from esp on
OUTER   equ 0                           ; what was armed before, and its words from KEPT on
S_KEPT  equ 4
CONTROL equ 24                          ; the FPU's control word; MXCSR in the next word
FRAME   equ 32
FUNC    equ FRAME + 4                   ; arguments
STACK   equ FRAME + 8
HEAD    equ FRAME + 12

section .text

; From the page at %1 to the caller's stack, and back; ecx is lost.
%macro KEPT_SAVE 1
%assign word 4
%rep 4
        mov     ecx, [%1 + KEPT + word]
        mov     [esp + S_KEPT + word], ecx
%assign word word + 4
%endrep
%endmacro
%macro KEPT_RESTORE 1
%assign word 4
%rep 4
        mov     ecx, [esp + S_KEPT + word]
        mov     [%1 + KEPT + word], ecx
%assign word word + 4
%endrep
%endmacro

; int threadlet_exec(void (*fn)(void *), void *stack, struct async_head *head)
threadlet_exec:
        mov     eax, [gs:THREADLETS]
        test    eax, eax
        jz      threadlet_exec_slowly
        mov     edx, [eax + NEXT]
        test    edx, edx
        jz      threadlet_exec_slowly
        cmp     dword [eax + CALLED], 0
        jne     .nested
.go:
        sub     esp, FRAME
        mov     [edx + R_EBX], ebx
        mov     ebx, edx
        mov     [ebx + R_ESI], esi
        mov     esi, [ebx + PAGE]
        mov     [ebx + R_EDI], edi
        mov     [ebx + R_EBP], ebp
        mov     [ebx + R_ESP], esp
        fnstcw  [esp + CONTROL]
        cmp     dword [threadlet_simd], 0
        je      .no_simd
        stmxcsr [esp + CONTROL + 4]
.no_simd:
        mov     eax, [esi + ARMED]
        mov     [esp + OUTER], eax
        mov     dword [esp + S_KEPT], 0
        cmp     dword [esi + KEPT], 0
        jne     .save
.saved:
        mov     eax, [esp + HEAD]
        mov     [ebx + R_HEAD], eax
        mov     eax, [esp + STACK]
        mov     [ebx + R_VALUE], eax
        mov     edi, [esp + FUNC]
        mov     gs, [ebx + SELECT]
        mov     esp, eax
        and     esp, -16
        sub     esp, 12
        push    eax
        mov     [esi + ARMED], ebx      ; from here on a sleep lets the caller go on
        call    edi
        mov     eax, ebx                ; in one step, for a signal's handler may sleep: if this record is
        xor     ecx, ecx                ; still armed (nobody else has it), this is still the caller's
        cmpxchg [esi + ARMED], ecx      ; context, and stays it
        jne     .left
        cmp     [esi + KEPT], ecx
        jne     .changed
.disarmed:
        mov     gs, [ebx + R_GS]
        mov     esp, [ebx + R_ESP]
        cmp     dword [esp + S_KEPT], 0
        jne     .restore
.restored:
        mov     ecx, [esp + OUTER]
        mov     [esi + ARMED], ecx
        mov     edi, [ebx + R_EDI]
        mov     esi, [ebx + R_ESI]
        mov     ebx, [ebx + R_EBX]
        mov     eax, 1
        add     esp, FRAME
        ret
.nested:                                ; a callee itself: still in its caller's context?
        mov     ecx, [edx + PAGE]
        cmp     [ecx + ARMED], eax
        je      .go
        jmp     threadlet_exec_slowly
.save:
        mov     ecx, [esi + KEPT]
        mov     [esp + S_KEPT], ecx
        KEPT_SAVE esi
        mov     dword [esi + KEPT], 0
        jmp     .saved
.restore:
        KEPT_RESTORE esi
        mov     ecx, [esp + S_KEPT]
        mov     [esi + KEPT], ecx
        jmp     .restored
.changed:                               ; mask or alternate stack: the caller's come back
        sub     esp, 12
        push    esi
        call    threadlet_give_back
        mov     dword [esi + KEPT], 0
        jmp     .disarmed
.left:
        sub     esp, 12
        push    ebx
        call    threadlet_finish        ; does not return
        hlt

; The kernel comes here in another context, with the registers of the record: ebx, esi, edi, ebp, esp, gs.
threadlet_relieved:
        mov     eax, [gs:THREADLETS]
        mov     edx, [eax + PAGE]
        mov     ecx, [esp + S_KEPT]
        mov     [edx + KEPT], ecx
        KEPT_RESTORE edx
        mov     ecx, [esp + OUTER]
        mov     [edx + ARMED], ecx
        fldcw   [esp + CONTROL]
        cmp     dword [threadlet_simd], 0
        je      .no_simd
        ldmxcsr [esp + CONTROL + 4]
.no_simd:
        mov     dword [eax + NEXT], 0   ; the callee's context has been left with the function
        xor     eax, eax
        add     esp, FRAME
        ret

section .note.GNU-stack noalloc noexec nowrite progbits
