"""No text from outside acts on the terminal, whichever command writes it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from pathlib import Path

import pytest

from codeexec.cli import messages as style
from codeexec.cli.commands import kernels
from codeexec.cli.group import invoke
from codeexec.cli.outcome import judge
from codeexec.cli.streams.live_rows import TerminalSink
from codeexec.cli.streams.printer import OutputPrinter
from codeexec.domain.errors import from_code
from codeexec.domain.events import Death, ExecutionFinished, OutputChanged
from codeexec.domain.outputs import ErrorInfo, MimePart
from codeexec.domain.requests import KernelInfo, SessionSummary
from codeexec.session.directory import SessionDirectory
from codeexec.session.storage.journal import Journal
from support.hostile import EVERYTHING, HOSTILE, check, events, filled
from support.programs import Desk, Terminal

TYPED = EVERYTHING.replace("\0", "").replace("\ud800", "")
"""What the arguments of a process can hold."""


class _Terminal(io.TextIOWrapper):
    """A standard stream that says that it is a terminal, and keeps what it is given."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), "utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


class _Screen:
    """Standard output and error for the time of a `with`."""

    def __init__(self) -> None:
        self.out, self.err = _Terminal(), _Terminal()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> _Screen:
        self._stack.enter_context(contextlib.redirect_stdout(self.out))
        self._stack.enter_context(contextlib.redirect_stderr(self.err))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def invoke(self, words: list[str]) -> int:
        with self:
            return invoke(words)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> _Screen:
    made = _Screen()
    for name in ("STATE", "RUNTIME", "CONFIG", "DATA"):
        folder = "XDG_RUNTIME_DIR" if name == "RUNTIME" else f"XDG_{name}_HOME"
        (tmp_path / name).mkdir(mode=0o700)
        monkeypatch.setenv(folder, str(tmp_path / name))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return made


@pytest.fixture
def journal(screen: _Screen, tmp_path: Path) -> str:
    """The id of a session in whose events every string is hostile."""
    from codeexec.config.paths import find_paths

    folder = find_paths().state / "sessions" / "s-1"
    written = Journal.create(folder / "journal.db")
    for number, text in enumerate(HOSTILE):
        written.append(events(text, f"x{number}"), 1.0)
    written.append(events(EVERYTHING), 1.0)
    written.close()
    surrogates = HOSTILE[-1]
    clean = EVERYTHING.replace(surrogates, "")  # a file of JSON in UTF-8 cannot hold them
    shelf = SessionDirectory(folder.parent)
    shelf.note(filled(SessionSummary, clean, session_id="s-1"))
    return "s-1"


@pytest.mark.parametrize(
    ("words", "is_output"),
    [
        (["sessions"], False),
        (["sessions", "list", "--json"], False),
        (["sessions", "show", "s-1"], False),
        (["sessions", "show", "s-1", "--json"], False),
        (["sessions", "logs", "s-1"], True),
        (["sessions", "logs", "s-1", "--no-code"], True),
        (["sessions", "logs", "s-1", "--json"], False),
        (["sessions", "logs", "s-1", "--execution", TYPED], False),
        (["sessions", "rm", TYPED], False),
    ],
)
def test_sessions(screen: _Screen, journal: str, words: list[str], is_output: bool) -> None:
    screen.invoke(words)
    said = screen.out.text + screen.err.text
    assert said
    check(said, is_output=is_output)
    if "--json" in words:
        assert all(json.loads(line) for line in screen.out.text.splitlines())


def test_what_is_exported_as_text(screen: _Screen, journal: str, tmp_path: Path) -> None:
    out = tmp_path / f"out{HOSTILE[0].replace('/', '')}.txt"
    assert screen.invoke(["sessions", "export", "s-1", str(out)]) == 0
    check(screen.out.text)
    check(out.read_text(encoding="utf-8"), is_output=True)


def test_a_title_does_not_become_code_of_an_exported_script(
    screen: _Screen, journal: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.py"
    assert screen.invoke(["sessions", "export", "s-1", str(out)]) == 0
    titles = [line for line in out.read_text("utf-8").splitlines() if line.startswith("# %% ")]
    assert "# %% lines·two·three␊four␉tab" in titles


@pytest.mark.parametrize("text", HOSTILE)
def test_errors(screen: _Screen, text: str) -> None:
    with screen:
        for as_json in (False, True):
            style.show_error(from_code("usage", text, text), as_json)
    check(screen.err.text)


@pytest.mark.parametrize(
    "words",
    [["run", "{}"], ["run", "--{}"], ["sessions", "{}"], ["sessions", "list", "--{}"],
     ["run", "--timeout", "{}", "x.py"], ["run", "--cwd", "/{}", "x.py"], ["docker", "{}"],
     ["--theme", "{}", "--policy", "{}"], ["completion", "{}"], ["run", "--env", "{}", "x.py"],
     ["attach", "a", "{}"], ["serve", "--bind", "{}"], ["run", "--save", "/{}/x.ipynb", "x.py"]],
)  # fmt: skip
def test_what_was_typed_is_quoted_harmless(screen: _Screen, words: list[str]) -> None:
    assert screen.invoke([word.replace("{}", TYPED) for word in words]) != 0
    assert screen.err.text
    check(screen.out.text + screen.err.text)


@pytest.mark.parametrize("text", HOSTILE)
def test_kernels_and_tables(screen: _Screen, text: str) -> None:
    with screen:
        kernels._print(filled(KernelInfo, text), color=True, said_below=())
        kernels._print(filled(KernelInfo, text, problem=""), color=True, said_below=())
        style.say_lines(style.table([(text, text)], ("A", "B"), color=True))
    check(screen.out.text)


def test_settings_of_a_folder(
    screen: _Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / HOSTILE[0]
    folder.mkdir()
    monkeypatch.chdir(folder)
    key = r'"k\u001b]0;x\u0007\u009b2J\u202e\u200b"'
    Path(".codeexec.toml").write_text(f"{key} = 1\n[editor]\n{key} = 2\ntheme = {key}\n", "utf-8")
    for words in (["config", "show"], ["config", "show", "--json"], ["config", "path"]):
        screen.invoke(words)
    check(screen.out.text + screen.err.text)
    assert "k␛]0;x␇·2J··" in screen.err.text
    Path(".codeexec.toml").write_text("\x1b]0;x\x07 = [\n", "utf-8")
    screen.invoke(["config", "show"])
    check(screen.out.text + screen.err.text)


def test_doctor(screen: _Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / HOSTILE[3].replace("/", "")
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("TERM", "COLORTERM", "USER", "CODEEXEC_EDITOR_TAB_SIZE"):
        monkeypatch.setenv(name, "\x1b]0;x\x07\x9b2J\u202e")
    screen.invoke(["doctor"])
    screen.invoke(["doctor", "--json"])
    assert "␛]0;x␇" in screen.out.text
    check(screen.out.text + screen.err.text)


@pytest.mark.parametrize("text", [*HOSTILE, EVERYTHING])
@pytest.mark.parametrize("color", [True, False])
async def test_what_a_run_shows(text: str, color: bool) -> None:
    written: list[str] = []
    sink = TerminalSink(written.append, lambda: (80, 24))

    async def read(part: MimePart) -> str:
        return part.text or text

    view = OutputPrinter(sink, sink, read, color=(color, color))
    for event in events(text):
        if isinstance(event, OutputChanged):
            await view.take(event)
    sink.set_footer(text)
    sink.set_footer("")
    view.end()
    # Going up, erasing and the like are the sink's own.
    shown = "".join(written).replace("\r\x1b[K", "")
    check(shown, is_output=True)


@pytest.mark.parametrize("text", HOSTILE)
def test_how_a_run_ended(text: str) -> None:
    for status in ("ok", "error", "timed_out", "lost", "cancelled"):
        for name in ("SystemExit", text):
            end = ExecutionFinished("x", status, text, ErrorInfo(name, text))
            outcome = judge(end, death=Death(text), interrupted=False, no_input=False)
            if outcome.error is not None:
                check(style.error_lines(outcome.error, True))
            check(style.paint(outcome.remark, "dim", True, lines=True))


PROGRAM = r"""
import getpass, sys
evil = "\x1b]0;x\x07\x1b]52;c;eA==\x07\x9b2J\u202e\x1b[2J"
try:
    input(evil + "ask:")
    getpass.getpass(evil + "hidden:")
except EOFError:
    pass
class Odd:
    def _repr_mimebundle_(self, **kw): return {"application/" + evil: evil}
from IPython.display import display
display(Odd())
sys.exit(evil + "the end")
"""


@pytest.mark.slow
def test_a_program_in_a_terminal(desk: Desk) -> None:
    name = "\x1b]0;x\x07\x9b.py"
    desk.file(name, PROGRAM)
    with desk.terminal("run", name) as terminal:
        terminal.shows("ask:")
        terminal.press("a\r")
        terminal.shows("hidden:")
        terminal.press("b\r")
        assert terminal.ends() == 1
        assert "the end" in terminal.text
    check(terminal.raw.decode(), is_output=True)


def test_a_fault_of_ours_quotes_harmless(screen: _Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    from codeexec.cli.main import _print_traceback

    try:
        raise KeyError(EVERYTHING) from ValueError(EVERYTHING)
    except KeyError as error:
        error.add_note(EVERYTHING)
        with screen:
            _print_traceback(KeyError, error, error.__traceback__)
    assert "␛]52;c;ZXZpbA==␇" in screen.err.text
    check(screen.err.text)


@pytest.mark.slow
@pytest.mark.parametrize("words", [["kernels"], ["run", "--cells", "--kernel", "bad", "x.py"]])
def test_a_kernelspec_that_cannot_be_read_is_told_of_harmless(
    desk: Desk, tmp_path: Path, words: list[str]
) -> None:
    folder = tmp_path / "jupyter" / "kernels" / f"bad{HOSTILE[3]}{HOSTILE[7]}"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text('{"argv": 5', "utf-8")
    (desk.folder / "x.py").write_text("# %%\n1", "utf-8")
    env = {"JUPYTER_PATH": str(tmp_path / "jupyter")}
    with Terminal(
        words, home=desk.home, cwd=desk.folder, columns=400, lines=200, env=env
    ) as terminal:
        terminal.ends()
    assert "cannot be read" in terminal.text
    progress_cleared = "\r\x1b[K"
    check(terminal.raw.decode().replace(progress_cleared, ""), is_output=True)


def test_what_is_logged_without_a_handler_is_harmless(
    screen: _Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = logging.lastResort
    assert handler is not None
    monkeypatch.setattr(handler, "formatter", None)
    screen.invoke(["completion", "bash"])
    with screen:
        handler.handle(
            logging.LogRecord("x", logging.WARNING, "", 0, "it is %s", (EVERYTHING,), None)
        )
    assert "it is ␛]0;title␇" in screen.err.text
    check(screen.err.text)
