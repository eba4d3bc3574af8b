// sources: tests/host/support/*.c
/* Words and options of the command line, friendly and hostile. The files are included so that each test
 * can begin anew. */
#include <string.h>

#include "boot/command_line.c"
#include "boot/options.c"

#include "host.h"

bool checks_enabled;

int
trace_control(const char *words)
{
    return strcmp(words, "on") ? -22 : 0;
}

static const char *device_words[64];
static unsigned device_word_count;

static bool
device_word(const char *word)
{
    if (strncmp(word, "ide", 3))
        return false;
    device_words[device_word_count++] = word;
    return true;
}

static void
options_read(const char *text)
{
    kept_bytes = 0;
    device_word_count = host_log_lines = 0;
    memset(kept, 0x55, sizeof(kept));
    boot_options = (struct boot_options){
        .serial = true, .vga = true, .root = "auto", .repeat = 1, .directory = "/"};
    boot_options_read(text, device_word);
}

static struct command_line line;

/* Parses `text`; are its words those of `expected`, each followed by a '|'? */
static bool
words_are(const char *text, const char *expected)
{
    kept_bytes = 0;
    memset(kept, 0x55, sizeof(kept));
    command_line_parse(text, &line);
    for (unsigned i = 0; i < line.count; i++) {
        size_t length = strlen(line.words[i]);
        if (strncmp(expected, line.words[i], length) || expected[length] != '|')
            return false;
        expected += length + 1;
    }
    return !*expected;
}

static void
words(void)
{
    CHECK(words_are("", ""));
    CHECK(words_are(" \t\n ", ""));
    CHECK(words_are("a", "a|"));
    CHECK(words_are("  init=/bin/sh \t -- -c   x\n", "init=/bin/sh|--|-c|x|"));
}

static void
quoting(void)
{
    CHECK(words_are("\"a b\" c", "a b|c|"));
    CHECK(words_are("env=\"A=b c\"d e", "env=A=b cd|e|"));
    CHECK(words_are("\"\" x \"\"", "|x||"));
    CHECK(words_are("\"a\\\"b\" \"\\\\\" \"\\x\"", "a\"b|\\|x|"));
    CHECK(words_are("a\\ b \\\"c\"", "a\\|b|\\c|"), "outside quotes a backslash is an ordinary character");
    CHECK(words_are("\"tab\tand\nnewline\"", "tab\tand\nnewline|"));
}

static void
quotes_that_do_not_end(void)
{
    CHECK(words_are("a \"b c", "a|b c|"));
    CHECK(words_are("\"", "|"));
    CHECK(words_are("\"\\", "\\|"));
    CHECK(words_are("\"a\\", "a\\|"));
}

static void
every_byte_survives(void)
{
    char text[8] = "\"x\"", expected[4] = "x|";
    for (int c = 1; c < 256; c++) {
        if (c == '"' || c == '\\')
            continue;
        text[1] = expected[0] = (char)c;
        CHECK(words_are(text, expected), "byte %d", c);
    }
}

static void
too_many_words(void)
{
    char text[4 * COMMAND_WORDS];
    text[0] = 0;
    for (unsigned i = 0; i < COMMAND_WORDS + 5; i++)
        strcat(text, "w ");
    kept_bytes = 0;
    host_log_lines = 0;
    command_line_parse(text, &line);
    CHECK(line.count == COMMAND_WORDS && host_log_lines == 1);
    CHECK(!strcmp(line.words[COMMAND_WORDS - 1], "w"));
}

/* More text than there is room for: the words that do not fit are cut or empty, and lie inside. */
static void
bug_words_without_room_lay_outside(void)
{
    static char text[2 * sizeof(kept)];
    memset(text, 'x', sizeof(text) - 1);
    for (size_t i = 4095; i < sizeof(text); i += 4096)
        text[i] = ' ';
    text[sizeof(text) - 1] = 0;
    kept_bytes = 0;
    command_line_parse(text, &line);
    for (unsigned i = 0; i < line.count; i++) {
        CHECK(line.words[i] >= kept && line.words[i] < kept + sizeof(kept), "word %u", i);
        CHECK(strlen(line.words[i]) <= 4095);
    }
    command_line_parse("one more", &line);
    for (unsigned i = 0; i < line.count; i++)
        CHECK(line.words[i] >= kept && line.words[i] < kept + sizeof(kept) && !*line.words[i]);
}

static void
values(void)
{
    CHECK(!strcmp(command_word_value("init=/bin/x", "init"), "/bin/x"));
    CHECK(!strcmp(command_word_value("env=A=B", "env"), "A=B"));
    CHECK(!strcmp(command_word_value("root=", "root"), ""));
    CHECK(!command_word_value("init", "init") && !command_word_value("initx=1", "init"));
    CHECK(!command_word_value("ini=1", "init") && !command_word_value("", "init"));
}

/* ---- Options ---- */

static void
defaults(void)
{
    options_read("");
    CHECK(boot_options.init_count == 1 && !strcmp(boot_options.inits[0], "/bin/demo"));
    CHECK(boot_options.argument_count == 1 && boot_options.arguments[0] == boot_options.inits[0]);
    CHECK(boot_options.serial && boot_options.vga && boot_options.repeat == 1);
    CHECK(!strcmp(boot_options.root, "auto") && !strcmp(boot_options.directory, "/"));
    CHECK(host_log_lines == 0);
}

static void
all_of_them(void)
{
    options_read("build/kernel.elf init=/bin/a init=/bin/b env=X=1 \"env=Y=a b\" cwd=/tmp root=hda2 "
                 "run=com2 console=serial exit=debug repeat=10 inject=leak trace=on ide=off "
                 "-- -j 64 init=not -- \"a b\"");
    const struct boot_options *o = &boot_options;
    CHECK(o->init_count == 2 && !strcmp(o->inits[1], "/bin/b"));
    CHECK(o->environment_count == 2 && !strcmp(o->environment[1], "Y=a b"));
    CHECK(!strcmp(o->directory, "/tmp") && !strcmp(o->root, "hda2"));
    CHECK(o->run_channel && o->serial && !o->vga && o->exit_debug);
    CHECK(o->repeat == 10 && o->inject == INJECT_LEAK);
    CHECK(device_word_count == 1 && !strcmp(device_words[0], "ide=off"));
    CHECK(o->argument_count == 6 && !strcmp(o->arguments[0], "/bin/a"));
    CHECK(!strcmp(o->arguments[3], "init=not") && !strcmp(o->arguments[4], "--") &&
          !strcmp(o->arguments[5], "a b"));
    CHECK(host_log_lines == 0, "%s", host_log_last);
}

static void
unknown_words_are_reported(void)
{
    static const char *const words[] = {"nonsense", "init", "inject=nothing", "exit=later", "trace=x",
                                        "run=com9", "=", "envX=1"};
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        char text[64];
        snprintf(text, sizeof(text), "root=auto %s cwd=/x", words[i]);
        options_read(text);
        CHECK(host_log_lines == 1 && strstr(host_log_last, words[i]), "%s", words[i]);
        CHECK(!strcmp(boot_options.directory, "/x"));
    }
}

/* Only a path is the loader's own word (docs/boot-interface.md). */
static void
bug_the_first_word_was_never_reported(void)
{
    options_read("nonsense");
    CHECK(host_log_lines == 1 && strstr(host_log_last, "nonsense"));
    options_read("/home/x/kernel cwd=/x");
    CHECK(host_log_lines == 0, "%s", host_log_last);
    options_read("kernel.elf");
    CHECK(host_log_lines == 0, "%s", host_log_last);
    options_read("../build/kernel.elf -- x");
    CHECK(host_log_lines == 0 && boot_options.argument_count == 2, "%s", host_log_last);
    options_read("-- a");
    CHECK(host_log_lines == 0 && boot_options.argument_count == 2);
}

static void
console_lists(void)
{
    static const struct {
        const char *text;
        bool serial, vga;
    } cases[] = {{"serial", true, false}, {"vga", false, true}, {"vga,serial", true, true},
                 {"", false, false}, {",,", false, false}, {"serialx,xvga", false, false},
                 {"vga,", false, true}};
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[64];
        snprintf(text, sizeof(text), "x=1 console=%s", cases[i].text);
        options_read(text);
        CHECK(boot_options.serial == cases[i].serial && boot_options.vga == cases[i].vga, "%s", text);
    }
}

static void
numbers(void)
{
    options_read("a=b repeat=0");
    CHECK(boot_options.repeat == 1);
    options_read("a=b repeat=x");
    CHECK(boot_options.repeat == 1);
    options_read("a=b repeat=99999999999999999999");
    CHECK(boot_options.repeat >= 1);
}

static void
full_tables(void)
{
    static char text[16000];
    text[0] = 0;
    for (unsigned i = 0; i < INITS_MOST + 2; i++)
        strcat(text, "init=/x ");
    for (unsigned i = 0; i < 200; i++)
        strcat(text, "env=A=1 ");
    strcat(text, "-- ");
    for (unsigned i = 0; i < INIT_WORDS + 20; i++)
        strcat(text, "a ");
    options_read(text);
    CHECK(boot_options.init_count == INITS_MOST && boot_options.environment_count == 200);
    CHECK(boot_options.argument_count == INIT_WORDS);
    CHECK(host_log_lines > 2);
}

static void
random_bytes_do_no_harm(void)
{
    static const char letters[] = "\"\"\\  =,--abinitenvrootconsole\t\n";
    char text[200];
    srand(9);
    for (unsigned i = 0; i < 100000; i++) {
        unsigned length = (unsigned)rand() % (sizeof(text) - 1);
        for (unsigned at = 0; at < length; at++)
            text[at] = rand() % 20 ? letters[rand() % (sizeof(letters) - 1)] : (char)(1 + rand() % 255);
        text[length] = 0;
        kept_bytes = 0;
        boot_options.init_count = boot_options.argument_count = boot_options.environment_count = 0;
        device_word_count = 0;
        boot_options_read(text, device_word);
        CHECK(boot_options.init_count >= 1 && boot_options.argument_count >= 1);
    }
}

int
main(void)
{
    RUN_TEST(words);
    RUN_TEST(quoting);
    RUN_TEST(quotes_that_do_not_end);
    RUN_TEST(every_byte_survives);
    RUN_TEST(too_many_words);
    RUN_TEST(bug_words_without_room_lay_outside);
    RUN_TEST(values);
    RUN_TEST(defaults);
    RUN_TEST(all_of_them);
    RUN_TEST(unknown_words_are_reported);
    RUN_TEST(bug_the_first_word_was_never_reported);
    RUN_TEST(console_lists);
    RUN_TEST(numbers);
    RUN_TEST(full_tables);
    RUN_TEST(random_bytes_do_no_harm);
    return test_result();
}
