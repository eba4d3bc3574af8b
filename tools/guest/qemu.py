"""QEMU's command lines, and disks behind nbdkit."""
import os
import shutil
import subprocess
import time

from guest.children import child

PROGRAM = 'qemu-system-i386'
EXIT_NORMAL, EXIT_FAILED, EXIT_PANIC = 33, 35, 65  # 2v+1 of what the kernel writes to isa-debug-exit
DISK_SLOTS = {'pc': 4, 'q35': 6}
DEFAULT_MACHINE = os.environ.get('MACHINE') or 'q35'  # pc: IDE; q35: AHCI
PROTOCOLS = ('nbd+unix:', 'blkdebug:')


class MachineError(Exception):
    """The machine cannot be built as asked; the text says why."""


def escape(path):
    """A path inside an option of QEMU's."""
    return os.fspath(path).replace(',', ',,')


def drive(index, path, machine=DEFAULT_MACHINE):
    """A disk whose image is never written: on IDE, or on q35 on AHCI."""
    if isinstance(path, os.PathLike) or not str(path).startswith(PROTOCOLS):
        path = 'file:' + os.path.abspath(path)  # a path with a colon is no protocol
    image = f'file={escape(path)},format=raw,snapshot=on,cache=unsafe'
    if machine == 'q35':
        return ['-drive', f'{image},if=none,id=disk{index}',
                '-device', f'ide-hd,drive=disk{index},bus=ide.{index}']
    return ['-drive', f'{image},if=ide,index={index}']


def base(memory, machine=DEFAULT_MACHINE):
    return [PROGRAM, '-M', machine, '-accel', 'tcg', '-nodefaults', '-vga', 'std', '-display', 'none',
            '-no-reboot', '-m', str(memory), '-device', 'isa-debug-exit,iobase=0xf4,iosize=4']


def slow_reads(milliseconds, images, build):
    """The environment in which QEMU takes that long for each read of these images, up to 64 at once:
    a library of ours sleeps in its threads. (Behind nbdkit it is 16.)"""
    source = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), 'slow-pread.c')
    library = os.path.join(build, 'tools/slow-pread.so')
    if not os.path.exists(library) or os.path.getmtime(library) < os.path.getmtime(source):
        os.makedirs(os.path.dirname(library), exist_ok=True)
        new = f'{library}.{os.getpid()}'
        subprocess.run(['gcc', '-shared', '-fPIC', '-O2', '-o', new, source, '-ldl'], check=True)
        os.rename(new, library)
    names = [os.path.abspath(image) for image in images]
    if any(':' in name for name in names):
        raise MachineError('--delay-by pread: no image with a colon in its name')
    return dict(os.environ, LD_PRELOAD=os.path.abspath(library),
                SLOW_PREAD=':'.join([str(round(milliseconds * 1000)), *names]))


def icount(disk_read):
    """One instruction, one tick. With a disk the guest's clock may not run ahead of the disk."""
    return ['-icount', f'shift=0,sleep={"on" if disk_read else "off"}',
            '-rtc', 'base=2001-09-09,clock=vm']


def delayed(stack, image, milliseconds, socket):
    """The URL of the image, each read of which takes that long, many at once."""
    return served(stack, image, socket, 'delay', f'delay-read={milliseconds}ms')


def served(stack, image, socket, kind, *settings, filters=()):
    """The URL of the image behind one of nbdkit's filters, and more below it. The server lives as long
    as the ExitStack."""
    nbdkit = shutil.which('nbdkit')
    if not nbdkit:
        raise MachineError('nbdkit (package nbdkit) is not there')
    server = stack.enter_context(child(
        [nbdkit, '-f', '-r', '-U', socket, '--threads=64', f'--filter={kind}',
         *[f'--filter={below}' for below in filters], 'file', os.path.abspath(image), *settings], stderr=subprocess.DEVNULL))
    deadline = time.monotonic() + 10
    while not os.path.exists(socket):
        if server.poll() is not None or time.monotonic() > deadline:
            raise MachineError(f'nbdkit does not serve {image}')
        time.sleep(0.01)
    return f'nbd+unix:///?socket={socket}'
