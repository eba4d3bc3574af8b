/* The words of the command line: see options.h. Unknown ones are reported and ignored. */
#include "boot/options.h"
#include "boot/command_line.h"
#include "kernel/checks.h"
#include "kernel/log.h"
#include "kernel/string.h"
#include "kernel/trace.h"

#define DEFAULT_INIT "/bin/demo"

struct boot_options boot_options = {
    .serial = true, .vga = true, .root = "auto", .repeat = 1, .directory = "/"};

static bool
list_contains(const char *list, const char *word)
{
    size_t length = strlen(word);
    while (*list) {
        size_t here = 0;
        while (list[here] && list[here] != ',')
            here++;
        if (here == length && !memcmp(list, word, length))
            return true;
        list += here + (list[here] == ',');
    }
    return false;
}

static unsigned
number_of(const char *text)
{
    unsigned value = 0;
    while (*text >= '0' && *text <= '9' && value < 100000000)
        value = value * 10 + (unsigned)(*text++ - '0');
    return value;
}

static bool
inject_read(const char *kind)
{
    static const char *const kinds[] = {"", "panic", "hang", "badexit", "leak", "missingline"};
    for (unsigned i = 1; i < ARRAY_SIZE(kinds); i++)
        if (!strcmp(kind, kinds[i])) {
            boot_options.inject = (enum inject)i;
            return true;
        }
    return false;
}

static bool
list_add_word(const char **list, unsigned *count, unsigned most, const char *word)
{
    if (*count == most)
        return false;
    list[(*count)++] = word;
    return true;
}

static bool
option_read(const char *word)
{
    struct boot_options *o = &boot_options;
    const char *value;
    if ((value = command_word_value(word, "init")))
        return list_add_word(o->inits, &o->init_count, INITS_MOST, value);
    if ((value = command_word_value(word, "env")))
        return list_add_word(o->environment, &o->environment_count, INIT_WORDS, value);
    if ((value = command_word_value(word, "cwd")))
        return o->directory = value, true;
    if ((value = command_word_value(word, "root")))
        return o->root = value, true;
    if ((value = command_word_value(word, "run")))
        return o->run_channel = !strcmp(value, "com2");
    if ((value = command_word_value(word, "console"))) {
        o->serial = list_contains(value, "serial");
        o->vga = list_contains(value, "vga");
        return true;
    }
    if ((value = command_word_value(word, "exit"))) {
        o->exit_debug = !strcmp(value, "debug");
        return o->exit_debug || !strcmp(value, "poweroff");
    }
    if ((value = command_word_value(word, "read_ahead"))) {
        o->read_ahead_off = !strcmp(value, "off");
        return o->read_ahead_off || !strcmp(value, "on");
    }
    if ((value = command_word_value(word, "repeat")))
        return (o->repeat = MAX(number_of(value), 1u));
    if ((value = command_word_value(word, "heap")))
        return o->heap_checked = !strcmp(value, "checked");
    if ((value = command_word_value(word, "inject")))
        return inject_read(value);
    if ((value = command_word_value(word, "checks"))) {
        checks_enabled = !strcmp(value, "on");
        return checks_enabled || !strcmp(value, "off");
    }
    if ((value = command_word_value(word, "trace")))
        return trace_control(value) == 0;
    return false;
}

/* QEMU's -kernel puts the file's own path first. */
static bool
is_loader_word(const char *word, unsigned index)
{
    static const char name[] = "kernel.elf";
    size_t length = strlen(word), tail = sizeof(name) - 1;
    if (index > 0 || strchr(word, '='))
        return false;
    return word[0] == '/' || (length >= tail && !strcmp(word + length - tail, name));
}

void
boot_options_read(const char *text, bool (*device_word)(const char *word))
{
    static struct command_line line;
    struct boot_options *o = &boot_options;
    o->argument_count = 1;
    command_line_parse(text, &line);
    unsigned i = 0;
    for (; i < line.count && strcmp(line.words[i], "--") != 0; i++) {
        const char *word = line.words[i];
        if (!is_loader_word(word, i) && !option_read(word) && !device_word(word))
            log_line("boot: unknown word on the command line: %s", word);
    }
    for (i++; i < line.count; i++)
        if (!list_add_word(o->arguments, &o->argument_count, INIT_WORDS, line.words[i]))
            log_line("boot: too many arguments: %s is left out", line.words[i]);
    if (o->init_count == 0)
        o->inits[o->init_count++] = DEFAULT_INIT;
    o->arguments[0] = o->inits[0];
}
