/* Instructions and registers of the CPU, and what the files of this folder know of each other. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include "arch/i386/hooks.h"
#include "kernel/types.h"

static inline u32
cpu_read_cr0(void)
{
    u32 value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}
static inline void
cpu_write_cr0(u32 value)
{
    __asm__ volatile("mov %0, %%cr0" ::"r"(value));
}
static inline u32
cpu_read_cr2(void)
{
    u32 value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
static inline u32
cpu_read_cr3(void)
{
    u32 value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}
static inline void
cpu_write_cr3(u32 value)
{
    __asm__ volatile("mov %0, %%cr3" ::"r"(value) : "memory");
}
static inline u32
cpu_read_cr4(void)
{
    u32 value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}
static inline void
cpu_write_cr4(u32 value)
{
    __asm__ volatile("mov %0, %%cr4" ::"r"(value));
}
static inline void
cpu_invalidate_page(uintptr_t address)
{
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}
static inline void
cpu_identify(u32 leaf, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
    __asm__ volatile("cpuid" : "=a"(*eax), "=b"(*ebx), "=c"(*ecx), "=d"(*edx) : "a"(leaf), "c"(0));
}
static inline u64
cpu_read_tsc(void)
{
    u64 value;
    __asm__ volatile("rdtsc" : "=A"(value));
    return value;
}

#define CR0_MONITOR 0x2
#define CR0_EMULATE 0x4
#define CR0_TASK_SWITCHED 0x8
#define CR0_NUMERIC_ERROR 0x20
#define CR4_FXSR 0x200
#define CR4_SIMD_EXCEPTIONS 0x400

/* The task-state segment; only esp0 is used, and all of it by the double-fault report.
 * [IA32-3] 8.2.1 */
struct task_state {
    u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    u32 eax, ecx, edx, ebx, esp, ebp, esi, edi, es, cs, ss, ds, fs, gs, ldt;
    u16 trap, io_map;
};
extern struct task_state task_state;
void gdt_set_tls(const u64 descriptors[3]);

void descriptors_init(void);
void interrupt_controller_init(void);
void paging_init(u32 memory_end); /* physical end of the memory in the direct map */
void clock_init(void);
void fpu_init(void); /* panics by name without FXSR */
bool fpu_unavailable(void); /* #NM: loads the running user fibril's state */
int fpu_error_code(bool simd); /* si_code of the running program's floating-point exception */

/* user_context.c: the FPU state, 512 bytes as FXSAVE stores it, where it can be read and changed until
 * the return to user mode. Whoever has changed it says so; that leaves nothing in it that would fault. */
bool user_context_fpu_used(const struct user_context *context);
void *user_context_fpu_image(struct user_context *context);
void user_context_fpu_changed(struct user_context *context);
void user_context_fpu_clear(struct user_context *context); /* as new */

u32 selector_legal(u32 selector); /* signal_frame.c: one that user mode may have in ds, es, fs and gs */

extern u32 kernel_page_directory[1024];

/* traps.asm */
extern const uintptr_t trap_vectors[48];
void syscall_entry(void);
void double_fault_entry(void);
extern u8 double_fault_stack_top[], interrupt_stack_bottom[], interrupt_stack_top[];
NORETURN void user_enter(const struct registers *frame);
void trap_dispatch(struct registers *registers);
void interrupt_dispatch(struct registers *registers);
void return_to_user_work(struct registers *registers);
NORETURN void esp0_mismatch(void);

/* user_copy.asm */
size_t user_copy_string(char *to, const char *from, size_t size);

#endif
