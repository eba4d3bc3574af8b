/* Random bytes for AT_RANDOM, /dev/random and getrandom: hashed from interrupt times and the cycle
 * counter. Good enough to be different at every boot; not for keys. Any context. */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include "kernel/types.h"

void random_bytes(void *buffer, size_t size);
void random_add(u32 value); /* something unpredictable happened */

#endif
