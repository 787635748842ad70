"""Table of the actions that a watching workbench refuses.

Requests to the session are refused by the server as well (`requests.WATCHABLE`).
"""

from __future__ import annotations

from textual.actions import parse

from codeexec.domain.errors import Denied

REFUSED = frozenset(
    {
        "save",
        "save_as",
        "format_document",
        "new_file",
        "external_editor",
        "keep_file",
        "reload_file",
        "trust",
    }
    | {"interrupt", "restart", "choose_kernel", "shut_down", "clear_queue", "pause_kernel"}
    | {"choose_policy", "rename_session", "stop_and_quit", "new_session"}
    | {"answer_agent", "open_page", "use_page", "share_page", "close_pages", "browse"}
    | {"fix_problem", "fix", "next_profile", "configure_program", "stop_program"}
    | {
        "new_terminal",
        "join_terminal",
        "run_in_shell",
        "enter_terminal",
        "paste_terminal",
        "rerun_command",
    }
    | {"take_size", "close_terminal"}
    | {"start_kernel", "remove_kernel", "default_kernel", "kernel_of_document"}
    | {"create", "rename", "delete", "save_output", "export", "rerun", "edit", "cancel"}
    | {"submit", "submit_now", "replace", "replace_all", "cut", "paste", "newline"}
)
"""Names of actions that change a document, a file, the kernel or the session."""


REFUSED_ON_SCREENS = frozenset({"save", "stop", "remove", "fix", "load", "test", "unload"})
"""The same on screens over the workbench, whose fields have actions of those names for their text.
"""

Action = str | tuple[str, str, tuple[object, ...]]


def action_name(action: Action) -> str:
    """Name of an action; `rerun` of `card('rerun')`, an action on the cards of the console."""
    _, name, arguments = parse(action) if isinstance(action, str) else action
    return str(arguments[0]) if name == "card" and arguments else name


def refuses(action: Action, *, on_workbench: bool = True) -> bool:
    """Whether an action writes anything; `on_workbench` is false on a screen over it."""
    name = action_name(action)
    if not on_workbench:
        return name in REFUSED_ON_SCREENS
    return name in REFUSED or name.startswith("run_")


def refusal() -> Denied:
    """What the user is told then."""
    return Denied("This workbench only watches.", "Attach without --watch to change anything.")
