#!/usr/bin/env python3
"""Makes docs/abi.md, the list of all system calls: done, partly, absent.

tools/mkabi.py [OUT]        (default: docs/abi.md; make abi)

What is built in comes from kernel/sys/syscalls.master, what is to be said of it from syscalls.remarks."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
FOLDER = os.path.join(ROOT, 'kernel/sys')
OWN = 512  # the first number of our own calls
HEAD = '''# The system calls

Made by `make abi` from `kernel/sys/syscalls.master` and `syscalls.remarks`; not edited by hand. Numbers, arguments and
results are those of Linux/i386 (int 0x80). **Done**: the call does what Linux's does, as far as the tests and programs
here can tell. **Partly**: the remark says what is not. **Absent**: the answer is -ENOSYS, and the first such call of a
number is named in the log. Numbers from {own} on are our own. In programs that carry our ELF note the numbers marked * mean
the call {behind} numbers further on, as they did before Linux used them.

{done} calls are done, {partly} partly, {absent} of Linux's are absent (up to number {last}); {ours} are our own.

## Built in

| number | call | | remark |
|---:|---|---|---|
'''
ABSENT = '''
## Absent

| number | call |
|---:|---|
'''


def calls():
    """(number, flags, name) of each call that is built in."""
    with open(os.path.join(FOLDER, 'syscalls.master')) as file:
        found = re.findall(r'^(\d+)\s+([-\w]+)\s+long sys_(\w+)\(', file.read(), re.MULTILINE)
    return [(int(number), flags, name) for number, flags, name in found]


def remarks():
    """{name: (kind, remark)}, {number: name} of those that are absent."""
    of_calls, absent = {}, {}
    with open(os.path.join(FOLDER, 'syscalls.remarks')) as file:
        for line in file:
            if match := re.fullmatch(r'(\w+)\s+([=<]) (.+)\n', line):
                of_calls[match[1]] = (match[2], match[3])
            elif match := re.fullmatch(r'(\d+) (\w+)\n', line):
                absent[int(match[1])] = match[2]
            elif line.strip() and not line.startswith('#'):
                sys.exit(f'syscalls.remarks: not a remark: {line}')
    return of_calls, absent


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, 'docs/abi.md')
    built_in = calls()
    of_calls, absent = remarks()
    names = {name for _, _, name in built_in}
    if wrong := sorted(set(of_calls) - names):
        sys.exit(f'syscalls.remarks: calls that are not built in: {" ".join(wrong)}')
    for number, _, _ in built_in:
        absent.pop(number, None)
    words = {'=': 'done', '<': 'partly'}
    counts, rows = {'done': 0, 'partly': 0, 'absent': len(absent)}, []
    for number, flags, name in built_in:
        kind, remark = of_calls.get(name, ('=', ''))
        counts[words[kind]] += number < OWN
        mark = '\\*' if 'o' in flags else ''
        rows.append(f'| {number}{mark} | {name} | {words[kind]} | {remark} |\n')
    with open(out, 'w') as file:
        file.write(HEAD.format(own=OWN, behind=192, last=max(absent),
                               ours=sum(number >= OWN for number, _, _ in built_in), **counts))
        file.writelines(rows)
        file.write(ABSENT)
        file.writelines(f'| {number} | {name} |\n' for number, name in sorted(absent.items()))


if __name__ == '__main__':
    main()
