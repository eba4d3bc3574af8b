"""The terminal: a program on the console that is typed to."""
import os
import re
import subprocess
import time

from harness import BUILD, Failure, indented, test
from guest import qemu
from guest.children import child

# What t-tty waits for, and what is typed then.
TYPED = {'line': b'typed line\r', 'edited': b'bad\x15beter\x7f\x7fter\r', 'part': b'abcdef\r', 'end': b'\x04',
         'byte': b'q', 'four': b'wxyz', 'poll': b'p', 'control': b'\x03', 'interrupt': b'\x03',
         'child': b'b\r'}


def type_to(emulator, seconds):
    """Types whatever t-tty asks for until it is done; all that came out of the line."""
    text, asked = b'', set()
    os.set_blocking(emulator.stdout.fileno(), False)
    deadline = time.monotonic() + seconds
    while emulator.poll() is None and time.monotonic() < deadline:
        text += emulator.stdout.read() or b''
        for name in re.findall(rb'^ready (\w+)\r$', text, re.MULTILINE):
            name = name.decode()
            if name not in asked:
                asked.add(name)
                emulator.stdin.write(TYPED.get(name, b''))
                emulator.stdin.flush()
        time.sleep(0.02)
    return (text + (emulator.stdout.read() or b'')).decode(errors='replace').replace('\r', '')


@test('the serial line is a terminal: lines, editing, bytes, signals, job control')
def terminal(guest):
    command = qemu.base(128, 'pc') + ['-kernel', os.path.join(BUILD, 'kernel.elf')]
    command += ['-initrd', os.path.join(BUILD, 'user/tests/t-tty') + ' file=/tmp/t-tty mode=0755']
    command += ['-append', 'init=/tmp/t-tty console=serial exit=debug root=auto', '-serial', 'stdio']
    guest.commands.append(' '.join(command))
    with child(command, cwd=guest.directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
               stderr=subprocess.STDOUT) as emulator:
        text = type_to(emulator, 60)
    failed = re.findall(r'^not ok .*$', text, re.MULTILINE)
    if failed or 'all steps done' not in text:
        raise Failure('\n    '.join(['the steps that failed:'] + failed) + '\n' + indented(text, 40))
