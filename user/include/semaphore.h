/* Unnamed semaphores. */
#ifndef _SEMAPHORE_H
#define _SEMAPHORE_H

#include <sys/cdefs.h>
#include <time.h>

__BEGIN_DECLS

#define SEM_VALUE_MAX 0x7fffffff

typedef struct {
    int value;
    unsigned waiters;
    unsigned char shared;
} sem_t;

int sem_init(sem_t *, int shared, unsigned value);
int sem_destroy(sem_t *);
int sem_wait(sem_t *);
int sem_trywait(sem_t *);
int sem_timedwait(sem_t *, const struct timespec *);
int sem_post(sem_t *);
int sem_getvalue(sem_t *, int *);

__END_DECLS

#endif
