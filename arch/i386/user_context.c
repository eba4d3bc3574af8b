/* What user mode has of its own beside the registers: TLS descriptors, the segment registers that
 * point to them, and FPU and SSE state. Kernel code uses none of these, so they are exchanged only
 * when a *different* user context is entered: descriptors and selectors at the switch, the FPU when
 * it is first used (CR0.TS, #NM). Switches among call fibrils never come here. */
#include "arch.h"
#include "arch/i386/cpu.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/string.h"

#define FXSAVE_BYTES 512
#define FXSAVE_ALIGN 16
#define FXSR_BIT (1u << 24)  /* CPUID leaf 1, edx: [IA32-2] CPUID */
#define SSE_BIT (1u << 25)
#define PSE_BIT (1u << 3)
#define TSC_BIT (1u << 4)
#define MXCSR_MASK_DEFAULT 0xffbfu
#define FXSAVE_MXCSR 6 /* 32-bit words into the area: [IA32-1] 10.5.1 */
#define FXSAVE_MXCSR_MASK 7

struct user_context {
    u64 tls[3];
    u16 fs, gs;
    bool fpu_used;
    u8 fpu_area[FXSAVE_BYTES + FXSAVE_ALIGN];
};

/* The state in which a program begins, as FXSAVE stores it ([IA32-1] 10.5.1): control word 0x37f, all
 * registers empty and zero, MXCSR 0x1f80. So nobody sees what another left in them. */
static const u8 fpu_initial[FXSAVE_BYTES] __attribute__((aligned(FXSAVE_ALIGN))) = {
    [0] = 0x7f, [1] = 0x03, [24] = 0x80, [25] = 0x1f};

static struct user_context *loaded;    /* whose descriptors and selectors are in */
static struct user_context *fpu_owner; /* whose state is in the FPU */
static u32 mxcsr_mask = MXCSR_MASK_DEFAULT;

static void *
fpu_area(struct user_context *context)
{
    return (void *)ALIGN_UP((uintptr_t)context->fpu_area, (uintptr_t)FXSAVE_ALIGN);
}

/* Which bits of MXCSR there are: [IA32-1] 11.6.6. */
static void
mxcsr_mask_read(void)
{
    static u32 image[FXSAVE_BYTES / 4] __attribute__((aligned(FXSAVE_ALIGN)));
    __asm__ volatile("fxsave (%0)" ::"r"(image) : "memory");
    if (image[FXSAVE_MXCSR_MASK])
        mxcsr_mask = image[FXSAVE_MXCSR_MASK];
}

void
fpu_init(void)
{
    u32 eax, ebx, ecx, edx;
    cpu_identify(1, &eax, &ebx, &ecx, &edx);
    if (!(edx & FXSR_BIT) || !(edx & PSE_BIT) || !(edx & TSC_BIT))
        arch_hooks.panic("this CPU lacks %s, which Fibril needs", !(edx & FXSR_BIT)  ? "FXSR"
                                                       : !(edx & PSE_BIT) ? "PSE"
                                                                          : "TSC");
    cpu_write_cr4(cpu_read_cr4() | CR4_FXSR | (edx & SSE_BIT ? CR4_SIMD_EXCEPTIONS : 0));
    u32 cr0 = cpu_read_cr0() & ~CR0_EMULATE;
    cpu_write_cr0(cr0 & ~CR0_TASK_SWITCHED);
    mxcsr_mask_read();
    cpu_write_cr0(cr0 | CR0_MONITOR | CR0_NUMERIC_ERROR | CR0_TASK_SWITCHED);
}

bool
fpu_unavailable(void)
{
    struct user_context *context = loaded;
    if (!(cpu_read_cr0() & CR0_TASK_SWITCHED) || !context)
        return false;
    __asm__ volatile("clts");
    if (fpu_owner == context)
        return true;
    if (fpu_owner)
        __asm__ volatile("fxsave (%0)" ::"r"(fpu_area(fpu_owner)) : "memory");
    const void *area = context->fpu_used ? fpu_area(context) : fpu_initial;
    __asm__ volatile("fxrstor (%0)" ::"r"(area) : "memory");
    context->fpu_used = true;
    fpu_owner = context;
    return true;
}

struct user_context *
user_context_create(void)
{
    return arch_hooks.memory_take(sizeof(struct user_context));
}

/* Brings the FPU's registers into the owner's area, where they can be read and changed. Interrupts
 * off. */
static void
fpu_flush(struct user_context *context)
{
    if (fpu_owner != context)
        return;
    __asm__ volatile("clts");
    __asm__ volatile("fxsave (%0)" ::"r"(fpu_area(context)) : "memory");
    fpu_owner = NULL;
    cpu_write_cr0(cpu_read_cr0() | CR0_TASK_SWITCHED);
}

struct user_context *
user_context_copy(struct user_context *from)
{
    struct user_context *copy = user_context_create();
    if (!copy)
        return NULL;
    INTERRUPTS_OFF_SCOPE();
    fpu_flush(from);
    for (int i = 0; i < 3; i++)
        copy->tls[i] = from->tls[i];
    if (loaded == from)
        __asm__ volatile("mov %%fs, %0; mov %%gs, %1" : "=m"(from->fs), "=m"(from->gs));
    copy->fs = from->fs;
    copy->gs = from->gs;
    copy->fpu_used = from->fpu_used;
    if (from->fpu_used)
        memcpy(fpu_area(copy), fpu_area(from), FXSAVE_BYTES);
    return copy;
}

void
user_context_reset(struct user_context *context)
{
    INTERRUPTS_OFF_SCOPE();
    fpu_flush(context);
    context->fpu_used = false;
    for (int i = 0; i < 3; i++)
        context->tls[i] = 0;
    context->fs = context->gs = 0;
    if (loaded != context)
        return;
    gdt_set_tls(context->tls);
    __asm__ volatile("mov %0, %%fs; mov %0, %%gs" ::"r"(0));
}

bool
user_context_fpu_used(const struct user_context *context)
{
    return context->fpu_used;
}

void *
user_context_fpu_image(struct user_context *context)
{
    INTERRUPTS_OFF_SCOPE();
    fpu_flush(context);
    return fpu_area(context);
}

/* Reserved bits of MXCSR would be a general protection fault: [IA32-1] 11.6.6. */
void
user_context_fpu_changed(struct user_context *context)
{
    ((u32 *)fpu_area(context))[FXSAVE_MXCSR] &= mxcsr_mask;
    context->fpu_used = true;
}

void
user_context_fpu_clear(struct user_context *context)
{
    INTERRUPTS_OFF_SCOPE();
    fpu_flush(context);
    context->fpu_used = false;
}

void
user_context_destroy(struct user_context *context)
{
    if (!context)
        return;
    {
        INTERRUPTS_OFF_SCOPE();
        if (loaded == context) {
            __asm__ volatile("mov %0, %%fs; mov %0, %%gs" ::"r"(0));
            loaded = NULL;
        }
        if (fpu_owner == context) {
            cpu_write_cr0(cpu_read_cr0() | CR0_TASK_SWITCHED);
            fpu_owner = NULL;
        }
    }
    arch_hooks.memory_give(context);
}

void
user_context_load(struct user_context *context)
{
    if (loaded == context)
        return;
    if (loaded)
        __asm__ volatile("mov %%fs, %0; mov %%gs, %1" : "=m"(loaded->fs), "=m"(loaded->gs));
    gdt_set_tls(context->tls);
    __asm__ volatile("mov %0, %%fs; mov %1, %%gs" ::"m"(context->fs), "m"(context->gs));
    loaded = context;
    u32 cr0 = cpu_read_cr0();
    if (fpu_owner == context)
        cpu_write_cr0(cr0 & ~CR0_TASK_SWITCHED);
    else
        cpu_write_cr0(cr0 | CR0_TASK_SWITCHED);
}

void
user_context_copy_segments(struct user_context *to, const struct user_context *from)
{
    ARCH_ASSERT(loaded == from && loaded != to);
    for (int i = 0; i < 3; i++)
        to->tls[i] = from->tls[i];
    __asm__ volatile("mov %%fs, %0; mov %%gs, %1" : "=m"(to->fs), "=m"(to->gs));
}

void
user_state_set(const struct user_state *state, u32 result)
{
    struct registers *frame = user_frame(current_fibril());
    user_frame_reset(state->instruction, state->stack);
    frame->eax = result;
    frame->ebx = state->ebx;
    frame->esi = state->esi;
    frame->edi = state->edi;
    frame->ebp = state->ebp;
    u32 gs = selector_legal(state->gs), fs = selector_legal(state->fs);
    __asm__ volatile("mov %0, %%gs; mov %1, %%fs" ::"r"(gs), "r"(fs));
}

/* struct user_desc of Linux (asm/ldt.h): entry number, base, limit, flags. */
enum { DESC_ENTRY, DESC_BASE, DESC_LIMIT, DESC_FLAGS };
#define DESC_32BIT 1u
#define DESC_CONTENTS_SHIFT 1
#define DESC_READ_EXEC_ONLY 8u
#define DESC_LIMIT_IN_PAGES 16u
#define DESC_NOT_PRESENT 32u
#define DESC_USEABLE 64u
#define DESC_EMPTY (DESC_READ_EXEC_ONLY | DESC_NOT_PRESENT)

static u64
tls_descriptor(const u32 d[4])
{
    if (d[DESC_FLAGS] & DESC_NOT_PRESENT)
        return 0;
    u32 access = 0xf0 | ((d[DESC_FLAGS] >> DESC_CONTENTS_SHIFT & 3) << 2) |
                 (d[DESC_FLAGS] & DESC_READ_EXEC_ONLY ? 0 : 2);
    u32 flags = (d[DESC_FLAGS] & DESC_LIMIT_IN_PAGES ? 8 : 0) |
                (d[DESC_FLAGS] & DESC_32BIT ? 4 : 0) | (d[DESC_FLAGS] & DESC_USEABLE ? 1 : 0);
    u64 base = d[DESC_BASE], limit = d[DESC_LIMIT];
    return (limit & 0xffff) | (base & 0xffffff) << 16 | (u64)access << 40 |
           (limit >> 16 & 15) << 48 | (u64)flags << 52 | (base >> 24) << 56;
}

static int
tls_free_entry(const struct user_context *context)
{
    for (int i = 0; i < 3; i++)
        if (!context->tls[i])
            return GDT_TLS_INDEX + i;
    return -ESRCH;
}

/* Does the running program's stack lie in this segment? Its return to user mode would fault in the
 * kernel if the entry were no longer a writable segment. */
static bool
tls_holds_stack(const struct user_context *context, u32 entry)
{
    const struct fibril *self = current_fibril();
    const struct registers *frame = (const struct registers *)self->stack_top - 1;
    return self->user == context && frame->ss >> 3 == entry;
}

int
user_context_set_tls(struct user_context *context, u32 descriptor[4])
{
    u32 contents = descriptor[DESC_FLAGS] >> DESC_CONTENTS_SHIFT & 3;
    if (contents > 1) /* no code segments for users to make */
        return -EINVAL;
    if (descriptor[DESC_ENTRY] == ~0u) {
        int entry = tls_free_entry(context);
        if (entry < 0)
            return entry;
        descriptor[DESC_ENTRY] = entry;
    }
    u32 index = descriptor[DESC_ENTRY] - GDT_TLS_INDEX;
    if (index >= 3 || tls_holds_stack(context, descriptor[DESC_ENTRY]))
        return -EINVAL;
    INTERRUPTS_OFF_SCOPE();
    context->tls[index] = tls_descriptor(descriptor);
    if (loaded == context)
        gdt_set_tls(context->tls);
    return 0;
}

/* The reverse of tls_descriptor. */
int
user_context_get_tls(const struct user_context *context, u32 descriptor[4])
{
    u32 index = descriptor[DESC_ENTRY] - GDT_TLS_INDEX;
    if (index >= 3)
        return -EINVAL;
    u64 d = context->tls[index];
    u32 access = (u32)(d >> 40) & 0xff, flags = (u32)(d >> 52) & 15;
    descriptor[DESC_BASE] = (u32)(d >> 16 & 0xffffff) | (u32)(d >> 56) << 24;
    descriptor[DESC_LIMIT] = (u32)(d & 0xffff) | (u32)(d >> 48 & 15) << 16;
    descriptor[DESC_FLAGS] = !d ? DESC_EMPTY
                                : (flags & 4 ? DESC_32BIT : 0) |
                                      (access >> 2 & 3) << DESC_CONTENTS_SHIFT |
                                      (access & 2 ? 0 : DESC_READ_EXEC_ONLY) |
                                      (flags & 8 ? DESC_LIMIT_IN_PAGES : 0) |
                                      (flags & 1 ? DESC_USEABLE : 0);
    return 0;
}
