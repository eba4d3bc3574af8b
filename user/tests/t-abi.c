/* t-abi NUMBER[-NUMBER]…: makes each of these calls with arguments that fit nowhere, in a child of its own, and
 * says of each number whether it is there: a line `NUMBER there` or `NUMBER absent` (the answer was -ENOSYS).
 * Both all ones and all zeros must be answered so: some calls have commands of which some are absent. */
#include "attack.h"

#define PATIENCE_MS 3
#define NOTHING 12345 /* the call gave no result: it ended the child, or never returned */

static volatile long *answer;

static long
call(unsigned number, long argument)
{
    int pid;

    *answer = NOTHING;
    pid = fork();
    if (pid == 0) {
        volatile long *place = answer;
        attack_leave();
        *place = kernel_call6(number, argument, argument, argument, argument, argument, argument);
        sys_exit_group(0);
    }
    check(pid > 0);
    for (int waited = 0; waitpid(pid, NULL, WNOHANG) == 0; waited++) {
        if (waited == PATIENCE_MS)
            sys_kill(pid, SIGNAL_KILL);
        test_nap(1);
    }
    return *answer;
}

int
main(int argc, char **argv)
{
    answer = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 1; i < argc; i++) {
        char *end;
        unsigned long first = strtoul(argv[i], &end, 10);
        unsigned long last = *end == '-' ? strtoul(end + 1, NULL, 10) : first;
        for (unsigned long number = first; number <= last; number++) {
            bool absent = call(number, -1) == -ENOSYS && call(number, 0) == -ENOSYS;
            printf("%lu %s\n", number, absent ? "absent" : "there");
        }
    }
    return check_failures > 0;
}
