/* The run channel: standard input, output, error and the exit status of a program, between the
 * machine and the emulator's host, over COM2 (docs/boot-interface.md has the frames). */
#ifndef DRIVERS_HOSTLINK_H
#define DRIVERS_HOSTLINK_H

#include "kernel/types.h"
#include "kernel/wait.h"

enum hostlink_channel {
    HOSTLINK_INPUT = 0,
    HOSTLINK_OUTPUT = 1,
    HOSTLINK_ERROR = 2,
    HOSTLINK_STATUS = 3,
    HOSTLINK_LOG = 4,
};

/* Opens COM2: 0, -ENODEV, -ENOMEM. */
int hostlink_start(void);

/* Bytes of standard input into kernel memory: how many (0: end of file), or why the fibril was
 * cancelled. Sleeps until there is at least one. */
int hostlink_read(void *bytes, size_t size) MUST_CHECK;
/* All the bytes, in whole frames, from kernel memory: 0 or why the fibril was cancelled (then all
 * frames begun have been written whole). Sleeps while there is no room. Size 0: an empty frame. */
int hostlink_write(enum hostlink_channel channel, const void *bytes, size_t size) MUST_CHECK;
/* Waits until everything has left the machine; at most some seconds. */
void hostlink_flush(void);

/* For poll: can a read (a write of one frame) go on without sleeping? The queue is woken whenever
 * that may have changed. Any context. */
bool hostlink_readable(void);
bool hostlink_writable(void);
struct wait_queue *hostlink_wait_queue(void);

/* The log goes to the host, too, from its beginning on. */
void hostlink_add_log(void);

#endif
