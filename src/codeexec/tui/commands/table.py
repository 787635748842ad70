"""The command table: the one source of help, palette, key page and bindings.

Commands of a pane are in the pane's folder (`tui/pane_registry.py`), those of parts that panes
share and of screens in `parts.py`, and those of the workbench here. Whatever binds keys takes them
from here by `bindings`. Where some terminals deliver none of its keys (`SWALLOWED`), a command is
found in the palette; `tests/tui/workbench/test_commands.py` checks that those without one arrive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import overload

from textual.binding import Binding

from codeexec.tui.commands.command import Command, PaneMenu
from codeexec.tui.commands.editor import DEFAULT_BINDINGS
from codeexec.tui.commands.parts import of_parts
from codeexec.tui.pane_registry import PaneEntry, pane_titles, panes

_SCREENS: dict[str, str] = {
    "viewer": "Full screen",
    "table_screen": "Table, full screen",
    "table_values": "Values of a column",
    "widgets": "Widgets",
    "widget_entry": "Value of a widget",
    "list": "List",
    "compare": "Comparing",
    "sessions": "Sessions",
    "settings": "Settings",
    "kernels": "Kernels",
    "dialog": "Question",
    "question": "Answers",
    "keys": "Keys",
    "trust": "Trust",
    "problems": "Problems",
    "running": "What runs",
    "plugins": "Plugins",
    "tests": "Tests",
    "program": "Program",
    "lesson": "Lesson",
    "player": "Recording",
    "overview": "Steps of the lesson",
}

_PARTS: dict[str, str] = {
    "anywhere": "Anywhere",
    "prompt": "Prompt",
    "find": "Find and replace",
    "search": "Search in output",
    "answer": "Answer to a program",
    "rows": "Lists",
    "table": "Table",
    "text": "Text",
    "json": "JSON",
    "picture": "Picture, full screen",
}

APART: frozenset[str] = frozenset(_SCREENS)
"""Screens of their own, where nothing works that works anywhere in the workbench."""


def scope_title(where: str) -> str:
    """Title of a scope on the page of keys and in the palette. KeyError if no command has it."""
    titles = _PARTS | _SCREENS | pane_titles()
    if where not in titles and where in pane_scopes():
        return where.replace("_", " ").capitalize()  # a part of a pane without a title of its own
    return titles[where]


def pane_commands(entry: PaneEntry) -> tuple[Command, ...]:
    """Commands that the folder of a pane contributes."""
    commands: tuple[Command, ...] = import_module(f"{entry.package}.commands").COMMANDS
    return commands


def scopes_of(entry: PaneEntry) -> tuple[str, ...]:
    """Key scopes of a pane: its own, and those of its parts, such as the prompt."""
    others = (command.where for command in pane_commands(entry) if command.where != "anywhere")
    return tuple(dict.fromkeys((entry.name, *others)))


def pane_scopes() -> tuple[str, ...]:
    """Scopes of all panes and of their parts, in the order of the registry."""
    return tuple(scope for entry in panes() for scope in scopes_of(entry))


def menu_of(scope: str) -> PaneMenu | None:
    """Context menu of a pane or of a part of one; None for other scopes.

    A pane that names none has the first of its commands that are worth a search.
    """
    for entry in panes():
        if scope in scopes_of(entry):
            commands = [command for command in pane_commands(entry) if command.where == scope]
            default = [command.id for command in commands if not command.is_small][:8]
            module = import_module(f"{entry.package}.commands")
            menus: Mapping[str, PaneMenu] = getattr(module, "MENUS", {})
            return menus.get(scope, PaneMenu(commands=tuple(default)))
    return None


_FUNCTION_KEYS = tuple(f"f{number}" for number in range(1, 13))

SWALLOWED = frozenset(
    {"ctrl+enter", "shift+enter", "alt+enter", "f11", "ctrl+pageup", "ctrl+pagedown", "f10"}
    | {"alt+b", "alt+f", "alt+left", "alt+right"}  # Macs send alt+b and alt+f for the arrows
    | {f"ctrl+shift+{key}" for key in "abcdefghijklmnopqrstuvwxyz"}
    | {f"ctrl+shift+{key}" for key in ("left", "right", "home", "end")}  # kitty
    | {f"ctrl+{digit}" for digit in "0123456789"}
    | {f"alt+{digit}" for digit in "123456789"}  # tabs of GNOME Terminal
    | {f"alt+shift+{key}" for key in "opx"}  # ESC O, ESC P and ESC X begin other sequences
    # macOS keeps ctrl and a function key; its Terminal sends F13 to F20 for shift and one, as the
    # console of Linux does.
    | {f"{modifier}+{key}" for modifier in ("shift", "ctrl", "alt") for key in _FUNCTION_KEYS}
    | {f"ctrl+shift+{key}" for key in _FUNCTION_KEYS}
)
"""Keys that terminals, or the desktop around them, are known to keep or to send as another."""


def _of_workbench(of_panes: Sequence[Command]) -> tuple[Command, ...]:
    c = Command
    return (
        # the kernel
        c("kernel.interrupt", "Interrupt", "anywhere", "interrupt", "f9",
          "Once to interrupt; again while it does not obey climbs the ladder."),
        c("kernel.restart", "Restart the kernel", "anywhere", "restart", "shift+f9"),
        c("kernel.choose", "Choose another kernel…", "anywhere", "choose_kernel", "f12"),
        c("kernel.start", "Start another kernel in the session…", "anywhere", "start_kernel", "",
          "Beside the ones that run: each has its own variables, queue and prompt."),
        c("kernel.focus", "Choose the kernel of the prompt…", "anywhere", "focus_kernel", "",
          "Interrupt, restart and variables are about it too."),
        c("kernel.next", "Switch the prompt to the next kernel", "anywhere", "next_kernel",
          "shift+f12"),
        c("kernel.of_document", "Choose the kernel of this document…", "anywhere",
          "kernel_of_document"),
        c("kernel.default", "Make this kernel the default of the session", "anywhere",
          "default_kernel"),
        c("kernel.remove", "Remove this kernel from the session…", "anywhere", "remove_kernel"),
        c("kernel.shut_down", "Shut the kernel down", "anywhere", "shut_down"),
        c("kernel.clear_queue", "Cancel all that waits", "anywhere", "clear_queue"),
        c("kernel.pause", "Pause the container, or let it go on", "anywhere", "pause_kernel"),
        c("kernel.policy", "What the container may do…", "anywhere", "choose_policy"),
        # agents
        c("agent.allow", "Run the code that an agent asks to run", "anywhere",
          "answer_agent(True)", "alt+apostrophe,alt+insert"),
        c("agent.refuse", "Refuse the code that an agent asks to run", "anywhere",
          "answer_agent(False)", "alt+end"),
        # programs
        c("program.build_and_run", "Build and run the program", "anywhere",
          "run_program('build_and_run')", "ctrl+f8",
          "As F5 does in a file of C++, Rust, Go, shell, JavaScript…"),
        c("program.build", "Build the program", "anywhere", "run_program('build')",
          "alt+shift+u,shift+f6", "Without running it; its problems are listed."),
        c("program.run", "Run the program that was built", "anywhere", "run_program('run')",
          "alt+shift+y", "As it was built last, whatever the file has become since."),
        c("program.stop", "Stop the program", "anywhere", "stop_program", "",
          "Ends what runs or waits of this file; again: terminates, then kills it."),
        c("program.running", "What runs…", "anywhere", "list_running", "ctrl+f12",
          "Cells and programs of all kernels of the session; each can be stopped."),
        c("program.profile", "Switch the build profile", "anywhere", "next_profile", "alt+shift+l",
          "Debug, release, sanitize, coverage."),
        c("program.configure", "Arguments and settings of the program…", "anywhere",
          "configure_program", "alt+shift+g",
          "Arguments, environment, folder, input, compiler and flags of this file."),
        c("program.command", "Command line of the last build…", "anywhere", "show_commands",
          "alt+shift+j"),
        # problems of programs and of code
        c("problem.next", "Next problem", "anywhere", "next_problem(1)", "alt+q,shift+f8",
          "To the line and column of the next error or warning, in any file."),
        c("problem.previous", "Previous problem", "anywhere", "next_problem(-1)",
          "alt+shift+q,shift+f7"),
        c("problem.list", "Problems…", "anywhere", "list_problems", "alt+shift+m",
          "All errors and warnings of all files."),
        c("problem.fix", "Apply the fix of the problem on this line", "anywhere", "fix_problem",
          "alt+shift+i", "As the compiler proposes it; one undo takes it back."),
        # projects
        c("project.build", "Build the project", "anywhere", "run_project_build", "ctrl+f7",
          "By CMake, Meson, Ninja or Make; its problems stand on their lines."),
        c("project.run", "Run a target of the project…", "anywhere", "run_project_target",
          "ctrl+f9", "Builds it first."),
        c("project.test", "Run the tests of the project", "anywhere", "run_project_tests",
          "ctrl+f6", "Those that fail are listed as problems."),
        c("project.tests", "Tests…", "anywhere", "list_tests", "alt+e",
          "How each test of the project ended; to its line, or run it again."),
        c("project.menu", "Project…", "anywhere", "choose_project_command", "",
          "Build it, run a target, run its tests, choose its preset."),
        c("project.preset", "Choose the preset of the project…", "anywhere", "choose_preset"),
        # documents
        c("file.open", "Open a file…", "anywhere", "open_file", "ctrl+o",
          "Finds files of the folder by a few letters of their name."),
        c("file.new", "New file", "anywhere", "new_file", "ctrl+t"),
        c("file.save", "Save", "anywhere", "save", "ctrl+s"),
        c("file.format", "Format the document", "anywhere", "format_document", "ctrl+f3",
          "By clang-format, gofmt, rustfmt, shfmt or ruff; one undo takes it back."),
        c("file.save_as", "Save as…", "anywhere", "save_as", "alt+shift+s"),
        c("file.reload", "Reload from disk", "anywhere", "reload_file", "alt+shift+r"),
        c("file.compare", "Compare with what is on disk", "anywhere", "compare_file",
          "alt+shift+c"),
        c("file.keep", "Keep mine, whatever is on disk", "anywhere", "keep_file", "alt+shift+k"),
        c("file.export", "Export…", "anywhere", "export_file", "",
          "As HTML, Markdown, a script, a notebook or PDF, with the outputs."),
        c("file.pair", "Pair a notebook with a script of the same cells", "anywhere",
          "pair_file", "", "`.ipynb` and `.py`, as jupytext has them; both are saved in step."),
        c("file.keep_both", "Keep both versions of cells that clash", "anywhere", "keep_both",
          "", "Of a notebook that has changed on disk as well as here."),
        c("file.close", "Close the tab", "anywhere", "close_tab", "alt+w"),
        c("file.reopen", "Reopen the last closed tab", "anywhere", "reopen_tab"),
        c("file.next_tab", "Next tab", "anywhere", "next_tab(1)", "alt+right"),
        c("file.previous_tab", "Previous tab", "anywhere", "next_tab(-1)", "alt+left"),
        c("file.view", "View the file as it looks", "anywhere", "view_file", "",
          "A table of CSV, a page of Markdown or HTML, a tree of JSON, the picture of an SVG."),
        c("file.external", "Edit in $EDITOR", "anywhere", "external_editor"),
        # panes
        # Before all else: what is typed right after one of these is meant for that pane.
        c("pane.other", "Between editor and console", "anywhere", "go('other')", "f2",
          priority=True),
        *of_panes,
        c("pane.maximise", "Show this pane alone, or all again", "anywhere", "maximise_pane",
          "f11,alt+m"),
        c("pane.toggle_side", "Show or hide artifacts and variables", "anywhere",
          "toggle_pane('side')", "alt+v"),
        c("widgets.operate", "Operate the widgets", "anywhere", "operate_widgets", "shift+f3",
          "Those of the selected card or of the cell; a click on one does the same."),
        c("pane.swap", "Swap editor and console", "anywhere", "swap_panes", "alt+t"),
        c("pane.beside", "Editor and console side by side, or one above the other", "anywhere",
          "beside", "alt+shift+v"),
        c("pane.wider", "Make this pane wider", "anywhere", "resize(3, 0)", "alt+l"),
        c("pane.narrower", "Make this pane narrower", "anywhere", "resize(-3, 0)", "alt+h"),
        c("pane.taller", "Make this pane taller", "anywhere", "resize(0, 2)", "alt+equals_sign"),
        c("pane.shorter", "Make this pane shorter", "anywhere", "resize(0, -2)", "alt+minus"),
        c("pane.split", "Split the editor, or show one half alone", "anywhere", "split", "alt+7",
          "Two documents, or one of them twice with two carets. Tabs go to the half in use."),
        c("pane.split_other", "Go to the other half of the editor", "anywhere",
          "other_half", "alt+8", priority=True),
        c("pane.split_turn", "Halves of the editor: side by side, or one above the other",
          "anywhere", "turn_split", "alt+shift+d"),
        c("pane.presentation", "Presentation mode", "anywhere", "presentation", "alt+p",
          "Fewer things and more room, for an audience."),
        c("pane.screenshot", "Save a screenshot…", "anywhere", "screenshot", "alt+shift+p",
          "As PNG, SVG or text, into the session's folder."),
        # around
        c("app.palette", "All commands…", "anywhere", "palette", "ctrl+p", priority=True),
        c("app.help", "Keys of where you are", "anywhere", "help",
          "f1,alt+question_mark", priority=True),
        c("app.menu", "Commands of this pane…", "anywhere", "menu", "shift+f10,alt+semicolon",
          "The right button of the mouse shows the first of them at the pointer."),
        c("tour.show", "Take the tour, or leave it", "anywhere", "tour", "alt+shift+e",
          "The lesson in steps of `codeexec-tui demo`."),
        c("tour.next", "Tour: skip this step", "anywhere", "tour_step(1)", "alt+shift+n"),
        c("tour.back", "Tour: the step before", "anywhere", "tour_step(-1)"),
        c("lesson.show", "Show the lesson again", "anywhere", "lesson", "",
          "Of `codeexec-tui lesson`: its step, over the workbench."),
        c("app.theme", "Change the theme…", "anywhere", "choose_theme"),
        c("app.settings", "Settings", "anywhere", "settings", "alt+0"),
        c("app.sessions", "Sessions…", "anywhere", "sessions", "alt+9",
          "Lists sessions, attaches to one, stops one."),
        c("app.servers", "Sessions of another server…", "anywhere", "servers", "",
          "This machine's, and those that the settings name: `[servers.NAME]`."),
        c("app.new_session", "Begin a new session here", "anywhere", "new_session", "",
          "With the files that are open; the session before is left as it is."),
        c("app.record", "Record this session…", "anywhere", "record_session", "",
          "As a page, an asciicast, GIF, SVG or video, with the times that it had."),
        c("app.page", "Show this session in a browser", "anywhere", "open_page", "",
          "Live and read-only; over ssh the address and the way to it are shown."),
        c("app.use_page", "Use this session's figures and widgets in a browser", "anywhere",
          "use_page", "", "As the page, where widgets can be operated: they run code."),
        c("app.share_page", "Address of this session for an audience…", "anywhere", "share_page",
          "", "Any number of browsers see the session, until you revoke it."),
        c("app.close_pages", "Revoke the addresses of this session's page", "anywhere",
          "close_pages"),
        c("app.reconnect", "Connect again now", "anywhere", "reconnect", "alt+shift+t",
          "While the server is away: do not wait for the next attempt."),
        c("app.trust", "Trust this folder, or no more…", "anywhere", "trust", "",
          "A trusted folder chooses what is executed: its environment, its settings."),
        c("app.follow", "Follow the workbench that is watched, or let go", "anywhere", "follow",
          "alt+y", "With `attach --watch`: its document, cursor, scroll and unsaved text."),
        c("session.plugins", "Plugins…", "anywhere", "list_plugins", "",
          "Python files whose functions code calls by name: load, test, unload."),
        c("app.rename", "Rename this session…", "anywhere", "rename_session"),
        c("app.quit", "Quit, and let the session go on", "anywhere", "detach", "ctrl+q",
          priority=True),
        c("app.leave", "Exit: leave, or stop the session…", "anywhere", "ask_leave", "",
          "exit, quit() and Ctrl+D at an empty prompt ask the same."),
        c("app.stop_quit", "Stop the session and quit", "anywhere", "stop_and_quit"),
    )  # fmt: skip


def _all(entries: Sequence[PaneEntry]) -> Iterator[Command]:
    """Every command, with those of the registered panes."""
    of_panes = [command for entry in entries for command in pane_commands(entry)]
    anywhere = [command for command in of_panes if command.where == "anywhere"]
    # Those that go to a pane come before others, such as those that show or hide one.
    anywhere.sort(key=lambda command: not command.action.startswith("go("))
    yield from _of_workbench(anywhere)
    yield from (command for command in of_panes if command.where != "anywhere")
    for row in DEFAULT_BINDINGS:
        yield Command(row.id, row.description, "editor", row.action, row.keys)
    yield from of_parts()


class CommandList(Sequence[Command]):
    """All commands, read when they are first needed, and again if the registry has changed."""

    def __init__(self) -> None:
        self._entries: tuple[PaneEntry, ...] | None = None
        self._commands: tuple[Command, ...] = ()
        self._by_id: dict[str, Command] = {}

    def _read(self) -> None:
        if self._entries is not panes():
            self._entries = panes()
            self._commands = tuple(_all(self._entries))
            self._by_id = {command.id: command for command in self._commands}

    @property
    def by_id(self) -> dict[str, Command]:
        self._read()
        return self._by_id

    @overload
    def __getitem__(self, index: int) -> Command: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Command]: ...
    def __getitem__(self, index: int | slice) -> Command | Sequence[Command]:
        self._read()
        return self._commands[index]

    def __len__(self) -> int:
        self._read()
        return len(self._commands)


class CommandsById(Mapping[str, Command]):
    """The same commands by id."""

    def __init__(self, commands: CommandList) -> None:
        self._list = commands

    def __getitem__(self, command_id: str) -> Command:
        return self._list.by_id[command_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._list.by_id)

    def __len__(self) -> int:
        return len(self._list.by_id)


COMMANDS = CommandList()
BY_ID = CommandsById(COMMANDS)


def of(where: str) -> list[Command]:
    """The commands of a place, in the order of the table."""
    return [command for command in COMMANDS if command.where == where]


_TYPED: frozenset[str] = frozenset({"list", "dialog", "widget_entry"})
_LOOKED_AT: frozenset[str] = frozenset({"viewer", "table_screen", "lesson", "widgets"})


def bindings(where: str) -> list[Binding]:
    """What the part of that name binds; keymaps change the keys by the commands' ids.

    A screen of its own binds help as well, which the program gives; and the palette, where no
    text is typed.
    """
    rows = [
        # Those of the workbench are dispatched by their id (`tui/workbench/dispatch.py`).
        _binding(
            command,
            f"command({command.id!r})" if where == "anywhere" else command.action,
            command.priority,
        )
        for command in of(where)
    ]
    if where in _TYPED | _LOOKED_AT:
        rows.append(_binding(BY_ID["app.help"], "app.help"))
    if where in _LOOKED_AT:
        rows.append(_binding(BY_ID["app.palette"], "app.palette"))
    return rows


def _binding(command: Command, action: str, priority: bool = False) -> Binding:
    return Binding(
        # A command without a key is bound to one that no keyboard has, so that a keymap
        # can give it another.
        command.keys or f"f63_{command.id.replace('.', '_')}",
        action,
        command.title,
        show=False,
        id=command.id,
        priority=priority,
    )
