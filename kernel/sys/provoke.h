/* /proc/provoke: makes the kernel fail on purpose, to prove that its detectors detect. */
#ifndef KERNEL_SYS_PROVOKE_H
#define KERNEL_SYS_PROVOKE_H

void provoke_init(void);

#endif
