/* t-posix-aio [CASE…]: what POSIX says (IEEE Std 1003.1-2017, System Interfaces) of aio_read, aio_write,
 * aio_fsync, aio_error, aio_return, aio_suspend, aio_cancel and lio_listio: a case for each assertion
 * that a program can see. */
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

static char path[] = "/tmp/t-posix-aio";
static int fds[2];

static int
file_with(const char *text)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    check(fd >= 0);
    check_equal(write(fd, text, strlen(text)), (long)strlen(text));
    return fd;
}

static struct aiocb
block_of(int fd, void *buffer, size_t size, off_t offset)
{
    return (struct aiocb){.aio_fildes = fd,
                          .aio_buf = buffer,
                          .aio_nbytes = size,
                          .aio_offset = offset,
                          .aio_sigevent.sigev_notify = SIGEV_NONE};
}

static void
wait_for(const struct aiocb *block)
{
    while (aio_error(block) == EINPROGRESS)
        aio_suspend(&block, 1, NULL);
}

static long
result_of(struct aiocb *block)
{
    wait_for(block);
    return aio_return(block);
}

#define check_fails(call, number)                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        check_equal(call, -1);                                                                     \
        check_equal(errno, number);                                                                \
    } while (0)

/* A read that waits: nothing is in the pipe. */
static struct aiocb
waiting_read(char *byte)
{
    struct aiocb block = block_of(fds[0], byte, 1, 0);
    return block;
}

static void
pipe_open(void)
{
    check_equal(pipe(fds), 0);
}

static void
pipe_close(void)
{
    close(fds[0]);
    close(fds[1]);
}

/* ---- aio_read ---- */

static void
read_reads_at_the_offset(void)
{
    char buffer[8] = "";
    int fd = file_with("0123456789");
    struct aiocb block = block_of(fd, buffer, 4, 3);
    check_equal(aio_read(&block), 0);
    check_equal(result_of(&block), 4);
    check(strcmp(buffer, "3456") == 0);
    close(fd);
}

static void
read_ignores_the_opcode(void)
{
    char buffer[8] = "";
    int fd = file_with("abc");
    struct aiocb block = block_of(fd, buffer, 3, 0);
    block.aio_lio_opcode = LIO_WRITE;
    check_equal(aio_read(&block), 0);
    check_equal(result_of(&block), 3);
    check(strcmp(buffer, "abc") == 0);
    close(fd);
}

static void
read_returns_once_it_is_queued(void)
{
    char byte = 0;
    pipe_open();
    struct aiocb block = waiting_read(&byte);
    check_equal(aio_read(&block), 0);
    check_equal(aio_error(&block), EINPROGRESS);
    check_equal(write(fds[1], "x", 1), 1);
    check_equal(result_of(&block), 1);
    check_equal(byte, 'x');
    pipe_close();
}

static void
read_at_the_end_of_the_file(void)
{
    char buffer[8];
    int fd = file_with("abc");
    struct aiocb block = block_of(fd, buffer, 8, 3);
    check_equal(aio_read(&block), 0);
    check_equal(result_of(&block), 0);
    block.aio_offset = 1;
    check_equal(aio_read(&block), 0);
    check_equal(result_of(&block), 2);
    close(fd);
}

/* The error may be told by the call or by the status: here the status has what the kernel finds. */
static void
read_errors(void)
{
    char byte;
    int fd = open("/dev/null", O_WRONLY);
    struct aiocb block = block_of(12345, &byte, 1, 0);
    check_equal(aio_read(&block), 0);
    wait_for(&block);
    check_equal(aio_error(&block), EBADF);
    check_fails(aio_return(&block), EBADF);
    block = block_of(fd, &byte, 1, 0);
    check_equal(aio_read(&block), 0);
    wait_for(&block);
    check_equal(aio_error(&block), EBADF);
    close(fd);
    fd = file_with("x");
    block = block_of(fd, &byte, 1, -1);
    check_fails(aio_read(&block), EINVAL);
    block = block_of(fd, &byte, 1, 0);
    block.aio_reqprio = -1;
    check_fails(aio_read(&block), EINVAL);
    block.aio_reqprio = AIO_PRIO_DELTA_MAX + 1;
    check_fails(aio_read(&block), EINVAL);
    block.aio_reqprio = AIO_PRIO_DELTA_MAX;
    check_equal(aio_read(&block), 0);
    check_equal(result_of(&block), 1);
    block = block_of(fd, &byte, 0x80000000u, 0);
    check_fails(aio_read(&block), EINVAL);
    block = block_of(fd, &byte, 1, 0);
    block.aio_sigevent.sigev_notify = SIGEV_THREAD;
    check_fails(aio_read(&block), EINVAL);
    close(fd);
}

/* ---- aio_write ---- */

static void
write_writes_at_the_offset(void)
{
    char text[16] = "";
    int fd = file_with("0123456789");
    struct aiocb block = block_of(fd, "xyz", 3, 2);
    check_equal(aio_write(&block), 0);
    check_equal(result_of(&block), 3);
    check_equal(pread(fd, text, 15, 0), 10);
    check(strcmp(text, "01xyz56789") == 0);
    close(fd);
}

static void
write_appends_in_order(void)
{
    char text[16] = "";
    int fd;
    struct aiocb blocks[3];
    close(file_with("0"));
    fd = open(path, O_RDWR | O_APPEND);
    for (int i = 0; i < 3; i++) {
        blocks[i] = block_of(fd, &"abc"[i], 1, 0);
        check_equal(aio_write(&blocks[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        check_equal(result_of(&blocks[i]), 1);
    check_equal(pread(fd, text, 15, 0), 4);
    check(strcmp(text, "0abc") == 0);
    close(fd);
}

static void
write_errors(void)
{
    int fd = open("/dev/zero", O_RDONLY);
    struct aiocb block = block_of(fd, "x", 1, 0);
    check_equal(aio_write(&block), 0);
    wait_for(&block);
    check_equal(aio_error(&block), EBADF);
    close(fd);
    pipe_open();
    close(fds[0]);
    signal(SIGPIPE, SIG_IGN);
    block = block_of(fds[1], "x", 1, 0);
    check_equal(aio_write(&block), 0);
    wait_for(&block);
    check_equal(aio_error(&block), EPIPE);
    signal(SIGPIPE, SIG_DFL);
    close(fds[1]);
}

/* ---- aio_fsync ---- */

static void
fsync_follows_what_was_queued(void)
{
    int one[2];
    char byte;
    check_equal(pipe(one), 0);
    struct aiocb read = block_of(one[0], &byte, 1, 0), sync = block_of(one[0], NULL, 0, 0);
    check_equal(aio_read(&read), 0);
    check_equal(aio_fsync(O_SYNC, &sync), 0);
    check_equal(aio_error(&sync), EINPROGRESS);
    check_equal(write(one[1], "x", 1), 1);
    check_equal(result_of(&read), 1);
    wait_for(&sync);
    check_equal(aio_error(&sync), EINVAL); /* a pipe cannot be synchronized */
    close(one[0]);
    close(one[1]);
}

static void
fsync_of_a_file(void)
{
    int fd = file_with("x");
    struct aiocb block = block_of(fd, NULL, 0, 0);
    check_equal(aio_fsync(O_SYNC, &block), 0);
    check_equal(result_of(&block), 0);
    check_equal(aio_fsync(O_DSYNC, &block), 0);
    check_equal(result_of(&block), 0);
    block.aio_reqprio = -1; /* of no concern here */
    check_equal(aio_fsync(O_DSYNC, &block), 0);
    check_equal(result_of(&block), 0);
    check_fails(aio_fsync(12345, &block), EINVAL);
    close(fd);
    check_fails(aio_fsync(O_SYNC, &block), EBADF);
}

/* ---- aio_error, aio_return ---- */

static void
return_once(void)
{
    char byte;
    int fd = file_with("x");
    struct aiocb block = block_of(fd, &byte, 1, 0);
    check_fails(aio_error(&block), EINVAL);
    check_fails(aio_return(&block), EINVAL);
    check_equal(aio_read(&block), 0);
    wait_for(&block);
    check_equal(aio_error(&block), 0);
    check_equal(aio_error(&block), 0);
    check_equal(aio_return(&block), 1);
    check_fails(aio_return(&block), EINVAL);
    check_equal(aio_read(&block), 0);
    check_equal(result_of(&block), 1);
    close(fd);
}

static volatile int handler_saw = -2, handler_got = -2, handled, handled_value, handled_code;
static struct aiocb *handler_block;

static void
handler(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    handled++;
    handled_value = info->si_value.sival_int;
    handled_code = info->si_code;
    if (handler_block) {
        handler_saw = aio_error(handler_block);
        handler_got = (int)aio_return(handler_block);
    }
}

static void
handle(int number)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    handled = 0;
    handler_block = NULL;
    check_equal(sigaction(number, &action, NULL), 0);
}

static void
signal_event(struct sigevent *event, int number, int value)
{
    event->sigev_notify = SIGEV_SIGNAL;
    event->sigev_signo = number;
    event->sigev_value.sival_int = value;
}

/* Both may be called from a signal handler, which finds the operation done. */
static void
handler_finds_the_result(void)
{
    char byte;
    pipe_open();
    for (int i = 0; i < 50; i++) {
        struct aiocb block = waiting_read(&byte);
        handle(SIGRTMIN);
        handler_block = &block;
        signal_event(&block.aio_sigevent, SIGRTMIN, i);
        check_equal(aio_read(&block), 0);
        check_equal(handled, 0);
        check_equal(write(fds[1], "x", 1), 1);
        while (!handled)
            aio_suspend((const struct aiocb *[]){&block}, 1, &(struct timespec){0, 1000000});
        check_equal(handler_saw, 0);
        check_equal(handler_got, 1);
        check_equal(handled_value, i);
        check_equal(handled_code, SI_ASYNCIO);
    }
    handler_block = NULL;
    pipe_close();
}

/* ---- aio_suspend ---- */

static void
suspend_returns_at_once(void)
{
    char byte;
    int fd = file_with("x");
    struct aiocb done = block_of(fd, &byte, 1, 0);
    pipe_open();
    struct aiocb waiting = waiting_read(&byte);
    const struct aiocb *list[] = {NULL, &waiting, NULL, &done};
    check_equal(aio_read(&done), 0);
    check_equal(aio_read(&waiting), 0);
    wait_for(&done);
    check_equal(aio_suspend(list, 4, NULL), 0);
    check_fails(aio_suspend(list, 3, (&(struct timespec){0, 20000000})), EAGAIN);
    check_fails(aio_suspend(list, 3, (&(struct timespec){0, 0})), EAGAIN);
    check_equal(aio_cancel(fds[0], NULL), AIO_CANCELED);
    check_equal(aio_suspend(list, 3, NULL), 0);
    pipe_close();
    close(fd);
}

static void *
writer(void *argument)
{
    (void)argument;
    usleep(20000);
    check_equal(write(fds[1], "x", 1), 1);
    return NULL;
}

static void
suspend_waits_for_any(void)
{
    char a, b;
    int other[2];
    pthread_t thread;
    check_equal(pipe(other), 0);
    pipe_open();
    struct aiocb first = block_of(other[0], &a, 1, 0), second = waiting_read(&b);
    const struct aiocb *list[] = {&first, &second};
    check_equal(aio_read(&first), 0);
    check_equal(aio_read(&second), 0);
    check_equal(pthread_create(&thread, NULL, writer, NULL), 0);
    check_equal(aio_suspend(list, 2, NULL), 0);
    check_equal(aio_error(&first), EINPROGRESS);
    check_equal(aio_error(&second), 0);
    pthread_join(thread, NULL);
    check_equal(aio_cancel(other[0], &first), AIO_CANCELED);
    close(other[0]);
    close(other[1]);
    pipe_close();
}

static void
just_note(int number)
{
    (void)number;
    handled++;
}

static void
alarm_soon(void)
{
    struct itimerval soon = {.it_value.tv_usec = 20000};
    check_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
}

static void
suspend_is_interrupted(void)
{
    char byte;
    struct sigaction action = {.sa_handler = just_note};
    pipe_open();
    struct aiocb block = waiting_read(&byte);
    const struct aiocb *list[] = {&block};
    handled = 0;
    check_equal(sigaction(SIGALRM, &action, NULL), 0);
    check_equal(aio_read(&block), 0);
    alarm_soon();
    check_fails(aio_suspend(list, 1, NULL), EINTR);
    check_equal(handled, 1);
    check_equal(aio_error(&block), EINPROGRESS);
    check_equal(aio_cancel(fds[0], NULL), AIO_CANCELED);
    pipe_close();
}

/* ---- aio_cancel ---- */

static void
cancel_one_and_all(void)
{
    char bytes[3];
    struct aiocb blocks[3];
    pipe_open();
    for (int i = 0; i < 3; i++) {
        blocks[i] = waiting_read(&bytes[i]);
        check_equal(aio_read(&blocks[i]), 0);
    }
    check_equal(aio_cancel(fds[0], &blocks[1]), AIO_CANCELED);
    check_equal(aio_error(&blocks[1]), ECANCELED);
    check_fails(aio_return(&blocks[1]), ECANCELED);
    check_equal(aio_error(&blocks[0]), EINPROGRESS);
    check_equal(aio_cancel(fds[0], NULL), AIO_CANCELED);
    check_equal(aio_error(&blocks[0]), ECANCELED);
    check_equal(aio_error(&blocks[2]), ECANCELED);
    check_equal(aio_cancel(fds[0], NULL), AIO_ALLDONE);
    check_equal(aio_cancel(fds[0], &blocks[0]), AIO_ALLDONE);
    pipe_close();
    check_fails(aio_cancel(12345, NULL), EBADF);
}

/* The notification of one that was cancelled comes too. */
static void
cancel_notifies(void)
{
    char byte;
    pipe_open();
    struct aiocb block = waiting_read(&byte);
    handle(SIGRTMIN + 1);
    signal_event(&block.aio_sigevent, SIGRTMIN + 1, 8);
    check_equal(aio_read(&block), 0);
    check_equal(aio_cancel(fds[0], &block), AIO_CANCELED);
    check_equal(handled, 1);
    check_equal(handled_value, 8);
    pipe_close();
}

/* ---- lio_listio ---- */

static void
list_waits(void)
{
    char a[4] = "", text[8] = "";
    int fd = file_with("0123");
    struct aiocb read = block_of(fd, a, 2, 1), write = block_of(fd, "xy", 2, 4), idle = read;
    struct aiocb *list[] = {NULL, &read, &idle, &write, NULL};
    read.aio_lio_opcode = LIO_READ;
    write.aio_lio_opcode = LIO_WRITE;
    idle.aio_lio_opcode = LIO_NOP;
    check_equal(lio_listio(LIO_WAIT, list, 5, NULL), 0);
    check_equal(aio_error(&read), 0);
    check_equal(aio_return(&read), 2);
    check_equal(aio_return(&write), 2);
    check(strcmp(a, "12") == 0);
    check_equal(pread(fd, text, 7, 0), 6);
    check(strcmp(text, "0123xy") == 0);
    close(fd);
}

/* With LIO_WAIT the list's sigevent is not looked at. */
static void
list_wait_ignores_the_event(void)
{
    char a;
    int fd = file_with("0");
    struct aiocb read = block_of(fd, &a, 1, 0), *list[] = {&read};
    struct sigevent event;
    handle(SIGRTMIN + 2);
    signal_event(&event, SIGRTMIN + 2, 1);
    check_equal(lio_listio(LIO_WAIT, list, 1, &event), 0);
    check_equal(handled, 0);
    close(fd);
}

static void
list_does_not_wait(void)
{
    char byte;
    struct sigevent event;
    pipe_open();
    struct aiocb read = waiting_read(&byte), *list[] = {&read, NULL};
    handle(SIGRTMIN + 2);
    signal_event(&event, SIGRTMIN + 2, 99);
    check_equal(lio_listio(LIO_NOWAIT, list, 2, &event), 0);
    check_equal(aio_error(&read), EINPROGRESS);
    check_equal(handled, 0);
    check_equal(write(fds[1], "x", 1), 1);
    check_equal(result_of(&read), 1);
    check_equal(handled, 1);
    check_equal(handled_value, 99);
    check_equal(lio_listio(LIO_NOWAIT, list + 1, 1, &event), 0); /* nothing: done at once */
    check_equal(handled, 2);
    pipe_close();
}

/* Each request's own notification comes beside the list's. */
static void
list_and_request_notify(void)
{
    char byte;
    struct sigevent event;
    int fd = file_with("0");
    struct aiocb read = block_of(fd, &byte, 1, 0), *list[] = {&read};
    handle(SIGRTMIN + 2);
    signal_event(&event, SIGRTMIN + 2, 1);
    signal_event(&read.aio_sigevent, SIGRTMIN + 2, 2);
    check_equal(lio_listio(LIO_NOWAIT, list, 1, &event), 0);
    check_equal(result_of(&read), 1);
    check_equal(handled, 2);
    close(fd);
}

static void
list_failures(void)
{
    char a = 0;
    int fd = file_with("0");
    struct aiocb good = block_of(fd, &a, 1, 0), bad = block_of(12345, &a, 1, 0), odd = good;
    struct aiocb *list[] = {&bad, &odd, &good};
    odd.aio_lio_opcode = 77;
    check_fails(lio_listio(LIO_WAIT, list, 3, NULL), EIO);
    check_equal(aio_error(&bad), EBADF);
    check_equal(aio_error(&odd), EINVAL);
    check_equal(aio_error(&good), 0);
    check_equal(aio_return(&good), 1);
    check_equal(a, '0');
    check_fails(lio_listio(2, list, 3, NULL), EINVAL);
    check_fails(lio_listio(LIO_WAIT, list, -1, NULL), EINVAL);
    check_fails(lio_listio(LIO_WAIT, list, AIO_LISTIO_MAX + 1, NULL), EINVAL);
    close(fd);
}

static void
list_wait_is_interrupted(void)
{
    char byte;
    struct sigaction action = {.sa_handler = just_note};
    pipe_open();
    struct aiocb block = waiting_read(&byte), *list[] = {&block};
    handled = 0;
    check_equal(sigaction(SIGALRM, &action, NULL), 0);
    alarm_soon();
    check_fails(lio_listio(LIO_WAIT, list, 1, NULL), EINTR);
    check_equal(aio_error(&block), EINPROGRESS);
    check_equal(write(fds[1], "x", 1), 1);
    check_equal(result_of(&block), 1);
    pipe_close();
}

#define MANY 300

static void
list_of_many(void)
{
    static struct aiocb blocks[MANY], *list[MANY];
    static char bytes[MANY];
    int fd = file_with("x");
    for (int i = 0; i < MANY; i++) {
        blocks[i] = block_of(fd, &bytes[i], 1, 0);
        blocks[i].aio_lio_opcode = LIO_READ;
        list[i] = &blocks[i];
    }
    check_equal(lio_listio(LIO_WAIT, list, MANY, NULL), 0);
    for (int i = 0; i < MANY; i++)
        check_equal(aio_return(&blocks[i]), 1);
    close(fd);
}

/* ---- Processes and threads ---- */

static void
child_starts_anew(void)
{
    char byte;
    int status;
    pipe_open();
    struct aiocb waiting = waiting_read(&byte);
    check_equal(aio_read(&waiting), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = file_with("y");
        struct aiocb block = block_of(fd, &byte, 1, 0);
        _exit(aio_read(&block) || result_of(&block) != 1 || byte != 'y');
    }
    check_equal(waitpid(pid, &status, 0), pid);
    check_equal(status, 0);
    check_equal(aio_error(&waiting), EINPROGRESS);
    check_equal(aio_cancel(fds[0], NULL), AIO_CANCELED);
    pipe_close();
}

static void *
reader(void *argument)
{
    char bytes[100];
    int fd = *(int *)argument;
    for (int i = 0; i < 100; i++) {
        struct aiocb block = block_of(fd, &bytes[i], 1, 0);
        check_equal(aio_read(&block), 0);
        check_equal(result_of(&block), 1);
    }
    return NULL;
}

static void
threads_at_once(void)
{
    pthread_t threads[4];
    int fd = file_with("z");
    for (int i = 0; i < 4; i++)
        check_equal(pthread_create(&threads[i], NULL, reader, &fd), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    close(fd);
}

static void
limits(void)
{
    check(sysconf(_SC_ASYNCHRONOUS_IO) >= 200112);
    check_equal(sysconf(_SC_AIO_LISTIO_MAX), AIO_LISTIO_MAX);
    check_equal(sysconf(_SC_AIO_PRIO_DELTA_MAX), AIO_PRIO_DELTA_MAX);
}

static const struct check_case cases[] = {
    {"read_reads_at_the_offset", read_reads_at_the_offset},
    {"read_ignores_the_opcode", read_ignores_the_opcode},
    {"read_returns_once_it_is_queued", read_returns_once_it_is_queued},
    {"read_at_the_end_of_the_file", read_at_the_end_of_the_file},
    {"read_errors", read_errors},
    {"write_writes_at_the_offset", write_writes_at_the_offset},
    {"write_appends_in_order", write_appends_in_order},
    {"write_errors", write_errors},
    {"fsync_follows_what_was_queued", fsync_follows_what_was_queued},
    {"fsync_of_a_file", fsync_of_a_file},
    {"return_once", return_once},
    {"handler_finds_the_result", handler_finds_the_result},
    {"suspend_returns_at_once", suspend_returns_at_once},
    {"suspend_waits_for_any", suspend_waits_for_any},
    {"suspend_is_interrupted", suspend_is_interrupted},
    {"cancel_one_and_all", cancel_one_and_all},
    {"cancel_notifies", cancel_notifies},
    {"list_waits", list_waits},
    {"list_wait_ignores_the_event", list_wait_ignores_the_event},
    {"list_does_not_wait", list_does_not_wait},
    {"list_and_request_notify", list_and_request_notify},
    {"list_failures", list_failures},
    {"list_wait_is_interrupted", list_wait_is_interrupted},
    {"list_of_many", list_of_many},
    {"child_starts_anew", child_starts_anew},
    {"threads_at_once", threads_at_once},
    {"limits", limits},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
