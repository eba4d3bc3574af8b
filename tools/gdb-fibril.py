"""gdb commands for Fibril's kernel (make debug loads them):

    tasks               every task: tid, process, how many fibrils
    fibrils [TID]       every fibril: id, state, what it does, what it waits for
    fibril-bt ID|all    the backtrace of one fibril, or of each

They read struct task and struct fibril (kernel/task.h, kernel/fibril.h); a fibril that is not running
has its return address and frame pointer where saved_stack points (context_switch, arch/i386/arch.h)."""
import gdb
import gdb.types

STATES = {'FIBRIL_NEW': 'new', 'FIBRIL_READY': 'ready', 'FIBRIL_RUNNING': 'running',
          'FIBRIL_SLEEPING': 'sleeping', 'FIBRIL_DEAD': 'dead'}
DEPTH = 30


def members(head, type_name, link):
    """The structures whose link is in the circular list."""
    of_type = gdb.lookup_type(type_name)
    offset = next(f.bitpos // 8 for f in of_type.fields() if f.name == link)
    entry = head['next']
    while int(entry) != int(head.address):
        yield gdb.Value(int(entry) - offset).cast(of_type.pointer()).dereference()
        entry = entry['next']


def tasks():
    head = gdb.lookup_static_symbol('all_tasks') or gdb.lookup_symbol('all_tasks')[0]
    yield from members(head.value(), 'struct task', 'all_link')


def fibrils(task):
    yield from members(task['fibrils'], 'struct fibril', 'task_link')


def text(pointer):
    return pointer.string(errors='replace') if int(pointer) else ''


def state_name(fibril):
    constants = gdb.types.make_enum_dict(gdb.lookup_type('enum fibril_state'))
    value = int(fibril['state'])
    return next((STATES.get(name, name) for name, v in constants.items() if v == value), '?')


def call_name(fibril):
    number = int(fibril['call_number'])
    if number == 0xffffffff:
        return '-'
    table = gdb.parse_and_eval('syscall_table')
    size = int(gdb.parse_and_eval('syscall_table_size'))
    name = text(table[number]['name']) if number < size else ''
    return name or f'call {number}'


def process_name(task):
    process = task['process']
    return process['name'].string(errors='replace') if int(process) else 'kernel'


def running(fibril):
    return int(gdb.parse_and_eval('cpu.current')) == int(fibril.address)


def fibril_line(fibril):
    wait = f' on {text(fibril["wait_channel"])}' if state_name(fibril) == 'sleeping' else ''
    mark = '*' if running(fibril) else ' '
    return f'{mark} {int(fibril["id"]):5}  {state_name(fibril):8}  {call_name(fibril)}{wait}'


def read_words(address, count):
    memory = gdb.selected_inferior().read_memory(address, 4 * count).tobytes()
    return [int.from_bytes(memory[i:i + 4], 'little') for i in range(0, 4 * count, 4)]


def where(address):
    found = gdb.find_pc_line(address - 1)
    block = gdb.block_for_pc(address - 1)
    while block and not block.function:
        block = block.superblock
    name = block.function.name if block else gdb.execute(f'info symbol {address}', to_string=True).strip()
    return name + (f' at {found.symtab.filename}:{found.line}' if found.symtab else '')


def backtrace(fibril):
    if running(fibril):
        gdb.execute('backtrace')
        return
    try:
        address, frame = read_words(int(fibril['saved_stack']), 2)
        for number in range(DEPTH):
            print(f'  #{number:<2} {address:#x} {where(address)}')
            if not frame or frame >> 12 != int(fibril['stack_bottom']) >> 12:
                break
            frame, address = read_words(frame, 2)
            if not address:
                break
    except gdb.MemoryError:
        print('  (its stack cannot be read)')


class Tasks(gdb.Command):
    """tasks: every task."""

    def __init__(self):
        super().__init__('tasks', gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        print('  tid  process           fibrils')
        for task in tasks():
            print(f'{int(task["tid"]):5}  {process_name(task):16}  {int(task["fibril_count"]):7}')


class Fibrils(gdb.Command):
    """fibrils [TID]: every fibril, or those of one task."""

    def __init__(self):
        super().__init__('fibrils', gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        for task in tasks():
            if argument and int(task['tid']) != int(argument):
                continue
            print(f'task {int(task["tid"])} ({process_name(task)}):')
            for fibril in fibrils(task):
                print(fibril_line(fibril))


class FibrilBacktrace(gdb.Command):
    """fibril-bt ID|all: the backtrace of one fibril, or of each."""

    def __init__(self):
        super().__init__('fibril-bt', gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError('fibril-bt ID|all')
        for task in tasks():
            for fibril in fibrils(task):
                if argument in ('all', str(int(fibril['id']))):
                    print(fibril_line(fibril))
                    backtrace(fibril)


Tasks()
Fibrils()
FibrilBacktrace()
