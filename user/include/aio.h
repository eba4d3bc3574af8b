/* POSIX asynchronous input and output (<aio.h>), over kernel AIO: a request is a call in progress in
 * this very process, no thread of the library's. aio(7) has the manual. */
#ifndef _AIO_H
#define _AIO_H

#include <fcntl.h>
#include <fibril/aio_abi.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

#define AIO_LISTIO_MAX 65536
#define AIO_PRIO_DELTA_MAX 20 /* taken, without effect: requests do not compete by priority here */

#define AIO_CANCELED 0
#define AIO_NOTCANCELED 1
#define AIO_ALLDONE 2

#define LIO_READ 0
#define LIO_WRITE 1
#define LIO_NOP 2

#define LIO_WAIT 0
#define LIO_NOWAIT 1

struct aiocb {
    int aio_fildes;
    off_t aio_offset;
    volatile void *aio_buf;
    size_t aio_nbytes;
    int aio_reqprio;
    struct sigevent aio_sigevent; /* SIGEV_THREAD is refused */
    int aio_lio_opcode;
    /* The library's: */
    int _state;
    struct iocb _request;
    struct aio_status _status;
};

#ifdef __cplusplus
extern "C" {
#endif
int aio_read(struct aiocb *);
int aio_write(struct aiocb *);
int aio_fsync(int, struct aiocb *);
int aio_error(const struct aiocb *);
ssize_t aio_return(struct aiocb *);
int aio_suspend(const struct aiocb *const[], int, const struct timespec *);
int aio_cancel(int, struct aiocb *);
int lio_listio(int, struct aiocb *restrict const[restrict], int, struct sigevent *restrict);
#ifdef __cplusplus
}
#endif

#endif
