/* The request queue of each disk: requests wait here, sorted by sector, until the driver has room.
 *
 * Called by the page cache's owners (block_submit, on any fibril), by drivers (block_take_command and
 * what follows it, in interrupts) and by start-up code (disk_register).
 *
 * The elevator goes upwards from the last sector served and starts over at the lowest one. So that
 * nobody waits for ever while others keep arriving in front of it, the queue also knows the order of
 * submission: if the oldest request has been overtaken BLOCK_OVERTAKE_LIMIT times, it goes next,
 * alone. Every later request that overtakes one waiting has overtaken all older ones too, so the
 * bound that is kept for the oldest holds for each.
 *
 * Left out: writing, and priorities. */
#include "drivers/block.h"

#include "arch.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"
#include "kernel/trace.h"
#include "kernel/wait.h"

/* All fields: interrupts off. */
struct block_queue {
    struct list sorted; /* block_request.link, ascending sectors; equal ones first come first */
    struct list aged;   /* block_request.age_link, oldest first */
    struct list *hint;  /* the last request sorted in, or &sorted: where the next search begins */
    u64 position;       /* the sector behind the last command */
    u32 submitted;      /* requests ever put in */
    u32 taken;          /* requests ever taken out */
    u64 busy_since_ns;  /* valid while commands are in flight */
    struct wait_queue calm; /* fibrils that let others go first */
};

static struct pool request_pool = POOL_INIT("block_request", struct block_request);
static struct disk *disks, **disks_end = &disks;

/* ---- Requests ---- */

struct block_request *
block_request_alloc(void)
{
    struct block_request *request = pool_alloc(&request_pool);
    if (request) {
        list_init(&request->link);
        list_init(&request->age_link);
    }
    return request;
}

void
block_request_free(struct block_request *request)
{
    for (unsigned i = 0; i < request->segment_count; i++)
        page_put(request->segments[i].page);
    pool_free(&request_pool, request);
}

bool
block_request_add(struct block_request *request, struct page *page, u32 offset, u32 length)
{
    ASSERT(length && offset % SECTOR_SIZE == 0 && length % SECTOR_SIZE == 0);
    ASSERT(offset + length <= PAGE_SIZE);
    if (request->segment_count) {
        struct block_segment *last = &request->segments[request->segment_count - 1];
        if (last->page == page && last->offset + last->length == offset) {
            last->length += length;
            request->sectors += length / SECTOR_SIZE;
            return true;
        }
    }
    if (request->segment_count == BLOCK_SEGMENTS)
        return false;
    page_get(page);
    request->segments[request->segment_count++] =
        (struct block_segment){.page = page, .offset = offset, .length = length};
    request->sectors += length / SECTOR_SIZE;
    return true;
}

/* Gives the request its result and takes it away. Interrupts off. */
static void
request_end(struct block_request *request, int error)
{
    if (error && !request->bad_segments)
        request->bad_segments = (1u << request->segment_count) - 1;
    if (error)
        request->disk->statistics.errors++;
    if (request->done)
        request->done(request, error);
    block_request_free(request);
}

/* ---- The queue ---- */

/* Puts the request into sector order, searching from the last one put in: neighbours come together. */
static void
queue_sort_in(struct block_queue *queue, struct block_request *request)
{
    struct list *before = queue->hint;
    while (before != &queue->sorted &&
           list_entry(before, struct block_request, link)->sector > request->sector)
        before = before->prev;
    while (before->next != &queue->sorted &&
           list_first(before, struct block_request, link)->sector <= request->sector)
        before = before->next;
    list_add_head(before, &request->link);
    queue->hint = &request->link;
}

static void
queue_remove(struct block_queue *queue, struct block_request *request)
{
    if (queue->hint == &request->link)
        queue->hint = request->link.prev;
    list_remove(&request->link);
    list_remove(&request->age_link);
    queue->taken++;
}

/* By how many later ones the oldest request has been overtaken: all older ones are out, so those
 * taken beyond their number are later ones. */
static u32
queue_overtaken(const struct block_queue *queue)
{
    return queue->taken - list_first(&queue->aged, struct block_request, age_link)->sequence;
}

/* The first request at or above the position, else the lowest one. Not empty. The search begins at
 * the hint: the elevator and those who submit work in the same region. */
static struct block_request *
queue_elevator_next(struct block_queue *queue)
{
    struct list *link = queue->hint;
    while (link != &queue->sorted &&
           list_entry(link, struct block_request, link)->sector >= queue->position)
        link = link->prev;
    while (link->next != &queue->sorted &&
           list_first(link, struct block_request, link)->sector < queue->position)
        link = link->next;
    if (link->next == &queue->sorted)
        link = &queue->sorted;
    queue->hint = link;
    return list_first(link, struct block_request, link);
}

/* Puts the request into the queue, or ends it: false. Interrupts off. */
static bool
queue_enter(struct block_request *request)
{
    struct disk *disk = request->disk, *whole = disk->whole;
    ASSERT(request->segment_count && request->sectors);
    bool inside = request->sector < disk->sectors &&
                  request->sectors <= disk->sectors - request->sector;
    request->sector += disk->start;
    request->disk = whole;
    request->submitted_ns = time_now_ns();
    if (!inside) {
        log_limited(8, "%s: sectors %llu to %llu requested, the disk has %llu", disk->name,
                    (unsigned long long)(request->sector - disk->start),
                    (unsigned long long)(request->sector - disk->start + request->sectors - 1),
                    (unsigned long long)disk->sectors);
        request_end(request, -EIO);
        return false;
    }
    struct block_queue *queue = whole->queue;
    struct disk_statistics *statistics = &whole->statistics;
    request->sequence = queue->submitted++;
    queue_sort_in(queue, request);
    list_add_tail(&queue->aged, &request->age_link);
    statistics->requests++;
    if (++statistics->waiting > statistics->waiting_most)
        statistics->waiting_most = statistics->waiting;
    return true;
}

void
block_submit(struct block_request *request)
{
    struct disk *whole = request->disk->whole;
    INTERRUPTS_OFF_SCOPE();
    if (queue_enter(request))
        whole->driver->kick(whole);
}

void
block_submit_list(struct list *requests)
{
    struct disk *whole = NULL;
    INTERRUPTS_OFF_SCOPE();
    while (!list_empty(requests)) {
        struct block_request *request = list_first(requests, struct block_request, link);
        struct disk *disk = request->disk->whole;
        list_remove(&request->link);
        ASSERT(!whole || disk == whole);
        if (queue_enter(request))
            whole = disk;
    }
    if (whole)
        whole->driver->kick(whole);
}

int
block_wait_calm(struct disk *disk)
{
    const struct disk_statistics *statistics = &disk->whole->statistics;
    return wait_event_killable(&disk->whole->queue->calm, statistics->waiting < BLOCK_BUSY);
}

/* ---- Commands ---- */

static void
command_add(struct block_queue *queue, struct block_command *command,
            struct block_request *request)
{
    queue_remove(queue, request);
    list_add_tail(&command->requests, &request->link);
    command->sectors += request->sectors;
    command->segment_count += request->segment_count;
    command->request_count++;
}

/* May the request, the next one in sector order, go with the command? */
static bool
command_accepts(const struct disk *disk, const struct block_command *command,
                const struct block_request *request)
{
    return request->sector == command->sector + command->sectors &&
           command->sectors + request->sectors <= disk->max_command_sectors &&
           command->segment_count + request->segment_count <= disk->max_command_segments &&
           command->request_count < BLOCK_COMMAND_REQUESTS;
}

static void
command_count_start(struct disk *disk, struct block_command *command)
{
    struct disk_statistics *statistics = &disk->statistics;
    command->started_ns = time_now_ns();
    if (statistics->in_flight++ == 0)
        disk->queue->busy_since_ns = command->started_ns;
    statistics->in_flight_most = MAX(statistics->in_flight_most, statistics->in_flight);
    statistics->commands++;
    statistics->merged += command->request_count - 1;
    statistics->sectors += command->sectors;
    statistics->waiting -= command->request_count;
    if (statistics->waiting < BLOCK_BUSY)
        wake_up_all(&disk->queue->calm);
    trace(TRACE_DISK_START, (u32)command->sector, command->sectors);
}

bool
block_take_command(struct disk *disk, struct block_command *command)
{
    struct block_queue *queue = disk->queue;
    if (list_empty(&queue->sorted))
        return false;
    bool overdue = queue_overtaken(queue) >= BLOCK_OVERTAKE_LIMIT;
    struct block_request *request =
        overdue ? list_first(&queue->aged, struct block_request, age_link)
                : queue_elevator_next(queue);
    list_init(&command->requests);
    command->sector = request->sector;
    command->sectors = command->segment_count = command->request_count = 0;
    struct list *following = request->link.next;
    command_add(queue, command, request);
    while (!overdue && following != &queue->sorted) {
        request = list_entry(following, struct block_request, link);
        if (!command_accepts(disk, command, request))
            break;
        following = following->next;
        command_add(queue, command, request);
    }
    queue->position = command->sector + command->sectors;
    command_count_start(disk, command);
    return true;
}

void
block_command_split(struct disk *disk, struct block_command *command, struct block_request *alone)
{
    (void)disk;
    list_remove(&alone->link);
    command->request_count--;
    request_end(alone, alone->bad_segments ? -EIO : 0);
}

void
block_command_done(struct disk *disk, struct block_command *command, int error)
{
    struct disk_statistics *statistics = &disk->statistics;
    trace(TRACE_DISK_DONE, (u32)command->sector, (u32)error);
    if (--statistics->in_flight == 0)
        statistics->busy_ns += time_now_ns() - disk->queue->busy_since_ns;
    while (!list_empty(&command->requests)) {
        struct block_request *request = list_first(&command->requests, struct block_request, link);
        list_remove(&request->link);
        request_end(request, error);
    }
}

/* ---- Reading one page and waiting for it ---- */

struct block_wait {
    struct wait_queue queue;
    u8 references; /* the waiter's and the request's; interrupts off */
    bool finished;
    int error;
};

static void
wait_put(struct block_wait *wait)
{
    INTERRUPTS_OFF_SCOPE();
    if (--wait->references == 0)
        heap_free(wait);
}

static void
wait_request_done(struct block_request *request, int error)
{
    struct block_wait *wait = request->private;
    wait->error = error;
    wait->finished = true;
    wake_up_all(&wait->queue);
    wait_put(wait);
}

int
block_read_page(struct disk *disk, u64 sector, u32 count, struct page *page)
{
    struct block_request *request = block_request_alloc();
    struct block_wait *wait = heap_alloc(sizeof *wait);
    if (!request || !wait || !block_request_add(request, page, 0, count * SECTOR_SIZE)) {
        heap_free(wait);
        if (request)
            block_request_free(request);
        return -ENOMEM;
    }
    wait_queue_init(&wait->queue, "disk");
    wait->references = 2;
    request->disk = disk;
    request->sector = sector;
    request->done = wait_request_done;
    request->private = wait;
    block_submit(request);
    int error = wait_event_killable(&wait->queue, wait->finished);
    if (!error)
        error = wait->error;
    wait_put(wait);
    return error;
}

/* ---- Disks ---- */

void
disk_link(struct disk *disk)
{
    disk->next = NULL;
    *disks_end = disk;
    disks_end = &disk->next;
}

int
disk_register(struct disk *disk)
{
    struct block_queue *queue = heap_alloc(sizeof *queue);
    if (!queue)
        return -ENOMEM;
    ASSERT(disk->max_command_sectors >= BLOCK_SEGMENTS * PAGE_SIZE / SECTOR_SIZE);
    ASSERT(disk->max_command_segments >= BLOCK_SEGMENTS);
    list_init(&queue->sorted);
    list_init(&queue->aged);
    queue->hint = &queue->sorted;
    wait_queue_init(&queue->calm, "disk_calm");
    disk->queue = queue;
    disk->whole = disk;
    disk_link(disk);
    if (partitions_find(disk))
        log_line("%s: out of memory while looking for partitions", disk->name);
    return 0;
}

struct disk *
disk_first(void)
{
    return disks;
}

struct disk *
disk_find(const char *name)
{
    struct disk *disk = disks;
    while (disk && strcmp(disk->name, name) != 0)
        disk = disk->next;
    return disk;
}

void
disk_statistics_read(struct disk *disk, struct disk_statistics *statistics)
{
    INTERRUPTS_OFF_SCOPE();
    *statistics = disk->whole->statistics;
    if (statistics->in_flight)
        statistics->busy_ns += time_now_ns() - disk->whole->queue->busy_since_ns;
}
