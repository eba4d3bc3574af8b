/* t-hogs [CASE…]: programs that take all they can get of one thing: processes, threads, memory in every form,
 * descriptors, stack, signals, directories, pipes; and threads that pull the memory from under each other.
 * Hogs have no rights. After each, this program must be unharmed and able to go on; that everything is back is
 * seen by whoever runs it twice. */
#include <pthread.h>
#include "attack.h"

#define PLACE "/tmp/hogs"

/* Runs a hog without rights, gives it `milliseconds`, and ends it with all that it has made. Its status, or -1
 * if it had to be ended. */
static int
run_hog(void (*hog)(void), int milliseconds)
{
    int status = -1, pid = fork();

    check(pid >= 0);
    if (pid == 0) {
        attack_give_up_rights();
        chdir(PLACE);
        hog();
        sys_exit_group(0);
    }
    while (milliseconds-- > 0 && waitpid(pid, &status, WNOHANG) == 0)
        test_nap(1);
    attack_end_all();
    return status;
}

/* The machine is as usable as before. */
static void
check_usable(void)
{
    int fds[2], pid;
    char *memory = test_map(64 * PAGE);

    memset(memory, 1, 64 * PAGE);
    munmap(memory, 64 * PAGE);
    check_equal(sys_pipe(fds), 0);
    check_equal(sys_write(fds[1], "x", 1), 1);
    test_close_both(fds);
    pid = fork();
    if (pid == 0)
        sys_exit_group(7);
    check_equal(test_wait(pid), 7 << 8);
}

static void
prepare(void)
{
    sys_umask(0);
    sys_mkdir(PLACE, 0777);
}

static void
clear(void)
{
    attack_clear(PLACE);
    sys_rmdir(PLACE);
    check_usable();
}

/* ---- Processes and threads ---- */

static void
bomb(void)
{
    for (;;)
        sys_fork();
}

static void
bomb_within_limit(void)
{
    attack_limit(RLIMIT_NPROC, 50);
    bomb();
}

static void
fork_bomb(void)
{
    check_equal(run_hog(bomb_within_limit, 100), -1);
    check_usable();
}

static void
fork_bomb_without_limit(void)
{
    run_hog(bomb, 400); /* until memory is out; which of them is killed is chance */
    check_usable();
}

static void *
thread_sleeps(void *unused)
{
    (void)unused;
    test_nap(1000000);
    return NULL;
}

static void
take_threads(void)
{
    pthread_t thread;
    pthread_attr_t small;

    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    for (int i = 0; i < 20000; i++)
        if (pthread_create(&thread, &small, thread_sleeps, NULL) != 0)
            return;
}

static void
thread_hog(void)
{
    run_hog(take_threads, 3000);
    check_usable();
}

/* A chain of processes, each the child of the one before, that ends from the middle. */
static void
chain_of_children(void)
{
    for (int depth = 0; depth < 150; depth++) {
        int pid = sys_fork();
        if (pid != 0) {
            if (depth % 10 == 5)
                sys_exit_group(0);
            sys_wait4(pid, NULL, 0, NULL);
            sys_exit_group(0);
        }
    }
    test_nap(5);
}

static void
process_chain(void)
{
    check_equal(run_hog(chain_of_children, 2000), 0);
    check_usable();
}

/* ---- Memory ---- */

static void
take_memory(void)
{
    for (;;) {
        char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            sys_exit_group(1);
        for (unsigned at = 0; at < 1 << 20; at += PAGE)
            memory[at] = 1;
    }
}

static void
take_memory_together(void)
{
    for (int i = 0; i < 4; i++)
        if (sys_fork() == 0)
            take_memory();
    for (int i = 0; i < 4; i++)
        sys_wait4(-1, NULL, 0, NULL);
}

static void
memory_hog(void)
{
    check_equal(run_hog(take_memory, 10000), SIGNAL_KILL);
    check_usable();
}

static void
memory_hogs_together(void)
{
    run_hog(take_memory_together, 10000);
    check_usable();
}

static void
take_within_limit(void)
{
    attack_limit(RLIMIT_AS, 8 << 20);
    take_memory();
}

static void
memory_hog_within_limit(void)
{
    check_equal(run_hog(take_within_limit, 5000), 1 << 8);
    check_usable();
}

/* Pages that several processes have, and then all write to. */
static void
take_by_copying(void)
{
    char *memory = test_map(4 << 20);

    memset(memory, 1, 4 << 20);
    for (int i = 0; i < 60; i++)
        if (sys_fork() == 0) {
            memset(memory, i, 4 << 20);
            test_nap(1000000);
        }
    test_nap(100);
}

static void
copy_on_write_hog(void)
{
    run_hog(take_by_copying, 5000);
    check_usable();
}

static void
fill_files(void)
{
    static char block[65536];

    for (int i = 0;; i++) {
        char name[20];
        long result = 1;
        sprintf(name, "%d", i);
        int fd = sys_open(name, O_WRONLY | O_CREAT, 0600);
        for (int j = 0; fd >= 0 && j < 64 && result > 0; j++)
            result = sys_write(fd, block, sizeof block);
        if (fd < 0 || result <= 0)
            sys_exit_group(fd == -ENOSPC || fd == -ENOMEM || result == -ENOSPC || result == -ENOMEM ? 2 : 3);
        sys_close(fd);
    }
}

static void
file_hog(void)
{
    prepare();
    int status = run_hog(fill_files, 20000);
    check(status == 2 << 8 || status == SIGNAL_KILL);
    clear();
}

/* Pipes full to the brim; when there are no more descriptors, a child takes as many again. */
static void
fill_pipes(void)
{
    static char block[65536];
    int fds[2];

    attack_limit(RLIMIT_NOFILE, 256);
    for (;;) {
        while (sys_pipe2(fds, O_NONBLOCK) == 0)
            while (sys_write(fds[1], block, sizeof block) > 0)
                ;
        if (sys_fork() != 0) {
            sys_wait4(-1, NULL, 0, NULL);
            return;
        }
        for (int fd = 3; fd < 256; fd++) /* the parent has them */
            sys_close(fd);
    }
}

static void
pipe_hog(void)
{
    run_hog(fill_pipes, 5000);
    check_usable();
}

static void
recurse(volatile char *above)
{
    volatile char here[2000];

    here[0] = above[0];
    if (here[0] == 0) /* always */
        recurse(here);
    here[1] = above[1];
}

static void
take_stack(void)
{
    char first[2] = {0, 0};
    recurse(first);
}

static void
stack_hog(void)
{
    check_equal(run_hog(take_stack, 5000), 11);
    check_usable();
}

/* ---- Descriptors ---- */

static void
take_descriptors(void)
{
    long fd;

    attack_limit(RLIMIT_NOFILE, 1 << 20);
    while ((fd = sys_open("/dev/null", O_RDONLY, 0)) >= 0)
        ;
    if (fd != -EMFILE)
        sys_exit_group(1);
    int fds[2];
    if (sys_pipe(fds) != -EMFILE || sys_dup(0) != -EMFILE || sys_socketpair(1, 1, 0, fds) != -EMFILE)
        sys_exit_group(2);
    for (int i = 0; i < 20; i++) /* and again by children */
        if (sys_fork() == 0)
            test_nap(1000000);
    test_nap(20);
}

static void
descriptor_hog(void)
{
    check_equal(run_hog(take_descriptors, 10000), 0);
    check_usable();
}

/* Descriptors that exist in messages only: sockets sent through themselves. */
static void
send_descriptors(void)
{
    int fds[2];

    for (int i = 0; i < 2000; i++) {
        struct {
            unsigned length;
            int level, type, fds[2];
        } control = {20, 1 /* SOL_SOCKET */, 1 /* SCM_RIGHTS */, {0, 0}};
        char byte = 0;
        struct {
            void *base;
            unsigned length;
        } vector = {&byte, 1};
        struct {
            void *name;
            unsigned name_length;
            void *vectors;
            unsigned count;
            void *control;
            unsigned control_length, flags;
        } message = {NULL, 0, &vector, 1, &control, sizeof control, 0};
        if (sys_socketpair(1, 1, 0, fds) < 0)
            sys_exit_group(1);
        control.fds[0] = fds[0];
        control.fds[1] = fds[1];
        sys_sendmsg(fds[0], &message, 0);
        test_close_both(fds);
    }
}

static void
descriptors_in_messages(void)
{
    run_hog(send_descriptors, 5000);
    check_usable();
}

/* ---- Signals ---- */

static volatile int storms;

static void
count_storm(int number)
{
    (void)number;
    storms++;
}

/* Children that send each other and the parent all signals that can be handled, queued ones too. */
static void
storm(void)
{
    unsigned state = 12345;
    int parent = sys_getpid(), pids[6] = {0};

    for (int number = 1; number < 65; number++) {
        struct test_action action = {count_storm, SIGNAL_RESTORER | (number % 2 ? SIGNAL_RESTART : 0),
                                     test_restore, {0, 0}};
        sys_rt_sigaction(number, &action, NULL, 8);
    }
    for (int i = 0; i < 6; i++) {
        pids[i] = sys_fork();
        if (pids[i] == 0) {
            state += i * 7919;
            break;
        }
    }
    for (int i = 0; i < 4000; i++) {
        int number = 1 + attack_random(&state) % 64, to = attack_random(&state) % 7;
        int info[32] = {number, 0, -1 /* SI_QUEUE */};
        int pid = to == 6 ? parent : pids[to] ? pids[to] : parent;
        if (number == SIGNAL_KILL || number == SIGNAL_STOP)
            continue;
        if (i % 3)
            sys_kill(pid, number);
        else
            sys_rt_sigqueueinfo(pid, number, info);
        if (i % 50 == 0)
            sys_sched_yield();
    }
}

static void
signal_storm(void)
{
    int status = run_hog(storm, 10000);
    check_equal(status, 0);
    check_usable();
}

/* Signals that wait are limited, and are given back with the process. */
static void
queue_signals(void)
{
    unsigned long blocked[2] = {~0ul, ~0ul};
    int info[32] = {40, 0, -1};
    long result = 0;

    sys_rt_sigprocmask(0, blocked, NULL, 8);
    for (int i = 0; i < 200000 && result == 0; i++)
        result = sys_rt_sigqueueinfo(sys_getpid(), 40, info);
    sys_exit_group(result == -EAGAIN ? 0 : 1);
}

static void
queued_signals_hog(void)
{
    check_equal(run_hog(queue_signals, 10000), 0);
    check_usable();
}

/* ---- Directories ---- */

static void
dig(void)
{
    static char path[4096];
    int depth = 0;

    while (depth < 2000 && sys_mkdir("d", 0777) == 0 && sys_chdir("d") == 0)
        depth++;
    sys_getcwd(path, sizeof path);
    sys_rename("../../d", "into-itself");
    memset(path, 0, sizeof path);
    for (unsigned i = 0; i + 4 < sizeof path; i += 3)
        memcpy(path + i, "../", 3);
    sys_open(path, O_RDONLY, 0);
    sys_exit_group(depth == 2000 ? 0 : 1);
}

static void
deep_directories(void)
{
    prepare();
    check_equal(run_hog(dig, 10000), 0);
    clear();
}

static void
fill_directory(void)
{
    for (int i = 0; i < 20000; i++) {
        char name[20];
        sprintf(name, "name-%d", i);
        int fd = sys_open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd < 0)
            sys_exit_group(1);
        sys_close(fd);
    }
}

static void
wide_directory(void)
{
    prepare();
    check_equal(run_hog(fill_directory, 30000), 0);
    clear();
}

/* ---- Pipes between processes: a word through a hundred of them ---- */

static void
pass_on(void)
{
    int first[2], in;
    char byte = 'a';

    sys_pipe(first);
    in = first[0];
    for (int i = 0; i < 100; i++) {
        int fds[2];
        sys_pipe(fds);
        if (sys_fork() == 0) {
            sys_close(fds[0]);
            sys_close(first[1]);
            while (sys_read(in, &byte, 1) == 1) {
                byte++;
                sys_write(fds[1], &byte, 1);
            }
            sys_exit_group(0);
        }
        sys_close(fds[1]);
        sys_close(in);
        in = fds[0];
    }
    for (int i = 0; i < 3; i++) {
        byte = 'a' + i;
        sys_write(first[1], &byte, 1);
    }
    sys_close(first[1]);
    for (int i = 0; i < 3; i++)
        if (sys_read(in, &byte, 1) != 1 || byte != (char)('a' + i + 100))
            sys_exit_group(1);
    sys_exit_group(sys_read(in, &byte, 1) == 0 ? 0 : 2);
}

static void
pipe_chain(void)
{
    check_equal(run_hog(pass_on, 5000), 0);
    check_usable();
}

/* ---- Threads that race ---- */

static char *contested;
#define CONTESTED_PAGES 16

static void *
race_to_map(void *seed)
{
    unsigned state = WORD(seed);

    for (int i = 0; i < 3000; i++) {
        unsigned long at = WORD(contested) + attack_random(&state) % CONTESTED_PAGES * PAGE;
        unsigned long size = (1 + attack_random(&state) % 4) * PAGE;
        switch (attack_random(&state) % 6) {
        case 0:
            sys_munmap(at, size);
            break;
        case 1:
        case 2:
            sys_mmap2(at, size, 3, 0x32 /* MAP_FIXED, private, anonymous */, -1, 0);
            break;
        case 3:
            sys_mprotect(at, size, attack_random(&state) % 4);
            break;
        case 4:
            sys_mremap(at, size, size + PAGE, 1, 0);
            break;
        default:
            sys_madvise(at, size, 4 /* MADV_DONTNEED */);
        }
        if (i % 64 == 0)
            sys_sched_yield();
    }
    return NULL;
}

static void *
race_to_use(void *unused)
{
    struct kernel_timespec none = {0, 0};
    int fds[2];

    (void)unused;
    sys_pipe2(fds, O_NONBLOCK);
    for (int i = 0; i < 3000; i++) {
        char *at = contested + i % CONTESTED_PAGES * PAGE + PAGE - 100;
        sys_write(fds[1], at, 200);
        sys_read(fds[0], at, 200);
        sys_futex(WORD(at) & ~3ul, 0 /* wait */, 0, WORD(&none), 0, 0);
        sys_open(at, O_RDONLY, 0);
        if (i % 64 == 0)
            sys_sched_yield();
    }
    test_close_both(fds);
    return NULL;
}

/* Each way to end a process of several threads, while they are at it. */
static void
race(void)
{
    int way = sys_getpid() % 5;
    pthread_t thread;
    char *const arguments[] = {"true", NULL};

    contested = test_map(CONTESTED_PAGES * PAGE);
    for (int i = 0; i < 3; i++)
        pthread_create(&thread, NULL, race_to_map, (void *)WORD(sys_getpid() * 8 + i + 1));
    for (int i = 0; i < 2; i++)
        pthread_create(&thread, NULL, race_to_use, NULL);
    test_nap(1 + sys_getpid() % 7);
    if (way == 0)
        sys_exit_group(0);
    if (way == 1)
        sys_execve("/bin/true", (void *)arguments, (void *)(arguments + 1));
    if (way == 2)
        sys_kill(sys_getpid(), SIGNAL_KILL);
    if (way == 3 && sys_fork() == 0)
        race_to_map((void *)17);
    pthread_exit(NULL);
}

static void
race_often(void)
{
    for (int i = 0; i < 40; i++) {
        int pid = sys_fork();
        if (pid == 0)
            race();
        sys_wait4(pid, NULL, 0, NULL);
    }
}

static void
threads_race(void)
{
    check_equal(run_hog(race_often, 60000), 0);
    check_usable();
}

/* Two threads execute at once; one wins, and nobody is left of the other. */
static void *
execute(void *unused)
{
    char *const arguments[] = {"true", NULL};

    (void)unused;
    sys_execve("/bin/true", (void *)arguments, (void *)(arguments + 1));
    return NULL;
}

static void
execute_often(void)
{
    for (int i = 0; i < 50; i++) {
        int status, pid = sys_fork();
        if (pid == 0) {
            pthread_t thread;
            for (int j = 0; j < 4; j++)
                pthread_create(&thread, NULL, execute, NULL);
            execute(NULL);
        }
        if (sys_wait4(pid, &status, 0, NULL) != pid || status != 0)
            sys_exit_group(1);
    }
}

static void
exec_race(void)
{
    check_equal(run_hog(execute_often, 20000), 0);
    check_usable();
}

/* With SIGCHLD ignored children leave nothing to be waited for; but while somebody else still held the process
 * (the thread in vfork), it could be waited for, and so given up twice. */
static void *
vfork_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < 300; i++) {
        int pid = kernel_call5(SYS_clone, 0x4000 | 17 /* CLONE_VFORK, SIGCHLD */, 0, 0, 0, 0);
        if (pid == 0)
            sys_exit_group(0);
    }
    sys_exit_group(0);
    return NULL;
}

static void
wait_beside_vfork(void)
{
    pthread_t thread;

    test_set_handler(17 /* SIGCHLD */, SIGNAL_IGNORED, 0);
    pthread_create(&thread, NULL, vfork_often, NULL);
    for (;;)
        if (sys_wait4(-1, NULL, 0, NULL) > 0)
            sys_exit_group(1);
}

static void
bug_reaped_twice(void)
{
    check_equal(run_hog(wait_beside_vfork, 10000), 0);
    check_usable();
}

static const struct check_case cases[] = {
    {"fork_bomb", fork_bomb},
    {"fork_bomb_without_limit", fork_bomb_without_limit},
    {"thread_hog", thread_hog},
    {"process_chain", process_chain},
    {"memory_hog", memory_hog},
    {"memory_hogs_together", memory_hogs_together},
    {"memory_hog_within_limit", memory_hog_within_limit},
    {"copy_on_write_hog", copy_on_write_hog},
    {"file_hog", file_hog},
    {"pipe_hog", pipe_hog},
    {"stack_hog", stack_hog},
    {"descriptor_hog", descriptor_hog},
    {"descriptors_in_messages", descriptors_in_messages},
    {"signal_storm", signal_storm},
    {"queued_signals_hog", queued_signals_hog},
    {"deep_directories", deep_directories},
    {"wide_directory", wide_directory},
    {"pipe_chain", pipe_chain},
    {"threads_race", threads_race},
    {"exec_race", exec_race},
    {"bug_reaped_twice", bug_reaped_twice},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return check_run(cases, argc, argv);
}
