/* t-exec [CASE]: what a program finds that another one has started in its place. Runs on Linux too. It
 * starts itself again, with "--look WHAT …" as arguments. */
#include "portable.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char *program;
extern char **environ;

/* Starts this program in a child: its exit status, or 200 + errno if exec failed. */
static int
look(char *const arguments[], char *const environment[])
{
    int status = -1;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        execve(program, arguments, environment ? environment : environ);
        _exit(200 + errno);
    }
    check(waitpid(pid, &status, 0) == pid);
    return exited(status);
}

static int
file_make(const char *path, const char *text, int mode)
{
    unlink(path);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0700);
    int done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    close(fd);
    return done && chmod(path, mode) == 0;
}

/* ---- What the program that was started looks at: 0 is well ---- */

static int
look_arguments(int argc, char **argv)
{
    if (argc != 6 || strcmp(argv[3], "") || strcmp(argv[4], "a b") || strlen(argv[5]) != 50000)
        return 1;
    return getenv("T_EXEC") && !strcmp(getenv("T_EXEC"), "x=y") && !getenv("PATH") ? 0 : 2;
}

static int
look_descriptors(int argc, char **argv)
{
    if (argc != 5)
        return 1;
    if (fcntl(atoi(argv[3]), F_GETFD) != -1)
        return 2;
    return fcntl(atoi(argv[4]), F_GETFD) == 0 ? 0 : 3;
}

static int
look_signals(void)
{
    struct sigaction action;
    sigset_t mask;

    sigaction(SIGUSR1, NULL, &action);
    if (action.sa_handler != SIG_IGN)
        return 1;
    sigaction(SIGUSR2, NULL, &action);
    if (action.sa_handler != SIG_DFL)
        return 2;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    if (!sigismember(&mask, SIGTERM) || !is_pending(SIGTERM))
        return 3;
    stack_t stack;
    return sigaltstack(NULL, &stack) == 0 && stack.ss_flags == SS_DISABLE ? 0 : 4;
}

static int
look_place(char **argv)
{
    char directory[200];
    mode_t mask = umask(0);

    if (!getcwd(directory, sizeof directory) || strcmp(directory, "/tmp"))
        return 1;
    return mask == 0135 && getpid() == atoi(argv[3]) ? 0 : 2;
}

static int
look_pid(char **argv)
{
    return getpid() == atoi(argv[3]) && syscall(SYS_gettid) == getpid() ? 0 : 1;
}

/* As a script's interpreter: /proc-free, so the arguments tell. */
static int
look_script(int argc, char **argv)
{
    printf("%d", argc);
    for (int i = 3; i < argc; i++)
        printf(" [%s]", argv[i]);
    printf("\n");
    return argc;
}

static int
look_at(int argc, char **argv)
{
    const char *what = argv[2];

    if (!strcmp(what, "arguments"))
        return look_arguments(argc, argv);
    if (!strcmp(what, "descriptors"))
        return look_descriptors(argc, argv);
    if (!strcmp(what, "signals"))
        return look_signals();
    if (!strcmp(what, "place"))
        return look_place(argv);
    if (!strcmp(what, "pid"))
        return look_pid(argv);
    if (!strcmp(what, "nothing"))
        return 0;
    return look_script(argc, argv);
}

/* ---- Cases ---- */

static void
arguments_and_environment(void)
{
    static char big[50001];
    char *environment[] = {"T_EXEC=x=y", NULL};

    memset(big, 'z', sizeof big - 1);
    char *arguments[] = {program, "--look", "arguments", "", "a b", big, NULL};
    check_equal(look(arguments, environment), 0);
}

static void
close_on_exec(void)
{
    char closed[12], kept[12];
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), other = open("/dev/null", O_RDONLY);

    sprintf(closed, "%d", fd);
    sprintf(kept, "%d", other);
    char *arguments[] = {program, "--look", "descriptors", closed, kept, NULL};
    check_equal(look(arguments, NULL), 0);
    check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    close(other);
}

static void
nothing(int number UNUSED)
{
}

static void
signals(void)
{
    static char stack_memory[65536];
    stack_t stack = {.ss_sp = stack_memory, .ss_size = sizeof stack_memory};
    stack_t none = {.ss_flags = SS_DISABLE};
    char *arguments[] = {program, "--look", "signals", NULL};
    int status = -1;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        handle(SIGUSR1, SIG_IGN, 0);
        handle(SIGUSR2, nothing, 0);
        sigaltstack(&stack, NULL);
        block(SIGTERM);
        raise(SIGTERM);
        execve(program, arguments, environ);
        _exit(99);
    }
    check(waitpid(pid, &status, 0) == pid);
    check_equal(exited(status), 0);
    sigaltstack(&none, NULL);
}

static void
place_and_pid(void)
{
    char pid_text[12];
    int status = -1;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        char *arguments[] = {program, "--look", "place", pid_text, NULL};
        sprintf(pid_text, "%d", (int)getpid());
        umask(0135);
        _exit(chdir("/tmp") == 0 ? execv(program, arguments) : 98);
    }
    check(waitpid(pid, &status, 0) == pid);
    check_equal(exited(status), 0);
}

/* ---- Failures change nothing ---- */

static int
exec_error(const char *path)
{
    char *arguments[] = {"x", NULL};

    return error_of(execve(path, arguments, environ));
}

static void
errors(void)
{
    char *long_name = malloc(5000);

    memset(long_name, 'n', 4999);
    long_name[4999] = 0;
    check_equal(exec_error("/tmp/t-exec-none"), ENOENT);
    check_equal(exec_error(""), ENOENT);
    check_equal(exec_error("/tmp"), EACCES);
    check_equal(exec_error(long_name), ENAMETOOLONG);
    check(file_make("/tmp/t-exec-file", "no program\n", 0600));
    check_equal(exec_error("/tmp/t-exec-file"), EACCES);
    check_equal(exec_error("/tmp/t-exec-file/x"), ENOTDIR);
    check(file_make("/tmp/t-exec-file", "no program\n", 0700));
    check_equal(exec_error("/tmp/t-exec-file"), ENOEXEC);
    check(file_make("/tmp/t-exec-file", "", 0700));
    check_equal(exec_error("/tmp/t-exec-file"), ENOEXEC);
    check(file_make("/tmp/t-exec-file", "\177ELF", 0700));
    check_equal(exec_error("/tmp/t-exec-file"), ENOEXEC);
    check(file_make("/tmp/t-exec-file", "#!/tmp/t-exec-none\n", 0700));
    check_equal(exec_error("/tmp/t-exec-file"), ENOENT);
    check(file_make("/tmp/t-exec-file", "#!/tmp/t-exec-file\n", 0700));
    check_equal(exec_error("/tmp/t-exec-file"), ELOOP);
    unlink("/tmp/t-exec-file");
    free(long_name);
}

static void
bad_pointers(void)
{
    char **volatile nowhere = (char **)16;
    char *arguments[] = {"x", (char *)nowhere, NULL};

    check_equal(error_of(execve((char *)nowhere, arguments, environ)), EFAULT);
    check_equal(error_of(execve(program, nowhere, environ)), EFAULT);
    check_equal(error_of(execve(program, arguments, environ)), EFAULT);
    check_equal(error_of(execve(program, environ, nowhere)), EFAULT);
}

static void
too_much(void)
{
    enum { MANY = 400 };
    char **arguments = malloc((MANY + 1) * sizeof *arguments), *big = malloc(100001);

    memset(big, 'b', 100000);
    big[100000] = 0;
    for (int i = 0; i < MANY; i++)
        arguments[i] = big;
    arguments[MANY] = NULL;
    check_equal(error_of(execve(program, arguments, environ)), E2BIG);
    free(arguments);
    free(big);
}

static void
a_failure_changes_nothing(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct sigaction action;

    handle(SIGUSR2, nothing, 0);
    check(file_make("/tmp/t-exec-file", "no program\n", 0700));
    check_equal(exec_error("/tmp/t-exec-file"), ENOEXEC);
    check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    check(sigaction(SIGUSR2, NULL, &action) == 0);
    check(action.sa_handler == nothing);
    handle(SIGUSR2, SIG_DFL, 0);
    unlink("/tmp/t-exec-file");
    close(fd);
}

/* ---- Scripts ---- */

/* What a script's interpreter, this program, was given: its output's first line. */
static void
script_says(const char *first_line, char *const arguments[], const char *wanted)
{
    char said[300] = "";
    int fds[2], status;

    check(file_make("/tmp/t-exec-script", first_line, 0700));
    check(pipe(fds) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        execv("/tmp/t-exec-script", arguments);
        _exit(200 + errno);
    }
    close(fds[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(fds[0], said + length, sizeof said - 1 - length)) > 0)
        length += got;
    close(fds[0]);
    check(waitpid(pid, &status, 0) == pid);
    if (strcmp(said, wanted))
        check_failed("script %s said %s instead of %s", first_line, said, wanted);
    unlink("/tmp/t-exec-script");
}

static void
scripts(void)
{
    char line[300];
    char *two[] = {"zero", "one", "two", NULL};

    /* The interpreter's one argument keeps its blanks; argv[0] gives way to the path. */
    snprintf(line, sizeof line, "#!%s --look script\nrest\n", program);
    script_says(line, two, "5 [one] [two]\n");
    snprintf(line, sizeof line, "#! %s --look script \t \n", program);
    script_says(line, two, "5 [one] [two]\n");
    snprintf(line, sizeof line, "#!%s\n", program);
    char *looking[] = {"zero", "--look", "x", "three", NULL};
    script_says(line, looking, "5 [x] [three]\n");
}

/* ---- From a thread ---- */

static char pid_text[12];

static void *
sleep_long(void *unused UNUSED)
{
    nap_ms(100000);
    return NULL;
}

static void *
exec_in_thread(void *unused UNUSED)
{
    char *arguments[] = {program, "--look", "pid", pid_text, NULL};

    execve(program, arguments, environ);
    _exit(97);
}

/* The other threads end, the first one too; the process keeps its number. */
static void
from_a_thread(void)
{
    int status = -1;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        sprintf(pid_text, "%d", (int)getpid());
        pthread_create(&thread, NULL, sleep_long, NULL);
        pthread_create(&thread, NULL, exec_in_thread, NULL);
        nap_ms(100000);
        _exit(96);
    }
    check(waitpid(pid, &status, 0) == pid);
    check_equal(exited(status), 0);
}

static void
after_vfork(void)
{
    char *arguments[] = {program, "--look", "nothing", NULL};
    int status = -1;
    pid_t pid = vfork();

    if (pid == 0) {
        execv(program, arguments);
        _exit(95);
    }
    check(waitpid(pid, &status, 0) == pid);
    check_equal(exited(status), 0);
}

static const struct check_case cases[] = {
    {"arguments-and-environment", arguments_and_environment},
    {"close-on-exec", close_on_exec},
    {"signals", signals},
    {"place-and-pid", place_and_pid},
    {"errors", errors},
    {"bad-pointers", bad_pointers},
    {"too-much", too_much},
    {"a-failure-changes-nothing", a_failure_changes_nothing},
    {"scripts", scripts},
    {"from-a-thread", from_a_thread},
    {"after-vfork", after_vfork},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--look") == 0)
        return look_at(argc, argv);
    if (argc > 2 && (strcmp(argv[1], "--look script") == 0 || strcmp(argv[2], "--look") == 0))
        return look_script(argc, argv);
    program = argv[0];
    return check_run(cases, argc, argv);
}
