/* A picture in characters of what the fibrils of a task did, from the kernel's trace (/proc/trace). */
#ifndef LIB_TIMELINE_H
#define LIB_TIMELINE_H

#include <stdbool.h>

/* Empties the trace and switches on what the picture needs. False: there is no /proc/trace. */
bool timeline_start(void);
void timeline_stop(void);

/* Prints a stretch from the middle of what was traced: a row for each fibril of the task that lived
 * in it, at most `rows`, and one for the disk. False: nothing useful was traced. */
bool timeline_print(unsigned task, unsigned rows, unsigned columns);

#endif
