; threadlet_run: arms, calls the function, and disarms: see threadlet.c. Arming is what setjmp does: the
; registers that a function keeps for its caller are stored, where the kernel finds them if it needs them.

bits 32
global threadlet_run
extern threadlet_finish, threadlet_give_back, threadlet_simd

; struct threadlet_record (fibril/syslet_abi.h)
R_EBX   equ 0
R_ESI   equ 4
R_EDI   equ 8
R_EBP   equ 12
R_ESP   equ 16
R_EIP   equ 20
R_GS    equ 28
; struct threadlet_page
ARMED   equ 0
KEPT    equ 4                           ; and four words behind it
; on the caller's stack, from esp on
OUTER   equ 0                           ; what was armed before, and its words from KEPT on
S_KEPT  equ 4
CONTROL equ 24                          ; the FPU's control word; MXCSR in the next word
FRAME   equ 32
RECORD  equ FRAME + 4                   ; arguments
PAGE    equ FRAME + 8
FUNC    equ FRAME + 12
STACK   equ FRAME + 16
SELECT  equ FRAME + 20

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

; int threadlet_run(struct threadlet_record *record, struct threadlet_page *page, void (*fn)(void *),
;                   void *stack, unsigned selector)
; 1: fn has returned; 0: it was left, and the caller goes on in another context.
threadlet_run:
        sub     esp, FRAME
        mov     eax, [esp + RECORD]
        mov     edx, [esp + PAGE]
        mov     [eax + R_EBX], ebx
        mov     [eax + R_ESI], esi
        mov     [eax + R_EDI], edi
        mov     [eax + R_EBP], ebp
        mov     [eax + R_ESP], esp
        mov     dword [eax + R_EIP], .relieved
        mov     ecx, gs
        mov     [eax + R_GS], ecx
        fnstcw  [esp + CONTROL]
        cmp     dword [threadlet_simd], 0
        je      .no_simd
        stmxcsr [esp + CONTROL + 4]
.no_simd:
        mov     ecx, [edx + ARMED]
        mov     [esp + OUTER], ecx
        mov     ecx, [edx + KEPT]
        mov     [esp + S_KEPT], ecx
        test    ecx, ecx
        jnz     .save
.saved:
        mov     ebx, eax
        mov     esi, edx
        mov     edi, [esp + FUNC]
        mov     edx, [esp + STACK]
        mov     ecx, [esp + SELECT]
        mov     gs, ecx
        mov     esp, edx
        and     esp, -16
        sub     esp, 12
        push    edx
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
        mov     ecx, [esp + S_KEPT]
        mov     [esi + KEPT], ecx
        test    ecx, ecx
        jnz     .restore
.restored:
        mov     ecx, [esp + OUTER]
        mov     [esi + ARMED], ecx
        mov     edi, [ebx + R_EDI]
        mov     esi, [ebx + R_ESI]
        mov     ebx, [ebx + R_EBX]
        mov     eax, 1
        add     esp, FRAME
        ret
.save:
        KEPT_SAVE edx
        mov     dword [edx + KEPT], 0
        jmp     .saved
.restore:
        KEPT_RESTORE esi
        jmp     .restored
.changed:                               ; mask or alternate stack: the caller's come back
        sub     esp, 12
        push    esi
        call    threadlet_give_back
        jmp     .disarmed
.left:
        sub     esp, 12
        push    ebx
        call    threadlet_finish        ; does not return
        hlt

; The kernel comes here in another context, with the registers of the record: ebx, esi, edi, ebp, esp, gs.
.relieved:
        mov     edx, [esp + PAGE]
        mov     ecx, [esp + S_KEPT]
        mov     [edx + KEPT], ecx
        KEPT_RESTORE edx
        mov     ecx, [esp + OUTER]
        mov     [edx + ARMED], ecx
        fldcw   [esp + CONTROL]
        cmp     dword [threadlet_simd], 0
        je      .no_simd_here
        ldmxcsr [esp + CONTROL + 4]
.no_simd_here:
        xor     eax, eax
        add     esp, FRAME
        ret

section .note.GNU-stack noalloc noexec nowrite progbits
