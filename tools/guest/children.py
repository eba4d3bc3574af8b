"""Child processes that cannot outlive us: each leads a group of its own, is told by the kernel to die
when we die, and is killed (and only it) when the with-block ends."""
import contextlib
import ctypes
import os
import signal
import subprocess

PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    os.setpgid(0, 0)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def child(arguments, **options):
    """A running process, gone at the end of the block."""
    process = subprocess.Popen(arguments, preexec_fn=_die_with_parent, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
