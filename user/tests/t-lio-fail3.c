/* t-lio-fail3: the worst fault of the patch of 2006 (L7), in one line: three requests on a descriptor that
 * is not open, with a signal for the list. Prints
 *     returned=3 events=3 res=-9,-9,-9 signals=1
 * There it was: returned 3, no event at all, and the signal. */
#include "aio_test.h"

static volatile int signals;

static void
count_signal(int number)
{
    (void)number;
    signals++;
}

int
main(void)
{
    struct iocb iocbs[3], *list[3];
    struct io_event events[4] = {{0}};
    struct sigevent told = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGNAL_USR1};
    unsigned id = aio_setup(4);

    test_set_handler(SIGNAL_USR1, count_signal, SIGNAL_RESTART);
    for (int i = 0; i < 3; i++) {
        iocbs[i] = aio_request(IOCB_CMD_PREAD, 12345, iocbs, 1, 0);
        list[i] = &iocbs[i];
    }
    long returned = sys_lio_submit(id, AIO_LIO_NOWAIT, 3, list, &told);
    long count = aio_events(id, events, 4);
    printf("returned=%ld events=%ld res=%d,%d,%d signals=%d\n", returned, count, (int)events[0].res,
           (int)events[1].res, (int)events[2].res, signals);
    return !(returned == 3 && count == 3 && signals == 1);
}
