"""docs/abi.md, the list of all system calls: that it is the one the sources give, and that it is true."""
import os
import re

from harness import ROOT, Failure, test

DOCUMENT = os.path.join(ROOT, 'docs/abi.md')


@test('docs/abi.md is what the sources give')
def abi_document(guest):
    made = guest.path('abi.md')
    guest.host(os.path.join(ROOT, 'tools/mkabi.py'), made)
    with open(made) as new, open(DOCUMENT) as old:
        if new.read() != old.read():
            raise Failure('docs/abi.md is not up to date: make abi')


def ranges(numbers):
    """Numbers as words of the kind FIRST-LAST."""
    numbers, words = sorted(numbers), []
    for number in numbers:
        if words and words[-1][1] == number - 1:
            words[-1][1] = number
        else:
            words.append([number, number])
    return [f'{first}-{last}' for first, last in words]


@test('calls that docs/abi.md calls absent answer -ENOSYS and are named once in the log; the others do not')
def abi_is_true(guest):
    with open(DOCUMENT) as file:
        text = file.read()
    # A mark: in our test program the number means another call.
    there = {int(number) for number, mark
             in re.findall(r'^\| (\d+)(\\\*)? \| \w+ \| \w+ \|', text, re.MULTILINE) if not mark}
    absent = {int(number) for number in re.findall(r'^\| (\d+) \| \w+ \|$', text, re.MULTILINE)}
    nobodys = set(range(max(there | absent) + 20)) - there - absent - {320, 321}
    if len(there) < 280 or len(absent) < 100:
        raise Failure(f'the document names {len(there)} calls that are there, {len(absent)} absent ones')
    result = guest.run('t-abi', *ranges(there | absent | nobodys), options=['--icount'])
    said = dict(re.findall(r'^(\d+) (there|absent)$', result.stdout.decode(), re.MULTILINE))
    wrong = [f'{number} is {word}' for number, word in said.items()
             if (word == 'there') != (int(number) in there)]
    if wrong or len(said) != len(there | absent | nobodys):
        raise Failure(f'docs/abi.md says otherwise ({len(said)} tried): ' + ', '.join(wrong))
    named = [int(number) for number in re.findall(r'system call (\d+) is not built in', result.log)]
    if sorted(named) != sorted(absent | nobodys):
        differing = sorted(set(named) ^ (absent | nobodys)) or 'some more than once'
        raise Failure(f'the log does not name each absent call once (each was made twice): {differing}')
