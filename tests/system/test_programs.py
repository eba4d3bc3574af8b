"""tools/run and programs in the guest: streams, exit statuses, files put in, environment, leaks."""
import os
import random

from harness import Failure, test


@test('a program runs, ends with its status, leaves nothing behind, and the log says so', inject=True)
def smoke(guest):
    result = guest.run_without_leak('t-exit', 42, status=42, runs=2, timeout=15)
    result.line(r'Fibril \d+\.\d+, compiled by gcc \d', 'log')
    result.line(r'boot: root file system on ata0$', 'log')
    result.line(r'init: /bin/t-exit \(pid \d+\) ended with status', 'log')
    result.line(r'boot: the machine stops$', 'log')


@test('standard input comes back through cat byte for byte')
def cat_is_transparent(guest):
    data = random.Random(guest.seed).randbytes(1000000)
    result = guest.run('cat', stdin=data)
    if result.stdout != data or result.stderr:
        raise Failure(f'{len(result.stdout)} bytes came back, and not the {len(data)} sent')


@test('an empty standard input is an end of file at once')
def cat_of_nothing(guest):
    if guest.run('cat', stdin=b'').stdout:
        raise Failure('cat wrote something')


@test('a fatal signal is 128 plus its number')
def status_of_a_signal(guest):
    guest.run('t-segv', status=139)


@test('a panic is status 125, and its report is on standard error')
def status_of_a_panic(guest):
    result = guest.start('t-panic')
    if result.status != 125:
        raise Failure(f'exited with {result.status} instead of 125')
    result.line(r'PANIC:', 'stderr')
    result.line(r'^.*[0-9a-f]{8} \w+\+0x[0-9a-f]+', 'stderr')


@test('the overflow of a kernel stack is reported by name')
def status_of_an_overflow(guest):
    result = guest.start('t-overflow')
    if result.status != 125:
        raise Failure(f'exited with {result.status} instead of 125')
    result.line(r'(?i)stack overflow', 'stderr')


@test('the time limit is status 124')
def status_of_the_time_limit(guest):
    result = guest.start('t-spin', timeout=3)
    if result.status != 124:
        raise Failure(f'exited with {result.status} instead of 124')


@test('a program that is not there is status 127')
def status_of_no_program(guest):
    guest.run('no-such-program', status=127)


@test('arguments arrive as they are: blanks, quotes, backslashes, empty ones')
def arguments(guest):
    words = ['a b', '', 'quote"d', 'back\\slash', "it's", 'ü', '-x', 'a=b', '  ']
    result = guest.run('echo', *words)
    if result.stdout != ' '.join(words).encode() + b'\n':
        raise Failure(f'echo said {result.stdout!r}')


@test('a file put in arrives with its bytes and its mode, whatever its name')
def files_put_in(guest):
    data = random.Random(guest.seed).randbytes(70000)
    plain, strange = guest.file('plain', data), guest.file('a, b', b'strange\n')
    os.chmod(plain, 0o640)
    result = guest.run('cat', '/tmp/plain', options=['--file', plain])
    if result.stdout != data:
        raise Failure('the bytes differ')
    options = ['--file', plain, '--file', f'{strange}:/tmp/c, d']
    guest.run('stat', '/tmp/plain', options=options).line(r'0?640\b')
    if guest.run('cat', '/tmp/c, d', options=options).stdout != b'strange\n':
        raise Failure('the file with the strange name differs')


@test('--cwd is where relative paths begin')
def working_directory(guest):
    guest.run('cat', 'README', options=['--cwd', '/demo/newlib-salsa'])
    guest.run('cat', 'README', status=1)


@test('several inits run side by side, and the machine ends when all have')
def several_inits(guest):
    result = guest.run('t-exit', 7, status=7,
                       options=['--append', 'init=/bin/three-naps init=/bin/true'])
    for name in ('t-exit', 'three-naps', 'true'):
        result.line(rf'init: /bin/{name} \(pid \d+\) ended with status', 'log')


@test('the machine with 16 MiB walks the tree too')
def little_memory(guest):
    result = guest.run('walk', '--asys', '-j', '64', '/demo', options=['--mem', 16])
    result.line(r'files=6686 .*errors=0', 'stderr')


@test('with --icount two runs count the same instructions')
def icount_repeats(guest):
    logs = [guest.run('t-exit', '3', status=3, options=['--icount']).log for _ in range(2)]
    if logs[0] != logs[1]:
        raise Failure('the logs, with their times, differ')


@test('the C library of the guest keeps its promises')
def c_library(guest):
    guest.run_without_leak('t-libc')
