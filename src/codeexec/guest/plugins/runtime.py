"""Plugins, session variables and reports of executions inside a kernel: module `codeexec_session`.

Loaded when a plugin, one of the magics or an execution with a report first needs it. What it
reports goes to the session as messages of a type of its own, which other clients pass over.
Standard library only, Python 3.8 on.
"""

from __future__ import annotations

import json
import os
import sys
import types
from typing import Any

FINDER: Any = globals()["FINDER"]
"""See `plugin_entry`, which runs this code."""

MESSAGE = "codeexec_report"
LONGEST_VALUE = 5000  # characters of a variable, and of a result
MOST_VARIABLES = 500


def shell() -> Any:
    from IPython import get_ipython

    return get_ipython()


def publish(kind: str, **content: Any) -> None:
    """Tell the session; without a kernel there is none."""
    kernel = getattr(shell(), "kernel", None)
    if kernel is None:
        return
    text = json.dumps({"kind": kind, **content}, default=str, ensure_ascii=False)
    # Half a surrogate pair, as in names of files that are not UTF-8, cannot be sent.
    content = json.loads(text.encode("utf-8", "replace").decode("utf-8"))
    parent = kernel.get_parent()
    kernel.session.send(kernel.iopub_socket, MESSAGE, content, parent=parent)


class PluginSession:
    """What the kernel knows of its session, and of the execution that runs."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.folder = FINDER.folder
        self.session_id = os.environ.get("TASKWEAVER_SESSION_ID", "session_temp")
        self.env_id = os.environ.get("TASKWEAVER_ENV_ID", "local")
        self.execution_id = ""
        self.index = 0
        self.wants_report = False
        self.artifacts: list[dict[str, str]] = []
        self.log: list[tuple[str, str, str]] = []
        self.is_marked = False
        """Between the magics that begin and end the marking of an execution."""
        self.plugins: dict[str, Any] = {}
        self.registered: dict[str, Any] = {}
        """Those whose module was run, and that were not loaded since."""
        self.interactivity: str | None = None

    def take(self, request: dict[str, Any]) -> None:
        """What a request of the session says, as far as it says something."""
        if isinstance(request.get("variables"), dict):
            self.variables = {str(k): str(v) for k, v in request["variables"].items()}
        for name in ("session_id", "env_id"):
            if request.get(name) and "TASKWEAVER_" + name.upper() not in os.environ:
                setattr(self, name, str(request[name]))

    def begin(self, index: int, execution_id: str) -> None:
        """An execution begins."""
        self.index, self.execution_id = index, execution_id
        self.artifacts, self.log = [], []


SESSION = PluginSession()


def get_session_var(name: str, default: str | None = None) -> str | None:
    """A variable of the session, as text."""
    return SESSION.variables.get(name, default)


def session_variables() -> dict[str, str]:
    """All variables of the session."""
    return dict(SESSION.variables)


# -- an execution ----------------------------------------------------------------------


def begin(request: dict[str, Any], parent: dict[str, Any]) -> None:
    """Before an execution. `request` is what its metadata say; empty for other clients."""
    SESSION.take(request)
    SESSION.wants_report = bool(request.get("report"))
    if not SESSION.is_marked:
        SESSION.begin(
            int(request.get("index") or shell().execution_count),
            str(parent.get("header", {}).get("msg_id") or ""),
        )
    show_assignments(bool(request.get("show_assignments")))


def show_assignments(wanted: bool) -> None:
    """Let IPython show the value of a last line that assigns; else as the user has set it."""
    ipython = shell()
    if wanted and SESSION.interactivity is None:
        SESSION.interactivity = ipython.ast_node_interactivity
        ipython.ast_node_interactivity = "last_expr_or_assign"
    elif not wanted and SESSION.interactivity is not None:
        ipython.ast_node_interactivity, SESSION.interactivity = SESSION.interactivity, None


def finish(result: Any) -> None:
    """After an execution: report its variables and its result where that is wanted."""
    if SESSION.wants_report:
        SESSION.wants_report = False
        value = getattr(result, "result", None)
        output = normalized(value) if value is not None else []
        publish("result", variables=visible_variables(), output=output)


def text_of(value: Any) -> str:
    try:
        return str(value)[:LONGEST_VALUE]
    except BaseException as error:
        return "<" + type(value).__name__ + ": " + type(error).__name__ + ">"


def normalized(value: Any) -> list[tuple[str, str]]:
    """The result as (name, value) pairs: each item of a list is one, and may name itself."""
    pairs = []
    for number, each in enumerate(value if type(value) is list else [value], 1):
        name = "execution_result_" + str(number)
        if type(each) in (tuple, list):
            items = list(each)
            name = text_of(items[0]) if items else name
            rest = items[1] if len(items) == 2 else items[1:] if len(items) > 2 else None
            pairs.append((name, text_of(rest)))
        else:
            pairs.append((name, text_of(each)))
        if len(pairs) >= MOST_VARIABLES:
            break
    return pairs


def visible_variables() -> dict[str, str]:
    """The user's variables as text, without running code of their classes."""
    prelude = sys.modules.get("codeexec_session_prelude")
    if prelude is None:
        prelude = types.ModuleType("codeexec_session_prelude")
        exec(compile(FINDER.source_of("prelude"), "<prelude>", "exec"), vars(prelude))
        sys.modules["codeexec_session_prelude"] = prelude
    ipython = shell()
    hidden, nothing = ipython.user_ns_hidden, object()
    texts: dict[str, str] = {}
    for name, value in list(ipython.user_ns.items()):
        if type(name) is not str or name.startswith("_") or name in ("In", "Out"):
            continue
        if hidden.get(name, nothing) is value or prelude.kind_of(value) in (
            "module",
            "function",
            "class",
        ):
            continue
        if type(value) is str:
            texts[name] = value[:LONGEST_VALUE]
        else:
            texts[name] = prelude.describe(name, value, LONGEST_VALUE).get("preview", "")
        if len(texts) >= MOST_VARIABLES:
            break
    return texts


# -- parts that are loaded on need -----------------------------------------------------


def perform(text: str) -> None:
    """A step of a plugin that the session asks for."""
    import codeexec_session_plugins  # type: ignore[import-not-found]

    codeexec_session_plugins.perform(text)


def answer_magic(name: str, line: str, cell: str | None) -> Any:
    import codeexec_session_magics  # type: ignore[import-not-found]

    return codeexec_session_magics.answer(name, line, cell)


shell().events.register("post_run_cell", finish)
