"""Kernel AIO, lio_submit and <aio.h>: test programs that say `ok CASE` for each case in their source. Each
runs twice in one boot and must leave nothing behind."""
from harness import cases, check_cases, test


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
