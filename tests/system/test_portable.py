"""The test programs that also run on Linux: the same file, built once by fibril-cc, in the guest and on the
host's Linux, in namespaces of its own with a /tmp of its own. All they print is compared, line by line."""
import os
import re

from harness import BUILD, ROOT, Failure, Skip, cases, check_cases, execute, parse_counters, test

FOLDER = os.path.join(ROOT, 'tests/portable')
SHOWN = 12  # differences that a failure shows

PROGRAMS = {
    't-files': 'files, directories, links, descriptors, pipes',
    't-file-calls': 'owners, times, statx, /proc, limits',
    't-file-moves': 'named pipes, splice and its kin, locks, select',
    't-sockets': 'local sockets',
    't-errors': 'calls with arguments that are wrong, and the order of checks',
    't-fork': 'what a child has of its parent',
    't-exec': 'execve, scripts, failures, exec with threads',
    't-wait': 'waiting for children, stops, SIGCHLD',
    't-signals': 'sending, blocking, queueing and waiting',
    't-handlers': 'how handlers run and what they leave alone',
    't-faults': 'codes and addresses of faults',
    't-timers': 'alarm, interval timers, clocks, sleeping',
    't-futex': 'futex by its number, robust lists, set_tid_address',
    't-threads': 'threads, locks of all kinds, data of their own',
    't-thread-ends': 'what fork, exit, kill and signals do to threads',
    't-libc-threads': 'the C library used by several threads at once',
    't-pipes': 'pipes under load, tee, splice, sendfile',
    't-ids': 'users, groups, sessions, limits, priorities, prctl, uname and its kin',
    't-mmap': 'maps, protection, growth, and what calls find there',
    't-blocking': 'for every call that waits: EINTR, SA_RESTART, stops',
    't-restart': 'what a handler, a stop, a continuation do to a sleeping call',
}
NEED_ROOT = ('t-file-calls', 't-file-moves', 't-ids', 't-errors')
OF_ANY_LIBRARY = ('t-threads', 't-thread-ends')
LINE = re.compile(r'^  (.*) = (.*)$')
CASE = re.compile(r'^(?:not )?ok (\S+?):?(?: .*)?$')


def program_path(name):
    return os.path.join(BUILD, 'user/tests', name)


def on_linux(guest, path):
    """What the program prints on the host."""
    command = ['unshare', '--pid', '--fork', '--kill-child', '--mount', '--mount-proc', '--ipc', '--net']
    if os.geteuid() != 0:
        if os.path.basename(path) in NEED_ROOT:
            raise Skip('needs root on the host')
        command += ['--user', '--map-root-user']
    command += ['env', '-i', 'PATH=/usr/bin:/bin', 'sh', os.path.join(FOLDER, 'on-linux.sh'), path]
    guest.commands.append(' '.join(command))
    status, stdout, stderr = execute(command, b'', 120)
    if status is None:
        raise Failure('hung: on Linux the program did not end within 120 s')
    if status == 77 or b'unshare:' in stderr:
        raise Skip('the host cannot run it: ' + stderr.decode(errors='replace').strip())
    return stdout.decode(errors='replace')


def transcript(text):
    """{(case, what, how often before): value}; a case's own line has the value 'ok' or what failed."""
    found, waiting, count = {}, [], {}
    for line in text.splitlines():
        result, case = LINE.match(line), CASE.match(line)
        if result:
            waiting.append((result[1], result[2]))
        elif case:
            for what, value in waiting + [('the case', line.split(':')[0])]:
                number = count[case[1], what] = count.get((case[1], what), 0) + 1
                found[case[1], what, number] = value
            waiting = []
    return found


def excused(program):
    """{(case, what): reason} of tests/portable/differences."""
    with open(os.path.join(FOLDER, 'differences')) as file:
        lines = [line.rstrip('\n') for line in file if line.strip() and not line.startswith('#')]
    known = {}
    for line in lines:
        name, case, what, reason = re.fullmatch(r'(\S+) (\S+): (.*?): (.*)', line).groups()
        if name == program:
            known[case, what] = reason
    return known


def compare(program, linux, here, emulator='QEMU'):
    """Reasons that begin with QEMU count only there."""
    known = {key: reason for key, reason in excused(program).items()
             if emulator == 'QEMU' or not reason.startswith('QEMU')}
    wrong, stale = [], set(known)
    for key in list(linux) + [key for key in here if key not in linux]:
        case, what, number = key
        if linux.get(key) == here.get(key):
            continue
        stale.discard((case, what))
        if (case, what) not in known:
            wrong.append(f'{case}: {what}: Linux {linux.get(key, "nothing")}, here {here.get(key, "nothing")}')
    if wrong:
        raise Failure('\n    '.join([f'{len(wrong)} results differ from Linux:'] + wrong[:SHOWN]))
    if stale:
        raise Failure(f'tests/portable/differences names what does not differ: {sorted(stale)}')


def declare(program, about):
    def in_guest(guest):
        check_cases(guest.run_without_leak(program, runs=2), cases(program))

    def as_on_linux(guest):
        linux = transcript(on_linux(guest, program_path(program)))
        compare(program, linux, transcript(guest.start(program).stdout.decode(errors='replace')))
        missing = [case for case in cases(program) if linux.get((case, 'the case', 1)) != f'ok {case}']
        if missing:
            raise Failure('on Linux these cases failed: ' + ' '.join(missing))

    in_guest.__name__ = program.replace('-', '_')[2:]
    as_on_linux.__name__ = in_guest.__name__ + '_as_on_linux'
    test(f'{about}: every case of {program}')(in_guest)
    test(f'{program} gets the same results from Linux')(as_on_linux)


@test('page faults that read a slow disk wait together, and other threads go on', alone=True)
def faults_read_the_disk(guest):
    root = os.path.join(BUILD, 'root.ext2')
    result = guest.run('t-map-disk', '/mnt/0/bin', options=['--machine', 'q35', '--disk', root, '--delay', '20'])
    counts = parse_counters(result.stdout.decode())
    if counts['together'] * 2 > counts['alone']:
        raise Failure(f"16 faults of 16 threads took {counts['together']} us, of one thread {counts['alone']}")
    if counts['turns'] < 16:
        raise Failure(f"another thread had {counts['turns']} turns while one waited 16 times for the disk")


@test("faults on Bochs, whose processor raises what QEMU's does not, SSE's exceptions too")
def faults_on_bochs(guest):
    here = guest.run('t-faults', options=['--machine', 'bochs']).stdout.decode(errors='replace')
    compare('t-faults', transcript(on_linux(guest, program_path('t-faults'))), transcript(here), 'Bochs')
    if 'raises no exception of SSE' in here:
        raise Failure("Bochs's processor raises no exception of SSE: nothing was tested")


@test("threads and the C library do on ours what they do on the host's library, on Linux")
def threads_as_with_glibc(guest):
    for program in OF_ANY_LIBRARY:
        path = guest.path(program)
        status, _, stderr = execute(['gcc', '-m32', '-O1', '-w', '-pthread', '-static', '-o', path,
                                     os.path.join(ROOT, f'user/tests/{program}.c')], b'', 60)
        if status:
            raise Skip('no C library of 32 bits: ' + stderr.decode(errors='replace').strip()[-200:])
        compare(program, transcript(on_linux(guest, path)),
                transcript(guest.start(program).stdout.decode(errors='replace')))


for program_, about_ in PROGRAMS.items():
    declare(program_, about_)
