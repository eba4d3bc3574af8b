"""Tests that run inside the kernel (kernel/sys/self_test*.c, kernel/async/self_test.c). Time is counted
in instructions, so that a busy host cannot make them late."""
import re

from harness import Failure, test


def self_test(guest, name, options, least):
    result = guest.run('cat', f'/proc/{name}', options=options)
    failed = re.findall(rb'^not ok (.*)$', result.stdout, re.MULTILINE)
    if failed:
        raise Failure('\n'.join(line.decode() for line in failed))
    passed = len(re.findall(rb'^ok ', result.stdout, re.MULTILINE))
    if passed < least:
        raise Failure(f'{passed} lines of {least}:\n{result.stdout.decode()}')


@test('switch, waiting, mutexes, timers, stacks, tasks: tested inside the kernel')
def kernel_self_test(guest):
    self_test(guest, 'self_test', ['--icount'], 35)


@test('the same in the smallest machine')
def kernel_self_test_small(guest):
    self_test(guest, 'self_test', ['--icount', '--mem', '16'], 35)
