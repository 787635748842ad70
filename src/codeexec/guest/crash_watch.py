"""Executes a program, and writes a core file when a signal such as SIGSEGV ends it.

Run as `python -I -S crash_watch.py FOLDER PROGRAM ARGUMENTS`; standard library only.

The kernel's own core files depend on settings of the machine (`core_pattern`), land in the folder
where the program stands, and are of any size. So the program is traced: a watcher process waits
for signals, and the program runs at full speed between them. At a deadly one it writes registers
and memory, MOST_MEMORY bytes at most, to `core` in its private folder, and a description of the
signal to `crash` (JSON). The signal takes its course then.

The process that is started becomes the program itself; the watcher is a process beside it. Linux on
x86-64 and arm64; elsewhere, and where tracing is forbidden, the program runs unwatched.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import mmap
import os
import signal
import struct
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CORE = "core"
CRASH = "crash"
"""Names of the files that the watcher leaves; the second is there when both are complete."""

DEADLY = frozenset({
    signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP,
    signal.SIGSYS,
})  # fmt: skip
MOST_SIGNALS = 2_000
"""Signals after which a program is watched no more: each costs it some 50 µs. New threads cost
more, and count as THREAD_COST of them."""
THREAD_COST = 8
MOST_THREADS = 64
"""Threads whose registers are written."""
MOST_MEMORY = 16 << 20
MOST_OF_A_STACK = 1 << 20
STOP_DEADLINE = 0.5
"""Seconds in which the other threads must have stopped."""
MOST_PROGRAM = 64 << 20
"""Bytes of a program in which the name of a sanitizer is looked for."""

MACHINES = {"x86_64": (62, 19), "aarch64": (183, 31)}
"""Of each machine: its number in ELF, and the place of the stack pointer among the registers."""
SANITIZERS = (b"libasan.so", b"liblsan.so", b"libtsan.so", b"__lsan_", b"__tsan_")
"""In a program that must not be traced: the leak sanitizer traces it itself."""

PR_SET_PTRACER = 0x59616D61
PTRACE_CONT, PTRACE_DETACH = 7, 17
PTRACE_GETSIGINFO, PTRACE_GETREGSET = 0x4202, 0x4204
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_LISTEN = 0x4206, 0x4207, 0x4208
TRACE_CLONE, TRACE_EXEC = 1 << 3, 1 << 4
EVENT_CLONE, EVENT_EXEC, EVENT_STOP = 3, 4, 128
WALL = 0x40000000
NT_PRSTATUS, NT_PRFPREG, NT_AUXV, NT_SIGINFO = 1, 2, 6, 0x53494749
PAGE = 4096
STOPPING = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


class IoVector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def is_possible() -> bool:
    return sys.platform == "linux" and os.uname().machine in MACHINES and sys.maxsize > 2**32


def watch_crashes(folder: str) -> None:
    """Start a watcher of this process, which leaves its files in `folder`; return when it watches,
    or cannot. The watcher is no child of this process, and no member of its group."""
    if not is_possible():
        return
    ready, readying = os.pipe()
    go, going = os.pipe()
    watched = os.getpid()
    between = os.fork()
    if between == 0:
        if os.fork():
            os._exit(0)
        _become_watcher(watched, folder, readying, go)
    os.waitpid(between, 0)
    os.close(readying)
    os.close(go)
    watcher = os.read(ready, 32)
    if watcher:
        # A machine may let only ancestors trace a process, and whom it names itself.
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, int(watcher), 0, 0, 0)
        os.write(going, b".")
        os.read(ready, 1)
    os.close(ready)
    os.close(going)


def _become_watcher(watched: int, folder: str, readying: int, go: int) -> None:
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        # Pipes and terminals of the program must end with it.
        null = os.open(os.devnull, os.O_RDWR)
        readying, go = os.dup2(readying, 3), os.dup2(go, 4) if go > 3 else os.dup2(os.dup(go), 4)
        for standard in range(3):
            os.dup2(null, standard)
        os.closerange(5, os.sysconf("SC_OPEN_MAX"))
        os.chdir("/")
        os.write(3, str(os.getpid()).encode())
        os.read(4, 1)
        watcher = Watcher(watched, folder)
        watcher.seize()
        os.write(3, b".")
        os.close(3)
        os.close(4)
        watcher.run()
    finally:
        os._exit(0)  # what is traced is let go


class Watcher:
    """Traces the threads of one process."""

    def __init__(self, pid: int, folder: str) -> None:
        self.pid = pid
        self.folder = folder
        self.threads = {pid}
        self.left = MOST_SIGNALS
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = (ctypes.c_long,) + (ctypes.c_void_p,) * 3
        self.libc.ptrace.restype = ctypes.c_long

    def seize(self) -> None:
        self.ptrace(PTRACE_SEIZE, self.pid, 0, TRACE_CLONE | TRACE_EXEC)

    def ptrace(self, request: int, thread: int, address: int = 0, data: int = 0) -> None:
        if self.libc.ptrace(request, thread, address, data) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def run(self) -> None:
        """Until the process has ended, or is watched no more."""
        while self.threads and self.left > 0:
            try:
                thread, status = os.waitpid(-1, WALL)
            except ChildProcessError:
                return
            if not os.WIFSTOPPED(status):
                self.threads.discard(thread)
                continue
            with contextlib.suppress(ProcessLookupError):  # it was killed meanwhile
                self.go_on(thread, os.WSTOPSIG(status), status >> 16)

    def go_on(self, thread: int, number: int, event: int) -> None:
        """Let a thread that has stopped go on."""
        self.threads.add(thread)
        if event == EVENT_STOP and number in STOPPING:
            self.ptrace(PTRACE_LISTEN, thread)  # it stays stopped until SIGCONT
            return
        self.left -= {0: 1, EVENT_CLONE: THREAD_COST}.get(event, 0)
        if event == EVENT_EXEC:
            self.threads = {thread}
            if has_sanitizer(self.pid):
                self.ptrace(PTRACE_DETACH, thread)
                os._exit(0)
        if event == 0 and number in DEADLY and self.is_deadly(thread, number):
            with contextlib.suppress(OSError):
                self.write_core(thread, number)
        self.ptrace(PTRACE_CONT, thread, 0, 0 if event else number)

    def is_deadly(self, thread: int, number: int) -> bool:
        """Whether the program has no handler for the signal."""
        bit = 1 << (number - 1)
        for line in read(f"/proc/{self.pid}/task/{thread}/status").split(b"\n"):
            name, _, value = line.partition(b":")
            if name in (b"SigCgt", b"SigIgn") and int(value, 16) & bit:
                return False
        return True

    # ---- the core file -------------------------------------------------------------------------

    def write_core(self, thread: int, number: int) -> None:
        information = (ctypes.c_char * 128)()
        self.libc.ptrace(PTRACE_GETSIGINFO, thread, 0, ctypes.addressof(information))
        others = self.stop_others(thread)
        registers = {
            thread_id: self.registers(thread_id, NT_PRSTATUS) for thread_id in (thread, *others)
        }
        notes = [
            note(NT_PRSTATUS, status_of(thread_id, number, content))
            + note(NT_PRFPREG, self.registers(thread_id, NT_PRFPREG))
            for thread_id, content in registers.items()
            if content
        ]
        notes.append(note(NT_SIGINFO, bytes(information)))
        notes.append(note(NT_AUXV, read(f"/proc/{self.pid}/auxv")))
        stacks = [stack_pointer(content) for content in registers.values() if content]
        ranges = list(bounded(mappings(self.pid), stacks))
        path = os.path.join(self.folder, CORE)
        write_file(path, core_file(b"".join(notes), ranges, f"/proc/{self.pid}/mem"))
        code, address = struct.unpack_from("<i4xQ", bytes(information), 8)
        crash = {
            "signal": number,
            "code": code,
            "address": address,
            "program": os.readlink(f"/proc/{self.pid}/exe"),
            "stack": stacks[0] if stacks else 0,
        }
        write_file(os.path.join(self.folder, CRASH), [json.dumps(crash).encode()])

    def stop_others(self, crashed: int) -> list[int]:
        """The other threads, stopped; they go on when the signal ends them all."""
        others = [thread for thread in self.threads if thread != crashed][: MOST_THREADS - 1]
        for thread in others:
            with contextlib.suppress(OSError):
                self.ptrace(PTRACE_INTERRUPT, thread)
        stopped = []
        deadline = time.monotonic() + STOP_DEADLINE
        for thread in others:
            while time.monotonic() < deadline:
                with contextlib.suppress(ChildProcessError):
                    waited, status = os.waitpid(thread, WALL | os.WNOHANG)
                    if waited and os.WIFSTOPPED(status):
                        stopped.append(thread)
                    if waited:
                        break
                time.sleep(0.001)
        return stopped

    def registers(self, thread: int, kind: int) -> bytes:
        content = (ctypes.c_char * 4096)()
        vector = IoVector(ctypes.addressof(content), len(content))
        if self.libc.ptrace(PTRACE_GETREGSET, thread, kind, ctypes.addressof(vector)) < 0:
            return b""
        return content.raw[: vector.length]


def has_sanitizer(pid: int) -> bool:
    """Whether the program that a process has begun to execute must not be traced."""
    try:
        with open(f"/proc/{pid}/exe", "rb") as file:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return any(content.find(name, 0, MOST_PROGRAM) >= 0 for name in SANITIZERS)
    except (OSError, ValueError):
        return True


def mappings(pid: int) -> Iterator[tuple[int, int]]:
    """Memory of the process that no file has, from address to address: what it has written."""
    low = high = 0
    is_read = False
    for line in read(f"/proc/{pid}/smaps").split(b"\n"):
        first, _, value = line.partition(b" ")
        if b"-" in first and not first.endswith(b":"):
            low, high = (int(word, 16) for word in first.split(b"-"))
            is_read = value.startswith(b"r")
            if value.endswith(b"[vdso]"):
                yield low, high
        elif first == b"Anonymous:" and is_read and int(value.split()[0]):
            yield low, high


def bounded(ranges: Iterator[tuple[int, int]], stacks: list[int]) -> Iterator[tuple[int, int]]:
    """The same within MOST_MEMORY: stacks from their pointers on, small ranges before large."""
    room = MOST_MEMORY
    sizes = []
    for low, high in ranges:
        tops = [pointer for pointer in stacks if low <= pointer < high]
        if tops:
            low = min(tops) - 256 & ~(PAGE - 1) if min(tops) - 256 > low else low
            high = min(high, max(tops) + MOST_OF_A_STACK & ~(PAGE - 1))
        sizes.append((not tops, high - low, low))
    for _, size, low in sorted(sizes):
        size = min(size, room)
        if size > 0:
            room -= size
            yield low, low + size


def core_file(notes: bytes, ranges: list[tuple[int, int]], memory: str) -> Iterator[bytes]:
    """The bytes of an ELF core file."""
    machine, _ = MACHINES[os.uname().machine]
    count = len(ranges) + 1
    start = 64 + 56 * count
    yield struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01", 4, machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0,
    )  # fmt: skip
    yield struct.pack("<IIQQQQQQ", 4, 0, start, 0, 0, len(notes), 0, 4)
    at = first = -(-(start + len(notes)) // PAGE) * PAGE
    for low, high in ranges:
        yield struct.pack("<IIQQQQQQ", 1, 6, at, low, 0, high - low, high - low, PAGE)
        at += high - low
    yield notes + bytes(first - start - len(notes))
    handle = os.open(memory, os.O_RDONLY)
    try:
        for low, high in ranges:
            try:
                data = os.pread(handle, high - low, low)
            except OSError:
                data = b""  # it is not there any more, or belongs to a device
            yield data + bytes(high - low - len(data))
    finally:
        os.close(handle)


def note(kind: int, content: bytes) -> bytes:
    padding = bytes(-len(content) % 4)
    return struct.pack("<III8s", 5, len(content), kind, b"CORE") + content + padding


def status_of(thread: int, number: int, registers: bytes) -> bytes:
    """`struct elf_prstatus` of a machine of 64 bits."""
    head = struct.pack("<iiih18xi", number, 0, 0, number, thread)
    return head.ljust(112, b"\0") + registers + bytes(8)


def stack_pointer(registers: bytes) -> int:
    _, place = MACHINES[os.uname().machine]
    return int(struct.unpack_from("<Q", registers, 8 * place)[0])


def main(folder: str, command: list[str]) -> None:
    # An interpreter ignores these, and what is ignored stays so in the program.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        watch_crashes(folder)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError)
        reason = "not found" if is_missing else error.strerror
        print(f"{command[0]}: {reason}", file=sys.stderr, flush=True)
        os._exit(127 if is_missing else 126)


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def write_file(path: str, pieces: Iterable[bytes]) -> None:
    """Write a file under a temporary name, and rename it when it is complete."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(f"{path}.new", flags, 0o600), "wb") as file:
        file.writelines(pieces)
    os.replace(f"{path}.new", path)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
