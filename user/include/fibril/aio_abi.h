/* Kernel AIO: the structures that programs and the kernel share, as in <linux/aio_abi.h>, and what is
 * ours beside them. The only definition; the kernel includes this file too. */
#ifndef FIBRIL_AIO_ABI_H
#define FIBRIL_AIO_ABI_H

#include <stdint.h>

enum {
    IOCB_CMD_PREAD = 0,
    IOCB_CMD_PWRITE = 1,
    IOCB_CMD_FSYNC = 2,
    IOCB_CMD_FDSYNC = 3,
    IOCB_CMD_POLL = 5, /* aio_buf: the events; the result: those that are there */
    IOCB_CMD_NOOP = 6,
    IOCB_CMD_PREADV = 7,
    IOCB_CMD_PWRITEV = 8,
};

#define IOCB_FLAG_RESFD 1u   /* aio_resfd: an eventfd that gets 1 added after the event is there, or an
                                asyncfd that gets the event too (aio_data is not 0 then) */
#define IOCB_FLAG_IOPRIO 2u  /* aio_reqprio counts; taken, without effect */
/* Ours: no event. aio_data is the address of a struct aio_status, which gets the result. */
#define IOCB_FLAG_STATUS 0x10000u

struct iocb {
    uint64_t aio_data; /* comes back in the event */
    uint32_t aio_key;  /* the kernel's */
    uint32_t aio_rw_flags;
    uint16_t aio_lio_opcode;
    int16_t aio_reqprio;
    uint32_t aio_fildes;
    uint64_t aio_buf;
    uint64_t aio_nbytes;
    int64_t aio_offset;
    uint64_t aio_reserved2; /* lio_submit: address of a struct sigevent for this request, or 0 */
    uint32_t aio_flags;
    uint32_t aio_resfd;
};

struct io_event {
    uint64_t data; /* aio_data */
    uint64_t obj;  /* address of the iocb */
    int64_t res, res2;
};

/* What io_setup gives out is the address of this; the events follow. Event i of nr lies at i; the
 * ring is empty when head equals tail. A program may take events itself by moving head. */
struct aio_ring {
    uint32_t id;
    uint32_t nr;
    uint32_t head;
    uint32_t tail;
    uint32_t magic;
    uint32_t compat_features;
    uint32_t incompat_features; /* 0, or the layout is another one */
    uint32_t header_length;
};
#define AIO_RING_MAGIC 0xa10a10a1u

struct aio_status {
    int64_t result;
    uint32_t done; /* set to 1 after the result … */
    uint32_t wake; /* … then the 32-bit word at this address, if any, is counted up and its futex woken */
};

/* lio_submit's modes, and what io_abandon returns: POSIX's numbers here. */
#define AIO_LIO_WAIT 0
#define AIO_LIO_NOWAIT 1
#define AIO_ABANDON_CANCELED 0
#define AIO_ABANDON_NOT_CANCELED 1
#define AIO_ABANDON_ALL_DONE 2

#endif
