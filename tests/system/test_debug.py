"""make debug: gdb and its commands."""
import os

from harness import ROOT, Failure, test


@test('gdb lists tasks and fibrils, and shows the backtrace of a sleeping one')
def gdb_commands(guest):
    said = guest.host(os.path.join(ROOT, 'tools/debug'), 't-nanosleep-trace', '--', '-batch',
                      '-ex', 'hbreak sys_asys_await_completion', '-ex', 'continue',
                      '-ex', 'tasks', '-ex', 'fibrils', '-ex', 'fibril-bt all', timeout=120)
    for line in ('t-nanosleep-tra', 'sleeping  nanosleep', 'sys_nanosleep at kernel/sys/',
                 'sys_asys_await_completion'):
        if line not in said:
            raise Failure(f'missing line: {line!r} in\n{said}')
