/* The trace ring: see trace.h. Records are written in any context with interrupts held off. */
#include "kernel/trace.h"
#include "arch.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/format.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

#define TRACE_RECORDS 16384u

u32 trace_enabled;
void (*trace_watcher)(enum trace_event event, u32 a, u32 b);
static struct trace_record ring[TRACE_RECORDS];
static u32 written;

static const char *const event_names[TRACE_EVENT_COUNT] = {
    [TRACE_SWITCH] = "switch",         [TRACE_BLOCK] = "block",       [TRACE_WAKE] = "wake",
    [TRACE_INTERRUPT] = "interrupt",   [TRACE_CALL_IN] = "call_in",   [TRACE_CALL_OUT] = "call_out",
    [TRACE_SUBMIT] = "submit",         [TRACE_COMPLETE] = "complete", [TRACE_REAP] = "reap",
    [TRACE_TIMER_ARM] = "timer_arm",   [TRACE_DISK_START] = "disk_start",
    [TRACE_DISK_DONE] = "disk_done",   [TRACE_FAULT] = "fault",
};
static const char *const switch_reasons[] = {
    [SWITCH_BLOCK] = "block",     [SWITCH_YIELD] = "yield",   [SWITCH_PREEMPT] = "preempt",
    [SWITCH_EXIT] = "exit",       [SWITCH_SUBMIT] = "submit",
};

void
trace_write(enum trace_event event, u32 a, u32 b)
{
    INTERRUPTS_OFF_SCOPE();
    ring[written++ % TRACE_RECORDS] = (struct trace_record){
        .cycles = time_cycles(),
        .event = event,
        .task = cpu.current->task->tid,
        .fibril = cpu.current->id,
        .a = a,
        .b = b,
    };
    if (trace_watcher)
        trace_watcher(event, a, b);
}

const char *
trace_event_name(enum trace_event event)
{
    return event < TRACE_EVENT_COUNT ? event_names[event] : "?";
}

bool
trace_read(unsigned number, struct trace_record *record)
{
    INTERRUPTS_OFF_SCOPE();
    u32 kept = MIN(written, TRACE_RECORDS);
    if (number >= kept)
        return false;
    *record = ring[(written - kept + number) % TRACE_RECORDS];
    return true;
}

static int
trace_enable_word(const char *word, size_t length)
{
    if (length == 2 && !memcmp(word, "on", 2))
        trace_enabled = (1u << TRACE_EVENT_COUNT) - 1;
    else if (length == 3 && !memcmp(word, "off", 3))
        trace_enabled = 0;
    else if (length == 5 && !memcmp(word, "clear", 5))
        written = 0;
    else {
        for (unsigned event = 0; event < TRACE_EVENT_COUNT; event++)
            if (strlen(event_names[event]) == length && !memcmp(event_names[event], word, length)) {
                trace_enabled |= 1u << event;
                return 0;
            }
        return -EINVAL;
    }
    return 0;
}

int
trace_control(const char *words)
{
    while (*words && *words != '\n') {
        size_t length = 0;
        while (words[length] && words[length] != ',' && words[length] != '\n')
            length++;
        int error = trace_enable_word(words, length);
        if (error)
            return error;
        words += length + (words[length] == ',');
    }
    return 0;
}

static size_t
trace_format_details(const struct trace_record *r, char *buffer, size_t size)
{
    switch (r->event) {
    case TRACE_SWITCH:
        return format_string(buffer, size, "from=%u reason=%s", r->a,
                             r->b < ARRAY_SIZE(switch_reasons) ? switch_reasons[r->b] : "?");
    case TRACE_BLOCK:
        return format_string(buffer, size, "on=%s", (const char *)(uintptr_t)r->a);
    case TRACE_WAKE:
    case TRACE_REAP:
        return format_string(buffer, size, "which=%u", r->a);
    case TRACE_CALL_IN:
        return format_string(buffer, size, "call=%s", syscall_name(r->a));
    case TRACE_SUBMIT:
        return format_string(buffer, size, "call=%s cookie=%u", syscall_name(r->a), r->b);
    case TRACE_CALL_OUT:
    case TRACE_COMPLETE:
        return format_string(buffer, size, "call=%s result=%d", syscall_name(r->a), (int)r->b);
    case TRACE_DISK_START:
        return format_string(buffer, size, "sector=%u sectors=%u", r->a, r->b);
    case TRACE_DISK_DONE:
        return format_string(buffer, size, "sector=%u error=%d", r->a, (int)r->b);
    case TRACE_FAULT:
        return format_string(buffer, size, "address=%08x", r->a);
    default:
        return format_string(buffer, size, "value=%u", r->a);
    }
}

/* "CYCLES EVENT task=T fibril=F DETAILS\n" */
size_t
trace_format(const struct trace_record *record, char *buffer, size_t size)
{
    size_t length = format_string(buffer, size - 1, "%llu %s task=%u fibril=%u ", record->cycles,
                                  trace_event_name(record->event), record->task, record->fibril);
    length += trace_format_details(record, buffer + length, size - 1 - length);
    buffer[length++] = '\n';
    buffer[length] = 0;
    return length;
}
