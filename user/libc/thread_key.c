/* Values of a thread's own under keys that all threads know. */
#include "thread.h"

static struct key {
    bool used;
    void (*destroy)(void *);
} keys[PTHREAD_KEYS_MAX];
static volatile int lock;

int
pthread_key_create(pthread_key_t *result, void (*destroy)(void *))
{
    int error = EAGAIN;

    thread_lock(&lock);
    for (unsigned key = 0; key < PTHREAD_KEYS_MAX; key++) {
        if (keys[key].used)
            continue;
        keys[key] = (struct key){true, destroy};
        thread_self()->values[key] = NULL;
        *result = key;
        error = 0;
        break;
    }
    thread_unlock(&lock);
    return error;
}

int
pthread_key_delete(pthread_key_t key)
{
    if (key >= PTHREAD_KEYS_MAX || !keys[key].used)
        return EINVAL;
    keys[key].used = false;
    return 0;
}

void *
pthread_getspecific(pthread_key_t key)
{
    return key < PTHREAD_KEYS_MAX ? (void *)thread_self()->values[key] : NULL;
}

int
pthread_setspecific(pthread_key_t key, const void *value)
{
    if (key >= PTHREAD_KEYS_MAX || !keys[key].used)
        return EINVAL;
    thread_self()->values[key] = value;
    return 0;
}

/* One round over all values; were there any? */
static bool
destroy_round(struct __pthread *thread)
{
    bool any = false;

    for (unsigned key = 0; key < PTHREAD_KEYS_MAX; key++) {
        const void *value = thread->values[key];
        thread->values[key] = NULL;
        if (!value || !keys[key].used || !keys[key].destroy)
            continue;
        keys[key].destroy((void *)value);
        any = true;
    }
    return any;
}

void
thread_values_destroy(struct __pthread *thread)
{
    for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; round++)
        if (!destroy_round(thread))
            break;
}
