/* What the command line asked for: docs/boot-interface.md says the words. */
#ifndef BOOT_OPTIONS_H
#define BOOT_OPTIONS_H

#include "kernel/types.h"

#define INITS_MOST 16
#define INIT_WORDS 256

enum inject { INJECT_NOTHING, INJECT_PANIC, INJECT_HANG, INJECT_BADEXIT, INJECT_LEAK,
              INJECT_MISSINGLINE };

struct boot_options {
    bool serial, vga;       /* where the log goes */
    bool heap_checked;      /* free objects are watched */
    const char *root;       /* auto, module, or a disk's name */
    bool run_channel;       /* the first init talks through COM2 */
    bool read_ahead_off;    /* nothing is read before somebody asks for it */
    bool exit_debug;        /* end by isa-debug-exit instead of powering off */
    unsigned repeat;        /* run the programs this often, and say what leaked */
    enum inject inject;
    const char *directory;  /* working directory of the programs */
    unsigned init_count;
    const char *inits[INITS_MOST];
    unsigned argument_count, environment_count;
    const char *arguments[INIT_WORDS]; /* of the first init; [0] is its path */
    const char *environment[INIT_WORDS];
};
extern struct boot_options boot_options;

/* Words that devices understand (ide=off …) go to `device_word`, which says whether it knew them. */
void boot_options_read(const char *command_line, bool (*device_word)(const char *word));

#endif
