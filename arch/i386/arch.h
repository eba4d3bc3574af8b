/* All that the portable kernel may call of the CPU-specific floor. Host unit tests put their own
 * arch.h before this one on the include path, so the portable files must name nothing else of
 * arch/i386 (drivers may also include io.h). */
#ifndef ARCH_H
#define ARCH_H

#include "kernel/types.h"

/* ---- Interrupt flag. Sections nest; they are short, and nothing sleeps inside one. ---- */

typedef unsigned long interrupt_state;

static inline interrupt_state
interrupts_save(void)
{
    interrupt_state flags;
    __asm__ volatile("pushf; pop %0; cli" : "=rm"(flags)::"memory");
    return flags;
}

/* For schedule(), which knows that they were on: turns them off, and says whether they were on. */
static inline bool
interrupts_turn_off(void)
{
    return interrupts_save() & 0x200;
}
static inline void
interrupts_turn_on(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static inline void
interrupts_restore(interrupt_state flags)
{
    __asm__ volatile("push %0; popf" ::"rm"(flags) : "memory", "cc");
}

#define INTERRUPTS_ENABLED 0x202ul /* for interrupts_restore */
#define INTERRUPT_FLAG 0x200ul     /* in an interrupt_state: they were on */

static inline bool
interrupts_enabled(void)
{
    unsigned long flags;
    __asm__ volatile("pushf; pop %0" : "=rm"(flags));
    return flags & 0x200; /* EFLAGS.IF, [IA32-1] 3.4.3 */
}

static inline void
interrupts_leave_scope(const interrupt_state *flags)
{
    interrupts_restore(*flags);
}

/* From here to the end of the enclosing block interrupts are off, however the block is left. */
#define INTERRUPTS_OFF_SCOPE()                                                                     \
    __attribute__((cleanup(interrupts_leave_scope), unused)) interrupt_state interrupt_scope =     \
        interrupts_save()

/* Called with interrupts off: waits for one, with no gap in which it could be missed, lets it be
 * served, and returns with interrupts off. */
void cpu_wait_for_interrupt(void);

/* What was stored before it is seen before what is stored after it. (One i386 needs only that the
 * compiler keeps the order: [IA32-3] 8.2.) */
static inline void
memory_barrier(void)
{
    __asm__ volatile("" ::: "memory");
}

/* ---- Interrupt lines (0 to 15). A handler runs on the interrupt stack with interrupts off; it
 * records, wakes and starts the device's next request, and returns whether the interrupt was its
 * device's (lines may be shared). ---- */

struct interrupt_handler {
    bool (*handle)(void *argument);
    void *argument;
    struct interrupt_handler *next;
};
/* Links the handler (storage stays the caller's, for ever) and opens the line. */
void interrupt_register(unsigned line, struct interrupt_handler *handler);
bool interrupt_running(void); /* inside a handler? */
bool interrupt_from_user(void); /* in a handler: was it user mode that was interrupted? */

/* ---- Time: nanoseconds since boot, monotonic; any context. ---- */

u64 time_now_ns(void);
u64 time_boot_unix_ns(void); /* the wall clock's time at time_now_ns() == 0, from the RTC */
void time_set_boot_unix_ns(u64 time);
u64 time_cycles(void);       /* the CPU's time-stamp counter */
/* Busy waiting, for device settling times up to 100 us. */
void time_delay_us(unsigned microseconds);

/* ---- User memory. Each returns 0, -EFAULT, or why bringing the page in was given up (cancelled, -EAGAIN
 * if it may not sleep); each may fault and so may sleep: no mutex but a file's position lock may be held.
 * Works from any fibril of a task that has an address space. ---- */

int copy_from_user(void *to, const void USER *from, size_t size) MUST_CHECK;
int copy_to_user(void USER *to, const void *from, size_t size) MUST_CHECK;
int clear_user(void USER *to, size_t size) MUST_CHECK;
/* Few words, a number that the compiler knows, in the shortest time; aligned or not. */
static inline int user_read_words(u32 *to, const void USER *from, unsigned count) MUST_CHECK;
static inline int user_write_word(void USER *to, u32 value) MUST_CHECK;
/* In one step: if the aligned word is *seen it becomes `new`; *seen is then what it was. */
int user_compare_exchange(u32 USER *word, u32 *seen, u32 new) MUST_CHECK;
/* Copies a string with its zero. 0, -EFAULT, or -ENAMETOOLONG if there is no zero in `size` bytes. */
int copy_string_from_user(char *to, const char USER *from, size_t size) MUST_CHECK;
/* Is [address, address+size) inside user space? (Says nothing about what is mapped there.) */
bool user_range_valid(const void USER *address, size_t size);

/* ---- Physical memory: the direct map. ---- */

#define DIRECT_MAP_BASE 0x80000000u
static inline void *
physical_to_virtual(u32 physical)
{
    return (void *)(uintptr_t)(physical + DIRECT_MAP_BASE);
}
static inline u32
virtual_to_physical(const void *address)
{
    return (u32)(uintptr_t)address - DIRECT_MAP_BASE;
}
/* Maps device registers, uncached; for ever. NULL if the window is full. */
volatile void *device_map(u32 physical, size_t size);

/* ---- Page directories of user address spaces (kernel half shared, made at boot). ---- */

typedef u32 page_directory; /* its physical address; 0 is none */
#define MAP_WRITE 1u
#define MAP_HIDDEN 2u /* kept, but any access faults */
int page_directory_create(page_directory *directory);
void page_directory_destroy(page_directory directory); /* page tables too; the pages must be gone */
void page_directory_load(page_directory directory);    /* 0: the kernel's own */
/* Makes `virtual` show the physical page. -ENOMEM when there is no page for a page table. */
int page_map(page_directory directory, uintptr_t virtual, u32 physical, unsigned flags) MUST_CHECK;
/* Returns the physical page that was there, or 0. */
u32 page_unmap(page_directory directory, uintptr_t virtual);
/* The first address in [virtual, end) that shows a page, or `end`. */
uintptr_t page_next_mapped(page_directory directory, uintptr_t virtual, uintptr_t end);
u32 page_lookup(page_directory directory, uintptr_t virtual, unsigned *flags);
void page_protect(page_directory directory, uintptr_t virtual, unsigned flags);

/* ---- Fibril stacks and the switch. ---- */

struct fibril;
/* Number of 8 KiB slots: the lower page never mapped, the upper one the stack. */
unsigned stack_slot_count(void);
void *stack_slot_base(unsigned slot); /* lowest address of the slot's stack page */
void stack_slot_map(unsigned slot, u32 physical);
u32 stack_slot_unmap(unsigned slot);

/* Stores the running fibril's stack pointer in *from and continues on the stack `to`; returns when
 * somebody switches back. Interrupts off. All that must survive lies on the stack: the compiler has
 * saved what it needs, because every register is named as changed; the frame pointer and the place
 * to continue at are pushed here. */
static inline void
context_switch(void **from, void *to)
{
    __asm__ volatile("push %%ebp\n\t"
                     "push $1f\n\t"
                     "mov %%esp, (%0)\n\t"
                     "mov %1, %%esp\n\t"
                     "ret\n"
                     "1: pop %%ebp"
                     : "+a"(from), "+d"(to)
                     :
                     : "ebx", "ecx", "esi", "edi", "memory", "cc");
}
/* Of a stack that was switched away from: where it continues, and its frame. */
static inline uintptr_t
context_saved(const void *stack, const uintptr_t **frame)
{
    const uintptr_t *words = stack;
    *frame = (const uintptr_t *)words[1];
    return words[0];
}
/* The stack pointer with which context_switch enters `entry` (never returns) on a fresh stack: below
 * it two zeros, where a caller's frame would be, end the chain of frames for backtraces. */
static inline void *
context_prepare(void *stack_top, void (*entry)(void))
{
    uintptr_t *words = (uintptr_t *)stack_top;
    *--words = 0;
    *--words = 0;
    *--words = (uintptr_t)entry;
    return words;
}
/* At every switch to a user fibril: where the CPU starts its stack when it enters the kernel. */
void context_set_kernel_stack(void *stack_top);
/* Is the stack pointer inside the page that begins at `bottom`? */
static inline bool
stack_pointer_above(const void *bottom)
{
    return (uintptr_t)__builtin_frame_address(0) - (uintptr_t)bottom < PAGE_SIZE;
}

/* ---- What user mode has of its own beside the registers: TLS descriptors, FPU and SSE state. A user
 * fibril owns one; it is brought in when that fibril is switched to, lazily where it can be. ---- */

struct user_context;
struct user_context *user_context_create(void); /* NULL: out of memory */
struct user_context *user_context_copy(struct user_context *from); /* for clone; NULL */
void user_context_destroy(struct user_context *context);
void user_context_reset(struct user_context *context); /* for exec: as new */
/* The running user fibril's FPU state goes to its stack at *stack_pointer, which moves down: *address is
 * where, or 0 if it has none; its state is then as new. And back again from there (0: as new), whatever
 * lies there. 0 or -EFAULT. */
int fpu_frame_push(u32 *stack_pointer, u32 *address);
int fpu_frame_pop(u32 address);
void user_context_load(struct user_context *context); /* interrupts off */
/* For a user fibril that goes on where another has been: its TLS descriptors and segments. Interrupts
 * off; `from` is the loaded one. */
void user_context_copy_segments(struct user_context *to, const struct user_context *from);
/* The running user fibril's state in user mode, whole: the general registers, where it goes on, and what
 * fs and gs show, made legal, whatever they are; the other segments and the flags are a new program's.
 * `result` goes to eax. */
struct user_state {
    u32 ebx, esi, edi, ebp, stack, instruction, fs, gs;
};
void user_state_set(const struct user_state *state, u32 result);
/* set_thread_area: the 16 bytes of a struct user_desc (Linux, asm/ldt.h); entry -1 picks a free one
 * and writes it back. 0 or -EINVAL, -ESRCH (none free). */
int user_context_set_tls(struct user_context *context, u32 descriptor[4]);
/* get_thread_area: fills in what the entry descriptor[0] has. 0 or -EINVAL. */
int user_context_get_tls(const struct user_context *context, u32 descriptor[4]);
/* Enters user mode for the first time, on the running user fibril. */
NORETURN void user_start(uintptr_t instruction, uintptr_t stack);
/* For clone: `child`, a user fibril that has not run, will return to user mode as the running one does,
 * with result 0 and, if it is not 0, another stack; by calling user_resume(). */
void user_frame_copy(struct fibril *child, uintptr_t stack);
NORETURN void user_resume(void);
/* For exec: the running user fibril's next return to user mode begins a program. */
void user_frame_reset(uintptr_t instruction, uintptr_t stack);
struct registers;
uintptr_t user_stack_pointer(void); /* the running user fibril's, in user mode */
struct registers *user_frame(struct fibril *fibril); /* of a user fibril in a system call */

/* ---- The machine. ---- */

#define PROCESSOR_FLAGS_MOST 24
struct processor_description {
    char vendor[13], name[49]; /* with a zero; the name may be empty */
    u32 family, model, stepping;
    unsigned flag_count;
    const char *flags[PROCESSOR_FLAGS_MOST]; /* as /proc/cpuinfo names them */
};
void processor_describe(struct processor_description *processor);

/* Where the double fault that is being served came from. */
void double_fault_describe(uintptr_t *instruction, uintptr_t *frame, uintptr_t *address);
NORETURN void machine_halt(void);
/* Ends the emulator with this status where that is possible (isa-debug-exit), else powers off. */
NORETURN void machine_exit(unsigned status);
NORETURN void machine_power_off(void);
/* The function at this address, and how far into it; "?" if there is none. */
const char *symbol_find(uintptr_t address, uintptr_t *offset);
/* Prints (through log_line) the callers of this function, with symbols; at most `depth`. */
void backtrace_print(const void *frame, unsigned depth);
/* The same from a saved state: the interrupted function first. */
void backtrace_print_from(uintptr_t instruction, const void *frame, unsigned depth);

/* ---- The inline ones: as those in user_copy.asm. The fibril's copy_recovery is its second word. ---- */

#define USER_COPY_END 0x80000000u
int user_copy_failed(void); /* the recovery is over: -EFAULT */

static ALWAYS_INLINE int
user_read_words(u32 *to, const void USER *from, unsigned count)
{
    if (unlikely((uintptr_t)from > USER_COPY_END - 4 * count))
        return user_copy_failed();
    __asm__ goto("mov cpu, %%edx\n\t"
                 "movl $%l[fault], 4(%%edx)\n\t"
                 ".set user_word, 0\n\t"
                 ".rept %c2\n\t"
                 "mov user_word(%1), %%eax\n\t"
                 "mov %%eax, user_word(%0)\n\t"
                 ".set user_word, user_word + 4\n\t"
                 ".endr\n\t"
                 "movl $0, 4(%%edx)"
                 :
                 : "r"(to), "r"(from), "i"(count)
                 : "eax", "edx", "memory"
                 : fault);
    return 0;
fault:
    return user_copy_failed();
}

static ALWAYS_INLINE int
user_write_word(void USER *to, u32 value)
{
    if (unlikely((uintptr_t)to > USER_COPY_END - 4))
        return user_copy_failed();
    __asm__ goto("mov cpu, %%edx\n\t"
                 "movl $%l[fault], 4(%%edx)\n\t"
                 "mov %1, (%0)\n\t"
                 "movl $0, 4(%%edx)"
                 :
                 : "r"(to), "r"(value)
                 : "edx", "memory"
                 : fault);
    return 0;
fault:
    return user_copy_failed();
}

#endif
