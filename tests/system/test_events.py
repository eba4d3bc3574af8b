"""Files that stand for events: eventfd, timerfd, signalfd and epoll, in the guest and on Linux."""
import functools
import os
import random
import shutil

from harness import ROOT, Failure, Skip, cases, check_cases, test

PROGRAMS = {'t-eventfd': 'counters as files', 't-timerfd': 'timers as files',
            't-signalfd': 'pending signals as files', 't-epoll': 'epoll on everything that can be polled'}


def in_the_guest(program):
    def run(guest):
        check_cases(guest.run_without_leak(program, runs=2), cases(program))
    return run


def run_on_linux(guest, program, *arguments):
    """What a test program prints there, in a process namespace of its own."""
    isolated = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
    if not shutil.which('unshare'):
        raise Skip('no process namespace')
    name = guest.path(program)
    guest.host('gcc', '-O1', '-w', '-o', name, os.path.join(ROOT, f'user/tests/{program}.c'))
    try:
        guest.host(*isolated, 'true')
    except Failure as failure:
        raise Skip('no process namespace of its own') from failure
    return guest.host(*isolated, name, *arguments, timeout=60)


def on_linux(program):
    def run(guest):
        output = run_on_linux(guest, program)
        for case in cases(program):
            if f'ok {case}\n' not in output:
                raise Failure(f'Linux has not run {case}')
    return run


def declare():
    for program, about in PROGRAMS.items():
        here, there = in_the_guest(program), on_linux(program)
        here.__name__ = program.replace('-', '_')[2:]
        there.__name__ = here.__name__ + '_on_linux'
        test(f'{about}: every case of {program}')(here)
        test(f'{program} says the same of Linux')(there)


declare()


@test('asyncfd: the faults F1 to F14 of 2007, and the version that is read')
def asyncfd(guest):
    check_cases(guest.run_without_leak('t-asyncfd', runs=3), cases('t-asyncfd'))


@test('asyncfd under epoll, rings spoiled in every way, kernel AIO and whole groups that deliver there')
def asyncfd_uses(guest):
    check_cases(guest.run_without_leak('t-asyncfd-uses', runs=3), cases('t-asyncfd-uses'))


@test('10,000 idle files under epoll cost nothing, and a wake-up for one costs the same whoever waits beside it')
def event_scale(guest):
    result = guest.run('t-event-scale', options=['--icount', '--mem', 256])
    ratios = [float(ratio) for ratio in result.line(r'^idle_ratio=(\S+) waiters_ratio=(\S+)$').groups()]
    if max(ratios) > 1.1:
        raise Failure('the cost grows with those that wait:\n' + result.stdout.decode())


@test('an event loop: a timer, a signal, a pipe, and reads of files through an asyncfd, under one epoll')
def event_loop(guest):
    names = {'small': 10, 'page': 4096, 'large': 300001}
    options = []
    for name, size in names.items():
        data = random.Random(guest.seed + size).randbytes(size)
        options += ['--file', f'{guest.file(name, data)}:/tmp/{name}']
        names[name] = (size, functools.reduce(lambda total, byte: (total * 31 + byte) & 0xffffffff, data, 0))
    result = guest.run_without_leak('event-loop', *(f'/tmp/{name}' for name in names), options=options, runs=2)
    for name, (size, total) in names.items():
        result.line(rf'^/tmp/{name}: {size} bytes, sum {total:08x}$')
    result.line(r'^messages=3 child=0 ticks_at_least_3=1 pieces=79$')


@test('epolls, pipes, counters and sockets used by chance tell what they tell on Linux')
def epoll_random(guest):
    for seed in range(guest.seed, guest.seed + 3):
        there = run_on_linux(guest, 't-epoll-random', seed, 5000).splitlines()
        here = guest.run('t-epoll-random', seed, 5000).stdout.decode().splitlines()
        for number, (ours, theirs) in enumerate(zip(here, there), 1):
            if ours != theirs:
                raise Failure(f'seed {seed}, line {number}: {ours!r} here, {theirs!r} on Linux')
        if len(here) != len(there):
            raise Failure(f'seed {seed}: {len(here)} lines here, {len(there)} on Linux')


@test('what goes away while somebody waits for it; epolls without number; masks in the background')
def event_hostile(guest):
    check_cases(guest.run_without_leak('t-event-hostile', runs=2), cases('t-event-hostile'))
