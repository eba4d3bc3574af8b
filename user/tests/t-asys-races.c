/* t-asys-races [ACT…]: while a call of each kind is at its first switch, its second, and so on until it
 * completes by itself, the program ends, is killed, replaces itself, fails to, forks, closes what the call
 * uses, closes the context, or the thread that submitted ends. What must complete does, once; what must
 * not leaves nothing behind (tools/run's repeat=, and the fibrils counted here). */
#include <pthread.h>
#include "force.h"

#define POINTS_MOST 500

static const struct force_kind *kind;
static struct asys_entry entries[FORCE_ENTRIES];
static unsigned count, point;
static int context;
static bool fed;
static volatile int *reached; /* shared with children */

static void
feed(void)
{
    if (kind->feed && !fed)
        kind->feed();
    fed = true;
}

/* Submits, and returns when the call is at the point, or has completed without having been there. */
static void
submit_and_wait(void)
{
    check(force("tell %u", point) > 0);
    check_equal(asys_enter(context, entries, count), count);
    fed = false;
    if (force_count("reached") == 0)
        feed(); /* it does not get there without */
    force("wait", 0);
    *reached = force_count("reached") == 1;
    force_off();
}

/* ---- Acts. true: the call goes on, and must complete as if nothing had been ---- */

static int
in_child(void (*act)(void))
{
    long pid = sys_fork();
    if (pid == 0) {
        context = asys_context(NULL);
        count = kind_prepare(kind, entries);
        submit_and_wait();
        act();
        sys_exit_group(check_failures ? 99 : 0);
    }
    return test_wait(pid);
}

static void
act_nothing(void)
{
}

static void
act_kill(void)
{
    sys_kill(sys_getpid(), SIGNAL_KILL);
}

static void
act_exec(void)
{
    static char *const arguments[] = {"t-exit", "9", NULL};
    sys_execve("/bin/t-exit", arguments, arguments + 2);
}

static void
exits(void)
{
    check_equal(in_child(act_nothing), 0);
}

static void
killed(void)
{
    check_equal(in_child(act_kill), SIGNAL_KILL);
}

static void
executes(void)
{
    check_equal(in_child(act_exec), 9 << 8);
}

/* In this process: the call is prepared, brought to its point, `act` happens, and all completes well. */
static void
here(void (*act)(void))
{
    context = asys_context(NULL);
    count = kind_prepare(kind, entries);
    submit_and_wait();
    act();
    feed();
    kind_collect(kind, context, count, true);
    if (kind->finish)
        kind->finish();
    sys_close(context);
}

static void
act_failed_exec(void)
{
    static char *const arguments[] = {"t-exit", NULL};
    check_equal(sys_execve("/none/such", arguments, arguments + 1), -ENOENT);
    check_equal(sys_execve("/proc/self/status", arguments, arguments + 1), -EACCES);
}

static void
act_fork(void)
{
    long pid = sys_fork();
    if (pid == 0)
        sys_exit_group(asys_collect(context, NULL, 0, 0, 0) == -EBADF && test_fibrils() == 1 ? 3 : 4);
    check_equal(test_wait(pid), 3 << 8);
}

static volatile int handled;

static void
handle(int number)
{
    (void)number;
    handled++;
}

static void
act_signal(void)
{
    test_set_handler(SIGNAL_USR1, handle, 0);
    handled = 0;
    sys_kill(sys_getpid(), SIGNAL_USR1);
    check_equal(handled, 1);
}

static void
fails_to_execute(void)
{
    here(act_failed_exec);
}

static void
forks(void)
{
    here(act_fork);
}

static void
is_signalled(void)
{
    here(act_signal);
}

/* The call has its own reference to the file. */
static void
act_close_file(void)
{
    if (kind->verify == check_8192)
        sys_close(kind_file);
}

static void
closes_the_file(void)
{
    if (kind->verify != check_8192)
        *reached = 0;
    else
        here(act_close_file);
}

/* Nothing completes, as nobody is there to see it; but all unwinds. */
static void
closes_the_context(void)
{
    context = asys_context(NULL);
    count = kind_prepare(kind, entries);
    long fibrils = test_fibrils();
    submit_and_wait();
    check_equal(sys_close(context), 0);
    for (int i = 0; i < 2000 && test_fibrils() > fibrils; i++)
        test_nap(1);
    check(test_fibrils() <= fibrils); /* an inner call may have completed, too */
    check_equal(asys_collect(context, NULL, 0, 0, 0), -EBADF);
    feed();
    if (strcmp(kind->name, "wait4") == 0)
        sys_wait4(kind_child, &kind_status, 0, NULL);
    if (kind->finish)
        kind->finish();
}

static void *
submits_and_ends(void *unused)
{
    count = kind_prepare(kind, entries);
    submit_and_wait();
    return unused;
}

/* Its calls are cancelled, and their completions arrive all the same. */
static void
thread_ends(void)
{
    pthread_t thread;
    context = asys_context(NULL);
    check_equal(pthread_create(&thread, NULL, submits_and_ends, NULL), 0);
    check_equal(pthread_join(thread, NULL), 0);
    feed();
    kind_collect(kind, context, count, false);
    if (kind->finish)
        kind->finish();
    sys_close(context);
}

static const struct check_case cases[] = {
    {"exits", exits},
    {"killed", killed},
    {"executes", executes},
    {"fails-to-execute", fails_to_execute},
    {"forks", forks},
    {"is-signalled", is_signalled},
    {"closes-the-file", closes_the_file},
    {"closes-the-context", closes_the_context},
    {"thread-ends", thread_ends},
    {NULL, NULL},
};

static unsigned
run_kind(const struct check_case *act)
{
    unsigned points = 0;
    long fibrils = test_fibrils();
    for (point = 1; point < POINTS_MOST && !check_failures; point++, points++) {
        *reached = 0;
        act->run();
        check_equal(test_fibrils(), fibrils);
        if (!*reached)
            break;
    }
    if (check_failures)
        printf("# with %s at point %u\n", kind->name, point);
    return points;
}

int
main(int argc, char **argv)
{
    int failed = 0;
    force_open();
    reached = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (const struct check_case *act = cases; act->name; act++) {
        unsigned points = 0;
        if (argc > 1 && strcmp(argv[1], act->name))
            continue;
        check_failures = 0;
        for (kind = force_kinds; kind->name && !check_failures; kind++)
            points += run_kind(act);
        printf("# %s: at %u points\n", act->name, points);
        check(points > 0);
        if (check_failures)
            printf("not ok %s: %s (%d failures)\n", act->name, check_first, check_failures);
        else
            printf("ok %s\n", act->name);
        fflush(stdout);
        failed += check_failures > 0;
    }
    return failed > 0;
}
