"""What tests are written with: how a test is declared, how it runs a program in the guest, and how a
failure is put into words."""
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BUILD = os.environ.get('BUILD', os.path.join(ROOT, 'build'))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from guest import panic, words  # noqa: E402
from guest.children import child  # noqa: E402

STATUS_TIMEOUT, STATUS_PANIC = 124, 125
HANG = 120  # seconds; a hang detector, no target
TESTS = []
images_lock = threading.Lock()
running = set()


class Failure(Exception):
    """The cause, in words for people."""


class Skip(Exception):
    """Why this test cannot be run here."""


class Test:
    def __init__(self, name, description, function, long=False, inject=False, alone=False):
        self.name, self.description, self.function = name, description, function
        self.long, self.inject, self.alone = long, inject, alone


def test(description, **marks):
    """Declares a test function; its one argument is a Guest. long: only in test-all; inject: also run
    with planted faults; alone: nothing else runs beside it (it measures or needs both processors)."""
    def declare(function):
        TESTS.append(Test(function.__name__, description, function, **marks))
        return function
    return declare


class Result:
    """How a program ended: status, stdout, stderr (bytes) and the kernel's log (text)."""

    def __init__(self, status, stdout, stderr, log):
        self.status, self.stdout, self.stderr, self.log = status, stdout, stderr, log

    def line(self, pattern, where='stdout'):
        """The match of a regular expression in one line of stdout, stderr or log."""
        text = getattr(self, where)
        text = text if isinstance(text, str) else text.decode(errors='replace')
        match = re.search(pattern, text, re.MULTILINE)
        if not match:
            raise Failure(f'missing line: nothing in {where} is like {pattern!r}; it ends with:\n'
                          + indented(text))
        return match


def indented(text, lines=15):
    text = text.decode(errors='replace') if isinstance(text, bytes) else text
    return '\n'.join('    ' + line for line in text.rstrip().splitlines()[-lines:])


def shown(command):
    command = [os.path.relpath(c, ROOT) if c.startswith(ROOT + '/') else c for c in command]
    return words.join(command)


def seeds(test_name, seed):
    """A number that follows from the run's seed, of this test's own."""
    return int.from_bytes(f'{seed}/{test_name}'.encode(), 'little') % 1000000007


class Guest:
    """A test's hands: programs in the guest, commands on the host, a directory of its own."""

    def __init__(self, test_, directory, seed, inject=None):
        self.directory, self.inject = directory, inject
        self.seed = seeds(test_.name, seed)
        self.commands = []

    def path(self, name):
        return os.path.join(self.directory, name)

    def file(self, name, data=b''):
        with open(self.path(name), 'wb') as file:
            file.write(data)
        return self.path(name)

    def host(self, *command, status=0, timeout=600, stdin=b'', environment=None, binary=False):
        """A command on the host; its output."""
        command = [str(part) for part in command]
        self.commands.append(shown(command))
        code, stdout, stderr = execute(command, stdin, timeout, environment)
        if code is None:
            raise Failure(f'hung: {command[0]} did not end within {timeout} s')
        if status is not None and code != status:
            raise Failure(f'{shown(command)} exited with {code} instead of {status}:\n'
                          + indented(stdout + stderr))
        return stdout if binary else stdout.decode(errors='replace')

    def image(self, name):
        """The path of a test image, made if it is not there."""
        with images_lock:
            path = self.host(os.path.join(ROOT, 'tools/make-test-images'), name).strip()
            return os.path.join(ROOT, path)

    def start(self, program, *arguments, options=(), stdin=b'', timeout=HANG, environment=None):
        """Runs a program in the guest, however it ends: its Result."""
        log = self.path(f'log{len(self.commands)}')
        command = [os.path.join(ROOT, 'tools/run'), '--timeout', str(timeout), '--log', log]
        if '--icount' not in options:  # which counts what programs cost
            command += ['--append', 'checks=on']
        if self.inject:
            command += ['--append', f'inject={self.inject}']
        command += [str(option) for option in options]
        command += [program] + [str(argument) for argument in arguments]
        self.commands.append(shown(command))
        code, stdout, stderr = execute(command, stdin, timeout + 60, environment)
        if code is None:
            raise Failure('hung: tools/run itself did not end')
        text = ''
        if os.path.exists(log):
            with open(log, errors='replace') as file:
                text = file.read()
        return Result(code, stdout, stderr, text)

    def run(self, program, *arguments, status=0, timeout=HANG, **how):
        """Runs a program in the guest, which must end with `status`."""
        result = self.start(program, *arguments, timeout=timeout, **how)
        if result.status != status:
            raise Failure(cause(result, status, timeout))
        return result

    def run_without_leak(self, program, *arguments, runs=3, options=(), **how):
        """Several runs in one boot: what the first leaves, the last must leave."""
        options = [*options, '--append', f'repeat={runs}']
        result = self.run(program, *arguments, options=options, **how)
        found = result.line(r'leak: pages=(-?\d+) objects=(-?\d+) fibrils=(-?\d+)', 'log')
        if any(int(count) for count in found.groups()):
            raise Failure(f'leak: after {runs} runs {found[1]} pages, {found[2]} heap objects and '
                          f'{found[3]} fibrils have not come back')
        return result


def cause(result, status, timeout):
    """Why the result is not what was expected, in words."""
    if not re.search(r'\bFibril \d', result.log):
        return 'did not boot: the log lacks its first line\n' + indented(result.stderr)
    if result.status == STATUS_TIMEOUT:
        return f'hung: no end within {timeout} s; the log ends with:\n' + indented(result.log)
    if panic.PANIC.search(result.log.encode()):
        report = panic.with_lines(result.log[result.log.index('PANIC:'):],
                                  os.path.join(BUILD, 'kernel.elf'))
        return 'panicked:\n' + indented(report, 40)
    if result.status == STATUS_PANIC:
        return 'crashed: the machine ended by itself\n' + indented(result.stderr)
    return (f'exited with {result.status} instead of {status}:\n'
            + indented(result.stdout, 10) + '\n' + indented(result.stderr))


def execute(command, stdin, timeout, environment=None):
    """(exit status or None after the time limit, stdout, stderr)"""
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(tempfile.TemporaryFile())
        source.write(stdin)
        source.seek(0)
        process = stack.enter_context(child(
            command, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
            env=dict(os.environ, **(environment or {})), end_signal=signal.SIGTERM))
        running.add(process)
        stack.callback(running.discard, process)
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            return None, b'', b''
        return process.returncode, stdout, stderr


def end_commands():
    """The tests are told to stop: so are their commands."""
    for process in list(running):
        process.terminate()


def parse_counters(line):
    """The key=value words of a line, numbers as numbers."""
    pairs = re.findall(r'(\w+)=(\S+)', line)
    return {key: float(value) if re.fullmatch(r'-?\d+\.\d+', value) else
            int(value) if re.fullmatch(r'-?\d+', value) else value for key, value in pairs}


def cases(program, table='cases'):
    """The names in a test program's table of cases (user/tests/check.h)."""
    with open(os.path.join(ROOT, 'user/tests', program + '.c')) as file:
        text = re.search(rf'\b{table}\[\] = {{(.*?)\n *}};', file.read(), re.DOTALL)[1]
    return re.findall(r'{"([^"]+)",', text)


def check_cases(result, names):
    """All these cases passed, and no other failed."""
    output = result.stdout.decode(errors='replace')
    failed = re.findall(r'^not ok .*$', output, re.MULTILINE)
    if failed:
        raise Failure('\n    '.join(['these cases failed:'] + failed))
    for name in names:
        result.line(rf'^ok {re.escape(name)}$')
