"""Programs that mean harm: system calls by chance, programs with wrong headers, hogs of everything. The kernel
stays up, nobody else is touched, and nothing is left behind. Most run with heap=checked, in which a write to
an object that the kernel has freed is a panic."""
from harness import cases, check_cases, test

CHECKED = ['--append', 'heap=checked']
REPEATABLE = ['--icount', *CHECKED]  # the clock does not depend on the host: a seed gives nearly the same run


@test('system calls by chance from several processes harm nobody, and nothing is left behind')
def random_calls(guest):
    result = guest.run_without_leak('t-random-calls', guest.seed, 60000, runs=2, options=REPEATABLE)
    result.line(r'^ok random-calls$')


@test('a million system calls by chance', long=True)
def random_calls_often(guest):
    for options, calls, attackers in ((REPEATABLE, 500000, 6), (CHECKED, 500000, 4)):
        result = guest.run_without_leak('t-random-calls', guest.seed, calls, attackers, runs=2,
                                        options=options, timeout=900)
        result.line(r'^ok random-calls$')


@test('programs with wrong headers are refused, or run and end')
def elf_mutations(guest):
    result = guest.run_without_leak('t-elf-mutations', guest.seed, 500, runs=2, options=REPEATABLE)
    result.line(r'^ok elf-mutations$')


@test('ten thousand mutated programs', long=True)
def elf_mutations_often(guest):
    result = guest.run_without_leak('t-elf-mutations', guest.seed, 10000, runs=2, options=REPEATABLE,
                                    timeout=900)
    result.line(r'^ok elf-mutations$')


@test('hogs of processes, memory, descriptors, signals and directories get no further than their limits')
def hogs(guest):
    result = guest.run_without_leak('t-hogs', runs=2, options=['--mem', 40, *REPEATABLE], timeout=240)
    check_cases(result, cases('t-hogs'))
    result.line(r'out of memory: task \d+ \(t-hogs\) is killed', 'log')


@test('no pointer argument of any call tells or changes anything of the kernel')
def pointers(guest):
    result = guest.run_without_leak('t-pointers', runs=2, options=REPEATABLE)
    check_cases(result, cases('t-pointers'))
