"""Kernel AIO, lio_submit and <aio.h>: test programs that say `ok CASE` for each case in their source. Each
runs twice in one boot and must leave nothing behind."""
import os
import re

from harness import BUILD, Failure, cases, check_cases, test


PROGRAMS = [
    ('t-aio', [], 'kernel AIO: operations, errors in order, slots, cancelling, a spoiled ring'),
    ('t-aio', ['--mem', '16'], 'the same with 16 MiB'),
    ('t-lio', [], 'lio_submit does not have the faults L1 to L9'),
    ('t-posix-aio', [], '<aio.h>: a case for each assertion of its pages'),
]


def declare_programs():
    for program, options, about in PROGRAMS:
        def run(guest, program=program, options=options):
            check_cases(guest.run_without_leak(program, options=options, runs=2), cases(program))
        run.__name__ = '_'.join([program.replace('-', '_')[2:]] + [o.strip('-') for o in options])
        test(about)(run)


declare_programs()


@test('the same reads by read(), asys, a ring, io_submit, lio_submit, <aio.h> and an asyncfd: the same bytes')
def aiocmp(guest):
    disk = os.path.join(BUILD, 'demo.ext2')
    result = guest.run('aiocmp', 300, 16, options=['--disk', disk, '--delay', '2'])
    found = result.line(r'^(\d+) files, (\d+) bytes, 16 in flight$')
    if int(found[1]) != 300:
        raise Failure(f'{found[1]} files instead of 300')
    for way in ('read', 'asys', 'ring', 'io_submit', 'lio_submit', 'aio.h', 'asyncfd'):
        gain = float(result.line(rf'^{re.escape(way)} +[\d.]+ s +([\d.]+)  same bytes$')[1])
        if way != 'read' and gain < 2:
            raise Failure(f'{way} with 16 reads in flight is only {gain} times as fast as read()')
