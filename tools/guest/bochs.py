"""Bochs: its configuration, and a run that gives the serial line's text while it comes.

Debian's build has the debugger in (hence the command file with `c`) and no display but `term`, which
runs without a terminal. Its exit status says nothing: the serial file does."""
import contextlib
import os
import time

from guest.children import child

PROGRAM = 'bochs-bin'
IPS = 50000000
LAST_LINE = b'power off'  # the kernel's, when every init has ended
CONFIGURATION = '''display_library: term
plugin_ctrl: unmapped=true, biosdev=true, extfpuirq=true, serial=true, iodebug=true
megs: {memory}
cpu: model=p4_prescott_celeron_336, count=1, ips={ips}, reset_on_triple_fault=0
clock: sync=none, time0=1000000000
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
pci: enabled=1, chipset=i440fx
com1: enabled=1, mode=file, dev={com1}
com2: enabled=1, mode=file, dev={com2}
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15
{drives}
boot: {boot}
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
log: {log}
'''


def cylinders(image):
    """Geometry with 16 heads and 63 sectors; an image must be a whole number of cylinders."""
    return -(-os.path.getsize(image) // (16 * 63 * 512))


def disk(slot, image):
    return (f'ata{slot // 2}-{("master", "slave")[slot % 2]}: type=disk, path="{image}", mode=volatile, '
            f'cylinders={cylinders(image)}, heads=16, spt=63')


def cdrom(slot, image):
    return f'ata{slot // 2}-{("master", "slave")[slot % 2]}: type=cdrom, path="{image}", status=inserted'


@contextlib.contextmanager
def machine(directory, drives, boot='cdrom', memory=256, ips=IPS):
    """A running Bochs; its serial lines are the files com1 and com2 in `directory`."""
    names = {name: os.path.join(directory, name) for name in ('com1', 'com2', 'log', 'rc', 'commands')}
    for name in ('com1', 'com2'):
        open(names[name], 'wb').close()
    with open(names['rc'], 'w') as file:
        file.write(CONFIGURATION.format(memory=memory, ips=ips, drives='\n'.join(drives), boot=boot,
                                        com1=names['com1'], com2=names['com2'], log=names['log']))
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
