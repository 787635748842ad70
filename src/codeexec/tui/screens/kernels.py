"""Kernel chooser: available kernels, and why some cannot be used and how to fix them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from msgspec.structs import replace
from textual.binding import BindingType

from codeexec.client.api import HostClient
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError
from codeexec.domain.places.backends import ADDRESSES, OVER_SSH, REMOTE
from codeexec.domain.places.kernel_variables import add_variables, variable_words
from codeexec.domain.requests import KernelInfo
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import fitted, home_path
from codeexec.tui.screens.picker import Picker, spread
from codeexec.tui.session.ask import CopyRequested
from codeexec.tui.widgets.hints import Hint
from codeexec.tui.widgets.row_list import Ink, Pieces

IN_CONTAINER = "docker:"
"""What the name of a kernel in a container begins with; its image follows."""


@dataclass(frozen=True, slots=True)
class KernelRow:
    """Row of a kernel: usable, in use, or with the reason why it is not usable."""

    kernel: KernelInfo
    is_current: bool = False

    @property
    def path(self) -> str:
        return home_path(self.kernel.path)

    def pieces(self, width: int) -> Pieces:
        kernel = self.kernel
        shape: tuple[str, Ink] = ("● ", "ok") if self.is_current else ("○ ", "muted")
        if kernel.problem:
            shape = ("✗ ", "warn")
        label: Pieces = [shape, (kernel.display_name, "muted" if kernel.problem else "text")]
        if kernel.language.casefold() not in kernel.display_name.casefold():
            label.append((f"  {kernel.language}", "muted"))
        mark = "default" if kernel.is_default else ""
        mark = "in use" if self.is_current else mark
        if kernel.remark:
            mark = f"{mark} · no ipykernel".lstrip(" ·")
        if mark and not kernel.problem:
            label.append((f"  {mark}", "accent"))
        room = max(width // (3 if kernel.remark else 2), 12)
        side = "cannot be used" if kernel.problem else fitted(kernel.source, room)
        return spread(label, [(side, "warn" if kernel.problem else "muted")], width)


class KernelsScreen(Picker[str | None]):
    """Answers with what to ask for by `RestartKernel` or `OpenSession`: a name, or what was typed
    where it is the path of a Python or of an environment."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("kernels")]

    placeholder: ClassVar[str] = "a kernel, the path of a Python, or the address of a server"

    def __init__(
        self,
        host: HostClient,
        cwd: str,
        current: str = "",
        policy: str = "",
        session_id: str = "",
    ) -> None:
        """`current` is the name of the kernel that is used now, `policy` what confines it: another
        container of this session has the same. Kernels of machines that the session is
        connected to are listed as well."""
        super().__init__("Kernels")
        self._host = host
        self._request = q.ListKernels(cwd, session_id)
        self._current = current
        self._policy = policy
        self._kernels: Sequence[KernelInfo] | None = None
        self._fault = ""

    def hints(self) -> Sequence[Hint]:
        entries = [Hint("enter", "use it", "choose")]
        row = self._row
        if row is not None and row.kernel.problem:
            entries = [Hint("enter", "copy the command", "choose")] if row.kernel.fix else []
        return (*entries, Hint("ctrl+r", "look again", "look"), Hint("esc", "close", "leave"))

    def begin(self) -> None:
        self.action_look()

    def action_look(self) -> None:
        """Ask what there is: again, after something was installed."""
        self.say("Looking for kernels…")
        self.run_worker(self._look(), group="look", exclusive=True)

    async def _look(self) -> None:
        try:
            kernels = (await self._host.call(self._request)).kernels
            self._kernels = [self._as_here(kernel) for kernel in self._with_current(kernels)]
            self._fault = ""
        except CodeexecError as error:
            self._fault = f"{error.title}: {error.message}\n{error.next_step}".strip()
        if self.display:  # else it is being removed, and its parts may be gone already
            self._fill()
            self.choose_if_waiting()

    def is_reading(self) -> bool:
        is_named = _is_name(self.field.value.strip())
        return self._kernels is None and not self._fault and not is_named

    def _with_current(self, kernels: Sequence[KernelInfo]) -> Sequence[KernelInfo]:
        """The container in use stands among them, also when it was asked for by its name."""
        image = self._current.removeprefix(IN_CONTAINER)
        if image == self._current or any(kernel.name == self._current for kernel in kernels):
            return kernels
        used = KernelInfo(self._current, f"Python 3 in {image}", "python", image, "container")
        return [*kernels, used]

    def _as_here(self, kernel: KernelInfo) -> KernelInfo:
        if not self._policy or not kernel.name.startswith(IN_CONTAINER):
            return kernel
        engine = kernel.source.partition(" · ")[0]
        source = f"{engine} · {self._policy.partition(' · ')[0]}"
        return replace(kernel, policy=self._policy, source=source)

    @property
    def _row(self) -> KernelRow | None:
        rows = self.list.rows
        row = rows[self.list.cursor] if rows else None
        return row if isinstance(row, KernelRow) else None

    def _fill(self) -> None:
        typed = self.field.value.split()
        tokens = [word.casefold() for word in typed if not variable_words([word])]
        kernels = [
            kernel
            for kernel in self._kernels or ()
            if all(
                word in f"{kernel.display_name} {kernel.name} {kernel.path}".casefold()
                for word in tokens
            )
        ]
        kernels.sort(key=lambda kernel: bool(kernel.problem))  # those that cannot be used go last
        rows = [KernelRow(kernel, self._is_current(kernel)) for kernel in kernels]
        current = next((at for at, row in enumerate(rows) if row.is_current), 0)
        self.show(rows, current if not tokens else 0)
        self._tell()

    def _is_current(self, kernel: KernelInfo) -> bool:
        current = self._current.partition("?")[0]  # without variables
        return bool(current) and current in (kernel.name, kernel.path)

    def _tell(self) -> None:
        row, typed = self._row, self.field.value.strip()
        if self._fault:
            self.say(self._fault, "error")
        elif row is not None and row.kernel.problem:
            fix = f"\n{row.kernel.fix}" if row.kernel.fix else ""
            self.say(f"{row.kernel.problem}{fix}", "warn")
        elif row is not None and row.kernel.remark:
            self.say(f"{row.path}\n{row.kernel.remark}\n{row.kernel.fix}".rstrip())
        elif row is not None:
            variables = self._variables_told(row.kernel.name)
            self.say("\n".join([row.kernel.policy or row.path, *row.kernel.limits, *variables]))
        elif self._kernels is None:
            self.say("Looking for kernels…")
        elif typed.startswith(IN_CONTAINER):
            self.say(f"Enter starts a container of the image {typed.removeprefix(IN_CONTAINER)}")
        elif typed.startswith(f"{OVER_SSH}:"):
            self.say("Enter starts Python on that machine: ssh:HOST[:FOLDER][#PYTHON]")
        elif _is_server(typed):
            self.say("Enter starts a kernel on this Jupyter server; #NAME behind it chooses one")
        elif _looks_like_path(typed):
            self.say(f"Enter uses the Python of {typed}")
        elif self._kernels:
            self.say(
                "Nothing fits. A path of a Python is fine, too, and so are docker:IMAGE, "
                "ssh:HOST:FOLDER and the address of a Jupyter server."
            )
        else:
            self.say("No kernel was found.\npip install ipykernel  gives one to a Python.", "warn")
        self.refresh_hints()

    def _variables_told(self, name: str) -> Sequence[str]:
        """What is said of variables for a kernel of a server."""
        if not name.startswith(f"{REMOTE}:"):
            return ()
        variables = variable_words(self.field.value.split())
        if not variables:
            return ("For a gateway, type variables behind it: KERNEL_CPUS=2 KERNEL_MEMORY=4",)
        return (f"Enter starts it with {' '.join(map('='.join, variables.items()))}",)

    def narrow(self, typed: str) -> None:
        if self._kernels is not None:
            self._fill()

    def moved(self, at: int) -> None:
        self._tell()

    def choose(self, at: int) -> None:
        row = self._row
        if row is None:
            return
        if not row.kernel.problem:
            name = row.kernel.name
            if name.startswith(f"{REMOTE}:"):
                name = add_variables(name, variable_words(self.field.value.split()))
            self.dismiss(name)
        elif row.kernel.fix:
            self.post_message(CopyRequested(row.kernel.fix, "the command"))
            self.say(f"{row.kernel.problem}\nCopied: {row.kernel.fix}", "ok")

    def nothing(self) -> None:
        typed = self.field.value.strip()
        variables = variable_words(typed.split()) if _is_server(typed) else {}
        if variables:
            typed = add_variables(typed.split()[0], variables)
        if _is_name(typed):
            self.dismiss(typed)


def _is_name(typed: str) -> bool:
    """Whether this can be asked for without being listed."""
    return _looks_like_path(typed) or typed.startswith(IN_CONTAINER) or _is_server(typed)


def _is_server(typed: str) -> bool:
    return typed.startswith((f"{REMOTE}:", f"{OVER_SSH}:", *ADDRESSES))


def _looks_like_path(typed: str) -> bool:
    return "/" in typed or typed.startswith(("~", "."))
