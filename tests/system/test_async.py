"""The walk-through of one asynchronous call, and the walker."""
from harness import Failure, parse_counters, test


@test('one asynchronous nanosleep takes the steps of the announcement, in order')
def nanosleep_walk_through(guest):
    guest.run('t-nanosleep-trace').line(r'^all steps, in order$')


@test('the walk keeps as many calls in flight as asked, and finds the same as the synchronous one')
def walk_both_ways(guest):
    lines = []
    for arguments in (['--sync'], ['--asys', '-j', '4'], ['--asys', '-j', '64']):
        result = guest.run('walk', *arguments, '--read', '/demo')
        lines.append(parse_counters(result.line(r'^walk: .*$', 'stderr')[0]))
    for line, depth in zip(lines, (1, 4, 64)):
        if line['inflight_max'] != depth or line['errors']:
            raise Failure(f'in flight at most {line["inflight_max"]} of {depth}, '
                          f'{line["errors"]} errors')
        if any(line[key] != lines[0][key] for key in ('dirs', 'files', 'other', 'bytes')):
            raise Failure(f'not what the synchronous walk found: {line} {lines[0]}')
    if lines[0]['files'] != 6686 or lines[0]['dirs'] != 328:
        raise Failure(f'not the demo tree: {lines[0]}')
