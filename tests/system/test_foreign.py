"""Programs that nobody here wrote, or that are compiled for Linux by the host's compiler: static binaries for
i386 run in the guest unmodified, with the C libraries glibc, musl, klibc and dietlibc."""
import os
import re

from harness import ROOT, Failure, Skip, cases, check_cases, execute, indented, test

SCRIPTS = os.path.join(ROOT, 'tests/foreign')


def fetched(package, path):
    status, stdout, stderr = execute([os.path.join(ROOT, 'tools/fetch-i386'), package, path], b'', 180)
    if status:
        raise Skip(f'no {package}: {stderr.decode(errors="replace").strip().splitlines()[0]}')
    return stdout.decode().strip()


def compiled(guest, source):
    """A static Linux program for i386 of one source file."""
    program = guest.path(os.path.basename(source)[:-2])
    status, _, stderr = execute(['gcc', '-m32', '-static', '-O1', '-w', '-pthread', '-o', program,
                                 '-D_FILE_OFFSET_BITS=64',
                                 os.path.join(ROOT, source)], b'', 60)
    if status:
        raise Skip('gcc cannot make static i386 programs: ' + stderr.decode(errors='replace')[:200])
    return program


def in_guest(guest, program, *arguments, options=()):
    """tools/run takes a program of the host by a path that begins with ./"""
    return guest.start(os.path.join('.', os.path.relpath(program, ROOT)), *arguments, options=options)


def compare(guest, shell, program, script):
    """The script's output and status by the host's shell, and by the program in the guest."""
    path, place = os.path.join(SCRIPTS, script), guest.path('place')
    os.mkdir(place)
    status, stdout, _ = execute([shell, path, place], b'', 60, {'LC_ALL': 'C'})
    result = in_guest(guest, program, '/tmp/script', '/tmp', options=['--file', f'{path}:/tmp/script'])
    if status is None or not stdout:
        raise Failure(f'{shell} on the host did not run {script}')
    if (result.status, result.stdout) != (status, stdout):
        raise Failure(f'status {status} and on the host\n{indented(stdout, 60)}\n  but {result.status} and here\n'
                      + indented(result.stdout, 60) + '\n' + indented(result.stderr))


@test("Debian's bash, a static binary for i386, does here what bash does on Linux")
def foreign_bash(guest):
    compare(guest, 'bash', fetched('bash-static', 'bin/bash-static'), 'script.bash')


@test('a shell linked with glibc, with musl, with klibc and with dietlibc does the same as the host\'s')
def foreign_libraries(guest):
    for number, path in enumerate(('bin/lksh', 'usr/lib/i386-linux-musl/bin/mksh',
                                   'usr/lib/klibc/bin/mksh', 'usr/lib/diet/bin/mksh')):
        if number:
            os.rename(guest.path('place'), guest.path(f'place{number}'))
        compare(guest, 'sh', fetched('mksh', path), 'script.sh')


@test('test programs compiled for Linux by the host pass here too, threads and all')
def foreign_compiled(guest):
    for program in ('t-files', 't-sockets', 't-epoll', 't-eventfd', 't-timerfd', 't-signalfd'):
        result = in_guest(guest, compiled(guest, f'user/tests/{program}.c'))
        check_cases(result, cases(program))
    result = in_guest(guest, compiled(guest, 'user/bench/processes.c'), 3)
    measured = re.findall(rb'^(\w+) [\d.]+$', result.stdout, re.MULTILINE)
    if result.status or len(measured) < 13:
        raise Failure(f'processes ended with {result.status} after {len(measured)} figures:\n'
                      + indented(result.stderr))


def sections(text):
    """{NAME: lines} of what stands behind lines `== NAME`."""
    parts = re.split(r'^== (\w+)\n', text, flags=re.MULTILINE)
    return {name: part.strip('\n').split('\n') for name, part in zip(parts[1::2], parts[2::2])}, parts[0]


@test("busybox's ps, top, pidof, free, mount, df, time and kin show in /proc what there is")
def foreign_proc(guest):
    busybox = fetched('busybox-static', 'bin/busybox')
    result = in_guest(guest, busybox, 'sh', '/tmp/proc.sh', '/tmp/busybox',
                      options=['--file', f'{SCRIPTS}/proc.sh:/tmp/proc.sh', '--file', f'{busybox}:/tmp/busybox'])
    text = result.stdout.decode(errors='replace')
    shown, head = sections(text)
    pids = {name: int(pid) for name, pid in re.findall(r'(\w+) (\d+)', head)}
    one, two, three, own = (pids.get(name, 0) for name in ('one', 'two', 'three', 'self'))
    wanted = {
        'ps': [rf' *{own} +0 +{own} S +busybox +.*busybox sh /tmp/proc.sh .*',
               rf' *{one} +{own} +{own} S +sleep +sleep 777', rf' *{two} +{own} +{own} T +sleep +sleep 888',
               rf' *{three} +{own} +{own} R +sh +sh -c while :; do :; done', rf' *\d+ +{own} +{own} R +ps +{{ps}} .*'],
        'pidof': [rf'{one} {two} ?'],
        'top': [rf' *{three} +{own} 0 +R +\d+ +\d+% +\d+% sh -c .*', rf' *{two} +{own} 0 +T +.* sleep 888'],
        'free': [r'Mem: +\d+ +\d+ +\d+ +0 +\d+ +\d+', r'Swap: +0 +0 +0'],
        'uptime': [r' \d\d:\d\d:\d\d up 0 min, .*load average: .*'],
        'mount': [r'/dev/\w+ on / type ext2 \(ro.*\)', r'proc on /proc type proc \(.*\)', r'ramfs on /tmp type ramfs .*'],
        'df': [r'ramfs +\d+ +\d+ +\d+ +\d+% /tmp'],
        'renice': [rf' *{one} +5'],
        'killall': ['one 143', 'two 143', 'three 143'],
        'self': ['cat', '/tmp/busybox', '0', '1', '2', '3'],
        'left': ['0'],
    }
    missing = [f'{name}: no line like {line!r} in\n' + indented('\n'.join(shown.get(name, [])))
               for name, lines in wanted.items() for line in lines
               if not any(re.fullmatch(line, there) for there in shown.get(name, []))]
    if missing or result.status or len(pids) != 4:
        raise Failure('\n'.join([f'ended with {result.status}', *missing]))
    for word in ('real', 'user', 'sys'):
        result.line(rf'^{word}\t0m \d\.\d\ds$', 'stderr')
