/* asys-loop: an event loop. What other systems need a poll, a timerfd, a signalfd and a pidfd for
 * is here one call each, started again when it has ended: a nap is the timer, read waits for a
 * pipe, rt_sigtimedwait for a signal, wait4 for a child. The child writes three words, sends a
 * signal, and exits. */
#include <fibril/asys.h>
#include <fibril/kernel_types.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct source {
    void (*start)(struct source *source);
    void (*ended)(struct source *source, long result);
};

static struct asys queue;
static int ends[2], status, ticks;
static char buffer[64];
static sigset_t wanted;
static struct kernel_timespec tick = {0, 20000000};

static void
timer_start(struct source *source)
{
    asys_tag(asys_add(&queue, SYS_nanosleep, &tick, NULL), source);
}

static void
timer_ended(struct source *source, long result)
{
    ticks++;
    if (result == 0)
        source->start(source);
}

static void
pipe_start(struct source *source)
{
    asys_tag(asys_add(&queue, SYS_read, ends[0], buffer, sizeof buffer), source);
}

static void
pipe_ended(struct source *source, long result)
{
    printf("pipe: %.*s\n", result > 0 ? (int)result : 3, result > 0 ? buffer : "end");
    if (result > 0)
        source->start(source);
}

static void
signal_start(struct source *source)
{
    asys_tag(asys_add(&queue, SYS_rt_sigtimedwait, &wanted, NULL, NULL, sizeof wanted), source);
}

static void
signal_ended(struct source *source, long result)
{
    (void)source;
    printf("signal: %s\n", result == SIGUSR1 ? "SIGUSR1" : "another");
}

static void
child_start(struct source *source)
{
    asys_tag(asys_add(&queue, SYS_wait4, -1, &status, 0, NULL), source);
}

static void
child_ended(struct source *source, long result)
{
    (void)source;
    printf("child: %s with %d\n", result > 0 ? "ended" : "lost", WEXITSTATUS(status));
}

static void
child_run(void)
{
    for (const char *word = "one\0two\0six\0"; *word; word += 4) {
        usleep(50000);
        write(ends[1], word, 3);
    }
    kill(getppid(), SIGUSR1);
    usleep(50000);
    _exit(7);
}

int
main(void)
{
    struct source sources[] = {{timer_start, timer_ended}, {pipe_start, pipe_ended},
                               {signal_start, signal_ended}, {child_start, child_ended}};
    struct asys_event event;
    int news = 3; /* still expected: the pipe's end, the signal, the child's end */

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR1);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    if (asys_open(&queue, 8) < 0 || pipe(ends) < 0)
        return 2;
    if (fork() == 0)
        child_run();
    close(ends[1]);
    for (int i = 0; i < 4; i++)
        sources[i].start(&sources[i]);
    while (news > 0 && asys_wait(&queue, &event, ASYS_FOREVER) == 1) {
        struct source *source = asys_pointer(&event);
        source->ended(source, event.result);
        news -= source->ended == signal_ended || source->ended == child_ended ||
                (source->ended == pipe_ended && event.result == 0);
    }
    printf("timer: %s\n", ticks > 0 ? "ticked meanwhile" : "silent");
    asys_close(&queue);
    return 0;
}
