"""Answers of a Jupyter kernel as ours, and the questions that need more than their words."""

from __future__ import annotations

import re
import secrets
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from codeexec.domain.requests import Completeness, Completion, Completions, Inspection
from codeexec.kernels.base import Handle, Ready
from codeexec.kernels.jupyter.launch import GUEST

MOST_COMPLETIONS = 1000
_MOST_INFO = 4000
"""Characters of what a kernel says of its language; a longer one is not kept."""
_LONGEST_NAME = 100
_OVERSTRUCK = re.compile(".\x08")
TARGET = "codeexec"  # as guest/questions.py says

Status = Literal["complete", "incomplete", "invalid", "unknown"]


def ready(info: dict[str, object], pid: int | None) -> Ready:
    language = info.get("language_info")
    details = language if isinstance(language, dict) else {}
    features = info.get("supported_features")
    return Ready(
        pid,
        str(details.get("name", "")).lower(),
        str(details.get("version", "")),
        str(info.get("banner", "")),
        isinstance(features, list) and "kernel subshells" in features,
        language_info=details if len(str(details)) <= _MOST_INFO else {},
        implementation=str(info.get("implementation", ""))[:_LONGEST_NAME],
    )


def remembered(handle: Handle, pid: int | None) -> Ready:
    """What a handle remembers of a kernel that does not answer at the moment."""
    return Ready(
        pid,
        str(handle.get("language", "")),
        "",
        "",
        bool(handle.get("subshells")),
        implementation=str(handle.get("implementation", "")),
    )


def completions(content: dict[str, object], length: int, cursor: int) -> Completions:
    """With types and signatures where the kernel says them (ipykernel does)."""
    start = _position(content.get("cursor_start"), length, cursor)
    end = max(_position(content.get("cursor_end"), length, cursor), start)
    metadata = content.get("metadata")
    rich = metadata.get("_jupyter_types_experimental") if isinstance(metadata, dict) else None
    matches: list[Completion] = []
    if isinstance(rich, list) and rich:
        for entry in rich[:MOST_COMPLETIONS]:
            if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
                continue
            # Each may replace a stretch of its own; ours replace one and the same.
            if (entry.get("start", start), entry.get("end", end)) != (start, end):
                continue
            kind = entry.get("type")
            kind = "" if not isinstance(kind, str) or kind == "<unknown>" else kind
            matches.append(Completion(entry["text"], kind, str(entry.get("signature") or "")))
    if not matches:
        plain = content.get("matches")
        texts = plain[:MOST_COMPLETIONS] if isinstance(plain, list) else ()
        matches = [Completion(str(text)) for text in texts]
    return Completions(tuple(matches), start, end)


def inspection(content: dict[str, object]) -> Inspection:
    data = content.get("data")
    text = data.get("text/plain") if isinstance(data, dict) else None
    has_text = bool(content.get("found")) and isinstance(text, str)
    # R's help underlines as a line printer does: `_`, backspace, the letter.
    return Inspection(has_text, _OVERSTRUCK.sub("", str(text)) if has_text else "")


def completeness(content: dict[str, object]) -> Completeness:
    status = content.get("status")
    checked: Status = "unknown"
    for option in get_args(Status):
        if option == status:
            checked = option
    return Completeness(checked, str(content.get("indent") or ""))


def comm_question(code: str) -> dict[str, object]:
    """The content of the comm that asks; see guest/questions.py."""
    return {"comm_id": secrets.token_hex(8), "target_name": TARGET, "data": {"code": code}}


@cache
def prime(*more: str) -> dict[str, object]:
    """The content of a request that makes a kernel which we did not launch answer questions, and
    runs `more` guest files; it leaves no name, no history and no prompt number behind."""
    libraries = ("import_hook", "screen_width", "graph_source", "clusters")
    names = ("questions", *(f"libraries/{name}" for name in libraries), *more)
    code = "".join(
        f"exec({_guest_source(name)!r}, {{'__name__': 'codeexec_helpers'}})\n" for name in names
    )
    later = {name: _guest_source(name) for name in LOADED_LATER}
    given = f"{{'__name__': 'codeexec_helpers', 'SOURCES': {later!r}}}"
    return {
        "code": f"{code}exec({_guest_source('plugin_entry')!r}, {given})\n",
        "silent": True,
        "store_history": False,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": False,
    }


def prime_with_outbox(owner: str) -> dict[str, object]:
    """The same with an outbox for the session `owner`, in a kernel that was started elsewhere."""
    source = f"{_guest_source('outbox')}\ninstall_here({owner!r})\n"
    code = f"exec({source!r}, {{'__name__': 'codeexec_helpers'}})\n"
    return {**prime(), "code": f"{prime()['code']}{code}"}


LOADED_LATER = (
    *(f"plugins/{name}" for name in ("runtime", "context", "loading", "magics", "api")),
    "prelude",
)
"""Guest files that plugins and reports need, when they are first used."""


def _guest_source(name: str) -> str:
    return (Path(GUEST) / f"{name}.py").read_text(encoding="utf-8")


def mend(message: str) -> str:
    """What to do about a kernel that ended at its start."""
    if "codeexec needs" in message:  # the runner's words, see kernels/runner/script.py
        return "Choose a newer Python, or install ipykernel into this one."
    if "No module named 'ipykernel'" in message or "No module named ipykernel" in message:
        return "Install ipykernel into its environment; `codeexec-tui kernels` shows the command."
    return "`codeexec-tui kernels` lists those that can be used."


def _position(value: object, length: int, default: int) -> int:
    return min(max(int(value), 0), length) if isinstance(value, int) else default
