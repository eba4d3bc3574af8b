/* From the kernel's hands to main() and from there to exit(): called by crt0.asm, never returns. */
#include <stdlib.h>
#include <sys/auxv.h>
#include "libc.h"

char **environ;
static const unsigned long *auxiliary_vector;

int main(int argc, char **argv, char **envp);
void libc_start(long *stack) __attribute__((noreturn));

/* From program.ld: functions to call before main and, in reverse order, at the end. */
typedef void (*start_function)(void);
extern start_function __preinit_array_start[], __preinit_array_end[];
extern start_function __init_array_start[], __init_array_end[];
extern start_function __fini_array_start[], __fini_array_end[];

static void
call_all(start_function *from, start_function *to)
{
    while (from < to)
        (*from++)();
}

static void
call_endings(void)
{
    start_function *function = __fini_array_end;

    while (function > __fini_array_start)
        (*--function)();
}

/* The value of an entry of the auxiliary vector (AT_PAGESZ …), 0 if there is none. */
unsigned long
getauxval(unsigned long type)
{
    for (const unsigned long *entry = auxiliary_vector; entry[0] != AT_NULL; entry += 2)
        if (entry[0] == type)
            return entry[1];
    return 0;
}

/* stack: argc, argv[argc], 0, envp[], 0, pairs of the auxiliary vector up to AT_NULL. */
void
libc_start(long *stack)
{
    int argc = stack[0];
    char **argv = (char **)&stack[1];
    char **end = environ = argv + argc + 1;

    while (*end)
        end++;
    auxiliary_vector = (const unsigned long *)(end + 1);
    libc_context_start(auxiliary_vector, _GLOBAL_REENT);
    atexit(call_endings);
    call_all(__preinit_array_start, __preinit_array_end);
    call_all(__init_array_start, __init_array_end);
    exit(main(argc, argv, environ));
}
