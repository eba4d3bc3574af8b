/* FPU and SSE state on a signal handler's frame: Linux's struct _fpstate_32 (asm/sigcontext.h), which holds
 * it twice, as FSAVE stores it, for programs of old, and behind that as FXSAVE does. What comes back counts
 * where both have it as in the first, as in Linux. Formats: [IA32-1] 8.1.10 and 10.5.1. */
#include "arch.h"
#include "arch/i386/cpu.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/string.h"

#define STACK_REGISTERS 8
#define FRAME_ALIGN 64u

struct fxsave_image {
    u16 control, status;
    u8 used, reserved; /* a bit for each register that is not empty */
    u16 opcode;
    u32 instruction;
    u16 code_selector, reserved2;
    u32 data;
    u16 data_selector, reserved3;
    u32 mxcsr, mxcsr_mask;
    struct {
        u8 value[10], reserved[6];
    } stack[STACK_REGISTERS];
    u8 xmm[128], rest[224];
};
_Static_assert(sizeof(struct fxsave_image) == 512, "FXSAVE");

struct fsave_image {
    u32 control, status, tag, instruction, code_selector, data, data_selector;
    u8 stack[STACK_REGISTERS][10];
    u16 status_again, magic; /* 0: the FXSAVE image follows */
};
_Static_assert(sizeof(struct fsave_image) == 112, "_fpstate_32 without its second part");

/* ---- Tags: two bits for each register there, one here ---- */

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

static u32
tag_of(const u8 value[10])
{
    u16 exponent = (value[8] | value[9] << 8) & 0x7fff;
    u32 low, high;
    memcpy(&low, value, 4);
    memcpy(&high, value + 4, 4);
    if (exponent == 0)
        return low || high ? TAG_SPECIAL : TAG_ZERO;
    return exponent == 0x7fff || !(high & 0x80000000u) ? TAG_SPECIAL : TAG_VALID;
}

static u32
tags_widen(const struct fxsave_image *image)
{
    u32 top = image->status >> 11 & 7, tags = 0;
    for (u32 i = 0; i < STACK_REGISTERS; i++) {
        u32 tag = image->used & 1u << i ? tag_of(image->stack[(i - top) & 7].value) : TAG_EMPTY;
        tags |= tag << 2 * i;
    }
    return tags;
}

static u8
tags_narrow(u32 tags)
{
    u8 used = 0;
    for (u32 i = 0; i < STACK_REGISTERS; i++)
        if ((tags >> 2 * i & 3) != TAG_EMPTY)
            used |= 1u << i;
    return used;
}

/* ---- Into the frame ---- */

static void
fsave_fill(struct fsave_image *old, const struct fxsave_image *image)
{
    *old = (struct fsave_image){
        .control = 0xffff0000u | image->control,
        .status = 0xffff0000u | image->status,
        .tag = 0xffff0000u | tags_widen(image),
        .instruction = image->instruction,
        .code_selector = image->code_selector | (u32)image->opcode << 16,
        .data = image->data,
        .data_selector = 0xffff0000u | image->data_selector,
        .status_again = image->status,
    };
    for (u32 i = 0; i < STACK_REGISTERS; i++)
        memcpy(old->stack[i], image->stack[i].value, sizeof(old->stack[i]));
}

int
fpu_frame_push(u32 *stack_pointer, u32 *address)
{
    struct user_context *context = current_fibril()->user;
    struct fsave_image old;
    *address = 0;
    if (!user_context_fpu_used(context))
        return 0;
    const struct fxsave_image *image = user_context_fpu_image(context);
    u32 at = ALIGN_DOWN(*stack_pointer - sizeof(old) - sizeof(*image), FRAME_ALIGN);
    fsave_fill(&old, image);
    int error = copy_to_user((void USER *)(uintptr_t)at, &old, sizeof(old));
    if (!error)
        error = copy_to_user((u8 USER *)(uintptr_t)at + sizeof(old), image, sizeof(*image));
    if (error)
        return error;
    user_context_fpu_clear(context);
    *stack_pointer = *address = at;
    return 0;
}

/* ---- And back ---- */

static void
fsave_take(struct fxsave_image *image, const struct fsave_image *old)
{
    image->control = (u16)old->control;
    image->status = (u16)old->status;
    image->used = tags_narrow(old->tag);
    image->opcode = (u16)(old->code_selector >> 16) & 0x7ff;
    image->instruction = old->instruction;
    image->code_selector = (u16)old->code_selector;
    image->data = old->data;
    image->data_selector = (u16)old->data_selector;
    for (u32 i = 0; i < STACK_REGISTERS; i++)
        memcpy(image->stack[i].value, old->stack[i], sizeof(old->stack[i]));
}

int
fpu_frame_pop(u32 address)
{
    struct user_context *context = current_fibril()->user;
    const u8 USER *frame = (const u8 USER *)(uintptr_t)address;
    struct fsave_image old;
    if (!address) {
        user_context_fpu_clear(context);
        return 0;
    }
    int error = copy_from_user(&old, frame, sizeof(old));
    if (error)
        return error;
    struct fxsave_image *image = user_context_fpu_image(context);
    if (old.magic == 0)
        error = copy_from_user(image, frame + sizeof(old), sizeof(*image));
    fsave_take(image, &old);
    user_context_fpu_changed(context);
    return error;
}

/* ---- Exceptions: [IA32-1] 8.5 and 11.5.2; codes: asm-generic/siginfo.h ---- */

enum { CODE_DIVIDE = 3, CODE_OVERFLOW, CODE_UNDERFLOW, CODE_INEXACT, CODE_INVALID };

int
fpu_error_code(bool simd)
{
    const struct fxsave_image *image = user_context_fpu_image(current_fibril()->user);
    u32 raised = simd ? image->mxcsr & ~(image->mxcsr >> 7) : image->status & ~(u32)image->control;
    if (raised & 1)
        return CODE_INVALID;
    if (raised & 4)
        return CODE_DIVIDE;
    if (raised & 8)
        return CODE_OVERFLOW;
    return raised & 0x12 ? CODE_UNDERFLOW : raised & 0x20 ? CODE_INEXACT : 0;
}
