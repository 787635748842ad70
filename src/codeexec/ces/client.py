"""Access to one session of an environment, whether it has started or not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from codeexec.ces.common import Client, ExecutionResult, KernelStatus, Result
from codeexec.domain.errors import Conflict

if TYPE_CHECKING:
    from codeexec.ces.environment import Environment


class ExecutionClient(Client[Result]):
    """A client whose session starts in the background with `warm_up`, or when it is first used.

    `view` makes what `execute_code` returns of a result. After `stop` the session cannot be used.
    """

    def __init__(
        self,
        environment: Callable[[], Environment],
        session_id: str,
        session_dir: str | None,
        cwd: str | None,
        view: Callable[[ExecutionResult], Result],
    ) -> None:
        """`environment` makes the environment when it is first needed."""
        self.session_id = session_id
        self._make_environment = environment
        self._folders = (session_dir, cwd)
        self._view = view
        self._lock = threading.Lock()
        self._start: Future[None] | None = None
        self._is_stopped = False

    @property
    def kernel_status(self) -> KernelStatus:
        if self._is_stopped:
            return "stopped"
        start = self._start
        if start is None or not start.done():
            return "pending"
        if start.exception() is not None:
            return "error"
        return self._make_environment().session_dict[self.session_id].kernel_status

    def warm_up(self) -> None:
        """Begin to start the session in the background; the first use of it waits for that."""
        with self._lock:
            if self._start is None and not self._is_stopped:
                self._start = Future()
                thread = threading.Thread(
                    target=self._run_start,
                    args=(self._start,),
                    name=f"codeexec.ces start {self.session_id}",
                    daemon=True,
                )
                thread.start()

    def start(self) -> None:
        self._ready()

    def stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            start = self._start
        if start is not None and start.exception() is None:
            self._make_environment().stop_session(self.session_id)
            self._start = None  # a second stop needs no environment

    def load_plugin(
        self, plugin_name: str, plugin_code: str, plugin_config: dict[str, str] | None = None
    ) -> None:
        """See `Environment.load_plugin`."""
        self._ready().load_plugin(self.session_id, plugin_name, plugin_code, plugin_config)

    def test_plugin(self, plugin_name: str) -> None:
        """See `Environment.test_plugin`."""
        self._ready().test_plugin(self.session_id, plugin_name)

    def unload_plugin(self, plugin_name: str) -> None:
        """See `Environment.unload_plugin`."""
        self._ready().unload_plugin(self.session_id, plugin_name)

    def update_session_var(self, session_var_dict: dict[str, str]) -> None:
        """See `Environment.update_session_var`."""
        self._ready().update_session_var(self.session_id, session_var_dict)

    def execute_code(self, exec_id: str, code: str) -> Result:
        """See `Environment.execute_code`."""
        return self._view(self._ready().execute_code(self.session_id, code, exec_id))

    def _ready(self) -> Environment:
        """The environment, once the session is ready. A start that failed is tried again."""
        if self._is_stopped:
            raise Conflict(f"The session {self.session_id!r} is stopped.", "Create another one.")
        with self._lock:
            if self._start is not None and self._start.done() and self._start.exception():
                self._start = None
        self.warm_up()
        start = self._start
        if start is None:
            raise Conflict(f"The session {self.session_id!r} is stopped.", "Create another one.")
        start.result()
        return self._make_environment()

    def _run_start(self, start: Future[None]) -> None:
        session_dir, cwd = self._folders
        try:
            self._make_environment().start_session(self.session_id, session_dir, cwd)
        except BaseException as error:
            start.set_exception(error)
        else:
            start.set_result(None)
