"""Each file of tests/cases shows what it must: in `run`, as a document, and in a session.

The files are inputs that reports of real people led to. A file without a row fails the test of
the table.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import codeexec
from codeexec.documents.formats import open_document, save_document
from codeexec.domain.errors import DocumentError
from support.programs import COMMAND, Desk, environment, read_notebook

CASES = Path(__file__).parents[1] / "cases"
STDIN = b"1\n2\n3\n"

AS_PYTHON = (
    *("c01_exit", "c01b_quit", "c02_asyncio", "c02b_loop", "c03_stdout", "c03b_buffer"),
    *("c03c_wrapper", "c04_stdin", "c04b_stdin_read", "c04c_readline", "c04d_eof"),
    *("c04e_fileinput", "c05_thread", "c05c_atexit", "c26_fork", "c26b_fork_exit"),
    *("c27b_group_script", "c28_await", "c34_load_me", "c36_mp", "c37_inputs"),
    *("c37b_thread_input", "c38_echo", "c39_order", "c42_end", "c46_signals", "c47_binary"),
    *("c47c_longline", "c48_deep", "c48b_bad_str", "c48c_syntax", "c48d_exec", "c54_warn"),
    *("c58_argparse", "c58b_exit3", "c60_gone", "c64_pdb", "c68_future", "c69_os_exit"),
    *("c70_interleave", "c72_color"),
)
"""Scripts whose streams and status are those of `python`, byte for byte."""


@dataclass(frozen=True)
class Case:
    """What `run WORDS FILE` must do. `shows`: texts of stdout or stderr; `hides`: texts of
    neither. An empty `stdout` is not compared."""

    file: str
    words: tuple[str, ...] = ()
    status: int = 0
    stdout: str = ""
    shows: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{' '.join(self.words)} {self.file}".strip()


CELLS = ("--cells",)
RUNS = (
    # -- programs whose output is not the same twice ------------------------------------------
    Case("c05b_pool.py", shows=("submitted", *"0123")),
    Case("c29_segv.py", status=139, shows=("before the crash", "Segmentation fault")),
    Case("c30_late_thread.py", shows=("tick 5", "cell three over")),
    Case("c33_nested.py", shows=("outer: 100%", "finished")),
    Case("c33b_write.py", shows=("message 0", "message 3", "c: 100%", "finished")),
    Case("c36b_ppe.py", shows=("in child 1", "in child 2", "[1, 8]")),
    Case("c55_swallow.py", ("--timeout", "6"), status=124, shows=("start",)),
    Case("c56_print_rich.py", stdout="alert plain\n", shows=("console",), hides=("\x1b",)),
    Case("c57_logging_tqdm.py", shows=("INFO:root:row 0", "INFO:root:row 2", "100%")),
    Case("c66_mpl.py", shows=("[image ",)),
    Case("c67_unittest.py", status=1, shows=("AssertionError: 1 != 2", "Ran 2 tests")),
    Case("c71_threads.py", shows=(*(f"line {n}\n" for n in range(0, 1500, 100)), "end\n")),
    # -- cells ----------------------------------------------------------------------------------
    Case("c01c_cells.py", CELLS),
    Case("c07_output_widget.py", CELLS, shows=("important line before", "step 2", "line after")),
    Case("c07b_rich_progress.py", CELLS, shows=("header line", "100%", "footer line")),
    Case("c07c_interact.py", CELLS, shows=("above", "value is 6", "below")),
    Case("c08_tqdm_auto.py", CELLS, shows=("auto: 100%", "5/5", "done")),
    Case(
        "c09_rich_text.py",
        CELLS,
        stdout="**Result**: 42 items found\ncity         people\nSpringfield   30720\n"
        "Finished in 3.2 seconds\na/b\nx² + y²\n",
    ),
    Case("c09b_styler.py", CELLS, shows=("Springfield   30720", "Springfield  30,720")),
    Case("c11_pycharm_md.py", CELLS, stdout="42\n"),
    Case("c11b_hydrogen.py", CELLS, stdout="code cell ran\n"),
    Case("c12_md_string.py", CELLS, stdout="ok\n"),
    Case("c13_marker_in_string.py", CELLS, stdout="# %% not a cell\nsecond\n"),
    Case("c16_indented.py", CELLS, stdout="first 4\nsecond 8\nthird 0\nthird 1\n"),
    Case("c17_mixed.py", CELLS, stdout="n is 3\n6\n"),
    Case("c25_surrogate.py", CELLS, shows=("name: caf\ufffd.txt", "still alive")),
    Case("c27_groups.py", CELLS, status=1, shows=("bad row", "while reading line 7 of data.csv")),
    Case(
        "c27_groups.py",
        (*CELLS, "--keep-going"),
        status=1,
        shows=("two jobs failed", "KeyError: 'missing'", "RuntimeError: cannot parse"),
    ),
    Case("c32_clear.py", CELLS, shows=("frame 4",)),
    Case("c35_[bold]brackets[0].py", CELLS, status=1, shows=("[@click=app.quit] {x}", "[/bold]")),
    Case("c40_wide.py", CELLS, shows=("太郎 家 👩‍👩‍👧‍👦", "שלום עולם|مرحبا")),
    Case("c41_bom_crlf.py", CELLS, stdout="bom crlf\ntwo\n"),
    Case("c41_cp1252.py", CELLS, stdout="café €\n"),
    Case("c41_mixed.py", CELLS, shows=("mixed", "after form feed")),
    Case(
        "c44_magic.py",
        CELLS,
        status=1,
        shows=("from bash", "from shell", "HIDDEN", "['/usr/bin/env']", "partial"),
        hides=("must not run",),
    ),
    Case("c45_nbconvert.py", CELLS, shows=("3.142", "last")),
    Case("c53_wide.py", CELLS, shows=("column_0", "column_59", "日本語")),
    Case("c65_time_error.py", CELLS, status=1, shows=("in a timed cell",), hides=("must not",)),
    Case("c73_background_task.py", CELLS, shows=("started", *(f"bg {n}" for n in range(4)))),
    Case("c76_md_then_code.py", CELLS, stdout="next\n"),
    Case("c78_bg.py", CELLS, shows=("cell over",)),
    Case("c28b_async_blocking.py", (*CELLS, "--timeout", "6"), status=124, shows=("job 0",)),
    Case("w[lr=1e-3,bs=32].py", CELLS, status=1, shows=("name 'sys' is not defined",)),
    # -- notebooks --------------------------------------------------------------------------------
    Case(
        "c06_raises.ipynb",
        shows=("ZeroDivisionError", "after an expected error", "end"),
        hides=("must not run",),
    ),
    Case("c15_mermaid.ipynb", stdout="1\n"),
    Case("c20_v3.ipynb", status=1, shows=("21", "out", "ZeroDivisionError")),
    Case("c21_loose.ipynb", stdout="no outputs, no count\nno metadata\n"),
    Case("c21b_strange.ipynb", status=2, shows=("is no valid notebook",), hides=("Traceback",)),
    Case("c22_44.ipynb", stdout="1\n"),
    Case("c22_dup.ipynb", stdout="1\n2\n"),
    *(Case(f"c24_{kind}.ipynb", stdout="é\n2\n") for kind in ("crlf", "tabs")),
    Case("c49_conda.ipynb", status=3, shows=("no kernel that is installed",)),
    Case("c49_julia.ipynb", status=3, shows=("no kernel that is installed",)),
    Case("c50_dies.ipynb", status=3, shows=("kept", "partial", "code 9"), hides=("old",)),
    Case(
        "c52_kinds.ipynb",
        ("--keep-going",),
        stdout="[image svg]\n[wav audio, 0.1 s, 2 kB: a browser plays it]\n"
        "[page http://127.0.0.1:9/: a browser shows it]\n"
        '{"a": [1, 2, {"b": null}]}\n{"n": 1}\n[plotly chart: a browser draws it]\n'
        "[script, not run: alert(1)]\nx²\n[a display without data]\nvega\nplain of broken\n"
        "fallback text\n[mp4 video, 2 B: a browser plays it]\n",
    ),
    Case("c74_bom.ipynb", stdout="1\n"),
    Case("c74_utf16.ipynb", stdout="1\n"),
    # -- of other languages
    Case("c77.md", status=2, shows=("c77.md is Markdown",), hides=("NameError",)),
    Case("c77.sh", stdout="hi\n"),
)
OTHERS = (
    "c47b_flood.py",
    "c77.R",
    *(f"c24_{kind}.ipynb" for kind in ("ascii", "no_eol", "one_line", "two_spaces")),
)
"""Files with a test of their own below: a flood, a language that may not be installed, and layouts,
which are saved as they were."""

SESSIONS = {
    "c07_output_widget.py": ["important line before", "important line after"],
    "c07c_interact.py": ["above", "below"],
    "c32_clear.py": ["frame 4"],
    "c73_background_task.py": ["third"],
}
"""What the last cell leaves on stdout in a session, which is what the workbench shows."""


def test_every_case_has_a_row() -> None:
    rows = {f"{name}.py" for name in AS_PYTHON} | {case.file for case in RUNS} | set(OTHERS)
    assert rows == {path.name for path in CASES.iterdir() if path.is_file()}


def run(folder: Path, home: Path, words: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        words,
        cwd=folder,
        env=environment(home, {"PYTHONHASHSEED": "0", "COLUMNS": "80"}),
        input=STDIN,
        capture_output=True,
        timeout=250,
    )


Ran = Future[subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Ran]]:
    """The cases that were selected, run beside each other: most of them wait."""
    folder = tmp_path_factory.mktemp("cases") / "work"
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(CASES, folder)
    selected = {
        case.name: case
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.function is test_a_case_shows_what_it_must
        and isinstance(case := item.callspec.params["case"], Case)
    }
    with ThreadPoolExecutor(4) as pool:
        yield {
            name: pool.submit(run, folder, home, (*COMMAND, "run", *case.words, case.file))
            for name, case in selected.items()
        }


def faults_of(case: Case, done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """What is not as the case says; empty where all is."""
    out, err = done.stdout.decode(), done.stderr.decode()
    faults = [f"{text!r} is missing" for text in case.shows if text not in out + err]
    faults += [f"{text!r} is there" for text in case.hides if text in out + err]
    if case.stdout and not out.startswith(case.stdout):
        faults.append(f"stdout is not {case.stdout!r}")
    if done.returncode != case.status:
        faults.append(f"status {done.returncode}, not {case.status}")
    return faults and [*faults, out[-1500:], err[-1500:]]


@pytest.mark.slow
@pytest.mark.parametrize("case", RUNS, ids=[case.name for case in RUNS])
def test_a_case_shows_what_it_must(runs: dict[str, Ran], case: Case) -> None:
    faults = faults_of(case, runs[case.name].result())
    assert not faults, "\n".join(faults)


@pytest.mark.slow
@pytest.mark.parametrize("name", AS_PYTHON)
def test_a_script_does_what_it_does_under_python(desk: Desk, name: str) -> None:
    script = str(CASES / f"{name}.py")
    with ThreadPoolExecutor(2) as pool:
        python, ours = pool.map(
            lambda command: run(desk.folder, desk.home, (*command, script)),
            ((sys.executable,), (*COMMAND, "run")),
        )
    assert ours.stdout == python.stdout
    assert ours.stderr == python.stderr
    assert ours.returncode == python.returncode


@pytest.mark.slow
def test_a_flood_is_whole(desk: Desk) -> None:
    done = run(desk.folder, desk.home, (*COMMAND, "run", str(CASES / "c47b_flood.py")))
    whole = hashlib.md5(usedforsecurity=False)
    for _ in range(100_000):
        whole.update(b"x" * 1023 + b"\n")
    assert hashlib.md5(done.stdout, usedforsecurity=False).digest() == whole.digest()


@pytest.mark.slow
def test_a_script_of_r_runs_or_says_what_is_missing(desk: Desk) -> None:
    words = ("run", str(CASES / "c77.R"))
    missing = desk.run(*words, env={"PATH": str(Path(sys.executable).parent)})
    assert (missing.returncode, missing.stdout) == (127, "")
    assert "R needs Rscript, which is not installed." in missing.stderr
    if shutil.which("Rscript"):
        assert (done := desk.run(*words)).returncode == 0, done.stderr
        assert done.stdout == "3 \n"


# -- saved notebooks --------------------------------------------------------------------------


@pytest.mark.slow
def test_a_kernel_that_is_missing_leaves_the_notebook_as_it_is(desk: Desk) -> None:
    for name in ("c49_conda.ipynb", "c49_julia.ipynb"):
        before = (CASES / name).read_bytes()
        desk.file(name, before)
        assert desk.run("run", "--save", name, name).returncode == 3
        assert (desk.folder / name).read_bytes() == before


@pytest.mark.slow
def test_a_kernel_that_dies_half_way_leaves_the_outputs_of_later_cells(desk: Desk) -> None:
    name = "c50_dies.ipynb"
    desk.file(name, (CASES / name).read_bytes())
    assert desk.run("run", "--save", name, name).returncode == 3
    old, new = read_notebook(CASES / name).cells, read_notebook(desk.folder / name).cells
    assert [output.text for output in new[0].outputs] == ["kept\n"]
    assert old[2].outputs
    assert new[2].outputs == old[2].outputs


# -- as documents of the workbench ------------------------------------------------------------

CHANGED = ("c20_v3.ipynb", "c41_mixed.py")
"""Written otherwise than they were read: an old format, and line ends of two kinds."""


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir()))
def test_a_file_is_saved_as_it_was_opened(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    shutil.copyfile(CASES / name, path)
    before = path.read_bytes()
    if name == "c21b_strange.ipynb":
        with pytest.raises(DocumentError, match="no valid notebook"):
            open_document(path)
        return
    document = open_document(path)
    save_document(document, document.text)
    assert (path.read_bytes() != before) == (name in CHANGED)
    assert open_document(path).text == document.text


# -- in a session, as the workbench runs them -----------------------------------------------------


@pytest.mark.slow
async def test_a_session_shows_what_a_case_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    wrong = set()
    async with codeexec.open_session() as session:
        for name, expected in SESSIONS.items():
            for cell in open_document(CASES / name).cells:
                result = await session.run(cell.source)
            if result.stdout != expected:
                wrong.add(f"session {name}")
        bar = await session.run((CASES / "c08_tqdm_auto.py").read_text())
        assert "5/5" in "".join(bar.stderr + bar.stdout)
    assert not wrong
