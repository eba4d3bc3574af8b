/* /proc/self_test: tests of switch, waiting, timers, mutexes, stacks and tasks that run inside the
 * kernel. See kernel/async/self_test.h for what its lines look like. */
#ifndef KERNEL_SYS_SELF_TEST_H
#define KERNEL_SYS_SELF_TEST_H

#include "kernel/async/self_test.h"

void self_test_init(void);
extern const struct self_test task_self_tests[]; /* self_test_tasks.c */
extern const unsigned task_self_test_count;

#endif
