"""The way from a disk to a program: what is read ahead, direct reads, the page cache."""
from harness import cases, check_cases, test


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
