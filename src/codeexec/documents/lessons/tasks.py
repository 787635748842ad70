"""The fence `do`: what a reader does in the workbench, in steps of a lesson that is a tour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from codeexec.documents.lessons.model import Deed, Step
from codeexec.domain.errors import DocumentError

DO = "do"

AFTER_STEP_BEFORE = "after-step-before"
"""Word of a fence whose task needs what the step before has made in the same session."""

OPENED_SCREENS = ("picture", "keys", "commands")
"""Screens that a task can wait for."""

_WORDS = "Write: run [STEP], succeed [STEP], go PANE, open SCREEN, return, or prompt."
_DEED = re.compile(r"(?P<kind>run|succeed|go|open|return|prompt)(?: +(?P<target>\S.*))?")
_KEY = re.compile(r"\[(?P<key>[^\]\n]+)\]\(key:(?P<command>[a-z_.]+)\)")


def read_deeds(content: str, line: int, name: str) -> tuple[Deed, ...]:
    """The deeds in the content of a fence at a line of the file, from 1. DocumentError."""
    deeds = []
    for number, text in enumerate(content.split("\n"), line + 1):
        if not text.strip():
            continue
        match = _DEED.fullmatch(text.strip())
        target = (match["target"] or "") if match is not None else ""
        if match is None or _has_wrong_target(match["kind"], target):
            raise DocumentError(
                f"{name}:{number}: The task has no such line: {text.strip()[:60]}", _WORDS
            )
        deeds.append(Deed(match["kind"], target, number))
    if not deeds:
        raise DocumentError(f"{name}:{line}: The fence has nothing to do.", _WORDS)
    return tuple(deeds)


def _has_wrong_target(kind: str, target: str) -> bool:
    match kind:
        case "go":
            return not target
        case "open":
            return target not in OPENED_SCREENS
        case "return" | "prompt":
            return bool(target)
    return False


def with_cells(steps: Sequence[Step], name: str) -> tuple[Step, ...]:
    """The steps, whose deeds `run` and `succeed` name the step with the code. DocumentError for one
    without code that is seen."""
    titles = [step.label for step in steps if _has_cell(step)]
    named = []
    for step in steps:
        if step.task is None:
            named.append(step)
            continue
        deeds = []
        for deed in step.task.deeds:
            target = deed.target or step.label
            if deed.kind in ("run", "succeed"):
                if titles.count(target) != 1:
                    raise DocumentError(
                        f"{name}:{deed.line}: There is not one step with code and the title "
                        f"{target[:60]!r}.",
                        "Name the title of a step with code that is seen.",
                    )
                deed = deed._replace(target=target)
            deeds.append(deed)
        named.append(step._replace(task=step.task._replace(deeds=tuple(deeds))))
    return tuple(named)


def _has_cell(step: Step) -> bool:
    return any(not block.is_hidden for block in step.blocks)


def with_plain_keys(text: str) -> str:
    """Markdown in which links such as `[F5](key:run.cell)` are the names of the keys alone."""
    return _KEY.sub(lambda match: match["key"], text)


def with_own_keys(text: str, commands: Iterable[str]) -> str:
    """Text in which such links of known commands are `{run.cell}`, for the keys of the user."""
    command_ids = frozenset(commands)
    return _KEY.sub(
        lambda match: (
            f"{{{match['command']}}}" if match["command"] in command_ids else match["key"]
        ),
        text,
    )


def keys_in(text: str) -> list[tuple[str, str]]:
    """The keys that such links name, each with the id of its command."""
    return [(match["key"], match["command"]) for match in _KEY.finditer(text)]
