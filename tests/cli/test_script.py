"""`run SCRIPT` beside `python SCRIPT`: the same bytes and status, with displays beside them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codeexec.domain.events import ExecutionFinished, VariablesTaken
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.wire.codec import decode_recorded
from support.programs import COMMAND, Desk, environment, read_notebook

SCRIPTS = {
    "exit": "print('a'); exit(); print('never')",
    "quit with a status": "print('a'); quit(2); print('never')",
    "asyncio.run": "import asyncio\nasync def f(): return 5\nprint(asyncio.run(f()))",
    "bytes": "import sys\nsys.stdout.buffer.write(b'\\xff\\x00raw')",
    "reconfigure": "import sys\nsys.stdout.reconfigure(encoding='latin-1')\nprint('\\xe4')",
    "stdin is read": "import sys\nprint(sum(int(line) for line in sys.stdin))",
    "the end of input": "while True:\n    try: print(input('? '))\n    except EOFError: break",
    "input after the end": "input()\ninput()\ninput()\ninput()",
    "a thread goes on": (
        "import threading, time\n"
        "def work(): time.sleep(0.3); print('late')\n"
        "threading.Thread(target=work).start(); print('main is over')"
    ),
    "atexit": "import atexit\natexit.register(print, 'bye')\nprint('hi')",
    "fork": "import os\npid = os.fork()\nif pid: os.wait()\nprint('both', bool(pid), flush=True)",
    "a pool": (
        "from concurrent.futures import ProcessPoolExecutor\n"
        "def double(x): return 2 * x\n"
        "if __name__ == '__main__':\n"
        "    with ProcessPoolExecutor(2) as pool: print(list(pool.map(double, range(4))))"
    ),
    "spawned workers": (
        "import multiprocessing as m\n"
        "def f(x): return x + 1\n"
        "if __name__ == '__main__':\n"
        "    with m.get_context('spawn').Pool(1) as pool: print(pool.map(f, [1, 2]))"
    ),
    "the last value": "1 + 1",
    "os._exit": "import os\nprint('x', flush=True)\nos._exit(7)",
    "exit with text": "import sys\nsys.exit('no luck')",
    "a chained exception": "try: 1/0\nexcept ZeroDivisionError as e: raise KeyError('k') from e",
    "an exception group": "raise ExceptionGroup('two', [ValueError(1), TypeError('t')])",
    "a syntax error": "print('a')\ndef f(:\n",
    "not UTF-8": b"print('\xe4')\n",
    "an encoding of its own": b"# coding: latin-1\nprint(ascii('\xe4'))\n",
    "its own view": (
        "import sys, inspect, os\n"
        "print(__name__, __file__, sys.argv, sorted(globals()), len(inspect.stack()),\n"
        "      sorted(k for k in os.environ if 'CODEEXEC' in k or k == 'PYTHONPATH'),\n"
        "      [p for p in sys.path if 'guest' in p], __builtins__.input)"
    ),
    "a warning": "import warnings\nwarnings.warn('old')",
    "pickled classes": (
        "import pickle\nclass A: pass\nprint(pickle.loads(pickle.dumps(A())).__class__.__module__)"
    ),
    "a child interpreter": (
        "import subprocess, sys, os\n"
        "code = 'import sys, os; print(\"sitecustomize\" in sys.modules,'\n"
        "code += ' [k for k in os.environ if \"CODEEXEC\" in k])'\n"
        "print(subprocess.run([sys.executable, '-c', code], capture_output=True).stdout)"
    ),
}


def run_both(
    desk: Desk, script: str, *, stdin: bytes = b"", words: tuple[str, ...] = ()
) -> tuple[subprocess.CompletedProcess[bytes], subprocess.CompletedProcess[bytes]]:
    """`python` and `run`, one after the other, in the same folder."""
    env = environment(desk.home, {"PYTHONHASHSEED": "0"})
    env.pop("PYTHONUNBUFFERED", None)
    return tuple(  # type: ignore[return-value]
        subprocess.run(
            [*command, script, *words],
            cwd=desk.folder,
            env=env,
            input=stdin,
            capture_output=True,
            timeout=90,
        )
        for command in ((sys.executable,), (*COMMAND, "run"))
    )


@pytest.mark.slow
@pytest.mark.parametrize("code", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_a_script_does_what_it_does_under_python(desk: Desk, code: str | bytes) -> None:
    (desk.folder / "s.py").write_bytes(code if isinstance(code, bytes) else code.encode())
    python, ours = run_both(desk, "s.py", stdin=b"1\n2\n3\n", words=("a", "-x"))
    assert ours.stdout == python.stdout
    assert ours.stderr == python.stderr
    assert ours.returncode == python.returncode


def test_stdout_and_stderr_of_one_pipe_keep_their_order(desk: Desk) -> None:
    desk.file(
        "both.py",
        "import sys\nfor n in range(50):\n"
        "    print('out', n, flush=True); print('err', n, file=sys.stderr)\n",
    )
    done = subprocess.run(
        [*COMMAND, "run", "both.py"],
        cwd=desk.folder,
        env=environment(desk.home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=90,
    )
    assert done.stdout == "".join(f"out {n}\nerr {n}\n" for n in range(50))


FIGURES = """
import matplotlib.pyplot as plt
from IPython.display import HTML, display, update_display
print("above")
plt.plot([1, 2])
plt.show()
print("between")
display(HTML("<b>bold</b>"), display_id="one")
update_display(HTML("<b>bolder</b>"), display_id="one")
plt.figure()
plt.plot([2, 1])  # never shown
x = 42
"""


@pytest.mark.slow
def test_displays_stand_between_the_lines(desk: Desk) -> None:
    desk.file("figures.py", FIGURES)
    done = desk.run("run", "--artifacts", "art", "figures.py")
    lines = done.stdout.splitlines()
    assert lines[0] == "above"
    assert lines[1].endswith("→ art/01-1.png]")
    assert lines[2] == "between"
    assert lines[-1].endswith("→ art/01-3.png]")
    assert (desk.folder / "art/01-2.html").read_text() == "<b>bolder</b>"
    assert (done.stderr, done.returncode) == ("", 0)


CHART = """
import plotly.graph_objects as go
fig = go.Figure(go.Bar(x=["a", "b"], y=[1, 2]), {"title": {"text": "Sales"}})
print("above")
fig.show()
print("below")
"""


@pytest.mark.slow
def test_a_figure_of_plotly_is_shown_and_opens_no_browser(desk: Desk) -> None:
    desk.file("chart.py", CHART)
    browser = desk.folder / desk.file("browser", "#!/bin/sh\ntouch opened\n")
    browser.chmod(0o755)
    done = desk.run("run", "--artifacts", "art", "chart.py", env={"BROWSER": str(browser)})
    assert done.stderr == ""
    above, chart, below = done.stdout.splitlines()
    assert (above, below) == ("above", "below")
    assert chart.startswith("[plotly chart “Sales”") and chart.endswith("]")
    (saved,) = [file for file in (desk.folder / "art").iterdir() if "json" in file.name]
    assert json.loads(saved.read_text())["layout"]["title"]["text"] == "Sales"
    assert not (desk.folder / "opened").exists()
    # What the user has chosen stays.
    named = "import plotly.io; print(plotly.io.renderers.default)"
    desk.file("named.py", named)
    assert desk.run("run", "named.py", env={"PLOTLY_RENDERER": "json"}).stdout == "json\n"


@pytest.mark.slow
def test_json_has_streams_displays_variables_and_the_status(desk: Desk) -> None:
    desk.file("figures.py", FIGURES + "import sys; print('last', file=sys.stderr); sys.exit(3)\n")
    done = desk.run("run", "--json", "figures.py")
    *lines, last = done.stdout.splitlines()
    records = [decode_recorded(line) for line in lines]
    events = [record.event for record in records]
    (execution,) = apply(Snapshot(), records).executions.values()
    assert [run.kind for run in execution.tail] == [
        *("stdout", "display", "stdout", "display", "stderr", "display")
    ]
    (variables,) = [event for event in events if isinstance(event, VariablesTaken)]
    assert ("x", "42") in [(each.name, each.preview) for each in variables.variables]
    (end,) = [event for event in events if isinstance(event, ExecutionFinished)]
    assert end.error is not None
    assert (end.status, end.error.name, end.error.value) == ("error", "SystemExit", "3")
    assert json.loads(last) == {"type": "run_ended", "status": 3, "by": "program"}
    assert done.returncode == 3


@pytest.mark.slow
def test_save_keeps_streams_apart_and_displays(desk: Desk) -> None:
    desk.file("figures.py", FIGURES + "import sys; print('last', file=sys.stderr)\n")
    done = desk.run("run", "--save", "out.ipynb", "figures.py")
    assert done.returncode == 0
    notebook = read_notebook(desk.folder / "out.ipynb")
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = [output.get("name", output.output_type) for output in outputs]
    assert kinds == [
        *("stdout", "display_data", "stdout", "display_data", "stderr", "display_data")
    ]


def test_an_interrupt_of_the_run_alone_reaches_the_program_once(desk: Desk) -> None:
    desk.file(
        "count.py",
        "import signal, time\nhits = []\n"
        "signal.signal(signal.SIGINT, lambda *a: hits.append(1))\n"
        "print('ready', flush=True)\nwhile not hits: time.sleep(0.01)\n"
        "time.sleep(0.2)\nprint(len(hits))\n",
    )
    with desk.running("run", "count.py") as (running, lines):
        assert lines.readline() == "ready\n"
        running.send_signal(signal.SIGINT)
        assert lines.read() == "1\n"


def test_the_terminals_interrupt_reaches_the_program_once(desk: Desk) -> None:
    desk.file(
        "count.py",
        "import signal, time\nhits = []\n"
        "signal.signal(signal.SIGINT, lambda *a: hits.append(1))\n"
        "print('ready')\nwhile not hits: time.sleep(0.01)\n"
        "time.sleep(0.2)\nprint('hits', len(hits))\n",
    )
    with desk.terminal("run", "count.py") as terminal:
        terminal.shows("ready")
        terminal.press("\x03")
        terminal.shows("hits 1")
        assert terminal.ends() == 0


def test_a_program_in_a_terminal_has_one(desk: Desk) -> None:
    desk.file(
        "tty.py",
        "import os, sys\nprint([s.isatty() for s in (sys.stdin, sys.stdout, sys.stderr)],\n"
        "      os.get_terminal_size(1).columns)\nprint('\\x1b]0;title\\x07safe')\n",
    )
    with desk.terminal("run", "tty.py") as terminal:
        assert terminal.ends() == 0
        assert terminal.text.splitlines() == ["[True, True, True] 80", "safe"]
        assert b"title" not in terminal.raw


def test_a_missing_interpreter_is_said(desk: Desk) -> None:
    desk.file("a.py", "print(1)\n")
    done = desk.run("run", "--kernel", "./none/bin/python", "a.py")
    assert done.returncode == 127
    assert "./none/bin/python" in done.stderr
    assert "→" in done.stderr


@pytest.mark.slow
def test_a_file_that_may_not_be_read_cannot_be_executed(desk: Desk) -> None:
    (desk.folder / "folder").mkdir()
    done = desk.run("run", "folder")
    assert done.returncode == 126
    (desk.folder / "folder/__main__.py").write_text("print('package')")
    assert desk.run("run", "folder").stdout == "package\n"


def test_a_file_without_end_is_refused_before_an_interpreter_starts(desk: Desk) -> None:
    (desk.folder / "zero.py").symlink_to("/dev/zero")
    done = desk.run("run", "zero.py")
    assert (done.returncode, done.stdout) == (126, "")
    assert "zero.py is a device" in done.stderr
    with (desk.folder / "huge.py").open("wb") as huge:
        huge.truncate(5 * 2**30)
    done = desk.run("run", "huge.py")
    assert (done.returncode, done.stdout) == (126, "")
    assert "5,368,709,120 bytes" in done.stderr
    assert desk.run("run", "/dev/null").returncode == 0


def test_our_token_is_not_in_the_environment_of_a_program(desk: Desk) -> None:
    desk.file("a.py", "import os\nprint('CODEEXEC_TOKEN' in os.environ, os.environ['MINE'])\n")
    done = desk.run("run", "a.py", env={"CODEEXEC_TOKEN": "x" * 20, "MINE": "1"})
    assert done.stdout == "False 1\n"


def test_a_site_of_the_users_own_is_imported(desk: Desk) -> None:
    site = desk.folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import sys; sys.users_own = True\n")
    desk.file("a.py", "import os, sys\nprint(sys.users_own, os.environ['PYTHONPATH'])\n")
    done = desk.run("run", "a.py", env={"PYTHONPATH": str(site)})
    assert done.stdout == f"True {site}\n"


def test_a_killed_run_leaves_no_folder_after_the_next(desk: Desk, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env = {"TMPDIR": str(temporary)}
    desk.file("a.py", "import os\nos.kill(os.getppid(), 9)\n")
    assert desk.run("run", "a.py", env=env).returncode == -signal.SIGKILL
    desk.file("b.py", "print(1)")
    assert desk.run("run", "b.py", env=env).stdout == "1\n"
    assert os.listdir(temporary) == []  # noqa: PTH208


@pytest.mark.slow
@pytest.mark.parametrize("words", [("run",), ("run", "--cells")])
def test_the_colours_of_displays_do_not_go_into_pipes(desk: Desk, words: tuple[str, ...]) -> None:
    desk.file(
        "a.py",
        "from IPython.display import display\n"
        "class Red:\n    def __repr__(self): return '\\x1b[31mred\\x1b[0m'\n"
        "display(Red())\n",
    )
    assert desk.run(*words, "a.py").stdout == "red\n"
    assert desk.run(*words, "--color", "always", "a.py").stdout == "\x1b[31mred\x1b[0m\n"
