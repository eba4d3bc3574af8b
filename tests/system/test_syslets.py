"""Syslets and threadlets, in the guest."""
from harness import cases, check_cases, test


@test('syslets: every flag, rings and heads, and what a hostile program may try')
def syslets(guest):
    result = guest.run_without_leak('t-syslet', runs=3)
    check_cases(result, cases('t-syslet'))


@test('the same with 16 MiB of memory')
def syslets_in_little_memory(guest):
    check_cases(guest.run('t-syslet', options=['--mem', 16]), cases('t-syslet'))
