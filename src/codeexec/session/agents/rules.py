"""Decides whether an agent's request may be answered, and whether its code waits for the user."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from codeexec.domain import requests as q
from codeexec.domain.errors import Denied
from codeexec.domain.snapshot import Snapshot
from codeexec.session.agents.risk import risk_of
from codeexec.session.settings import AgentSettings

_TYPED = (q.OpenTerminal, q.RestartTerminal, q.TypeInTerminal)
"""Requests that run commands which no confirmation sees."""

_REMOVING = (q.RenameFile, q.RemoveFile)

_PLUGINS = (q.LoadPlugin, q.TestPlugin, q.UnloadPlugin)


class AgentRules:
    """`settings` reads the user's settings of agents."""

    def __init__(self, settings: Callable[[], AgentSettings]) -> None:
        self._settings = settings

    def check(self, request: q.Request[q.Reply]) -> None:
        """Denied for a request that an agent must not make."""
        if isinstance(request, q.ConfirmExecution):
            raise Denied(
                "An agent cannot confirm what an agent runs.", "The user does, in the workbench."
            )
        if isinstance(request, q.KeepLearnerRecord):
            raise Denied(
                "An agent keeps no record of a learner.",
                "The lesson does: codeexec-tui lesson learn",
            )
        if isinstance(request, q.AnswerLogin):
            raise Denied(
                "An agent answers no question of a login to another machine.",
                "The user does, in the workbench.",
            )
        if isinstance(request, q.SteerLesson):
            raise Denied("An agent steers no lesson.", "The speaker does, in the speaker's view.")
        takes_cells = isinstance(request, q.Execute) and bool(request.options.above)
        if takes_cells and self._settings().confirm != "never":
            raise Denied(
                "An agent's code is confirmed as it is shown, so it takes no cells above.",
                "Put what they declare into the code.",
            )
        if isinstance(request, _PLUGINS) and self._settings().confirm != "never":
            raise Denied(
                "An agent does not change plugins, as their code cannot be confirmed.",
                "Ask the user to load it: codeexec-tui plugins load FILE",
            )
        if isinstance(request, _TYPED) and self._settings().confirm != "never":
            raise Denied(
                "An agent has no terminals, as nothing typed there can be confirmed.",
                "Run the command as code, such as `language` bash.",
            )
        if isinstance(request, _REMOVING) and self._settings().confirm != "never":
            raise Denied(
                "An agent moves and removes no files, as that cannot be confirmed.",
                "Do it in code, which the user can confirm.",
            )
        if isinstance(request, q.SendComm) and self._settings().confirm != "never":
            raise Denied(
                "An agent operates no widgets, as what they run cannot be confirmed.",
                "Call the function of the widget in code, which the user can confirm.",
            )

    def check_program(self) -> None:
        """Denied where an agent must not start programs whose code cannot be shown to the user."""
        if self._settings().confirm != "never":
            raise Denied(
                "An agent starts no programs here, as their code cannot be confirmed.",
                "Submit it as code of its `language`: POST /v1/sessions/ID/executions",
            )

    def confirmation(
        self, request: q.Execute, snapshot: Snapshot, clients: Iterable[q.ClientInfo]
    ) -> str:
        """Why this code waits until the user allows it; empty: it does not. Denied when it would
        wait and no workbench is attached."""
        settings = self._settings()
        if settings.confirm == "never":
            return ""
        risk = risk_of(request.code, _language(request, snapshot))
        if not risk and settings.confirm == "risky":
            return ""
        reason = f"The code {risk}." if risk else "All code of agents is confirmed."
        if any(client.can_confirm for client in clients):
            return reason
        if settings.unattended == "run":
            return ""
        raise Denied(
            f"It was not run: the user has to confirm it, and has no workbench open. {reason}",
            "Ask the user to open one (`codeexec-tui attach`) and run it again, or to set "
            "agents.unattended to run, or agents.confirm to never.",
        )


def _language(request: q.Execute, snapshot: Snapshot) -> str:
    """The language of the code as far as it is known; empty: it is not."""
    options, cell = request.options, request.cell
    if options.program is not None:
        return options.language or "program"
    if language := options.language or (cell.language if cell is not None else ""):
        return language
    kernel = options.kernel or (cell.kernel if cell is not None else "")
    return snapshot.kernel_named(kernel).language or kernel.partition("@")[0]
