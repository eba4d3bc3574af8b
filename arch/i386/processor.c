/* What the processor says of itself, [IA32-2A] CPUID. */
#include "arch.h"
#include "arch/i386/cpu.h"

#define LEAF_NAME 0x80000002u /* three leaves of 16 bytes */
#define LEAF_EXTENDED_MOST 0x80000000u

/* Bits of edx of leaf 1 with Linux's names for them. */
static const struct { u8 bit; const char *name; } features[] = {
    {0, "fpu"},   {1, "vme"},   {2, "de"},   {3, "pse"},    {4, "tsc"},  {5, "msr"},  {6, "pae"},
    {7, "mce"},   {8, "cx8"},   {9, "apic"}, {11, "sep"},   {12, "mtrr"}, {13, "pge"}, {14, "mca"},
    {15, "cmov"}, {16, "pat"},  {17, "pse36"}, {19, "clflush"}, {23, "mmx"}, {24, "fxsr"},
    {25, "sse"},  {26, "sse2"}, {28, "ht"},
};
_Static_assert(ARRAY_SIZE(features) <= PROCESSOR_FLAGS_MOST, "room for all flags");

static void
name_take(struct processor_description *processor)
{
    u32 words[4], most, unused;

    cpu_identify(LEAF_EXTENDED_MOST, &most, &unused, &unused, &unused);
    if (most < LEAF_NAME + 2)
        return;
    for (u32 i = 0; i < 3; i++) {
        cpu_identify(LEAF_NAME + i, &words[0], &words[1], &words[2], &words[3]);
        for (unsigned j = 0; j < 16; j++)
            processor->name[i * 16 + j] = (char)(words[j / 4] >> j % 4 * 8);
    }
}

void
processor_describe(struct processor_description *processor)
{
    u32 vendor[3], version, edx, unused;

    *processor = (struct processor_description){.flag_count = 0};
    cpu_identify(0, &unused, &vendor[0], &vendor[2], &vendor[1]);
    for (unsigned i = 0; i < 12; i++)
        processor->vendor[i] = (char)(vendor[i / 4] >> i % 4 * 8);
    cpu_identify(1, &version, &unused, &unused, &edx);
    processor->stepping = version & 0xf;
    processor->family = (version >> 8 & 0xf) + ((version >> 8 & 0xf) == 0xf ? version >> 20 & 0xff : 0);
    processor->model = (version >> 4 & 0xf) |
                       (processor->family == 6 || processor->family >= 15 ? version >> 12 & 0xf0 : 0);
    name_take(processor);
    for (unsigned i = 0; i < ARRAY_SIZE(features); i++)
        if (edx >> features[i].bit & 1)
            processor->flags[processor->flag_count++] = features[i].name;
}
