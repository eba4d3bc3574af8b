"""Bochs: its configuration, and a run that gives the serial line's text while it comes.

Debian's build has the debugger in (hence the command file with `c`) and no display but `term`, which
runs without a terminal. Its exit status says nothing: the serial file does."""
import contextlib
import itertools
import os
import time

from guest.children import child
from guest.qemu import MachineError

PROGRAM = 'bochs-bin'
IPS = 50000000
DISKS = 2  # beside the root and the CD
LAST_LINE = b'boot: the machine stops'

CONFIGURATION = '''display_library: term
plugin_ctrl: unmapped=true, biosdev=true, extfpuirq=true, serial=true, iodebug=true
megs: {memory}
cpu: model=p4_prescott_celeron_336, count=1, ips={ips}, reset_on_triple_fault=0
clock: sync=none, time0=1000000000
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
pci: enabled=1, chipset=i440fx
com1: enabled=1, mode=file, dev={com1}
com2: enabled=1, {com2}
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15
{drives}
boot: cdrom
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
log: {log}
'''


def geometry(image):
    """Cylinders, heads and sectors that are the image's size exactly: Bochs insists."""
    sectors = os.path.getsize(image) // 512
    for heads, track in itertools.product(range(16, 0, -1), range(63, 0, -1)):
        if sectors % (heads * track) == 0 and sectors // (heads * track) < 65536:
            return sectors // (heads * track), heads, track
    raise MachineError(f'{image}: no disk geometry of Bochs has exactly {sectors} sectors')


def slot(number):
    return f'ata{number // 2}-{("master", "slave")[number % 2]}'


def disk(number, image, directory):
    """An IDE disk; what is written goes to a journal in `directory`, and away."""
    cylinders, heads, track = geometry(image)
    return (f'{slot(number)}: type=disk, path="{os.path.abspath(image)}", mode=volatile, '
            f'journal="{directory}/journal{number}", cylinders={cylinders}, heads={heads}, spt={track}')


def cdrom(number, image):
    return f'{slot(number)}: type=cdrom, path="{os.path.abspath(image)}", status=inserted'


@contextlib.contextmanager
def machine(directory, drives, memory=256, ips=IPS, com1=None, com2='mode=null'):
    """A running Bochs that boots from CD; its first serial line is the file com1 in `directory`."""
    names = {name: os.path.join(directory, name) for name in ('com1', 'log', 'rc', 'commands')}
    names['com1'] = com1 or names['com1']
    open(names['com1'], 'wb').close()
    with open(names['rc'], 'w') as file:
        file.write(CONFIGURATION.format(memory=memory, ips=ips, drives='\n'.join(drives),
                                        com1=names['com1'], com2=com2, log=names['log']))
    with open(names['commands'], 'w') as file:
        file.write('c\n')
    with open(os.path.join(directory, 'said'), 'wb') as said, open(os.devnull) as nothing:
        with child([PROGRAM, '-q', '-f', names['rc'], '-rc', names['commands']], cwd=directory,
                   stdin=nothing, stdout=said, stderr=said) as process:
            yield process


def follow(process, path):
    """Yields what is written to the file until the process has ended."""
    with open(path, 'rb') as file:
        while True:
            ended = process.poll() is not None
            data = file.read()
            if data:
                yield data
            elif ended:
                return
            else:
                time.sleep(0.02)
