"""Tests that run inside the kernel (kernel/sys/self_test*.c, kernel/async/self_test.c)."""
import re

from harness import Failure, test


# Time in a machine without --icount is the host's, which may be busy.
MEASURE_TIME = [b'a_deadline_is_never_early_and_true_to_two_ticks', b'busy_tasks_take_turns',
                b'a_woken_task_is_not_kept_waiting',
                b'bug_idle_time_was_charged_to_the_kernel_task']


def self_test(guest, name, options, least, ignored=()):
    result = guest.run('cat', f'/proc/{name}', options=options)
    failed = re.findall(rb'^not ok (([^:]*).*)$', result.stdout, re.MULTILINE)
    failed = [line for line, which in failed if which not in ignored]
    if failed:
        raise Failure('\n'.join(line.decode() for line in failed))
    passed = len(re.findall(rb'^ok ', result.stdout, re.MULTILINE))
    if passed + len(ignored) < least:
        raise Failure(f'{passed} lines of {least}:\n{result.stdout.decode()}')


@test('switch, waiting, mutexes, timers, stacks, tasks: tested inside the kernel')
def kernel_self_test(guest):
    self_test(guest, 'self_test', ['--icount'], 35)


@test('the same in the smallest machine')
def kernel_self_test_small(guest):
    self_test(guest, 'self_test', ['--mem', '16'], 35, MEASURE_TIME)


@test('batches of calls and their runners: tested inside the kernel')
def kernel_self_test_calls(guest):
    self_test(guest, 'self_test_calls', ['--icount'], 16)
