// sources: fs/tty.c fs/tty_line.c fs/tty_session.c fs/iter.c tests/host/support/*.c
/* Terminals: lines and their editing, reading by bytes, output, signals, job control. */
#include "arch.h"
#include "fs/file.h"
#include "fs/pseudo.h"
#include "fs/tty.h"
#include "host.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/signal.h"
#include "kernel/task.h"

static char shown[8192]; /* what went to the device */
static size_t shown_size, device_room = 4096;
static struct tty tty;
static struct file file = {.private = &tty, .ops = &tty_file_ops, .flags = OPEN_READ_WRITE};
static struct signal_handlers handlers;
static struct process process = {.id = 5, .group = 5, .session = 5, .handlers = &handlers};
static struct credentials credentials;
static struct task task = {.process = &process, .credentials = &credentials};
static struct list processes = LIST_INIT(processes);
static u32 signalled_group;
static int signalled;
static bool orphaned;

static size_t
room(struct tty_device *device)
{
    return device_room;
}

static void
write_out(struct tty_device *device, const char *bytes, size_t size)
{
    memcpy(shown + shown_size, bytes, size);
    shown_size += size;
}

static bool
empty(struct tty_device *device)
{
    return true;
}

static struct tty_device device = {room, write_out, empty};

struct list *
process_list(void)
{
    return &processes;
}

bool
process_group_is_orphaned(u32 group)
{
    return orphaned;
}

int
process_signal_group(u32 group, const struct signal_info *info)
{
    signalled_group = group;
    signalled = info->number;
    return 0;
}

void
device_register(struct device_file *device_file)
{
}

void
task_register_hooks(struct task_hooks *hooks)
{
}

static void
begin(void)
{
    static bool made;
    if (!made && tty_init(&tty, "test", &device))
        abort();
    made = true;
    tty_flush_input(&tty);
    shown_size = 0;
    device_room = 4096;
    tty.column = 0;
    signalled = 0;
    file.flags = OPEN_READ_WRITE | OPEN_NONBLOCK;
}

static void
type(const char *text)
{
    while (*text)
        tty_input(&tty, (u8)*text++);
}

/* What a read of at most `size` bytes gives, as text; "?" and the error if it fails. */
static const char *
get(size_t size)
{
    static char bytes[5000];
    struct iter iter;
    int error;
    iter_init_kernel(&iter, bytes, size);
    error = tty_file_ops.read(&file, &iter, &file.position);
    bytes[iter.done] = 0;
    if (error)
        snprintf(bytes, sizeof bytes, "?%d", -error);
    return bytes;
}

#define SHOWN(text)                                                                                \
    CHECK(shown_size == strlen(text) && memcmp(shown, text, shown_size) == 0, "shown %.*s",        \
          (int)shown_size, shown)
#define GETS(size, text) CHECK(!strcmp(get(size), text), "got %s", get(0))

static void
lines(void)
{
    begin();
    type("one\rtw");
    SHOWN("one\r\ntw");
    GETS(100, "one\n");
    GETS(100, "?11"); /* the second line has not ended */
    type("o\nthree\n");
    GETS(2, "tw");
    GETS(100, "o\n");
    GETS(100, "three\n");
    GETS(100, "?11");
}

static void
ends_of_file(void)
{
    begin();
    type("part\4");
    GETS(100, "part");
    type("\4");
    GETS(100, "");
    GETS(100, "?11");
    type("four\4more\n");
    GETS(4, "four"); /* the end of file goes with it */
    GETS(100, "more\n");
}

static void
editing(void)
{
    begin();
    type("abc\177d\177\177x\n");
    SHOWN("abc\b \bd\b \b\b \bx\r\n");
    GETS(100, "ax\n");
    begin();
    type("\177\177ok\n"); /* nothing to erase */
    SHOWN("ok\r\n");
    GETS(100, "ok\n");
    begin();
    type("first second  \27third\n"); /* ^W: a word, with the blanks behind it */
    GETS(100, "first third\n");
    begin();
    type("forget\25ok\n"); /* ^U */
    SHOWN("forget\b \b\b \b\b \b\b \b\b \b\b \bok\r\n");
    GETS(100, "ok\n");
    begin();
    type("a\1\177b\n"); /* a control character takes two columns */
    SHOWN("a^A\b \b\b \bb\r\n");
    GETS(100, "ab\n");
    begin();
    type("a\tb\177\177c\n"); /* a tab goes back to where it came from */
    SHOWN("a\tb\b \b\b\b\b\b\b\b\bc\r\n");
    GETS(100, "ac\n");
    begin();
    type("x\26\3\26\177y\n"); /* ^V takes away the meaning */
    SHOWN("x^\b^C^\b^?y\r\n");
    GETS(100, "x\3\177y\n");
    begin();
    type("ab\22c\n"); /* ^R */
    SHOWN("ab^R\r\nabc\r\n");
    GETS(100, "abc\n");
    begin();
    tty.termios.input |= INPUT_UTF8;
    type("\303\274\342\202\254\177\177z\n");
    SHOWN("\303\274\342\202\254\b \b\b \bz\r\n");
    GETS(100, "z\n");
    tty.termios.input &= ~INPUT_UTF8;
}

static void
without_echo(void)
{
    begin();
    tty.termios.local &= ~LOCAL_ECHO;
    type("secr\177ret\n");
    SHOWN("");
    GETS(100, "secret\n");
    tty.termios.local |= LOCAL_ECHO_NL;
    type("x\n");
    SHOWN("\r\n");
    GETS(100, "x\n");
    tty.termios.local = (tty.termios.local | LOCAL_ECHO) & ~LOCAL_ECHO_NL;
}

static void
a_line_that_is_too_long(void)
{
    begin();
    for (int i = 0; i < 5000; i++)
        type("x");
    CHECK(!tty_readable(&tty));
    type("\n");
    CHECK(strlen(get(4999)) == 4096);
    GETS(100, "?11");
    type("fine\n");
    GETS(100, "fine\n");
}

static void
by_bytes(void)
{
    struct termios termios;
    begin();
    termios = tty.termios;
    tty.termios.local &= ~(LOCAL_CANONICAL | LOCAL_ECHO);
    tty_modes_changed(&tty, termios.local);
    GETS(100, "?11");
    type("a\177\4b");
    GETS(2, "a\177");
    GETS(100, "\4b");
    tty.termios.control[TTY_MIN] = 0;
    file.flags = OPEN_READ_WRITE;
    GETS(100, ""); /* at once */
    tty.termios.control[TTY_TIME] = 3;
    u64 before = time_now_ns();
    GETS(100, "");
    CHECK(time_now_ns() - before >= 300000000u && time_now_ns() - before < 400000000u);
    type("q");
    GETS(100, "q");
    tty.termios.control[TTY_MIN] = 3;
    type("ab");
    before = time_now_ns();
    GETS(100, "ab"); /* the third does not come within 0.3 s of the second */
    CHECK(time_now_ns() - before >= 300000000u);
    type("abcdef");
    GETS(4, "abcd");
    GETS(4, "ef");
    tty.termios = termios;
    tty_modes_changed(&tty, termios.local & ~LOCAL_CANONICAL);
}

static void
changing_modes(void)
{
    u32 lines_wanted = tty.termios.local;
    begin();
    type("half");
    tty.termios.local &= ~LOCAL_CANONICAL;
    tty_modes_changed(&tty, lines_wanted);
    GETS(2, "ha");
    tty.termios.local = lines_wanted;
    tty_modes_changed(&tty, lines_wanted & ~LOCAL_CANONICAL);
    type("more\n");
    GETS(100, "lf"); /* what was there is a line of its own */
    GETS(100, "more\n");
}

static void
put(const char *text)
{
    struct iter iter;
    iter_init_kernel(&iter, (void *)text, strlen(text));
    if (tty_file_ops.write(&file, &iter, &file.position) || iter.left)
        abort();
}

static void
output(void)
{
    u32 flags = tty.termios.output;
    begin();
    put("a\nb\r\n");
    SHOWN("a\r\nb\r\r\n");
    begin();
    tty.termios.output |= OUTPUT_TABS | OUTPUT_UPPER;
    put("ab\tc\n\td\n");
    SHOWN("AB      C\r\n        D\r\n");
    begin();
    tty.termios.output = 0;
    put("a\n\tb\n");
    SHOWN("a\n\tb\n");
    begin();
    tty.termios.output = OUTPUT_PROCESS | OUTPUT_CR_TO_NL | OUTPUT_NO_CR_AT_0;
    put("\ra\rb\n");
    SHOWN("a\nb\n");
    tty.termios.output = flags;
}

static void
stopping_output(void)
{
    struct iter iter;
    begin();
    type("\23"); /* ^S */
    iter_init_kernel(&iter, "x", 1);
    CHECK(tty_file_ops.write(&file, &iter, &file.position) == -EAGAIN && iter.done == 0);
    CHECK((tty_file_ops.poll(&file, NULL) & POLL_OUT) == 0);
    type("\21"); /* ^Q */
    iter_init_kernel(&iter, "x", 1);
    CHECK(tty_file_ops.write(&file, &iter, &file.position) == 0 && iter.done == 1);
    SHOWN("x");
}

static void
signals(void)
{
    begin();
    tty_opened(&tty);
    CHECK(tty.session == 5 && tty.foreground == 5 && tty_of_process(&process) == &tty);
    type("abc\3def\n"); /* ^C throws the line away */
    CHECK(signalled == SIGINT && signalled_group == 5);
    SHOWN("abc^Cdef\r\n");
    GETS(100, "def\n");
    type("\34");
    CHECK(signalled == SIGQUIT);
    tty.termios.local |= LOCAL_NO_FLUSH;
    type("abc\32d\n");
    CHECK(signalled == SIGTSTP);
    GETS(100, "abcd\n");
    tty.termios.local &= ~(LOCAL_NO_FLUSH | LOCAL_SIGNALS);
    signalled = 0;
    type("\3\n");
    CHECK(signalled == 0);
    GETS(100, "\3\n");
    tty.termios.local |= LOCAL_SIGNALS;
}

static void
the_background(void)
{
    begin();
    process.group = 6;
    GETS(10, "?512");
    CHECK(signalled == SIGTTIN && signalled_group == 6);
    orphaned = true;
    GETS(10, "?5");
    orphaned = false;
    handlers.actions[SIGTTIN - 1].handler = HANDLER_IGNORE;
    GETS(10, "?5");
    put("writing is allowed\n");
    tty.termios.local |= LOCAL_STOP_OUTPUT;
    struct iter iter;
    iter_init_kernel(&iter, "x", 1);
    CHECK(tty_file_ops.write(&file, &iter, &file.position) == -ERESTARTSYS);
    CHECK(signalled == SIGTTOU);
    tty.termios.local &= ~LOCAL_STOP_OUTPUT;
    process.session = 9; /* not its terminal: no job control */
    GETS(10, "?11");
    process.session = 5;
    process.group = 5;
    handlers.actions[SIGTTIN - 1].handler = HANDLER_DEFAULT;
}

static void
groups(void)
{
    int number = 0;
    begin();
    list_add_tail(&processes, &process.all_link);
    CHECK(tty_file_ops.ioctl(&file, 0x540f, (uintptr_t)&number) == 0 && number == 5);
    number = 7;
    CHECK(tty_file_ops.ioctl(&file, 0x5410, (uintptr_t)&number) == -ESRCH);
    process.group = 7;
    process.session = 4;
    CHECK(tty_file_ops.ioctl(&file, 0x5410, (uintptr_t)&number) == -ENOTTY);
    process.session = 5;
    tty.foreground = 7;
    CHECK(tty_file_ops.ioctl(&file, 0x5410, (uintptr_t)&number) == 0 && tty.foreground == 7);
    CHECK(tty_file_ops.ioctl(&file, 0x5422, 0) == 0); /* TIOCNOTTY: its leader gives it up */
    CHECK(tty.session == 0 && signalled == SIGCONT && signalled_group == 7);
    CHECK(tty_file_ops.ioctl(&file, 0x540f, (uintptr_t)&number) == -ENOTTY);
    CHECK(tty_file_ops.ioctl(&file, 0x540e, 0) == 0 && tty.session == 5); /* TIOCSCTTY */
    list_remove(&process.all_link);
    process.group = 5;
}

int
main(void)
{
    cpu.task = &task;
    begin();
    host_run_test("lines", lines);
    RUN_TEST(ends_of_file);
    RUN_TEST(editing);
    RUN_TEST(without_echo);
    RUN_TEST(a_line_that_is_too_long);
    RUN_TEST(by_bytes);
    RUN_TEST(changing_modes);
    RUN_TEST(output);
    RUN_TEST(stopping_output);
    RUN_TEST(signals);
    RUN_TEST(the_background);
    RUN_TEST(groups);
    return test_result();
}
