"""stdout and stderr of a real ipykernel with the fast write: the same text, filed as before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import zmq
from ipykernel import iostream
from jupyter_client.session import Session

from codeexec.guest.fast_streams import fast_write
from codeexec.kernels.base import ErrorRaised, StreamWritten
from support.kernel_cases import LOCAL_CASES, Partner, talking_to


@pytest_asyncio.fixture
async def partner(tmp_path: Path) -> AsyncIterator[Partner]:
    async with talking_to(LOCAL_CASES[0], tmp_path) as each:
        yield each


def _text(partner: Partner, execution: str, name: str) -> str:
    return "".join(
        event.text
        for event in partner.all(StreamWritten)
        if event.execution == execution and event.stream == name
    )


async def _run(partner: Partner, code: str) -> tuple[str, str]:
    """What the code wrote to stdout and to stderr."""
    execution = partner.submit(code)
    await partner.end_of(execution)
    return _text(partner, execution, "stdout"), _text(partner, execution, "stderr")


async def test_the_streams_have_the_fast_write(partner: Partner) -> None:
    # While a cell runs, IPython wraps the methods to record what they write.
    await partner.run(
        "import asyncio, sys; names = []\n"
        "def note():\n"
        "    names.extend([sys.stdout.write.__name__, sys.stderr.write.__name__])\n"
        "asyncio.get_running_loop().call_soon(note)"
    )
    stdout, _ = await _run(partner, "print(names)")
    assert stdout == "['write_fast', 'write_fast']\n"


async def test_no_character_is_lost_between_sent_buffers(partner: Partner) -> None:
    code = (
        "import sys, time\n"
        "for n in range(20_000):\n"
        "    print(n); print(-n, file=sys.stderr)\n"
        "    if n % 4000 == 0: sys.stdout.flush(); time.sleep(0.03)\n"
    )
    stdout, stderr = await _run(partner, code)
    assert stdout == "".join(f"{n}\n" for n in range(20_000))
    assert stderr == "".join(f"{-n}\n" for n in range(20_000))


async def test_threads_of_two_cells_lose_nothing(partner: Partner) -> None:
    first = partner.submit(
        "import sys, threading\n"
        "go = threading.Event()\n"
        "def work():\n"
        "    go.wait()\n"
        "    for n in range(3000): sys.stdout.write(f'thread {n}\\n')\n"
        "thread = threading.Thread(target=work); thread.start()\n"
        "print('first')"
    )
    second = partner.submit(
        "print('second'); go.set()\n"
        "for n in range(3000): sys.stdout.write(f'cell {n}\\n')\n"
        "thread.join()"
    )
    await partner.end_of(second)
    of_first, of_second = (_text(partner, each, "stdout") for each in (first, second))
    assert of_first.startswith("first\n") and of_second.startswith("second\n")
    assert sorted((of_first + of_second).splitlines()) == sorted(
        ["first", "second", *(f"{who} {n}" for who in ("thread", "cell") for n in range(3000))]
    )
    assert [line for line in of_second.splitlines() if "cell" in line] == [
        f"cell {n}" for n in range(3000)
    ]


async def test_a_forked_child_writes_too(partner: Partner) -> None:
    code = (
        "import os\n"
        "print('before', flush=True)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    import sys\n"
        "    print('child'); sys.stdout.flush(); os._exit(0)\n"
        "os.waitpid(child, 0); print('after')"
    )
    execution = partner.submit(code)
    await partner.end_of(execution)
    # It goes from the child to the kernel, and from there to us.
    await partner.printed("child")
    assert sorted(_text(partner, execution, "stdout").split()) == ["after", "before", "child"]


@pytest.mark.parametrize("code", ["sys.stdout.write(b'x')", "print('a'); sys.stdout.write(1)"])
async def test_what_is_no_text_is_refused(partner: Partner, code: str) -> None:
    await partner.run(f"import sys; {code}")
    assert [each.error.name for each in partner.all(ErrorRaised)] == ["TypeError"]


async def test_texts_of_other_types_and_captured_ones(partner: Partner) -> None:
    code = (
        "import contextlib, io\n"
        "class Text(str):\n"
        "    def __str__(self): return 'other'\n"
        "print('a'); count = sys.stdout.write(Text('bcd')); print(count)\n"
        "with contextlib.redirect_stdout(io.StringIO()) as taken: print('hidden')\n"
        "sys.stdout.writelines(['e\\n', 'f\\n'])"
    )
    stdout, _ = await _run(partner, f"import sys\n{code}")
    assert stdout == "a\nbcd3\ne\nf\n"


class LockThatWaits:
    """A lock of a stream; before it is taken once, another thread has its turn."""

    def __init__(self, lock: AbstractContextManager[object]) -> None:
        self._lock = lock
        self.other: Callable[[], object] | None = None

    def __enter__(self) -> object:
        other, self.other = self.other, None
        if other is not None:
            other()
        return self._lock.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._lock.__exit__(*error)


def test_a_thread_of_another_request_between_check_and_lock_gets_no_text() -> None:
    with zmq.Context() as context, context.socket(zmq.PUB) as socket:
        streams: Any = iostream  # without types
        thread = streams.IOPubThread(socket)  # not started: nothing is sent
        stream = streams.OutStream(Session(), thread, "stdout", watchfd=False)
        lock = LockThatWaits(stream._buffer_lock)
        stream._buffer_lock = lock
        write = fast_write(stream)
        mine, others = copy_context(), copy_context()
        for each, name in ((mine, "mine"), (others, "others")):
            each.run(stream.set_parent, {"header": {"msg_id": name}})
        for text in ("a", "b"):
            mine.run(write, text)
        lock.other = lambda: others.run(write, "x")
        mine.run(write, "c")
        texts = {
            dict(parent)["msg_id"]: data.getvalue() for parent, data in stream._buffers.items()
        }
        thread.close()
        thread.io_loop.close()
    assert texts == {"mine": "abc", "others": "x"}
