#!/usr/bin/env python3
"""Measures what the system costs and gains: prints a table of our figures beside the aims and Linux's
(docs/benchmarks.md says what each means) and writes build/results.json with every sample.

bench/run.py [--quick] [--document docs/benchmarks.md] [SECTION…]
sections: counts processes boot memory cold bochs"""
import argparse
import contextlib
import datetime
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.environ.get('BUILD', os.path.join(ROOT, 'build'))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from guest import bochs, qemu  # noqa: E402
from guest.children import child  # noqa: E402

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
GETPID_BY_ASYS = 4  # the aim for a batch of 64: times the synchronous call
POWER_ON_AIM, POWER_ON_LINUX = 0.6, 4.0
BLOCKED_AIM, BLOCKED_LINUX = 4608, 15012  # bytes; there: a call that needs a worker thread
DEPTH = 256  # calls in flight in cold walks
GAIN_ON_BOCHS_AIM = 2.0


class Failure(Exception):
    pass


def number(value):
    return '' if value is None else f'{value:,.0f}' if value >= 100 else f'{value:.3g}'


def spread(figure):
    if figure['minimum'] == figure['maximum']:
        return ''
    return f'{number(figure["minimum"])} to {number(figure["maximum"])}'


class Results:
    """Figures in the order in which they were measured."""

    def __init__(self, options):
        self.options, self.figures = options, []

    def add(self, section, name, what, unit, samples, command, aim=None, linux=None, better='less'):
        value = statistics.median(samples)
        met = None if aim is None else value <= aim if better == 'less' else value >= aim
        figure = {'section': section, 'name': name, 'what': what, 'unit': unit, 'value': value,
                  'minimum': min(samples), 'maximum': max(samples), 'samples': samples, 'aim': aim,
                  'met': met, 'linux': linux, 'command': command}
        self.figures.append(figure)
        self.show(figure)

    HEAD = f'{"":54} {"aim":>8} {"Linux":>8} {"ours":>10}'

    @staticmethod
    def show(figure):
        mark = ' *' if figure['met'] is False else '  '
        print(f'{figure["what"]:54} {number(figure["aim"]):>8} {number(figure["linux"]):>8} '
              f'{number(figure["value"]):>10}{mark}{figure["unit"]}  {spread(figure)}', flush=True)


def output_of(command, timeout):
    """Standard output and error of a command that must end with 0."""
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, text=True)
    if done.returncode:
        raise Failure(f'{" ".join(command)} ended with {done.returncode}:\n{done.stdout}')
    return done.stdout


def guest(*arguments, timeout=120):
    """(what tools/run printed, the command as one would type it)"""
    command = ['tools/run', '--timeout', str(timeout), *arguments]
    return output_of(command, timeout + 30), ' '.join(['tools/run', *arguments])


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
    if unknown := (set(counts) ^ set(PROCESSES)) - {'eventfd_write_read'}:  # not there yet: no line
        raise Failure(f'lines that are missing, or unknown: {unknown} in:\n{text}')
    for name, (what, aim, linux) in PROCESSES.items():
        if name not in counts:
            continue
        results.add('processes', name, what, 'instructions', [counts[name]], command, aim, linux)


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
    for number in (1000,) if results.options.quick else (1000, 20000):
        text, command = guest('./build/user/bench/blocked', str(number))
        value = float(re.search(r'^blocked_call_\d+ ([\d.]+)$', text, re.MULTILINE)[1])
        results.add('memory', f'blocked_call_{number}', f'memory of one blocked call, {number:,} of them',
                    'bytes', [value], command, BLOCKED_AIM, BLOCKED_LINUX)


# ---- Cold walks ----

LINE = re.compile(r'^walk: (.*)\ndisk: (.*)$', re.MULTILINE)


def add_cold_walks(results, section, name, what, text, command, aim=None, skip=0):
    """From the lines of the guest program `cold`; the first `skip` of each way warm the emulator up."""
    runs = {'sync': [], 'asys': []}
    for walk, disk in LINE.findall(text.replace('\r', '')):
        line = dict(word.split('=') for word in f'{walk} {disk}'.split())
        runs[line['mode']].append(line)
    for mode in runs:
        runs[mode] = runs[mode][skip:]
        if not runs[mode]:
            raise Failure(f'{what}: no walk was finished:\n{text}')
    seconds = {mode: [float(line['seconds']) for line in runs[mode]] for mode in runs}
    for mode in runs:
        last = runs[mode][-1]
        results.add(section, f'{name}_{mode}', f'cold walk, {what}, {mode}; requests '
                    f'{last["requests"]}, merged {last["merged"]}', 's', seconds[mode], command)
        results.figures[-1]['lines'] = runs[mode]
    gains = [sync / asys for sync, asys in zip(seconds['sync'], seconds['asys'])]
    results.add(section, f'{name}_gain', f'cold walk, {what}, gain', 'times',
                [round(gain, 3) for gain in gains], command, aim, better='more')


def section_cold(results):
    if not shutil.which('nbdkit'):
        print('cold walks with delay: nbdkit is not there')
    for delay in (0, 1, 5):
        if delay and (not shutil.which('nbdkit') or results.options.quick):
            continue
        rounds = 2 if results.options.quick else 6
        slow = ['--delay', str(delay)] if delay else []
        text, command = guest(*slow, '--disk', 'build/demo.ext2', './build/user/bench/cold', str(rounds),
                              str(DEPTH), '/mnt/0', timeout=300)
        add_cold_walks(results, 'cold', f'cold_{delay}ms',
                       f'QEMU, {delay} ms a read' if delay else 'QEMU, no delay', text, command, skip=1)


# ---- Bochs ----

def section_bochs(results):
    if not shutil.which(bochs.PROGRAM):
        print('Bochs is not there: no figures')
        return
    rounds = 1 if results.options.quick else 5
    for way in ('dma', 'pio'):
        text, command = guest('--machine', 'bochs', '--append', f'ide={way}', '--disk',
                              'build/demo.ext2', './build/user/bench/cold', str(rounds), str(DEPTH),
                              '/mnt/0', timeout=600)
        add_cold_walks(results, 'bochs', f'bochs_{way}', f'Bochs, {way.upper()}', text, command,
                       GAIN_ON_BOCHS_AIM)
    size = os.path.getsize(os.path.join(BUILD, 'demo.ext2'))
    print(f'Bochs: {bochs.IPS:,} instructions a second, disk of {size:,} bytes')


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


def table(record, figures):
    versions = ', '.join(filter(None, record['versions'].values()))
    lines = [f'Measured {record["time"][:10]} at commit {record["commit"][:10]} by `{record["command"]}`,',
             f'with {versions}; {record["processors"]} processors, on which {record["load"][0]:.0f} '
             'programs were running at the start.']
    section = None
    for figure in figures:
        if figure['section'] != section:
            section = figure['section']
            lines += ['', f'**{section}**: `{figure["command"]}`', '',
                      '| | aim | Linux | ours | least to most |', '|---|---:|---:|---:|---|']
        mark = ' **missed**' if figure['met'] is False else ''
        lines.append(f'| {figure["what"]} | {number(figure["aim"])} | {number(figure["linux"])} | '
                     f'{number(figure["value"])} {figure["unit"]}{mark} | {spread(figure)} |')
    return '\n'.join(lines)


def document(path, record, figures):
    with open(path) as file:
        text = file.read()
    if BEGIN not in text or END not in text:
        raise Failure(f'{path} has no place for the figures')
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    with open(path, 'w') as file:
        file.write(f'{before}{BEGIN}\n{table(record, figures)}\n{END}{after}')


SECTIONS = {'counts': section_counts, 'processes': section_processes, 'boot': section_boot, 'memory': section_memory,
            'cold': section_cold, 'bochs': section_bochs}
QUICK_SECTIONS = ('counts', 'processes', 'boot', 'memory', 'cold')


def main():
    parser = argparse.ArgumentParser(prog='bench/run.py', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='few rounds, below a minute')
    parser.add_argument('--out', default=os.path.join(BUILD, 'results.json'), metavar='FILE')
    parser.add_argument('--document', metavar='FILE', help='put the figures into this file')
    parser.add_argument('sections', nargs='*', metavar='SECTION')
    options = parser.parse_args()
    wanted = options.sections or (QUICK_SECTIONS if options.quick else list(SECTIONS))
    if unknown := set(wanted) - set(SECTIONS):
        parser.error(f'no such section: {" ".join(unknown)}')
    results = Results(options)
    record = circumstances(options)
    print(Results.HEAD)
    try:
        for name in wanted:
            SECTIONS[name](results)
    except (Failure, subprocess.TimeoutExpired) as error:
        sys.exit(f'bench: {error}')
    missed = [figure['name'] for figure in results.figures if figure['met'] is False]
    print(f'* aims missed: {", ".join(missed)}' if missed else 'every aim is met')
    with open(options.out, 'w') as file:
        json.dump({**record, 'figures': results.figures}, file, indent=1)
    if options.document:
        document(options.document, record, results.figures)
    print(f'every sample: {os.path.relpath(options.out, os.getcwd())}')


main()
