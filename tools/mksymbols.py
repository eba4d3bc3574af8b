#!/usr/bin/env python3
"""Makes the table of function names for backtraces: mksymbols.py KERNEL.ELF OUT.asm"""
import subprocess
import sys

elf, out = sys.argv[1:]
lines = subprocess.run(['nm', '-n', elf], check=True, capture_output=True, text=True).stdout
symbols = [line.split() for line in lines.splitlines()]
functions = [(int(s[0], 16), s[2]) for s in symbols if len(s) == 3 and s[1] in 'tT']
with open(out, 'w') as f:
    f.write('; Made by mksymbols.py: the functions by address, and their names.\n'
            'section .symbols progbits alloc noexec nowrite align=4\n'
            'global symbol_table_start, symbol_table_end\nsymbol_table_start:\n')
    for index, (address, _) in enumerate(functions):
        f.write(f'dd 0x{address:x}, name{index}\n')
    f.write('symbol_table_end:\n')
    for index, (_, name) in enumerate(functions):
        f.write(f'name{index}: db "{name}", 0\n')
    f.write('section .note.GNU-stack noalloc noexec nowrite progbits\n')
