/* Streams among threads: holding one (flockfile), and walking over all of them in newlib's place, for
 * fflush(NULL) and exit. newlib looks at a stream that it has not locked, which another thread may be closing.
 *
 * That a lock belongs to a stream's place for ever (see lock.c) makes it safe to take it first and to look
 * then whether there is a stream. */
#include <reent.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/lock.h>

#define PLACE_TAKEN 1 /* _flags of a place whose stream is still being made */

void __sinit(struct _reent *reent); /* newlib's: makes the standard streams and their locks */
int _fwalk(struct _reent *reent, int (*function)(FILE *));
int _fwalk_reent(struct _reent *reent, int (*function)(struct _reent *, FILE *));

static _LOCK_T
stream_lock(FILE *file)
{
    struct _reent *reent = _REENT;

    if (!reent->__sdidinit)
        __sinit(reent);
    return file->_flags & __SSTR ? NULL : file->_lock;
}

void
flockfile(FILE *file)
{
    __lock_acquire_recursive(stream_lock(file));
}

int
ftrylockfile(FILE *file)
{
    return !__lock_try_acquire_recursive(stream_lock(file));
}

void
funlockfile(FILE *file)
{
    __lock_release_recursive(stream_lock(file));
}

static bool
is_open(const FILE *file)
{
    return file->_flags != 0 && file->_flags != PLACE_TAKEN && file->_file != -1;
}

/* Not one that somebody is reading from: he may wait for ever, and there is nothing to be written. */
static bool
lock_to_look(FILE *file)
{
    bool reading = (file->_flags & (__SRD | __SWR)) == __SRD;

    if (__lock_try_acquire_recursive(file->_lock))
        return true;
    if (reading)
        return false;
    __lock_acquire_recursive(file->_lock);
    return true;
}

int
_fwalk_reent(struct _reent *reent, int (*function)(struct _reent *, FILE *))
{
    int result = 0;

    for (struct _glue *some = &reent->__sglue; some; some = some->_next)
        for (FILE *file = some->_iobs; file < some->_iobs + some->_niobs; file++) {
            if (!is_open(file) || !lock_to_look(file))
                continue;
            if (is_open(file))
                result |= function(reent, file);
            __lock_release_recursive(file->_lock);
        }
    return result;
}

/* Without locks: a thread that fills an input stream, which it holds, has line buffers written out so. */
int
_fwalk(struct _reent *reent, int (*function)(FILE *))
{
    int result = 0;

    for (struct _glue *some = &reent->__sglue; some; some = some->_next)
        for (FILE *file = some->_iobs; file < some->_iobs + some->_niobs; file++)
            if (is_open(file))
                result |= function(file);
    return result;
}
