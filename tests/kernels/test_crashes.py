"""Backtraces of programs that crash: real crashes, and real gdb."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codeexec import open_session
from codeexec.domain.options import ProgramOptions
from codeexec.domain.result import ExecutionResult
from codeexec.environments.processes import start
from codeexec.kernels.process.crashes.debugger import WATCHER
from codeexec.kernels.process.crashes.gdb import CrashFrame, CrashStacks, read_stacks
from codeexec.kernels.process.crashes.lldb import read_lldb
from codeexec.kernels.process.crashes.report import crash_words, make_report
from codeexec.program import RunningSession

PROGRAM = """\
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int follow(int *place) {
    return *place;
}
static void *work(void *nothing) {
    follow((int *)8);
    return nothing;
}
static int deeper(int n) {
    volatile char room[500];
    room[0] = (char)n;
    return deeper(n + 1) + room[0];
}
static void on_signal(int number) { _exit(number); }
int main(int count, char **words) {
    const char *how = words[count - 1];
    printf("before");
    fflush(stdout);
    if (!strcmp(how, "abort")) abort();
    if (!strcmp(how, "thread")) {
        pthread_t thread;
        pthread_create(&thread, 0, work, 0);
        pthread_join(thread, 0);
    }
    if (!strcmp(how, "divide")) { volatile int zero = 0, one = 1; return one / zero; }
    if (!strcmp(how, "overflow")) return deeper(0);
    if (!strcmp(how, "folder")) { chdir("below"); return follow((int *)8); }
    if (!strcmp(how, "sent")) kill(getpid(), SIGSEGV);
    if (!strcmp(how, "handled")) signal(SIGSEGV, on_signal);
    if (!strcmp(how, "child")) return system("kill -SEGV $$") ? 3 : 0;
    return follow((int *)8);
}
"""


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningSession]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    work = tmp_path / "work"
    (work / "below").mkdir(parents=True)
    for folder in (work, work / "below"):
        (folder / "core").write_text("mine")
    (work / "crash.c").write_text(PROGRAM)
    async with open_session(cwd=work) as opened:
        yield opened


async def run(session: RunningSession, how: str, *flags: str, profile: str = "") -> ExecutionResult:
    program = ProgramOptions("crash.c", arguments=(how,), flags=("-w", *flags), profile=profile)
    return await session.run("", kernel="programs:c", program=program)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.slow
async def test_a_crash_has_a_backtrace_and_a_problem(
    session: RunningSession, tmp_path: Path
) -> None:
    result = await run(session, "folder")
    path = tmp_path / "work" / "crash.c"
    assert result.error == "Signal: SIGSEGV"
    assert result.stdout == ["before"]
    rows = result.stderr
    assert rows[0] == "SIGSEGV: invalid memory access at address 0x8. Backtrace by gdb:"
    assert rows[1].endswith(f" in follow(place=0x8) {path}:8")
    assert rows[2].endswith(f"{path}:{1 + line_of('folder')}")
    (problem,) = result.steps[-1].diagnostics
    assert (problem.place.file, problem.place.line) == (str(path), 8)
    assert (problem.severity, problem.source) == ("error", "gdb")
    assert problem.message == "SIGSEGV: invalid memory access at address 0x8"
    assert [note.message for note in problem.notes] == ["in follow", "in main"]
    work = tmp_path / "work"
    assert files(work) == ["below", "below/core", "core", "crash.c"]
    assert (work / "below" / "core").read_text() == "mine"


def line_of(how: str) -> int:
    """The line, counted from 0, at which the program asks for this way to crash."""
    return next(n for n, line in enumerate(PROGRAM.split("\n")) if f'"{how}"' in line)


@pytest.mark.slow
async def test_ways_to_crash(session: RunningSession, tmp_path: Path) -> None:
    path = str(tmp_path / "work" / "crash.c")
    expected = {
        "abort": ("SIGABRT: the program gave up", 1 + line_of("abort")),
        "thread": ("SIGSEGV: invalid memory access at address 0x8", 8),
        "divide": ("SIGFPE: division by zero", 1 + line_of("divide")),
        "overflow": ("SIGSEGV: stack overflow", 0),
        "sent": ("SIGSEGV: sent by a process", 1 + line_of("sent")),
    }
    for how, (message, line) in expected.items():
        result = await run(session, how)
        (problem,) = result.steps[-1].diagnostics
        assert (problem.message, problem.place.file) == (message, path)
        # Where a stack ends among the lines of the recursion is left to chance.
        assert problem.place.line == line or (how == "overflow" and 14 <= problem.place.line <= 17)
        if how == "thread":
            head = f"    Another thread: main {path}:"
            assert [row for row in result.stderr if row.startswith(head)]
        if how == "overflow":
            assert "    ⋯ 61 more frames of deeper" in result.stderr


async def test_what_is_no_crash_has_no_backtrace(session: RunningSession) -> None:
    handled = await run(session, "handled")
    assert (handled.error, handled.stderr) == ("SystemExit: 11", [])
    child = await run(session, "child")
    assert (child.error, child.stderr) == ("SystemExit: 3", [])


async def test_a_program_is_not_traced_where_it_is_not_wanted(session: RunningSession) -> None:
    program = ProgramOptions(
        "crash.c", arguments=("x",), flags=("-w",), environment={"CODEEXEC_BACKTRACE": "0"}
    )
    result = await session.run("", kernel="programs:c", program=program)
    assert (result.error, result.stderr) == ("Signal: SIGSEGV", [])


@pytest.mark.slow
async def test_a_program_without_debug_information(session: RunningSession) -> None:
    result = await run(session, "x", "-s", profile="release")
    rows = result.stderr
    assert rows[-1] == "    No line numbers: build with the profile debug, or with -g."
    (problem,) = result.steps[-1].diagnostics
    assert (problem.place.file, problem.place.line) == ("", 0)


@pytest.mark.slow
async def test_a_program_with_a_sanitizer_is_not_traced(session: RunningSession) -> None:
    result = await run(session, "x", "-fsanitize=address")
    text = "\n".join(result.stderr + result.stdout)
    assert "AddressSanitizer" in text
    assert "LeakSanitizer has encountered a fatal error" not in text
    assert "Backtrace by gdb" not in text


async def test_without_gdb_the_package_is_named(
    session: RunningSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("gcc", "as", "ld", "stty"):
        (tools / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tools))
    result = await run(session, "x")
    assert result.error == "Signal: SIGSEGV"
    rows = result.stderr
    assert rows == ["No backtrace: gdb is not installed. Install it: apt install gdb"]


LLDB = """\
(lldb) target create "PROGRAM" --core "core"
Core file '/tmp/x/core' (x86_64) was loaded.
(lldb) thread backtrace all -c 64
  thread #1, stop reason = signal 0
    @F\t0x0000556170920165\t8\tSOURCE\tPROGRAM\tfollow\tfollow(place=0x0000000000000008)
    @F\t0x000055617092017f\t11\tSOURCE\tPROGRAM\twork\twork(nothing=0x0000000000000000)
    @F\t0x00007ff7a03fd1f5\t442\tnptl/nptl/pthread_create.c\t/lib/libc.so.6\tstart_thread\tstart_thread
    @F\t0x00007ff7a047d8ec\t\t\t/lib/libc.so.6\t___lldb_unnamed_symbol31\t___lldb_unnamed_symbol31
* thread #2, stop reason = signal SIGSEGV
  * @F\t0x0000556170920237\t34\tSOURCE\tPROGRAM\tmain\tmain(count=2, words=0x00007ffe46f41838)
"""
"""What lldb 14 prints, with the names of the files left out."""


async def test_without_gdb_lldb_makes_the_backtrace(
    session: RunningSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, source = tmp_path / "tools", str(tmp_path / "work" / "crash.c")
    tools.mkdir()
    for name in ("gcc", "as", "ld", "stty"):
        (tools / name).symlink_to(str(shutil.which(name)))
    (tools / "printed").write_text(LLDB.replace("SOURCE", source))
    (tools / "lldb").write_text(f"#!/bin/sh\nexec /bin/cat {tools / 'printed'}\n")
    (tools / "lldb").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    result = await run(session, "x")
    rows = result.stderr
    assert rows[0] == "SIGSEGV: invalid memory access at address 0x8. Backtrace by lldb:"
    assert rows[1] == f"    #0 0x0000556170920165 in follow(place=0x8) {source}:8"
    assert rows[-1] == f"    Another thread: main {source}:34"
    (problem,) = result.steps[-1].diagnostics
    assert (problem.place.file, problem.place.line, problem.source) == (source, 8, "lldb")


def test_stacks_of_lldb_are_read() -> None:
    stacks = read_lldb(LLDB.replace("SOURCE", "/w/a.c"), "PROGRAM")
    follow, work, start_thread, unnamed = stacks.crashed
    assert follow == CrashFrame("0x0000556170920165", "follow", "/w/a.c", 8, "", "place=0x8")
    assert work.arguments == "nothing=0x0"
    assert (start_thread.library, start_thread.arguments) == ("/lib/libc.so.6", "")
    assert (unnamed.function, unnamed.line) == ("??", 0)
    assert [frame.function for thread in stacks.others for frame in thread] == ["main"]
    assert read_lldb("error: core file is damaged", "PROGRAM").crashed == ()


async def test_the_watcher_leaves_signals_and_status_as_they_are(tmp_path: Path) -> None:
    watched = (sys.executable, "-I", "-S", str(WATCHER), str(tmp_path))
    script = "trap 'echo got' USR1; kill -USR1 $$; kill -STOP $$; grep SigIgn /proc/self/status"
    process = await start((*watched, "sh", "-c", script), cwd=tmp_path, env=dict(os.environ))
    assert process.stdout is not None
    assert await process.stdout.readline() == b"got\n"
    # Its parent hears of the stop, as a shell with job control has to.
    await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    process.signal_group(signal.SIGCONT)
    ignored = int((await process.stdout.readline()).split()[1], 16)
    assert ignored & (1 << 12) == 0
    assert await process.wait() == 0
    assert files(tmp_path) == []

    missing = await start((*watched, "/nosuch"), cwd=tmp_path, env=dict(os.environ))
    assert await missing.wait() == 127
    assert missing.stderr is not None
    assert await missing.stderr.readline() == b"/nosuch: not found\n"


STACKS = """\
1^done,stack=[frame={level="0",addr="0x01",func="f<\\"x\\">",file="a.cpp",fullname="/w/\\303\\244.cpp",\
line="4",arch="a"},frame={level="1",addr="0x02",func="g",from="/lib/libc.so.6"}]
2^done,stack-args=[frame={level="0",args=[{name="n",type="int",value="3"},{name="n@entry",value="3"},\
{name="s",type="char *",value="0x5 \\"a\\\\n\\""},{name="v",type="V"}]},frame={level="1",args=[]}]
12^done,stack=[frame={level="0",addr="<unavailable>",func="??"}]
13^done,stack=[frame={level="0",addr="0x03",func="w",
"""


def test_stacks_are_read() -> None:
    first = CrashFrame("0x01", 'f<"x">', "/w/ä.cpp", 4, "", 'n=3, s=0x5 "a\\n", v=…')
    second = CrashFrame("0x02", "g", "", 0, "/lib/libc.so.6")
    assert read_stacks(STACKS) == CrashStacks((first, second))
    assert read_stacks("") == CrashStacks(())


@pytest.mark.parametrize(
    ("crash", "words"),
    [
        (
            {"signal": 11, "code": 1, "address": 0, "stack": 1 << 30},
            "SIGSEGV: invalid memory access at address 0x0",
        ),
        ({"signal": 11, "code": 1, "address": 4096, "stack": 4200}, "SIGSEGV: stack overflow"),
        ({"signal": 8, "code": 3}, "SIGFPE: arithmetic error"),
        ({"signal": 4, "code": 2}, "SIGILL: illegal instruction"),
        ({"signal": 6, "code": -6}, "SIGABRT: the program gave up"),
        ({"signal": "x"}, "Signal 0"),
    ],
)  # fmt: skip
def test_words_of_a_crash(crash: dict[str, object], words: str) -> None:
    assert crash_words(crash) == words


def test_frames_of_libraries_are_folded() -> None:
    libraries = [CrashFrame(f"0x{n}", f"lib{n}", "./stdlib/abort.c", 7) for n in range(3)]
    own = CrashFrame("0x9", "main\x1b[31m", "/w/a.cpp", 3, "", "n=1")
    report = make_report({"signal": 6}, CrashStacks((*libraries, own)), "gdb")
    assert report.folded.split("\n")[1:3] == [
        "    ⋯ 3 frames of libraries",
        "    #3 0x9 in main␛[31m(n=1) /w/a.cpp:3",
    ]
    assert report.text.count("./stdlib/abort.c:7") == 3
