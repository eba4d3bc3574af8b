/* The request queue of each disk: requests wait here, in the order of their sectors, until the driver
 * has room; then those that lie together go as one command.
 *
 * Called by whoever reads (block_submit, on any fibril) and by drivers (block_take_command and what
 * follows it, in interrupts). Everything runs with interrupts off and takes time in proportion to the
 * logarithm of the requests waiting.
 *
 * The elevator goes upwards from the last sector served and starts over at the lowest one. Speculative
 * requests go when none of the others waits, or on the way of one that does. So that nobody waits for
 * ever while others keep arriving in front of it, the queue also knows the order of submission: if the
 * oldest request has been overtaken BLOCK_OVERTAKE_LIMIT times, it goes next, alone. Every later
 * request that overtakes one waiting has overtaken all older ones too, so the bound that is kept for
 * the oldest holds for each.
 *
 * A command may read on through sectors that nobody asked for, when the next request lies close
 * behind: a little more to transfer costs less than one more command. What is read there is offered to
 * the disk's pages in the cache, if both neighbours are such pages, or else thrown away.
 *
 * Left out: writing, and other priorities. */
#include "arch.h"
#include "drivers/block.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/trace.h"
#include "kernel/wait.h"

#define PAGE_SECTORS (PAGE_SIZE / SECTOR_SIZE)

struct block_queue {
    struct block_tree wanted, speculative;
    struct list aged;   /* block_request.age_link, oldest first */
    u64 position;       /* the sector behind the last command */
    u32 submitted;      /* requests ever put in */
    u32 taken;          /* requests ever taken out */
    u32 speculative_in_flight; /* commands */
    u64 busy_since_ns;  /* valid while commands are in flight */
    struct wait_queue calm; /* fibrils that let others go first */
};

static u32 gap_most = BLOCK_GAP_SECTORS;

bool
block_configure(const char *word)
{
    static const char name[] = "block-gap=";
    u32 sectors = 0;
    for (unsigned i = 0; i < sizeof name - 1; i++)
        if (word[i] != name[i])
            return false;
    for (word += sizeof name - 1; *word >= '0' && *word <= '9' && sectors < 10000; word++)
        sectors = sectors * 10 + (u32)(*word - '0');
    gap_most = sectors;
    return *word == 0;
}

struct block_queue *
block_queue_create(void)
{
    struct block_queue *queue = heap_alloc(sizeof *queue);
    if (queue) {
        list_init(&queue->aged);
        wait_queue_init(&queue->calm, "disk_calm");
    }
    return queue;
}

/* ---- Sector order: a treap. Each node is a request; none has one of more weight below it, and the
 * weights are as good as random, so it is as deep as the logarithm of its size. [Seidel, Aragon:
 * Randomized search trees, 1996] ---- */

static bool
comes_before(const struct block_request *left, const struct block_request *right)
{
    if (left->sector != right->sector)
        return left->sector < right->sector;
    return (s32)(left->sequence - right->sequence) < 0;
}

static u32
weight_of(const struct block_request *request)
{
    return request->sequence * 2654435761u; /* [Knuth 3] 6.4 */
}

static void
tree_insert(struct block_tree *tree, struct block_request *request)
{
    struct block_request **place = &tree->root;
    while (*place && weight_of(*place) > weight_of(request))
        place = comes_before(*place, request) ? &(*place)->right : &(*place)->left;
    /* What is below there goes to the left or the right of the new one. */
    struct block_request *rest = *place, **left = &request->left, **right = &request->right;
    while (rest) {
        if (comes_before(rest, request)) {
            *left = rest;
            left = &rest->right;
            rest = rest->right;
        } else {
            *right = rest;
            right = &rest->left;
            rest = rest->left;
        }
    }
    *left = *right = NULL;
    *place = request;
}

static void
tree_remove(struct block_tree *tree, struct block_request *request)
{
    struct block_request **place = &tree->root;
    while (*place != request)
        place = comes_before(*place, request) ? &(*place)->right : &(*place)->left;
    struct block_request *left = request->left, *right = request->right;
    while (left && right) {
        if (weight_of(left) > weight_of(right)) {
            *place = left;
            place = &left->right;
            left = left->right;
        } else {
            *place = right;
            place = &right->left;
            right = right->left;
        }
    }
    *place = left ? left : right;
}

/* The first request at `sector` or above; NULL: none. */
static struct block_request *
tree_from(const struct block_tree *tree, u64 sector)
{
    struct block_request *request = tree->root, *found = NULL;
    while (request) {
        if (request->sector >= sector) {
            found = request;
            request = request->left;
        } else {
            request = request->right;
        }
    }
    return found;
}

/* The last request that begins at `sector` or below. */
static struct block_request *
tree_before(const struct block_tree *tree, u64 sector)
{
    struct block_request *request = tree->root, *found = NULL;
    while (request) {
        if (request->sector <= sector) {
            found = request;
            request = request->right;
        } else {
            request = request->left;
        }
    }
    return found;
}

/* ---- The queue ---- */

static struct block_tree *
tree_of(struct block_queue *queue, const struct block_request *request)
{
    return request->speculative ? &queue->speculative : &queue->wanted;
}

/* By how many later ones the oldest request has been overtaken: all older ones are out, so those
 * taken beyond their number are later ones. */
static u32
queue_overtaken(const struct block_queue *queue)
{
    return queue->taken - list_first(&queue->aged, struct block_request, age_link)->sequence;
}

/* Of one of the trees: the first request at or above the position, else the lowest one; NULL: none. */
static struct block_request *
elevator_next(const struct block_queue *queue, const struct block_tree *tree)
{
    struct block_request *request = tree_from(tree, queue->position);
    return request ? request : tree_from(tree, 0);
}

/* Puts the request in: true; or ends it with -EIO. */
static bool
queue_put(struct block_request *request)
{
    struct disk *disk = request->disk, *whole = disk->whole;
    ASSERT(request->segment_count && request->sectors);
    bool inside = request->sector < disk->sectors &&
                  request->sectors <= disk->sectors - request->sector;
    request->sector += disk->start;
    request->disk = whole;
    request->part = disk;
    request->submitted_ns = time_now_ns();
    if (!inside) {
        log_limited(8, "%s: sectors %llu to %llu requested, the disk has %llu", disk->name,
                    (unsigned long long)(request->sector - disk->start),
                    (unsigned long long)(request->sector - disk->start + request->sectors - 1),
                    (unsigned long long)disk->sectors);
        block_request_end(request, -EIO);
        return false;
    }
    struct block_queue *queue = whole->queue;
    struct disk_statistics *statistics = &whole->statistics;
    request->sequence = queue->submitted++;
    tree_insert(tree_of(queue, request), request);
    list_add_tail(&queue->aged, &request->age_link);
    statistics->requests++;
    statistics->speculative += request->speculative;
    if (++statistics->waiting > statistics->waiting_most)
        statistics->waiting_most = statistics->waiting;
    return true;
}

void
block_submit(struct block_request *request)
{
    struct disk *whole = request->disk->whole;
    INTERRUPTS_OFF_SCOPE();
    if (queue_put(request))
        whole->driver->kick(whole);
}

void
block_submit_list(struct list *requests)
{
    struct disk *whole = NULL;
    INTERRUPTS_OFF_SCOPE();
    while (!list_empty(requests)) {
        struct block_request *request = list_first(requests, struct block_request, link);
        list_remove(&request->link);
        ASSERT(!whole || whole == request->disk->whole);
        whole = request->disk->whole;
        queue_put(request);
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

void
block_want(struct disk *disk, u64 sector)
{
    struct disk *whole = disk->whole;
    struct block_queue *queue = whole->queue;
    INTERRUPTS_OFF_SCOPE();
    struct block_request *request = tree_before(&queue->speculative, disk->start + sector);
    if (!request || request->sector + request->sectors <= disk->start + sector)
        return;
    tree_remove(&queue->speculative, request);
    request->speculative = false;
    tree_insert(&queue->wanted, request);
    whole->driver->kick(whole);
}

/* ---- Commands ---- */

static void
command_append(struct block_command *command, struct block_request *request)
{
    list_add_tail(&command->requests, &request->link);
    command->sectors += request->sectors;
    command->segment_count += request->segment_count;
    command->request_count++;
}

static void
command_take(struct block_queue *queue, struct block_command *command,
             struct block_request *request)
{
    tree_remove(tree_of(queue, request), request);
    list_remove(&request->age_link);
    queue->taken++;
    command_append(command, request);
}

static u64
command_end(const struct block_command *command)
{
    return command->sector + command->sectors;
}

/* May the request, which lies behind the command, go with it? */
static bool
command_accepts(const struct disk *disk, const struct block_command *command,
                const struct block_request *request)
{
    u64 gap = request->sector - command_end(command);
    if (gap > (request->speculative ? 0 : MIN(gap_most, disk->gap_sectors)))
        return false;
    u32 sectors = command->sectors + (u32)gap + request->sectors;
    u32 most = disk->max_command_sectors;
    if (request->speculative && !command->speculative)
        most = MIN(most, BLOCK_SPECULATIVE_SECTORS);
    u32 segments = command->segment_count + BLOCK_GAP_SEGMENTS((u32)gap) + request->segment_count;
    return sectors <= most && segments <= disk->max_command_segments &&
           command->request_count + BLOCK_GAP_SEGMENTS((u32)gap) < BLOCK_COMMAND_REQUESTS;
}

/* Offers each page of the gap to the cache. */
static void
gap_offer(struct block_command *command, struct disk *part, u64 end)
{
    while (command_end(command) < end) {
        struct block_request *filler =
            part->read_through(part, command_end(command) - part->start);
        if (filler) {
            filler->sector = command_end(command);
            filler->disk = part->whole;
            filler->part = part;
            ASSERT(filler->sectors == PAGE_SECTORS);
            command_append(command, filler);
        } else {
            command->sectors += PAGE_SECTORS;
            command->segment_count++;
            command->gap_sectors += PAGE_SECTORS;
        }
    }
}

static bool
is_own_page(const struct block_request *request)
{
    return request->segments[0].page->object == &request->part->object;
}

/* Lets the command read on up to the request's beginning. */
static void
command_read_through(struct block_command *command, const struct block_request *request)
{
    u32 gap = (u32)(request->sector - command_end(command));
    const struct block_request *last = list_last(&command->requests, struct block_request, link);
    struct disk *part = request->part;
    if (!gap)
        return;
    part->whole->statistics.gap_sectors += gap;
    if (part->read_through && last->part == part && is_own_page(last) && is_own_page(request) &&
        gap % PAGE_SECTORS == 0 && (command_end(command) - part->start) % PAGE_SECTORS == 0) {
        gap_offer(command, part, request->sector);
        return;
    }
    command->sectors += gap;
    command->segment_count += BLOCK_GAP_SEGMENTS(gap);
    command->gap_sectors += gap;
}

/* The request behind the command, of whichever kind, that is next to it; NULL: none. */
static struct block_request *
queue_following(const struct block_queue *queue, const struct block_command *command)
{
    struct block_request *wanted = tree_from(&queue->wanted, command_end(command));
    struct block_request *other = tree_from(&queue->speculative, command_end(command));
    if (!wanted || (other && other->sector < wanted->sector))
        return other;
    return wanted;
}

/* Which request goes next, and whether it goes alone because it is the oldest; NULL: none. */
static struct block_request *
queue_choose(struct disk *disk, bool *overdue)
{
    struct block_queue *queue = disk->queue;
    *overdue = !list_empty(&queue->aged) && queue_overtaken(queue) >= BLOCK_OVERTAKE_LIMIT;
    if (*overdue)
        return list_first(&queue->aged, struct block_request, age_link);
    if (queue->wanted.root)
        return elevator_next(queue, &queue->wanted);
    if (queue->speculative_in_flight >= MAX(disk->depth / 2, 1u))
        return NULL;
    return elevator_next(queue, &queue->speculative);
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
    statistics->sectors += command->sectors;
    disk->queue->speculative_in_flight += command->speculative;
    trace(TRACE_DISK_START, (u32)command->sector, command->sectors);
}

bool
block_take_command(struct disk *disk, struct block_command *command)
{
    struct block_queue *queue = disk->queue;
    bool overdue;
    struct block_request *request = queue_choose(disk, &overdue);
    if (!request)
        return false;
    u32 taken = queue->taken;
    list_init(&command->requests);
    command->sector = request->sector;
    command->sectors = command->segment_count = command->request_count = command->gap_sectors = 0;
    command->speculative = request->speculative;
    command_take(queue, command, request);
    while (!overdue && (request = queue_following(queue, command)) &&
           command_accepts(disk, command, request)) {
        command_read_through(command, request);
        command_take(queue, command, request);
    }
    queue->position = command_end(command);
    disk->statistics.merged += queue->taken - taken - 1;
    disk->statistics.waiting -= queue->taken - taken;
    if (disk->statistics.waiting < BLOCK_BUSY)
        wake_up_all(&queue->calm);
    command_count_start(disk, command);
    return true;
}

void
block_command_split(struct disk *disk, struct block_command *command, struct block_request *alone)
{
    (void)disk;
    list_remove(&alone->link);
    command->request_count--;
    block_request_end(alone, alone->bad_segments ? -EIO : 0);
}

void
block_command_done(struct disk *disk, struct block_command *command, int error)
{
    struct disk_statistics *statistics = &disk->statistics;
    trace(TRACE_DISK_DONE, (u32)command->sector, (u32)error);
    if (--statistics->in_flight == 0)
        statistics->busy_ns += time_now_ns() - disk->queue->busy_since_ns;
    disk->queue->speculative_in_flight -= command->speculative;
    while (!list_empty(&command->requests)) {
        struct block_request *request = list_first(&command->requests, struct block_request, link);
        list_remove(&request->link);
        block_request_end(request, error);
    }
}

void
disk_statistics_read(struct disk *disk, struct disk_statistics *statistics)
{
    INTERRUPTS_OFF_SCOPE();
    *statistics = disk->whole->statistics;
    if (statistics->in_flight)
        statistics->busy_ns += time_now_ns() - disk->whole->queue->busy_since_ns;
}
