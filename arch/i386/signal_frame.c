/* The frame on the user's stack in which a signal handler runs, and the way back. Layouts: Linux's
 * struct sigframe and rt_sigframe of i386 (asm/sigframe.h, asm/sigcontext.h, asm/ucontext.h). What
 * comes back from user memory is not trusted: selectors and flags are forced to legal values. */
#include "arch.h"
#include "arch/i386/cpu.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/signal.h"
#include "kernel/string.h"

#define STACK_DISABLE 2u
#define STACK_ON 1u
#define FLAGS_FROM_USER 0x50dd5u /* carry to overflow, trap, direction, alignment check, resume */
#define SYSCALL_SIGRETURN 119
#define SYSCALL_RT_SIGRETURN 173

struct context { /* struct sigcontext_32 */
    u32 gs, fs, es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax, trap, error, eip, cs, eflags,
        esp_at_signal, ss, fpu, mask_low, fault_address;
};
_Static_assert(sizeof(struct context) == 88, "sigcontext_32");

struct plain_frame { /* struct sigframe_ia32 */
    u32 return_address, number;
    struct context context;
    u8 unused[624]; /* where the FPU state was */
    u32 mask_high;
    u8 code[8];
};

struct ucontext { /* struct ucontext_ia32 */
    u32 flags, link;
    u32 stack_base, stack_flags, stack_size;
    struct context context;
    u32 mask_low, mask_high;
};
struct info_frame { /* struct rt_sigframe_ia32 */
    u32 return_address, number, info_address, ucontext_address;
    struct signal_info info;
    struct ucontext ucontext;
    u8 code[8];
};

/* mov eax, NUMBER; int 0x80: for handlers without a restorer */
static const u8 return_code[2][8] = {
    {0x58, 0xb8, SYSCALL_SIGRETURN, 0, 0, 0, 0xcd, 0x80}, /* pop eax first */
    {0xb8, SYSCALL_RT_SIGRETURN, 0, 0, 0, 0xcd, 0x80, 0},
};

static u32
selector_get(bool gs)
{
    u32 value;
    if (gs)
        __asm__ volatile("mov %%gs, %0" : "=r"(value));
    else
        __asm__ volatile("mov %%fs, %0" : "=r"(value));
    return value & 0xffff;
}

/* The last trap's number and error code stand in the registers, after a system call too. */
static void
context_fill(struct context *c, const struct registers *r, const struct signal_frame *f, u32 fpu)
{
    *c = (struct context){
        .gs = selector_get(true), .fs = selector_get(false), .es = r->es, .ds = r->ds,
        .edi = r->edi, .esi = r->esi, .ebp = r->ebp, .esp = r->esp,
        .ebx = r->ebx, .edx = r->edx, .ecx = r->ecx, .eax = r->eax,
        .trap = r->trap & 31, .error = r->error & 0xffff, .eip = r->eip, .cs = r->cs,
        .eflags = r->eflags, .esp_at_signal = r->esp, .ss = r->ss,
        .fpu = fpu, .mask_low = (u32)f->mask,
    };
    if (f->info->number == SIGSEGV || f->info->number == SIGBUS)
        c->fault_address = f->info->fields[0];
}

/* ---- Into the handler ---- */

static bool
on_stack(const struct signal_stack *stack, u32 esp)
{
    return esp > stack->base && esp - stack->base <= stack->size;
}

static int
put(u32 address, const void *from, size_t size)
{
    return copy_to_user((void USER *)(uintptr_t)address, from, size);
}

/* As the i386 ABI wants the stack at a function's entry, below the return address. */
static u32
frame_place(u32 esp, size_t size)
{
    return ALIGN_DOWN(esp - size + 4, 16u) - 4;
}

static u32
return_address(const struct signal_frame *f, u32 code)
{
    return f->action->flags & ACTION_RESTORER ? f->action->restorer : code;
}

static int
frame_push_plain(struct registers *registers, const struct signal_frame *f, u32 esp, u32 fpu)
{
    u32 at = frame_place(esp, sizeof(struct plain_frame)), mask_high = (u32)(f->mask >> 32);
    struct {
        u32 return_address, number;
        struct context context;
    } head;
    head.return_address = return_address(f, at + offsetof(struct plain_frame, code));
    head.number = (u32)f->info->number;
    context_fill(&head.context, registers, f, fpu);
    int error = put(at, &head, sizeof(head));
    if (!error)
        error = put(at + offsetof(struct plain_frame, mask_high), &mask_high, sizeof(mask_high));
    if (!error)
        error = put(at + offsetof(struct plain_frame, code), return_code[0], 8);
    if (error)
        return error;
    registers->esp = at;
    registers->edx = registers->ecx = 0;
    return 0;
}

static void
ucontext_fill(struct ucontext *u, const struct registers *registers, const struct signal_frame *f,
              u32 fpu)
{
    *u = (struct ucontext){
        .stack_base = f->stack->base,
        .stack_size = f->stack->size,
        .stack_flags = !f->stack->size                        ? STACK_DISABLE
                       : on_stack(f->stack, registers->esp) ? STACK_ON
                                                              : 0,
        .mask_low = (u32)f->mask,
        .mask_high = (u32)(f->mask >> 32),
    };
    context_fill(&u->context, registers, f, fpu);
}

static int
frame_push_info(struct registers *registers, const struct signal_frame *f, u32 esp, u32 fpu)
{
    u32 at = frame_place(esp, sizeof(struct info_frame));
    u32 info = at + offsetof(struct info_frame, info);
    u32 ucontext_at = at + offsetof(struct info_frame, ucontext);
    u32 code = at + offsetof(struct info_frame, code);
    u32 head[4] = {return_address(f, code), f->info->number, info, ucontext_at};
    struct ucontext ucontext;
    ucontext_fill(&ucontext, registers, f, fpu);
    int error = put(at, head, sizeof(head));
    if (!error)
        error = put(info, f->info, sizeof(*f->info));
    if (!error)
        error = put(ucontext_at, &ucontext, sizeof(ucontext));
    if (!error)
        error = put(code, return_code[1], 8);
    if (error)
        return error;
    registers->esp = at;
    registers->edx = info;
    registers->ecx = ucontext_at;
    return 0;
}

int
signal_frame_push(struct registers *registers, const struct signal_frame *f)
{
    u32 esp = registers->esp, fpu;
    bool own_stack = f->action->flags & ACTION_ON_STACK && f->stack->size;
    if (own_stack && !on_stack(f->stack, esp))
        esp = f->stack->base + f->stack->size;
    int error = fpu_frame_push(&esp, &fpu);
    if (error)
        return error;
    error = f->action->flags & ACTION_INFO ? frame_push_info(registers, f, esp, fpu)
                                           : frame_push_plain(registers, f, esp, fpu);
    if (error)
        return error;
    registers->eax = f->info->number;
    registers->eip = f->action->handler;
    registers->cs = SELECTOR_USER_CODE;
    registers->ds = registers->es = registers->ss = SELECTOR_USER_DATA;
    registers->eflags &= ~0x10500ul; /* direction, trap, resume */
    return 0;
}

/* ---- Back ---- */

u32
selector_legal(u32 selector)
{
    selector &= 0xffff;
    bool tls = selector >= SELECTOR_TLS_FIRST && selector <= SELECTOR_TLS_FIRST + 16 &&
               (selector & 7) == 3;
    return selector < 4 || tls || selector == SELECTOR_USER_DATA ? selector : SELECTOR_USER_DATA;
}

static void
context_restore(struct registers *r, const struct context *c)
{
    u32 gs = selector_legal(c->gs), fs = selector_legal(c->fs);
    __asm__ volatile("mov %0, %%gs; mov %1, %%fs" ::"r"(gs), "r"(fs));
    r->es = selector_legal(c->es);
    r->ds = selector_legal(c->ds);
    r->edi = c->edi;
    r->esi = c->esi;
    r->ebp = c->ebp;
    r->ebx = c->ebx;
    r->edx = c->edx;
    r->ecx = c->ecx;
    r->eax = c->eax;
    r->eip = c->eip;
    r->cs = SELECTOR_USER_CODE;
    r->eflags = (c->eflags & FLAGS_FROM_USER) | EFLAGS_INTERRUPT | EFLAGS_FIXED;
    r->esp = c->esp;
    r->ss = SELECTOR_USER_DATA;
}

/* The frame's stack_t, as sigaltstack would take it; what it would refuse changes nothing. */
static void
stack_restore(struct signal_stack *stack, const u32 words[3])
{
    if (words[1] & STACK_DISABLE)
        *stack = (struct signal_stack){0, 0};
    else if (!(words[1] & ~STACK_ON) && words[2] >= SIGNAL_STACK_LEAST)
        *stack = (struct signal_stack){words[0], words[2]};
}

/* The return address has been popped already (and, without info, by the code above the number too). */
int
signal_frame_pop(struct registers *registers, bool with_info, signal_set *mask,
                 struct signal_stack *stack, long *result)
{
    struct context context;
    u32 words[3], mask_words[2];
    const u8 USER *at = (const u8 USER *)registers->esp;
    int error;
    if (with_info) {
        at -= 4;
        error = copy_from_user(&context, at + offsetof(struct info_frame, ucontext.context),
                               sizeof(context));
        if (!error)
            error = copy_from_user(words, at + offsetof(struct info_frame, ucontext.stack_base),
                                   sizeof(words));
        if (!error)
            error = copy_from_user(mask_words, at + offsetof(struct info_frame, ucontext.mask_low),
                                   sizeof(mask_words));
    } else {
        at -= 8;
        error = copy_from_user(&context, at + offsetof(struct plain_frame, context),
                               sizeof(context));
        mask_words[0] = context.mask_low;
        if (!error)
            error = copy_from_user(&mask_words[1], at + offsetof(struct plain_frame, mask_high),
                                   sizeof(mask_words[1]));
    }
    if (!error)
        error = fpu_frame_pop(context.fpu);
    if (error)
        return error;
    if (with_info && !on_stack(stack, context.esp))
        stack_restore(stack, words);
    *mask = (signal_set)mask_words[1] << 32 | mask_words[0];
    context_restore(registers, &context);
    *result = registers->eax;
    return 0;
}
