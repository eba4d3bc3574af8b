"""What a program sees of asynchronous calls: the examples of user/examples, <fibril/asys.h>, the walker's
ways, the manual."""
import os
import re

from harness import BUILD, ROOT, Failure, cases, check_cases, parse_counters, test

EXAMPLES = os.path.join(ROOT, 'user/examples')
TREE = os.path.join(BUILD, 'demo/tree')
SOURCE = 'newlib-salsa/newlib/libm'  # of the demo tree: a few hundred files


def guest_equal(found, wanted, what):
    if found != wanted:
        raise Failure(f'{what}: {found!r} instead of {wanted!r}')


# ---- Examples ----

@test('each example is one file that fibril-cc compiles without a warning')
def examples_compile(guest):
    names = sorted(os.listdir(EXAMPLES))
    if len(names) < 5:
        raise Failure(f'only {names}')
    for name in names:
        guest.host(os.path.join(BUILD, 'sdk/bin/fibril-cc'), '-std=c11', '-Wall', '-Wextra', '-Werror',
                   '-Wno-unused-result', '-D_GNU_SOURCE', os.path.join(EXAMPLES, name), '-o',
                   guest.path(name[:-2]))


@test('an argument of 64 bits that is not split into words is an error of compilation, with the remedy')
def argument_of_64_bits(guest):
    program = ('#include <fibril/asys.h>\n#include <sys/syscall.h>\n'
               'int main(void)\n{\n    struct asys_entry entry;\n    long long offset = 1;\n'
               '    asys_call(&entry, SYS_pread64, 0, &entry, 4, %s);\n    return 0;\n}\n')
    compiler = os.path.join(BUILD, 'sdk/bin/fibril-cc')
    for argument, status in (('ASYS_64(offset)', 0), ('offset', 1)):
        source = guest.file('argument.c', (program % argument).encode())
        said = guest.host('sh', '-c', 'exec "$@" 2>&1', 'sh', compiler, '-Wall', '-Wextra', '-Werror',
                          source, '-o', guest.path('argument'), status=status)
        if ('an argument of 64 bits: ASYS_64(...)' in said) != bool(status):
            raise Failure(f'{argument}: the compiler said\n{said}')


@test('example: cat, each piece one chain of read and write')
def example_cat(guest):
    path = f'{SOURCE}/math/e_pow.c'
    with open(os.path.join(TREE, path), 'rb') as file:
        text = file.read()
    numbers = bytes(i * 7 & 255 for i in range(200000))
    result = guest.run('asys-cat', f'/demo/{path}', '/tmp/numbers',
                       options=['--file', guest.file('numbers', numbers) + ':/tmp/numbers'])
    if result.stdout != text + numbers:
        raise Failure('the output is not what the files hold')
    result = guest.run('asys-cat', '/nowhere', f'/demo/{path}', status=1)
    result.line('^asys-cat: /nowhere: cannot be copied$', 'stderr')
    if result.stdout != text:
        raise Failure('the file behind one that is not there was not copied')


@test('example: reads a tree, many files at once, and adds its bytes up')
def example_sum(guest):
    files = [os.path.join(path, name) for path, _, names in os.walk(os.path.join(TREE, SOURCE))
             for name in names]
    files = [name for name in files if not os.path.islink(name)]
    total = size = 0
    for name in files:
        with open(name, 'rb') as file:
            data = file.read()
        size += len(data)
        total += sum(data)
    line = guest.run_without_leak('asys-sum', f'/demo/{SOURCE}', runs=2).line(r'^files=.*$')[0]
    guest_equal(line, f'files={len(files)} bytes={size} sum={total} failed=0', 'asys-sum')
    guest.run('asys-sum', '/nowhere', status=1).line('^files=0 bytes=0 sum=0 failed=1$')


@test('example: many naps at once, a deadline, a cancel')
def example_sleep(guest):
    lines = guest.run_without_leak('asys-sleep', 300, 100, 9000, 200, 3000, runs=2).stdout.split(b'\n')
    guest_equal(lines[0], b'100 ms: over', 'the first')
    guest_equal(sorted(lines[1:3]), [b'200 ms: over', b'3000 ms: cancelled'], 'the next two')
    guest_equal(lines[3:5], [b'300 ms: over', b'9000 ms: too long'], 'the last two')


@test('example: a directory is opened, looked at, listed and closed by one chain')
def example_directory(guest):
    result = guest.run_without_leak('asys-dir', f'/demo/{SOURCE}', runs=2)
    names = result.line(r'^\d+ bytes, inode \d+: (.*)$')[1].split()
    guest_equal(sorted(names), sorted(['.', '..'] + os.listdir(os.path.join(TREE, SOURCE))), 'names')
    guest.run('asys-dir', '/nowhere', status=1).line(
        '^/nowhere cannot be opened: No such file or directory$')
    guest.run('asys-dir', '/bin/cat', status=1).line('^/bin/cat cannot be opened: Not a directory$')


@test('example: an event loop over a timer, a pipe, a signal and a child')
def example_loop(guest):
    text = guest.run_without_leak('asys-loop', runs=2).stdout.decode()
    first = text[:len(text) // 2]
    guest_equal(re.findall(r'^pipe: (.*)$', first, re.MULTILINE), ['one', 'two', 'six', 'end'], 'pipe')
    for line in ('signal: SIGUSR1', 'child: ended with 7', 'timer: ticked meanwhile'):
        guest_equal(first.count(line + '\n'), 1, line)


# ---- The walker's ways ----

@test('the walk by ring and by chains keeps as many in flight as asked, and finds what the others do')
def walk_ring_and_chain(guest):
    lines = []
    for way, depth in (('--sync', 1), ('--ring', 1), ('--ring', 64), ('--chain', 1), ('--chain', 3),
                       ('--chain', 64), ('--chain', 4096)):
        result = guest.run_without_leak('walk', way, '-j', depth, '--read', f'/demo/{SOURCE}', runs=2)
        line = parse_counters(result.line(r'^walk: .*$', 'stderr')[0])
        if line['mode'] != way[2:] or line['errors']:
            raise Failure(f'{way} -j {depth}: {line}')
        if depth < 4096 and line['inflight_max'] != depth:
            raise Failure(f'{way}: in flight at most {line["inflight_max"]} of {depth}')
        lines.append(line)
    for line in lines:
        if any(line[key] != lines[0][key] for key in ('dirs', 'files', 'other', 'bytes')):
            raise Failure(f'not what the synchronous walk found: {line} {lines[0]}')


@test('by every way: a directory that is not there is one error')
def walk_nowhere(guest):
    for way in ('--sync', '--asys', '--ring', '--chain'):
        result = guest.run('walk', way, '/nowhere', status=1)
        result.line(r'^walk: /nowhere: ENOENT$', 'stderr')
        result.line(r'errors=1$', 'stderr')


# ---- The manual ----

@test('each call of ours and each function of asys.h has a page, and all pages render without a warning')
def manual(guest):
    out = guest.path('man')
    guest.host(os.path.join(ROOT, 'tools/manual'), '--out', out)
    paths = [os.path.join(path, name) for path, _, names in os.walk(out) for name in names]
    if len(paths) < 20:
        raise Failure(f'only {len(paths)} pages')
    for path in paths:
        said = guest.host('mandoc', '-Tlint', '-W', 'warning', path, status=None)
        if said:
            raise Failure(said)
        if len(guest.host('mandoc', '-Tascii', path)) < 500:
            raise Failure(f'{path} renders to nothing')
    names = {os.path.basename(path)[:-2] for path in paths}
    with open(os.path.join(ROOT, 'user/include/fibril/asys.h')) as file:
        header = file.read()
    functions = set(re.findall(r'^(?:[a-z].*[ *])?(asys_\w+)\(', header, re.MULTILINE))
    functions |= set(re.findall(r'^#define (asys_\w+)\(', header, re.MULTILINE))
    if len(functions) < 25 or functions - names:
        raise Failure(f'without a page: {functions - names} of {len(functions)}')


@test('the programs in the manual compile without a warning, and those of asys do what their pages say')
def manual_examples(guest):
    folder = os.path.join(ROOT, 'docs/man')
    found = []
    for page in sorted(os.listdir(folder)):
        with open(os.path.join(folder, page)) as file:
            text = file.read()
        for number, part in enumerate(re.findall(r'\.Bd -literal\n(#include.*?\n)\.Ed', text, re.DOTALL)):
            name = f'{page.replace(".", "-")}-{number}'
            source = guest.file(name + '.c', part.replace('\\e', '\\').replace('\\-', '-').encode())
            guest.host(os.path.join(BUILD, 'sdk/bin/fibril-cc'), '-std=c11', '-Wall', '-Wextra', '-Werror',
                       source, '-o', guest.path(name))
            found.append(name)
    wanted = {'asys-7-0': r'^Fibril|^Linux version', 'asys_submit-2-0': '^read returned 6$',
              'asys_enter-2-0': '^read 1: 0$', 'asys_next-3-0': '^-?[0-9]+ into 0x',
              'syslets-7-0': r'^Fibril|^Linux version'}
    if missing := set(wanted) - set(found):
        raise Failure(f'programs that are not in the manual any more: {missing}')
    for name, line in wanted.items():
        guest.run(f'/tmp/{name}', stdin=b'hello\n', options=['--file', guest.path(name)]).line(line)


# ---- What it costs ----

CEILINGS = {'list_getpid_64': 1100, 'ring_getpid_64': 1150, 'ring_pread_512_64': 1800,
            'chain_open_close_64': 3800, 'chain_links_32': 1150, 'cancel_64': 3300, 'ring_blocked_1': 4300}


@test('no way of starting calls costs more instructions than its ceiling, and batches pay')
def asys_instruction_ceilings(guest):
    program = os.path.join('.', os.path.relpath(os.path.join(BUILD, 'user/bench/asys'), ROOT))
    result = guest.run(program, '5', options=['--icount'])
    counts = {name.decode(): float(value) for name, value
              in re.findall(rb'^(\w+) ([\d.]+)\r?$', result.stdout, re.MULTILINE)}
    above = [f'{name}: {counts[name]:g} instructions, at most {most} allowed'
             for name, most in CEILINGS.items() if counts[name] > most]
    for way in ('list_getpid', 'ring_getpid', 'chain_open_close', 'cancel'):
        if counts[f'{way}_64'] >= counts[f'{way}_1']:
            above.append(f'{way}: a call in a batch of 64 costs no less than one alone')
    if above:
        raise Failure('; '.join(above) + '\n    (tools/profile shows where they go)')


# ---- <fibril/asys.h> ----

@test('asys.h keeps what it promises')
def asys_queue(guest):
    check_cases(guest.run_without_leak('t-asys-queue', runs=2), cases('t-asys-queue'))


@test('rings that change under the kernel harm their program only')
def asys_hostile(guest):
    for options in ([], ['--mem', 32]):
        result = guest.run_without_leak('t-asys-hostile', options=options, runs=2)
        check_cases(result, cases('t-asys-hostile'))


@test('A1 to A23 have tests of these names')
def asys_fault_names(guest):
    names = [name for program in ('t-asys-faults', 't-asys-signals') for name in cases(program)]
    missing = [number for number in range(1, 24)
               if not any(name.startswith(f'A{number}_') for name in names)]
    if missing:
        raise Failure(f'without a test: {missing}')
