"""Kernels of programs in a session: real compilers and interpreters on a real terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs

from codeexec import open_session
from codeexec.domain.errors import UsageError
from codeexec.domain.events import ExecutionFinished, FullScreenUsed, OutputChanged, StdinRequested
from codeexec.domain.options import ExecuteOptions, ProgramOptions
from codeexec.domain.requests import Execute, Interrupt, ResizeTerminals
from codeexec.environments.input_wait import wait_of
from codeexec.environments.processes import start as start_process
from codeexec.kernels.process.steps import command_run
from codeexec.languages.depfile import read_depfile
from codeexec.program import RunningSession
from support.servers import wait_until

DOUBLE = """\
#include <iostream>
int main() {
  int n;
  std::cout << "n? " << std::flush;
  std::cin >> n;
  std::cout << 2 * n << std::endl;
  return 3;
}
"""


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningSession]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "work"
    folder.mkdir()
    async with open_session(cwd=folder) as opened:
        yield opened


def write(tmp_path: Path, name: str, text: str) -> ProgramOptions:
    (tmp_path / "work" / name).write_text(text)
    return ProgramOptions(name)


@pytest.mark.slow
async def test_code_of_a_language_is_built_and_run(session: RunningSession) -> None:
    result = await session.run(DOUBLE, language="cpp", answers=["21"])
    assert result.stdout == ["n? 21", "42"]
    assert result.error == "SystemExit: 3"
    build, run = result.steps
    assert (build.name, build.code, build.is_reused) == ("build", 0, False)
    assert (run.name, run.code) == ("run", 3)
    assert run.peak_memory is not None
    assert 1 << 20 < run.peak_memory < 64 << 20

    again = await session.run(DOUBLE, language="cpp", answers=["4"])
    assert again.stdout == ["n? 4", "8"]
    assert again.steps[0].is_reused


@pytest.mark.slow
async def test_a_program_that_knows_the_time_of_its_build_is_not_reused(
    session: RunningSession,
) -> None:
    code = "#include <cstdio>\nint main() { std::puts(__TIME__); }"
    for _ in range(2):
        result = await session.run(code, language="cpp")
        assert result.error == ""
        assert not result.steps[0].is_reused


async def test_a_failed_build_has_diagnostics(session: RunningSession, tmp_path: Path) -> None:
    program = write(tmp_path, "bad.cpp", "int main(){ return x; }\n")
    result = await session.run("", kernel="programs:cpp", program=program)
    assert result.error == "BuildFailed: g++ ended with status 1."
    (step,) = result.steps
    (problem,) = step.diagnostics
    place = problem.place
    assert (place.file, place.line, place.column) == ("bad.cpp", 1, 20)
    assert result.stderr[1].startswith("bad.cpp:1:20: error:")


async def test_a_missing_header_is_a_diagnostic_at_its_include(
    session: RunningSession, tmp_path: Path
) -> None:
    program = write(tmp_path, "bad.cpp", '#include <vector>\n#include "nothere.h"\nint main() {}\n')
    result = await session.run("", kernel="programs:cpp", program=program)
    assert result.error == "BuildFailed: g++ ended with status 1."
    [problem] = result.steps[0].diagnostics
    place = problem.place
    assert (place.file, place.line, place.column) == ("bad.cpp", 2, 10)
    assert problem.message == "nothere.h: No such file or directory"


async def test_a_script_runs_in_the_folder_of_the_session(
    session: RunningSession, tmp_path: Path
) -> None:
    program = write(tmp_path, "a.sh", 'pwd; test -t 1 && echo terminal; echo "$1"; nosuch\n')
    program = ProgramOptions(program.file, arguments=("word",))
    result = await session.run("", kernel="programs:bash", program=program)
    assert result.stdout[:3] == [str(tmp_path / "work"), "terminal", "word"]
    (step,) = result.steps
    assert step.code == 127
    assert [p.place.line for p in step.diagnostics] == [1]


async def test_the_end_of_input(session: RunningSession) -> None:
    result = await session.run("cat; echo done", language="bash", answers=["a", "\x04"])
    assert result.stdout == ["a", "a", "done"]


async def test_a_password_is_asked_for_as_one(session: RunningSession) -> None:
    questions = []
    async for record in session.stream("read -s word; echo ${#word}", language="bash"):
        if isinstance(record.event, StdinRequested):
            questions.append(record.event)
            await session.answer(record.event, "secret")
        if isinstance(record.event, ExecutionFinished):
            result = await session.result(record.event.execution_id)
    assert [(q.password, q.echoed) for q in questions] == [(True, True)]
    assert result.stdout == ["6"]


async def test_an_interrupt_ends_an_endless_loop(session: RunningSession) -> None:
    is_on = False
    async for record in session.stream("echo on; while :; do :; done", language="bash"):
        if isinstance(record.event, OutputChanged) and not is_on:  # its row may end in another one
            is_on = True
            await session.call(Interrupt(kernel="bash"))
        if isinstance(record.event, ExecutionFinished):
            assert record.event.status == "cancelled"
            step = (await session.result(record.event.execution_id)).steps[-1]
            assert (step.code, step.signal) == (130, "SIGINT")


async def test_a_program_that_ignores_an_interrupt_is_killed(session: RunningSession) -> None:
    code = "trap '' INT TERM; echo on; while :; do sleep 0.1; done"
    is_on = False
    async for record in session.stream(code, language="bash"):
        if isinstance(record.event, OutputChanged) and not is_on:
            is_on = True
            await session.call(Interrupt(stage="kill", kernel="bash"))
        if isinstance(record.event, ExecutionFinished):
            step = (await session.result(record.event.execution_id)).steps[-1]
            assert step.signal == "SIGKILL"
    assert (await session.run("echo next", language="bash")).stdout == ["next"]


async def test_a_limit_of_time(session: RunningSession) -> None:
    stream = session.stream("while :; do :; done", language="bash", timeout=0.3)
    (end,) = [r.event async for r in stream if isinstance(r.event, ExecutionFinished)]
    assert end.status == "timed_out"


async def test_a_killed_driver_leaves_no_compiler(
    session: RunningSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = tmp_path / "number"
    shim = tmp_path / "g++"
    shim.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {number}\nkill -9 $$\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    result = await session.run("int main() {}", language="cpp")
    assert result.error == "BuildFailed: g++ was ended by SIGKILL."
    left = Path("/proc", number.read_text().strip())
    await wait_until(lambda: not left.exists(), "the end of the compiler")


async def test_a_build_that_makes_no_program_is_told(
    session: RunningSession, tmp_path: Path
) -> None:
    checked = structs.replace(write(tmp_path, "a.c", "int main() {}\n"), flags=("-fsyntax-only",))
    result = await session.run("", kernel="programs:c", program=checked)
    assert "The build has made no program that can be run." in result.error
    built = structs.replace(checked, steps="build")
    assert (await session.run("", kernel="programs:c", program=built)).error == ""


async def test_an_interrupt_ends_the_compiler(
    session: RunningSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = tmp_path / "ready"
    shim = tmp_path / "g++"
    number = f"echo $! > {ready}.new; mv {ready}.new {ready}"
    shim.write_text(f"#!/bin/sh\nsleep 600 &\n{number}\nwait\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    request = Execute("int main(){}", options=ExecuteOptions(language="cpp"))
    execution = (await session.call(request)).execution_id
    await wait_until(ready.exists, "the compiler")
    await session.call(Interrupt(kernel="cpp"))
    async for record in session.events():
        if isinstance(record.event, ExecutionFinished):
            break
    result = await session.result(execution)
    assert result.error.startswith("BuildFailed: g++ was ended by SIG")
    left = Path(f"/proc/{ready.read_text().strip()}")
    await wait_until(lambda: not left.exists(), "the end of the compiler")


@pytest.mark.parametrize(
    ("kernel", "name", "words"),
    [("programs:cpp", "a.hpp", "a header"), ("programs:bash", "absent.sh", "No such file")],
)
async def test_what_cannot_be_run_is_told(
    session: RunningSession, tmp_path: Path, kernel: str, name: str, words: str
) -> None:
    (tmp_path / "work" / "a.hpp").write_text("")
    result = await session.run("", kernel=kernel, program=ProgramOptions(name))
    assert words in result.error


async def test_a_fault_of_ours_ends_the_execution(
    session: RunningSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("nobody thought of this")

    options = write(tmp_path, "a.sh", "echo after\n")
    with monkeypatch.context() as broken:
        broken.setattr("codeexec.kernels.process.steps.execution.plan_here", fail)
        result = await session.run("", kernel="programs:bash", program=options)
    assert result.error.startswith("Internal error: RuntimeError('nobody thought of this').")
    assert (await session.run("", kernel="programs:bash", program=options)).stdout == ["after"]


async def test_a_program_has_its_environment_folder_and_input(
    session: RunningSession, tmp_path: Path
) -> None:
    write(tmp_path, "where.sh", 'pwd; cat; echo "$WORD $1"\n')
    work = tmp_path / "work"
    (work / "a folder").mkdir()
    (work / "in put.txt").write_text("a line\n")
    program = ProgramOptions(
        "where.sh",
        arguments=("where.sh",),
        environment={"WORD": "a b"},
        folder="a folder",
        stdin="in put.txt",
    )
    result = await session.run("", kernel="programs:bash", program=program)
    assert result.stdout == [str(work / "a folder"), "a line", "a b where.sh"]
    missing = structs.replace(program, stdin="none.txt")
    result = await session.run("", kernel="programs:bash", program=missing)
    assert result.error.startswith("SystemExit")
    assert "none.txt" in result.stdout[0]
    missing = structs.replace(program, folder="none")
    result = await session.run("", kernel="programs:bash", program=missing)
    assert result.error.startswith("SystemExit")
    assert "none" in result.stdout[0]


async def test_run_alone_needs_a_build(session: RunningSession, tmp_path: Path) -> None:
    write(tmp_path, "main.c", "int main(void){ return 4; }\n")

    async def run(steps: str) -> str:
        program = ProgramOptions("main.c", steps=steps)  # type: ignore[arg-type]
        return (await session.run("", kernel="programs:c", program=program)).error

    assert "was not built yet" in await run("run")
    assert await run("build") == ""
    assert await run("run") == "SystemExit: 4"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("import sys; sys.stdin.readline()", "reads"),
        ("import time; time.sleep(600)", "works"),
        ("import select, sys; select.select([sys.stdin], [], [])", "polls"),
        ("import subprocess; subprocess.run(['cat'])", "reads"),
    ],
)
async def test_what_a_process_waits_for(code: str, kind: str) -> None:
    process = await start_process([sys.executable, "-c", code])
    try:
        await wait_until(lambda: wait_of(process.pid).kind == kind, kind)
    finally:
        await process.end()


def test_names_in_a_depfile() -> None:
    text = "out: a\\ b.cpp /usr/x.h \\\n  c$$d.h\n\n/usr/x.h:\n"
    assert read_depfile(text) == ["a b.cpp", "/usr/x.h", "c$d.h"]


async def test_each_step_has_its_own_output(session: RunningSession) -> None:
    code = '#include <cstdio>\nint main() { int unused; std::puts("one\\ntwo"); }'
    build, run = (await session.run(code, language="cpp")).steps
    assert any("unused variable" in row for row in build.stderr)
    assert (build.stdout, run.stdout, run.stderr) == ((), ("one", "two"), ())
    assert build.peak_memory is not None
    assert build.cpu_seconds is not None
    assert build.peak_memory > 8 << 20  # a compiler is larger than any of our processes' start
    assert 0.01 < build.cpu_seconds < 60


async def test_a_program_that_was_removed_is_built_again(session: RunningSession) -> None:
    code = "int main() { return 4; }"
    first = await session.run(code, language="c")
    Path(first.steps[1].command[0]).unlink()
    again = await session.run(code, language="c")
    assert (again.error, again.steps[0].is_reused) == ("SystemExit: 4", False)


async def test_a_program_that_is_removed_before_it_starts_is_told(session: RunningSession) -> None:
    code = "int main() { return 4; }"
    built = Path((await session.run(code, language="c")).steps[1].command[0])
    built.write_text("#!/no/such/interpreter\n")
    error = await session.run(code, language="c")
    assert error.error == "SystemExit: 127"
    assert any("not found" in row for row in error.steps[1].stdout)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("kill -SEGV $$", "was ended by SIGSEGV."),
        ("echo 'ld: final link failed: No space left on device' >&2; exit 1", "The disk is full"),
    ],
)
async def test_why_a_compiler_has_failed_is_told(
    session: RunningSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    words: str,
) -> None:
    shim = tmp_path / "g++"
    shim.write_text(f"#!/bin/sh\n{script}\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    result = await session.run("int main() {}", language="cpp")
    assert result.error.startswith("BuildFailed: g++ ")
    assert words in result.error


async def test_a_program_is_told_of_another_size(session: RunningSession) -> None:
    code = "trap 'stty size; exit 3' WINCH; echo on; while :; do sleep 0.02; done"
    shown: list[str] = []
    async for record in session.stream(code, language="bash"):
        if isinstance(record.event, OutputChanged) and not shown:
            shown += [run.text for run in record.event.runs]
            await session.call(ResizeTerminals(100, 30))
        if isinstance(record.event, ExecutionFinished):
            result = await session.result(record.event.execution_id)
    assert (shown[0], result.stdout, result.error) == ("on", ["on", "30 100"], "SystemExit: 3")
    with pytest.raises(UsageError):
        await session.call(ResizeTerminals(0))


async def test_a_program_that_uses_the_whole_screen_is_offered_a_terminal(
    session: RunningSession, tmp_path: Path
) -> None:
    code = (
        "echo before; printf '\\033[?1049h\\033[3;3H'; yes drawn | head -c 3000000; "
        "printf '\\033[?1049l'; echo \"$NAME\"; cat"
    )
    (tmp_path / "work" / "below").mkdir()
    (tmp_path / "work" / "below" / "in.txt").write_text("typed\n")
    program = structs.replace(
        write(tmp_path, "screen.sh", code),
        environment={"NAME": "value"},
        folder="below",
        stdin="below/in.txt",
    )
    starts = []
    async for record in session.stream("", kernel="programs:bash", program=program):
        if isinstance(record.event, FullScreenUsed):
            starts.append(record.event.start)
        if isinstance(record.event, ExecutionFinished):
            result = await session.result(record.event.execution_id)
    assert result.stdout == ["before", "value", "typed"]
    (start,) = starts
    folder = str(tmp_path / "work" / "below")
    assert (start.folder, start.environment) == (folder, {"NAME": "value"})
    again = await start_process(start.argv, cwd=Path(folder), env=os.environ | start.environment)
    assert again.stdout is not None
    assert (await again.stdout.read()).endswith(b"\x1b[?1049lvalue\ntyped\n")


async def test_a_compiler_that_reports_without_end_is_ended(
    session: RunningSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_run, "MOST_REPORT", 1 << 20)
    tool = tmp_path / "g++"
    tool.write_text('#!/bin/sh\necho $$ > "$0.pid"\nexec yes "$(printf %4000s e)" >&2\n')
    tool.chmod(0o755)
    program = structs.replace(write(tmp_path, "a.cpp", "int main() {}\n"), compiler=str(tool))
    result = await session.run("", kernel="programs:cpp", program=program)
    assert result.error == "BuildFailed: g++ ended with status 1."
    assert result.stderr[-1] == "(the report is longer, and the compiler was ended)"
    pid = (tmp_path / "g++.pid").read_text().strip()
    await wait_until(lambda: not Path("/proc", pid).exists(), "the end of the compiler")
