/* Partition tables: the four primary entries of a master boot record and the chain of logical
 * partitions inside an extended one. Called by disk_register; sleeps while it reads.
 *
 * A table is 64 bytes at 446 of a sector that ends in 55 AA: four entries of 16 bytes, of which this
 * uses status (0), type (4), first sector (8, little-endian) and number of sectors (12). Each number
 * is checked: a partition must lie inside its disk (a logical one inside the extended one), behind
 * its table, and apart from those found before it.
 *
 * Left out: GPT (type EE is reported), BSD and other labels, geometry. */
#include "drivers/block.h"

#include "kernel/errno.h"
#include "kernel/format.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/string.h"

#define TABLE_OFFSET 446
#define TABLE_ENTRIES 4
#define ENTRY_SIZE 16
#define SIGNATURE_OFFSET 510
#define MAX_PARTITIONS 16

#define TYPE_EMPTY 0x00
#define TYPE_GPT 0xee

struct partition_entry {
    u8 status, type;
    u32 start, sectors;
};

/* What is known while the tables of one disk are read. */
struct partition_scan {
    struct disk *whole;
    struct page *page; /* the sector looked at */
    unsigned count;    /* partitions found */
    struct disk *found[MAX_PARTITIONS];
};

static u32
read_u32(const u8 *bytes)
{
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (u32)bytes[3] << 24;
}

static bool
type_is_extended(u8 type)
{
    return type == 0x05 || type == 0x0f || type == 0x85;
}

static struct partition_entry
table_entry(const struct page *page, unsigned number)
{
    const u8 *entry = (u8 *)page_address(page) + TABLE_OFFSET + number * ENTRY_SIZE;
    return (struct partition_entry){.status = entry[0],
                                    .type = entry[4],
                                    .start = read_u32(entry + 8),
                                    .sectors = read_u32(entry + 12)};
}

/* Is the sector in the page a partition table? A boot sector of a file system has the signature too,
 * but code where the entries' status bytes stand. */
static bool
table_valid(const struct page *page)
{
    const u8 *bytes = page_address(page);
    if (bytes[SIGNATURE_OFFSET] != 0x55 || bytes[SIGNATURE_OFFSET + 1] != 0xaa)
        return false;
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        u8 status = table_entry(page, i).status;
        if (status != 0x00 && status != 0x80)
            return false;
    }
    return true;
}

/* Reads the table at `sector`; false if there is none. */
static bool
table_read(struct partition_scan *scan, u64 sector)
{
    u32 unit = scan->whole->sector_size / SECTOR_SIZE;
    u64 first = ALIGN_DOWN(sector, (u64)unit); /* whole sectors of the device */
    int error = block_read_page(scan->whole, first, unit, scan->page);
    if (error) {
        log_line("%s: sector %llu (partition table): error %d", scan->whole->name,
                 (unsigned long long)sector, error);
        return false;
    }
    u8 *bytes = page_address(scan->page);
    if (first != sector)
        memmove(bytes, bytes + (sector - first) * SECTOR_SIZE, SECTOR_SIZE);
    return table_valid(scan->page);
}

static bool
overlaps_another(const struct partition_scan *scan, u64 start, u64 sectors)
{
    for (unsigned i = 0; i < scan->count; i++) {
        const struct disk *other = scan->found[i];
        if (start < other->start + other->sectors && other->start < start + sectors)
            return true;
    }
    return false;
}

/* Why the run of sectors cannot be a partition of [low, high), or NULL. */
static const char *
find_fault(const struct partition_scan *scan, u64 low, u64 high, u64 start, u64 sectors)
{
    if (!sectors)
        return "is empty";
    if (start < low || start >= high || sectors > high - start)
        return "lies outside";
    if (overlaps_another(scan, start, sectors))
        return "overlaps another";
    if (scan->count == MAX_PARTITIONS)
        return "is one too many";
    return NULL;
}

static int
partition_add(struct partition_scan *scan, unsigned number, u64 start, u64 sectors, u8 type)
{
    struct disk *whole = scan->whole;
    struct disk *part = heap_alloc(sizeof *part);
    if (!part)
        return -ENOMEM;
    *part = *whole;
    memset(&part->statistics, 0, sizeof part->statistics);
    format_string(part->name, sizeof part->name, "%sp%u", whole->name, number);
    part->start = start;
    part->sectors = sectors;
    part->id = whole->id + number;
    part->partition_type = type;
    scan->found[scan->count++] = part;
    disk_link(part);
    log_line("%s: sectors %llu to %llu of %s, type %02x", part->name, (unsigned long long)start,
             (unsigned long long)(start + sectors - 1), whole->name, type);
    return 0;
}

/* Takes an entry of a table as a partition if every number is right; -ENOMEM is the only error. */
static int
partition_consider(struct partition_scan *scan, unsigned number, u64 low, u64 high, u64 start,
                   const struct partition_entry *entry)
{
    const char *fault = find_fault(scan, low, high, start, entry->sectors);
    if (!fault)
        return partition_add(scan, number, start, entry->sectors, entry->type);
    log_line("%s: partition %u (type %02x, sector %llu, %u sectors) %s: left out", scan->whole->name,
             number, entry->type, (unsigned long long)start, entry->sectors, fault);
    return 0;
}

/* Follows the chain of tables in the extended partition [start, start + sectors): each has one
 * logical partition, relative to itself, and the place of the next table, relative to the extended
 * partition. At most MAX_PARTITIONS tables, so a circle ends too. */
static int
logical_find(struct partition_scan *scan, u64 start, u64 sectors)
{
    u64 table = start;
    for (unsigned number = 5; number < 5 + MAX_PARTITIONS; number++) {
        if (!table_read(scan, table))
            return 0;
        struct partition_entry logical = table_entry(scan->page, 0);
        struct partition_entry next = table_entry(scan->page, 1);
        if (logical.type != TYPE_EMPTY) {
            int error = partition_consider(scan, number, table + 1, start + sectors,
                                           table + logical.start, &logical);
            if (error)
                return error;
        }
        if (!type_is_extended(next.type))
            return 0;
        if (!next.start || next.start >= sectors) {
            log_line("%s: the chain of logical partitions leads outside", scan->whole->name);
            return 0;
        }
        table = start + next.start;
    }
    log_line("%s: the chain of logical partitions does not end", scan->whole->name);
    return 0;
}

/* The four primary entries; the extended one is remembered and gone through afterwards. */
static int
primary_find(struct partition_scan *scan)
{
    struct disk *whole = scan->whole;
    struct partition_entry extended = {.type = TYPE_EMPTY};
    if (!table_read(scan, 0))
        return 0;
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        struct partition_entry entry = table_entry(scan->page, i);
        int error = 0;
        if (type_is_extended(entry.type))
            extended = entry;
        else if (entry.type == TYPE_GPT)
            log_line("%s: has a GPT, which is not read", whole->name);
        else if (entry.type != TYPE_EMPTY)
            error = partition_consider(scan, i + 1, 1, whole->sectors, entry.start, &entry);
        if (error)
            return error;
    }
    if (extended.type == TYPE_EMPTY)
        return 0;
    const char *fault = find_fault(scan, 1, whole->sectors, extended.start, extended.sectors);
    if (!fault)
        return logical_find(scan, extended.start, extended.sectors);
    log_line("%s: the extended partition %s: left out", whole->name, fault);
    return 0;
}

int
partitions_find(struct disk *whole)
{
    struct partition_scan *scan = heap_alloc(sizeof *scan);
    struct page *page = page_alloc();
    int error = -ENOMEM;
    if (scan && page && whole->sectors >= whole->sector_size / SECTOR_SIZE) {
        scan->whole = whole;
        scan->page = page;
        error = primary_find(scan);
    } else if (scan && page) {
        error = 0; /* too small for a table */
    }
    if (page)
        page_put(page);
    heap_free(scan);
    return error;
}
