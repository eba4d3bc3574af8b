"""The ISO as CD-ROM and as hard disk, both GRUB entries, the demo, Bochs, images of one program."""
import json
import os
import socket
import subprocess
import time

from harness import BUILD, HANG, ROOT, Failure, indented, parse_counters, test
from guest import bochs, qemu
from guest.children import child

ISO = os.path.join(BUILD, 'fibril.iso')


def boot(guest, arguments, name, drive_machine=None, timeout=HANG, machine=qemu.DEFAULT_MACHINE):
    """Boots QEMU without a channel: its exit code and the text of its serial line."""
    serial = guest.path(name)
    command = qemu.base(512, machine) + ['-serial', f'file:{serial}'] + arguments
    guest.commands.append(' '.join(command))
    with child(command, cwd=guest.directory, stdin=subprocess.DEVNULL) as emulator:
        if drive_machine:
            drive_machine(emulator)
        try:
            code = emulator.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
    with open(serial, errors='replace') as file:
        text = file.read()
    return code, text


def must_end_well(code, text):
    if code != qemu.EXIT_NORMAL:
        raise Failure(('hung' if code is None else f'the machine ended with {code}')
                      + '; the serial line ends with:\n' + indented(text))


def must_say(text, line):
    if line not in text:
        raise Failure(f'missing line: {line!r}; the serial line ends with:\n{indented(text)}')


def image(guest, program, *make, words=''):
    """An ISO of one program."""
    out = guest.path('image.iso')
    guest.host('make', '-s', 'image', f'PROGRAM={program}', f'OUT={out}', *make)
    return out


@test('the demo: make run walks the tree both ways and ends with 0', alone=True)
def demo(guest):
    text = guest.host('make', '-s', 'run', timeout=400)
    lines = [parse_counters(line) for line in text.replace('\r', '\n').splitlines() if 'walk: mode=' in line]
    synchronous = [line for line in lines if line['mode'] == 'sync']
    asynchronous = [line for line in lines if line['mode'] == 'asys']
    if not synchronous or len(asynchronous) < 2:
        raise Failure(f'missing line: {len(synchronous)} sync and {len(asynchronous)} asys lines')
    for line in lines:
        if any(line[key] != lines[0][key] for key in ('dirs', 'files', 'bytes')) or line['errors']:
            raise Failure(f'the walks differ, or have errors: {line} {lines[0]}')
        if line['files'] < 4000 or not line['requests'] or line['inflight_max'] != line['depth']:
            raise Failure(f'too few files, not cold, or not as deep as asked: {line}')


@test('the ISO boots as hard disk, and finds its root there')
def iso_as_hard_disk(guest):
    iso = image(guest, os.path.join(BUILD, 'user/tests/hello'))
    for machine in ('pc', 'q35'):
        code, text = boot(guest, qemu.drive(0, iso, machine), 'serial', machine=machine)
        must_end_well(code, text)
        must_say(text, 'boot: root file system on ata0p2')
        must_say(text, 'ello')


@test('the ISO boots as CD-ROM, through ATAPI')
def iso_as_cdrom(guest):
    iso = image(guest, os.path.join(BUILD, 'user/tests/hello'))
    for machine in ('pc', 'q35'):
        code, text = boot(guest, ['-cdrom', iso], 'serial', machine=machine)
        must_end_well(code, text)
        must_say(text, 'boot: root file system on cd0p2')
        must_say(text, 'ello')


class Monitor:
    """QEMU's machine protocol, as far as pressing keys goes."""

    def __init__(self, path):
        deadline = time.monotonic() + 10
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self.file = self.socket.makefile('rw')
        self.file.readline()
        self.command('qmp_capabilities')

    def command(self, name, **arguments):
        self.file.write(json.dumps({'execute': name, 'arguments': arguments}) + '\n')
        self.file.flush()
        while not any(key in (answer := json.loads(self.file.readline())) for key in ('return', 'error')):
            pass
        return answer

    def key(self, name, *states):
        for down in states or (True, False):
            self.command('input-send-event', events=[
                {'type': 'key', 'data': {'down': down, 'key': {'type': 'qcode', 'data': name}}}])

    def close(self):
        self.file.close()
        self.socket.close()


@test("Shift shows GRUB's menu, and its second entry boots with the root as a module")
def second_entry(guest):
    iso = image(guest, os.path.join(BUILD, 'user/tests/hello'))
    path = os.path.relpath(guest.path('monitor'))

    def press(machine):
        monitor = Monitor(path)
        end = time.monotonic() + 5
        while time.monotonic() < end:  # Shift is held, and repeats, until GRUB has looked
            monitor.key('shift', True)
            time.sleep(0.02)
        monitor.key('shift', False)
        time.sleep(1)
        monitor.key('down')
        time.sleep(1)
        monitor.key('ret')
        monitor.close()

    code, text = boot(guest, ['-cdrom', iso, '-qmp', f'unix:{guest.path("monitor")},server=on,wait=off'],
                      'serial', press)
    must_end_well(code, text)
    must_say(text, 'boot: root file system on ram0')


@test('make image: a program compiled with fibril-cc and a tree of its own become an ISO')
def image_of_a_program(guest):
    source = guest.file('hello.c', b'#include <stdio.h>\n#include <fcntl.h>\n#include <unistd.h>\n'
                        b'int main(void)\n{\n    char text[20] = {0};\n'
                        b'    int fd = open("/data/note", O_RDONLY);\n'
                        b'    if (fd < 0 || read(fd, text, 19) < 0)\n        return 1;\n'
                        b'    printf("note: %s\\n", text);\n    return 0;\n}\n')
    guest.host(os.path.join(BUILD, 'sdk/bin/fibril-cc'), source, '-o', guest.path('hello'))
    os.makedirs(guest.path('tree/data'))
    guest.file('tree/data/note', b'from the tree')
    iso = image(guest, guest.path('hello'), f'TREE={guest.path("tree")}')
    code, text = boot(guest, ['-cdrom', iso], 'serial')
    must_end_well(code, text)
    must_say(text, 'note: from the tree')


@test('Bochs boots the ISO and runs a program from it')
def iso_in_bochs(guest):
    iso = image(guest, os.path.join(BUILD, 'user/tests/hello'))
    text, end = b'', time.monotonic() + HANG
    with bochs.machine(guest.directory, [bochs.cdrom(2, iso)]) as machine:
        for data in bochs.follow(machine, guest.path('com1')):
            text += data
            if time.monotonic() > end:
                raise Failure('hung in Bochs; its serial line ends with:\n' + indented(text))
    text = text.decode(errors='replace')
    if 'PANIC:' in text:
        raise Failure('panicked:\n' + indented(text, 40))
    must_say(text, 'boot: root file system on cd0p2')
    must_say(text, 'boot: the machine stops')


@test('tools/run in Bochs: streams, status, files put in, a disk')
def run_in_bochs(guest):
    bochs_ = ['--machine', 'bochs']
    data = bytes(range(256)) * 40
    if guest.run('cat', options=bochs_, stdin=data).stdout != data:
        raise Failure('other bytes came back')
    options = [*bochs_, '--file', guest.file('a b', b'from the host\n'), '--disk', guest.image('small1k')]
    if guest.run('cat', '/tmp/a b', options=options).stdout != b'from the host\n':
        raise Failure('the file put in differs')
    guest.run('walk', '--asys', '--read', '/mnt/0', options=options).line('errors=0', 'stderr')
    guest.run('t-exit', 42, options=bochs_, status=42)
    if guest.start('t-panic', options=bochs_).status != 125:
        raise Failure('a panic is not 125')
