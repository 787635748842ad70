"""Dialogs to start, focus, choose and remove the kernels of a session."""

from __future__ import annotations

from codeexec.domain import requests as q
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.snapshot import KernelView, Snapshot
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.ask import ask
from codeexec.tui.session.kernel_focus import KernelFocus
from codeexec.tui.widgets.dialogs import Choice, Chooser, Confirm
from codeexec.tui.workbench.surface import Surface, WorkbenchState

_ANOTHER, _DEFAULT = "another", "default"


class KernelChoices:
    """Dialogs of one workbench; each is awaited in a worker."""

    def __init__(self, surface: Surface, state: WorkbenchState, documents: DocumentsPane) -> None:
        self._surface = surface
        self._state = state
        self._documents = documents

    @property
    def _snapshot(self) -> Snapshot:
        return self._state.snapshot

    @property
    def _focus(self) -> KernelFocus:
        return self._state.session.focus

    @property
    def _default(self) -> str:
        """The kernel that runs documents for which none was chosen."""
        return self._focus.of_document("") or self._snapshot.default_kernel

    async def start(self) -> str | None:
        """Choose a kernel, start it beside the others, and give it the focus; its name."""
        from codeexec.tui.screens.kernels import KernelsScreen  # seldom needed: not at the start

        screen = KernelsScreen(
            self._state.host,
            str(self._state.place.folder),
            session_id=self._snapshot.session_id,
        )
        spec = await self._surface.ask_user(screen)
        if spec is None:
            return None
        name = free_name(spec, self._snapshot)
        if await ask(self._surface, self._state.session, q.StartKernel(name, spec)) is None:
            return None
        self._focus.choose(name)
        return name

    async def start_for(self, language: str) -> None:
        """Choose the kernel that is to run cells of a language for which none was started."""
        from codeexec.tui.screens.kernels import KernelsScreen  # seldom needed: not at the start

        screen = KernelsScreen(
            self._state.host,
            str(self._state.place.folder),
            session_id=self._snapshot.session_id,
        )
        spec = await self._surface.ask_user(screen)
        if spec is not None:
            request = q.StartKernel(free_name(spec, self._snapshot), spec)
            await ask(self._surface, self._state.session, request)

    async def focus(self) -> None:
        """Choose the kernel that the prompt, the status line and the variables are about."""
        chosen = await self._choose("The kernel of the prompt")
        if chosen is not None:
            self._focus.choose(chosen)

    async def for_document(self) -> None:
        """Choose the kernel that runs the document in front."""
        sheet = self._documents.sheet
        if sheet is None:
            self._surface.notify("No document is open.", timeout=3)
            return
        chosen = await self._choose(f"The kernel of {sheet.title}", with_default=True)
        if chosen is not None:
            self._focus.choose_for(sheet.name_key, chosen)
            self._focus.choose(chosen or self._default)

    async def set_default(self) -> None:
        """Let the kernel in focus run documents for which none was chosen, for all clients."""
        name = self._snapshot.default_kernel
        if await ask(self._surface, self._state.session, q.SetDefaultKernel(name)) is not None:
            self._surface.notify(f"{name} is the default kernel.", timeout=4)

    async def remove(self) -> None:
        """Stop the kernel in focus, and have it in the session no more."""
        name = self._snapshot.default_kernel
        message = "Its variables are lost; what it has put out stays."
        dialog = Confirm(f"Remove {name}?", message, [("remove", "Remove"), ("cancel", "Cancel")])
        if await self._surface.ask_user(dialog) != "remove":
            return
        if await ask(self._surface, self._state.session, q.RemoveKernel(name)) is not None:
            self._focus.forget(name)

    def next(self) -> None:
        """Give the focus to the next kernel of the session."""
        names = list(self._snapshot.kernels)
        if len(names) < 2:
            self._surface.notify("The session has one kernel.", timeout=3)
            return
        at = names.index(self._snapshot.default_kernel)
        self._focus.choose(names[(at + 1) % len(names)])

    async def _choose(self, title: str, *, with_default: bool = False) -> str | None:
        """The name of a kernel, which may have been started for it; empty: the default one."""
        choices = [
            Choice(f"kernel:{name}", _words(name, view, is_default=name == self._default))
            for name, view in self._snapshot.kernels.items()
        ]
        if with_default:
            choices.append(Choice(_DEFAULT, f"The session's default kernel: {self._default}"))
        choices.append(Choice(_ANOTHER, "Start another kernel…"))
        chosen = await self._surface.ask_user(Chooser(title, choices))
        if chosen == _ANOTHER:
            return await self.start()
        if chosen == _DEFAULT:
            return ""
        return chosen.partition(":")[2] if chosen is not None else None


def free_name(spec: str, snapshot: Snapshot) -> str:
    """A name for a kernel of this spec that none of the session has: `bash`, `python-2` …"""
    is_python = "/" in spec or ":" in spec or spec.startswith("python")
    base = DEFAULT_KERNEL if is_python else spec
    number, name = 1, base
    while name in snapshot.kernels:
        number += 1
        name = f"{base}-{number}"
    return name


def _words(name: str, view: KernelView, *, is_default: bool) -> str:
    ref = view.kernel
    label = (ref.display_name or ref.name) if ref is not None else "not found"
    state = "paused" if view.paused else view.state
    line = ", line cut" if view.line_cut is not None else ""
    return f"{name} · {label} · {state}{line}" + (" · default" if is_default else "")
