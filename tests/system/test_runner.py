"""The runner itself: every kind of planted fault turns the tests red, with the cause in words."""
import glob
import os

from harness import BUILD, ROOT, Failure, test

CAUSES = {'panic': 'cause: panicked:', 'hang': 'cause: hung:', 'badexit': 'cause: exited with',
          'leak': 'cause: leak:', 'missingline': 'cause: missing line:'}


def declare():
    for kind, words in CAUSES.items():
        def run(guest, kind=kind, words=words):
            said = guest.host(os.path.join(ROOT, 'tests/run'), '--inject', kind, status=1)
            if words not in said or not said.splitlines()[-1].startswith('0 passed, '):
                raise Failure(f'the tests with inject={kind} do not say {words!r}:\n{said}')
        run.__name__ = f'inject_{kind}'
        test(f'a planted fault of the kind "{kind}" turns the tests red and is named')(run)


declare()


@test('a kernel that does not boot is called so')
def inject_no_boot(guest):
    build = guest.path('build')
    os.mkdir(build)
    with open(os.path.join(BUILD, 'kernel.elf'), 'rb') as file:
        kernel = bytearray(file.read())
    entry = int.from_bytes(kernel[24:28], 'little')  # [ELF] e_entry; the text begins at file offset 4096
    at = entry - int.from_bytes(kernel[60:64], 'little') + int.from_bytes(kernel[56:60], 'little')
    kernel[at:at + 2] = b'\xeb\xfe'  # jmp $
    with open(os.path.join(build, 'kernel.elf'), 'wb') as file:
        file.write(kernel)
    for name in ('root.ext2', 'base.ext2', 'fibril.iso'):
        os.symlink(os.path.join(BUILD, name), os.path.join(build, name))
    said = guest.host(os.path.join(ROOT, 'tests/run'), 'smoke', status=1, environment={'BUILD': build})
    if 'cause: did not boot' not in said:
        raise Failure(f'not called "did not boot":\n{said}')


@test('tools/run leaves no process and no file behind, even when its reader has gone')
def nothing_left_behind(guest):
    temporary = guest.path('tmp')
    os.mkdir(temporary)
    run = os.path.join(ROOT, 'tools/run')
    for line in (f'{run} cat /demo/newlib-salsa/ChangeLog | head -c 10',
                 f'{run} --timeout 2 t-spin; test $? = 124',
                 f'timeout 2 {run} t-spin; test $? = 124',
                 f'{run} --delay 5 --disk {guest.image("small1k")} ls /mnt/0'):
        guest.host('sh', '-c', line, environment={'TMPDIR': temporary})
        if os.listdir(temporary):
            raise Failure(f'left behind by `{line}`: {os.listdir(temporary)}')
    if left := processes_that_know(temporary):
        raise Failure(f'still running: {left}')


def processes_that_know(word):
    """Command lines of the processes that have the word in it."""
    found = []
    for path in glob.glob('/proc/[0-9]*/cmdline'):
        try:
            with open(path, 'rb') as file:
                line = file.read().replace(b'\0', b' ').decode(errors='replace')
        except OSError:  # it has ended meanwhile
            continue
        if word in line:
            found.append(line)
    return found
