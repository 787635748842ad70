"""Telling a person who looks elsewhere: the bell, and the terminal's own notification (OSC 9)."""

from __future__ import annotations

import re

from codeexec.config.model import Notify
from codeexec.domain.printable import printable
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.feed import Frame
from codeexec.tui.widgets.console.paint import duration

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f;]+")


def sequence(words: str, settings: Notify, *, tmux: bool = False) -> str:
    """What is written to the terminal; of the words nothing that could end the sequence."""
    bell = "\a" if settings.bell else ""
    if not settings.desktop:
        return bell
    said = f"\x1b]9;{printable(_CONTROL.sub(' ', words))[:200]}\x1b\\"
    if tmux:
        said = f"\x1bPtmux;{said.replace(chr(27), chr(27) * 2)}\x1b\\"
    return bell + said


def long_runs(frame: Frame, settings: Notify) -> list[ExecutionView]:
    """Executions that have ended in this frame and took longer than nobody would wait."""
    if not settings.after:
        return []
    found = []
    for key in frame.changed:
        view, before = frame.view(key), frame.before.executions.get(key)
        if view is None or before is None or view.is_open or not before.is_open:
            continue
        taken = (view.finished_at or 0.0) - (view.started_at or view.finished_at or 0.0)
        if taken >= settings.after:
            found.append(view)
    return found


def words_for(view: ExecutionView) -> str:
    """Such as `✓ plot: done in 1:20`."""
    title = view.cell.title if view.cell is not None and view.cell.title else ""
    title = title or view.code.strip().split("\n")[0][:40]
    taken = duration((view.finished_at or 0.0) - (view.started_at or 0.0))
    ok = view.status == "ok"
    return f"{'✓' if ok else '✗'} {title}: {'done' if ok else view.status} after {taken}"
