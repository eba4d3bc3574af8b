"""Child processes that cannot outlive us: each leads a group of its own, is told by the kernel to die
when we die, and is ended (and only it) when the with-block ends."""
import contextlib
import ctypes
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent(end_signal):
    os.setpgid(0, 0)
    _libc.prctl(PR_SET_PDEATHSIG, end_signal)


@contextlib.contextmanager
def child(arguments, end_signal=signal.SIGKILL, **options):
    """A running process, gone at the end of the block. With SIGTERM it may clean up after itself."""
    process = subprocess.Popen(arguments, preexec_fn=lambda: _die_with_parent(end_signal), **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(end_signal)
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()


def end_on_signals():
    """From now on SIGINT, SIGTERM and SIGHUP leave all with-blocks and end us with 128 + number."""
    def end(number, frame):
        sys.exit(128 + number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
