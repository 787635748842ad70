"""Cells in a kernel without ipykernel: magics, commands, displays, tracebacks, interrupts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from codeexec.domain.options import ExecuteOptions
from codeexec.domain.outputs import plain
from codeexec.guest.runner.failures import lines_of
from codeexec.kernels.base import (
    Displayed,
    ErrorRaised,
    ExecuteCall,
    NextInput,
    Started,
    StreamWritten,
)
from support.kernel_cases import (
    DEADLINE,
    PYTHONS,
    Partner,
    patiently,
    runner_case,
    talking_to,
)

OLDEST = next(iter(PYTHONS.values()))


@pytest_asyncio.fixture
async def partner(tmp_path: Path) -> AsyncIterator[Partner]:
    """On the oldest Python: the one that runs the tests passes the contract suite."""
    async with talking_to(runner_case(OLDEST), tmp_path) as talking:
        yield talking


async def printed(partner: Partner, code: str) -> str:
    """What a cell writes."""
    end = await partner.run(code)
    return partner.text(end.execution)


async def value(partner: Partner, code: str) -> str:
    await partner.run(code)
    return str(partner.all(Displayed)[-1].data["text/plain"])


async def traceback_of(partner: Partner, code: str) -> str:
    end = await partner.run(code)
    assert end.status == "error"
    return "\n".join(map(plain, partner.all(ErrorRaised)[-1].error.traceback))


@pytest.mark.slow
@pytest.mark.parametrize("version", PYTHONS)
async def test_every_python_of_the_machine(version: str, tmp_path: Path) -> None:
    async with talking_to(runner_case(PYTHONS[version]), tmp_path) as partner:
        assert await value(partner, "import sys\n'%d.%d' % sys.version_info[:2]") == repr(version)
        assert await value(partner, "import asyncio\nawait asyncio.sleep(0, 'late')") == "'late'"
        await partner.run("from IPython.display import HTML, display\ndisplay(HTML('<b>'))")
        assert partner.all(Displayed)[-1].data["text/html"] == "<b>"
        assert 'File "<cell>", line 1' in await traceback_of(partner, "1 / 0")
        execution = partner.submit("print('name is', input('? '))\n!echo done\nwhile True: pass")
        await partner.asked()
        language = partner.jupyter.language
        found = await patiently(lambda: language.complete("sys.exi", 7))
        assert found.matches[0].text == "exit"
        partner.jupyter.answer_stdin("Ada")
        await partner.printed("name is Ada\ndone\n")
        await partner.kernel.interrupt()
        assert (await partner.end_of(execution)).status == "error"


async def test_magics_of_folders_and_variables(partner: Partner, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file.txt").write_text("")
    assert await printed(partner, "%cd inner") == f"{tmp_path}/inner\n"
    assert await value(partner, "%pwd") == repr(f"{tmp_path}/inner")
    assert await printed(partner, "%ls") == "file.txt\n"
    assert await printed(partner, "%cd -") == f"{tmp_path}\n"
    assert (
        await printed(partner, "%env CODEEXEC_A=1\n!echo $CODEEXEC_A") == "env: CODEEXEC_A=1\n1\n"
    )
    assert await printed(partner, "%set_env CODEEXEC_B two words") == "env: CODEEXEC_B=two words\n"
    assert await value(partner, "%env CODEEXEC_B") == "'two words'"
    await partner.run("number = 1\nword = 'w'")
    assert await printed(partner, "%who") == "number\tword\n"
    assert "number    int   1" in await printed(partner, "%whos")
    execution = partner.submit("%reset")
    await partner.asked()
    partner.jupyter.answer_stdin("y")
    await partner.end_of(execution)
    assert await printed(partner, "%who") == "There are no variables.\n"
    error = await traceback_of(partner, "%nothing")
    assert error.endswith("There is no line magic %nothing. %lsmagic lists those there are.")
    assert "%%writefile" in await printed(partner, "%lsmagic")


@pytest.mark.slow
async def test_magics_of_code(partner: Partner, tmp_path: Path) -> None:
    assert "Wall time:" in await printed(partner, "%time sum(range(10))")
    assert partner.all(Displayed)[-1].data["text/plain"] == "45"
    assert "loops each" in await printed(partner, "%timeit -n 2 -r 3 pass")
    assert "3 runs, 2 loops each" in await printed(partner, "%%timeit -n 2 -r 3\nx = 1")
    assert await printed(partner, "%%writefile made.py\nimport sys\nmade = sys.argv[1:]") == (
        "Writing made.py\n"
    )
    await partner.run("%run made.py a b")
    assert await value(partner, "made") == "['a', 'b']"
    assert await printed(partner, "%%writefile -a made.py\n# end\n") == "Appending to made.py\n"
    await partner.run("%load made.py")
    [loaded] = partner.all(NextInput)
    assert (loaded.text, loaded.replaces) == ((tmp_path / "made.py").read_text(), True)
    await partner.run("%%capture kept\nprint('hidden')\ndisplay(1)\n2")
    assert await value(partner, "kept.stdout, len(kept.outputs)") == "('hidden\\n', 2)"
    assert "pip" in await printed(partner, "%pip --version")


async def test_commands(partner: Partner) -> None:
    assert await printed(partner, "%%bash\nfor i in 1 2; do echo $i; done") == "1\n2\n"
    assert "CalledProcessError" in await traceback_of(partner, "%%bash\nexit 3")
    code = "name = 'Ada'\nprint('before')\n!echo {name.upper()} $name '$$1'\nprint('after')"
    assert await printed(partner, code) == "before\nADA Ada $1\nafter\n"
    assert (
        await value(partner, "lines = !printf 'a\\nb\\n'\nlines, lines.n")
        == "(['a', 'b'], 'a\\nb')"
    )
    code = "for i in range(2):\n    text = '''\n!no command\n%no magic'''\n    !echo {i}"
    assert await printed(partner, code) == "0\n1\n"
    assert await value(partner, "1 + (5\n%3)") == "3"


async def test_the_last_value_and_its_names(partner: Partner) -> None:
    assert await value(partner, "40 + 2") == "42"
    assert await value(partner, "_ + _1 + Out[1]") == "126"
    before = len(partner.all(Displayed))
    for code in ("5;", "5;  # hidden", "x = 5", "None"):
        await partner.run(code)
    assert len(partner.all(Displayed)) == before
    assert "list(range(5))" not in await value(partner, "import sys; sys.version")
    wrapped = await value(partner, "[['x' * 40], ['y' * 40], ['z' * 40]]")
    assert wrapped.count("\n") == 2
    assert "more" in await value(partner, "list(range(100_000))")


async def test_displays(partner: Partner) -> None:
    code = """
class Rich:
    def _repr_html_(self): return '<b>r</b>'
    def _repr_png_(self): return b'PNG', {'width': 5}
    def __repr__(self): return 'Rich()'
class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None): return {'application/json': {'a': 1}}
class Broken:
    def _repr_html_(self): raise ValueError('no html')
display(Rich())
display(Bundle())
Broken()
"""
    end = await partner.run(code)
    assert end.status == "ok"
    rich, bundle, broken = partner.all(Displayed)
    assert rich.data == {"text/plain": "Rich()", "text/html": "<b>r</b>", "image/png": "UE5H"}
    assert rich.metadata == {"image/png": {"width": 5}}
    assert bundle.data["application/json"] == {"a": 1}
    assert broken.role == "result"
    assert "no html" in partner.text(end.execution, "stderr")


async def test_tracebacks_show_the_code_of_the_user_alone(partner: Partner) -> None:
    await partner.run("def divide(x):\n    return 1 / x")
    text = await traceback_of(partner, "import asyncio\nawait asyncio.sleep(0)\ndivide(0)")
    assert [line for line in text.split("\n") if "File" in line] == [
        '  File "<cell>", line 3, in <module>',
        '  File "<cell 1>", line 2, in divide',
    ]
    assert "    return 1 / x" in text
    text = await traceback_of(partner, "x = (1\n")
    assert text.startswith('  File "<cell>", line 1')
    text = await traceback_of(partner, "class Loud:\n    def __str__(self): 1 / 0\nint(Loud())")
    assert "codeexec" not in text
    code = "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError('k') from error"
    text = await traceback_of(partner, code)
    assert "direct cause" in text
    assert text.count('File "<cell>"') == 2


async def test_sys_exit_ends_the_cell_alone(partner: Partner) -> None:
    await partner.run("x = 1")
    end = await partner.run("import sys\nsys.exit(3)\nx = 2")
    assert (end.status, end.error and end.error.name) == ("error", "SystemExit")
    assert await value(partner, "x") == "1"


async def test_interrupts_in_a_loop_a_sleep_an_await_and_while_idle(partner: Partner) -> None:
    await partner.kernel.interrupt()
    for code in (
        "pass\nprint('on')\nwhile True: pass",
        "import time\nprint('on')\ntime.sleep(600)",
        "import asyncio\ntry: print('on'); await asyncio.sleep(600)\nfinally: print('left')",
        "print('on')\n!sleep 600",
    ):
        before = len(partner.text())
        execution = partner.submit(code)
        await partner.until(lambda before=before: "on\n" in partner.text()[before:] or None)  # type: ignore[misc]
        await partner.kernel.interrupt()
        end = await partner.end_of(execution)
        assert (end.status, end.error and end.error.name) == ("error", "KeyboardInterrupt")
    assert "left\n" in partner.text()
    traceback = "\n".join(map(plain, partner.all(ErrorRaised)[0].error.traceback))
    # The interrupt may come before the print has returned.
    assert re.search('File "<cell>", line [23]', traceback)
    execution = partner.submit("print('twice')\nwhile True: pass")
    await partner.printed("twice")
    await partner.kernel.interrupt()
    await partner.kernel.interrupt()
    await partner.end_of(execution)
    rows = [plain(row) for row in partner.all(ErrorRaised)[-1].error.traceback]
    assert rows[-1] == "KeyboardInterrupt"
    assert rows.count("KeyboardInterrupt") == 1
    assert await value(partner, "'lives'") == "'lives'"


async def test_an_interrupt_that_meets_a_destructor_ends_the_cell(partner: Partner) -> None:
    code = """
import os, signal
class Closing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(100): pass
thing = Closing()
del thing
while True: pass
"""
    assert (await partner.end_of(partner.submit(code))).status == "error"
    assert not [event for event in partner.all(StreamWritten) if "ignored" in event.text]


async def test_an_interrupt_while_a_traceback_is_written_changes_nothing_of_it(
    partner: Partner,
) -> None:
    code = """
import os, signal, traceback
begin = traceback.TracebackException.__init__
def begin_late(self, *arguments, **options):
    os.kill(os.getpid(), signal.SIGINT)
    begin(self, *arguments, **options)
traceback.TracebackException.__init__ = begin_late
"""
    await partner.run(code)
    assert (await traceback_of(partner, "int('x')")).count("ValueError: invalid literal") == 1
    assert await value(partner, "'lives'") == "'lives'"


def test_interrupts_while_the_runner_handles_an_exception_of_its_own_add_nothing() -> None:
    cell = compile("print\nraise KeyboardInterrupt", "<cell 3>", "exec")
    with pytest.raises(KeyboardInterrupt) as raised:
        try:
            exec(cell)
        finally:
            try:
                vars(pytest)["no such name"]
            except KeyError:
                raise KeyboardInterrupt  # noqa: B904 (as an interrupt comes: within the handler)
    rows = [plain(row) for row in lines_of(raised.value, raised.value.__traceback__, "<cell 3>")]
    assert rows == [
        "Traceback (most recent call last):",
        '  File "<cell>", line 2, in <module>',
        "KeyboardInterrupt",
    ]


async def test_children_and_forks_write_into_the_cell(partner: Partner) -> None:
    code = """
import multiprocessing, os, subprocess, sys
print('first', flush=True)
subprocess.run([sys.executable, '-c', 'import sys; print("out"); print("err", file=sys.stderr)'])
os.system('echo {"type": "done"}; echo not JSON')
child = os.fork()
if not child:
    print('of the fork')
    os._exit(0)
os.waitpid(child, 0)
sys.stdout.buffer.write(b'bytes\\n')
"""
    execution = partner.submit(code)
    end = await partner.end_of(execution)
    assert end.status == "ok"
    out = partner.text(execution, "stdout").splitlines()
    assert sorted(out) == sorted(
        ["first", "out", "{type: done}", "not JSON", "of the fork", "bytes"]
    )
    assert partner.text(execution, "stderr") == "err\n"


async def test_output_of_a_process_stands_before_what_is_printed_after_its_end(
    partner: Partner,
) -> None:
    code = """
import subprocess, sys
for number in range(20):
    subprocess.run(['echo', 'process', str(number)])
    print('cell', number)
    subprocess.run(['sh', '-c', f'echo process {number} >&2'])
    print('cell', number, file=sys.stderr)
    subprocess.run(['echo', 'shown', str(number)])
    display(number)
"""
    assert (await partner.run(code)).status == "ok"
    rows = [f"{who} {number}" for number in range(20) for who in ("process", "cell")]
    assert partner.text(stream="stderr").splitlines() == rows
    rows = [f"{who} {number}" for number in range(20) for who in ("process", "cell", "shown")]
    assert partner.text(stream="stdout").splitlines() == rows
    out = [
        event
        for event in partner.events
        if isinstance(event, Displayed)
        or (isinstance(event, StreamWritten) and event.stream == "stdout")
    ]
    before = [out[at - 1] for at, event in enumerate(out) if isinstance(event, Displayed)]
    assert [
        event.text.splitlines()[-1] for event in before if isinstance(event, StreamWritten)
    ] == [f"shown {number}" for number in range(20)]


async def test_a_process_is_heard_before_what_is_printed_at_its_end(partner: Partner) -> None:
    code = """
import subprocess, sys
for number in range(40):
    process = subprocess.Popen(['echo', f'process {number}'])
    while process.poll() is None:
        sys.stdout.write('waiting\\n')  # so the pipes are looked at all the time
    print(f'ended {number}')
"""
    assert (await partner.run(code)).status == "ok"
    rows = [row for row in partner.text(stream="stdout").splitlines() if row != "waiting"]
    assert rows == [f"{who} {n}" for n in range(40) for who in ("process", "ended")]


async def test_threads_that_print_beside_processes_lose_nothing(partner: Partner) -> None:
    code = """
import subprocess, sys, threading
def work(name):
    for number in range(40):
        subprocess.run(['echo', f'process {name} {number}'])
        sys.stdout.write(f'thread {name} {number}\\n')
threads = [threading.Thread(target=work, args=(name,)) for name in 'abcd']
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    assert (await partner.run(code)).status == "ok"
    rows = partner.text(stream="stdout").splitlines()
    assert len(rows) == 320
    for name in "abcd":
        own = [row for row in rows if f" {name} " in row]
        assert own == [f"{who} {name} {n}" for n in range(40) for who in ("process", "thread")]
    assert partner.text(stream="stderr") == ""


async def test_the_end_of_a_fork_takes_no_output_from_the_cell(partner: Partner) -> None:
    code = """
import os, subprocess, time
subprocess.run(['echo', 'before'])
child = os.fork()
if child:
    for number in range(50):
        subprocess.run(['echo', str(number)])
    os.waitpid(child, 0)
"""
    assert (await partner.run(code)).status == "ok"
    rows = ["before", *map(str, range(50))]
    assert partner.text(stream="stdout").splitlines() == rows


async def test_it_leads_a_session_and_is_main(partner: Partner, tmp_path: Path) -> None:
    assert await value(partner, "import os; os.getsid(0) == os.getpid()") == "True"
    (tmp_path / "beside.py").write_text("word = 'found'")
    assert await value(partner, "import beside; beside.word") == "'found'"
    code = "import pickle\nclass Point: pass\ntype(pickle.loads(pickle.dumps(Point()))) is Point"
    assert await value(partner, code) == "True"
    assert await value(partner, "__name__, sorted(k for k in globals() if 'codeexec' in k)") == (
        "('__main__', [])"
    )
    asked = partner.jupyter.language
    assert (await asked.complete("import js", 9)).matches[0].text == "json"
    assert not (await asked.inspect("no_such_name", 3, 0)).found
    assert (await asked.is_complete("f(1,")).status == "incomplete"
    assert (await asked.is_complete("x = = 1")).status == "invalid"
    assert (await asked.is_complete("await x")).status == "complete"
    described = await partner.kernel.capabilities.variables.variables(DEADLINE)  # type: ignore[union-attr]
    assert {"Point", "os"} <= {each.name for each in described.variables}


async def test_the_width_of_the_screen(partner: Partner) -> None:
    options = ExecuteOptions(columns=123)
    partner.kernel.execute(ExecuteCall("wide", "import os; print(os.environ['COLUMNS'])", options))
    await partner.end_of("wide")
    assert partner.text("wide") == "123\n"
    assert await value(partner, "str(os.environ.get('COLUMNS'))") == "'None'"


async def test_tasks_of_a_cell_go_on_while_nothing_runs(partner: Partner) -> None:
    code = """
import asyncio
async def later():
    await asyncio.sleep(0.05)
    print('later')
task = asyncio.create_task(later())
await asyncio.sleep(0)
"""
    first = partner.submit(code)
    await partner.end_of(first)
    await partner.printed("later\n")
    assert partner.text(first) == "later\n"
    assert await value(partner, "asyncio.run(asyncio.sleep(0, 'own'))") == "'own'"
    assert await value(partner, "await asyncio.sleep(0, 'again')") == "'again'"
    assert len(partner.all(Started)) == 3
