/* What the tests of kernel AIO share: requests in one line, and their events. */
#ifndef TESTS_AIO_TEST_H
#define TESTS_AIO_TEST_H

#include <fibril/aio_abi.h>
#include <signal.h>
#include "test.h"

static TEST_UNUSED unsigned
aio_setup(unsigned events)
{
    unsigned id = 0;
    check_equal(sys_io_setup(events, &id), 0);
    check(id != 0);
    return id;
}

static TEST_UNUSED struct iocb
aio_request(int operation, int fd, const void *buffer, size_t size, long long offset)
{
    return (struct iocb){.aio_data = 77,
                         .aio_lio_opcode = (uint16_t)operation,
                         .aio_fildes = (uint32_t)fd,
                         .aio_buf = WORD(buffer),
                         .aio_nbytes = size,
                         .aio_offset = offset};
}

static TEST_UNUSED long
aio_submit(unsigned id, struct iocb *iocb)
{
    return sys_io_submit(id, 1, &iocb);
}

/* Events that are there now. */
static TEST_UNUSED long
aio_events(unsigned id, struct io_event *events, long most)
{
    struct kernel_timespec none = {0, 0};
    return sys_io_getevents(id, 0, most, events, &none);
}

static TEST_UNUSED void
aio_expect(unsigned id, const struct iocb *iocb, long result)
{
    struct io_event event = {0, 0, -12345, -1};
    check_equal(sys_io_getevents(id, 1, 1, &event, NULL), 1);
    check_equal(event.obj, WORD(iocb));
    check_equal(event.data, iocb->aio_data);
    check_equal(event.res, result);
    check_equal(event.res2, 0);
}

static TEST_UNUSED void
aio_expect_nothing(unsigned id)
{
    struct io_event event;
    check_equal(aio_events(id, &event, 1), 0);
}

/* A request that waits until something is written to the pipe. */
static TEST_UNUSED struct iocb
aio_waiting(const int fds[2], char *byte)
{
    return aio_request(IOCB_CMD_PREAD, fds[0], byte, 1, 0);
}

#endif
