/* t-blocking [CASE]: for every call that waits, who ends it: a handler that was installed with SA_RESTART or
 * without, and a stop that is followed by a continuation. Runs on Linux too. */
#include "signals.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#define FILE_NAME "/tmp/t-blocking"

/* ---- What there is to wait for ---- */

#define LOCK_EX 2
static int empty[2], full[2], pair[2], listener, locked, other_locked;
static pid_t holder, sleeper;
static char bytes[70000];

static void
fill(int fd)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (write(fd, bytes, 4096) > 0)
        ;
    fcntl(fd, F_SETFL, 0);
}

static int
record_lock(int fd, int command)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, command, &lock);
}

static pid_t
child_that(void (*prepare)(void))
{
    int fds[2];
    char byte;

    check(pipe(fds) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (prepare)
            prepare();
        check(write(fds[1], "x", 1) == 1);
        for (;;)
            pause();
    }
    check(read(fds[0], &byte, 1) == 1);
    close(fds[0]);
    close(fds[1]);
    return pid;
}

static void
hold_locks(void)
{
    int fd = open(FILE_NAME, O_RDWR);

    syscall(SYS_flock, fd, LOCK_EX);
    record_lock(fd, F_SETLKW);
}

static void
connect_quietly(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = FILE_NAME ".socket"};
    int fd;

    do { /* until the listener's queue is full */
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        fcntl(fd, F_SETFL, O_NONBLOCK);
    } while (connect(fd, (struct sockaddr *)&name, sizeof name) == 0);
}

static void
prepare(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = FILE_NAME ".socket"};

    check(pipe(empty) == 0 && pipe(full) == 0);
    fill(full[1]);
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    fill(pair[1]);
    check(mkfifo(FILE_NAME ".fifo", 0600) == 0);
    locked = open(FILE_NAME, O_CREAT | O_RDWR, 0600);
    other_locked = open(FILE_NAME, O_RDWR);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    check(bind(listener, (struct sockaddr *)&name, sizeof name) == 0 && listen(listener, 0) == 0);
    holder = child_that(hold_locks);
    sleeper = child_that(NULL);
}

static void
clean(void)
{
    kill(holder, SIGKILL);
    kill(sleeper, SIGKILL);
    while (wait(NULL) > 0)
        ;
    unlink(FILE_NAME);
    unlink(FILE_NAME ".fifo");
    unlink(FILE_NAME ".socket");
    for (int fd = 3; fd < 30; fd++)
        close(fd);
}

/* ---- The calls: -1 with an error number ---- */

#define CALL(name, call)                                                                           \
    static long name(void) { return call; }

static struct iovec vector = {bytes, 100};
static struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
static struct pollfd polled;
static volatile int word;
static sigset_t none_blocked, usr1;
static siginfo_t info;
static struct timespec long_time = {100, 0};
static int at_once = 1;

static long
accept_here(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = FILE_NAME ".accept"};

    unlink(name.sun_path);
    check(bind(fd, (struct sockaddr *)&name, sizeof name) == 0 && listen(fd, 1) == 0);
    long result = accept(fd, NULL, NULL);
    int error = errno;
    close(fd);
    unlink(name.sun_path);
    errno = error;
    return result;
}

static long
connect_there(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = FILE_NAME ".socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    long result = connect(fd, (struct sockaddr *)&name, sizeof name);
    int error = errno;

    close(fd);
    errno = error;
    return result;
}

static long
receive_in_time(void)
{
    struct timeval timeout = {100, 0}, never = {0, 0};

    setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    long result = recv(pair[1], bytes, 100, 0);
    int error = errno;
    setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &never, sizeof never);
    errno = error;
    return result;
}

/* By the calls' numbers: the library has not all of these. */
static unsigned long read_set[32];
static long long long_time64[2]; /* written back: what is left */

static long
select_on(void)
{
    memset(read_set, 0, sizeof read_set);
    read_set[empty[0] / 32] = 1ul << empty[0] % 32;
    return syscall(SYS__newselect, empty[0] + 1, read_set, NULL, NULL, NULL);
}

static long
pselect_on(void)
{
    const void *mask[2] = {&none_blocked, (void *)8};

    long_time64[0] = 100;
    memset(read_set, 0, sizeof read_set);
    read_set[empty[0] / 32] = 1ul << empty[0] % 32;
    return syscall(SYS_pselect6_time64, empty[0] + 1, read_set, NULL, NULL, long_time64, mask);
}

static long
clock_sleep(void)
{
    errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL);
    return errno ? -1 : 0;
}

static long
clock_sleep_until(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += 100;
    errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    return errno ? -1 : 0;
}

static long
wait_by_id(void)
{
    return waitid(P_PID, sleeper, &info, WEXITED);
}

/* The word's own time, of 32 bits. */
static const long long_time32[2] = {100, 0};

CALL(read_pipe, read(empty[0], bytes, 10))
CALL(readv_pipe, readv(empty[0], &vector, 1))
CALL(write_pipe, write(full[1], bytes, 10))
CALL(writev_pipe, writev(full[1], &vector, 1))
CALL(open_fifo, open(FILE_NAME ".fifo", O_RDONLY))
CALL(splice_pipe, syscall(SYS_splice, empty[0], NULL, full[1], NULL, 10, 0))
CALL(tee_pipe, syscall(SYS_tee, empty[0], full[1], 10, 0))
CALL(sendfile_pipe, syscall(SYS_sendfile, full[1], locked, NULL, at_once))
CALL(receive, recv(pair[1], bytes, 100, 0))
CALL(receive_message, recvmsg(pair[1], &message, 0))
CALL(send_bytes, send(pair[1], bytes, 100, 0))
CALL(send_message, sendmsg(pair[1], &message, 0))
CALL(lock_file, syscall(SYS_flock, other_locked, LOCK_EX))
CALL(lock_record, record_lock(other_locked, F_SETLKW))
CALL(wait_child, waitpid(sleeper, NULL, 0))
CALL(poll_on, poll(&polled, 1, -1))
CALL(poll_for, poll(&polled, 1, 100000))
CALL(ppoll_for, (long_time64[0] = 100, syscall(SYS_ppoll_time64, &polled, 1, long_time64, &none_blocked, 8)))
CALL(sleep_for, nanosleep(&long_time, NULL))
CALL(pause_here, pause())
CALL(suspend, sigsuspend(&none_blocked))
CALL(wait_signal, sigwaitinfo(&usr1, &info))
CALL(wait_signal_for, sigtimedwait(&usr1, &info, &long_time))
CALL(futex_wait, syscall(SYS_futex, &word, 0, 0, NULL, NULL, 0))
CALL(futex_wait_for, syscall(SYS_futex, &word, 0, 0, long_time32, NULL, 0))

static const struct {
    const char *name;
    long (*call)(void);
} calls[] = {
    {"read", read_pipe}, {"readv", readv_pipe}, {"write", write_pipe}, {"writev", writev_pipe},
    {"open", open_fifo}, {"splice", splice_pipe}, {"tee", tee_pipe}, {"sendfile", sendfile_pipe},
    {"recv", receive}, {"recvmsg", receive_message}, {"recv with SO_RCVTIMEO", receive_in_time},
    {"send", send_bytes}, {"sendmsg", send_message}, {"accept", accept_here},
    {"connect", connect_there}, {"flock", lock_file}, {"fcntl F_SETLKW", lock_record},
    {"waitpid", wait_child}, {"waitid", wait_by_id}, {"select", select_on}, {"pselect", pselect_on},
    {"poll", poll_on}, {"poll with a time", poll_for}, {"ppoll", ppoll_for},
    {"nanosleep", sleep_for}, {"clock_nanosleep", clock_sleep},
    {"clock_nanosleep until", clock_sleep_until}, {"pause", pause_here}, {"sigsuspend", suspend},
    {"sigwaitinfo", wait_signal}, {"sigtimedwait", wait_signal_for}, {"futex", futex_wait},
    {"futex with a time", futex_wait_for},
};
#define CALLS (sizeof calls / sizeof *calls)

/* ---- Who ends them ---- */

/* A page that both sides share. */
static volatile struct {
    int handled, returned;
} *shared;

static void
note_shared(int number UNUSED)
{
    shared->handled++;
}

static char
state_of(pid_t pid)
{
    char path[40], text[300], *end;
    int fd, got;

    sprintf(path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY);
    got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got < 0 ? 0 : got] = 0;
    end = strrchr(text, ')');
    return end ? end[2] : 0;
}

/* Until the process sleeps in its call, or has returned from it. */
static void
await_asleep(pid_t pid)
{
    for (int looks = 0; looks < 3 && !shared->returned; nap_ms(1))
        looks = state_of(pid) == 'S' ? looks + 1 : 0;
}

static void
await_word(volatile int *word_, int value)
{
    for (int i = 0; i < 5000 && *word_ < value; i++)
        nap_ms(1);
}

/* The sender: SIGALRM, and if that has not ended the call SIGUSR2, which does. */
static void
send_both(pid_t pid)
{
    await_asleep(pid);
    kill(pid, SIGALRM);
    await_word(&shared->handled, 1);
    await_asleep(pid);
    if (!shared->returned)
        kill(pid, SIGUSR2);
}

/* How many signals had come when the call ended, and what it said. */
static void
interrupt(const char *name, long (*call)(void), int flags)
{
    pid_t caller = getpid(), sender;

    shared->handled = shared->returned = 0;
    handle(SIGALRM, note_shared, flags);
    handle(SIGUSR2, note_shared, 0);
    fflush(stdout);
    sender = fork();
    if (sender == 0) {
        send_both(caller);
        _exit(0);
    }
    long result = call();
    int error = errno, seen = shared->handled;
    shared->returned = 1;
    check(waitpid(sender, NULL, 0) == sender);
    defaults();
    printf("  %s = signals %d, result %ld, error %d\n", name, seen, result, result == -1 ? error : 0);
}

static void
prepare_more(void)
{
    prepare();
    polled = (struct pollfd){.fd = empty[0], .events = POLLIN};
    sigemptyset(&none_blocked);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    check(write(locked, "bytes", 5) == 5);
    lseek(locked, 0, SEEK_SET);
    connect_quietly();
}

static void
handlers_that_do_not_restart(void)
{
    prepare_more();
    for (unsigned i = 0; i < CALLS; i++)
        interrupt(calls[i].name, calls[i].call, 0);
    clean();
}

static void
handlers_that_restart(void)
{
    prepare_more();
    for (unsigned i = 0; i < CALLS; i++)
        interrupt(calls[i].name, calls[i].call, SA_RESTART);
    clean();
}

/* Stopped and continued, without a handler; then SIGUSR2. */
static int
call_in_child(long (*call)(void))
{
    prepare_more();
    handle(SIGUSR2, note_shared, 0);
    shared->returned = 0;
    long result = call();
    int error = errno, seen = shared->handled;
    shared->returned = 1;
    clean();
    return result == -1 ? (seen ? 100 : 0) + error : 99;
}

static void
stops(void)
{
    int status;

    for (unsigned i = 0; i < CALLS; i++) {
        shared->handled = 0;
        shared->returned = -1;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
            _exit(call_in_child(calls[i].call));
        await_word(&shared->returned, 0);
        await_asleep(pid);
        kill(pid, SIGSTOP);
        check(waitpid(pid, &status, WUNTRACED) == pid);
        kill(pid, SIGCONT);
        await_asleep(pid);
        if (!shared->returned)
            kill(pid, SIGUSR2);
        check(waitpid(pid, &status, 0) == pid);
        printf("  %s = %d\n", calls[i].name, exited(status)); /* over 100: the handler ended it */
    }
}

static const struct check_case cases[] = {
    {"handlers-that-do-not-restart", handlers_that_do_not_restart},
    {"handlers-that-restart", handlers_that_restart},
    {"stops", stops},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return check_run(cases, argc, argv);
}
