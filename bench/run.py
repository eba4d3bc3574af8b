#!/usr/bin/env python3
"""Measures what the system costs and gains: prints a table of our figures beside the aims and Linux's
(docs/benchmarks.md says what each means) and writes build/results.json with every sample.

bench/run.py [--quick] [--document docs/benchmarks.md] [SECTION…]
sections: counts processes asys events syslets boot memory cold depth bochs, and only when named: stream read scale"""
import argparse
import contextlib
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from measure import BUILD, Failure, Results, guest, number, output_of, spread
from guest import bochs, qemu  # (measure.py has put tools/ on the path)
from guest.children import child
import disks

# name: (what it is, aim or None, Linux 6.1 for i386 in the same emulator or None)
COUNTS = {
    'fibril_switch': ('fibril switch, schedule() to schedule()', 40, None),
    'getpid': ('getpid, int 0x80', 100, 334),
    'unknown_number': ('unknown number', 227, 227),
    'pread_512': ('pread, 512 cached bytes', 1757, 1757),
    'pread_4096': ('pread, 4,096 cached bytes', 2654, 2654),
    'fstat64': ('fstat64', 1035, 1035),
    'fstatat64_1': ('fstatat64, 1 component', 2878, 2878),
    'fstatat64_4': ('fstatat64, 4 components', 4175, 4175),
    'openat_close': ('openat + close, 1 component', 5788, 5788),
    'pipe_write_read': ('pipe write + read', 2950, 2950),
    'sched_yield': ('sched_yield alone', 1029, 1029),
    'asys_getpid_1': ('asys getpid, one at a time', 1087, 1087),
    'asys_getpid_8': ('asys getpid, batches of 8', 412, 412),
    'asys_getpid_64': ('asys getpid, batches of 64', None, 322),
    'asys_pread_512_1': ('asys pread 512, one at a time', 2808, 2808),
    'asys_pread_512_8': ('asys pread 512, batches of 8', 2142, 2142),
    'asys_pread_512_64': ('asys pread 512, batches of 64', 2042, 2042),
    'asys_pread_4096_1': ('asys pread 4,096, one at a time', 3705, 3705),
    'asys_pread_4096_8': ('asys pread 4,096, batches of 8', 3039, 3039),
    'asys_pread_4096_64': ('asys pread 4,096, batches of 64', 2939, 2939),
    'asys_fstatat64_1_1': ('asys fstatat64, one at a time (Linux: statx)', 18375, 18375),
    'asys_fstatat64_1_8': ('asys fstatat64, batches of 8', 13879, 13879),
    'asys_fstatat64_1_64': ('asys fstatat64, batches of 64', 13342, 13342),
    'asys_openat_close_1': ('asys openat + close, one at a time', 8934, 8934),
    'asys_openat_close_8': ('asys openat + close, batches of 8', 7246, 7246),
    'asys_openat_close_64': ('asys openat + close, batches of 64', 7064, 7064),
    'asys_pipe_blocked': ('asys pipe read, blocked, woken (Linux: eventfd)', 4524, 4524),
    'page_fault_anonymous': ('page fault of an anonymous page', None, None),
    'walk_warm_sync': ('warm walk, per entry', 2900, 8700),
    'walk_warm_asys_64': ('warm walk by asys, 64 in flight, per entry', 2900, None),
    'walk_warm_ring_64': ('warm walk by a ring, 64 in flight, per entry', 2900, None),
}
SIZES = {1: 'one at a time', 8: '8 at once', 64: '64 at once'}
# The ways of <fibril/asys.h>: (what it is, {batch: the same by io_uring, which is also the aim}).
ASYS = {
    'list_getpid': ('getpid, array', {1: 1087, 8: 412, 64: 322}),
    'ring_getpid': ('getpid, ring', {1: 1087, 8: 412, 64: 322}),
    'list_pread_512': ('pread 512, array', {1: 2808, 8: 2142, 64: 2042}),
    'ring_pread_512': ('pread 512, ring', {1: 2808, 8: 2142, 64: 2042}),
    'list_fstatat64': ('fstatat64, array (Linux: statx)', {1: 18375, 8: 13879, 64: 13342}),
    'ring_fstatat64': ('fstatat64, ring (Linux: statx)', {1: 18375, 8: 13879, 64: 13342}),
    'chain_open_close': ('openat + close of its result, a chain', {1: 8934, 8: 7246, 64: 7064}),
    'cancel': ('nanosleep + cancel by id (Linux: timeout)', {1: 4056, 8: 2620, 64: 2495}),
}
# Aims of their own; getpid by an array's is twice and a half of the synchronous one.
ASYS_AIMS = {'list_getpid_64': 231, 'ring_getpid_64': 130, 'list_fstatat64_64': 1500, 'ring_fstatat64_64': 1500,
             'chain_open_close_64': 2900, 'ring_blocked_1': 1500, 'cancel_64': 1200}
ASYS_SINGLE = {
    'ring_blocked_1': ('pipe read, ring, blocked, woken (Linux: eventfd)', 4524),
    'ring_deadline_64': ('getpid with a deadline, ring, 64 at once', None),
    'ring_quiet_64': ('getpid, quiet, ring, 64 at once', None),
    'chain_links_8': ('getpid, a link of a chain of 8', None),
    'chain_links_32': ('getpid, a link of a chain of 32', None),
    'chain_directory_1': ('open, fstat64, getdents64, close: a chain', None),
    'sync_directory_1': ('open, fstat64, getdents64, close: four int 0x80', None),
}
# The same of user/bench/processes.c; the aim for the first three is a third of Linux's.
PROCESSES = {
    'fork_exit_wait': ('fork + exit + wait', 83139, 249417),
    'pipe_switch': ('pipe ping-pong of two processes, per switch', 2618, 7856),
    'futex_switch': ('futex ping-pong of two threads, per switch', 1873, 5620),
    'yield_switch': ('sched_yield, switch', 1800, 1800),
    'thread_create_join': ('pthread create + join', 62615, 62615),
    'eventfd_write_read': ('eventfd write + read', 1659, 1659),
    'fork_exec_wait': ('fork + exec + exit + wait', None, None),
    'vfork_exec_wait': ('vfork + exec + exit + wait', None, None),
    'signal_and_return': ('kill, handler, return from it', None, None),
    'map_unmap': ('mmap + munmap, a page not touched', None, None),
    'map_touch_unmap': ('mmap + page fault + munmap', None, None),
    'read_512': ('pread by libc, 512 cached bytes', 1757, 1757),
    'open_close': ('open + close by libc, 2 components', None, None),
    'stat': ('stat by libc, 2 components', None, None),
}
# The same of user/bench/events.c.
EVENTS = {
    'aio_pread_512_1': ('io_submit + io_getevents, pread of 512 cached bytes, one at a time', 1912, 3825),
    'aio_pread_512_8': ('the same, 8 at once', 1249, 2499),
    'aio_pread_512_64': ('the same, 64 at once', 1161, 2323),
    'asyncfd_pread_512_1': ('pread of 512 cached bytes to an asyncfd, one at a time', None, None),
    'asyncfd_pread_512_8': ('the same, 8 at once', None, None),
    'asyncfd_pread_512_64': ('the same, 64 at once', None, None),
    'eventfd_write_read': ('eventfd write + read', 830, 1659),
    'eventfd_wake': ('eventfd write that wakes another thread, and its read', None, None),
    'epoll_wait_10': ('epoll_wait, one ready of 10', None, None),
    'epoll_wait_1000': ('epoll_wait, one ready of 1,000', None, None),
    'epoll_wait_10000': ('epoll_wait, one ready of 10,000', None, None),
}
# The same of user/bench/syslets.c.
SYSLETS = {
    'syslet_getpid_atom': ('an atom of a chain of getpid', 100),
    'syslet_exec': ('async_exec of one atom, which does not block', None),
    'open_fstat_close_calls': ('open + fstat64 + close, three int 0x80', None),
    'open_fstat_close_asys': ('the same as a chain of asys', None),
    'open_fstat_close_syslet': ('the same as a syslet', None),
    'threadlet_inline': ('threadlet_exec of a function that does not block, beside a plain call', 60),
    'threadlet_blocked': ('threadlet_exec of one that blocks, until its caller goes on', 2000),
    'threadlet_whole': ('the same until its completion has been taken', None),
}
GETPID_BY_ASYS = 2.5  # the aim for a batch of 64: times the synchronous call
POWER_ON_AIM, POWER_ON_LINUX = 0.6, 4.0
BLOCKED_AIM, BLOCKED_LINUX = 4608, 15012  # bytes; there: a call that needs a worker thread


# ---- Instructions ----

def section_counts(results):
    rounds = '5' if results.options.quick else '50'
    text, command = guest('--icount', './build/user/bench/counts', rounds)
    counts = {name: float(value) for name, value in re.findall(r'^(\w+) ([\d.]+)$', text, re.MULTILINE)}
    for name, (what, aim, linux) in COUNTS.items():
        if name not in counts:
            raise Failure(f'no line for {name} in:\n{text}')
        if name == 'asys_getpid_64':
            aim = GETPID_BY_ASYS * counts['getpid']
        results.add('counts', name, what, 'instructions', [counts[name]], command, aim, linux)


def section_processes(results):
    rounds = '5' if results.options.quick else '50'
    text, command = guest('--icount', './build/user/bench/processes', rounds)
    counts = {name: float(value) for name, value in re.findall(r'^(\w+) ([\d.]+)$', text, re.MULTILINE)}
    if unknown := set(counts) ^ set(PROCESSES):
        raise Failure(f'lines that are missing, or unknown: {unknown} in:\n{text}')
    for name, (what, aim, linux) in PROCESSES.items():
        results.add('processes', name, what, 'instructions', [counts[name]], command, aim, linux)


def section_events(results):
    rounds = '5' if results.options.quick else '50'
    text, command = guest('--icount', './build/user/bench/events', rounds)
    counts = {name: float(value) for name, value in re.findall(r'^(\w+) ([\d.]+)$', text, re.MULTILINE)}
    for name, (what, aim, linux) in EVENTS.items():
        if name not in counts:
            raise Failure(f'no line for {name} in:\n{text}')
        results.add('events', name, what, 'instructions', [counts[name]], command, aim, linux)


def section_syslets(results):
    rounds = '5' if results.options.quick else '50'
    text, command = guest('--icount', './build/user/bench/syslets', rounds)
    counts = {name: float(value) for name, value in re.findall(r'^(\w+) ([\d.]+)$', text, re.MULTILINE)}
    for name, (what, aim) in SYSLETS.items():
        if name not in counts:
            raise Failure(f'no line for {name} in:\n{text}')
        results.add('syslets', name, what, 'instructions', [counts[name]], command, aim)


def section_asys(results):
    rounds = '5' if results.options.quick else '50'
    text, command = guest('--icount', './build/user/bench/asys', rounds)
    found = {name: float(value) for name, value in re.findall(r'^(\w+) ([\d.]+)$', text, re.MULTILINE)}
    rows = {f'{name}_{size}': (f'{what}, {SIZES[size]}', linux) for name, (what, by_size) in ASYS.items()
            for size, linux in by_size.items()}
    for name, (what, linux) in {**rows, **ASYS_SINGLE}.items():
        if name not in found:
            raise Failure(f'no line for {name} in:\n{text}')
        results.add('asys', name, what, 'instructions', [found[name]], command,
                    ASYS_AIMS.get(name, linux), linux)


# ---- From power-on to the first program ----

MARK = 'first-program-runs'


def seconds_to_mark(command):
    start = time.monotonic()
    with child(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
               stderr=subprocess.DEVNULL) as machine:
        text = b''
        while data := os.read(machine.stdout.fileno(), 4096):
            text += data
            if MARK.encode() + b'\r\n' in text or MARK.encode() + b'\n' in text:
                return time.monotonic() - start
    raise Failure(f'the first program did not run:\n{text.decode(errors="replace")}')


def make_iso(iso, root, words):
    output_of(['tools/mkiso', '--kernel', f'{BUILD}/kernel.elf', '--root', root, '--grub',
               'boot/grub.cfg', '--words', words, '-o', iso], 60)


def section_boot(results):
    root = os.path.join(BUILD, 'root.ext2')
    words = f'init=/bin/echo console=serial exit=debug -- {MARK}'
    with tempfile.TemporaryDirectory(prefix='fibril-bench-') as directory:
        iso = os.path.join(directory, 'boot.iso')
        make_iso(iso, root, words)
        machine = qemu.base(256) + ['-serial', 'stdio']
        ways = {'boot_grub': ('the ISO through GRUB', ['-cdrom', iso]),
                'boot_kernel': ('-kernel', ['-kernel', f'{BUILD}/kernel.elf', *qemu.drive(0, root),
                                            '-append', 'root=auto ' + words])}
        for name, (what, arguments) in ways.items():
            samples = [round(seconds_to_mark(machine + arguments), 3)
                       for _ in range(2 if results.options.quick else 7)]
            results.add('boot', name, f'power-on to the first program, {what}', 's', samples,
                        'bench/run.py boot', POWER_ON_AIM, POWER_ON_LINUX)


# ---- Memory ----

def section_memory(results):
    for calls in (1000,) if results.options.quick else (1000, 20000):
        text, command = guest('./build/user/bench/blocked', str(calls))
        value = float(re.search(r'^blocked_call_\d+ ([\d.]+)$', text, re.MULTILINE)[1])
        results.add('memory', f'blocked_call_{calls}', f'memory of one blocked call, {calls:,} of them',
                    'bytes', [value], command, BLOCKED_AIM, BLOCKED_LINUX)
    for way in ('aio', 'asyncfd', 'syslet', 'threadlet'):
        text, command = guest('--mem', '512', './build/user/bench/blocked', '5000', way)
        value = float(re.search(r'^blocked_\w+_5000 ([\d.]+)$', text, re.MULTILINE)[1])
        results.add('memory', f'blocked_{way}', f'the same by {way}, 5,000 of them', 'bytes', [value], command)


# ---- What it was measured with ----

def version_of(*command):
    with contextlib.suppress(OSError, IndexError):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL)
        return next(line for line in done.stdout.splitlines() if re.search(r'\d\.\d', line)).strip()
    return None


def git(*words):
    """Lines that git says; none where this is no checkout."""
    with contextlib.suppress(OSError, Failure):
        return output_of(['git', *words], 10).splitlines()
    return []


def circumstances(options):
    """When, of what and with what a section is measured."""
    return {
        'commit': ''.join(git('rev-parse', 'HEAD')),
        'changed': git('status', '--porcelain', '--untracked-files=no'),
        'command': ' '.join(sys.argv),
        'time': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        'processors': os.cpu_count(), 'load': os.getloadavg(),
        'bochs': {'ips': bochs.IPS}, 'quick': options.quick,
        'versions': {'gcc': version_of('gcc', '--version'),
                     'qemu': version_of(qemu.PROGRAM, '--version'),
                     'bochs': version_of(bochs.PROGRAM, '--help'),
                     'nbdkit': version_of('nbdkit', '--version')},
    }


# ---- The document ----

BEGIN, END = '<!-- figures: begin -->', '<!-- figures: end -->'


def table(name, section):
    """A section's figures, with a heading for each command that gave some."""
    lines = [f'**{name}**, measured {section["time"][:10]} at commit {section["commit"][:10]}, when '
             f'{section["load"][0]:.0f} programs were running on {section["processors"]} processors']
    command = None
    for figure in section['figures']:
        if figure['command'] != command:
            command = figure['command']
            lines += ['', f'`{command}`', '', '| | aim | Linux | ours | least to most |',
                      '|---|---:|---:|---:|---|']
        mark = ' **missed**' if figure['met'] is False else ''
        lines.append(f'| {figure["what"]} | {number(figure["aim"])} | {number(figure["linux"])} | '
                     f'{number(figure["value"])} {figure["unit"]}{mark} | {spread(figure)} |')
    return '\n'.join(lines)


def document(path, sections):
    with open(path) as file:
        text = file.read()
    if BEGIN not in text or END not in text:
        raise Failure(f'{path} has no place for the figures')
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    newest = max(sections.values(), key=lambda section: section['time'])
    tables = [f'With {", ".join(filter(None, newest["versions"].values()))}.']
    kept = {block.split('**')[1]: block.strip() for block in
            re.split(r'^(?=\*\*\w+\*\*)', text.split(BEGIN)[1].split(END)[0], flags=re.MULTILINE)[1:]}
    tables += [table(name, sections[name]) if name in sections else kept[name]
               for name in SECTIONS if name in sections or name in kept]
    with open(path, 'w') as file:
        file.write(before + BEGIN + '\n' + '\n\n'.join(tables) + '\n' + END + after)


def earlier(path):
    """The sections of a file of results; what an earlier version wrote is not asked for."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        with open(path) as file:
            return json.load(file)['sections']
    return {}


SECTIONS = {'counts': section_counts, 'processes': section_processes, 'asys': section_asys,
            'events': section_events, 'syslets': section_syslets,
            'boot': section_boot, 'memory': section_memory, **disks.SECTIONS}
QUICK_SECTIONS = ('counts', 'processes', 'asys', 'events', 'syslets', 'boot', 'memory', 'cold')
NAMED_SECTIONS = ('stream', 'read', 'scale')  # each takes minutes


def main():
    parser = argparse.ArgumentParser(prog='bench/run.py', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='few rounds, below a minute')
    parser.add_argument('--out', default=os.path.join(BUILD, 'results.json'), metavar='FILE')
    parser.add_argument('--document', metavar='FILE', help='put the figures into this file')
    parser.add_argument('sections', nargs='*', metavar='SECTION')
    options = parser.parse_args()
    usual = [name for name in SECTIONS if name not in NAMED_SECTIONS]
    wanted = options.sections or (QUICK_SECTIONS if options.quick else usual)
    if unknown := set(wanted) - set(SECTIONS):
        parser.error(f'no such section: {" ".join(unknown)}')
    results = Results(options)
    sections = earlier(options.out)
    print(Results.HEAD)
    try:
        for name in wanted:
            record = circumstances(options)
            SECTIONS[name](results)
            figures = [figure for figure in results.figures if figure['section'] == name]
            if figures:
                sections[name] = {**record, 'figures': figures}
    except (Failure, subprocess.TimeoutExpired) as error:
        sys.exit(f'bench: {error}')
    missed = [figure['name'] for figure in results.figures if figure['met'] is False]
    print(f'* aims missed: {", ".join(missed)}' if missed else 'every aim is met')
    with open(options.out, 'w') as file:
        json.dump({'sections': sections}, file, indent=1)
    if options.document:
        document(options.document, sections)
    print(f'every sample: {os.path.relpath(options.out, os.getcwd())}')


main()
