"""Disks at depth: many reads under way at an AHCI disk, and what becomes of them when the disk errs."""
import contextlib
import os
import random
import re
import shutil
import threading
import time

from harness import BUILD, ROOT, Failure, Skip, cases, check_cases, parse_counters, test, words
from guest import qemu

WALK = ['walk', '--asys', '-j', '64', '--read', '--list', '/mnt/0']
TREE = os.path.join(BUILD, 'root.ext2')  # 7,000 files: some thousand requests, however they are merged
references, references_lock = {}, threading.Lock()


def reference(guest, image):
    with references_lock:
        if image not in references:
            references[image] = guest.host(os.path.join(ROOT, 'tools/ext2-list'), '--sum', image,
                                           binary=True)
        return references[image]


def same(result, wanted, what):
    if result.stdout != wanted:
        raise Failure(f'{what}: the list differs from what debugfs says')


def disk_counters(result, name):
    return parse_counters(result.line(rf'disk: {name} .*', 'log')[0])


def reads_at_once(log):
    """By the file that nbdkit's filter `log` writes: a line for each read that begins or ends."""
    now = most = 0
    with open(log) as file:
        for line in file:
            now += bool(re.search(r' Read id=', line)) - bool(re.search(r' \.\.\.Read id=', line))
            most = max(most, now)
    return most


def needs_nbdkit():
    if not shutil.which('nbdkit'):
        raise Skip('nbdkit is not there')


@test('32 reads are under way at once, at an AHCI disk that takes 5 ms for each, in QEMU itself')
def depth_of_32(guest):
    report = guest.path('report')
    result = guest.run(*WALK, environment={'SLOW_PREAD_REPORT': report}, options=[
        '--machine', 'q35', '--disk', TREE, '--delay', 5, '--delay-by', 'pread'])
    same(result, reference(guest, TREE), 'with a delay in pread')
    with open(report) as file:
        most = parse_counters(file.read())['most_at_once']
    ours = disk_counters(result, 'ata1')['inflight_max']
    if most != 32 or ours != 32:
        raise Failure(f'{most} reads at once in QEMU, {ours} by our count, instead of 32')


@test('behind an NBD server that takes 5 ms for each read the walk is right, and deep')
def depth_behind_nbd(guest):
    needs_nbdkit()
    log = guest.path('requests')
    with contextlib.ExitStack() as stack:
        url = qemu.served(stack, TREE, guest.path('socket'), 'log', f'logfile={log}',
                          'delay-read=5ms', filters=['delay'])
        result = guest.run(*WALK, options=['--machine', 'q35', '--qemu',
                                           words.join(qemu.drive(1, url, 'q35'))])
    same(result, reference(guest, TREE), 'with a delay')
    most = reads_at_once(log)
    ours = disk_counters(result, 'ata1')['inflight_max']
    if most != 16 or ours < 16:
        raise Failure(f'{most} reads at once at the server, {ours} by our count, instead of 16')


def lines_of(text):
    return text.split(b'\n')[:-1]  # (names may have carriage returns in them)


def right_or_eio(result, wanted, what):
    """Every line of the list is the wanted one, but for sums that are - because of an EIO."""
    by_path = {line.split(b' ', 5)[-1]: line for line in lines_of(wanted)}
    for line in lines_of(result.stdout):
        parts = line.split(b' ', 5)
        right = by_path.get(parts[-1], b'').split(b' ', 5)
        if line.split(b' ', 5) != right and (parts[4] != b'-' or parts[:4] != right[:4]):
            raise Failure(f'{what}: wrong line {line!r}')
    said = re.findall(r'^walk: (/.*): (\w+)$', result.stderr.decode(errors='replace'), re.MULTILINE)
    others = [error for error in said if error[1] != 'EIO']
    if others:
        raise Failure(f'{what}: another error than EIO: {others[0]}')
    if result.status not in (0, 1):
        raise Failure(f'{what}: exited with {result.status}')
    missing = len(by_path) - len(lines_of(result.stdout))
    if missing and not said:
        raise Failure(f'{what}: {missing} lines are missing, and no error is told')


def create_when_mounted(path, log, line):
    """Makes the file as soon as the kernel's log says that the disk has been mounted."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if os.path.exists(log):
            with open(log, errors='replace') as file:
                if line in file.read():
                    break
        time.sleep(0.01)
    else:
        return
    with open(path, 'wb'):
        pass


def random_errors(guest, machine, rate):
    needs_nbdkit()
    wanted = reference(guest, TREE)
    with contextlib.ExitStack() as stack:
        errors = guest.path('errors')
        url = qemu.served(stack, TREE, guest.path('socket'), 'error', f'error-pread-rate={rate}%',
                          f'error-file={errors}')
        drive = words.join(qemu.drive(1, url, machine))
        watcher = threading.Thread(target=create_when_mounted, daemon=True, args=(
            errors, guest.path(f'log{len(guest.commands)}'), '/mnt/0: ext2 on ata1'))
        watcher.start()
        result = guest.start(*WALK, options=['--machine', machine, '--qemu', drive], timeout=200)
    if not os.path.exists(errors) or not result.stdout:
        raise Failure('not mounted')
    right_or_eio(result, wanted, f'{rate} % errors, {machine}')
    counters = parse_counters(result.line(r'ata: requests=.*', 'log')[0])
    if counters['commands'] <= counters['requests']:
        raise Failure('no errors at all')


def declare(name, about, function, *arguments):
    def run(guest):
        function(guest, *arguments)
    run.__name__ = name
    test(about)(run)


for _machine in ('q35', 'pc'):
    for _rate in (1, 10, 50):
        declare(f'random_errors_{_machine}_{_rate}', f'{_rate} % of the reads fail: each call gets its '
                f'data or EIO ({_machine})', random_errors, _machine, _rate)


def fault(guest, machine, word, wanted_counter):
    result = guest.run(*WALK, options=[
        '--machine', machine, '--disk', TREE, '--append', f'ata-fault={word}@ata1 ata-limit=400'])
    same(result, reference(guest, TREE), word)
    counters = parse_counters(result.line(r'ata: requests=.*', 'log')[0])
    if not counters[wanted_counter]:
        raise Failure(f'{word}: nothing happened: {counters}')


for _machine in ('q35', 'pc'):
    for _name, _word, _about in (
            ('dropped_ends', 'drop:100', 'one end of a read in a hundred gets lost'),
            ('short_reads', 'short:20', 'one read in twenty gives only a part of its data'),
            ('silent_for_a_while', 'silent:300:900', 'a disk falls silent and comes back')):
        declare(f'{_name}_{_machine}', f'{_about}: all is read ({_machine})', fault, _machine, _word,
                'resets')


@test('a disk that falls silent for ever is given up within the stated limit; the rest gets EIO')
def silent_for_ever(guest):
    wanted = reference(guest, TREE)
    for machine, words_ in (('q35', ''), ('pc', ' ata-limit=500')):
        result = guest.run(*WALK, status=1, timeout=70, options=[
            '--machine', machine, '--disk', TREE, '--append',
            'ata-fault=silent-after:300@ata1' + words_])
        right_or_eio(result, wanted, machine)
        result.line(r'ata1: does not answer any more: given up', 'log')
        seconds = parse_counters(result.line(r'walk: mode=.*', 'stderr')[0])['seconds']
        if seconds > 61:
            raise Failure(f'{seconds} s until the end: the stated limit is 61')


@test('a task with 64 reads at a disk that never answers is killed at once, and leaves nothing')
def kill_pending(guest):
    guest.run('t-kill-pending', 64, timeout=30).line(r'^cancelled=64 leak=0 ')
    for machine in ('q35', 'pc'):
        result = guest.run('t-kill-pending', 64, timeout=30, options=[
            '--machine', machine, '--disk', guest.image('blocks4k')])
        result.line(r'^cancelled=64 leak=0 ')


@test('the disk that somebody was killed over goes on when it answers again: three times in one boot')
def kill_pending_again(guest):
    for machine, disks in (('q35', []), ('pc', []), ('q35', ['--disk', guest.image('small1k')])):
        result = guest.run_without_leak('t-kill-pending', 64, timeout=60, options=[
            '--machine', machine, *disks, '--append', 'ata-limit=400'])
        lines = re.findall(rb'^cancelled=64 leak=0 ', result.stdout, re.MULTILINE)
        if len(lines) != 3:
            raise Failure(f'{machine} {disks}: {len(lines)} times instead of 3')


@test('both controllers in one machine: a disk on IDE, another one on AHCI')
def both_controllers(guest):
    image = guest.image('small4k')
    more = ['-device', 'ahci,id=more', '-drive',
            f'file={qemu.escape(image)},format=raw,snapshot=on,if=none,id=second',
            '-device', 'ide-hd,drive=second,bus=more.3']
    result = guest.run(*WALK, options=['--machine', 'pc', '--qemu', words.join(more)])
    same(result, reference(guest, image), 'on AHCI beside IDE')
    result.line(r'ata0: ide0 ', 'log')
    result.line(r'ata1: sata0 .*depth 32', 'log')


@test('ahci=single: one command at a time, READ DMA EXT, merged; ahci=off: no disk')
def ahci_words(guest):
    image, trace = guest.image('small4k'), guest.path('trace')
    result = guest.run(*WALK, options=[
        '--machine', 'q35', '--disk', image, '--append', 'ahci=single', '--qemu',
        f'-trace process_ncq_command -trace ide_exec_cmd -D {trace}'])
    same(result, reference(guest, image), 'without a queue')
    if disk_counters(result, 'ata1')['inflight_max'] != 1:
        raise Failure('more than one command at a time')
    with open(trace) as file:
        text = file.read()
    commands = parse_counters(result.line(r'ata: requests=.*', 'log')[0])['commands']
    if 'process_ncq' in text or len(re.findall(r'cmd 0x(?:25|c8)$', text, re.MULTILINE)) != commands:
        raise Failure('other commands than those that were counted')
    result = guest.start('ls', '/', options=['--machine', 'q35', '--append', 'ahci=off'])
    result.line(r'boot: cannot use ata0', 'log')


def sequential_reads(guest, machine):
    """Sectors of each command that read a file of 16 MiB in sequence, by QEMU's trace."""
    trace, image = guest.path(f'trace-{machine}'), guest.path('image')
    if not os.path.exists(image):
        os.mkdir(guest.path('data'))
        guest.file('data/large', random.Random(guest.seed).randbytes(16 << 20))
        guest.host(os.path.join(ROOT, 'tools/mkext2'), '-o', image, f'data={guest.path("data")}')
    wanted = guest.host('sha256sum', guest.path('data/large')).split()[0]
    result = guest.run('sha256sum', '/mnt/0/data/large', options=[
        '--machine', machine, '--disk', image, '--qemu',
        f'-trace process_ncq_command -trace ide_sector_read -trace ide_dma_cb -D {trace}'])
    result.line(rf'^{wanted} ')
    with open(trace) as file:
        text = file.read()
    if machine == 'q35':
        pairs = re.findall(r'process_ncq_command .*\[1\]\[tag:.* sectors \[(\d+),(\d+)\]', text)
        return [int(last) - int(first) + 1 for first, last in pairs]
    return [int(count) for count in re.findall(r'ide_dma_cb .* n=(\d+)', text) if int(count) > 256]


@test('a file that is read in sequence is read by commands of up to 1 MiB')
def large_reads_in_sequence(guest):
    for machine in ('q35', 'pc'):
        sizes = sequential_reads(guest, machine)
        large = sum(size for size in sizes if size >= 1024)
        if max(sizes) != 2048 or large < 16 << 10:
            raise Failure(f'{machine}: {large} of 32768 sectors by large commands, of at most {max(sizes)}')


@test('the machine is q35 if nobody says otherwise, and pc for MACHINE=pc')
def machine_by_default(guest):
    for environment, port in (({'MACHINE': ''}, 'sata0'), ({'MACHINE': 'pc'}, 'ide0')):
        guest.run('true', environment=environment).line(rf'ata0: {port} ', 'log')


@test('whoever waits for a silent disk, in whatever call, is killed at once')
def kill_blocked(guest):
    image, other = guest.image('blocks4k'), guest.image('small1k')
    for machine, where, disk, images in (('q35', '/mnt/0', 'ata1', [image]),
                                         ('pc', '/mnt/1', 'ata2', [other, image])):
        result = guest.run_without_leak('t-kill-blocked', where, disk, runs=2, options=[
            '--machine', machine, *[word for path in images for word in ('--disk', path)]])
        check_cases(result, cases('t-kill-blocked'))


def part_of_list(stdout, name):
    """The lines of a list of /mnt that belong to one disk, as if it had been listed alone."""
    below = [line.split(b' ', 5) for line in lines_of(stdout)]
    return b''.join(b' '.join([*fields[:5], b'./' + fields[5][len(name) + 3:]]) + b'\n'
                    for fields in below if fields[5].startswith(b'./' + name + b'/'))


@test('of three disks that are read together one falls silent: the others are right')
def silent_disk_beside_others(guest):
    images = [guest.image(name) for name in ('blocks4k', 'blocks1k', 'blocks2k')]
    disks = [word for image in images for word in ('--disk', image)]
    result = guest.run('walk', '--asys', '-j', '64', '--read', '--list', '/mnt', status=1, options=[
        '--machine', 'q35', *disks, '--append', 'ata-fault=silent-after:30@ata2 ata-limit=500'])
    result.line(r'ata2: does not answer any more: given up', 'log')
    for name, image in ((b'0', images[0]), (b'2', images[2])):
        if part_of_list(result.stdout, name) != reference(guest, image):
            raise Failure(f'the list of /mnt/{name.decode()} differs from what debugfs says')
    result.stdout = part_of_list(result.stdout, b'1')
    right_or_eio(result, reference(guest, images[1]), 'the silent one')
