/* System calls about the machine as a whole, and a few that are only refused in the right words. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/log.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "kernel/system_names.h"
#include "kernel/task.h"

/* ---- Names ---- */

#define NAME_BYTES SYSTEM_NAME_BYTES

long
sys_uname(void USER *user)
{
    return copy_to_user(user, &system_names, sizeof(system_names));
}

/* The first uname calls have shorter fields: 9 bytes each, and 65 without the domain. */
long
sys_oldolduname(char USER *user)
{
    const char *fields = (const char *)&system_names;
    char field[9];
    int error = 0;
    for (int i = 0; i < 5 && !error; i++) {
        memcpy(field, fields + i * NAME_BYTES, sizeof(field) - 1);
        field[sizeof(field) - 1] = 0;
        error = copy_to_user(user + i * sizeof(field), field, sizeof(field));
    }
    return error;
}

long
sys_olduname(void USER *user)
{
    return copy_to_user(user, &system_names, 5 * NAME_BYTES);
}

static long
name_set(char *field, const char USER *user, int length)
{
    char name[NAME_BYTES] = {0};
    if (current_credentials()->euid != 0)
        return -EPERM;
    if (length < 0 || length >= NAME_BYTES)
        return -EINVAL;
    int error = copy_from_user(name, user, (size_t)length);
    if (!error)
        memcpy(field, name, NAME_BYTES);
    return error;
}

long
sys_sethostname(const char USER *name, int length)
{
    return name_set(system_names.node, name, length);
}

long
sys_setdomainname(const char USER *name, int length)
{
    return name_set(system_names.domain, name, length);
}

/* ---- The machine ---- */

/* linux/reboot.h */
#define REBOOT_MAGIC 0xfee1deadu
#define REBOOT_RESTART 0x01234567u
#define REBOOT_HALT 0xcdef0123u
#define REBOOT_CTRL_ALT_DEL_ON 0x89abcdefu
#define REBOOT_CTRL_ALT_DEL_OFF 0u
#define REBOOT_POWER_OFF 0x4321fedcu

static bool
reboot_magic_valid(u32 magic, u32 magic2)
{
    return magic == REBOOT_MAGIC && (magic2 == 672274793 || magic2 == 85072278 ||
                                     magic2 == 369367448 || magic2 == 537993216);
}

/* Everything ends in order, as when the first programs have ended: their processes are killed, and who
 * started them stops the machine. */
long
sys_reboot(u32 magic, u32 magic2, u32 command, void USER *argument)
{
    if (current_credentials()->euid != 0)
        return -EPERM;
    if (!reboot_magic_valid(magic, magic2))
        return -EINVAL;
    switch (command) {
    case REBOOT_CTRL_ALT_DEL_ON:
    case REBOOT_CTRL_ALT_DEL_OFF:
        return 0;
    case REBOOT_RESTART:
    case REBOOT_HALT:
    case REBOOT_POWER_OFF:
        log_line("reboot: asked for by task %u (%s)", current_task()->tid,
                 current_task()->process->name);
        process_kill_all();
        return 0;
    }
    return -EINVAL;
}

#define RANDOM_FLAGS 7u /* NONBLOCK, RANDOM, INSECURE */
#define RANDOM_PIECE 128u

long
sys_getrandom(u8 USER *buffer, size_t size, u32 flags)
{
    u8 piece[RANDOM_PIECE];
    size_t done = 0;
    size = MIN(size, 0x7fffffffu);
    if (flags & ~RANDOM_FLAGS || (flags & 6) == 6)
        return -EINVAL;
    while (done < size) {
        size_t bytes = MIN(size - done, sizeof(piece));
        random_bytes(piece, bytes);
        int error = copy_to_user(buffer + done, piece, bytes);
        if (error)
            return done ? (long)done : error;
        done += bytes;
        if (schedule_point())
            break;
    }
    return (long)done;
}

/* All barriers are full ones on one processor. */
long
sys_membarrier(int command, u32 flags, int processor)
{
    enum { QUERY, GLOBAL, PRIVATE_EXPEDITED = 8, REGISTER_PRIVATE_EXPEDITED = 16 };
    if (flags)
        return -EINVAL;
    switch (command) {
    case QUERY:
        return GLOBAL | PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED;
    case GLOBAL:
    case PRIVATE_EXPEDITED:
    case REGISTER_PRIVATE_EXPEDITED:
        return 0;
    }
    return -EINVAL;
}

/* ---- Refused ---- */

/* Nobody is traced here. */
long
sys_ptrace(long request, long pid, uintptr_t address, uintptr_t data)
{
    return -EPERM;
}

long
sys_vhangup(void)
{
    return -EPERM;
}

/* Ports are the kernel's alone. */
long
sys_ioperm(u32 from, u32 count, int on)
{
    return -EPERM;
}

long
sys_iopl(u32 level)
{
    return level > 3 ? -EINVAL : level ? -EPERM : 0;
}
