"""The run channel: standard input, output, error and exit status of a guest program in frames over a
serial line (docs/boot-interface.md).

The line is a pair of FIFOs: QEMU hands over byte by byte, and a FIFO takes those four times as fast
as a socket does."""
import fcntl
import os
import selectors
import socket
import struct
import time

FRAME_MAX = 4096
STDIN, STDOUT, STDERR, STATUS, LOG = range(5)


def frame(channel, payload):
    return struct.pack('<BH', channel, len(payload)) + payload


class ChannelError(Exception):
    """The guest sent something that is no frame."""


class Line:
    """The two FIFOs of a chardev `pipe`: PATH.in to the guest, PATH.out from it."""

    def __init__(self, path):
        for end in ('in', 'out'):
            os.mkfifo(f'{path}.{end}')
        self.output = os.open(f'{path}.in', os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.input = os.open(f'{path}.out', os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.fcntl(self.input, fcntl.F_SETPIPE_SZ, 1 << 20)

    def close(self):
        os.close(self.output)
        os.close(self.input)


class SocketLine:
    """A line that the emulator makes to a TCP port of ours, for want of a better way (Bochs)."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.socket = None

    def accept(self, machine):
        """False: the machine has ended without a connection."""
        self.listener.settimeout(0.1)
        while not self.socket:
            try:
                self.socket = self.listener.accept()[0]
            except TimeoutError:
                if machine.poll() is not None:
                    return False
        self.socket.setblocking(False)
        self.output, self.input = os.dup(self.socket.fileno()), self.socket.fileno()
        return True

    def close(self):
        self.listener.close()
        if self.socket:
            os.close(self.output)
            self.socket.close()


class RunChannel:
    """Pumps between our standard streams and `line` until the machine, a child process, has ended.

    status: the program's exit status, None as long as it has not been told."""

    def __init__(self, line, machine, log, stdin=0, stdout=1, stderr=2):
        self.line, self.log = line, log
        self.machine = os.pidfd_open(machine.pid)
        self.stdin, self.outputs = stdin, {STDOUT: stdout, STDERR: stderr}
        self.status = None
        self.received = bytearray()
        self.to_send = bytearray()
        self.guest_listens = False

    def pump(self):
        with selectors.DefaultSelector() as self.selector:
            self.selector.register(self.line.input, selectors.EVENT_READ)
            self.selector.register(self.machine, selectors.EVENT_READ)
            ended = False
            while not ended:
                ready = [key.fd for key, _ in self.selector.select()]
                ended = self.machine in ready
                if self.line.output in ready:
                    self._send()
                if self.stdin in ready:
                    self._read_stdin()
                if self.line.input in ready or ended:
                    self._receive()
        os.close(self.machine)

    # Only what the guest has room for is taken from standard input: one frame at a time.
    def _watch_stdin(self):
        try:
            self.selector.register(self.stdin, selectors.EVENT_READ)
        except PermissionError:  # a regular file is always readable; epoll does not take it
            self._read_stdin()
        except (ValueError, OSError):  # closed
            self._queue(b'')

    def _read_stdin(self):
        if self.stdin in self.selector.get_map():
            self.selector.unregister(self.stdin)
        try:
            self._queue(os.read(self.stdin, FRAME_MAX))
        except OSError:
            self._queue(b'')

    def _queue(self, data):
        self.stdin_open = bool(data)
        self.to_send += frame(STDIN, data)
        self.selector.register(self.line.output, selectors.EVENT_WRITE)

    def _send(self):
        try:
            del self.to_send[:os.write(self.line.output, self.to_send)]
        except BlockingIOError:
            return
        if not self.to_send:
            self.selector.unregister(self.line.output)
            if self.stdin_open:
                self._watch_stdin()

    def _receive(self):
        """Takes what has come. (A short nap lets some hundred of QEMU's single bytes gather.)"""
        time.sleep(0.001)
        try:
            while data := os.read(self.line.input, 1 << 20):
                self.received += data
                self._take_frames()
        except BlockingIOError:
            pass

    def _take_frames(self):
        while len(self.received) >= 3:
            channel, length = struct.unpack_from('<BH', self.received)
            if length > FRAME_MAX or channel > LOG:
                raise ChannelError(f'channel {channel}, length {length}')
            if len(self.received) < 3 + length:
                return
            payload = bytes(self.received[3:3 + length])
            del self.received[:3 + length]
            self._deliver(channel, payload)

    def _deliver(self, channel, payload):
        if not self.guest_listens:
            self.guest_listens = True
            self._watch_stdin()
        if channel == STDIN and not payload:
            return
        if channel == STATUS and len(payload) == 4:
            self.status = struct.unpack('<i', payload)[0]
        elif channel == LOG:
            self.log(payload)
        elif channel in self.outputs:
            view = memoryview(payload)
            while view:
                view = view[os.write(self.outputs[channel], view):]
        else:
            raise ChannelError(f'channel {channel} with {len(payload)} bytes')
