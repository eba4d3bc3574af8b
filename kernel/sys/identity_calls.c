/* System calls about user and group ids. Beside the 32-bit calls there are those of before Linux 2.4,
 * with 16-bit ids. The file system's ids are the effective ones here: setfsuid and setfsgid tell them and
 * change nothing. */
#include "arch.h"
#include "gen/syscalls.h"
#include "kernel/errno.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define UNCHANGED 0xffffffffu
#define OVERFLOW_ID 65534u /* what a 16-bit call shows for an id that does not fit */

/* 0xffff means "unchanged" in 16-bit calls. */
static u32
id_widen(u32 id)
{
    return (u16)id == 0xffff ? UNCHANGED : (u16)id;
}

static u32
id_narrow(u32 id)
{
    return id > 0xffff ? OVERFLOW_ID : id;
}

static bool
is_privileged(void)
{
    return current_task()->credentials->euid == 0;
}

/* ---- One family for both kinds: three ids that change together ---- */

struct ids {
    u32 real, effective, saved;
};

static void
ids_of_user(struct ids *ids)
{
    const struct credentials *c = current_task()->credentials;
    *ids = (struct ids){c->uid, c->euid, c->saved_uid};
}

static void
ids_of_group(struct ids *ids)
{
    const struct credentials *c = current_task()->credentials;
    *ids = (struct ids){c->gid, c->egid, c->saved_gid};
}

static int
ids_set_user(const struct ids *ids)
{
    struct credentials new = *current_task()->credentials;
    new.uid = ids->real;
    new.euid = ids->effective;
    new.saved_uid = ids->saved;
    return credentials_change(&new);
}

static int
ids_set_group(const struct ids *ids)
{
    struct credentials new = *current_task()->credentials;
    new.gid = ids->real;
    new.egid = ids->effective;
    new.saved_gid = ids->saved;
    return credentials_change(&new);
}

static bool
id_is_one_of(const struct ids *ids, u32 id)
{
    return id == UNCHANGED || id == ids->real || id == ids->effective || id == ids->saved;
}

static void
id_change(u32 *id, u32 new)
{
    if (new != UNCHANGED)
        *id = new;
}

/* setuid, setgid */
static int
ids_set(struct ids *ids, u32 id)
{
    if (id == UNCHANGED)
        return -EINVAL;
    if (is_privileged())
        *ids = (struct ids){id, id, id};
    else if (id == ids->real || id == ids->saved)
        ids->effective = id;
    else
        return -EPERM;
    return 0;
}

/* setreuid, setregid */
static int
ids_set_two(struct ids *ids, u32 real, u32 effective)
{
    const struct ids old = *ids;
    bool real_allowed = real == UNCHANGED || real == old.real || real == old.effective;
    if (!is_privileged() && (!real_allowed || !id_is_one_of(&old, effective)))
        return -EPERM;
    id_change(&ids->real, real);
    id_change(&ids->effective, effective);
    if (real != UNCHANGED || (effective != UNCHANGED && effective != old.real))
        ids->saved = ids->effective;
    return 0;
}

/* setresuid, setresgid */
static int
ids_set_three(struct ids *ids, u32 real, u32 effective, u32 saved)
{
    const struct ids old = *ids;
    if (!is_privileged() && (!id_is_one_of(&old, real) || !id_is_one_of(&old, effective) ||
                             !id_is_one_of(&old, saved)))
        return -EPERM;
    id_change(&ids->real, real);
    id_change(&ids->effective, effective);
    id_change(&ids->saved, saved);
    return 0;
}

static int
ids_give(const struct ids *ids, u32 USER *real, u32 USER *effective, u32 USER *saved)
{
    int error = copy_to_user(real, &ids->real, sizeof(u32));
    if (!error)
        error = copy_to_user(effective, &ids->effective, sizeof(u32));
    return error ? error : copy_to_user(saved, &ids->saved, sizeof(u32));
}

static int
ids_give16(const struct ids *ids, u16 USER *real, u16 USER *effective, u16 USER *saved)
{
    u16 id[3] = {id_narrow(ids->real), id_narrow(ids->effective), id_narrow(ids->saved)};
    int error = copy_to_user(real, &id[0], sizeof(u16));
    if (!error)
        error = copy_to_user(effective, &id[1], sizeof(u16));
    return error ? error : copy_to_user(saved, &id[2], sizeof(u16));
}

/* ---- Users ---- */

long
sys_getuid(void)
{
    return current_task()->credentials->uid;
}

long
sys_geteuid(void)
{
    return current_task()->credentials->euid;
}

long
sys_getuid16(void)
{
    return id_narrow(current_task()->credentials->uid);
}

long
sys_geteuid16(void)
{
    return id_narrow(current_task()->credentials->euid);
}

long
sys_setuid(u32 uid)
{
    struct ids ids;
    ids_of_user(&ids);
    int error = ids_set(&ids, uid);
    return error ? error : ids_set_user(&ids);
}

long
sys_setuid16(u32 uid)
{
    return sys_setuid(id_widen(uid));
}

long
sys_setreuid(u32 real, u32 effective)
{
    struct ids ids;
    ids_of_user(&ids);
    int error = ids_set_two(&ids, real, effective);
    return error ? error : ids_set_user(&ids);
}

long
sys_setreuid16(u32 real, u32 effective)
{
    return sys_setreuid(id_widen(real), id_widen(effective));
}

long
sys_setresuid(u32 real, u32 effective, u32 saved)
{
    struct ids ids;
    ids_of_user(&ids);
    int error = ids_set_three(&ids, real, effective, saved);
    return error ? error : ids_set_user(&ids);
}

long
sys_setresuid16(u32 real, u32 effective, u32 saved)
{
    return sys_setresuid(id_widen(real), id_widen(effective), id_widen(saved));
}

long
sys_getresuid(u32 USER *real, u32 USER *effective, u32 USER *saved)
{
    struct ids ids;
    ids_of_user(&ids);
    return ids_give(&ids, real, effective, saved);
}

long
sys_getresuid16(u16 USER *real, u16 USER *effective, u16 USER *saved)
{
    struct ids ids;
    ids_of_user(&ids);
    return ids_give16(&ids, real, effective, saved);
}

long
sys_setfsuid(u32 uid)
{
    return sys_geteuid();
}

long
sys_setfsuid16(u32 uid)
{
    return sys_geteuid16();
}

/* ---- Groups ---- */

long
sys_getgid(void)
{
    return current_task()->credentials->gid;
}

long
sys_getegid(void)
{
    return current_task()->credentials->egid;
}

long
sys_getgid16(void)
{
    return id_narrow(current_task()->credentials->gid);
}

long
sys_getegid16(void)
{
    return id_narrow(current_task()->credentials->egid);
}

long
sys_setgid(u32 gid)
{
    struct ids ids;
    ids_of_group(&ids);
    int error = ids_set(&ids, gid);
    return error ? error : ids_set_group(&ids);
}

long
sys_setgid16(u32 gid)
{
    return sys_setgid(id_widen(gid));
}

long
sys_setregid(u32 real, u32 effective)
{
    struct ids ids;
    ids_of_group(&ids);
    int error = ids_set_two(&ids, real, effective);
    return error ? error : ids_set_group(&ids);
}

long
sys_setregid16(u32 real, u32 effective)
{
    return sys_setregid(id_widen(real), id_widen(effective));
}

long
sys_setresgid(u32 real, u32 effective, u32 saved)
{
    struct ids ids;
    ids_of_group(&ids);
    int error = ids_set_three(&ids, real, effective, saved);
    return error ? error : ids_set_group(&ids);
}

long
sys_setresgid16(u32 real, u32 effective, u32 saved)
{
    return sys_setresgid(id_widen(real), id_widen(effective), id_widen(saved));
}

long
sys_getresgid(u32 USER *real, u32 USER *effective, u32 USER *saved)
{
    struct ids ids;
    ids_of_group(&ids);
    return ids_give(&ids, real, effective, saved);
}

long
sys_getresgid16(u16 USER *real, u16 USER *effective, u16 USER *saved)
{
    struct ids ids;
    ids_of_group(&ids);
    return ids_give16(&ids, real, effective, saved);
}

long
sys_setfsgid(u32 gid)
{
    return sys_getegid();
}

long
sys_setfsgid16(u32 gid)
{
    return sys_getegid16();
}

/* ---- Further groups ---- */

static int
groups_room(int size, u32 count)
{
    if (size < 0 || (size > 0 && (u32)size < count))
        return -EINVAL;
    return 0;
}

long
sys_getgroups(int size, u32 USER *list)
{
    const struct credentials *c = current_task()->credentials;
    u32 groups[GROUPS_MOST], count = c->group_count;
    memcpy(groups, c->groups, sizeof(groups)); /* the copy may sleep */
    int error = groups_room(size, count);
    if (!error && size > 0)
        error = copy_to_user(list, groups, count * sizeof(*groups));
    return error ? error : (long)count;
}

long
sys_getgroups16(int size, u16 USER *list)
{
    const struct credentials *c = current_task()->credentials;
    u16 groups[GROUPS_MOST];
    u32 count = c->group_count;
    for (u32 i = 0; i < count; i++)
        groups[i] = (u16)id_narrow(c->groups[i]);
    int error = groups_room(size, count);
    if (!error && size > 0)
        error = copy_to_user(list, groups, count * sizeof(*groups));
    return error ? error : (long)count;
}

static int
groups_check(u32 count)
{
    if (!is_privileged())
        return -EPERM;
    return count > GROUPS_MOST ? -EINVAL : 0;
}

static int
groups_set(const u32 *groups, u32 count)
{
    struct credentials new = *current_task()->credentials;
    new.group_count = count;
    memcpy(new.groups, groups, count * sizeof(*groups));
    return credentials_change(&new);
}

long
sys_setgroups(u32 count, const u32 USER *list)
{
    u32 groups[GROUPS_MOST];
    int error = groups_check(count);
    if (!error)
        error = copy_from_user(groups, list, count * sizeof(*groups));
    return error ? error : groups_set(groups, count);
}

long
sys_setgroups16(u32 count, const u16 USER *list)
{
    u16 narrow[GROUPS_MOST];
    u32 groups[GROUPS_MOST];
    int error = groups_check(count);
    if (!error)
        error = copy_from_user(narrow, list, count * sizeof(*narrow));
    for (u32 i = 0; !error && i < count; i++)
        groups[i] = id_widen(narrow[i]);
    return error ? error : groups_set(groups, count);
}
