/* /proc/provoke: each word written to it breaks one rule of the kernel, so that tests can see the
 * assertion or the report that guards it. For uid 0 only, and for tests only. */
#include "kernel/sys/provoke.h"
#include "arch.h"
#include "fs/pseudo.h"
#include "kernel/address_space.h"
#include "kernel/errno.h"
#include "kernel/fibril.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/map_source.h"
#include "kernel/mutex.h"
#include "kernel/page.h"
#include "kernel/string.h"
#include "kernel/task.h"

static struct mutex mutex = MUTEX_INIT(mutex, "provoke");
static struct wait_queue queue = WAIT_QUEUE_INIT(queue, "provoke");

static void
provoke_panic(void)
{
    panic("provoked");
}

static void
provoke_assert(void)
{
    ASSERT(mutex.owner == current_fibril());
}

static unsigned
recurse(unsigned depth)
{
    volatile char space[100];
    space[0] = (char)depth;
    return depth == 0 ? 0 : recurse(depth - 1) + (unsigned)space[0];
}

static void
provoke_overflow(void)
{
    log_line("provoke: %u", recurse(1000));
}

static void
provoke_null(void)
{
    static volatile int *volatile nowhere = NULL;
    *nowhere = 1;
}

static int
null_get_page(struct map_source *source, u32 index, struct page **page)
{
    provoke_null();
    return -EIO;
}

static void
null_release(struct map_source *source)
{
}

/* Serving the page fault of a user copy, the kernel itself goes wrong: that is no bad pointer of the
 * program's. */
static void
provoke_null_in_copy(void)
{
    static const struct map_source_ops ops = {null_get_page, null_release, NULL};
    static struct map_source source = {.references = 1, .ops = &ops};
    uintptr_t at;
    char byte;
    struct address_space *space = current_task()->space;
    if (area_find_free(space, PAGE_SIZE, &at) == 0 &&
        area_create_mapped(space, at, PAGE_SIZE, PROTECTION_READ, false, &source, 0) == 0)
        log_line("provoke: the copy gave %d", copy_from_user(&byte, (const void USER *)at, 1));
}

static void
provoke_mutex_twice(void)
{
    if (mutex_lock(&mutex) == 0 && mutex_lock(&mutex) == 0)
        log_line("provoke: a mutex was taken twice");
}

/* Nobody waits for anybody, and yet two fibrils that did this at the same time could. */
static void
provoke_lock_order(void)
{
    static struct mutex other = MUTEX_INIT(other, "provoke other");
    if (mutex_lock(&mutex) || mutex_lock(&other))
        return;
    mutex_unlock(&other);
    mutex_unlock(&mutex);
    if (mutex_lock(&other) == 0 && mutex_lock(&mutex) == 0)
        log_line("provoke: two mutexes were taken in both orders");
    mutex_unlock(&mutex);
    mutex_unlock(&other);
}

static void
provoke_mutex_unowned(void)
{
    mutex_unlock(&mutex);
}

static void
provoke_mutex_kept(void)
{
    if (mutex_lock(&mutex) == 0)
        log_line("provoke: a call returns with a mutex");
}

static void
provoke_sleep_interrupts_off(void)
{
    interrupts_save();
    wait_event_until(&queue, false, time_now_ns() + 1000 * TICK_NS); /* not over before it begins */
}

static void
provoke_stack_magic(void)
{
    *current_fibril()->stack_bottom = 0;
    schedule_yield();
}

static void
provoke_double_free(void)
{
    struct page *page = page_alloc();
    page_put(page);
    page_put(page);
}

/* Found with heap=checked on the command line only. */
static void
provoke_freed_object(void)
{
    u32 *object = heap_alloc(384);
    heap_free(object);
    if (object)
        object[10] = 1;
    heap_free(heap_alloc(384));
}

static const struct {
    const char *word;
    void (*provoke)(void);
} provocations[] = {
    {"panic", provoke_panic},
    {"assert", provoke_assert},
    {"overflow", provoke_overflow},
    {"null", provoke_null},
    {"null-in-copy", provoke_null_in_copy},
    {"mutex-twice", provoke_mutex_twice},
    {"lock-order", provoke_lock_order},
    {"mutex-unowned", provoke_mutex_unowned},
    {"mutex-kept", provoke_mutex_kept},
    {"sleep-interrupts-off", provoke_sleep_interrupts_off},
    {"stack-magic", provoke_stack_magic},
    {"double-free", provoke_double_free},
    {"freed-object", provoke_freed_object},
};

static int
provoke_store(const char *text, size_t length)
{
    if (current_credentials()->euid != 0)
        return -EPERM;
    while (length > 0 && text[length - 1] == '\n')
        length--;
    for (unsigned i = 0; i < ARRAY_SIZE(provocations); i++)
        if (strlen(provocations[i].word) == length &&
            !memcmp(provocations[i].word, text, length)) {
            provocations[i].provoke();
            return 0;
        }
    return -EINVAL;
}

static void
provoke_show(struct text_buffer *text)
{
    for (unsigned i = 0; i < ARRAY_SIZE(provocations); i++)
        text_print(text, "%s\n", provocations[i].word);
}

void
provoke_init(void)
{
    static struct proc_file file = {
        .name = "provoke", .show = provoke_show, .store = provoke_store};
    proc_register(&file);
}
