"""The way from a disk to a program: what is read ahead, direct reads, the page cache."""
from harness import cases, check_cases, test


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
