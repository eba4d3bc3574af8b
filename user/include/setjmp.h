/* newlib's, and the forms that save the signal mask. */
#include_next <setjmp.h>
#ifndef _FIBRIL_SETJMP_H
#define _FIBRIL_SETJMP_H

typedef struct {
    jmp_buf context;
    int mask_saved;
    unsigned long long mask;
} sigjmp_buf[1];

/* Saves the mask if `save` is not 0; the value of the whole is setjmp's, which must be called here. */
int __sigsetjmp_save(sigjmp_buf environment, int save);
#define sigsetjmp(environment, save)                                                               \
    (__sigsetjmp_save(environment, save), setjmp((environment)->context))
void siglongjmp(sigjmp_buf environment, int value) __attribute__((__noreturn__));

#endif
