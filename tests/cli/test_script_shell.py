"""`run SCRIPT` as a shell starts it: descriptors, signals, limits and files of every kind."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import pytest

from support.programs import COMMAND, Desk, environment

SHELLS = {
    "stdin is closed": ("import sys; print(sys.stdin)", "{} s.py <&-"),
    "stdout is closed": ("import sys; sys.stderr.write(str(sys.stdout))", "{} s.py >&-"),
    "stderr is closed": ("import sys; print(sys.stderr); 1/0", "{} s.py 2>&-"),
    "all are closed": (
        "import sys; open('o', 'w').write(str((sys.stdin, sys.stdout, sys.stderr)))",
        "{} s.py <&- >&- 2>&-; cat o",
    ),
    "a descriptor to read": ("import os; print(os.read(5, 9))", "echo hi >i; {} s.py 5<i"),
    "a descriptor to write": ("import os; os.write(7, b'x')", "{} s.py 7>o; cat o"),
    "a script that the shell makes": ("", "{} <(echo 'print(5)')"),
    "nohup": ("import signal; print(signal.getsignal(signal.SIGHUP))", "nohup {} s.py"),
    "signals that are ignored": (
        "import signal as s; print(s.getsignal(s.SIGINT), s.getsignal(s.SIGTERM))",
        "trap '' INT TERM; {} s.py",
    ),
    "few descriptors": ("print(open('s.py').fileno())", "ulimit -n 64; {} s.py"),
    "SIGPIPE ends it": (
        "import signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
        "for n in range(100_000): print(n)",
        "{} s.py | head -1; echo ${{PIPESTATUS[0]}}",
    ),
    "a pipe that nobody reads": (
        "for n in range(100_000): print(n)",
        "{} s.py | head -1; echo ${{PIPESTATUS[0]}}",
    ),
    "a disk that is full": ("print('x')", "{} s.py >/dev/full; echo $?"),
    "a stdin that is shared": (
        "import os; print(os.read(0, 2))",
        "printf 'a\\nb\\n' | ({} s.py; cat)",
    ),
    "its own environment": ("import os; print(sorted(os.environ.items()))", "unset _; {} s.py"),
    "a PATH with a folder of here": (
        "import os; print(os.environ['PATH'])",
        "PATH=.:$PATH {} s.py",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("code", "line"), SHELLS.values(), ids=SHELLS.keys())
def test_a_shell_starts_it_as_python(desk: Desk, code: str, line: str) -> None:
    desk.file("s.py", code + "\n")
    env = environment(desk.home, {"PYTHONHASHSEED": "0"})
    for name in ("PYTHONUNBUFFERED", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"):
        env.pop(name, None)
    python, ours = (
        subprocess.run(
            ["bash", "-c", line.format(" ".join(command))],
            cwd=desk.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=90,
        )
        for command in ((sys.executable,), (*COMMAND, "run"))
    )
    assert ours.stdout == python.stdout
    assert ours.stderr == python.stderr
    assert ours.returncode == python.returncode


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "zip", "byte code", "pipe", "null bytes"])
def test_what_is_no_text_is_recorded_too(desk: Desk, kind: str) -> None:
    code = "import sys; print('ran'); sys.exit(5)"
    line, status = "run --json {}", 5
    match kind:
        case "folder":
            (desk.folder / "x").mkdir()
            desk.file("x/__main__.py", code)
        case "zip":
            with zipfile.ZipFile(desk.folder / "x", "w") as archive:
                archive.writestr("__main__.py", code)
        case "byte code":
            import py_compile

            desk.file("x.py", code)
            py_compile.compile(str(desk.folder / "x.py"), str(desk.folder / "x"))
        case "pipe":
            line = f'run --json <(echo "{code}")'
        case _:
            desk.file("x", b"print('ran')\n\0")
            status = 1
    done = subprocess.run(
        ["bash", "-c", " ".join((*COMMAND, line.format("x")))],
        cwd=desk.folder,
        env=environment(desk.home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert (done.returncode, done.stderr) == (status, "")
    assert json.loads(done.stdout.splitlines()[-1])["by"] == "program"
    assert ('"ran' in done.stdout) == (status == 5)


@pytest.mark.slow
def test_modules_of_the_library_are_found_beside_files_of_their_names(desk: Desk) -> None:
    for name in ("json", "re", "select", "enum"):
        desk.file(f"{name}.py", "x = 5\n")
    desk.file("s.py", "import json, select\nprint(json.x, select.x)\n")
    done = desk.run("run", "--json", "s.py")
    assert done.returncode == 0
    assert '"stdout","text":"5 5"' in done.stdout
    assert "Traceback" not in done.stdout
    assert '"variables_taken"' in done.stdout


@pytest.mark.parametrize("words", [("--json",), ("--save", "o.ipynb")])
def test_a_full_disk_is_said(desk: Desk, words: tuple[str, ...]) -> None:
    desk.file("s.py", "print(1)\n")
    done = subprocess.run(
        ["bash", "-c", " ".join((*COMMAND, "run", *words, "s.py", ">/dev/full"))],
        cwd=desk.folder,
        env=environment(desk.home),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 125
    assert "cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
