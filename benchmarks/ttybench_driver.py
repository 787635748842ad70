"""How `ttybench` drives codeexec-tui: a driver for each way in, for its option --driver-file.

Each has a state folder of its own, so that a server of yours is neither met nor ended, and what
the session server and the kernel use is not counted as the terminal program's.
"""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from pathlib import Path

import psutil
from ttybench.driver import WORKLOAD, Driver
from ttybench.fixtures import make_script
from ttybench.screen import Screen
from ttybench.terminal import Terminal

ROOT = Path(tempfile.mkdtemp(prefix="ttybench-codeexec-"))
ENGINE = r"codeexec\.server|guest/launch\.py|ipykernel"
F5, F7, CTRL_A, CTRL_Q, CTRL_HOME, CTRL_END, BACKSPACE, UP, ENTER = (
    b"\x1b[15~",
    b"\x1b[18~",
    b"\x01",
    b"\x11",
    b"\x1b[1;5H",
    b"\x1b[1;5F",
    b"\x7f",
    b"\x1b[A",
    b"\r",
)

_PROMPT = re.compile(r"(?:│|^)  \[(\d+)\] +(?:│|$)")
_OVER = re.compile(r"[✓✗■↯⊘] +[\d.]+ ")


def prompt(screen: Screen) -> str | None:
    """The console's number, once the run before it is marked as over.

    Its card says so while it is visible; the status line does after a flood.
    """
    found = next((m for line in screen.lines[:0:-1] if (m := _PROMPT.search(line))), None)
    status = screen.lines[-1]
    if found is None or not re.match(r" [●◌⇄○]", status):
        return None
    number = int(found.group(1))
    card = next((line for line in screen.lines if f"│  [{number - 1}] " in line), None)
    if card is not None:
        return f"[{number}]" if _OVER.search(card) else None
    return f"[{number}]" if number == 1 or status.startswith(" ●") else None


class OurDriver(Driver):
    """Before each start the server of the run before is ended, and its state removed."""

    @property
    def state(self) -> Path:
        return Path(self.env["XDG_STATE_HOME"])

    def locate(self, places: dict[str, str], word: str) -> str:
        exe: str = super().locate(places or {}, word)
        end_servers(self.state)
        shutil.rmtree(self.state, ignore_errors=True)
        self.state.mkdir(parents=True)
        work = self.state / "work"
        work.mkdir()
        (work / "cell.py").touch()
        if self.name.endswith("-50k"):
            make_script(work / "big.py")
        if self.name.endswith("-attach"):
            self._bring_up(exe, work)
        return exe

    def _bring_up(self, exe: str, work: Path) -> None:
        """Open a session and leave it, as a person would who comes back later."""
        path = f"{Path(exe).parent}:/usr/local/bin:/usr/bin:/bin"
        env = {
            "HOME": str(self.state),
            "PATH": path,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(WORKLOAD),
            **self.env,
        }
        terminal = Terminal([exe, str(work)], env, str(work))
        try:
            if terminal.wait(lambda screen: screen.lines[-1].startswith(" ● idle"), 30) is None:
                raise LookupError(f"no idle kernel:\n{terminal.last_words()}")
            terminal.write(CTRL_Q)
            if not terminal.ended.wait(10):
                raise LookupError(f"it did not leave:\n{terminal.last_words()}")
        finally:
            terminal.close()


def end_servers(state: Path) -> None:
    """End what works in this state folder, with all that it started."""
    for process in psutil.process_iter():
        try:
            if not re.search(ENGINE, " ".join(process.cmdline())):
                continue
            if process.environ().get("XDG_STATE_HOME") == str(state):
                for each in (*process.children(recursive=True), process):
                    each.kill()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue


def _leave_nothing() -> None:
    for driver in DRIVERS:
        end_servers(driver.state)
    shutil.rmtree(ROOT, ignore_errors=True)


def _driver(
    name: str,
    *words: str,
    edit: tuple[bytes, ...] = (),
    submit: tuple[bytes, ...] = (ENTER,),
) -> OurDriver:
    state = ROOT / name
    return OurDriver(
        name=name,
        argv=("codeexec-tui", *(word.replace("{work}", str(state / "work")) for word in words)),
        prompt=prompt,
        edit=edit,
        submit=submit,
        quit=(CTRL_Q,),
        types_while_busy=True,
        kernel=ENGINE,
        opens=("ipynb", "py"),
        open_argv=("codeexec-tui", "{file}"),
        end_keys=(CTRL_END,),
        env={"XDG_STATE_HOME": str(state), "XDG_RUNTIME_DIR": str(state)},
    )


DRIVERS = [
    # Typing in the console's prompt, nothing running before.
    _driver("codeexec-tui"),
    # The same, the session and its kernel up.
    _driver("codeexec-tui-attach", "{work}"),
    # A cell in the editor; each new one in place of the one before.
    _driver("codeexec-tui-editor", "{work}/cell.py", edit=(CTRL_A, BACKSPACE), submit=(F5,)),
    # A line of its own at the top of 50,000.
    _driver("codeexec-tui-50k", "{work}/big.py", edit=(CTRL_HOME, ENTER, UP), submit=(F7,)),
]

atexit.register(_leave_nothing)
