"""Reads the kernel's log for the test runner and for people: panic reports with file and line, the last
lines."""
import re
import subprocess

PANIC = re.compile(rb'PANIC:')
FRAME = re.compile(r'^(?:\[.*?\])?  +([0-9a-f]{8}) \S+\+0x[0-9a-f]+$')


def _text(log):
    with open(log, 'rb') as file:
        return file.read()


def with_lines(text, kernel):
    """Adds the place in the source to each frame of a backtrace, where addr2line can tell it."""
    lines = text.splitlines()
    frames = [(n, match[1]) for n, line in enumerate(lines) if (match := FRAME.match(line))]
    # A frame holds where its call returns to: the call itself lies before that.
    addresses = [hex(int(address, 16) - 1) for _, address in frames]
    try:
        said = subprocess.run(['addr2line', '-e', kernel, *addresses], check=True,
                              capture_output=True, text=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return text
    for (number, _), place in zip(frames, said):
        if not place.startswith('??'):
            lines[number] += '  ' + re.sub(r'^.*//|^(\./)+| \(discriminator.*', '', place)
    return '\n'.join(lines)


def report(log, kernel):
    """The panic report: from its first line to the end of the log."""
    data = _text(log)
    match = PANIC.search(data)
    start = data.rfind(b'\n', 0, match.start()) + 1 if match else 0
    text = data[start:].decode(errors='replace').rstrip() if match else tail(log)
    return with_lines(text, kernel)


def tail(log, lines=15):
    return '\n'.join(_text(log).decode(errors='replace').rstrip().splitlines()[-lines:])
