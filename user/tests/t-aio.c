/* t-aio [CASE…]: io_setup, io_submit, io_getevents, io_pgetevents, io_cancel, io_destroy, and the ring
 * that they share with the program, which may do to it what it likes. */
#include <poll.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "aio_test.h"

#define FILE_NAME "/tmp/t-aio"

static int
scratch_file(const char *text)
{
    int fd = sys_open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    check(fd >= 0);
    check_equal(sys_write(fd, text, strlen(text)), (long)strlen(text));
    return fd;
}

/* ---- Contexts ---- */

static void
setup_refuses(void)
{
    unsigned id = 1;
    check_equal(sys_io_setup(8, &id), -EINVAL);
    id = 0;
    check_equal(sys_io_setup(0, &id), -EINVAL);
    check_equal(sys_io_setup(0xffffffff, &id), -EINVAL);
    check_equal(sys_io_setup(1000000, &id), -EAGAIN);
    check_equal(sys_io_setup(8, NOWHERE), -EFAULT);
    check_equal(id, 0);
    check_equal(sys_io_destroy(0), -EINVAL);
    check_equal(sys_io_destroy(WORD(&id)), -EINVAL);
}

static void
ring_header_is_as_known(void)
{
    unsigned id = aio_setup(10);
    const struct aio_ring *ring = (const void *)id;
    check_equal(ring->magic, AIO_RING_MAGIC);
    check_equal(ring->header_length, 32);
    check_equal(ring->compat_features, 1);
    check_equal(ring->incompat_features, 0);
    check(ring->nr > 10);
    check_equal(ring->head, ring->tail);
    check_equal(sys_io_destroy(id), 0);
    check_equal(sys_io_destroy(id), -EINVAL);
}

static void
contexts_are_limited(void)
{
    unsigned ids[100] = {0}, made = 0;
    long error = 0;
    while (made < 100 && !(error = sys_io_setup(4000, &ids[made])))
        made++;
    check_equal(error, -EAGAIN);
    check(made >= 10 && made < 20);
    while (made > 0)
        check_equal(sys_io_destroy(ids[--made]), 0);
}

/* ---- Operations ---- */

static void
reads_and_writes(void)
{
    unsigned id = aio_setup(4);
    char buffer[16] = "";
    int fd = scratch_file("0123456789");
    struct iocb write = aio_request(IOCB_CMD_PWRITE, fd, "abc", 3, 4);
    struct iocb read = aio_request(IOCB_CMD_PREAD, fd, buffer, 15, 2);
    struct iocb *both[] = {&write, &read};
    write.aio_data = 0x123456789abcdefull;
    check_equal(sys_io_submit(id, 2, both), 2);
    aio_expect(id, &write, 3);
    aio_expect(id, &read, 8);
    check(strcmp(buffer, "23abc789") == 0);
    check_equal(sys_lseek(fd, 0, SEEK_CUR), 10);
    sys_close(fd);
    check_equal(sys_io_destroy(id), 0);
}

static void
vectors(void)
{
    unsigned id = aio_setup(4);
    char a[4] = "", b[8] = "";
    struct iovec to[2] = {{a, 3}, {b, 7}}, from[2] = {{"xy", 2}, {"z", 1}};
    int fd = scratch_file("0123456789");
    struct iocb write = aio_request(IOCB_CMD_PWRITEV, fd, from, 2, 1);
    struct iocb read = aio_request(IOCB_CMD_PREADV, fd, to, 2, 0);
    check_equal(aio_submit(id, &write), 1);
    aio_expect(id, &write, 3);
    check_equal(aio_submit(id, &read), 1);
    aio_expect(id, &read, 10);
    check(strcmp(a, "0xy") == 0 && strcmp(b, "z456789") == 0);
    sys_close(fd);
    check_equal(sys_io_destroy(id), 0);
}

static void
sync_noop_and_poll(void)
{
    unsigned id = aio_setup(4);
    int fd = scratch_file("x"), fds[2];
    struct iocb sync = aio_request(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
    struct iocb data = aio_request(IOCB_CMD_FDSYNC, fd, NULL, 0, 0);
    struct iocb nothing = aio_request(IOCB_CMD_NOOP, fd, NULL, 0, 0);
    struct iocb *three[] = {&sync, &data, &nothing};
    check_equal(sys_io_submit(id, 3, three), 3);
    for (int i = 0; i < 3; i++)
        aio_expect(id, three[i], 0);
    test_pipe(fds);
    struct iocb poll = aio_request(IOCB_CMD_POLL, fds[0], (void *)POLLIN, 0, 0);
    check_equal(aio_submit(id, &poll), 1);
    aio_expect_nothing(id);
    sys_write(fds[1], "x", 1);
    aio_expect(id, &poll, POLLIN);
    poll.aio_nbytes = 1;
    check_equal(aio_submit(id, &poll), -EINVAL);
    test_close_both(fds);
    sys_close(fd);
    check_equal(sys_io_destroy(id), 0);
}

/* What blocks is in progress, and ends in the order of its ends. */
static void
pipes(void)
{
    unsigned id = aio_setup(8);
    int one[2], two[2];
    char a = 0, b = 0;
    test_pipe(one);
    test_pipe(two);
    struct iocb first = aio_waiting(one, &a), second = aio_waiting(two, &b);
    struct iocb write = aio_request(IOCB_CMD_PWRITE, two[1], "2", 1, 0);
    struct iocb *all[] = {&first, &second, &write};
    check_equal(sys_io_submit(id, 3, all), 3);
    aio_expect(id, &write, 1);
    aio_expect(id, &second, 1);
    aio_expect_nothing(id);
    sys_write(one[1], "1", 1);
    aio_expect(id, &first, 1);
    check(a == '1' && b == '2');
    test_close_both(one);
    test_close_both(two);
    check_equal(sys_io_destroy(id), 0);
}

/* ---- Errors, in Linux's order ---- */

static void
submit_refuses(void)
{
    unsigned id = aio_setup(4);
    char byte;
    struct iocb good = aio_request(IOCB_CMD_PREAD, 0, &byte, 1, 0), *one = &good;
    struct iocb *nowhere = NOWHERE;
    check_equal(sys_io_submit(0, -1, NULL), -EINVAL);
    check_equal(sys_io_submit(0, 1, (void *)0xfffffff0), -EFAULT);
    check_equal(sys_io_submit(0, 0x40000000, &one), -EFAULT);
    check_equal(sys_io_submit(0x1000, 1, &one), -EINVAL);
    check_equal(sys_io_submit(id, 0, &one), 0);
    check_equal(sys_io_submit(id, 1, NOWHERE), -EFAULT);
    check_equal(sys_io_submit(id, 1, &nowhere), -EFAULT);
    check_equal(sys_io_destroy(id), 0);
}

static long
submit_changed(unsigned id, size_t offset, uint64_t value, size_t size)
{
    static char byte;
    struct iocb iocb = aio_request(IOCB_CMD_PREAD, 12345, &byte, 1, 0);
    memcpy((char *)&iocb + offset, &value, size);
    return aio_submit(id, &iocb);
}
#define CHANGED(id, field, value)                                                                  \
    submit_changed(id, offsetof(struct iocb, field), value, sizeof(((struct iocb *)0)->field))

static void
iocb_errors(void)
{
    unsigned id = aio_setup(4);
    int fd = scratch_file("x"), only_write = sys_open(FILE_NAME, O_WRONLY, 0);
    check_equal(CHANGED(id, aio_reserved2, 1), -EINVAL);
    check_equal(CHANGED(id, aio_flags, 0x80), -EINVAL);
    check_equal(CHANGED(id, aio_rw_flags, 0x8000), -EINVAL);
    check_equal(CHANGED(id, aio_buf, 1ull << 32), -EINVAL);
    check_equal(CHANGED(id, aio_nbytes, 1ull << 32), -EINVAL);
    check_equal(CHANGED(id, aio_nbytes, 0x80000000), -EINVAL);
    check_equal(CHANGED(id, aio_fildes, 12345), -EBADF);
    check_equal(CHANGED(id, aio_fildes, only_write), -EBADF);
    struct iocb bad = aio_request(4, fd, NULL, 0, 0);
    check_equal(aio_submit(id, &bad), -EINVAL);
    bad = aio_request(9, fd, NULL, 0, 0);
    check_equal(aio_submit(id, &bad), -EINVAL);
    bad = aio_request(65535, fd, NULL, 0, 0);
    check_equal(aio_submit(id, &bad), -EINVAL);
    bad = aio_request(IOCB_CMD_PREAD, fd, (void *)0xc0010000, 1, 0);
    check_equal(aio_submit(id, &bad), -EFAULT);
    bad = aio_request(IOCB_CMD_PREAD, fd, NULL, 0, 0);
    bad.aio_flags = IOCB_FLAG_RESFD;
    bad.aio_resfd = 12345;
    check_equal(aio_submit(id, &bad), -EBADF);
    bad.aio_resfd = fd;
    check_equal(aio_submit(id, &bad), -EINVAL);
    aio_expect_nothing(id);
    sys_close(fd);
    sys_close(only_write);
    check_equal(sys_io_destroy(id), 0);
}

/* The event is there before the counter says so. */
static void
resfd_counts(void)
{
    unsigned id = aio_setup(8);
    int counter = (int)sys_eventfd2(0, O_NONBLOCK), fds[2];
    unsigned long long count = 0;
    char byte;
    test_pipe(fds);
    struct iocb quick = aio_request(IOCB_CMD_NOOP, fds[0], NULL, 0, 0), waiting = aio_waiting(fds, &byte);
    struct iocb *both[] = {&quick, &waiting};
    quick.aio_flags = waiting.aio_flags = IOCB_FLAG_RESFD;
    quick.aio_resfd = waiting.aio_resfd = counter;
    check_equal(sys_io_submit(id, 2, both), 2);
    check_equal(sys_read(counter, &count, 8), 8);
    check_equal(count, 1);
    aio_expect(id, &quick, 0);
    check_equal(sys_read(counter, &count, 8), -EAGAIN);
    sys_close(counter); /* the request has it still */
    sys_write(fds[1], "x", 1);
    aio_expect(id, &waiting, 1);
    test_close_both(fds);
    check_equal(sys_io_destroy(id), 0);
}

/* A full counter stays full; the event is not lost. */
static void
resfd_full(void)
{
    unsigned id = aio_setup(8);
    int counter = (int)sys_eventfd2(0, O_NONBLOCK);
    unsigned long long most = 0xfffffffffffffffeull, count = 0;
    struct iocb quick = aio_request(IOCB_CMD_NOOP, counter, NULL, 0, 0);
    quick.aio_flags = IOCB_FLAG_RESFD;
    quick.aio_resfd = counter;
    check_equal(sys_write(counter, &most, 8), 8);
    for (int i = 0; i < 3; i++)
        check_equal(aio_submit(id, &quick), 1);
    check_equal(sys_read(counter, &count, 8), 8);
    check(count >= most);
    for (int i = 0; i < 3; i++)
        aio_expect(id, &quick, 0);
    sys_close(counter);
    check_equal(sys_io_destroy(id), 0);
}

/* The first error ends the list; the count so far is told. */
static void
partial_counts(void)
{
    unsigned id = aio_setup(8);
    int fd = scratch_file("x");
    struct iocb good = aio_request(IOCB_CMD_NOOP, fd, NULL, 0, 0), bad = good;
    struct iocb *list[] = {&good, &good, &bad, &good}, *cut[] = {&good, NOWHERE};
    struct io_event events[8];
    bad.aio_lio_opcode = 99;
    check_equal(sys_io_submit(id, 4, list), 2);
    check_equal(aio_events(id, events, 8), 2);
    check_equal(sys_io_submit(id, 2, cut), 1);
    check_equal(aio_events(id, events, 8), 1);
    sys_close(fd);
    check_equal(sys_io_destroy(id), 0);
}

static void
read_only_iocb_is_refused(void)
{
    unsigned id = aio_setup(8);
    struct iocb *iocb = test_map(PAGE);
    *iocb = aio_request(IOCB_CMD_NOOP, 0, NULL, 0, 0);
    check_equal(mprotect(iocb, PAGE, PROT_READ), 0);
    check_equal(aio_submit(id, iocb), -EFAULT);
    munmap(iocb, PAGE);
    check_equal(sys_io_destroy(id), 0);
}

/* A slot is taken from the submission until the event has been read. */
static void
slots(void)
{
    unsigned id = aio_setup(3), most = ((struct aio_ring *)id)->nr - 1, count = 0;
    static struct io_event events[300];
    int fd = scratch_file("x"), fds[2];
    char byte;
    struct iocb nothing = aio_request(IOCB_CMD_NOOP, fd, NULL, 0, 0), *one = &nothing;
    test_pipe(fds);
    struct iocb waiting = aio_waiting(fds, &byte);
    check_equal(aio_submit(id, &waiting), 1);
    while (sys_io_submit(id, 1, &one) == 1 && count < 1000)
        count++;
    check_equal(count, most - 1);
    check_equal(sys_io_submit(id, 1, &one), -EAGAIN);
    check_equal(aio_events(id, events, 2), 2);
    check_equal(sys_io_submit(id, 1, &one), 1);
    check_equal(sys_io_submit(id, 1, &one), 1);
    check_equal(sys_io_submit(id, 1, &one), -EAGAIN);
    sys_write(fds[1], "x", 1);
    check_equal(sys_io_getevents(id, most, 300, events, NULL), most);
    check_equal(events[most - 1].obj, WORD(&waiting));
    aio_expect_nothing(id);
    test_close_both(fds);
    sys_close(fd);
    check_equal(sys_io_destroy(id), 0);
}

/* ---- Getting events ---- */

static void
getevents_refuses(void)
{
    unsigned id = aio_setup(3);
    struct io_event event;
    struct kernel_timespec odd = {0, 1000000000}, before = {-1, 0}, none = {0, 0};
    check_equal(sys_io_getevents(id, -1, 1, &event, &none), -EINVAL);
    check_equal(sys_io_getevents(id, 2, 1, &event, &none), -EINVAL);
    check_equal(sys_io_getevents(id, 0, 1, &event, &odd), -EINVAL);
    check_equal(sys_io_getevents(id, 0, 1, &event, &before), -EINVAL);
    check_equal(sys_io_getevents(id, 0, 1, &event, NOWHERE), -EFAULT);
    check_equal(sys_io_getevents(id + 4, 0, 1, &event, &none), -EINVAL);
    check_equal(sys_io_getevents(id, 0, 0, &event, NULL), 0);
    check_equal(sys_io_destroy(id), 0);
}

/* What could not be copied is still there. */
static void
faulting_copy_loses_nothing(void)
{
    unsigned id = aio_setup(8);
    int fd = scratch_file("x");
    struct iocb iocb[6], *list[6];
    struct io_event *events = (void *)(test_map_before_nothing() + PAGE - 3 * sizeof *events);
    for (int i = 0; i < 6; i++) {
        iocb[i] = aio_request(IOCB_CMD_NOOP, fd, NULL, 0, 0);
        iocb[i].aio_data = i;
        list[i] = &iocb[i];
    }
    check_equal(sys_io_submit(id, 6, list), 6);
    check_equal(aio_events(id, events, 6), -EFAULT);
    check_equal(aio_events(id, events, 3), 3);
    for (int i = 0; i < 3; i++)
        check_equal(events[i].data, i);
    for (int i = 3; i < 6; i++)
        aio_expect(id, &iocb[i], 0);
    sys_close(fd);
    check_equal(sys_io_destroy(id), 0);
}

static void
time_limit(void)
{
    unsigned id = aio_setup(8);
    int fd = scratch_file("x");
    struct iocb nothing = aio_request(IOCB_CMD_NOOP, fd, NULL, 0, 0);
    struct io_event events[4];
    struct kernel_timespec soon = {0, 20 * MILLISECOND};
    struct kernel_timespec64 wide = {0, 20 * MILLISECOND, 0};
    long long begin = test_now_ns();
    check_equal(aio_submit(id, &nothing), 1);
    check_equal(sys_io_getevents(id, 3, 4, events, &soon), 1);
    check(test_now_ns() - begin >= 20 * MILLISECOND);
    check_equal(sys_io_pgetevents_time64(id, 1, 4, events, &wide, NULL), 0);
    check(test_now_ns() - begin >= 40 * MILLISECOND);
    sys_close(fd);
    check_equal(sys_io_destroy(id), 0);
}

static volatile int signals_seen;

static void
count_signal(int number)
{
    (void)number;
    signals_seen++;
}

static void
pgetevents_has_a_mask(void)
{
    unsigned id = aio_setup(8);
    struct io_event event;
    unsigned long long all = ~0ull, none = 0;
    struct {
        const void *mask;
        unsigned size;
    } with = {&none, 8}, odd = {&none, 4};
    struct kernel_timespec soon = {0, 20 * MILLISECOND};
    signals_seen = 0;
    test_set_handler(SIGNAL_USR1, count_signal, SIGNAL_RESTART);
    check_equal(sys_rt_sigprocmask(SIG_BLOCK, &all, NULL, 8), 0);
    check_equal(sys_kill(sys_getpid(), SIGNAL_USR1), 0);
    check_equal(sys_io_getevents(id, 1, 1, &event, &soon), 0);
    check_equal(signals_seen, 0);
    check_equal(sys_io_pgetevents(id, 1, 1, &event, &soon, &odd), -EINVAL);
    check_equal(sys_io_pgetevents(id, 1, 1, &event, NULL, &with), -EINTR);
    check_equal(signals_seen, 1);
    check_equal(sys_rt_sigprocmask(SIG_SETMASK, &none, NULL, 8), 0);
    check_equal(sys_io_destroy(id), 0);
}

/* ---- The program takes events itself, and spoils what it can reach ---- */

static void
program_takes_events(void)
{
    unsigned id = aio_setup(8);
    volatile struct aio_ring *ring = (void *)id;
    const struct io_event *events = (const void *)(id + 32);
    int fd = scratch_file("x");
    for (unsigned i = 0; i < 5 * ring->nr; i++) {
        struct iocb nothing = aio_request(IOCB_CMD_NOOP, fd, NULL, 0, 0);
        nothing.aio_data = i;
        check_equal(aio_submit(id, &nothing), 1);
        check(ring->head != ring->tail);
        check_equal(events[ring->head].data, i);
        ring->head = (ring->head + 1) % ring->nr;
    }
    aio_expect_nothing(id);
    sys_close(fd);
    check_equal(sys_io_destroy(id), 0);
}

static void
nonsense_in_the_header(void)
{
    unsigned id = aio_setup(8);
    volatile struct aio_ring *ring = (void *)id;
    static struct io_event events[1000];
    int fd = scratch_file("x");
    struct iocb nothing = aio_request(IOCB_CMD_NOOP, fd, NULL, 0, 0), *one = &nothing;
    for (unsigned i = 0; i < 3000; i++) {
        ring->head = test_random() * 7919;
        ring->tail = test_random() * 104729;
        ring->nr = test_random();
        ring->header_length = test_random();
        long taken = sys_io_submit(id, 1, &one);
        check(taken == 1 || taken == -EAGAIN);
        long count = aio_events(id, events, 1000);
        check(count >= 0 && count < 1000);
    }
    sys_close(fd);
    check_equal(sys_io_destroy(id), 0);
}

static void
ring_gone_or_read_only(void)
{
    int fd = scratch_file("x");
    struct iocb nothing = aio_request(IOCB_CMD_NOOP, fd, NULL, 0, 0);
    unsigned id = aio_setup(8);
    check_equal(mprotect((void *)id, PAGE, PROT_READ), 0);
    check_equal(aio_submit(id, &nothing), 1);
    aio_expect(id, &nothing, 0);
    check_equal(munmap((void *)id, PAGE), 0);
    check_equal(aio_submit(id, &nothing), 1);
    aio_expect(id, &nothing, 0);
    /* Something else lies there now: it must not go with the context. */
    char *other = mmap((void *)id, PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    *other = 'x';
    check_equal(sys_io_destroy(id), 0);
    check_equal(*other, 'x');
    munmap(other, PAGE);
    sys_close(fd);
}

/* A ring that is moved takes the context's id with it. */
static void
ring_moved(void)
{
    int fd = scratch_file("x");
    struct iocb nothing = aio_request(IOCB_CMD_NOOP, fd, NULL, 0, 0);
    unsigned id = aio_setup(8), place = WORD(test_map(4 * PAGE)) + PAGE;
    check_equal(aio_submit(id, &nothing), 1);
    check_equal(sys_mremap(id, PAGE, PAGE, 3 /* MAYMOVE, FIXED */, place), place);
    aio_expect(place, &nothing, 0);
    struct io_event event;
    check_equal(aio_events(id, &event, 1), -EINVAL);
    check_equal(aio_submit(place, &nothing), 1);
    check_equal(((volatile struct aio_ring *)place)->tail, 2);
    aio_expect(place, &nothing, 0);
    check_equal(sys_io_destroy(place), 0);
    check_equal(sys_io_destroy(place), -EINVAL);
    munmap((void *)(place - PAGE), 4 * PAGE);
    sys_close(fd);
}

static void
proc_counts(void)
{
    long before = test_read_number("/proc/sys/fs/aio-nr", "");
    unsigned id = aio_setup(10);
    check_equal(test_read_number("/proc/sys/fs/aio-nr", ""), before + 10);
    check_equal(sys_io_destroy(id), 0);
    check_equal(test_read_number("/proc/sys/fs/aio-nr", ""), before);
    check(test_read_number("/proc/sys/fs/aio-max-nr", "") >= 65536);
}

/* ---- Cancelling, and ends ---- */

static void
cancel(void)
{
    unsigned id = aio_setup(8), other = aio_setup(8);
    int fds[2];
    char byte;
    struct io_event unused;
    test_pipe(fds);
    struct iocb waiting = aio_waiting(fds, &byte);
    check_equal(sys_io_cancel(id, &waiting, &unused), -EINVAL);
    check_equal(aio_submit(id, &waiting), 1);
    check_equal(sys_io_cancel(other, &waiting, &unused), -EINVAL);
    check_equal(sys_io_cancel(0, &waiting, &unused), -EINVAL);
    check_equal(sys_io_cancel(id, NOWHERE, &unused), -EFAULT);
    aio_expect_nothing(id);
    check_equal(sys_io_cancel(id, &waiting, &unused), -EINPROGRESS);
    aio_expect(id, &waiting, -ECANCELED);
    check_equal(sys_io_cancel(id, &waiting, &unused), -EINVAL);
    test_close_both(fds);
    check_equal(sys_io_destroy(id), 0);
    check_equal(sys_io_destroy(other), 0);
}

/* close does not end a read in progress. */
static void
closed_descriptor(void)
{
    unsigned id = aio_setup(8);
    int fds[2];
    char byte = 0;
    test_pipe(fds);
    struct iocb waiting = aio_waiting(fds, &byte);
    check_equal(aio_submit(id, &waiting), 1);
    sys_close(fds[0]);
    check_equal(sys_write(fds[1], "x", 1), 1);
    aio_expect(id, &waiting, 1);
    check_equal(byte, 'x');
    sys_close(fds[1]);
    check_equal(sys_io_destroy(id), 0);
}

#define MANY 500

static void
destroy_with_everything_in_flight(void)
{
    unsigned id = aio_setup(MANY);
    static struct iocb iocbs[MANY];
    static char bytes[MANY];
    int fds[2];
    test_pipe(fds);
    for (int i = 0; i < MANY; i++) {
        iocbs[i] = aio_waiting(fds, &bytes[i]);
        check_equal(aio_submit(id, &iocbs[i]), 1);
    }
    check_equal(test_fibrils(), MANY + 1);
    check_equal(sys_io_destroy(id), 0);
    check_equal(test_fibrils(), 1);
    sys_write(fds[1], "x", 1);
    check_equal(bytes[0], 0);
    test_close_both(fds);
}

/* A context that is destroyed wakes those who wait for its events. */
static void
destroy_wakes(void)
{
    unsigned id = aio_setup(8);
    struct io_event event;
    test_start(SYS_io_getevents, 5, id, 1, 1, WORD(&event));
    check_equal(sys_io_destroy(id), 0);
    check_equal(test_await().return_code, -EINVAL);
}

static void
child_has_no_context(void)
{
    unsigned id = aio_setup(8);
    struct io_event event;
    long pid = sys_fork();
    if (pid == 0) {
        if (aio_events(id, &event, 1) != -EINVAL || sys_io_destroy(id) != -EINVAL)
            sys_exit_group(1);
        *(volatile unsigned *)id; /* the ring is not there either */
        sys_exit_group(2);
    }
    check_equal(test_wait(pid), 11);
    check_equal(sys_io_destroy(id), 0);
}

/* Contexts, requests and rings go with the process, whatever is in progress. */
static void
exit_with_requests(void)
{
    for (int i = 0; i < 20; i++) {
        long pid = sys_fork();
        if (pid == 0) {
            int fds[2];
            char byte;
            unsigned id = aio_setup(8), more = aio_setup(100);
            test_pipe(fds);
            struct iocb waiting = aio_waiting(fds, &byte);
            aio_submit(id, &waiting);
            aio_submit(more, &waiting);
            sys_exit_group(0);
        }
        check_equal(test_wait(pid), 0);
    }
}

static const struct check_case cases[] = {
    {"setup_refuses", setup_refuses},
    {"ring_header_is_as_known", ring_header_is_as_known},
    {"contexts_are_limited", contexts_are_limited},
    {"reads_and_writes", reads_and_writes},
    {"vectors", vectors},
    {"sync_noop_and_poll", sync_noop_and_poll},
    {"pipes", pipes},
    {"submit_refuses", submit_refuses},
    {"iocb_errors", iocb_errors},
    {"resfd_counts", resfd_counts},
    {"resfd_full", resfd_full},
    {"partial_counts", partial_counts},
    {"read_only_iocb_is_refused", read_only_iocb_is_refused},
    {"slots", slots},
    {"getevents_refuses", getevents_refuses},
    {"faulting_copy_loses_nothing", faulting_copy_loses_nothing},
    {"time_limit", time_limit},
    {"pgetevents_has_a_mask", pgetevents_has_a_mask},
    {"program_takes_events", program_takes_events},
    {"nonsense_in_the_header", nonsense_in_the_header},
    {"ring_gone_or_read_only", ring_gone_or_read_only},
    {"ring_moved", ring_moved},
    {"proc_counts", proc_counts},
    {"cancel", cancel},
    {"closed_descriptor", closed_descriptor},
    {"destroy_with_everything_in_flight", destroy_with_everything_in_flight},
    {"destroy_wakes", destroy_wakes},
    {"child_has_no_context", child_has_no_context},
    {"exit_with_requests", exit_with_requests},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
