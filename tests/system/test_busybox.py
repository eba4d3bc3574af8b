"""Debian's busybox for i386, a program nobody here wrote: the same command lines in the guest and, through
qemu-i386, on the host; output and status of each must be the same. tests/busybox/ has the command lines."""
import os
import re
import shutil

from harness import ROOT, Failure, Skip, execute, indented, test

FOLDER = os.path.join(ROOT, 'tests/busybox')
COMMAND = re.compile(rb'^<<<<<<<< (\S+)\n(.*?)\n>>>>>>>> \1 (\d+)$', re.MULTILINE | re.DOTALL)
SHOWN = 8  # differences that a failure shows whole


def results(output):
    """NAME: (status, output) of what the driver printed."""
    return {found[1].decode(): (int(found[3]), found[2]) for found in COMMAND.finditer(output)}


def whole(where, output):
    """The results, if the driver came to its end."""
    found = results(output)
    if not output.endswith(b'======== end\n'):
        last = list(found)[-1] if found else 'nothing'
        raise Failure(f'{where} the driver did not come to its end; the last command was {last}:\n'
                      + indented(output))
    return found


def busybox():
    status, stdout, stderr = execute(
        [os.path.join(ROOT, 'tools/fetch-i386'), 'busybox-static', 'bin/busybox'], b'', 180)
    if status:
        raise Skip(f'no busybox: {stderr.decode(errors="replace").strip().splitlines()[0]}')
    return stdout.decode().strip()


def on_host(guest, program, names=()):
    """The driver under qemu-i386, in namespaces of its own."""
    qemu = shutil.which('qemu-i386')
    if not qemu:
        raise Skip('qemu-i386 is not there (package qemu-user)')
    launcher, stage = guest.path('launcher'), guest.path('stage')
    guest.host('gcc', '-O2', '-static', f'-DQEMU="{qemu}"', '-o', launcher,
               os.path.join(FOLDER, 'launcher.c'))
    os.mkdir(stage)
    command = ['unshare', '--user', '--map-root-user', '--mount', '--pid', '--net', '--ipc', '--uts',
               '--fork', '--kill-child']
    if execute(command + ['true'], b'', 20)[0] != 0:
        raise Skip('no namespaces of its own: unshare does not work here')
    status, stdout, stderr = execute(
        ['timeout', '-k', '5', '300'] + command
        + ['sh', os.path.join(FOLDER, 'sandbox.sh'), stage, program, launcher,
           os.path.join(FOLDER, 'driver.sh'), os.path.join(FOLDER, 'commands'), *names], b'', 320)
    if status == 77:
        raise Skip('no namespaces of its own: ' + stderr.decode(errors='replace').strip())
    return whole('on the host', stdout)


def disk(guest, program):
    """An ext2 image to be the root, with busybox and, as programs expect, /bin/sh."""
    tree, image = guest.path('tree'), guest.path('busybox.ext2')
    for folder in ('bin', 'dev', 'proc', 'tmp', 'mnt/0', 'mnt/1'):
        os.makedirs(os.path.join(tree, folder))
    shutil.copy(program, os.path.join(tree, 'bin/busybox'))
    os.symlink('busybox', os.path.join(tree, 'bin/sh'))
    guest.host('mke2fs', '-q', '-t', 'ext2', '-O', 'none,filetype,sparse_super', '-d', tree, image, '4M',
               environment={'PATH': os.environ['PATH'] + ':/usr/sbin:/sbin'})
    return image


def in_guest(guest, program, names=()):
    options = ['--disk', disk(guest, program), '--append', 'root=ata1']
    for name in ('driver.sh', 'commands'):
        options += ['--file', f'{os.path.join(FOLDER, name)}:/tmp/{name}']
    result = guest.run('/bin/busybox', 'sh', '/tmp/driver.sh', '/tmp/commands', '/bin/busybox', *names,
                       options=options, timeout=400)
    return whole('in the guest', result.stdout)


def exceptions():
    with open(os.path.join(FOLDER, 'differences')) as file:
        lines = [line.split(None, 1) for line in file if line.strip() and not line.startswith('#')]
    return {name: reason.strip() for name, reason in lines}


def described(name, linux, here):
    return (f'{name}: Linux {linux[0] if linux else "nothing"}\n'
            + indented(linux[1] if linux else b'', 6)
            + f'\n  here {here[0] if here else "nothing"}\n' + indented(here[1] if here else b'', 6))


@test("busybox's answers to some hundred command lines are those it gives on Linux")
def busybox_as_on_linux(guest):
    program = busybox()
    linux = on_host(guest, program)
    here = in_guest(guest, program)
    excused = exceptions()
    differing = [name for name in linux if linux[name] != here.get(name)]
    stale = [name for name in excused if name not in differing]
    wrong = [name for name in differing if name not in excused]
    if stale:
        print('tests/busybox/differences names what does not differ: ' + ' '.join(stale))
    if wrong:
        raise Failure(f'{len(wrong)} of {len(linux)} command lines differ: {" ".join(wrong)}\n' + '\n'.join(
            described(name, linux[name], here.get(name)) for name in wrong[:SHOWN]))
