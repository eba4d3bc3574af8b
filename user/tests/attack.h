/* What the hostile tests share: attackers under ids and limits of their own, getting rid of all that an
 * attacker has started, a generator of numbers for each attacker. */
#ifndef TESTS_ATTACK_H
#define TESTS_ATTACK_H

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "test.h"

#define ATTACKER_ID 1000 /* user and group */

/* Numbers that look like chance, from a state of its own (Marsaglia's xorshift, 32 bits). */
static TEST_UNUSED unsigned
attack_random(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static TEST_UNUSED void
attack_limit(int what, unsigned long most)
{
    struct rlimit limit = {most, most};

    setrlimit(what, &limit);
}

/* The child has a session of its own, and nothing to write to. */
static TEST_UNUSED void
attack_leave(void)
{
    int nothing = sys_open("/dev/null", O_RDWR, 0);

    for (int fd = 0; fd < 3; fd++)
        sys_dup2(nothing, fd);
    sys_close(nothing);
    sys_setsid();
}

/* And becomes the attackers' user. */
static TEST_UNUSED void
attack_give_up_rights(void)
{
    attack_leave();
    sys_setgroups(0, NULL);
    sys_setresgid(ATTACKER_ID, ATTACKER_ID, ATTACKER_ID);
    sys_setresuid(ATTACKER_ID, ATTACKER_ID, ATTACKER_ID);
}

/* Is anything of the attackers' user still running? */
static TEST_UNUSED bool
attack_goes_on(void)
{
    return sys_getpriority(2 /* of a user */, ATTACKER_ID) != -ESRCH;
}

/* Ends every process but the caller and the first, and waits until all are gone. Needs no memory: there may
 * be none. */
static TEST_UNUSED void
attack_end_all(void)
{
    for (int tries = 0; tries < 2000; tries++) {
        sys_kill(-1, SIGNAL_KILL);
        if (!attack_goes_on()) {
            while (sys_wait4(-1, NULL, 0, NULL) > 0)
                ;
            return;
        }
        test_nap(1);
    }
    check_failed("the attackers cannot be ended");
}

/* Removes what a directory has, and what that has. Depth does not matter: a directory that is not empty
 * is moved up beside its parent first. */
static TEST_UNUSED void
attack_clear(const char *top)
{
    static char names[2][600];
    bool found = true;
    unsigned moved = 0;

    chdir(top);
    while (found) {
        DIR *directory = opendir(".");
        struct dirent *entry;
        found = false;
        while (directory && (entry = readdir(directory))) {
            if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
                continue;
            found = true;
            if (unlink(entry->d_name) == 0 || rmdir(entry->d_name) == 0)
                continue;
            chmod(entry->d_name, 0700);
            DIR *inner = opendir(entry->d_name);
            struct dirent *one;
            while (inner && (one = readdir(inner))) {
                if (!strcmp(one->d_name, ".") || !strcmp(one->d_name, ".."))
                    continue;
                snprintf(names[0], sizeof names[0], "%s/%s", entry->d_name, one->d_name);
                snprintf(names[1], sizeof names[1], "moved-up-%u", moved++);
                if (unlink(names[0]) < 0 && rmdir(names[0]) < 0 && rename(names[0], names[1]) < 0)
                    check_failed("%s/%s cannot be removed: %d", top, names[0], errno);
            }
            if (inner)
                closedir(inner);
            rmdir(entry->d_name);
        }
        if (directory)
            closedir(directory);
        if (check_failures > 0)
            return;
    }
    chdir("/");
}

#endif
