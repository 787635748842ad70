"""Logins for a line over ssh that is opened again while the workbench has the terminal."""

from __future__ import annotations

from codeexec.client.wire import Address
from codeexec.domain.errors import CodeexecError
from codeexec.domain.places.logins import AskUser
from codeexec.environments.ssh.failures import ASKED_ABOUT, SshFailure
from codeexec.environments.ssh.login import log_in, master_id


class LineLogin:
    """Lets the user answer what `ssh` asks after a line was refused: once, until a line is open or
    the user wants another attempt."""

    def __init__(self, address: Address, ask_user: AskUser) -> None:
        self._address, self._ask_user = address, ask_user
        self._may_ask = True

    def allow(self) -> None:
        """The user may be asked once more."""
        self._may_ask = True

    async def mend(self, error: CodeexecError) -> CodeexecError | None:
        """Log in after this failure of a line; None where that was done and the line can be opened,
        else why there is none. Cancelled, it leaves nothing."""
        is_asked_about = isinstance(error, SshFailure) and error.kind in ASKED_ABOUT
        if not is_asked_about or not self._may_ask:
            return error
        self._may_ask = False
        host, port = self._address.ssh, self._address.port
        try:
            await log_in(host, port, self._address.place, self._ask_user, master_id(host, port))
        except SshFailure as failure:
            return failure
        return None
