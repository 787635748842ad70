"""The kernel in focus, which prompt, status line and variables pane refer to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from msgspec.structs import replace

from codeexec.documents.cell_language import canonical
from codeexec.domain import requests as q
from codeexec.domain.requests import Request
from codeexec.domain.snapshot import Snapshot

R = TypeVar("R")

_OF_FOCUS = (
    q.Interrupt,
    q.RestartKernel,
    q.ShutDownKernel,
    q.PauseKernel,
    q.UnpauseKernel,
    q.Complete,
    q.Inspect,
    q.IsComplete,
    q.RefreshVariables,
    q.InspectVariable,
    q.MeasureVariables,
    q.ReadTable,
    q.QueryTable,
    q.DeleteVariable,
    q.GetUsage,
)
"""Requests that go to the kernel in focus where they name none."""


def kernel_of_language(snapshot: Snapshot, language: str) -> str:
    """The kernel that runs code of a language, as the session chooses it; empty where it would
    start one."""
    if not language:
        return ""
    names = sorted(snapshot.kernels, key=lambda name: name != snapshot.default_kernel)
    for name in names:
        view = snapshot.kernels[name]
        own = view.language or (view.kernel.language if view.kernel is not None else "")
        if canonical(own or name.partition("@")[0]) == language:
            return name
    return ""


class KernelFocus:
    """Of one client; other clients of the session have their own. Documents run on the session's
    default kernel, or on the one that was chosen for them."""

    def __init__(self) -> None:
        self.name = ""
        """Empty: the session's default kernel."""
        self.cell_language = ""
        """That of the cell in which the user is, where it is not the document's: a kernel of it has
        the focus in place of `name`."""
        self._snapshot = Snapshot()
        """The last one that was seen."""
        self._of_cell = ""
        """The kernel of that language; empty: none was started yet."""
        self.on_change: Callable[[], None] = lambda: None
        self.on_chosen: Callable[[], None] = lambda: None
        """Called when the user has chosen the kernel of a document."""
        self._default = ""
        self._documents: dict[str, str] = {}
        self._stored: dict[str, str] = {}
        """Choices of an earlier workbench, for kernels that the session may not have any more."""

    def choose(self, name: str) -> None:
        """Let this kernel have the focus."""
        self.name = name
        self.on_change()

    def enter_cell(self, language: str) -> None:
        """The user is in a cell of this language; empty: in one of the document's, or in none."""
        if language != self.cell_language:
            self.cell_language = language
            self._of_cell = kernel_of_language(self._snapshot, language)
            self.on_change()

    @property
    def is_missing(self) -> bool:
        """Whether no kernel runs the language of the cell in which the user is."""
        return bool(self.cell_language) and not self._of_cell

    def choose_for(self, document: str, kernel: str) -> None:
        """Let this kernel run the cells of a document; empty: the session's default kernel."""
        if kernel:
            self._documents[document] = kernel
        else:
            self._documents.pop(document, None)
        self.on_chosen()

    def chosen_for(self, document: str) -> str:
        """The kernel that was chosen for a document; empty: the session's default kernel."""
        return self._documents.get(document) or self._stored.get(document, "")

    def restore(self, stored: Mapping[str, str]) -> None:
        """Take the choices of an earlier workbench, by document; those for kernels that the
        session does not have any more are dropped at the next frame."""
        self._stored |= {document: kernel for document, kernel in stored.items() if kernel}

    def rename(self, document: str, new_name: str) -> None:
        """A document has another name: its kernel stays."""
        if kernel := self._documents.pop(document, ""):
            self._documents[new_name] = kernel

    def forget(self, name: str) -> None:
        """The session has this kernel no more."""
        self._documents = {key: kernel for key, kernel in self._documents.items() if kernel != name}
        if self.name == name:
            self.choose("")

    def of_document(self, document: str) -> str:
        """The kernel that runs a document; empty while no session is known."""
        return self._documents.get(document) or self._default

    def focused(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with the kernel in focus in place of the default one."""
        self._default = snapshot.default_kernel
        if self._stored:
            stored, self._stored = self._stored, {}
            for document, kernel in stored.items():
                if kernel in snapshot.kernels:
                    self._documents.setdefault(document, kernel)
        self._snapshot = snapshot
        self._of_cell = kernel_of_language(snapshot, self.cell_language)
        name = self._of_cell or self.name
        if name not in snapshot.kernels:
            return snapshot
        return replace(snapshot, default_kernel=name)

    def addressed(self, request: Request[R]) -> Request[R]:
        """The request with its kernel: that of its document, or the one in focus."""
        if isinstance(request, q.Execute):
            return cast("Request[R]", self._addressed_code(request))
        name = self._of_cell or self.name
        if isinstance(request, _OF_FOCUS) and name and not request.kernel:
            return cast("Request[R]", replace(request, kernel=name))
        return request

    def _addressed_code(self, request: q.Execute) -> q.Execute:
        if request.options.kernel or request.options.language:
            return request
        document = request.cell.document if request.cell is not None else ""
        kernel = self._documents.get(document, "") if document else self.name
        options = replace(request.options, kernel=kernel)
        return replace(request, options=options) if kernel else request
