/* Descriptor tables: the GDT (flat segments, the task states, three TLS entries), the IDT, and the
 * two task states: the ordinary one, of which only esp0 is used, and that of the double fault, which
 * gets a stack of its own by a task gate, because a double fault means that the fibril's stack can no
 * longer be pushed to. Called once, by start-up. */
#include "arch.h"
#include "arch/i386/cpu.h"

/* [IA32-3] 3.4.5: access byte and flags of the descriptors. */
#define SEGMENT(access) (0x00cf00000000ffffull | (u64)(access) << 40)
#define ACCESS_KERNEL_CODE 0x9a
#define ACCESS_KERNEL_DATA 0x92
#define ACCESS_USER_CODE 0xfa
#define ACCESS_USER_DATA 0xf2
#define ACCESS_TASK_STATE 0x89

/* [IA32-3] 6.11: gate types. */
#define GATE_INTERRUPT 0x8e
#define GATE_TASK 0x85
#define GATE_FROM_USER 0x60

#define VECTOR_BREAKPOINT 3
#define VECTOR_OVERFLOW 4
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_SYSCALL 0x80

struct __attribute__((packed)) table_register {
    u16 limit;
    u32 base;
};

struct task_state task_state;
static struct task_state double_fault_state;
static u64 gdt[10];
static u64 idt[256];

static u64
task_state_descriptor(const struct task_state *state)
{
    u64 base = (u32)(uintptr_t)state;
    return (sizeof(*state) - 1) | (base & 0xffffff) << 16 | (u64)ACCESS_TASK_STATE << 40 |
           (base >> 24) << 56;
}

static void
idt_set(unsigned vector, uintptr_t handler, u16 selector, u8 type)
{
    idt[vector] = (u64)(handler & 0xffff0000u) << 32 | (u64)type << 40 | (u64)selector << 16 |
                  (handler & 0xffff);
}

/* An entry that user mode has given up stays loadable, with a limit of one byte, so that a selector
 * that still names it can never fault inside the kernel. */
void
gdt_set_tls(const u64 descriptors[3])
{
    for (unsigned i = 0; i < 3; i++)
        gdt[GDT_TLS_INDEX + i] = descriptors[i] ? descriptors[i] : (u64)ACCESS_USER_DATA << 40;
}

static void
task_states_init(void)
{
    task_state.ss0 = SELECTOR_KERNEL_DATA;
    task_state.io_map = sizeof(task_state);
    double_fault_state = (struct task_state){
        .cr3 = virtual_to_physical(kernel_page_directory),
        .eip = (u32)(uintptr_t)double_fault_entry,
        .eflags = EFLAGS_FIXED,
        .esp = (u32)(uintptr_t)double_fault_stack_top,
        .cs = SELECTOR_KERNEL_CODE,
        .ss = SELECTOR_KERNEL_DATA,
        .ds = SELECTOR_KERNEL_DATA,
        .es = SELECTOR_KERNEL_DATA,
        .io_map = sizeof(double_fault_state),
    };
}

void
descriptors_init(void)
{
    task_states_init();
    gdt[1] = SEGMENT(ACCESS_KERNEL_CODE);
    gdt[2] = SEGMENT(ACCESS_KERNEL_DATA);
    gdt[3] = SEGMENT(ACCESS_USER_CODE);
    gdt[4] = SEGMENT(ACCESS_USER_DATA);
    gdt[5] = task_state_descriptor(&task_state);
    gdt[6] = task_state_descriptor(&double_fault_state);
    gdt_set_tls((const u64[3]){0, 0, 0});

    for (unsigned vector = 0; vector < 48; vector++)
        idt_set(vector, trap_vectors[vector], SELECTOR_KERNEL_CODE,
                vector == VECTOR_BREAKPOINT || vector == VECTOR_OVERFLOW
                    ? GATE_INTERRUPT | GATE_FROM_USER
                    : GATE_INTERRUPT);
    idt_set(VECTOR_DOUBLE_FAULT, 0, SELECTOR_DOUBLE_FAULT, GATE_TASK);
    idt_set(VECTOR_SYSCALL, (uintptr_t)syscall_entry, SELECTOR_KERNEL_CODE,
            GATE_INTERRUPT | GATE_FROM_USER);

    struct table_register gdt_register = {sizeof(gdt) - 1, (u32)(uintptr_t)gdt};
    struct table_register idt_register = {sizeof(idt) - 1, (u32)(uintptr_t)idt};
    __asm__ volatile("lgdt %0\n\t"
                     "ljmp %2, $1f\n"
                     "1: mov %3, %%ds\n\tmov %3, %%es\n\tmov %3, %%ss\n\t"
                     "xor %%eax, %%eax\n\tmov %%ax, %%fs\n\tmov %%ax, %%gs\n\t"
                     "lidt %1\n\t"
                     "ltr %w4"
                     :
                     : "m"(gdt_register), "m"(idt_register), "i"(SELECTOR_KERNEL_CODE),
                       "r"(SELECTOR_KERNEL_DATA), "r"(SELECTOR_TASK)
                     : "eax", "memory");
}

void
context_set_kernel_stack(void *stack_top)
{
    task_state.esp0 = (u32)(uintptr_t)stack_top;
}
