"""libaio's own test programs (Debian's source package, fetched by the test), compiled for Linux by the host's
compiler, run in the guest unmodified. Left out is what wants more than files, fork, signals, eventfd and
aio: 6 (a file as large as the memory), 10 (a file system that is full), 21 (RWF_NOWAIT: it skips itself),
23 (switched off by Debian: it fails on Linux too)."""
import glob
import os
import re

from harness import ROOT, Failure, Skip, execute, test

TESTS = (2, 3, 4, 5, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22)
# As the package's runtests.sh and Makefile make the files, before each test.
DRIVER = """cd /tmp
mkdir testdir testdir.ext2
for n in %s; do
    for f in rofile:400 wofile:200 rwfile:600; do
        rm -f testdir/${f%%:*}; echo test >testdir/${f%%:*}; chmod ${f#*:} testdir/${f%%:*}
    done
    ./libaio-$n </dev/null >out 2>&1
    echo "$n status=$? $(tail -1 out)"
done
"""


def fetched(*words):
    status, stdout, stderr = execute([os.path.join(ROOT, 'tools/fetch-i386'), *words], b'', 180)
    if status:
        raise Skip(f'no {words}: {stderr.decode(errors="replace").strip().splitlines()[0]}')
    return stdout.decode().strip()


def compiled(guest, source, number):
    program = guest.path(f'libaio-{number}')
    library = [path for path in sorted(glob.glob(os.path.join(source, 'src/*.c'))) if 'vsys' not in path]
    status, _, stderr = execute(['gcc', '-m32', '-static', '-O2', '-w', '-I', os.path.join(source, 'src'),
                                 f'-DTEST_NAME="cases/{number}.t"', '-I', os.path.join(source, 'harness'),
                                 os.path.join(source, 'harness/main.c'), *library, '-lpthread',
                                 '-o', program], b'', 100)
    if status:
        raise Failure('it does not compile: ' + stderr.decode(errors='replace')[:500])
    return program


@test("libaio's own test programs pass")
def libaio(guest):
    source = fetched('--source', 'libaio')
    files = [fetched('busybox-static', 'bin/busybox')]
    files += [compiled(guest, source, number) for number in TESTS]
    files.append(guest.file('driver.sh', (DRIVER % ' '.join(map(str, TESTS))).encode()))
    options = ['--mem', '512'] + [word for path in files for word in ('--file', path)]
    result = guest.start('/tmp/busybox', 'sh', '/tmp/driver.sh', options=options, timeout=200)
    text = result.stdout.decode(errors='replace')
    bad = [number for number in TESTS
           if not re.search(rf'^{number} status=0 .*PASSED', text, re.MULTILINE)]
    if bad:
        raise Failure(f'not passed: {bad}\n{text}')
