#!/usr/bin/env python3
"""Makes the call table from syscalls.master: mksyscalls.py MASTER OUTDIR

OUTDIR/syscalls.h       prototypes of all handlers, SYSCALL_ numbers
OUTDIR/syscall_table.c  one thunk per call (words to typed arguments) and the table
"""
import re
import sys


FLAGS = {'-': '0', 'u': 'SYSCALL_USER_CONTEXT', 'o': 'SYSCALL_TWO_MEANINGS',
         'r': 'SYSCALL_GIVES_REGISTERS'}


def read_calls(master):
    calls = []
    for number_of_line, line in enumerate(open(master), 1):
        line = line.split('#')[0].strip()
        if not line:
            continue
        match = re.fullmatch(r'(\d+)\s+([-uor]+)\s+long sys_(\w+)\((.*)\)', line)
        if not match:
            sys.exit(f'{master}:{number_of_line}: not "number flags prototype": {line}')
        number, flags, name, arguments = match.groups()
        types = []
        if arguments != 'void':
            for argument in arguments.split(','):
                types.append(re.fullmatch(r'(.*?)(\w+)', argument.strip()).group(1).strip())
        if len(types) > 6:
            sys.exit(f'{master}:{number_of_line}: more than six arguments')
        calls.append((int(number), flags, name, arguments, types))
    numbers = [call[0] for call in calls]
    if numbers != sorted(set(numbers)):
        sys.exit(f'{master}: numbers must ascend, each once')
    return calls


def main():
    master, out = sys.argv[1:]
    calls = read_calls(master)
    with open(f'{out}/syscalls.h', 'w') as f:
        f.write('/* Made from syscalls.master. */\n#pragma once\n#include "kernel/types.h"\n')
        for number, _, name, arguments, _ in calls:
            f.write(f'long sys_{name}({arguments});\n#define SYSCALL_{name} {number}\n')
    with open(f'{out}/syscall_table.c', 'w') as f:
        f.write('/* Made from syscalls.master. */\n#include "gen/syscalls.h"\n'
                '#include "kernel/syscall.h"\n')
        for _, _, name, _, types in calls:
            passed = ', '.join(f'({t})a[{i}]' for i, t in enumerate(types))
            f.write(f'static long thunk_{name}(const unsigned long *a) '
                    f'{{ (void)a; return sys_{name}({passed}); }}\n')
        f.write('const struct syscall_entry syscall_table[] = {\n')
        for number, flags, name, _, types in calls:
            flag = ' | '.join(FLAGS[letter] for letter in flags)
            f.write(f'    [{number}] = {{thunk_{name}, "{name}", {len(types)}, {flag}}},\n')
        f.write('};\nconst unsigned syscall_table_size = sizeof syscall_table / '
                'sizeof syscall_table[0];\n')


main()
