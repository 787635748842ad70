"""`run` with programs of other languages: real compilers and interpreters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from support.programs import COMMAND, DEADLINE, Desk, environment
from support.servers import has_ended, wait_for

MAIN = """\
#include <cstdio>
#include "twice.h"
int main(int count, char** words) {
  int number = 0;
  if (std::scanf("%d", &number) != 1) return 9;
  std::printf("%d %s\\n", twice(number), count > 1 ? words[1] : "-");
  return 7;
}
"""


@pytest.fixture
def shim(desk: Desk) -> Path:
    """A folder for PATH whose g++ writes a line to `calls` for each start."""
    folder = desk.folder / "shim"
    folder.mkdir()
    tool = folder / "g++"
    tool.write_text('#!/bin/sh\necho >> "$0.calls"\nexec /usr/bin/env -u X PATH="$OLD" g++ "$@"\n')
    tool.chmod(0o755)
    return folder


def calls(shim: Path) -> int:
    log = shim / "g++.calls"
    return len(log.read_text().splitlines()) if log.exists() else 0


def cpp(desk: Desk, shim: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{shim}:{os.environ['PATH']}", "OLD": os.environ["PATH"]}
    return desk.run("run", *words, stdin=b"21\n", env=env)


@pytest.mark.slow
def test_a_built_program_has_input_arguments_and_status(desk: Desk, shim: Path) -> None:
    desk.file("main.cpp", MAIN)
    desk.file("twice.h", "inline int twice(int n) { return 2 * n; }\n")
    done = cpp(desk, shim, "main.cpp", "--", "hi")
    assert (done.stdout, done.stderr, done.returncode) == ("42 hi\n", "", 7)

    cpp(desk, shim, "main.cpp", "again")
    assert calls(shim) == 1, "the second run starts no compiler"
    desk.file("twice.h", "inline int twice(int n) { return 3 * n; }\n")
    assert cpp(desk, shim, "main.cpp").stdout == "63 -\n"
    assert calls(shim) == 2, "a changed header"
    cpp(desk, shim, "--flag=-O1", "main.cpp")
    assert calls(shim) == 3, "another flag"
    cpp(desk, shim, "--no-cache", "main.cpp")
    assert calls(shim) == 4


def test_errors_of_a_build_are_printed_and_nothing_runs(desk: Desk) -> None:
    desk.file("bad.cpp", "int main(){ return x; }\n")
    done = desk.run("run", "bad.cpp")
    assert done.returncode == 1
    assert "bad.cpp:1:20: error:" in done.stderr
    assert "g++ ended with status 1." in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_warnings_are_shown_again_when_the_program_is_reused(desk: Desk) -> None:
    desk.file("warn.cpp", "int main(){ int unused; }\n")
    first, second = desk.run("run", "warn.cpp"), desk.run("run", "warn.cpp")
    assert "-Wunused-variable" in first.stderr
    assert (second.stderr, second.returncode) == (first.stderr, 0)


@pytest.mark.slow
def test_json_has_the_diagnostics_of_the_build(desk: Desk) -> None:
    desk.file("bad.cpp", "int main(){ return x; }\n")
    done = desk.run("run", "--json", "bad.cpp")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    (step,) = [e["event"]["step"] for e in events[:-1] if e["event"]["type"] == "step_ended"]
    assert (step["name"], step["code"]) == ("build", 1)
    (problem,) = step["diagnostics"]
    assert problem["place"] == {
        "file": "bad.cpp", "line": 1, "column": 20, "end_line": 1, "end_column": 21
    }  # fmt: skip
    assert problem["severity"] == "error"
    assert events[-1] == {"type": "run_ended", "status": 1, "by": "program"}


@pytest.mark.slow
def test_json_has_the_steps_of_a_program(desk: Desk) -> None:
    desk.file("crash.c", "#include <stdlib.h>\nint main(void){ abort(); }\n")
    done = desk.run("run", "--json", "crash.c")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    steps = [e["event"]["step"] for e in events[:-1] if e["event"]["type"] == "step_ended"]
    assert [(s["name"], s["code"], s.get("signal")) for s in steps] == [
        ("build", 0, None),
        ("run", 134, "SIGABRT"),
    ]
    assert done.returncode == 134


@pytest.mark.slow
def test_a_build_that_makes_no_program_is_told(desk: Desk) -> None:
    desk.file("main.cpp", "int main() {}\n")
    checked = desk.run("build", "main.cpp", "--flag=-fsyntax-only")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    for flag in ("-fsyntax-only", "-c"):
        done = desk.run("run", "main.cpp", f"--flag={flag}")
        assert done.returncode == 126
        assert "The build has made no program that can be run." in done.stderr


@pytest.mark.slow
def test_nothing_is_built_where_others_can_change_it(desk: Desk) -> None:
    desk.file("main.cpp", "int main() {}\n")
    assert desk.run("run", "main.cpp").returncode == 0
    builds = desk.home / ".cache" / "codeexec-tui" / "builds"
    builds.chmod(0o777)
    done = desk.run("run", "main.cpp")
    assert done.returncode != 0
    assert f"Programs are not built in {builds}: others can change what is there." in done.stderr


@pytest.mark.slow
def test_names_with_blanks_newlines_and_dashes_are_built(desk: Desk) -> None:
    for folder, name in (
        ("a b", "x y.cpp"),
        ("a\nb", "m.cpp"),
        ("-d", "-m.cpp"),
        ("$x:y", "m#.cpp"),
    ):
        (desk.folder / folder).mkdir()
        path = f"./{folder}/{name}"
        desk.file(path, '#include "h.h"\nint main() { return N; }\n')
        for status in (3, 4):  # the header is known as one that the build has read
            desk.file(f"{folder}/h.h", f"#define N {status}\n")
            assert desk.run("run", path).returncode == status, path
            done = desk.run("build", path, "--json")
            assert json.loads(done.stdout)["is_reused"] is ("\n" not in folder), path
    dashed = desk.run("run", "--", "-m.cpp")
    assert "There is no option -m.cpp." in dashed.stderr


@pytest.mark.parametrize(
    ("name", "code", "printed", "status"),
    [
        ("a.sh", 'echo "hi $1"; exit 3\n', "hi there\n", 3),
        ("a.js", "console.log('hi', process.argv[2]); process.exit(4)\n", "hi there\n", 4),
        ("a.pl", 'print "hi $ARGV[0]\\n"; exit 5;\n', "hi there\n", 5),
        ("a.lua", "print('hi ' .. arg[1]) os.exit(6)\n", "hi there\n", 6),
        ("tool", '#!/bin/sh\necho "hi $1"\nexit 8\n', "hi there\n", 8),
    ],
)
def test_scripts_run_as_themselves(
    desk: Desk, name: str, code: str, printed: str, status: int
) -> None:
    desk.file(name, code)
    done = desk.run("run", name, "there")
    assert (done.stdout, done.stderr, done.returncode) == (printed, "", status)


def test_a_missing_tool_is_named_with_how_to_get_it(desk: Desk, tmp_path: Path) -> None:
    desk.file("main.cpp", "int main(){}\n")
    done = desk.run("run", "main.cpp", env={"PATH": str(tmp_path)})
    assert done.returncode == 127
    assert "C++ needs g++, clang++ or zig, and none of them is installed." in done.stderr
    assert "apt install g++" in done.stderr


def test_an_unknown_profile_is_refused(desk: Desk) -> None:
    desk.file("main.cpp", "int main(){}\n")
    done = desk.run("run", "--profile", "fast", "main.cpp")
    assert done.returncode == 2
    assert "debug, release, sanitize, coverage" in done.stderr


@pytest.mark.slow
def test_profiles_of_the_settings_and_standards_are_chosen(desk: Desk) -> None:
    desk.file(
        "main.cpp", '#include <cstdio>\nint main() { std::printf("%ld %d\\n", __cplusplus, N); }\n'
    )
    settings = desk.home / ".config" / "codeexec-tui" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        '[programs.profiles.old]\nbase = "release"\nflags = "-DN=4"\nstandard = "c++17"\n'
    )
    assert desk.run("run", "--profile", "old", "main.cpp").stdout == "201703 4\n"
    chosen = desk.run("run", "--profile", "old", "--std", "c++14", "--flag=-DN=5", "main.cpp")
    assert chosen.stdout == "201402 5\n"
    shown = desk.run("config", "show", "--changed").stdout
    assert '[programs.profiles.old]\nbase = "release"  # user ' in shown
    assert 'flags = ["-DN=4"]\nstandard = "c++17"\n' in shown
    unknown = desk.run("build", "--std", "c++21", "main.cpp")
    assert unknown.returncode == 2
    assert "C++ has no standard 'c++21'." in unknown.stderr
    unknown = desk.run("build", "--profile", "new", "main.cpp")
    assert unknown.returncode == 2
    assert "It has debug, release, sanitize, coverage, old." in unknown.stderr


def test_a_header_is_refused(desk: Desk) -> None:
    desk.file("point.hpp", "struct Point {};\n")
    done = desk.run("run", "point.hpp")
    assert done.returncode == 2
    assert "a header" in done.stderr


@pytest.mark.slow
def test_a_killed_driver_leaves_no_compiler(desk: Desk, tmp_path: Path) -> None:
    """The driver starts a compiler that writes its number and waits, and is then killed."""
    desk.file("main.cpp", "int main(){}\n")
    number = tmp_path / "number"
    shim = tmp_path / "g++"
    shim.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {number}\nkill -9 $$\n")
    shim.chmod(0o755)
    done = desk.run("run", "main.cpp", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.returncode == 1
    assert "g++ was ended by SIGKILL." in done.stderr
    compiler = int(number.read_text())
    wait_for(lambda: has_ended(compiler), "the end of the compiler")


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_a_signal_ends_the_build(desk: Desk, tmp_path: Path, number: int, status: int) -> None:
    desk.file("main.cpp", "int main(){}\n")
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    shim = tmp_path / "g++"
    shim.write_text(f"#!/bin/sh\necho $$ > {ready}\nexec sleep 600\n")
    shim.chmod(0o755)
    env = environment(desk.home, {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    with subprocess.Popen([*COMMAND, "run", "main.cpp"], cwd=desk.folder, env=env) as run:
        compiler = int(ready.read_text())
        run.send_signal(number)
        assert run.wait(DEADLINE) == status
        wait_for(lambda: has_ended(compiler), "the end of the compiler")


def test_a_cache_that_cannot_be_written_is_told(desk: Desk) -> None:
    desk.file("main.c", "int main(void){ return 0; }\n")
    desk.file("taken", "no folder")
    done = desk.run("run", "main.c", env={"XDG_CACHE_HOME": str(desk.folder / "taken")})
    assert done.returncode == 125
    assert "Built programs cannot be kept in" in done.stderr
    assert "XDG_CACHE_HOME" in done.stderr


def test_a_compiler_that_cannot_be_executed_is_told(desk: Desk, tmp_path: Path) -> None:
    desk.file("main.cpp", "int main(){}\n")
    shim = tmp_path / "g++"
    shim.write_text("#!/no/such/interpreter\n")
    shim.chmod(0o755)
    done = desk.run("run", "main.cpp", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.returncode == 125
    assert "g++ cannot be started: No such file or directory." in done.stderr


def test_sources_that_are_not_unicode_are_built(desk: Desk) -> None:
    desk.file("main.c", b'#include <stdio.h>\nint main(void){ puts("\xe4"); return x; } // \xe9\n')
    done = subprocess.run(
        [*COMMAND, "build", "--json", "main.c"],
        cwd=desk.folder,
        env=environment(desk.home),
        capture_output=True,
        check=False,
    )
    problem = json.loads(done.stdout.splitlines()[0])
    assert (problem["line"], problem["severity"]) == (2, "error")


def test_build_prints_the_path_of_the_program(desk: Desk) -> None:
    desk.file("main.c", "int main(void){ return 5; }\n")
    done = desk.run("build", "main.c")
    assert (done.returncode, done.stderr) == (0, "")
    assert subprocess.run([done.stdout.strip()]).returncode == 5


@pytest.mark.slow
def test_build_prints_diagnostics_as_objects(desk: Desk) -> None:
    desk.file("bad.cpp", "int main(){ return x; }\n")
    done = desk.run("build", "--json", "bad.cpp")
    assert done.returncode == 1
    problem, end = map(json.loads, done.stdout.splitlines())
    assert (problem["line"], problem["column"], problem["severity"]) == (1, 20, "error")
    assert (end["type"], end["status"], end["program"]) == ("build_ended", 1, "")


def test_build_refuses_what_is_not_built(desk: Desk) -> None:
    desk.file("a.sh", "echo\n")
    done = desk.run("build", "a.sh")
    assert done.returncode == 2
    assert "a.sh is no file that is built." in done.stderr


@pytest.mark.slow
def test_keys_reach_a_program_in_a_terminal(desk: Desk) -> None:
    desk.file(
        "ask.sh",
        'read -p "name? " name\necho "hello $name $(stty size)"\nwhile :; do sleep 1; done\n',
    )
    with desk.terminal("run", "ask.sh", columns=72) as terminal:
        terminal.shows("name?")
        terminal.press("Ada\r")
        terminal.shows("hello Ada 24 72")
        terminal.press("\x03")
        assert terminal.ends() == 130


@pytest.mark.slow
def test_a_full_disk_ends_the_build_in_words(desk: Desk) -> None:
    desk.file("main.cpp", "#include <iostream>\nint main() { std::cout << 1; }\n")
    limited = ["sh", "-c", 'ulimit -f 4; exec "$@"', "sh", *COMMAND, "run", "main.cpp"]
    done = subprocess.run(
        limited,
        cwd=desk.folder,
        env=environment(desk.home, {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "File size limit exceeded" in done.stderr
    assert "The disk is full: make room" in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_a_program_has_the_whole_screen_of_a_terminal(desk: Desk) -> None:
    drawn = "\\033[?1049h\\033[2J\\033[3;7Hdrawn\\033[?1000h"
    desk.file(
        "screen.sh",
        f'echo first; printf "{drawn}"; read line; printf "\\033[?1049l"; echo "got $line"\n',
    )
    with desk.terminal("run", "screen.sh") as terminal:
        terminal.shows("drawn")
        terminal.press("word\r")
        assert terminal.ends() == 0
    raw = terminal.raw
    assert b"first\r\n\x1b[?1049h\x1b[2J\x1b[3;7Hdrawn\x1b[?1000hword" in raw
    assert b"\x1b[?1049lgot word" in raw


@pytest.mark.slow
def test_a_program_that_dies_on_the_alternate_screen_leaves_the_other(desk: Desk) -> None:
    desk.file("screen.sh", 'printf "\\033[?1049h\\033[?25ldrawn"; kill -9 $$\n')
    with desk.terminal("run", "screen.sh") as terminal:
        assert terminal.ends() == 137
    assert terminal.raw.index(b"drawn") < terminal.raw.index(b"\x1b[?1049l\x1b[?25h")
    assert b"SIGKILL" in terminal.raw.rpartition(b"\x1b[?25h")[2]


# What go 1.19 does with a program of two packages; CI has none.
GO = """\
#!/bin/sh
echo "$1" >> "$0.calls"
if [ "$1" = build ]; then cp "$4" "$3"; chmod +x "$3"; exit; fi
printf '%s\\n' "$PWD/util/u.go" "$PWD/go.mod" "$PWD/util" "$PWD/main.go" "" ""
"""


@pytest.mark.slow
def test_a_go_program_is_reused_until_a_file_or_the_list_of_files_changes(desk: Desk) -> None:
    tool = desk.folder / "go"
    tool.write_text(GO)
    tool.chmod(0o755)
    (desk.folder / "util").mkdir()
    for name in ("go.mod", "util/u.go"):
        desk.file(name, "package demo\n")
    desk.file("main.go", "#!/bin/sh\necho started\n")

    def started() -> list[str]:
        log = desk.folder / "go.calls"
        log.write_text("")
        done = desk.run("run", "main.go", "--compiler", str(tool))
        assert (done.stdout, done.returncode) == ("started\n", 0), done.stderr
        return log.read_text().split()

    both = ["build", "list"]
    assert [started(), started()] == [both, []]
    desk.file("util/u.go", "package demo // changed\n")
    assert [started(), started()] == [both, []]
    desk.file("util/v.go", "package demo\n")  # another file of a package
    assert [started(), started()] == [both, []]
    desk.file("other.go", "package main\n")  # beside the file that is built alone
    assert started() == []


@pytest.mark.slow
def test_a_crash_has_its_backtrace_in_text_and_in_json(desk: Desk) -> None:
    desk.file("crash.c", "int main(void) {\n    int *p = 0;\n    return *p;\n}\n")
    done = desk.run("run", "crash.c")
    path = desk.folder / "crash.c"
    assert done.returncode == 139
    head, frame, end = done.stderr.splitlines()
    assert head == "SIGSEGV: invalid memory access at address 0x0. Backtrace by gdb:"
    assert frame.startswith("    #0 0x") and frame.endswith(f" in main {path}:3")
    assert end == "The program was ended by SIGSEGV."

    done = desk.run("run", "--json", "crash.c")
    assert done.returncode == 139
    events = [json.loads(line).get("event", {}) for line in done.stdout.splitlines()]
    step = next(e["step"] for e in events if e.get("step", {}).get("name") == "run")
    (problem,) = step["diagnostics"]
    assert (problem["place"], problem["source"]) == ({"file": str(path), "line": 3}, "gdb")
    assert sorted(p.name for p in desk.folder.iterdir() if p.name.startswith("core")) == []
