"""The test programs of user/tests that say `ok CASE` for each of their cases: asynchronous calls, time,
memory, registers, permissions; the programs that must end by a signal; and the rules that the kernel
is made to break (/proc/provoke). The cases asked for are those in the program's source."""
import os
import re

from harness import ROOT, Failure, cases, check_cases, test


# Program, the options of tools/run, what it is about. Each runs twice in one boot and must leave
# nothing behind.
PROGRAMS = [
    ('t-asys-basic', [], 'asys: few calls and many, at once and blocked'),
    ('t-asys-faults', [], 'asys does not have the faults A1 to A23 of 2007'),
    ('t-asys-faults', ['--mem', '16'], 'the same with 16 MiB'),
    ('t-asys-entries', [], 'asys: chains, groups, deadlines, cancelling, contexts, rings'),
    ('t-asys-signals', [], 'asys with signals, fork, exec and kill (A13, A14, A17, A19)'),
    ('t-asys-threads', [], 'asys in processes of several tasks'),
    ('t-timer', ['--icount'], 'naps are true to a tick'),
    ('t-fpu', [], 'FPU and SSE registers are the user context\'s'),
    ('t-tls', [], 'thread areas and hostile selectors'),
    ('t-memory', [], 'pages, brk, mmap2, munmap, mprotect, the stack'),
]


def declare_programs():
    for program, options, about in PROGRAMS:
        def run(guest, program=program, options=options):
            result = guest.run_without_leak(program, options=options, runs=2)
            check_cases(result, cases(program))
        run.__name__ = '_'.join([program.replace('-', '_')[2:]] + [o.strip('-') for o in options])
        test(about)(run)


declare_programs()


@test('unknown call numbers are named in the log, each once')
def asys_a23_log(guest):
    log = guest.run('t-asys-faults', 'A23_policy').log
    for number in (17, 31, 44, 511):
        found = len(re.findall(rf'system call {number} is not built in', log))
        if found != 1:
            raise Failure(f'call {number} was made six times and is named {found} times')


@test('what a mode allows, and credentials that change during a call (A22)')
def eaccess(guest):
    result = guest.run('t-eaccess', options=['--disk', guest.image('small1k'), '--delay', '20'])
    check_cases(result, cases('t-eaccess'))


@test('programs share the machine: two at a time, each with many calls')
def two_inits(guest):
    busy = [case for case in cases('t-asys-faults') if not case.startswith(('A1_', 'A19', 'A12', 'A2_'))]
    for first, arguments, second in [('t-asys-faults', busy, 't-fpu'), ('t-fpu', [], 't-fpu'),
                                     ('t-tls', [], 't-tls'), ('t-preempt', [], 't-preempt')]:
        result = guest.run(first, *arguments, options=['--append', f'init=/bin/{second}'])
        if re.search(rb'^not ok', result.stdout, re.MULTILINE):
            raise Failure('these cases failed: ' + result.stdout.decode())
        result.line(rf'init: /bin/{second} \(pid 2\) ended with status 0', 'log')


@test('asynchronous calls by chance: each completes exactly once, and nothing is left behind')
def asys_random(guest):
    guest.run_without_leak('t-asys-random', guest.seed, 10000, runs=2).line(r'^ok random$')
    result = guest.run('t-asys-random', guest.seed, 5000,
                       options=['--mem', '32', '--append', 'init=/bin/t-asys-random'])
    result.line(r'init: /bin/t-asys-random \(pid 2\) ended with status 0', 'log')


@test('the same on the processor of Bochs: registers, selectors, pages, exits')
def in_bochs_too(guest):
    for program in ('t-fpu', 't-tls', 't-memory', 't-asys-signals'):
        check_cases(guest.run(program, options=['--machine', 'bochs']), cases(program))
    guest.run_without_leak('t-exit-pending', runs=50, options=['--machine', 'bochs'])
    for case in cases('t-tls', 'ends'):
        guest.run('t-tls', case, status=128 + SIGNALS.get(case[len('end-'):], 11),
                  options=['--machine', 'bochs'])


# ---- Ends ----

@test('exit with calls of every kind pending, a thousand times, leaves nothing behind (A17)')
def exit_pending(guest):
    guest.run_without_leak('t-exit-pending', runs=1000, timeout=240)


@test('exit with calls pending ten thousand times', long=True)
def exit_pending_often(guest):
    guest.run_without_leak('t-exit-pending', runs=10000, timeout=900)


@test('no arguments of any call harm the kernel')
def syscalls_bad(guest):
    result = guest.run_without_leak('t-syscalls-bad', guest.seed, runs=2)
    result.line(r'^ok witness$')


SIGNALS = {'divide': 8, 'illegal': 4, 'single-step': 5, 'breakpoint': 5, 'out-of-memory': 9,
           'out-of-memory-in-calls': 9}


@test('what must end a program by a signal does, and leaves nothing behind')
def ends_by_signal(guest):
    for program in ('t-memory', 't-tls'):
        for case in cases(program, 'ends'):
            wanted = SIGNALS.get(case[len('end-'):], 11)
            result = guest.run_without_leak(program, case, status=128 + wanted, runs=2,
                                            options=['--mem', '32'])
            if wanted == 9:
                result.line(r'out of memory: task \d+ \(t-memory\) is killed', 'log')
            else:
                result.line(rf'task \d+ \({program}\): signal {wanted}\b', 'log')


@test('the program that takes all memory is killed; the one beside it is not')
def out_of_memory_beside(guest):
    for case in ('end-out-of-memory', 'end-out-of-memory-in-calls'):
        result = guest.run('t-memory', case, status=137,
                           options=['--mem', '32', '--append', 'init=/bin/t-fpu'])
        result.line(r'init: /bin/t-fpu \(pid 2\) ended with status 0', 'log')


# The word, and how the report begins.
PROVOCATIONS = {
    'panic': r'provoked$',
    'assert': r'assertion failed: mutex.owner == current_fibril\(\) \(kernel/sys/provoke.c:\d+\)',
    'overflow': r'kernel stack overflow: fibril \d+ of task \d+ \(t-provoke\) in call write$',
    'null-in-copy': r'exception 14 \(page fault\) at 8[0-9a-f]{7}$',
    'null': r'exception 14 \(page fault\) at [0-9a-f]{8}$',
    'mutex-twice': r'assertion failed: .*\(kernel/mutex.c:\d+\)',
    'lock-order': r'lock order: "provoke" while holding "provoke other", .*\(write\)$',
    'mutex-unowned': r'assertion failed: .*\(kernel/mutex.c:\d+\)',
    'mutex-kept': r'assertion failed: .*mutexes_held.*\(kernel/syscall.c:\d+\)',
    'sleep-interrupts-off': r'assertion failed: .*interrupts.*\(kernel/scheduler.c:\d+\)',
    'stack-magic': r'assertion failed: .*STACK_MAGIC.*',
    'double-free': r'assertion failed: page->references > 0.*',
    'freed-object': r'heap: a free object of heap-384 was written to: 00000001 at [0-9a-f]+ \+ 40$',
}


@test('each rule that the kernel is made to break is reported by name')
def provocations(guest):
    words = guest.run('t-provoke').stdout.decode().split()
    unknown = set(words) ^ set(PROVOCATIONS)
    if unknown:
        raise Failure(f'words without a test, or tests without a word: {unknown}')
    for word in words:
        for asynchronous in ([], ['asys']):
            result = guest.start('t-provoke', word, *asynchronous,
                                 options=['--append', 'heap=checked'])
            if result.status != 125:
                raise Failure(f'{word} ended with {result.status} instead of 125')
            result.line(r'PANIC: ' + PROVOCATIONS[word], 'log')
            result.line(r'panic: in task \d+ \(t-provoke\), fibril \d+, call write$', 'log')


@test('every call can be started asynchronously but those of the deny list')
def asys_table(guest):
    found = guest.run('t-table').line(r'^numbers=(\d+) allowed=(\d+) denied=(\d+) mismatches=0$')
    with open(os.path.join(ROOT, 'kernel/sys/syscalls.master')) as file:
        flags = re.findall(r'^\d+\s+(\S+)\s', file.read(), re.MULTILINE)
    refused = sum('u' in flag for flag in flags)
    numbers, allowed, denied = (int(word) for word in found.groups())
    if (numbers, allowed, denied) != (len(flags), len(flags) - refused, refused):
        raise Failure(f'{found[0]}, but syscalls.master has {len(flags)} calls and refuses '
                      f'{refused}')


@test('a ring is served while the program only spins')
def asys_spin_ring(guest):
    guest.run('t-spin-ring').line(r'^seen=1 calls_after_submit=0$')


@test('a hundred thousand calls blocked at once, at the same cost as one')
def asys_pending(guest):
    result = guest.run('t-pending', 100000, options=['--mem', 1024, '--icount'])
    result.line(r'^completed=100000 lost=0 twice=0 bytes_per_call=\d+ cost_ratio=[01]\.\d\d leak=0$')


@test('calls, deadlines and cancels at random: one completion each')
def asys_soak(guest):
    result = guest.run('t-soak', '--calls', 200000, '--seed', guest.seed)
    result.line(r'^started=200000 completed=200000 ')


@test('ten million calls, deadlines and cancels at random', long=True)
def asys_endurance(guest):
    guest.run('t-soak', '--calls', 10000000, '--seed', guest.seed, timeout=1500)
