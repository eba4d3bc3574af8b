/* Tests that run inside the kernel, on fibrils of the task that reads their file under /proc: a line
 * "ok NAME" or "not ok NAME: why" for each. Nothing else should run meanwhile: they count what is
 * created and freed, and some measure time. */
#ifndef KERNEL_ASYNC_SELF_TEST_H
#define KERNEL_ASYNC_SELF_TEST_H

#include "fs/pseudo.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/mutex.h"
#include "kernel/task.h"

struct self_test {
    const char *name;
    const char *(*run)(void); /* NULL, or what did not hold */
};

#define SELF_TEST(function) {#function, function}

/* Ends a test function when the condition does not hold. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return #condition;                                                                     \
    } while (0)

static inline void
self_tests_run(struct text_buffer *text, const struct self_test *tests, unsigned count)
{
    static struct mutex mutex = MUTEX_INIT(mutex, "self_test");
    if (mutex_lock(&mutex))
        return;
    for (unsigned i = 0; i < count; i++) {
        current_task()->slice_left = 10; /* so that no turn of another task's falls into it */
        const char *why = tests[i].run();
        text_print(text, "%sok %s", why ? "not " : "", tests[i].name);
        text_print(text, why ? ": %s\n" : "%s\n", why ? why : "");
    }
    mutex_unlock(&mutex);
}

/* /proc/self_test_calls: runners and batches. */
void async_self_test_init(void);

#endif
