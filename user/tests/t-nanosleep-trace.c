/* t-nanosleep-trace: one asynchronous nanosleep, traced, must take the steps that Zach Brown's
 * announcement of January 2007 walks through, in that order. Prints each step with the trace's line;
 * ends with 1 and the step that is missing if there is one. */
#include <fcntl.h>
#include <fibril/asys.h>
#include <fibril/kernel_types.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COOKIE 4711
#define SLEEP_NANOSECONDS 20000000

/* Who acts: the user fibril, the call's fibril, or whoever ran when the timer struck. */
enum who { USER, CALL, ANYONE };

static const struct step {
    const char *text, *event, *detail; /* detail: $U and $C stand for the two fibrils' numbers */
    enum who who;
} steps[] = {
    {"the program submits", "call_in", "call=asys_submit", USER},
    {"a fibril is made and switched to", "switch", "from=$U reason=submit", CALL},
    {"it takes the call", "submit", "call=nanosleep cookie=4711", CALL},
    {"it runs the handler", "call_in", "call=nanosleep", CALL},
    {"the handler arms the timer", "timer_arm", "", CALL},
    {"it goes to sleep", "block", "", CALL},
    {"schedule() goes back to the submitting fibril", "switch", "from=$C reason=block", USER},
    {"which returns to user mode", "call_out", "call=asys_submit result=1", USER},
    {"the program awaits", "call_in", "call=asys_await_completion", USER},
    {"and sleeps, with it the task", "block", "", USER},
    {"the timer wakes the call's fibril", "wake", "which=$C", ANYONE},
    {"it is switched to", "switch", "", CALL},
    {"the handler returns", "call_out", "call=nanosleep result=0", CALL},
    {"into the common end, which queues the result", "complete", "call=nanosleep result=0", CALL},
    {"and wakes who awaits it", "wake", "which=$U", CALL},
    {"the fibril ends", "switch", "from=$C reason=exit", USER},
    {"and is reaped after the switch", "reap", "which=$C", USER},
    {"the program has the result", "call_out", "call=asys_await_completion result=1", USER},
};

static void
control(const char *words)
{
    int fd = open("/proc/trace", O_WRONLY);

    if (fd < 0 || write(fd, words, strlen(words)) < 0) {
        perror("/proc/trace");
        exit(1);
    }
    close(fd);
}

static void
run_nanosleep(void)
{
    struct kernel_timespec time = {0, SLEEP_NANOSECONDS};
    unsigned long args[] = {(unsigned long)&time, 0};
    struct asys_input input = {SYS_nanosleep, COOKIE, 2, args};
    struct asys_completion done = {-1, 0};
    long submitted, awaited;

    control("off,clear,on");
    submitted = asys_submit(&input, 1);
    awaited = asys_await_completion(&done);
    control("off");
    if (submitted != 1 || awaited != 1 || done.return_code != 0 || done.cookie != COOKIE) {
        printf("submitted %ld, awaited %ld, result %ld, cookie %lu\n", submitted, awaited,
               done.return_code, done.cookie);
        exit(1);
    }
}

/* `pattern` with the fibrils' numbers put in. */
static const char *
fill_in(const char *pattern, unsigned user, unsigned call)
{
    static char text[64];
    char *to = text;

    for (; *pattern; pattern++) {
        if (pattern[0] == '$')
            to += sprintf(to, "%u", *++pattern == 'U' ? user : call);
        else
            *to++ = *pattern;
    }
    *to = 0;
    return text;
}

/* Is this line that step? Learns who the two fibrils are. */
static bool
matches(const struct step *step, const char *line, unsigned *user, unsigned *call)
{
    unsigned long long cycles;
    unsigned fibril;
    char event[16];

    if (sscanf(line, "%llu %15s task=%*u fibril=%u", &cycles, event, &fibril) != 3 ||
        strcmp(event, step->event) != 0)
        return false;
    if (*user == 0 && step->who == USER && strstr(line, step->detail))
        *user = fibril;
    if (*call == 0 && step->who == CALL && *user != 0 && fibril != *user)
        *call = fibril;
    if ((step->who == USER && fibril != *user) || (step->who == CALL && fibril != *call))
        return false;
    return strstr(line, fill_in(step->detail, *user, *call)) != NULL;
}

int
main(void)
{
    const struct step *step = steps, *end = steps + sizeof steps / sizeof steps[0];
    unsigned user = 0, call = 0;
    char line[256];
    FILE *trace;

    run_nanosleep();
    trace = fopen("/proc/trace", "r");
    while (trace && step < end && fgets(line, sizeof line, trace))
        if (matches(step, line, &user, &call)) {
            printf("%2d %-46s %s", (int)(step - steps) + 1, step->text, line);
            step++;
        }
    if (step == end) {
        puts("all steps, in order");
        return 0;
    }
    printf("missing: %d %s (%s %s)\n", (int)(step - steps) + 1, step->text, step->event,
           step->detail);
    return 1;
}
