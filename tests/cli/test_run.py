"""`run` with pipes, on a real kernel: what comes out, and with which exit code it ends."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codeexec.domain.events import ExecutionFinished, OutputChanged
from codeexec.domain.wire.codec import decode_recorded
from support.peers import run_by_nbclient, stream_runs
from support.programs import COMMAND, DEADLINE, Desk, environment, read_notebook, write_notebook
from support.servers import wait_for


def test_a_script_sees_what_python_would_show_it(desk: Desk) -> None:
    desk.file(
        "show.py",
        "import os, sys\n"
        "print(sys.argv, __name__, os.path.basename(__file__), os.path.basename(os.getcwd()))\n"
        "print('oops', file=sys.stderr)\n"
        "import beside\n",
    )
    desk.file("beside.py", "print('beside')\n")
    done = desk.run("run", "show.py", "a", "--lr", "3", "--", "--json")
    assert done.stdout == (
        "['show.py', 'a', '--lr', '3', '--json'] __main__ show.py work\nbeside\n"
    )
    assert done.stderr == "oops\n"
    assert done.returncode == 0


def test_the_last_value_is_not_printed(desk: Desk) -> None:
    desk.file("sum.py", "1 + 1\n")
    assert desk.run("run", "sum.py").stdout == ""


@pytest.mark.slow
def test_stdin_is_a_program(desk: Desk) -> None:
    done = desk.run("run", "-", "x", stdin=b"import sys\nprint(sys.argv)\n")
    assert (done.stdout, done.returncode) == ("['-', 'x']\n", 0)


def test_a_traceback_is_plain_in_a_pipe(desk: Desk) -> None:
    desk.file("bad.py", "print('before')\n1/0\n")
    done = desk.run("run", "bad.py")
    assert done.returncode == 1
    assert done.stdout == "before\n"
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.slow
def test_a_traceback_names_the_file_and_its_line(desk: Desk) -> None:
    desk.file("bad.py", "\n\n\nprint('before')\n1/0\n")
    said = desk.run("run", "bad.py").stderr
    assert 'bad.py", line 5' in said
    assert "Cell" not in said


@pytest.mark.slow
def test_a_next_input_is_said(desk: Desk) -> None:
    desk.file("load_me.py", "a = 1\n")
    desk.file("cells.py", "# %%\n%load load_me.py\n")
    done = desk.run("run", "--cells", "cells.py")
    assert (done.returncode, done.stdout) == (0, "")
    assert "# %load load_me.py\na = 1" in done.stderr


@pytest.mark.slow
def test_colour_can_be_asked_for(desk: Desk) -> None:
    desk.file("bad.py", "# %%\n1/0\n")
    assert "\x1b[" in desk.run("run", "--cells", "--color", "always", "bad.py").stderr


@pytest.mark.parametrize(
    ("code", "exit_code", "said"),
    [
        ("sys.exit()", 0, ""),
        ("sys.exit(0)", 0, ""),
        ("sys.exit(7)", 7, ""),
        ("sys.exit('no luck')", 1, "no luck"),
        ("exit(2)", 2, ""),
        ("quit()", 0, ""),
        ("import os; sys.stdout.flush(); os._exit(4)", 4, ""),
    ],
)
def test_sys_exit_ends_the_run(desk: Desk, code: str, exit_code: int, said: str) -> None:
    desk.file("leave.py", f"import sys\nprint('a')\n{code}\nprint('b')\n")
    done = desk.run("run", "leave.py")
    assert done.stdout == "a\n"
    assert done.returncode == exit_code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "To exit" not in done.stderr


@pytest.mark.slow
def test_figures_frames_and_bars(desk: Desk) -> None:
    desk.file(
        "rich.py",
        "import pandas as pd\nimport matplotlib.pyplot as plt\nfrom tqdm import tqdm\n"
        "from IPython.display import display\n"
        "for _ in tqdm(range(3)): pass\n"
        "display(pd.DataFrame({'a': [1, 2]}))\n"
        "plt.plot([1, 2]); plt.show()\n",
    )
    done = desk.run("run", "--artifacts", "art", "rich.py")
    assert "   a\n0  1\n1  2\n" in done.stdout
    assert "[image " in done.stdout
    assert "→ art/01-2.png]" in done.stdout
    assert "100%" in done.stderr
    art = desk.folder / "art"
    assert (art / "01-2.png").read_bytes().startswith(b"\x89PNG")
    assert "<table" in (art / "01-1.html").read_text()


def test_input_is_answered_from_a_pipe(desk: Desk) -> None:
    desk.file("ask.py", "a = input('a? ')\nb = input('b? ')\nprint(a + b)\n")
    done = desk.run("run", "ask.py", stdin=b"x\ny")
    assert done.stdout.endswith("xy\n")
    assert done.returncode == 0


def test_input_without_an_answer_is_said(desk: Desk) -> None:
    desk.file("ask.py", "input('a? ')\n")
    done = desk.run("run", "ask.py")
    assert done.returncode == 1
    assert "EOFError: EOF when reading a line" in done.stderr


@pytest.mark.slow
def test_a_run_that_is_out_of_time_is_ended(desk: Desk) -> None:
    desk.file("slow.py", "import time\nprint('begun', flush=True)\ntime.sleep(100)\n")
    # Time enough for a loaded machine to start Python.
    done = desk.run("run", "--timeout", "5", "slow.py")
    assert done.returncode == 124
    assert done.stdout == "begun\n"
    assert "longer than 5 s" in done.stderr


def test_a_program_that_a_signal_ends_is_explained(desk: Desk) -> None:
    desk.file("die.py", "import os, sys\nprint('begun', flush=True)\nos.kill(os.getpid(), 9)\n")
    done = desk.run("run", "die.py")
    assert done.returncode == 128 + 9
    assert "The program was ended by SIGKILL." in done.stderr


def test_an_unknown_kernel_is_said(desk: Desk) -> None:
    desk.file("a.py", "print(1)\n")
    done = desk.run("run", "--kernel", "no-such-kernel", "a.py")
    assert done.returncode == 127
    assert "no-such-kernel" in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_a_kernel_that_exits_at_its_start_is_said(desk: Desk) -> None:
    spec = desk.home / ".local/share/jupyter/kernels/broken"
    spec.mkdir(parents=True)
    argv = ["/bin/sh", "-c", "echo no such luck >&2; exit 5", "{connection_file}"]
    content = {"argv": argv, "display_name": "Broken", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(content))
    desk.file("a.py", "print(1)\n")
    done = desk.run("run", "--kernel", "broken", "a.py")
    assert done.returncode == 125
    assert "no such luck" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "status", "said"),
    [
        ("missing.py", None, 127, "missing.py cannot be opened"),
        ("broken.ipynb", b'{"cells": [,]}', 2, "broken JSON in line 1"),
        ("not.ipynb", b"{}", 2, "no notebook"),
        ("strange.ipynb", b'{"nbformat": 4, "metadata": [], "cells": []}', 2, "metadata is a list"),
        ("data.csv", b"a,b\n1,2\n", 2, "text or data (CSV)"),
        ("hello.css", b"a { top: 0 }\n", 2, "is CSS, and the kernel runs Python"),
        ("--timeoutt", None, 2, "no option --timeoutt"),
    ],
)
def test_a_file_that_cannot_be_run(
    desk: Desk, name: str, content: bytes | None, status: int, said: str
) -> None:
    if content is not None:
        desk.file(name, content)
    done = desk.run("run", name)
    assert done.returncode == status
    assert said in done.stderr
    assert "→" in done.stderr
    assert done.stdout == ""


def test_a_folder_is_no_program(desk: Desk) -> None:
    done = desk.run("run", ".")
    assert done.returncode == 126
    assert "folder" in done.stderr


@pytest.mark.slow
def test_cells_stop_at_the_first_that_fails(desk: Desk) -> None:
    desk.file("cells.py", "# %% a\nprint(1)\n# %% b\n1/0\n# %% c\nprint(3)\n")
    done = desk.run("run", "--cells", "cells.py")
    assert done.stdout == "1\n"
    assert "Cell 2 of 3" in done.stderr
    assert "1 after it was not run" in done.stderr
    assert done.returncode == 1


@pytest.mark.slow
def test_cells_go_on_when_told_so(desk: Desk) -> None:
    desk.file("cells.py", "# %%\nprint(1)\n# %%\n1/0\n# %%\nprint(3)\n")
    done = desk.run("run", "--cells", "--keep-going", "cells.py")
    assert done.stdout == "1\n3\n"
    assert done.returncode == 1


@pytest.mark.slow
def test_a_notebook_is_saved_with_its_outputs_even_if_it_failed(desk: Desk) -> None:
    desk.file("book.ipynb", write_notebook("x = 1", "print(x)\nx + 1", "1/0", "print('never')"))
    done = desk.run("run", "book.ipynb", "--save", "out.ipynb")
    assert done.returncode == 1
    saved = read_notebook(desk.folder / "out.ipynb")
    kinds = [[output.output_type for output in cell.outputs] for cell in saved.cells]
    assert kinds == [[], ["stream", "execute_result"], ["error"], []]
    assert saved.cells[1].outputs[0].text == "1\n"
    assert saved.cells[1].outputs[1].data["text/plain"] == "2"
    assert [cell.execution_count for cell in saved.cells] == [1, 2, 3, None]
    info = saved.metadata.language_info
    assert (info.name, info.file_extension, info.nbconvert_exporter) == ("python", ".py", "python")
    assert info.version.count(".") == 2


def stored(desk: Desk, *sources: str) -> bytes:
    """Write book.ipynb, each of its cells with an output of an earlier run."""
    book = json.loads(write_notebook(*sources))
    for number, cell in enumerate(book["cells"], 1):
        cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": [f"old {number}"]}]
        cell["execution_count"] = 40 + number
    desk.file("book.ipynb", json.dumps(book, indent=1) + "\n")
    return (desk.folder / "book.ipynb").read_bytes()


@pytest.mark.slow
def test_saving_in_place_keeps_the_outputs_of_cells_that_did_not_run(desk: Desk) -> None:
    stored(desk, "print('new', end='')", "import os\nprint('half', end='')\n1/0", "print(3)")
    assert desk.run("run", "book.ipynb", "--save", "book.ipynb").returncode == 1
    cells = read_notebook(desk.folder / "book.ipynb").cells
    texts = [["".join(o.get("text", o.get("ename"))) for o in cell.outputs] for cell in cells]
    assert texts == [["new"], ["half", "ZeroDivisionError"], ["old 3"]]
    assert [cell.execution_count for cell in cells] == [1, 2, 43]


@pytest.mark.slow
def test_saving_in_place_keeps_encoding_and_line_ends(desk: Desk) -> None:
    text = write_notebook("print('é')").replace("\n", "\r\n")
    desk.file("book.ipynb", b"\xff\xfe" + text.encode("utf-16-le"))
    assert desk.run("run", "book.ipynb", "--save", "book.ipynb").returncode == 0
    data = (desk.folder / "book.ipynb").read_bytes()
    saved = data[2:].decode("utf-16-le")
    assert data[:2] == b"\xff\xfe"
    assert saved.count("\n") == saved.count("\r\n")
    assert json.loads(saved)["cells"][0]["outputs"][0]["text"] == ["é\n"]


@pytest.mark.slow
def test_saving_in_place_without_a_kernel_leaves_the_file_alone(desk: Desk) -> None:
    before = stored(desk, "print(1)", "print(2)")
    done = desk.run("run", "book.ipynb", "--kernel", "no-such", "--save", "book.ipynb")
    assert done.returncode == 3
    assert (desk.folder / "book.ipynb").read_bytes() == before


@pytest.mark.slow
def test_bytes_of_an_unknown_type_are_saved_once_encoded(desk: Desk) -> None:
    desk.file(
        "show.py",
        "from IPython.display import display\n"
        "display({'application/x-foo': bytes(9000), 'image/png': '!!!'}, raw=True)\n"
        "display({'image/png': 'é'}, raw=True)\n",
    )
    done = desk.run("run", "show.py", "--save", "out.ipynb", "--artifacts", "art")
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == "[image png, damaged]\n" * 2
    data = read_notebook(desk.folder / "out.ipynb").cells[0].outputs[0].data
    assert data["application/x-foo"] == base64.b64encode(bytes(9000)).decode()


@pytest.mark.slow
def test_a_script_is_saved_as_the_notebook_that_it_stands_for(desk: Desk) -> None:
    text = (
        "# ---\n# jupyter:\n#   kernelspec:\n#     name: python3\n#     display_name: Mine\n"
        "# ---\n\n"
        '# %% [markdown]\n# # Title\n\n# %% tags=["t"]\nprint(1)\n\n# %% [raw]\n# r\n\n'
        '# %%\ns = """\n# %%\n"""\nprint(len(s))\n'
    )
    desk.file("a.py", text)
    assert desk.run("run", "--cells", "a.py", "--save", "out.ipynb").stdout == "1\n6\n"
    saved = read_notebook(desk.folder / "out.ipynb")
    assert [cell.cell_type for cell in saved.cells] == ["markdown", "code", "raw", "code"]
    assert saved.cells[0].source == "# Title"
    assert saved.cells[1].metadata == {"tags": ["t"]}
    assert [cell.outputs[0].text for cell in saved.cells[1::2]] == ["1\n", "6\n"]
    assert saved.metadata.kernelspec.display_name == "Mine"

    # As one program its outputs stand below its one cell.
    assert desk.run("run", "a.py", "--save", "out.ipynb").stdout == "1\n6\n"
    (cell,) = read_notebook(desk.folder / "out.ipynb").cells
    assert (cell.source + "\n", cell.outputs[0].text) == (text, "1\n6\n")


@pytest.mark.slow
def test_a_crash_in_native_code_shows_where_it_was(desk: Desk) -> None:
    code = "import ctypes, faulthandler\nfaulthandler.enable()\nctypes.string_at(0)"
    desk.file("book.ipynb", write_notebook(code))
    done = desk.run("run", "book.ipynb")
    assert done.returncode == 3
    assert "Fatal Python error: Segmentation fault\nCurrent thread" in done.stderr
    assert "in string_at" in done.stderr


@pytest.mark.slow
def test_tags_of_cells_are_honoured_as_nbclient_does(desk: Desk) -> None:
    book = json.loads(write_notebook("print(1)\n1/0", "print(2)", "print(3)\nx", "print(4)"))
    for cell, tag in zip(book["cells"], ("raises-exception", "skip-execution"), strict=False):
        cell["metadata"]["tags"] = [tag]
    desk.file("book.ipynb", json.dumps(book))
    done = desk.run("run", "book.ipynb", "--save", "out.ipynb")
    assert (done.stdout, done.returncode) == ("1\n3\n", 1)
    ours = read_notebook(desk.folder / "out.ipynb").cells
    executed, error = run_by_nbclient(json.dumps(book))
    assert error is not None
    for cell, theirs in zip(ours, executed.cells, strict=True):
        assert [each.output_type for each in cell.outputs] == [
            each.output_type for each in theirs.outputs
        ]
        assert cell.execution_count is None or cell.execution_count == theirs.execution_count


WIDGET = """import ipywidgets
from IPython.display import clear_output, display
print("before")
out = ipywidgets.Output()
display(out)
for i in range(3):
    with out:
        clear_output(wait=True)
        print("step", i)
with out:
    display(7)
    1 / 0
print("after")"""
HELD = "print([(one['output_type'], one.get('text')) for one in out.outputs])"


@pytest.mark.slow
def test_output_widgets_capture_as_in_nbclient(desk: Desk) -> None:
    book = write_notebook(WIDGET, HELD)
    desk.file("book.ipynb", book)
    done = desk.run("run", "book.ipynb", "--save", "out.ipynb")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")
    assert lines[0] == "before"
    assert "step 2" in done.stdout
    assert lines.index("after") > lines.index("before")
    ours = read_notebook(desk.folder / "out.ipynb").cells
    executed, error = run_by_nbclient(book)
    assert error is None
    for mine, other in zip(ours, executed.cells, strict=True):
        assert stream_runs(mine.outputs) == stream_runs(other.outputs)
        assert [sorted(each.data) for each in mine.outputs if "data" in each] == [
            sorted(each.data) for each in other.outputs if "data" in each
        ]
    text = ours[0].outputs[1].data["text/plain"]
    assert text.startswith("step 2\n7\n")
    assert "ZeroDivisionError" in text


@pytest.mark.slow
def test_parameters_are_set_before_the_cells_run(desk: Desk) -> None:
    desk.file("book.ipynb", write_notebook("print(a, b)"))
    desk.file("p.yaml", "a: 1\nb: [x]\n")
    done = desk.run("run", "book.ipynb", "-p", "a", "2", "-f", "p.yaml", "--save", "out.ipynb")
    assert (done.stdout, done.returncode) == ("2 ['x']\n", 0)
    cell = read_notebook(desk.folder / "out.ipynb").cells[0]
    assert cell.source == '# Parameters\na = 2\nb = ["x"]\n'
    assert cell.metadata.tags == ["injected-parameters"]
    desk.file("a.py", "print(1)\n")
    assert "--cells" in desk.run("run", "a.py", "-p", "a", "1").stderr
    words = ("--parameters-yaml", "{a: 3, b: 2024-01-01}", "--parameter-text", "a", "07")
    assert desk.run("run", "book.ipynb", *words).stdout == "07 2024-01-01\n"


@pytest.mark.slow
def test_a_kernel_of_another_language_gets_the_cells_alone(desk: Desk) -> None:
    specs = desk.folder / "jupyter/kernels/rubylike"
    specs.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Ruby", "language": "ruby"}
    (specs / "kernel.json").write_text(json.dumps(spec))
    notebook = json.loads(write_notebook("import sys\nprint(sys.argv[0].endswith('.ipynb'))"))
    notebook["metadata"]["kernelspec"] = {"name": "rubylike", "display_name": "Ruby"}
    desk.file("book.ipynb", json.dumps(notebook))
    env = {"JUPYTER_PATH": str(desk.folder / "jupyter")}
    done = desk.run("run", "--json", "book.ipynb", env=env)
    assert done.returncode == 0
    assert '"text":"False"' in done.stdout
    assert '"prelude"' not in done.stdout


@pytest.mark.slow
def test_a_cell_that_takes_too_long_ends_the_run(desk: Desk) -> None:
    desk.file("book.ipynb", write_notebook("print(1)", "import time\ntime.sleep(600)", "print(3)"))
    done = desk.run("run", "book.ipynb", "--cell-timeout", "5")
    assert (done.stdout, done.returncode) == ("1\n", 124)
    assert "longer than 5 s" in done.stderr


@pytest.mark.slow
def test_a_notebook_works_in_its_own_folder(desk: Desk) -> None:
    inner = desk.folder / "inner"
    inner.mkdir()
    (inner / "book.ipynb").write_text(
        write_notebook("import os\nprint(os.path.basename(os.getcwd()))")
    )
    assert desk.run("run", "inner/book.ipynb").stdout == "inner\n"
    assert desk.run("run", "--cwd", ".", "inner/book.ipynb").stdout == "work\n"


def test_variables_of_the_environment(desk: Desk) -> None:
    desk.file("env.py", "import os\nprint(os.environ['A'], os.environ['B'])\n")
    assert desk.run("run", "--env", "A=1", "--env", "B=x=y", "env.py").stdout == "1 x=y\n"
    assert desk.run("run", "--env", "A", "env.py").returncode == 2


@pytest.mark.slow
def test_json_is_the_facts(desk: Desk) -> None:
    desk.file("two.py", "print('x')\n")
    done = desk.run("run", "--json", "two.py")
    *lines, last = done.stdout.splitlines()
    records = [decode_recorded(line) for line in lines]
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    texts = [r.event.runs[0].text for r in records if isinstance(r.event, OutputChanged)]
    assert texts == ["x"]
    ends = [r.event for r in records if isinstance(r.event, ExecutionFinished)]
    assert [end.status for end in ends] == ["ok"]
    assert json.loads(last) == {"type": "run_ended", "status": 0, "by": "program"}
    assert done.stderr == ""


def test_json_says_its_errors_as_json(desk: Desk) -> None:
    done = desk.run("run", "--json", "missing.py")
    said = json.loads(done.stderr)
    assert said["type"] == "failed"
    assert said["code"] == "not_run"
    assert done.returncode == 127


@pytest.mark.slow
def test_a_flood_arrives_whole_and_in_order(desk: Desk) -> None:
    desk.file("flood.py", "for i in range(100_000): print(i)\n")
    done = desk.run("run", "flood.py")
    assert done.stdout == "".join(f"{i}\n" for i in range(100_000))


def test_nothing_is_left_behind(desk: Desk, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    desk.file("pid.py", "import os\nprint(os.getpid())\n")
    done = desk.run("run", "pid.py", env={"TMPDIR": str(temporary)})
    assert not Path(f"/proc/{int(done.stdout)}").exists()
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_a_reader_that_leaves_ends_the_program_as_under_python(desk: Desk) -> None:
    desk.file("endless.py", "import os\nprint(os.getpid())\nwhile True: print('line')\n")
    command = f"{sys.executable} -m codeexec run endless.py | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=desk.folder,
        env=environment(desk.home),
        capture_output=True,
        text=True,
        timeout=90,
    )
    pid, code = done.stdout.split()
    assert code == "1"
    assert "BrokenPipeError" in done.stderr
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.slow
def test_a_reader_that_does_not_read_keeps_nobody_from_leaving(desk: Desk) -> None:
    desk.file("endless.py", "while True: print('line' * 100)\n")
    running = subprocess.Popen(
        [*COMMAND, "run", "endless.py"],
        cwd=desk.folder,
        env=environment(desk.home),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert running.stdout is not None
    assert running.stdout.read(1) == b"l"
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGTERM)
    assert running.wait(DEADLINE) == 143
    running.stdout.close()


def test_a_line_is_there_for_who_reads_lines_as_soon_as_it_is_printed(desk: Desk) -> None:
    desk.file(
        "wait.py",
        "import pathlib, time\nprint('first', flush=True)\n"
        "while not pathlib.Path('go').exists(): time.sleep(0.01)\nprint('second')\n",
    )
    with desk.running("run", "wait.py") as (_, lines):
        assert lines.readline() == "first\n"
        desk.file("go", "")
        assert lines.read() == "second\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_no_kernel_outlives_a_run_that_is_ended_at_any_moment(desk: Desk, number: int) -> None:
    desk.file("sleep.py", "import time\ntime.sleep(600)\n")
    mark = f"CODEEXEC_TEST_MARK={desk.folder}"
    for moment in range(8):
        running = subprocess.Popen(
            [*COMMAND, "run", "sleep.py"],
            cwd=desk.folder,
            env=environment(desk.home) | dict([mark.split("=", 1)]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(0.1 + moment * 0.12)
            assert running.stderr is not None
            pytest.fail(f"it ended by itself: {running.stderr.read().decode()}")
        running.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(2.5 if number == signal.SIGINT else DEADLINE)
        if running.poll() is None:  # it was interrupted while the code ran, once
            running.send_signal(number)
        code = running.wait(DEADLINE)
        # Before we listen, and once all is done, the signal itself ends us, as a shell says it.
        assert running.stderr is not None
        said = running.stderr.read().decode()
        running.stderr.close()
        # On a busy machine Python itself has not started after 0.1 s: then it says how it ends.
        python_starts = "KeyboardInterrupt" in said and "codeexec/__main__.py" not in said
        if not python_starts and not re.search("Could not import runpy|init_import_site", said):
            assert (128 - code if code < 0 else code) in (130, 143, 128 + number), said
        wait_for(lambda: processes_with(mark) == [], "the end of what was started")


def processes_with(variable: str) -> list[str]:
    """Processes that were started with this in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if variable.encode() in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
    return found


@pytest.mark.slow
def test_the_journal_of_a_killed_run_is_removed_by_the_next(desk: Desk) -> None:
    temporary = desk.folder / "tmp"
    temporary.mkdir()
    env = {"TMPDIR": str(temporary)}
    desk.file("a.py", "# %%\nimport os, time\nos.kill(os.getppid(), 9)\ntime.sleep(600)")
    assert desk.run("run", "--cells", "a.py", env=env).returncode == -9
    (left,) = temporary.iterdir()
    assert list(left.glob("sessions/*/journal.db"))
    desk.file("b.py", "# %%\nprint(1)")
    assert desk.run("run", "--cells", "b.py", env=env).stdout == "1\n"
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_cells_of_a_script_know_their_file(desk: Desk) -> None:
    desk.file("a.py", "# %%\nimport os\nprint(os.path.basename(__file__), __name__)\n")
    assert desk.run("run", "--cells", "a.py").stdout == "a.py __main__\n"
