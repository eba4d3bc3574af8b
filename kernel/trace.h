/* The trace ring: the last TRACE_RECORDS events in memory, cheap enough to leave on. Switched by the
 * command line word trace= and by writing to /proc/trace; read as text from /proc/trace. */
#ifndef KERNEL_TRACE_H
#define KERNEL_TRACE_H

#include "kernel/types.h"

enum trace_event {
    TRACE_SWITCH,     /* a = fibril left, b = why (enum switch_reason) */
    TRACE_BLOCK,      /* a = wait channel (const char *) */
    TRACE_WAKE,       /* a = fibril woken */
    TRACE_INTERRUPT,  /* a = line */
    TRACE_CALL_IN,    /* a = call number */
    TRACE_CALL_OUT,   /* a = call number, b = result */
    TRACE_SUBMIT,     /* a = call number, b = cookie */
    TRACE_COMPLETE,   /* a = call number, b = result */
    TRACE_REAP,       /* a = fibril */
    TRACE_TIMER_ARM,  /* a = ticks from now */
    TRACE_DISK_START, /* a = first sector (low 32 bits), b = sectors */
    TRACE_DISK_DONE,  /* a = first sector, b = error */
    TRACE_FAULT,      /* a = address */
    TRACE_EVENT_COUNT
};

struct trace_record {
    u64 cycles;
    u16 event;
    u16 task;   /* tid */
    u32 fibril; /* id of the running fibril */
    u32 a, b;
};

extern u32 trace_enabled; /* a bit per event */
/* Called with each event that is enabled, interrupts off; or NULL. */
extern void (*trace_watcher)(enum trace_event event, u32 a, u32 b);
void trace_write(enum trace_event event, u32 a, u32 b);

static inline void
trace(enum trace_event event, u32 a, u32 b)
{
    if (unlikely(trace_enabled & (1u << event)))
        trace_write(event, a, b);
}

/* "off", "on", "clear" or a comma-separated list of event names; -EINVAL for others. */
int trace_control(const char *words);
/* The record with this number, counted from the oldest one kept; false past the end. */
bool trace_read(unsigned number, struct trace_record *record);
const char *trace_event_name(enum trace_event event);
/* One line of text, as /proc/trace shows it; the length. */
size_t trace_format(const struct trace_record *record, char *buffer, size_t size);

#endif
