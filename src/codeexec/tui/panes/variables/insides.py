"""Contents of opened variables, refreshed after each run."""

from __future__ import annotations

from codeexec.client.api import SessionClient
from codeexec.domain.errors import Busy, CodeexecError
from codeexec.domain.requests import InspectVariable, VariableDetail


class Insides:
    """`details` holds the open ones by name."""

    def __init__(self) -> None:
        self.details: dict[str, VariableDetail] = {}

    def keep(self, names: set[str]) -> None:
        """Close all but these."""
        self.details = {name: detail for name, detail in self.details.items() if name in names}

    async def look_again(self, session: SessionClient | None) -> bool:
        """Ask anew for all that is open; one that has gone meanwhile closes. Whether anything
        is not as it was."""
        if session is None:
            return False
        previous = dict(self.details)
        for name in previous:
            try:
                detail = await session.call(InspectVariable(name))
            except Busy:
                break  # the next idle kernel is asked again
            except CodeexecError:
                self.details.pop(name, None)
                continue
            if name in self.details:
                self.details[name] = detail
        return self.details != previous
