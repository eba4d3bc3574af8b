// sources: fs/path.c fs/path_text.c fs/inode.c fs/name_cache.c fs/cache.c fs/file.c fs/file_lock.c fs/descriptor.c fs/iter.c fs/regular.c fs/directory.c fs/pipe.c fs/anonymous.c fs/poll.c tests/host/support/*.c
/* Pipes, poll, descriptor tables and iters. */
#include "arch.h"
#include "fs/anonymous.h"
#include "fs/cache.h"
#include "fs/descriptor.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pipe.h"
#include "fs/poll.h"
#include "host.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/task.h"
#include "kernel/wait.h"

static struct credentials credentials = {.references = 1};
static struct task task = {.credentials = &credentials};
static struct wait_queue movers_done = WAIT_QUEUE_INIT(movers_done, "movers");

/* A fibril that reads or writes once. */
struct mover {
    struct file *file;
    char *bytes;
    size_t size, moved;
    bool write, done;
    int error;
    struct fibril *fibril;
};

static int
move(struct file *file, void *bytes, size_t size, bool write, size_t *moved)
{
    struct iter iter;
    int error;

    iter_init_user(&iter, bytes, size);
    error = write ? file_write(file, &iter, NULL) : file_read(file, &iter, NULL);
    *moved = iter.done;
    return error;
}

static void
mover_main(void *argument)
{
    struct mover *mover = argument;
    mover->error = move(mover->file, mover->bytes, mover->size, mover->write, &mover->moved);
    mover->done = true;
    wake_up_all(&movers_done);
}

static void
mover_start(struct mover *mover, struct file *file, char *bytes, size_t size, bool write)
{
    *mover = (struct mover){.file = file, .bytes = bytes, .size = size, .write = write};
    mover->fibril = kernel_fibril_start(mover_main, mover);
}

/* What opening does with a file that could not be opened. */
static void
file_put_unopened(struct file *file)
{
    static const struct file_ops nothing;
    file->ops = &nothing;
    file_put(file);
}

static void
run_others(void)
{
    for (int i = 0; i < 8; i++)
        schedule_yield();
}

static void
bytes_go_through(void)
{
    struct file *reader, *writer;
    char bytes[16];
    size_t moved;
    CHECK(pipe_create(0, &reader, &writer) == 0);
    CHECK(move(writer, "hello", 5, true, &moved) == 0 && moved == 5);
    CHECK(move(reader, bytes, 3, false, &moved) == 0 && moved == 3 && !memcmp(bytes, "hel", 3));
    CHECK(move(reader, bytes, 9, false, &moved) == 0 && moved == 2 && !memcmp(bytes, "lo", 2));
    CHECK(move(reader, bytes, 1, true, &moved) == -EBADF);
    CHECK(move(writer, bytes, 1, false, &moved) == -EBADF);
    file_put(writer);
    CHECK(move(reader, bytes, 9, false, &moved) == 0 && moved == 0); /* the end */
    file_put(reader);
}

static void
a_reader_waits(void)
{
    struct file *reader, *writer;
    struct mover mover;
    char bytes[16];
    size_t moved;
    CHECK(pipe_create(0, &reader, &writer) == 0);
    mover_start(&mover, reader, bytes, sizeof bytes, false);
    run_others();
    CHECK(!mover.done);
    CHECK(move(writer, "x", 1, true, &moved) == 0);
    wait_event(&movers_done, mover.done);
    CHECK(mover.error == 0 && mover.moved == 1 && bytes[0] == 'x');
    mover_start(&mover, reader, bytes, sizeof bytes, false);
    run_others();
    file_put(writer);
    wait_event(&movers_done, mover.done);
    CHECK(mover.error == 0 && mover.moved == 0);
    file_put(reader);
}

#define SEVERAL 3u

/* So many of the movers sleep, so many have ended. */
static void
check_movers(const struct mover *movers, unsigned sleeping, unsigned done)
{
    for (unsigned i = 0; i < SEVERAL; i++) {
        if (movers[i].done)
            done--;
        else if (movers[i].fibril->state == FIBRIL_SLEEPING)
            sleeping--;
    }
    CHECK(sleeping == 0 && done == 0);
}

/* One write wakes one reader; who leaves something behind wakes the next. */
static void
one_reader_is_woken(void)
{
    struct file *reader, *writer;
    struct mover movers[SEVERAL];
    char bytes[SEVERAL];
    size_t moved;
    CHECK(pipe_create(0, &reader, &writer) == 0);
    for (unsigned i = 0; i < SEVERAL; i++)
        mover_start(&movers[i], reader, &bytes[i], 1, false);
    run_others();
    check_movers(movers, SEVERAL, 0);
    CHECK(move(writer, "a", 1, true, &moved) == 0);
    check_movers(movers, SEVERAL - 1, 0);
    run_others();
    check_movers(movers, SEVERAL - 1, 1);
    CHECK(movers[0].done && bytes[0] == 'a'); /* who has waited longest */
    CHECK(move(writer, "bc", 2, true, &moved) == 0);
    check_movers(movers, SEVERAL - 2, 1);
    run_others();
    check_movers(movers, 0, SEVERAL);
    CHECK(bytes[1] == 'b' && bytes[2] == 'c');
    file_put(reader);
    file_put(writer);
}

static void
one_writer_is_woken(void)
{
    static char much[65536];
    struct file *reader, *writer;
    struct mover movers[SEVERAL];
    size_t moved;
    CHECK(pipe_create(0, &reader, &writer) == 0);
    CHECK(move(writer, much, sizeof much, true, &moved) == 0);
    for (unsigned i = 0; i < SEVERAL; i++)
        mover_start(&movers[i], writer, much, 1000, true);
    run_others();
    check_movers(movers, SEVERAL, 0);
    CHECK(move(reader, much, 4096, false, &moved) == 0);
    check_movers(movers, SEVERAL - 1, 0);
    run_others(); /* each leaves room, and wakes the next */
    check_movers(movers, 0, SEVERAL);
    CHECK(move(reader, much, sizeof much, false, &moved) == 0 && moved == 65536 - 4096 + 3000);
    file_put(reader);
    file_put(writer);
}

/* Room for a small write, and not for a large one that has waited longer. */
static void
the_writer_that_fits_is_woken(void)
{
    static char much[65536];
    struct file *reader, *writer;
    struct mover large, small;
    size_t moved;
    CHECK(pipe_create(0, &reader, &writer) == 0);
    CHECK(move(writer, much, sizeof much, true, &moved) == 0);
    mover_start(&large, writer, much, 4096, true);
    mover_start(&small, writer, much, 100, true);
    run_others();
    CHECK(move(reader, much, 500, false, &moved) == 0);
    run_others();
    CHECK(small.done && !large.done);
    CHECK(move(reader, much, 4000, false, &moved) == 0);
    run_others();
    CHECK(large.done && large.moved == 4096);
    file_put(reader);
    file_put(writer);
}

static void
a_reader_can_be_cancelled(void)
{
    struct file *reader, *writer;
    struct mover mover;
    char byte;
    CHECK(pipe_create(0, &reader, &writer) == 0);
    mover_start(&mover, reader, &byte, 1, false);
    run_others();
    fibril_cancel(mover.fibril, -ECANCELED);
    wait_event(&movers_done, mover.done);
    CHECK(mover.error == -ECANCELED);
    file_put(reader);
    file_put(writer);
}

static void
more_than_it_holds(void)
{
    static char out[200000], in[200000];
    struct file *reader, *writer;
    struct mover mover;
    size_t got = 0, moved;
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (char)(i * 7 + i / 4096);
    CHECK(pipe_create(0, &reader, &writer) == 0);
    mover_start(&mover, writer, out, sizeof out, true);
    while (got < sizeof in) {
        CHECK(move(reader, in + got, MIN(sizeof in - got, (size_t)5000), false, &moved) == 0);
        CHECK(moved > 0);
        got += moved;
    }
    wait_event(&movers_done, mover.done);
    CHECK(mover.error == 0 && mover.moved == sizeof out && !memcmp(in, out, sizeof in));
    file_put(reader);
    file_put(writer);
}

static void
small_writes_are_whole(void)
{
    static char big[65536 - 100], small[4096];
    struct file *reader, *writer;
    struct mover mover;
    size_t moved;
    CHECK(pipe_create(0, &reader, &writer) == 0);
    CHECK(move(writer, big, sizeof big, true, &moved) == 0 && moved == sizeof big);
    mover_start(&mover, writer, small, sizeof small, true);
    run_others();
    CHECK(!mover.done);
    CHECK(move(reader, small, 3000, false, &moved) == 0 && moved == 3000);
    run_others();
    CHECK(!mover.done); /* there is room for a part, but not for all */
    CHECK(move(reader, small, 996, false, &moved) == 0 && moved == 996);
    wait_event(&movers_done, mover.done);
    CHECK(mover.error == 0 && mover.moved == 4096);
    file_put(reader);
    file_put(writer);
}

static void
without_blocking(void)
{
    static char bytes[65536];
    struct file *reader, *writer;
    size_t moved;
    CHECK(pipe_create(OPEN_NONBLOCK, &reader, &writer) == 0);
    CHECK(move(reader, bytes, 1, false, &moved) == -EAGAIN);
    CHECK(move(writer, bytes, sizeof bytes, true, &moved) == 0 && moved == sizeof bytes);
    CHECK(move(writer, bytes, 1, true, &moved) == -EAGAIN);
    CHECK(move(reader, bytes, 4096, false, &moved) == 0);
    CHECK(move(writer, bytes, sizeof bytes, true, &moved) == 0 && moved == 4096);
    file_put(reader);
    CHECK(move(writer, bytes, 1, true, &moved) == -EPIPE);
    file_put(writer);
}

static void
bad_memory(void)
{
    struct file *reader, *writer;
    char bytes[4];
    size_t moved;
    CHECK(pipe_create(0, &reader, &writer) == 0);
    CHECK(move(writer, NULL, 4, true, &moved) == -EFAULT);
    CHECK(move(writer, "abcd", 4, true, &moved) == 0);
    CHECK(move(reader, NULL, 4, false, &moved) == -EFAULT);
    CHECK(move(reader, bytes, 4, false, &moved) == 0 && !memcmp(bytes, "abcd", 4)); /* not lost */
    file_put(reader);
    file_put(writer);
}

static void
a_writer_waits_until_the_reader_goes(void)
{
    static char bytes[70000];
    struct file *reader, *writer;
    struct mover mover;
    CHECK(pipe_create(0, &reader, &writer) == 0);
    mover_start(&mover, writer, bytes, sizeof bytes, true);
    run_others();
    CHECK(!mover.done);
    file_put(reader);
    wait_event(&movers_done, mover.done);
    CHECK(mover.error == 0 && mover.moved == 65536, "%d %zu", mover.error, mover.moved);
    file_put(writer);
}

/* ---- poll ---- */

struct poller {
    struct abi_pollfd fds[2];
    u64 deadline;
    int error;
    u32 ready;
    bool done;
};

static int
poll_now(struct abi_pollfd *fds, u32 count, bool wait, u64 deadline_ns, u32 *ready)
{
    struct poll_request request = {count, POLL_ERROR | POLL_HANG_UP, wait, deadline_ns};
    return poll_descriptors(fds, &request, ready);
}

static void
poller_main(void *argument)
{
    struct poller *poller = argument;
    poller->error = poll_now(poller->fds, 2, true, poller->deadline, &poller->ready);
    poller->done = true;
    wake_up_all(&movers_done);
}

/* Full from the middle of a page on: the last bytes lie in a page of their own, not in the first. */
static void
a_full_pipe_that_does_not_begin_at_a_page(void)
{
    static char bytes[65536], got[65536];
    struct file *reader, *writer;
    size_t moved;
    CHECK(pipe_create(OPEN_NONBLOCK, &reader, &writer) == 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 4096);
    CHECK(move(writer, bytes, 100, true, &moved) == 0 && move(reader, got, 100, false, &moved) == 0);
    for (int round = 0; round < 3; round++) {
        CHECK(move(writer, bytes, sizeof bytes, true, &moved) == 0 && moved == sizeof bytes);
        CHECK(move(writer, bytes, 1, true, &moved) == -EAGAIN);
        CHECK(move(reader, got, 5000, false, &moved) == 0 && moved == 5000);
        CHECK(move(reader, got + 5000, 65536, false, &moved) == 0 && moved == 60536);
        CHECK(memcmp(got, bytes, sizeof got) == 0);
    }
    file_put(reader);
    file_put(writer);
}

static void
another_capacity(void)
{
    static char bytes[65536], got[65536];
    struct file *reader, *writer;
    struct pipe *pipe;
    size_t moved;
    CHECK(pipe_create(OPEN_NONBLOCK, &reader, &writer) == 0);
    pipe = pipe_of_file(reader);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 3 + i / 256);
    CHECK(pipe && pipe_of_file(writer) == pipe && pipe_capacity(pipe) == 65536);
    CHECK(move(writer, bytes, 3000, true, &moved) == 0 && move(reader, got, 2999, false, &moved) == 0);
    CHECK(move(writer, bytes, 9000, true, &moved) == 0 && moved == 9000);
    CHECK(pipe_set_capacity(pipe, 8192) == -EBUSY);
    CHECK(pipe_set_capacity(pipe, 8193) == 16384);
    CHECK(pipe_set_capacity(pipe, 1u << 31 | 1) == -EINVAL);
    CHECK(move(writer, bytes + 9000, 20000, true, &moved) == 0 && moved == 16384 - 9001);
    CHECK(move(reader, got, 1, false, &moved) == 0 && got[0] == bytes[2999]);
    CHECK(move(reader, got, 20000, false, &moved) == 0 && moved == 16383);
    CHECK(memcmp(got, bytes, 16383) == 0);
    CHECK(pipe_set_capacity(pipe, 1) == 4096);
    CHECK(pipe_set_capacity(pipe, 2 << 20) == 2 << 20); /* as root */
    credentials.euid = 7;
    CHECK(pipe_set_capacity(pipe, 4 << 20) == -EPERM);
    credentials.euid = 0;
    file_put(reader);
    file_put(writer);
}

static int
take_some(void *argument, struct iter *piece)
{
    size_t *most = argument;
    static char bytes[8192];
    size_t size = MIN(*most, piece->left);
    *most -= size;
    return iter_take(piece, bytes, size);
}

static void
pieces(void)
{
    static char bytes[10000];
    struct file *reader, *writer;
    size_t moved, most;
    struct pipe *pipe;
    CHECK(pipe_create(OPEN_NONBLOCK, &reader, &writer) == 0);
    pipe = pipe_of_file(reader);
    CHECK(move(writer, bytes, 10000, true, &moved) == 0);
    most = 20000;
    CHECK(pipe_drain(pipe, 0, 20000, true, take_some, &most) == 10000); /* nothing is taken out */
    most = 20000;
    CHECK(pipe_drain(pipe, 9000, 20000, true, take_some, &most) == 1000);
    most = 5000;
    CHECK(pipe_drain(pipe, 0, 9999, false, take_some, &most) == 5000);
    most = 20000;
    CHECK(pipe_drain(pipe, 0, 20000, false, take_some, &most) == 5000);
    CHECK(move(reader, bytes, 1, false, &moved) == -EAGAIN);
    file_put(reader);
    CHECK(pipe_wait_writable(pipe, true) == -EPIPE && host_last_signal == SIGPIPE);
    file_put(writer);
}

struct opener {
    struct inode *inode;
    struct file *file;
    u32 flags;
    int error;
};

static void
opener_main(void *argument)
{
    struct opener *opener = argument;
    if (!file_create(opener->inode, &pipe_file_ops, opener->flags, NULL, &opener->file))
        opener->error = pipe_file_ops.open(opener->file);
}

static void
fifos(void)
{
    struct opener reader = {.flags = OPEN_READ, .error = 1}, writer = {.flags = OPEN_WRITE};
    struct fibril *fibril;
    size_t moved;
    char bytes[4];
    struct filesystem named = {.type = "named"};
    struct inode inode = {.references = 1, .links = 1, .filesystem = &named, .mode = MODE_FIFO};
    reader.inode = &inode;
    writer.inode = reader.inode;
    writer.flags |= OPEN_NONBLOCK;
    kernel_fibril_start(opener_main, &writer);
    run_others();
    CHECK(writer.error == -ENXIO); /* nobody reads */
    file_put_unopened(writer.file);
    fibril = kernel_fibril_start(opener_main, &reader);
    run_others();
    CHECK(reader.error == 1); /* waits for a writer */
    kernel_fibril_start(opener_main, &writer);
    run_others();
    CHECK(reader.error == 0 && writer.error == 0);
    CHECK(move(writer.file, "abc", 3, true, &moved) == 0 && move(reader.file, bytes, 4, false, &moved) == 0);
    CHECK(moved == 3 && (file_poll_now(reader.file) & POLL_HANG_UP) == 0);
    file_put(writer.file);
    CHECK(file_poll_now(reader.file) == POLL_HANG_UP);
    CHECK(move(reader.file, bytes, 4, false, &moved) == 0 && moved == 0);
    file_put(reader.file);
    reader.error = 1;
    fibril = kernel_fibril_start(opener_main, &reader);
    run_others();
    fibril_cancel(fibril, -EINTR);
    run_others();
    CHECK(reader.error == -EINTR);
    file_put_unopened(reader.file);
    reader.flags = OPEN_READ | OPEN_NONBLOCK;
    opener_main(&reader);
    CHECK(reader.error == 0 && file_poll_now(reader.file) == 0); /* not hung up: nobody ever wrote */
    file_put(reader.file);
    CHECK(inode.references == 1 && !inode.private);
}

static void
polling(void)
{
    struct file *reader, *writer, *file;
    struct poller poller = {{{0, POLL_IN, 0}, {-1, POLL_IN, 0}}, 0, 0, 0, false};
    int in, out;
    size_t moved;
    u32 ready;
    struct fibril *fibril;
    task.files = descriptor_table_create();
    CHECK(pipe_create(0, &reader, &writer) == 0);
    file_get(writer);
    CHECK(descriptor_install(task.files, reader, 0, false, &in) == 0 && in == 0);
    CHECK(descriptor_install(task.files, writer, 0, false, &out) == 0 && out == 1);
    CHECK(poll_now(poller.fds, 2, false, 0, &ready) == 0 && ready == 0);
    kernel_fibril_start(poller_main, &poller);
    run_others();
    CHECK(!poller.done);
    CHECK(move(writer, "x", 1, true, &moved) == 0);
    wait_event(&movers_done, poller.done);
    CHECK(poller.error == 0 && poller.ready == 1 && poller.fds[0].revents == POLL_IN);

    struct abi_pollfd fds[3] = {{out, POLL_OUT, 0}, {77, POLL_IN, 0}, {in, POLL_IN, 0}};
    CHECK(poll_now(fds, 3, true, 0, &ready) == 0 && ready == 3);
    CHECK(fds[0].revents == POLL_OUT && fds[1].revents == POLL_INVALID);

    char byte;
    CHECK(descriptor_file(in, &file) == 0);
    CHECK(move(file, &byte, 1, false, &moved) == 0);
    file_put(file);
    fds[0] = (struct abi_pollfd){in, POLL_IN, 0};
    CHECK(poll_now(fds, 1, true, time_now_ns() + 5000000, &ready) == 0 && ready == 0);

    poller = (struct poller){{{0, POLL_IN, 0}, {-1, 0, 0}}, 0, 0, 0, false};
    fibril = kernel_fibril_start(poller_main, &poller);
    run_others();
    fibril_cancel(fibril, -EINTR);
    wait_event(&movers_done, poller.done);
    CHECK(poller.error == -EINTR);

    /* A closed descriptor does not end a wait on its file, the other end's closing does. */
    poller = (struct poller){{{0, POLL_IN, 0}, {-1, 0, 0}}, 0, 0, 0, false};
    kernel_fibril_start(poller_main, &poller);
    run_others();
    CHECK(descriptor_close(task.files, in) == 0 && !poller.done);
    CHECK(descriptor_close(task.files, out) == 0);
    file_put(writer);
    wait_event(&movers_done, poller.done);
    CHECK(poller.fds[0].revents == POLL_HANG_UP);
    descriptor_table_put(task.files);
    task.files = NULL;
}

/* ---- Descriptors ---- */

static struct file *
some_file(void)
{
    static const struct file_ops ops = {.stream = true};
    struct file *file = NULL;
    return file_create(NULL, &ops, OPEN_READ, NULL, &file) ? NULL : file;
}

static void
lowest_free_numbers(void)
{
    struct descriptor_table *table = descriptor_table_create(), *copy;
    struct file *file = some_file(), *found;
    int fd;
    for (int i = 0; i < 100; i++) {
        file_get(file);
        CHECK(descriptor_install(table, file, 0, i % 2, &fd) == 0 && fd == i);
    }
    CHECK(descriptor_close(table, 50) == 0 && descriptor_close(table, 7) == 0);
    CHECK(descriptor_close(table, 7) == -EBADF && descriptor_close(table, -1) == -EBADF);
    CHECK(descriptor_table_file(table, 7, &found) == -EBADF);
    CHECK(descriptor_table_file(table, 100000, &found) == -EBADF);
    file_get(file);
    CHECK(descriptor_install(table, file, 20, false, &fd) == 0 && fd == 50);
    file_get(file);
    CHECK(descriptor_install(table, file, 0, false, &fd) == 0 && fd == 7);
    CHECK(descriptor_count(table) == 100 && descriptor_flag(table, 9) == 1);
    CHECK(descriptor_table_copy(table, &copy) == 0 && descriptor_count(copy) == 100);
    descriptor_table_close_on_exec(copy);
    CHECK(descriptor_count(copy) == 51, "%u", descriptor_count(copy));
    file_get(file);
    CHECK(descriptor_replace(copy, file, 1000, true) == 0 && descriptor_flag(copy, 1000) == 1);
    file_get(file);
    CHECK(descriptor_replace(copy, file, 70000, true) == -EBADF);
    file_get(file);
    CHECK(descriptor_replace(copy, file, -1, true) == -EBADF);
    descriptor_table_put(copy);
    descriptor_table_put(table);
    CHECK(file->references == 1);
    file_put(file);
}

static void
full_tables(void)
{
    struct descriptor_table *table = descriptor_table_create();
    struct file *file = some_file();
    int fd, error = 0, count = 0;
    do {
        file_get(file);
        error = descriptor_install(table, file, 0, false, &fd);
    } while (!error && ++count);
    CHECK(error == -EMFILE && count == DESCRIPTORS_MAX, "%d %d", error, count);
    descriptor_table_put(table);
    CHECK(file->references == 1);
    file_put(file);
}

/* ---- Iters ---- */

static void
iters(void)
{
    char a[4], b[8], all[12] = "abcdefghijk";
    struct io_vector vectors[] = {
        {(uintptr_t)a, 3}, {0, 0}, {(uintptr_t)b, 8}, {(uintptr_t)NULL, 5}};
    struct iter iter;
    iter_init_vectors(&iter, vectors, 16);
    CHECK(iter_put(&iter, all, 2) == 0 && iter_put(&iter, all + 2, 3) == 0 && iter.done == 5);
    CHECK(iter_put_zeros(&iter, 4) == 0);
    CHECK(!memcmp(a, "abc", 3) && !memcmp(b, "de\0\0\0\0", 6));
    CHECK(iter_put(&iter, all, 7) == -EFAULT && iter.done == 11 && iter.left == 5);
    iter_init_vectors(&iter, vectors, 11);
    CHECK(iter_take(&iter, all, 11) == 0 && !memcmp(all, "abcde\0\0\0\0ab", 11));
}

int
main(void)
{
    cpu.task = &task;
    cache_init();
    inode_init();
    RUN_TEST(bytes_go_through);
    RUN_TEST(a_reader_waits);
    RUN_TEST(one_reader_is_woken);
    RUN_TEST(one_writer_is_woken);
    RUN_TEST(the_writer_that_fits_is_woken);
    RUN_TEST(a_reader_can_be_cancelled);
    RUN_TEST(more_than_it_holds);
    RUN_TEST(small_writes_are_whole);
    RUN_TEST(without_blocking);
    RUN_TEST(bad_memory);
    RUN_TEST(a_writer_waits_until_the_reader_goes);
    RUN_TEST(a_full_pipe_that_does_not_begin_at_a_page);
    RUN_TEST(another_capacity);
    RUN_TEST(pieces);
    RUN_TEST(fifos);
    RUN_TEST(polling);
    RUN_TEST(lowest_free_numbers);
    RUN_TEST(full_tables);
    RUN_TEST(iters);
    return test_result();
}
