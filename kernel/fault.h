/* What becomes of faults: the functions that start-up code puts into arch_hooks. */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

#include "kernel/types.h"

int fault_user(uintptr_t address, bool write);
void fault_user_failed(int error, uintptr_t address);
void fault_user_exception(unsigned signal, int code, uintptr_t address);
void fault_double(void);

#endif
