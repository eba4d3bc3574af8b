"""Files that stand for events: eventfd, timerfd, signalfd and epoll, in the guest and on Linux."""
import os
import shutil

from harness import ROOT, Failure, Skip, cases, check_cases, test

PROGRAMS = {'t-eventfd': 'counters as files', 't-timerfd': 'timers as files',
            't-signalfd': 'pending signals as files', 't-epoll': 'epoll on everything that can be polled'}


def in_the_guest(program):
    def run(guest):
        check_cases(guest.run_without_leak(program, runs=2), cases(program))
    return run


def on_linux(program):
    def run(guest):
        isolated = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
        if not shutil.which('unshare'):
            raise Skip('no process namespace')
        name = guest.path(program)
        guest.host('gcc', '-O1', '-w', '-o', name, os.path.join(ROOT, f'user/tests/{program}.c'))
        try:
            guest.host(*isolated, 'true')
        except Failure as failure:
            raise Skip('no process namespace of its own') from failure
        output = guest.host(*isolated, name, timeout=60)
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
