/* t-tty: what a program sees of the terminal it is started on: lines, bytes, signals, job control. Typed to
 * by tests/system/test_files.py: it says `ready NAME` when it waits for the input of that step, and
 * `ok NAME` or `not ok NAME: why` when it has got it. Ends when all steps are done. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fibril/kernel_call.h>

enum { POLL = 168, IOCTL = 54, GETPID = 20, FORK = 2, WAIT4 = 114, SETPGID = 57, EXIT = 1 };
enum { TCGETS = 0x5401, TCSETS = 0x5402, TIOCGPGRP = 0x540f, TIOCSPGRP, TIOCGWINSZ = 0x5413,
       FIONREAD = 0x541b, TIOCGSID = 0x5429 };
enum { ISIG = 1, ICANON = 2, ECHO = 010 }; /* of c_lflag */
enum { VTIME = 5, VMIN = 6 };

struct termios_abi { /* TCGETS's */
    unsigned input, output, hardware, local;
    unsigned char line, control[19];
};

static struct termios_abi original;
static volatile int interrupts;

static void
say(const char *word, const char *name, const char *why)
{
    printf("%s %s%s%s\n", word, name, *why ? ": " : "", why);
    fflush(stdout);
}

static void
judge(const char *name, int good, const char *why)
{
    say(good ? "ok" : "not ok", name, good ? "" : why);
}

static void
count_interrupt(int number)
{
    (void)number;
    interrupts++;
}

static long
control(long command, void *argument)
{
    return kernel_call3(IOCTL, 0, command, (long)argument);
}

static void
set_local(unsigned off, int least, int time)
{
    struct termios_abi now = original;

    now.local &= ~off;
    now.control[VMIN] = least;
    now.control[VTIME] = time;
    control(TCSETS, &now);
}

/* Reads once and compares. */
static void
expect(const char *name, size_t size, const char *wanted)
{
    char bytes[256] = {0}, why[300];
    long got;

    say("ready", name, "");
    got = read(0, bytes, size);
    snprintf(why, sizeof why, "read gave %ld: %s", got, bytes);
    judge(name, got == (long)strlen(wanted) && memcmp(bytes, wanted, got) == 0, why);
}

static void
modes(void)
{
    unsigned short size[4] = {0};
    int group = -1, session = -1;

    judge("isatty", isatty(0) && control(TCGETS, &original) == 0, "it is none");
    judge("size", control(TIOCGWINSZ, size) == 0 && size[0] > 0 && size[1] > 0, "no size");
    judge("group", control(TIOCGPGRP, &group) == 0 && group == kernel_call0(GETPID),
          "not in the foreground");
    judge("session", control(TIOCGSID, &session) == 0 && session == kernel_call0(GETPID),
          "not the session's leader");
    judge("own", open("/dev/tty", O_RDWR) >= 0, "no /dev/tty");
}

static void
lines(void)
{
    expect("line", 100, "typed line\n");
    expect("edited", 100, "better\n");
    expect("part", 3, "abc");
    expect("rest", 100, "def\n");
    expect("end", 100, "");
}

static void
bytes(void)
{
    struct {
        int fd;
        short events, revents;
    } polled = {0, 1, 0};
    int waiting = 0;

    set_local(ICANON | ECHO, 1, 0);
    expect("byte", 1, "q");
    set_local(ICANON | ECHO, 4, 0);
    expect("four", 100, "wxyz");
    set_local(ICANON | ECHO, 0, 2);
    judge("time", read(0, &waiting, 1) == 0, "read did not end");
    set_local(ICANON | ECHO, 1, 0);
    judge("nothing", kernel_call3(POLL, (long)&polled, 1, 0) == 0, "poll sees input");
    say("ready", "poll", "");
    judge("poll", kernel_call3(POLL, (long)&polled, 1, 10000) == 1 && (polled.revents & 1),
          "poll does not");
    control(FIONREAD, &waiting);
    judge("waiting", waiting >= 1, "no bytes");
    expect("polled", 1, "p");
    set_local(ICANON | ECHO | ISIG, 1, 0);
    expect("control", 1, "\3");
    set_local(0, 1, 0);
}

static void
interrupt(void)
{
    struct sigaction action = {.sa_handler = count_interrupt};
    char byte;
    long got;

    sigaction(SIGINT, &action, NULL);
    say("ready", "interrupt", "");
    errno = 0;
    got = read(0, &byte, 1);
    judge("interrupt", got == -1 && errno == EINTR && interrupts == 1, "no signal");
}

/* A child in a group of its own in the background reads, and is stopped. */
static void
background(void)
{
    int status = 0, group;
    long pid = kernel_call0(FORK), waited;

    if (pid == 0) {
        char byte;
        kernel_call2(SETPGID, 0, 0);
        kernel_call1(EXIT, read(0, &byte, 1) == 1 && byte == 'b' ? 7 : 8);
    }
    kernel_call2(SETPGID, pid, pid);
    waited = kernel_call4(WAIT4, pid, (long)&status, 2, 0); /* WUNTRACED */
    judge("background", waited == pid && (status & 0xff) == 0x7f && status >> 8 == 21, "not stopped");
    group = (int)pid;
    judge("foreground", control(TIOCSPGRP, &group) == 0, "TIOCSPGRP");
    kernel_call2(37, -pid, 18); /* SIGCONT */
    say("ready", "child", "");
    waited = kernel_call4(WAIT4, pid, (long)&status, 0, 0);
    judge("child", waited == pid && status == 7 << 8, "the child did not read");
    group = (int)kernel_call0(GETPID);
    signal(SIGTTOU, SIG_IGN);
    judge("back", control(TIOCSPGRP, &group) == 0, "TIOCSPGRP");
}

int
main(void)
{
    modes();
    lines();
    bytes();
    interrupt();
    background();
    puts("all steps done");
    return 0;
}
