/* The kernel's command line, cut into words: docs/boot-interface.md. */
#ifndef BOOT_COMMAND_LINE_H
#define BOOT_COMMAND_LINE_H

#include "kernel/types.h"

#define COMMAND_WORDS 512

struct command_line {
    unsigned count;
    const char *words[COMMAND_WORDS];
};

/* Cuts `text` (at most 16 KiB) into words; the words are kept for ever. */
void command_line_parse(const char *text, struct command_line *line);
/* If `word` is "key=value": the value, else NULL. */
const char *command_word_value(const char *word, const char *key);

#endif
