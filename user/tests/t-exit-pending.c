/* t-exit-pending: starts 64 calls of many kinds that block, and ends at once. The kernel must
 * cancel them, wait until each has unwound, and give back every page, object and fibril: `tools/run
 * --append repeat=10000 t-exit-pending` logs the difference. (A17; A6 for the timers.) */
#include <poll.h>
#include "test.h"

#define CALLS 64

static struct asys_input inputs[CALLS];
static unsigned long arguments[CALLS][6];
static unsigned count;

static void
add(int number, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    unsigned long *args = arguments[count];

    args[0] = a, args[1] = b, args[2] = c, args[3] = d;
    inputs[count] = test_input(number, count, 6, args);
    count++;
}

int
main(void)
{
    static struct kernel_timespec long_time = {1000, 0}, short_time = {0, MILLISECOND};
    static struct pollfd wanted[CALLS];
    static struct asys_completion completions[CALLS];
    static char buffers[CALLS][512], text[4096];
    static struct kernel_stat status[CALLS];
    int in[2], full[2], file;

    if (sys_pipe(in) || sys_pipe(full))
        return 1;
    file = sys_open("/bin/walk", O_RDONLY, 0);
    while (sys_write(full[1], text, sizeof text) == sizeof text && ++count < 16)
        ; /* 64 KiB: the next writer waits */
    test_write_file("/proc/sys/vm/drop_caches", "3");
    count = 0;
    for (int i = 0; count < CALLS; i++) {
        wanted[i] = (struct pollfd){in[0], POLLIN, 0};
        switch (i % 8) {
        case 0:
            add(SYS_nanosleep, WORD(&long_time), 0, 0, 0);
            break;
        case 1:
            add(SYS_nanosleep, WORD(&short_time), 0, 0, 0);
            break;
        case 2:
            add(SYS_read, in[0], WORD(buffers[i]), 512, 0);
            break;
        case 3:
            add(SYS_write, full[1], WORD(text), sizeof text, 0);
            break;
        case 4:
            add(SYS_poll, WORD(&wanted[i]), 1, -1, 0);
            break;
        case 5:
            add(SYS_openat, AT_FDCWD, WORD(i < 32 ? "/bin/cat" : "/bin/ls"), O_RDONLY, 0);
            break;
        case 6:
            add(SYS_pread64, file, WORD(buffers[i]), 512, i * 1000);
            break;
        case 7:
            if (i < 32)
                add(SYS_stat64, WORD("/demo/newlib-salsa/newlib/configure.host"), WORD(&status[i]),
                    0, 0);
            else
                add(SYS_asys_await_completion, WORD(&completions[i]), 0, 0, 0);
            break;
        }
    }
    return sys_asys_submit(inputs, CALLS) == CALLS ? 0 : 2;
}
