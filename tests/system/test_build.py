"""The house: floors, sizes, and the same bytes at every build."""
import os

from harness import BUILD, ROOT, Failure, Skip, test

# Moves the clock of a process and its children by a day.
CLOCK = rb'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#define DAY 86400
time_t time(time_t *t)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t)
        *t = now.tv_sec;
    return now.tv_sec;
}
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME)
        now->tv_sec += DAY;
    return result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
    int result = real(now, zone);
    now->tv_sec += DAY;
    return result;
}
'''


@test('the code keeps to its floors')
def floors(guest):
    guest.host(os.path.join(ROOT, 'tools/check-floors'))


@test('the sizes are within their limits')
def sizes(guest):
    guest.host(os.path.join(ROOT, 'tools/size'))


def rebuild(guest, keep_newlib):
    """Builds the ISO in another directory, under another umask, with the clock moved: its path."""
    if guest.host('git', '-C', ROOT, 'status', '--porcelain', '--untracked-files=all').strip():
        listed = guest.host('git', '-C', ROOT, 'ls-files', '-co', '--exclude-standard')
    else:
        listed = guest.host('git', '-C', ROOT, 'ls-files')
    copy = guest.path('another/place')
    os.makedirs(copy)
    present = [name for name in listed.splitlines() if os.path.exists(os.path.join(ROOT, name))]
    names = guest.file('names', '\n'.join(present).encode())
    guest.host('tar', '-C', ROOT, '-cf', guest.path('tree.tar'), '-T', names)
    guest.host('tar', '-C', copy, '-xf', guest.path('tree.tar'))
    if keep_newlib:
        os.mkdir(os.path.join(copy, 'build'))
        guest.host('cp', '-a', os.path.join(BUILD, 'newlib'), os.path.join(copy, 'build/newlib'))
    clock = guest.path('clock.so')
    guest.host('gcc', '-shared', '-fPIC', '-o', clock, guest.file('clock.c', CLOCK), '-ldl')
    date = guest.host('date', '+%s', environment={'LD_PRELOAD': clock})
    if int(date) < int(guest.host('date', '+%s')) + 80000:
        raise Skip('the clock cannot be moved here')
    guest.host('sh', '-c', f'umask 077 && make -C {copy} -j2 iso', timeout=900,
               environment={'LD_PRELOAD': clock, 'MAKEFLAGS': '', 'MAKELEVEL': '', 'BUILD': '',
                            'TZ': 'Asia/Tokyo', 'LC_ALL': 'C'})
    return os.path.join(copy, 'build/fibril.iso')


@test('another build, elsewhere and a day later, has the same bytes', alone=True)
def reproducible(guest):
    guest.host('cmp', os.path.join(BUILD, 'fibril.iso'), rebuild(guest, keep_newlib=True))


@test('another build from nothing, newlib too, has the same bytes', alone=True, long=True)
def reproducible_from_nothing(guest):
    guest.host('cmp', os.path.join(BUILD, 'fibril.iso'), rebuild(guest, keep_newlib=False))
