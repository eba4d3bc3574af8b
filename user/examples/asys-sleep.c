/* asys-sleep MILLISECONDS…: sleeps all these times at once and says which are over, as they end. A
 * nap whose turn has not come after two seconds ends by its deadline; after the first that is over
 * by itself, the last one given is cancelled. */
#include <errno.h>
#include <fibril/asys.h>
#include <fibril/kernel_types.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#define NAPS_MOST 64
#define LIMIT_NS 2000000000ull

int
main(int argc, char **argv)
{
    static struct kernel_timespec times[NAPS_MOST]; /* must live until the naps are over */
    struct asys_entry *last = NULL;
    struct asys_event event;
    struct asys queue;
    int naps = argc - 1;

    if (naps < 1 || naps > NAPS_MOST || asys_open(&queue, NAPS_MOST) < 0)
        return 2;
    for (int i = 0; i < naps; i++) {
        long milliseconds = atol(argv[i + 1]);
        times[i] = (struct kernel_timespec){milliseconds / 1000, milliseconds % 1000 * 1000000};
        last = asys_add(&queue, SYS_nanosleep, &times[i], NULL);
        asys_tag(asys_within(last, LIMIT_NS), argv[i + 1]);
    }
    asys_flag(last, ASYS_WANT_ID);
    asys_start(&queue);
    uint64_t last_id = last->id;

    while (asys_wait(&queue, &event, ASYS_FOREVER) == 1) { /* until nothing is left to wait for */
        const char *name = asys_pointer(&event);
        if (event.result == 0) {
            printf("%s ms: over\n", name);
            asys_cancel_call(queue.fd, last_id);
        } else {
            printf("%s ms: %s\n", name, event.result == -ETIME ? "too long" : "cancelled");
        }
    }
    asys_close(&queue);
    return 0;
}
