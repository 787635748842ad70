"""The kernel in focus, which prompt, status line and variables pane refer to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from msgspec.structs import replace

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
    q.ReadTable,
    q.DeleteVariable,
    q.GetUsage,
)
"""Requests that go to the kernel in focus where they name none."""


class KernelFocus:
    """Of one client; other clients of the session have their own. Documents run on the session's
    default kernel, or on the one that was chosen for them."""

    def __init__(self) -> None:
        self.name = ""
        """Empty: the session's default kernel."""
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
        if self.name not in snapshot.kernels:
            return snapshot
        return replace(snapshot, default_kernel=self.name)

    def addressed(self, request: Request[R]) -> Request[R]:
        """The request with its kernel: that of its document, or the one in focus."""
        if isinstance(request, q.Execute):
            return cast("Request[R]", self._addressed_code(request))
        if isinstance(request, _OF_FOCUS) and self.name and not request.kernel:
            return cast("Request[R]", replace(request, kernel=self.name))
        return request

    def _addressed_code(self, request: q.Execute) -> q.Execute:
        if request.options.kernel or request.options.language:
            return request
        document = request.cell.document if request.cell is not None else ""
        kernel = self._documents.get(document, "") if document else self.name
        options = replace(request.options, kernel=kernel)
        return replace(request, options=options) if kernel else request
