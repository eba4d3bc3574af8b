/* A picture in characters of what the fibrils of a task did, from the kernel's trace (/proc/trace). */
#ifndef LIB_TIMELINE_H
#define LIB_TIMELINE_H

#include <stdbool.h>

/* Empties the trace and switches on what the picture needs. False: there is no /proc/trace. */
bool timeline_start(void);
void timeline_stop(void);

/* Prints a stretch of what was traced, around the moment when most fibrils of the task were blocked:
 * a row for each of those that lived at the same time, at most `rows`, and one for the disk. False:
 * nothing useful was traced. */
bool timeline_print(unsigned task, unsigned rows, unsigned columns);

#endif
