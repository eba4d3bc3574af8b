"""What the parts of bench/run.py share: figures in the order in which they were measured, and programs
run in the guest."""
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.environ.get('BUILD', os.path.join(ROOT, 'build'))
sys.path.insert(0, os.path.join(ROOT, 'tools'))


class Failure(Exception):
    pass


def number(value):
    return '' if value is None else f'{value:,.0f}' if value >= 100 else f'{value:.3g}'


def spread(figure):
    if figure['minimum'] == figure['maximum']:
        return ''
    return f'{number(figure["minimum"])} to {number(figure["maximum"])}'


class Results:
    """Figures in the order in which they were measured."""

    def __init__(self, options):
        self.options, self.figures = options, []

    def add(self, section, name, what, unit, samples, command, aim=None, linux=None, better='less'):
        value = statistics.median(samples)
        met = None if aim is None else value <= aim if better == 'less' else value >= aim
        figure = {'section': section, 'name': name, 'what': what, 'unit': unit, 'value': value,
                  'minimum': min(samples), 'maximum': max(samples), 'samples': samples, 'aim': aim,
                  'met': met, 'linux': linux, 'command': command}
        self.figures.append(figure)
        self.show(figure)

    HEAD = f'{"":54} {"aim":>8} {"Linux":>8} {"ours":>10}'

    @staticmethod
    def show(figure):
        mark = ' *' if figure['met'] is False else '  '
        print(f'{figure["what"]:54} {number(figure["aim"]):>8} {number(figure["linux"]):>8} '
              f'{number(figure["value"]):>10}{mark}{figure["unit"]}  {spread(figure)}', flush=True)


def output_of(command, timeout):
    """Standard output and error of a command that must end with 0."""
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, text=True)
    if done.returncode:
        raise Failure(f'{" ".join(command)} ended with {done.returncode}:\n{done.stdout}')
    return done.stdout


def guest(*arguments, timeout=120):
    """(what tools/run printed, the command as one would type it)"""
    command = ['tools/run', '--timeout', str(timeout), *arguments]
    return output_of(command, timeout + 30), ' '.join(['tools/run', *arguments])
