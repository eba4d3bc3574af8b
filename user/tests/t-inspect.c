/* t-inspect [CASE…]: what the kernel shows of itself: /proc/fibrils, and its log through /dev/kmsg,
 * /proc/kmsg and syslog(2). Wants checks=on. wait-for-key is for the test of the console's key. */
#include <poll.h>
#include "test.h"

#define LOG_BYTES 65536
#define SYSLOG_READ 2
#define SYSLOG_READ_ALL 3
#define SYSLOG_READ_CLEAR 4
#define SYSLOG_CLEAR 5
#define SYSLOG_UNREAD 9
#define SYSLOG_SIZE 10

static char text[LOG_BYTES + 1];

/* ---- /proc/fibrils ---- */

struct row {
    unsigned id, task, ms, stack;
    char kind[16], state[16], call[32], channel[32], name[32], backtrace[300];
};

/* The row of this task's fibril in that call; false: there is none. */
static bool
find_row(const char *kind, const char *call, struct row *row)
{
    char line[600];
    bool found = false;
    FILE *file = fopen("/proc/fibrils", "r");
    while (file && !found && fgets(line, sizeof line, file)) {
        int fields = sscanf(line, "%u %u %15s %15s %31s %31s %u %u %31s %299s", &row->id, &row->task,
                            row->kind, row->state, row->call, row->channel, &row->ms, &row->stack,
                            row->name, row->backtrace);
        found = fields == 10 && (long)row->task == sys_getpid() && !strcmp(row->kind, kind) &&
                !strcmp(row->call, call);
    }
    if (file)
        fclose(file);
    return found;
}

static void
check_row(const char *call, const char *channel, const char *first_function)
{
    struct row row;
    if (!find_row("call", call, &row)) {
        check_failed("no row for %s", call);
        return;
    }
    check(!strcmp(row.state, "sleeping"));
    if (strcmp(row.channel, channel))
        check_failed("%s sleeps on %s", call, row.channel);
    check(row.ms >= 20 && row.ms < 60000);
    check(row.stack > 150 && row.stack < 4096);
    if (!strstr(row.backtrace, first_function) || !strstr(row.backtrace, "<batch_runner<fibril_main"))
        check_failed("%s: %s", call, row.backtrace);
    check(!strncmp(row.backtrace, "schedule<wait_sleep<", 20));
    check(!strcmp(row.name, "t-inspect"));
}

static void
fibrils(void)
{
    static struct kernel_timespec time = {1000, 0};
    static char byte;
    struct row row;
    int fds[2];
    test_pipe(fds);
    test_start(SYS_nanosleep, 1, WORD(&time), 0, 0, 0);
    test_start(SYS_read, 2, fds[0], WORD(&byte), 1, 0);
    test_nap(25);
    check_row("nanosleep", "nanosleep", "sys_nanosleep");
    check_row("read", "pipe_read", "<sys_read<");
    check(find_row("user", "read", &row));
    check(!strcmp(row.state, "running") && row.ms == 0 && strstr(row.backtrace, "<sys_read<"));
    check_equal(asys_cancel_all(), 2);
    check_equal(test_drain(), 2);
    check(!find_row("call", "nanosleep", &row));
    test_close_both(fds);
}

/* ---- The log ---- */

static int writer;

static void
say(const char *line)
{
    check_equal(sys_write(writer, line, strlen(line)), strlen(line));
}

/* One record a read, from the oldest line to what was just written; then it waits. */
static void
records(void)
{
    char record[400] = "";
    int fd = sys_open("/dev/kmsg", O_RDONLY | O_NONBLOCK, 0);
    struct pollfd ready = {fd, POLLIN, 0};
    unsigned long long before = 0, number, time;
    unsigned count = 0;
    long length;
    writer = sys_open("/dev/kmsg", O_WRONLY, 0);
    say("first words\n");
    say("last words");
    check_equal(sys_poll(&ready, 1, 0), 1);
    check_equal(sys_read(fd, record, 5), -EINVAL);
    while ((length = sys_read(fd, record, sizeof record - 1)) > 0) {
        record[length] = 0;
        check_equal(sscanf(record, "6,%llu,%llu,-;", &number, &time), 2);
        check(count++ == 0 || number > before);
        before = number;
        check(record[length - 1] == '\n' && strchr(record, '\n') == record + length - 1);
        check(number > 0 || strstr(record, ";Fibril "));
    }
    check_equal(length, -EAGAIN);
    check(count > 5);
    check(strstr(record, ";t-inspect: last words\n"));
    check_equal(sys_poll(&ready, 1, 0), 0);
    sys_close(fd);
}

static void
waiting_reader(void)
{
    static char record[400];
    int fd = sys_open("/dev/kmsg", O_RDONLY, 0);
    for (struct pollfd ready = {fd, POLLIN, 0}; sys_poll(&ready, 1, 0) == 1;)
        check(sys_read(fd, record, sizeof record) > 0);
    test_start(SYS_read, 1, fd, WORD(record), sizeof record - 1, 0);
    check_equal(asys_collect(-1, NULL, 0, 0, 0), 0);
    say("for the one that waits");
    struct asys_completion done = test_await();
    check(done.return_code > 0);
    check(strstr(record, ";t-inspect: for the one that waits\n"));
    sys_close(fd);
}

static long
syslog_all(int type)
{
    long length = sys_syslog(type, text, LOG_BYTES);
    text[length > 0 ? length : 0] = 0;
    return length;
}

static void
syslog_calls(void)
{
    say("in the ring");
    check(syslog_all(SYSLOG_READ_ALL) > 100);
    check(strstr(text, "] t-inspect: in the ring\n") && text[0] == '[');
    long length = sys_syslog(SYSLOG_READ_ALL, text, 40); /* the last whole lines of so many bytes */
    check(length == 0 || (length <= 40 && text[0] == '[' && text[length - 1] == '\n'));
    check_equal(sys_syslog(SYSLOG_SIZE, NULL, 0), LOG_BYTES);
    check(sys_syslog(SYSLOG_UNREAD, NULL, 0) > 0);
    long unread = sys_syslog(SYSLOG_UNREAD, NULL, 0);
    check_equal(sys_syslog(SYSLOG_READ, text, 10), 10);
    check_equal(sys_syslog(SYSLOG_UNREAD, NULL, 0), unread - 10);
    int fd = sys_open("/proc/kmsg", O_RDONLY | O_NONBLOCK, 0);
    length = 0;
    for (long got; (got = sys_read(fd, text, LOG_BYTES)) > 0;)
        length += got;
    check_equal(length, unread - 10);
    check_equal(sys_syslog(SYSLOG_UNREAD, NULL, 0), 0);
    check_equal(sys_read(fd, text, 10), -EAGAIN);
    sys_close(fd);
    check(syslog_all(SYSLOG_READ_CLEAR) > 100);
    check_equal(syslog_all(SYSLOG_READ_ALL), 0);
    say("after it was cleared");
    check(syslog_all(SYSLOG_READ_ALL) > 0 && text[0] == '[' && strchr(text, '\n')[1] == 0);
    check_equal(sys_syslog(SYSLOG_CLEAR, NULL, 0), 0);
    check_equal(sys_syslog(SYSLOG_READ_ALL, NOWHERE, 0), 0);
    say("x");
    check_equal(sys_syslog(SYSLOG_READ_ALL, (char *)NOWHERE, 100), -EFAULT);
    check_equal(sys_syslog(SYSLOG_READ_ALL, NULL, 100), -EINVAL);
    check_equal(sys_syslog(SYSLOG_READ_ALL, text, -1), -EINVAL);
    check_equal(sys_syslog(11, text, 1), -EINVAL);
}

/* More than the ring holds: what is left is whole lines, the newest ones. */
static void
ring_goes_round(void)
{
    char line[100], record[400];
    unsigned long long number;
    int fd = sys_open("/dev/kmsg", O_RDONLY | O_NONBLOCK, 0);
    check(sys_read(fd, record, sizeof record) > 0);
    for (int i = 0; i < 1200; i++) {
        snprintf(line, sizeof line, "round %d, and some more words to fill the line", i);
        say(line);
    }
    long length = sys_read(fd, record, sizeof record - 1);
    check(length > 0);
    record[length > 0 ? length : 0] = 0;
    check(sscanf(record, "6,%llu,", &number) == 1 && strstr(record, ";t-inspect: round "));
    check(syslog_all(SYSLOG_READ_ALL) > LOG_BYTES - 100);
    check(text[0] == '[' && strstr(text, "t-inspect: round 1199,"));
    sys_close(fd);
}

static void
rights(void)
{
    long pid = sys_fork();
    if (pid == 0) {
        sys_setuid(1000);
        check_equal(sys_open("/dev/kmsg", O_WRONLY, 0), -EACCES);
        check_equal(sys_open("/proc/kmsg", O_RDONLY, 0), -EACCES);
        check_equal(sys_syslog(SYSLOG_CLEAR, NULL, 0), -EPERM);
        check(sys_syslog(SYSLOG_READ_ALL, text, 100) >= 0);
        sys_exit_group(check_failures != 0);
    }
    check_equal(test_wait(pid), 0);
}

/* `t-inspect wait-for-key`: the console's key is pressed now, and then a line is typed. */
static int
wait_for_key(void)
{
    static struct kernel_timespec time = {1000, 0};
    char byte;
    test_start(SYS_nanosleep, 1, WORD(&time), 0, 0, 0);
    puts("ready key");
    fflush(stdout);
    return sys_read(0, &byte, 1) != 1 || byte != 'q';
}

static const struct check_case cases[] = {
    {"fibrils", fibrils},
    {"records", records},
    {"waiting-reader", waiting_reader},
    {"syslog", syslog_calls},
    {"rights", rights},
    {"ring-goes-round", ring_goes_round},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    writer = sys_open("/dev/kmsg", O_WRONLY, 0);
    if (argc > 1 && !strcmp(argv[1], "wait-for-key"))
        return wait_for_key();
    return check_run(cases, argc, argv);
}
