"""Disks and ext2: listings and sums against debugfs, real interrupts, bad sectors, damaged images."""
import os
import re

from harness import ROOT, Failure, test, words
from guest import qemu

MACHINES = ('pc', 'q35')  # disks on IDE, and on AHCI
WAYS = (['--sync'], ['--asys', '-j', '64'], ['--ring', '-j', '64'], ['--chain', '-j', '64'],
        ['--syslet', '-j', '64'], ['--threadlet', '-j', '64'])


def reference(guest, image, sums=True):
    options = ['--sum'] if sums else []
    return guest.host(os.path.join(ROOT, 'tools/ext2-list'), *options, image, binary=True)


def compare(ours, wanted, what):
    if ours == wanted:
        return
    pairs = zip(ours.split(b'\n') + [b'(end)'], wanted.split(b'\n') + [b'(end)'])
    number, (mine, theirs) = next((n, p) for n, p in enumerate(pairs, 1) if p[0] != p[1])
    raise Failure(f'{what}: line {number} is\n    {mine.decode(errors="replace")}\n  instead of\n    '
                  f'{theirs.decode(errors="replace")}')


def listing(guest, name, sums=True, timeout=300, machine=qemu.DEFAULT_MACHINE, ways=WAYS):
    image = guest.image(name)
    wanted = reference(guest, image, sums)
    read = ['--read'] if sums else []
    for mode in ways:
        result = guest.run('walk', *mode, *read, '--list', '/mnt/0', timeout=timeout,
                           options=['--machine', machine, '--disk', image])
        compare(result.stdout, wanted, f'{name}, {mode[0]}')
        result.line(r'errors=0$', 'stderr')


def declare_listings():
    about = {'blocks1k': 'files at every boundary of the indirect levels, 1 KiB blocks',
             'blocks2k': 'the same with 2 KiB blocks', 'blocks4k': 'the same with 4 KiB blocks',
             'inode256': 'inodes of 256 bytes', 'revision0': 'revision 0',
             'indexed': 'indexed directories', 'inodes70k': '70,000 inodes',
             'small1k': 'an image smaller than a group', 'partitioned': 'a disk with partitions'}
    for name, text in about.items():
        def run(guest, name=name):
            listing(guest, name, ways=WAYS[:2] if name == 'inodes70k' else WAYS)
        run.__name__ = f'listing_{name}'
        test(f'walk lists and sums what debugfs does: {text}')(run)


declare_listings()


@test('walk lists and sums what debugfs does on the other machine too: IDE')
def listing_on_pc(guest):
    listing(guest, 'blocks1k', machine='pc', ways=WAYS[:2])


@test('walk lists what debugfs does: a sparse file of more than 4 GiB')
def listing_sparse(guest):
    listing(guest, 'sparse', sums=False)


@test('an image with an unknown incompatible feature is refused by name')
def refused_feature(guest):
    result = guest.start('ls', '/mnt/0', options=['--disk', guest.image('refused')])
    result.line(r'(?i)ext2.*(feature|incompat)', 'log')


def trace_reads(text):
    """QEMU's trace: how many queued reads, others, and FPDMA frames it shows."""
    others = len(re.findall(r'ide_exec_cmd .* cmd 0x(?:20|24|25|29|c4|c8)$', text, re.MULTILINE))
    queued = len(re.findall(r'^process_ncq_command ', text, re.MULTILINE))
    frames = len(re.findall(r'^0x00: 27 80 60 ', text, re.MULTILINE))
    return queued, others, frames


def interrupts_are_real(guest, machine):
    trace = guest.path('trace')
    events = ['ide_exec_cmd', 'process_ncq_command', 'handle_cmd_fis_dump']
    result = guest.run('walk', '--asys', '-j', '16', '--read', '/demo', options=[
        '--machine', machine, '--qemu',
        ' '.join(f'-trace {event}' for event in events) + f' -D {trace}'])
    with open(trace) as file:
        queued, others, frames = trace_reads(file.read())
    found = result.line(r'ata: requests=(\d+) commands=(\d+) .*irqs=(\d+) coalesced=(\d+) '
                        r'polled=(\d+)', 'log')
    requests, commands, interrupts, coalesced, polled = (int(number) for number in found.groups())
    if queued + others != commands or commands > requests:
        raise Failure(f'QEMU saw {queued + others} reads, the kernel {commands} commands of {requests} '
                      'requests')
    if (machine == 'q35' and queued != commands) or frames != queued:
        raise Failure(f'of {commands} commands {queued} were queued, {frames} READ FPDMA QUEUED')
    if interrupts + coalesced < commands or polled or interrupts < commands // 50:
        raise Failure(f'{interrupts} interrupts and {coalesced} ends with them for {commands} commands, '
                      f'{polled} polled')
    if requests < 1000:
        raise Failure(f'only {requests} requests: was the cache cold?')


for _machine in MACHINES:
    def _run(guest, machine=_machine):
        interrupts_are_real(guest, machine)
    _run.__name__ = f'interrupts_are_real_{_machine}'
    test("the interrupts are real: QEMU's trace has as many reads as the kernel says, each interrupted: "
         + _machine)(_run)


@test('PIO, where there is no bus master, reads the same')
def pio(guest):
    image = guest.image('small4k')
    result = guest.run('walk', '--asys', '-j', '16', '--read', '--list', '/mnt/0',
                       options=['--machine', 'pc', '--disk', image, '--append', 'ide=pio'])
    compare(result.stdout, reference(guest, image), 'by PIO')
    result.line(r'PIO', 'log')


@test('slow disks: with 5 ms for each read the asynchronous walk is right')
def slow_disk(guest):
    image = guest.image('small4k')
    result = guest.run('walk', '--asys', '-j', '16', '--read', '--list', '/mnt/0',
                       options=['--disk', image, '--delay', '5'])
    compare(result.stdout, reference(guest, image), 'with a delay')


@test('as many disks fit as the machine has places, the root then being a module')
def all_places(guest):
    image = guest.image('small1k')
    for machine in MACHINES:
        count = qemu.DISK_SLOTS[machine]
        result = guest.run('ls', f'/mnt/{count - 1}',
                           options=['--machine', machine] + ['--disk', image] * count)
        result.line(r'boot: root file system on ram0', 'log')
        if not result.stdout:
            raise Failure(f'/mnt/{count - 1} is empty')


def first_sector(guest, image, path):
    """The sector of a file's second data block."""
    output = guest.host('env', 'PATH=' + os.environ['PATH'] + ':/usr/sbin:/sbin', 'debugfs', '-R',
                        f'blocks {path}', image)
    size = int(re.search(r'Block size: *(\d+)', guest.host(
        'env', 'PATH=' + os.environ['PATH'] + ':/usr/sbin:/sbin', 'dumpe2fs', '-h', image))[1])
    return int(re.findall(r'^[\d ]+$', output, re.MULTILINE)[-1].split()[1]) * size // 512


def bad_sector(guest, machine):
    image = guest.image('blocks4k')
    wanted = reference(guest, image).split(b'\n')
    files = [line for line in wanted if line.startswith(b'f ') and int(line.split()[1]) > 200000]
    victim = files[len(files) // 2]
    path = victim.split(b' ', 5)[5].decode()
    sector = first_sector(guest, image, path[1:])
    rules = guest.file('rules', b'[inject-error]\nevent = "read_aio"\nerrno = "5"\n'
                       b'sector = "%d"\nonce = "off"\n' % sector)
    drive = words.join(qemu.drive(1, f'blkdebug:{rules}:{image}', machine))
    for mode in WAYS:
        result = guest.run('walk', *mode, '--read', '--list', '/mnt/0', status=1,
                           options=['--machine', machine, '--qemu', drive])
        fields = victim.split(b' ')
        spoiled = b' '.join([*fields[:4], b'-', *fields[5:]])
        compare(result.stdout, b'\n'.join(spoiled if line == victim else line for line in wanted),
                f'bad sector {sector}, {mode[0]}')
        result.line(r'errors=1$', 'stderr')
        result.line(rf'ata1.*{sector}', 'log')


for _machine in MACHINES:
    def _run(guest, machine=_machine):
        bad_sector(guest, machine)
    _run.__name__ = f'bad_sector_{_machine}'
    test(f'a bad sector spoils the sum of its file only: {_machine}')(_run)


def damaged(guest, name, count):
    directory = guest.path('damaged')
    os.mkdir(directory)
    said = guest.host(os.path.join(ROOT, 'tools/damage-image'), guest.seed, count, guest.image(name),
                      directory)
    images = sorted(os.path.join(directory, file) for file in os.listdir(directory))
    for at in range(0, len(images), 3):
        disks = [word for image in images[at:at + 3] for word in ('--disk', image)]
        result = guest.start('walk', '--asys', '-j', '16', '--read', '/mnt', options=disks, timeout=120)
        if result.status not in (0, 1):
            lines = said.splitlines()[at:at + 3]
            raise Failure(f'seed {guest.seed}, images {at} to {at + 2}: exited with {result.status}\n    '
                          + '\n    '.join(lines) + '\n' + result.stderr.decode(errors='replace')[-2000:])


@test('a hundred damaged images, three at a time, neither panic nor hang')
def damaged_images(guest):
    damaged(guest, 'small1k', 50)
    os.rename(guest.path('damaged'), guest.path('damaged-1k'))
    damaged(guest, 'small4k', 50)
