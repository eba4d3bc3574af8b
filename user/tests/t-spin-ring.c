/* Entries put into a ring are taken and answered while the program only spins in user mode. The
 * kernel's trace says how many calls this program has made since; the one that switches the trace off
 * is not counted. Prints `seen=1 calls_after_submit=0`. */
#include "test.h"

/* Calls made by other fibrils than those that ran the ring's entry. */
static int
calls_traced(void)
{
    char line[256], event[16];
    unsigned fibril, runner = 0, by[64], count = 0;
    int calls = 0;
    FILE *trace = fopen("/proc/trace", "r");
    while (trace && fgets(line, sizeof line, trace)) {
        if (sscanf(line, "%*u %15s task=%*u fibril=%u", event, &fibril) != 2)
            continue;
        if (strcmp(event, "submit") == 0 && strstr(line, "cookie=77"))
            runner = fibril;
        if (strcmp(event, "call_in") == 0 && count < LENGTH(by))
            by[count++] = fibril;
    }
    for (unsigned i = 0; i < count; i++)
        calls += by[i] != runner;
    return runner ? calls : -1000;
}

int
main(void)
{
    static const char on[] = "off,clear,call_in,submit";
    struct asys queue;
    struct asys_event event;
    int pid = (int)sys_getpid(), trace = sys_open("/proc/trace", O_WRONLY, 0);
    if (asys_open(&queue, 8) || sys_write(trace, on, strlen(on)) < 0) {
        puts("no queue or no trace");
        return 1;
    }
    asys_call(asys_next(&queue), SYS_getpid)->cookie = 77;
    asys_publish(&queue);
    while (!asys_peek(&queue, &event))
        ;
    sys_write(trace, "off", 3);
    int seen = event.cookie == 77 && event.result == pid, calls = calls_traced() - 1;
    printf("seen=%d calls_after_submit=%d\n", seen, calls);
    return !seen || calls != 0;
}
