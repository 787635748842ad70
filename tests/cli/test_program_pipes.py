"""Programs of other languages behind `run`: pipes, closed streams, signals, exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from codeexec.environments.processes import identify
from support.programs import COMMAND, Desk, environment
from support.servers import wait_for

COPY = """\
#include <unistd.h>
int main(void) {
    static char data[1 << 16];
    ssize_t count;
    while ((count = read(0, data, sizeof data)) > 0)
        for (char *at = data; count > 0;) {
            ssize_t written = write(1, at, count);
            if (written < 0) return 9;
            at += written;
            count -= written;
        }
    return 6;
}
"""


def shell(desk: Desk, words: str) -> subprocess.CompletedProcess[bytes]:
    """A command line of a shell, with RUN for `codeexec-tui run`; its status is in its output."""
    return subprocess.run(
        ["bash", "-c", words.replace("RUN", f"{sys.executable} -m codeexec run")],
        cwd=desk.folder,
        env=environment(desk.home),
        capture_output=True,
        timeout=90,
    )


@pytest.mark.slow
def test_binary_data_of_a_hundred_megabytes_passes_through(desk: Desk) -> None:
    desk.file("copy.c", COPY)
    data = os.urandom(1 << 20) * 100
    desk.file("data", data)
    done = shell(desk, 'RUN copy.c < data > out; echo "$?"; cat data | RUN copy.c | cmp - data')
    assert done.stdout == b"6\n"
    assert (desk.folder / "out").read_bytes() == data
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ('RUN yes.sh | head -1; echo "${PIPESTATUS[*]}"', "y\n141 0"),
        ('yes | RUN one.sh; echo "${PIPESTATUS[*]}"', "got y\n141 3"),
        ("RUN one.sh <&-; echo $?", "got\n3"),
        ("RUN one.sh </dev/null >&-; echo $?", "3"),
        ("timeout 0.5 RUN deaf.sh; echo $?", "124"),
        ("(trap '' HUP; RUN hup.sh); echo $?", "0"),
        ("setsid -w RUN one.sh </dev/null; echo $?", "got\n3"),
    ],
)
def test_it_stands_in_pipes_as_the_program_does(desk: Desk, words: str, expected: str) -> None:
    desk.file("yes.sh", "yes\n")
    desk.file("one.sh", "read line 2>/dev/null; echo got $line; exit 3\n")
    desk.file("hup.sh", "kill -HUP $$\n")
    desk.file("deaf.sh", "trap 'exit 5' TERM; while :; do sleep 0.05; done\n")
    done = shell(desk, words)
    assert done.stdout.decode().strip() == expected, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["TERM", "INT", "KILL", "PIPE"])
def test_the_status_of_a_signal_is_that_of_a_shell(desk: Desk, name: str) -> None:
    desk.file("end.sh", f"kill -{name} $$\n")
    done = desk.run("run", "end.sh")
    number = getattr(signal, f"SIG{name}")
    assert done.returncode == 128 + number
    is_quiet = name in ("INT", "PIPE")
    assert done.stderr == ("" if is_quiet else f"The program was ended by SIG{name}.\n")


@pytest.mark.slow
@pytest.mark.parametrize("file", ["a.sh", "a.c"])
def test_a_program_ends_when_we_are_killed(desk: Desk, file: str) -> None:
    desk.file("a.sh", "echo $$; while :; do sleep 0.1; done\n")
    desk.file(
        "a.c",
        "#include <stdio.h>\n#include <unistd.h>\n"
        'int main(void) { printf("%d\\n", getpid()); fflush(stdout); for (;;) pause(); }\n',
    )
    process = subprocess.Popen(
        [*COMMAND, "run", file],
        cwd=desk.folder,
        env=environment(desk.home),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        pid = int(process.stdout.readline())
        started = identify(pid)
        assert started is not None
        process.kill()
        process.wait()
        wait_for(lambda: identify(pid) != started, "the end of the program")


@pytest.mark.slow
def test_a_program_is_stopped_and_goes_on_in_a_shell(desk: Desk) -> None:
    desk.file(
        "ask.c",
        "#include <stdio.h>\nint main(void) { char line[99];\n"
        'puts("ready"); while (fgets(line, 99, stdin)) printf("got %s", line); return 4; }\n',
    )
    run = f"{sys.executable} -m codeexec run ask.c"
    desk.file("rc", "PS1='$ '\n")
    with desk.terminal("--rcfile", "rc", "-i", command=("bash",)) as terminal:
        terminal.shows("$")
        terminal.press(f"{run}\r")
        terminal.shows("ready")
        terminal.press("\x1a")
        terminal.shows("Stopped")
        terminal.press("echo st$((1+1))\r")
        terminal.shows("st2")
        terminal.press("fg\r")
        terminal.shows(f"$ fg\n{sys.executable}"[:40])
        terminal.press("hello\r")
        terminal.shows("got hello")
        terminal.press("\x04")
        terminal.shows("got hello\n$")
        terminal.press("echo status $?\r")
        terminal.shows("status 4")
        terminal.press("exit\r")
