"""The way from a disk to a program: what is read ahead, direct reads, the page cache."""
import re
import shutil

from harness import Failure, cases, check_cases, test


def not_in_flight(program):
    return [name for name in cases(program) if not name.startswith('in_flight')]


def disks(guest, *names):
    return [word for name in names for word in ('--disk', guest.image(name))]


@test('reading ahead: files, directories, what a walker wants next; counted, bounded, switched off')
def read_ahead(guest):
    check_cases(guest.run('t-read-ahead', options=disks(guest, 'blocks4k', 'indexed')),
                cases('t-read-ahead'))


@test('reading ahead in a machine with 16 MiB: hardly anything is read in vain')
def read_ahead_mem_16(guest):
    check_cases(guest.run('t-read-ahead', options=[*disks(guest, 'blocks4k', 'indexed'), '--mem', 16]),
                cases('t-read-ahead'))


@test('direct reads: the same bytes as through the cache, past it; alignment, bad memory, vectors')
def direct_reads(guest):
    names = not_in_flight('t-direct')
    for machine in ('q35', 'pc'):
        options = ['--machine', machine, *disks(guest, 'blocks4k', 'blocks1k')]
        check_cases(guest.run_without_leak('t-direct', *names, runs=2, options=options), names)


@test('direct reads under way while their memory is forked, unmapped, closed under them, left')
def direct_reads_in_flight(guest):
    names = [name for name in cases('t-direct') if name.startswith('in_flight')]
    options = [*disks(guest, 'blocks4k'), '--delay', 100, '--delay-by', 'pread']
    check_cases(guest.run_without_leak('t-direct', *names, runs=2, options=options), names)


def check_cache(guest, *names, options):
    check_cases(guest.run('t-cache', *names, options=options), names)


@test('finding a page or a name costs the same among many as among few')
def cache_look_up(guest):
    check_cache(guest, 'finding_a_page_costs_the_same', 'finding_a_name_costs_the_same',
                options=['--icount'])


@test('hundreds who want the same page, inode or pages at once read each once')
def cache_wanted_by_many(guest):
    names = 'one_page_is_read_once', 'one_inode_is_read_once', 'many_pages_by_many'
    for delay in [], ['--delay', 5, '--delay-by', 'pread']:
        check_cache(guest, *names, options=[*disks(guest, 'blocks4k'), *delay])


@test('a cache in little memory: more files than fit, what is used stays, programs get what they want')
def cache_in_little_memory(guest):
    names = 'more_files_than_memory', 'used_pages_stay', 'cache_gives_way_to_programs'
    for memory in 16, 32:
        check_cache(guest, *names, options=[*disks(guest, 'blocks4k'), '--mem', memory])


def last_blocks(guest, image):
    """(offset of the first byte behind the end, how many there are in the last block) of each file."""
    with open(image, 'rb') as file:
        file.seek(1024 + 24)
        size_of_block = 1024 << int.from_bytes(file.read(4), 'little')
    files = re.findall(r'^f (\d+) \S+ (\d+) ', guest.host('tools/ext2-list', image), re.MULTILINE)
    for size, inode in {(int(size), inode) for size, inode in files if int(size) % size_of_block}:
        blocks = guest.host('/usr/sbin/debugfs', '-R', f'bmap <{inode}> {size // size_of_block}', image)
        block = int(blocks.split()[-1])
        if block:
            yield block * size_of_block + size % size_of_block, size_of_block - size % size_of_block


@test('a mapped last page shows zeros behind the end of the file, whatever lies there on the disk')
def behind_the_end(guest):
    names = 'behind_the_end_are_zeros', 'behind_the_end_are_zeros_of_a_read_disk'
    for name in 'small4k', 'small1k':
        image = guest.path(name)
        shutil.copy(guest.image(name), image)
        places = list(last_blocks(guest, image))
        with open(image, 'r+b') as file:
            for offset, length in places:
                file.seek(offset)
                file.write(b'\xee' * length)
        if len(places) < 10:
            raise Failure(f'{name} has too few files that end within a block')
        check_cache(guest, *names, options=['--disk', image])
