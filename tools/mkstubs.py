#!/usr/bin/env python3
"""Makes what user programs know of syscalls.master: mkstubs.py MASTER OUTDIR

OUTDIR/sys/syscall.h    SYS_ numbers and syscall()
OUTDIR/fibril/calls.h   one inline function sys_NAME per call, straight into the kernel: the result
                        or a negative error number, nothing else touched
OUTDIR/fibril/call_list.h   FIBRIL_CALL_LIST(X): X(number, name, "kinds of its arguments") for each call,
                        for programs that try them all: d a descriptor, s a path or other text that is
                        read, p another address, z a size, n another number
"""
import os
import re
import sys

USER_TYPES = {'USER': '', 'u8': 'unsigned char', 'u16': 'unsigned short', 'u32': 'unsigned',
              'u64': 'unsigned long long', 's8': 'signed char', 's16': 'short', 's32': 'int', 's64': 'long long',
              'uintptr_t': 'unsigned long', 'size_t': 'unsigned long'}


def read_calls(master):
    """Yields (number, name, [(type, argument), …]) for each line that is a call."""
    for line in open(master):
        match = re.fullmatch(r'(\d+)\s+[-\w]+\s+long sys_(\w+)\((.*)\)', line.split('#')[0].strip())
        if not match or 'o' in line.split()[1]:  # in our programs that number means another call
            continue
        number, name, arguments = match.groups()
        arguments = re.sub(r'\w+', lambda word: USER_TYPES.get(word[0], word[0]), arguments)
        parsed = []
        if arguments != 'void':
            for argument in arguments.split(','):
                kind, variable = re.fullmatch(r'(.*?)(\w+)', argument.strip()).groups()
                parsed.append((' '.join(kind.split()), variable))
        yield int(number), name, parsed


def kind(declared, variable):
    """What an argument is, by its type and name."""
    if declared.endswith('*'):
        return 's' if declared == 'const char *' else 'p'
    if 'size' in variable or variable == 'count':
        return 'z'
    return 'd' if re.fullmatch(r'.*fd|in|out|from|to', variable) and declared == 'int' else 'n'


def stub(number, name, arguments):
    declared = ', '.join(kind + (variable if kind.endswith('*') else ' ' + variable)
                         for kind, variable in arguments) or 'void'
    passed = ''.join(f', (long){variable}' for _, variable in arguments)
    return (f'static inline long\nsys_{name}({declared})\n{{\n'
            f'    return kernel_call{len(arguments)}({number}{passed});\n}}\n')


def main():
    master, out = sys.argv[1:]
    calls = list(read_calls(master))
    for folder in ('sys', 'fibril'):
        os.makedirs(f'{out}/{folder}', exist_ok=True)
    with open(f'{out}/sys/syscall.h', 'w') as f:
        f.write('/* Made from syscalls.master. */\n#ifndef _SYS_SYSCALL_H\n#define _SYS_SYSCALL_H\n')
        for number, name, _ in calls:
            f.write(f'#define SYS_{name} {number}\n')
        f.write('\nlong syscall(long number, ...); /* -1 and errno on failure */\n\n#endif\n')
    with open(f'{out}/fibril/calls.h', 'w') as f:
        f.write('/* Made from syscalls.master. */\n#ifndef FIBRIL_CALLS_H\n#define FIBRIL_CALLS_H\n\n'
                '#include <fibril/kernel_call.h>\n\n')
        f.write('\n'.join(stub(*call) for call in calls))
        f.write('\n#endif\n')
    with open(f'{out}/fibril/call_list.h', 'w') as f:
        f.write('/* Made from syscalls.master. */\n#ifndef FIBRIL_CALL_LIST_H\n#define FIBRIL_CALL_LIST_H\n\n'
                '#define FIBRIL_CALL_LIST(X) \\\n')
        for number, name, arguments in calls:
            f.write(f'    X({number}, {name}, "{"".join(kind(*argument) for argument in arguments)}") \\\n')
        f.write('\n#endif\n')


main()
