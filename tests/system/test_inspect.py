"""What the kernel shows of itself while it runs: fibrils, the log, the console's key, and the checker of
the order of locks."""
import os
import re
import subprocess
import time

from harness import BUILD, Failure, cases, check_cases, indented, test
from guest import qemu
from guest.children import child

KEY = b'\x1e'  # control-^


@test('/proc/fibrils with backtraces, and the log through /dev/kmsg, /proc/kmsg and syslog')
def inspect(guest):
    check_cases(guest.run_without_leak('t-inspect', runs=2), cases('t-inspect'))


def press(emulator, seconds):
    """Presses the key when the program is ready, types its line, and waits for the end."""
    text, pressed = b'', False
    os.set_blocking(emulator.stdout.fileno(), False)
    deadline = time.monotonic() + seconds
    while emulator.poll() is None and time.monotonic() < deadline:
        text += emulator.stdout.read() or b''
        if not pressed and b'ready key' in text:
            emulator.stdin.write(KEY + b'q\r')
            emulator.stdin.flush()
            pressed = True
        time.sleep(0.02)
    return (text + (emulator.stdout.read() or b'')).decode(errors='replace').replace('\r', '')


@test('control-^ on the console lists every fibril, with its backtrace')
def console_key(guest):
    command = qemu.base(128, 'pc') + ['-kernel', os.path.join(BUILD, 'kernel.elf')]
    command += ['-initrd', os.path.join(BUILD, 'user/tests/t-inspect') + ' file=/tmp/t-inspect mode=0755']
    command += ['-append', 'init=/tmp/t-inspect console=serial exit=debug root=auto checks=on '
                '-- wait-for-key', '-serial', 'stdio']
    guest.commands.append(' '.join(command))
    with child(command, cwd=guest.directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
               stderr=subprocess.STDOUT) as emulator:
        text = press(emulator, 60)
    for wanted in (r'task \d+ \(t-inspect\): nanosleep, sleeping on nanosleep, \d+ ms, stack [1-9]\d+$',
                   r'\] +8\w+ sys_nanosleep$', r'\] +8\w+ batch_runner$', r'\(kernel\): no call, ',
                   r'ended with status 0'):
        if not re.search(wanted, text, re.MULTILINE):
            raise Failure(f'missing line: nothing is like {wanted!r} in\n' + indented(text, 60))
