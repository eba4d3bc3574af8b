"""Sections of bench/run.py that are about disks: walks and reads with cold caches, by turns in one run of
the machine (user/bench/turns.c), beside what reading the disk directly takes."""
import math
import os
import re
import shutil
import statistics

from measure import BUILD, ROOT, Failure, guest, output_of
from guest import bochs

TURNS = './build/user/bench/turns'
DEPTH = 64             # calls in flight
DEPTH_ON_IDE = 256
GAIN_ON_BOCHS_AIM = 2.0
REPLAY_AIM = 1.1       # times the replay of exactly the blocks that are needed
ROUNDS = 6             # the first is left out: in it the emulator translates the code
LINE = re.compile(r'^turn: (.*)$', re.MULTILINE)
DELAYS = (('none', 0), ('nbd', 5), ('pread', 1), ('pread', 5))  # who makes reads slow, milliseconds


def delay_options(by, milliseconds):
    return ['--delay', str(milliseconds), '--delay-by', by] if milliseconds else []


def delay_text(by, milliseconds):
    return f'{milliseconds} ms a read, {16 if by == "nbd" else 32} at once' if milliseconds else 'no delay'


def image(name):
    return output_of(['tools/make-test-images', name], 900).strip()


def take_turns(options, rounds, jobs, skip=1, timeout=600):
    """{job: its lines} of so many rounds, and the command."""
    text, command = guest(*options, TURNS, str(rounds), *jobs, timeout=timeout)
    jobs = [job for job in jobs if not job.startswith('read-ahead:')]
    turns = {job: [] for job in jobs}
    for line in LINE.findall(text.replace('\r', '')):
        words = dict(word.split('=', 1) for word in line.split())
        turns[words['job']].append(words)
    for job in jobs:
        if len(turns[job]) != rounds:
            raise Failure(f'{command}: {job} was not done {rounds} times:\n{text}')
        turns[job] = turns[job][skip:]
    return turns, command


def seconds(lines):
    return [float(line['seconds']) for line in lines]


def quotients(above, below):
    return [round(a / b, 3) for a, b in zip(seconds(above), seconds(below))]


def median_of(lines, word):
    return round(statistics.median(float(line[word]) for line in lines))


def add_times(results, section, name, what, lines, command, **more):
    """A row of times, with the median of the requests that it took."""
    what = f'{what}; requests {median_of(lines, "requests"):,}, merged {median_of(lines, "merged"):,}'
    results.add(section, name, what, 's', seconds(lines), command, **more)
    results.figures[-1]['lines'] = lines


def add_both_walks(results, section, name, what, turns, command, aim=None):
    sync, asys = turns.values()
    add_times(results, section, f'{name}_sync', f'cold walk, {what}, sync', sync, command)
    add_times(results, section, f'{name}_asys', f'cold walk, {what}, asys', asys, command)
    results.add(section, f'{name}_gain', f'cold walk, {what}, gain', 'times', quotients(sync, asys),
                command, aim, better='more')


# ---- The demo's tree ----

def section_cold(results):
    if not shutil.which('nbdkit'):
        print('cold walks with delay: nbdkit is not there')
    for machine, depth in (('q35', DEPTH), ('pc', DEPTH_ON_IDE)):
        for delay in (0, 5):
            if delay and (not shutil.which('nbdkit') or results.options.quick):
                continue
            options = ['--machine', machine, *delay_options('nbd', delay), '--disk', 'build/demo.ext2']
            rounds = 2 if results.options.quick else ROUNDS
            turns, command = take_turns(options, rounds, ['sync:/mnt/0', f'asys:{depth}:/mnt/0'])
            add_both_walks(results, 'cold', f'cold_{machine}_{delay}ms',
                           f'{machine}, {delay_text("nbd", delay)}', turns, command)


def section_bochs(results):
    if not shutil.which(bochs.PROGRAM):
        print('Bochs is not there: no figures')
        return
    rounds = 1 if results.options.quick else 5
    for way in ('dma', 'pio'):
        for on in (0, 1):
            options = ['--machine', 'bochs', '--append', f'ide={way}', '--disk', 'build/demo.ext2']
            jobs = [f'read-ahead:{on}', 'sync:/mnt/0', f'asys:{DEPTH_ON_IDE}:/mnt/0']
            turns, command = take_turns(options, rounds, jobs, 0)
            add_both_walks(results, 'bochs', f'bochs_{way}' + '_ahead' * on,
                           f'{way.upper()}, {"with" if on else "no"} read-ahead', turns, command,
                           None if on else GAIN_ON_BOCHS_AIM)
    size = os.path.getsize(os.path.join(BUILD, 'demo.ext2'))
    print(f'Bochs: {bochs.IPS:,} instructions a second, disk of {size:,} bytes')


# ---- A tree of 16,000 entries, beside what reading its blocks directly takes ----

def scattered(lines):
    """In an order in which neighbours are far apart: the request queue would make one command of two that
    wait at once, and the replay is to need as many as there are."""
    step = next(n for n in range(round(len(lines) * 0.618), 2 * len(lines)) if math.gcd(n, len(lines)) == 1)
    return [lines[i * step % len(lines)] for i in range(len(lines))]


def make_runs(path, *options, scatter=True):
    """A list of runs for the guest in a file, and how many runs there are."""
    directory = os.path.join(BUILD, 'bench')
    os.makedirs(directory, exist_ok=True)
    runs = output_of(['bench/walk-runs', '--quiet', *options, path], 300).splitlines()
    name = 'runs' + ''.join(options).replace('-', '').replace('/', '')
    with open(os.path.join(directory, name), 'w') as file:
        file.writelines(line + '\n' for line in (scattered(runs) if scatter else runs))
    return os.path.relpath(file.name, ROOT), len(runs)


def section_depth(results):
    tree = image('tree16k')
    exact, exact_count = make_runs(tree)
    gaps, gaps_count = make_runs(tree, '--gap', '8')
    jobs = {'sync': 'sync:/mnt/0', 'asys': f'asys:{DEPTH}:/mnt/0',
            'exact': f'replay:{DEPTH}:/dev/ata1:/tmp/{os.path.basename(exact)}',
            'gaps': f'replay:{DEPTH}:/dev/ata1:/tmp/{os.path.basename(gaps)}'}
    for by, delay in DELAYS:
        if by == 'nbd' and not shutil.which('nbdkit'):
            continue
        options = ['--mem', '768', *delay_options(by, delay), '--disk', tree, '--file', exact, '--file',
                   gaps]
        turns, command = take_turns(options, ROUNDS, list(jobs.values()))
        lines = {name: turns[job] for name, job in jobs.items()}
        what, name = delay_text(by, delay), f'depth_{by}_{delay}ms'
        add_times(results, 'depth', f'{name}_sync', f'walk, {what}, sync', lines['sync'], command)
        add_times(results, 'depth', f'{name}_asys', f'walk, {what}, asys', lines['asys'], command)
        add_times(results, 'depth', f'{name}_exact', f'{exact_count:,} runs read directly, {what}',
                  lines['exact'], command)
        add_times(results, 'depth', f'{name}_gaps', f'{gaps_count:,} runs through gaps, {what}',
                  lines['gaps'], command)
        results.add('depth', f'{name}_gain', f'walk, {what}, sync against asys', 'times',
                    quotients(lines['sync'], lines['asys']), command)
        results.add('depth', f'{name}_replay', f'walk, {what}, asys against {exact_count:,} runs', 'times',
                    quotients(lines['asys'], lines['exact']), command, REPLAY_AIM if delay else None)


def section_read(results):
    tree = image('tree16k')
    for by, delay in (('none', 0), ('pread', 1)):
        options = ['--mem', '768', *delay_options(by, delay), '--disk', tree]
        jobs = ['read-sync:/mnt/0', f'read-asys:{DEPTH}:/mnt/0']
        turns, command = take_turns(options, ROUNDS, jobs, timeout=900)
        sync, asys = turns.values()
        what, name = delay_text(by, delay), f'read_{delay}ms'
        add_times(results, 'read', f'{name}_sync', f'read all files, {what}, sync', sync, command)
        add_times(results, 'read', f'{name}_asys', f'read all files, {what}, asys', asys, command)
        results.add('read', f'{name}_gain', f'read all files, {what}, gain', 'times',
                    quotients(sync, asys), command)


# ---- One file from end to end ----

def section_stream(results):
    disk = image('stream256m')
    runs, _ = make_runs(disk, '--file', '/stream', scatter=False)
    jobs = ['stream:65536:/mnt/0/stream', f'replay:16:/dev/ata1:/tmp/{os.path.basename(runs)}',
            'warm-stream:65536:/mnt/0/stream']
    for by, delay in (('none', 0), ('pread', 1), ('pread', 5)):
        options = ['--mem', '768', *delay_options(by, delay), '--disk', disk, '--file', runs]
        turns, command = take_turns(options, ROUNDS, jobs)
        stream, direct, warm = turns.values()
        what, name = delay_text(by, delay), f'stream_{delay}ms'
        add_times(results, 'stream', f'{name}_read', f'256 MiB by read(), {what}', stream, command)
        add_times(results, 'stream', f'{name}_direct', f'the same directly, 16 reads of 1 MiB, {what}',
                  direct, command)
        add_times(results, 'stream', f'{name}_warm', 'the same from the cache', warm, command)
        bound = [{'seconds': max(a, b)} for a, b in zip(seconds(direct), seconds(warm))]
        results.add('stream', f'{name}_ratio', f'by read(), {what}, against the slower of the two',
                    'times', quotients(stream, bound), command)


# ---- Trees of three sizes ----

def section_scale(results):
    for size in ('10k', '30k', '100k'):
        tree = image(f'tree{size}')
        for by, delay in (('none', 0), ('pread', 1)):
            options = ['--mem', '768', *delay_options(by, delay), '--disk', tree]
            jobs = ['sync:/mnt/0', f'asys:{DEPTH}:/mnt/0']
            turns, command = take_turns(options, ROUNDS, jobs, timeout=900)
            for way, lines in zip(('sync', 'asys'), turns.values()):
                entries = median_of(lines, 'things')
                samples = [round(second / entries * 1e6, 3) for second in seconds(lines)]
                requests = median_of(lines, 'requests')
                results.add('scale', f'scale_{size}_{delay}ms_{way}',
                            f'{entries:,} entries, {delay_text(by, delay)}, {way}; requests {requests:,}',
                            'µs an entry', samples, command)
                results.figures[-1]['lines'] = lines


SECTIONS = {'cold': section_cold, 'depth': section_depth, 'bochs': section_bochs,
            'stream': section_stream, 'read': section_read, 'scale': section_scale}
