/* /proc/measure: costs inside the kernel that no user program can see, in cycles of the time-stamp
 * counter (under QEMU's -icount shift=0, instructions). */
#ifndef KERNEL_SYS_MEASURE_H
#define KERNEL_SYS_MEASURE_H

void measure_init(void);

#endif
