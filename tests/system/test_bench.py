"""What calls cost, in instructions: exact under --icount, so a change that makes one dearer by a good
part is seen. The ceilings are generous; bench/run.py and docs/benchmarks.md have the aims."""
import os
import re

from harness import BUILD, ROOT, Failure, test

CEILINGS = {
    'fibril_switch': 80, 'getpid': 120, 'unknown_number': 110, 'pread_512': 950, 'pread_4096': 1900,
    'fstat64': 450, 'fstatat64_1': 1300, 'fstatat64_4': 3000, 'openat_close': 2000,
    'pipe_write_read': 1600, 'sched_yield': 350, 'asys_getpid_1': 1700, 'asys_getpid_64': 800,
    'asys_pread_512_64': 1600, 'asys_fstatat64_1_64': 2000, 'asys_openat_close_64': 3200,
    'asys_pipe_blocked': 4500, 'page_fault_anonymous': 1800, 'walk_warm_sync': 2300,
    'walk_warm_asys_64': 3500, 'walk_warm_ring_64': 3800,
}
PROCESS_CEILINGS = {
    'fork_exit_wait': 45000, 'fork_exec_wait': 95000, 'vfork_exec_wait': 60000,
    'thread_create_join': 9000, 'signal_and_return': 4000, 'map_unmap': 2200, 'map_touch_unmap': 4200,
    'read_512': 1000, 'open_close': 2700, 'stat': 2100, 'pipe_switch': 2100, 'futex_switch': 1300,
    'yield_switch': 550, 'eventfd_write_read': 1200,
}
BLOCKED_CALL_BYTES = 4608


def bench_program(name):
    return os.path.join('.', os.path.relpath(os.path.join(BUILD, 'user/bench', name), ROOT))


def hold_ceilings(guest, program, ceilings):
    result = guest.run(bench_program(program), '5', options=['--icount'])
    counts = {name.decode(): float(value) for name, value
              in re.findall(rb'^(\w+) ([\d.]+)\r?$', result.stdout, re.MULTILINE)}
    if missing := set(ceilings) - set(counts):
        raise Failure(f'missing figures: {", ".join(sorted(missing))}')
    above = [f'{name}: {counts[name]:g} instructions, at most {most} allowed'
             for name, most in ceilings.items() if counts[name] > most]
    if above:
        raise Failure('; '.join(above) + '\n    (tools/profile shows where they go)')


@test('no call costs more instructions than its ceiling')
def instruction_ceilings(guest):
    hold_ceilings(guest, 'counts', CEILINGS)


@test('no process, thread, switch or signal costs more instructions than its ceiling')
def process_ceilings(guest):
    hold_ceilings(guest, 'processes', PROCESS_CEILINGS)


@test('a blocked call takes at most 4.5 KiB, and gives it back')
def blocked_call_memory(guest):
    for number in (1000, 20000):
        result = guest.run(bench_program('blocked'), number)
        size = float(result.line(rf'^blocked_call_{number} ([\d.]+)$')[1])
        kept = int(result.line(r'^kibibytes that have not come back: (-?\d+)$')[1])
        if size > BLOCKED_CALL_BYTES:
            raise Failure(f'{size:g} bytes a call with {number} of them, {BLOCKED_CALL_BYTES} allowed')
        if kept > 512:
            raise Failure(f'{kept} KiB have not come back after {number} calls')
