/* Words of a command line: blanks separate, double quotes group, and inside them a backslash takes the
 * next character as it is. Called by start-up code only. */
#include "boot/command_line.h"
#include "kernel/log.h"
#include "kernel/string.h"

static char kept[32768];
static size_t kept_bytes;

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static void
keep(char c)
{
    if (kept_bytes < sizeof(kept))
        kept[kept_bytes++] = c;
}

/* Copies one word; returns where it ends. */
static const char *
word_take(const char *text)
{
    bool quoted = false;
    for (; *text && (quoted || !is_blank(*text)); text++) {
        if (*text == '"')
            quoted = !quoted;
        else if (quoted && *text == '\\' && text[1])
            keep(*++text);
        else
            keep(*text);
    }
    keep(0);
    kept[sizeof(kept) - 1] = 0;
    return text;
}

void
command_line_parse(const char *text, struct command_line *line)
{
    line->count = 0;
    for (;;) {
        while (is_blank(*text))
            text++;
        if (!*text)
            return;
        if (line->count == COMMAND_WORDS) {
            log_line("boot: more than %u words on the command line: the rest is ignored",
                     COMMAND_WORDS);
            return;
        }
        if (kept_bytes == sizeof(kept)) {
            log_line("boot: no room for more words: the rest is ignored");
            return;
        }
        line->words[line->count++] = kept + kept_bytes;
        text = word_take(text);
    }
}

const char *
command_word_value(const char *word, const char *key)
{
    size_t length = strlen(key);
    return !strncmp(word, key, length) && word[length] == '=' ? word + length + 1 : NULL;
}
