"""Syslets and threadlets, in the guest."""
import os

from harness import BUILD, ROOT, Failure, cases, check_cases, indented, test


@test('syslets: every flag, rings and heads, and what a hostile program may try')
def syslets(guest):
    result = guest.run_without_leak('t-syslet', runs=3)
    check_cases(result, cases('t-syslet'))


@test('the same with 16 MiB of memory')
def syslets_in_little_memory(guest):
    check_cases(guest.run('t-syslet', options=['--mem', 16]), cases('t-syslet'))


@test('threadlets: what belongs to each context, nested, many, none left, the library on both sides')
def threadlets(guest):
    result = guest.run_without_leak('t-threadlet', runs=3)
    check_cases(result, cases('t-threadlet'))


@test('threadlets with signals, fork, exec, exit, threads, and hostile records')
def threadlets_end(guest):
    result = guest.run_without_leak('t-threadlet-ends', runs=3)
    check_cases(result, cases('t-threadlet-ends'))


@test('ten thousand threadlets are blocked at once')
def threadlets_ten_thousand(guest):
    guest.run('t-threadlet', 'ten_thousand', options=['--mem', 512]).line(r'^ok ten_thousand$')


POINTS = 21


@test('the 21 points of the review of 2007')
def review(guest):
    text = guest.run('t-review').stdout.decode()
    if text.split('\n')[:-1] != [f'point {number} ok' for number in range(1, POINTS + 1)]:
        raise Failure('not 21 points that are ok:\n' + indented(text, 25))


@test('each point of the review taken back turns its own line red, and no other', long=True, alone=True)
def review_taken_back(guest):
    guest.host(os.path.join(ROOT, 'tools/undo'), *range(1, POINTS + 1), timeout=3600)


@test('a directory is listed by one looping chain as ls lists it')
def syslet_lists_a_directory(guest):
    program = os.path.join('.', os.path.relpath(os.path.join(BUILD, 'user/examples/syslet-ls'), ROOT))
    for path in ('/bin', '/demo', '/proc/self'):
        listed = guest.run(program, path).stdout.split(b'\n')
        if path != '/proc/self' and sorted(listed) != sorted(guest.run('ls', path).stdout.split(b'\n')):
            raise Failure(f'{path} is listed wrongly')
    guest.run(program, '/nowhere', status=1).line('error 2', 'stderr')


@test('the example of threadlets(7): a server whose handler is a threadlet')
def threadlet_example(guest):
    guest.run_without_leak('threadlet-echo').line('^answered 3 of 3$')


CEILINGS = {'syslet_getpid_atom': 135, 'threadlet_inline': 60, 'threadlet_blocked': 2000}


@test('atoms and threadlets cost no more instructions than their ceilings')
def syslet_ceilings(guest):
    program = os.path.join('.', os.path.relpath(os.path.join(BUILD, 'user/bench/syslets'), ROOT))
    result = guest.run(program, options=['--icount'])
    for name, most in CEILINGS.items():
        found = float(result.line(rf'^{name} ([\d.]+)$')[1])
        if found > most:
            raise Failure(f'{name}: {found:g} instructions, at most {most} allowed')


@test('the walk by syslets and threadlets finds what the synchronous one does')
def walk_syslet_and_threadlet(guest):
    listings = []
    for way, depth in (('--sync', 1), ('--syslet', 1), ('--syslet', 64), ('--threadlet', 1),
                       ('--threadlet', 64)):
        result = guest.run_without_leak('walk', way, '-j', depth, '--read', '--list', '/demo', runs=2)
        line = result.line(rf'^walk: mode={way[2:]} .* inflight_max=(\d+) .*errors=0$', 'stderr')
        if int(line[1]) > depth:
            raise Failure(f'{way}: in flight {line[1]} of {depth}')
        listings.append(result.stdout)
    if any(listing != listings[0] for listing in listings):
        raise Failure('the listings differ')
