"""Reads the kernel's log for the test runner and for people: panic reports, the last lines."""
import re

PANIC = re.compile(rb'PANIC:')


def _text(log):
    with open(log, 'rb') as file:
        return file.read()


def report(log):
    """The panic report: from its first line to the end of the log."""
    data = _text(log)
    match = PANIC.search(data)
    start = data.rfind(b'\n', 0, match.start()) + 1 if match else 0
    return data[start:].decode(errors='replace').rstrip() if match else tail(log)


def tail(log, lines=15):
    return '\n'.join(_text(log).decode(errors='replace').rstrip().splitlines()[-lines:])
