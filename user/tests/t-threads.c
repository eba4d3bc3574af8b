/* t-threads [CASE]: threads as POSIX has them: starting, joining, mutexes of every kind, conditions, locks,
 * barriers, keys, once, data of their own. Runs on Linux too, and with its C library. */
#include "signals.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

static void *
identity(void *argument)
{
    return argument;
}

static void *
exit_with(void *argument)
{
    pthread_exit(argument);
}

static pthread_t
start(void *(*function)(void *), void *argument)
{
    pthread_t thread;

    check_equal(pthread_create(&thread, NULL, function, argument), 0);
    return thread;
}

static long
joined(pthread_t thread)
{
    void *result = (void *)-77;

    check_equal(pthread_join(thread, &result), 0);
    return (long)result;
}

/* ---- Starting and joining ---- */

static void
results(void)
{
    show(joined(start(identity, (void *)42)));
    show(joined(start(exit_with, (void *)43)));
    show(pthread_join(pthread_self(), NULL));
    pthread_t thread = start(identity, NULL);
    check_equal(pthread_detach(thread), 0);
    long sum = 0;
    for (int round = 0; round < 20; round++) {
        pthread_t threads[16];
        for (long i = 0; i < 16; i++)
            threads[i] = start(identity, (void *)i);
        for (int i = 0; i < 16; i++)
            sum += joined(threads[i]);
    }
    show(sum);
}

static void *
note_tids(void *argument)
{
    pid_t *ids = argument;

    ids[0] = getpid();
    ids[1] = gettid();
    ids[2] = getppid();
    return NULL;
}

static void
ids(void)
{
    pid_t ids_of[3];

    joined(start(note_tids, ids_of));
    show(ids_of[0] == getpid());
    show(ids_of[1] != getpid());
    show(ids_of[2] == getppid());
    show(gettid() == getpid());
}

static void *
compare_attributes(void *unused UNUSED)
{
    pthread_attr_t attributes;
    size_t size, guard;
    char here, *base;

    check_equal(pthread_getattr_np(pthread_self(), &attributes), 0);
    pthread_attr_getstack(&attributes, (void **)&base, &size);
    pthread_attr_getguardsize(&attributes, &guard);
    pthread_attr_destroy(&attributes);
    return (void *)(&here > base && &here < base + size && size >= 100000 && size < 200000);
}

static void
attributes(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int state;
    size_t size;

    check_equal(pthread_attr_init(&attributes), 0);
    show(pthread_attr_setstacksize(&attributes, 100));
    show(pthread_attr_setstacksize(&attributes, 131072));
    show(pthread_attr_getstacksize(&attributes, &size));
    show(size);
    show(pthread_create(&thread, &attributes, compare_attributes, NULL));
    show(joined(thread));
    show(pthread_attr_setdetachstate(&attributes, 77));
    show(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
    show(pthread_attr_getdetachstate(&attributes, &state));
    show(state);
    show(pthread_create(&thread, &attributes, identity, NULL));
    char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check_equal(pthread_attr_init(&attributes), 0);
    show(pthread_attr_setstack(&attributes, stack, 65536));
    show(pthread_create(&thread, &attributes, identity, (void *)5));
    show(joined(thread));
    munmap(stack, 65536);
    pthread_attr_destroy(&attributes);
}

/* ---- Mutexes ---- */

static pthread_mutex_t mutex;

static void *
try_lock(void *unused UNUSED)
{
    long result = pthread_mutex_trylock(&mutex);

    if (result == 0)
        pthread_mutex_unlock(&mutex);
    return (void *)result;
}

static void *
unlock(void *unused UNUSED)
{
    return (void *)(long)pthread_mutex_unlock(&mutex);
}

static void
mutex_of_kind(int kind)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    check_equal(pthread_mutexattr_settype(&attributes, kind), 0);
    check_equal(pthread_mutex_init(&mutex, &attributes), 0);
    pthread_mutexattr_destroy(&attributes);
}

static void
mutexes(void)
{
    struct timespec soon;
    pthread_mutexattr_t attributes;

    mutex_of_kind(PTHREAD_MUTEX_NORMAL);
    show(pthread_mutex_lock(&mutex));
    show(joined(start(try_lock, NULL)));
    show(pthread_mutex_trylock(&mutex));
    clock_gettime(CLOCK_REALTIME, &soon);
    show(pthread_mutex_timedlock(&mutex, &soon)); /* nobody will give it up */
    soon.tv_nsec = -1;
    show(pthread_mutex_timedlock(&mutex, &soon));
    show(pthread_mutex_unlock(&mutex));
    show(joined(start(try_lock, NULL)));
    show(pthread_mutex_destroy(&mutex));
    mutex_of_kind(PTHREAD_MUTEX_RECURSIVE);
    show(pthread_mutex_lock(&mutex));
    show(pthread_mutex_lock(&mutex));
    show(pthread_mutex_trylock(&mutex));
    show(joined(start(unlock, NULL)));
    show(pthread_mutex_unlock(&mutex));
    show(pthread_mutex_unlock(&mutex));
    show(joined(start(try_lock, NULL)));
    show(pthread_mutex_unlock(&mutex));
    show(joined(start(try_lock, NULL)));
    show(pthread_mutex_unlock(&mutex));
    mutex_of_kind(PTHREAD_MUTEX_ERRORCHECK);
    show(pthread_mutex_lock(&mutex));
    show(pthread_mutex_lock(&mutex));
    show(pthread_mutex_trylock(&mutex));
    show(joined(start(unlock, NULL)));
    show(pthread_mutex_unlock(&mutex));
    show(pthread_mutex_unlock(&mutex));
    pthread_mutexattr_init(&attributes);
    show(pthread_mutexattr_settype(&attributes, 99));
    show(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
}

static volatile long counter;

static void *
count_up(void *unused UNUSED)
{
    for (int i = 0; i < 3000; i++) {
        pthread_mutex_lock(&mutex);
        long seen = counter;
        if (i % 100 == 0)
            sched_yield();
        counter = seen + 1;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void
one_at_a_time(void)
{
    pthread_t threads[5];
    static const int kinds[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK};

    for (int kind = 0; kind < 3; kind++) {
        mutex_of_kind(kinds[kind]);
        counter = 0;
        for (int i = 0; i < 5; i++)
            threads[i] = start(count_up, NULL);
        for (int i = 0; i < 5; i++)
            joined(threads[i]);
        show(counter);
    }
}

/* ---- Conditions: a queue with a few places ---- */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t filled, emptied;
    int items[4], count;
    long sum, taken;
} queue;

static void *
produce(void *unused UNUSED)
{
    for (int i = 1; i <= 500; i++) {
        pthread_mutex_lock(&queue.mutex);
        while (queue.count == 4)
            pthread_cond_wait(&queue.emptied, &queue.mutex);
        queue.items[queue.count++] = i;
        pthread_cond_signal(&queue.filled);
        pthread_mutex_unlock(&queue.mutex);
    }
    return NULL;
}

static void *
consume(void *unused UNUSED)
{
    pthread_mutex_lock(&queue.mutex);
    while (queue.taken < 1500) {
        while (queue.count == 0 && queue.taken < 1500)
            pthread_cond_wait(&queue.filled, &queue.mutex);
        if (queue.count == 0)
            break;
        queue.sum += queue.items[--queue.count];
        if (++queue.taken == 1500)
            pthread_cond_broadcast(&queue.filled);
        pthread_cond_signal(&queue.emptied);
    }
    pthread_mutex_unlock(&queue.mutex);
    return NULL;
}

static void
conditions(void)
{
    pthread_t threads[6];
    struct timespec soon;

    pthread_mutex_init(&queue.mutex, NULL);
    pthread_cond_init(&queue.filled, NULL);
    pthread_cond_init(&queue.emptied, NULL);
    for (int i = 0; i < 6; i++)
        threads[i] = start(i % 2 ? produce : consume, NULL);
    for (int i = 0; i < 6; i++)
        joined(threads[i]);
    show(queue.sum);
    pthread_mutex_lock(&queue.mutex);
    clock_gettime(CLOCK_REALTIME, &soon);
    show(pthread_cond_timedwait(&queue.filled, &queue.mutex, &soon));
    show(pthread_mutex_trylock(&queue.mutex)); /* it is held again */
    soon.tv_nsec = 1000000000;
    show(pthread_cond_timedwait(&queue.filled, &queue.mutex, &soon));
    pthread_mutex_unlock(&queue.mutex);
    show(pthread_cond_signal(&queue.filled)); /* to nobody */
    show(pthread_cond_destroy(&queue.filled));
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    show(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
    show(pthread_condattr_setclock(&attributes, CLOCK_PROCESS_CPUTIME_ID));
    pthread_cond_init(&queue.filled, &attributes);
    pthread_mutex_lock(&queue.mutex);
    clock_gettime(CLOCK_MONOTONIC, &soon);
    long long before = now_ns();
    soon.tv_sec += soon.tv_nsec >= 980000000;
    soon.tv_nsec = (soon.tv_nsec + 20000000) % 1000000000;
    show(pthread_cond_timedwait(&queue.filled, &queue.mutex, &soon));
    show(now_ns() - before >= 20000000);
    pthread_mutex_unlock(&queue.mutex);
}

/* ---- Readers and writers, barriers, semaphores ---- */

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static volatile int readers, most_readers, writers, wrong;

static void *
read_and_write(void *argument)
{
    for (int i = 0; i < 200; i++) {
        if ((i + (long)argument) % 10 == 0) {
            pthread_rwlock_wrlock(&rwlock);
            if (readers || writers++)
                wrong++;
            sched_yield();
            writers--;
        } else {
            pthread_rwlock_rdlock(&rwlock);
            if (writers)
                wrong++;
            int now = __sync_add_and_fetch(&readers, 1);
            if (now > most_readers)
                most_readers = now;
            sched_yield();
            __sync_sub_and_fetch(&readers, 1);
        }
        pthread_rwlock_unlock(&rwlock);
    }
    return NULL;
}

static void *
try_write(void *unused UNUSED)
{
    return (void *)(long)pthread_rwlock_trywrlock(&rwlock);
}

static void *
try_read(void *unused UNUSED)
{
    return (void *)(long)pthread_rwlock_tryrdlock(&rwlock);
}

static void
readers_and_writers(void)
{
    pthread_t threads[6];

    for (long i = 0; i < 6; i++)
        threads[i] = start(read_and_write, (void *)i);
    for (int i = 0; i < 6; i++)
        joined(threads[i]);
    show(wrong);
    show(most_readers > 1);
    show(pthread_rwlock_rdlock(&rwlock));
    show(joined(start(try_write, NULL)));
    show(joined(start(try_read, NULL)));
    show(pthread_rwlock_unlock(&rwlock));
    show(pthread_rwlock_unlock(&rwlock));
    show(pthread_rwlock_wrlock(&rwlock));
    show(joined(start(try_read, NULL)));
    show(pthread_rwlock_unlock(&rwlock));
}

static pthread_barrier_t barrier;
static volatile int arrived, serial;

static void *
meet(void *unused UNUSED)
{
    long bad = 0;

    for (int round = 1; round <= 50; round++) {
        __sync_fetch_and_add(&arrived, 1);
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            __sync_fetch_and_add(&serial, 1);
        bad += arrived < round * 4;
        pthread_barrier_wait(&barrier);
    }
    return (void *)bad;
}

static sem_t semaphore;

static void *
post_three(void *unused UNUSED)
{
    for (int i = 0; i < 3; i++) {
        nap_ms(2);
        sem_post(&semaphore);
    }
    return NULL;
}

static void
barriers_and_semaphores(void)
{
    pthread_t threads[4];
    int value;

    show(pthread_barrier_init(&barrier, NULL, 0));
    show(pthread_barrier_init(&barrier, NULL, 4));
    for (int i = 0; i < 4; i++)
        threads[i] = start(meet, NULL);
    for (int i = 0; i < 4; i++)
        show(joined(threads[i]));
    show(serial);
    show(pthread_barrier_destroy(&barrier));
    show(sem_init(&semaphore, 0, 1));
    show(sem_wait(&semaphore));
    show(sem_trywait(&semaphore));
    threads[0] = start(post_three, NULL);
    for (int i = 0; i < 3; i++)
        show(sem_wait(&semaphore));
    joined(threads[0]);
    show(sem_getvalue(&semaphore, &value));
    show(value);
    struct timespec past = {1, 0};
    show(sem_timedwait(&semaphore, &past));
    alarm_soon(0);
    show(sem_wait(&semaphore));
    defaults();
    show(sem_destroy(&semaphore));
}

/* ---- Keys, once, data of a thread's own ---- */

static pthread_key_t key, other_key;
static volatile int destroyed, destroyed_sum;

static void
destroy(void *value)
{
    destroyed++;
    destroyed_sum += (long)value;
    if ((long)value == 100) /* once more, with another value */
        pthread_setspecific(key, (void *)1);
}

static void *
use_keys(void *value)
{
    if (pthread_getspecific(key) != NULL)
        return (void *)1;
    pthread_setspecific(key, value);
    pthread_setspecific(other_key, value);
    nap_ms(2);
    return (void *)(long)(pthread_getspecific(key) != value);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static volatile int initialised;

static void
initialise(void)
{
    nap_ms(10);
    initialised++;
}

static void *
run_once(void *unused UNUSED)
{
    pthread_once(&once, initialise);
    return (void *)(long)initialised;
}

static __thread int thread_word = 7;
static __thread char thread_bytes[100];

static void *
change_own_data(void *argument)
{
    long bad = thread_word != 7 || thread_bytes[50] != 0;

    thread_word = (long)argument;
    memset(thread_bytes, (long)argument, sizeof thread_bytes);
    errno = (long)argument;
    nap_ms(3);
    return (void *)(bad || thread_word != (long)argument || thread_bytes[99] != (char)(long)argument ||
                    errno != (long)argument);
}

static void
own_things(void)
{
    pthread_t threads[5];

    show(pthread_key_create(&key, destroy));
    show(pthread_key_create(&other_key, NULL));
    for (long i = 0; i < 5; i++)
        threads[i] = start(use_keys, (void *)(i == 4 ? 100 : i + 1));
    for (int i = 0; i < 5; i++)
        show(joined(threads[i]));
    show(destroyed);
    show(destroyed_sum);
    show(pthread_key_delete(key));
    show(pthread_setspecific(key, &key));
    show(pthread_key_delete(key));
    for (int i = 0; i < 5; i++)
        threads[i] = start(run_once, NULL);
    for (int i = 0; i < 5; i++)
        show(joined(threads[i]));
    errno = 99;
    thread_word = 1;
    for (long i = 0; i < 5; i++)
        threads[i] = start(change_own_data, (void *)(i + 10));
    for (int i = 0; i < 5; i++)
        show(joined(threads[i]));
    show(thread_word);
}

static const struct check_case cases[] = {
    {"results", results},
    {"ids", ids},
    {"attributes", attributes},
    {"mutexes", mutexes},
    {"one-at-a-time", one_at_a_time},
    {"conditions", conditions},
    {"readers-and-writers", readers_and_writers},
    {"barriers-and-semaphores", barriers_and_semaphores},
    {"own-things", own_things},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
