/* Three calls at once: nanosleep for 30, 20 and 10 ms, started together and done after 30 ms, the
 * shortest first. The sample for <fibril/asys.h>. */
#include <fibril/asys.h>
#include <fibril/kernel_types.h>
#include <stdio.h>
#include <sys/syscall.h>

int
main(void)
{
    struct kernel_timespec naps[3] = {{0, 30000000}, {0, 20000000}, {0, 10000000}};
    struct asys_input inputs[3];
    struct asys_completion done;
    unsigned long args[3][2];

    for (int i = 0; i < 3; i++) {
        args[i][0] = (unsigned long)&naps[i];
        args[i][1] = 0;
        inputs[i] = (struct asys_input){SYS_nanosleep, i, 2, args[i]};
    }
    printf("started %ld calls\n", asys_submit(inputs, 3));
    for (int i = 0; i < 3 && asys_await_completion(&done) == 1; i++)
        printf("nap %lu ended with %ld\n", done.cookie, done.return_code);
    return 0;
}
