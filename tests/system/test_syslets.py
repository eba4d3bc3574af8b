"""Syslets and threadlets, in the guest."""
from harness import cases, check_cases, test


@test('syslets: every flag, rings and heads, and what a hostile program may try')
def syslets(guest):
    result = guest.run_without_leak('t-syslet', runs=3)
    check_cases(result, cases('t-syslet'))


@test('the same with 16 MiB of memory')
def syslets_in_little_memory(guest):
    check_cases(guest.run('t-syslet', options=['--mem', 16]), cases('t-syslet'))


@test('threadlets: what belongs to each context, nested, many, none left, the library on both sides')
def threadlets(guest):
    result = guest.run_without_leak('t-threadlet', runs=3)
    check_cases(result, cases('t-threadlet'))


@test('threadlets with signals, fork, exec, exit, threads, and hostile records')
def threadlets_end(guest):
    result = guest.run_without_leak('t-threadlet-ends', runs=3)
    check_cases(result, cases('t-threadlet-ends'))


@test('ten thousand threadlets are blocked at once')
def threadlets_ten_thousand(guest):
    guest.run('t-threadlet', 'ten_thousand', options=['--mem', 512]).line(r'^ok ten_thousand$')
