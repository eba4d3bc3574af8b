"""Asynchronous calls at the moments that chance hardly ever hits, forced by /proc/force: a cancel, an end
or a signal at each switch of a call, and each allocation failing in turn."""
import os
import re

from harness import BUILD, ROOT, Failure, cases, check_cases, test

DISK = ['--disk', os.path.join(BUILD, 'root.ext2'), '--delay', '3']
with open(os.path.join(ROOT, 'user/tests/force.h')) as file:
    KINDS = re.findall(r'^    {"([^"]+)", ', file.read(), re.MULTILINE)


def points(result, name):
    return int(result.line(rf'^# {name}: .*at (\d+) points$')[1])


@test('cancelled at each point of its life, a call of each kind completes exactly once')
def asys_cancel_everywhere(guest):
    result = guest.run_without_leak('t-asys-cancel', options=DISK, runs=2)
    check_cases(result, KINDS)
    if points(result, 'chain') < 4 or points(result, 'path-on-disk') < 4:
        raise Failure('a walk over cold directories has hardly any points: was the cache cold?')


@test('whatever the program does at each point of a call, the call completes once or unwinds')
def asys_races(guest):
    result = guest.run_without_leak('t-asys-races', options=DISK, runs=2)
    check_cases(result, cases('t-asys-races'))


@test('any allocation may fail: an error, and nothing is left behind')
def asys_nomem(guest):
    result = guest.run_without_leak('t-asys-nomem', runs=2)
    check_cases(result, cases('t-asys-nomem', 'operations'))
    for name, least in (('context-with-rings', 8), ('enter', 2), ('chain', 5), ('fork', 10)):
        found = int(result.line(rf'^# {name}: (\d+) allocations$')[1])
        if found < least:
            raise Failure(f'{name} makes at least {least} allocations, and {found} failed')


@test('submitting sleeps for nothing; limits of calls; rings whose thread has ended')
def asys_limits(guest):
    result = guest.run_without_leak('t-asys-limits', options=['--mem', '32', *DISK], runs=2)
    check_cases(result, cases('t-asys-limits'))
