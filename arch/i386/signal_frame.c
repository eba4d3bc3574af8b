/* The frame on the user's stack in which a signal handler runs, and the way back. Layouts: Linux's
 * struct sigframe and rt_sigframe of i386 (asm/sigframe.h, asm/sigcontext.h, asm/ucontext.h). What
 * comes back from user memory is not trusted: selectors and flags are forced to legal values. */
#include "arch.h"
#include "arch/i386/cpu.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/signal.h"
#include "kernel/string.h"

#define FXSAVE_BYTES 512
#define STACK_DISABLE 2u
#define STACK_ON 1u
#define FLAGS_FROM_USER 0x50dd5u /* carry to overflow, trap, direction, alignment check, resume */
#define SYSCALL_SIGRETURN 119
#define SYSCALL_RT_SIGRETURN 173

struct fpu_state { /* struct _fpstate_32 */
    u32 control, status, tag, instruction, code_selector, data, data_selector;
    u8 registers[80];
    u16 status_again, magic; /* 0: the part below counts */
    u8 fxsave[FXSAVE_BYTES];
};
_Static_assert(sizeof(struct fpu_state) == 624, "_fpstate_32");

struct context { /* struct sigcontext_32 */
    u32 gs, fs, es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax, trap, error, eip, cs, eflags,
        esp_at_signal, ss, fpu, mask_low, fault_address;
};
_Static_assert(sizeof(struct context) == 88, "sigcontext_32");

struct plain_frame {
    u32 return_address, number;
    struct context context;
    struct fpu_state unused;
    u32 mask_high;
    u8 code[8];
};
struct info_frame {
    u32 return_address, number, info_address, ucontext_address;
    struct signal_info info;
    struct {
        u32 flags, link;
        u32 stack_base, stack_flags, stack_size;
        struct context context;
        u32 mask_low, mask_high;
    } ucontext;
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

static void
context_fill(struct context *c, const struct registers *r, signal_set mask, u32 fpu)
{
    *c = (struct context){
        .gs = selector_get(true), .fs = selector_get(false), .es = r->es, .ds = r->ds,
        .edi = r->edi, .esi = r->esi, .ebp = r->ebp, .esp = r->esp,
        .ebx = r->ebx, .edx = r->edx, .ecx = r->ecx, .eax = r->eax,
        .trap = r->trap, .error = r->error, .eip = r->eip, .cs = r->cs,
        .eflags = r->eflags, .esp_at_signal = r->esp, .ss = r->ss,
        .fpu = fpu, .mask_low = (u32)mask,
    };
}

/* ---- Into the handler ---- */

static bool
on_stack(const struct signal_stack *stack, u32 esp)
{
    return stack->size && esp - stack->base <= stack->size;
}

static int
fpu_push(u32 *esp, u32 *address)
{
    struct fpu_state *state;
    *address = 0;
    if (!user_context_fpu_used(current_fibril()->user))
        return 0;
    state = arch_hooks.memory_take(sizeof(*state));
    if (!state)
        return -ENOMEM;
    void *image = arch_hooks.memory_take(FXSAVE_BYTES);
    int error = -ENOMEM;
    if (image) {
        user_context_fpu_save(current_fibril()->user, image);
        memcpy(state->fxsave, image, FXSAVE_BYTES);
        state->control = 0xffff0000u | *(u16 *)image;
        state->status = 0xffff0000u | ((u16 *)image)[1];
        state->tag = 0xffffffffu;
        *esp = ALIGN_DOWN(*esp - sizeof(*state), 64u);
        *address = *esp;
        error = copy_to_user((void USER *)(uintptr_t)*address, state, sizeof(*state));
    }
    arch_hooks.memory_give(image);
    arch_hooks.memory_give(state);
    return error;
}

static int
frame_push_plain(struct registers *registers, const struct signal_frame *f, u32 esp, u32 fpu)
{
    struct plain_frame *frame = arch_hooks.memory_take(sizeof(*frame));
    if (!frame)
        return -ENOMEM;
    esp = ALIGN_DOWN(esp - sizeof(*frame) + 4, 16u) - 4;
    frame->return_address = f->action->flags & ACTION_RESTORER
                                ? f->action->restorer
                                : esp + offsetof(struct plain_frame, code);
    frame->number = f->info->number;
    context_fill(&frame->context, registers, f->mask, fpu);
    frame->mask_high = (u32)(f->mask >> 32);
    memcpy(frame->code, return_code[0], sizeof(frame->code));
    int error = copy_to_user((void USER *)(uintptr_t)esp, frame, sizeof(*frame));
    arch_hooks.memory_give(frame);
    registers->esp = esp;
    registers->eax = f->info->number;
    registers->edx = registers->ecx = 0;
    return error;
}

static int
frame_push_info(struct registers *registers, const struct signal_frame *f, u32 esp, u32 fpu)
{
    struct info_frame *frame = arch_hooks.memory_take(sizeof(*frame));
    if (!frame)
        return -ENOMEM;
    esp = ALIGN_DOWN(esp - sizeof(*frame) + 4, 16u) - 4;
    frame->return_address = f->action->flags & ACTION_RESTORER
                                ? f->action->restorer
                                : esp + offsetof(struct info_frame, code);
    frame->number = f->info->number;
    frame->info_address = esp + offsetof(struct info_frame, info);
    frame->ucontext_address = esp + offsetof(struct info_frame, ucontext);
    frame->info = *f->info;
    frame->ucontext.stack_base = f->stack->base;
    frame->ucontext.stack_size = f->stack->size;
    frame->ucontext.stack_flags = !f->stack->size                        ? STACK_DISABLE
                                  : on_stack(f->stack, registers->esp) ? STACK_ON
                                                                         : 0;
    context_fill(&frame->ucontext.context, registers, f->mask, fpu);
    frame->ucontext.mask_low = (u32)f->mask;
    frame->ucontext.mask_high = (u32)(f->mask >> 32);
    memcpy(frame->code, return_code[1], sizeof(frame->code));
    registers->eax = f->info->number;
    registers->edx = frame->info_address;
    registers->ecx = frame->ucontext_address;
    int error = copy_to_user((void USER *)(uintptr_t)esp, frame, sizeof(*frame));
    arch_hooks.memory_give(frame);
    registers->esp = esp;
    return error;
}

int
signal_frame_push(struct registers *registers, const struct signal_frame *f)
{
    u32 esp = registers->esp, fpu;
    if (f->action->flags & ACTION_ON_STACK && f->stack->size && !on_stack(f->stack, esp))
        esp = f->stack->base + f->stack->size;
    int error = fpu_push(&esp, &fpu);
    if (error)
        return error;
    error = f->action->flags & ACTION_INFO ? frame_push_info(registers, f, esp, fpu)
                                           : frame_push_plain(registers, f, esp, fpu);
    if (error)
        return error;
    registers->eip = f->action->handler;
    registers->cs = SELECTOR_USER_CODE;
    registers->ds = registers->es = registers->ss = SELECTOR_USER_DATA;
    registers->eflags &= ~0x10500ul; /* direction, trap, resume */
    return 0;
}

/* ---- Back ---- */

static u32
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
    r->esp = c->esp_at_signal;
    r->ss = SELECTOR_USER_DATA;
}

static int
fpu_pop(u32 address)
{
    if (!address)
        return 0;
    void *image = arch_hooks.memory_take(FXSAVE_BYTES);
    if (!image)
        return -ENOMEM;
    int error = copy_from_user(
        image, (const u8 USER *)(uintptr_t)address + offsetof(struct fpu_state, fxsave),
        FXSAVE_BYTES);
    if (!error)
        user_context_fpu_restore(current_fibril()->user, image);
    arch_hooks.memory_give(image);
    return error;
}

/* The return address has been popped already (and, without info, by the code above the number too). */
int
signal_frame_pop(struct registers *registers, bool with_info, signal_set *mask,
                 struct signal_stack *stack, long *result)
{
    struct context context;
    u32 words[3], mask_high;
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
            error = copy_from_user(&mask_high, at + offsetof(struct info_frame, ucontext.mask_high),
                                   sizeof(mask_high));
    } else {
        at -= 8;
        error = copy_from_user(&context, at + offsetof(struct plain_frame, context),
                               sizeof(context));
        if (!error)
            error = copy_from_user(&mask_high, at + offsetof(struct plain_frame, mask_high),
                                   sizeof(mask_high));
    }
    if (!error)
        error = fpu_pop(context.fpu);
    if (error)
        return error;
    if (with_info && !on_stack(stack, context.esp_at_signal))
        *stack = words[1] & STACK_DISABLE ? (struct signal_stack){0, 0}
                                          : (struct signal_stack){words[0], words[2]};
    *mask = (signal_set)mask_high << 32 | context.mask_low;
    context_restore(registers, &context);
    *result = registers->eax;
    return 0;
}
