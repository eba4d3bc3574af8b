"""Disks and ext2: listings and sums against debugfs, real interrupts, bad sectors, damaged images."""
import os
import re

from harness import ROOT, Failure, test



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


def listing(guest, name, sums=True, timeout=300):
    image = guest.image(name)
    wanted = reference(guest, image, sums)
    read = ['--read'] if sums else []
    for mode in (['--asys', '-j', '64'], ['--sync']):
        result = guest.run('walk', *mode, *read, '--list', '/mnt/0', options=['--disk', image],
                           timeout=timeout)
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
            listing(guest, name)
        run.__name__ = f'listing_{name}'
        test(f'walk lists and sums what debugfs does: {text}')(run)


declare_listings()


@test('walk lists what debugfs does: a sparse file of more than 4 GiB')
def listing_sparse(guest):
    listing(guest, 'sparse', sums=False)


@test('an image with an unknown incompatible feature is refused by name')
def refused_feature(guest):
    result = guest.start('ls', '/mnt/0', options=['--disk', guest.image('refused')])
    result.line(r'(?i)ext2.*(feature|incompat)', 'log')


@test("the interrupts are real: QEMU's trace has as many reads as the kernel says, each interrupted")
def interrupts_are_real(guest):
    trace = guest.path('trace')
    result = guest.run('walk', '--asys', '-j', '16', '--read', '/demo',
                       options=['--qemu', f'-trace ide_exec_cmd -D {trace}'])
    with open(trace) as file:
        reads = len(re.findall(r'cmd 0x(20|24|25|29|c4|c8)$', file.read(), re.MULTILINE))
    found = result.line(r'ata: requests=(\d+) commands=(\d+) .*irqs=(\d+) .*polled=(\d+)', 'log')
    requests, commands, interrupts, polled = (int(number) for number in found.groups())
    if reads != commands or commands > requests:
        raise Failure(f'QEMU saw {reads} reads, the kernel {commands} commands of {requests} requests')
    if interrupts < commands or polled:
        raise Failure(f'{interrupts} interrupts for {commands} commands, {polled} polled')
    if requests < 1000:
        raise Failure(f'only {requests} requests: was the cache cold?')


@test('PIO, where there is no bus master, reads the same')
def pio(guest):
    image = guest.image('small4k')
    result = guest.run('walk', '--asys', '-j', '16', '--read', '--list', '/mnt/0',
                       options=['--disk', image, '--append', 'ide=pio'])
    compare(result.stdout, reference(guest, image), 'by PIO')
    result.line(r'PIO', 'log')


@test('slow disks: with 5 ms for each read the asynchronous walk is right')
def slow_disk(guest):
    image = guest.image('small4k')
    result = guest.run('walk', '--asys', '-j', '16', '--read', '--list', '/mnt/0',
                       options=['--disk', image, '--delay', '5'])
    compare(result.stdout, reference(guest, image), 'with a delay')


@test('four disks fit, the root then being a module')
def four_disks(guest):
    image = guest.image('small1k')
    result = guest.run('ls', '/mnt/3', options=['--disk', image] * 4)
    result.line(r'boot: root file system on ram0', 'log')
    if not result.stdout:
        raise Failure('/mnt/3 is empty')


def first_sector(guest, image, path):
    """The sector of a file's second data block."""
    output = guest.host('env', 'PATH=' + os.environ['PATH'] + ':/usr/sbin:/sbin', 'debugfs', '-R',
                        f'blocks {path}', image)
    size = int(re.search(r'Block size: *(\d+)', guest.host(
        'env', 'PATH=' + os.environ['PATH'] + ':/usr/sbin:/sbin', 'dumpe2fs', '-h', image))[1])
    return int(re.findall(r'^[\d ]+$', output, re.MULTILINE)[-1].split()[1]) * size // 512


@test('a bad sector spoils the sum of its file only')
def bad_sector(guest):
    image = guest.image('blocks4k')
    wanted = reference(guest, image).split(b'\n')
    files = [line for line in wanted if line.startswith(b'f ') and int(line.split()[1]) > 200000]
    victim = files[len(files) // 2]
    path = victim.split(b' ', 5)[5].decode()
    sector = first_sector(guest, image, path[1:])
    rules = guest.file('rules', b'[inject-error]\nevent = "read_aio"\nerrno = "5"\n'
                       b'sector = "%d"\nonce = "off"\n' % sector)
    drive = f'-drive file=blkdebug:{rules}:{image},format=raw,if=ide,index=1,snapshot=on'
    for mode in (['--asys', '-j', '64'], ['--sync']):
        result = guest.run('walk', *mode, '--read', '--list', '/mnt/0', status=1,
                           options=['--qemu', drive])
        fields = victim.split(b' ')
        spoiled = b' '.join([*fields[:4], b'-', *fields[5:]])
        compare(result.stdout, b'\n'.join(spoiled if line == victim else line for line in wanted),
                f'bad sector {sector}, {mode[0]}')
        result.line(r'errors=1$', 'stderr')
        result.line(rf'ata1.*{sector}', 'log')


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
