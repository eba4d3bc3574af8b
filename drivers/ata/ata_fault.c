/* A disk that errs to order, so that tests see what becomes of the reads: words of the command line
 *
 *   ata-fault=drop:N            one end of a read in N gets lost
 *   ata-fault=silent-after:N    after N reads the disk answers none any more
 *   ata-fault=silent:N:MS       after N reads it answers none for MS milliseconds
 *   ata-fault=short:N           one read in N gives only a part of its data
 *   ata-limit=MS                the time limit of a disk's command, instead of 5000
 *
 * A fault's word may end in @DISK (…@ata1): else all disks have it, and are counted together. What
 * stands behind ata-fault= can also be written to /proc/sys/dev/ata_fault; `none` ends it. Called by
 * ata_port.c, for reads only, with interrupts off. */
#include "arch.h"
#include "drivers/ata/ata.h"
#include "kernel/log.h"
#include "kernel/string.h"

enum fault_kind { FAULT_NONE, FAULT_DROP, FAULT_SILENT_AFTER, FAULT_SILENT, FAULT_SHORT };

static const struct {
    const char *word;
    enum fault_kind kind;
    unsigned numbers;
} kinds[] = {
    {"none", FAULT_NONE, 0},
    {"drop:", FAULT_DROP, 1},
    {"silent-after:", FAULT_SILENT_AFTER, 1},
    {"silent:", FAULT_SILENT, 2},
    {"short:", FAULT_SHORT, 1},
};

static struct {
    enum fault_kind kind;
    u32 number[2];
    char disk[12]; /* empty: all */
    char text[40]; /* what has been asked for */
    u64 limit_ns;
    /* Interrupts off: */
    u32 reads, ends;
    u64 silent_until_ns;
} fault = {.limit_ns = ATA_LIMIT_NS, .text = "none"};

/* ---- The command line ---- */

static const char *
skip_prefix(const char *word, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(word, prefix, length) == 0 ? word + length : NULL;
}

/* A decimal number of at most nine digits: what stands behind it, or NULL. */
static const char *
read_number(const char *text, u32 *number)
{
    unsigned digits = 0;
    for (*number = 0; *text >= '0' && *text <= '9' && digits < 9; text++, digits++)
        *number = *number * 10 + (u32)(*text - '0');
    return digits ? text : NULL;
}

bool
ata_fault_set(const char *text)
{
    INTERRUPTS_OFF_SCOPE();
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        u32 number[2] = {0, 0};
        const char *at = skip_prefix(text, kinds[i].word);
        if (!at)
            continue;
        if (kinds[i].numbers >= 1)
            at = read_number(at, &number[0]);
        if (at && kinds[i].numbers == 2)
            at = *at == ':' ? read_number(at + 1, &number[1]) : NULL;
        if (!at || (*at && *at != '@') || strlen(at) >= sizeof fault.disk ||
            strlen(text) >= sizeof fault.text)
            return false;
        fault.kind = kinds[i].kind;
        memcpy(fault.number, number, sizeof number);
        fault.reads = fault.ends = 0;
        fault.silent_until_ns = 0;
        memset(fault.disk, 0, sizeof fault.disk);
        if (*at)
            memcpy(fault.disk, at + 1, strlen(at + 1));
        memcpy(fault.text, text, strlen(text) + 1);
        return true;
    }
    return false;
}

const char *
ata_fault_text(void)
{
    return fault.text;
}

bool
ata_fault_configure(const char *word)
{
    u32 milliseconds;
    const char *text = skip_prefix(word, "ata-fault=");
    if (text)
        return ata_fault_set(text);
    text = skip_prefix(word, "ata-limit=");
    text = text ? read_number(text, &milliseconds) : NULL;
    if (!text || *text || !milliseconds)
        return false;
    fault.limit_ns = milliseconds * 1000000ull;
    return true;
}

u64
ata_fault_disk_limit(void)
{
    return fault.limit_ns;
}

/* ---- The faults ---- */

static bool
concerns(const struct ata_command *command)
{
    return fault.kind != FAULT_NONE && command->read &&
           (!fault.disk[0] || strcmp(command->device->disk.name, fault.disk) == 0);
}

bool
ata_fault_swallows(const struct ata_command *command)
{
    if (likely(fault.kind != FAULT_SILENT && fault.kind != FAULT_SILENT_AFTER) ||
        !concerns(command))
        return false;
    if (fault.reads < fault.number[0]) {
        fault.reads++;
        return false;
    }
    if (fault.kind == FAULT_SILENT_AFTER)
        return true;
    u64 now = time_now_ns();
    if (!fault.silent_until_ns)
        fault.silent_until_ns = now + fault.number[1] * 1000000ull;
    return now < fault.silent_until_ns;
}

/* The second half of the data has not come: what is there now must reach nobody. */
static void
shorten(struct ata_command *command)
{
    u32 first = command->bytes / 2, at = 0;
    for (unsigned i = 0; i < command->segment_count; i++) {
        const struct block_segment *segment = &command->segments[i];
        u8 *bytes = (u8 *)page_address(segment->page) + segment->offset;
        for (u32 j = 0; j < segment->length; j++, at++)
            if (at >= first)
                bytes[j] = 0xdb;
    }
    command->transferred = first;
}

bool
ata_fault_loses(struct ata_command *command)
{
    if (likely(fault.kind != FAULT_DROP && fault.kind != FAULT_SHORT) || !concerns(command))
        return false;
    if (++fault.ends < fault.number[0])
        return false;
    fault.ends = 0;
    if (fault.kind == FAULT_SHORT) {
        shorten(command);
        return false;
    }
    return true;
}
