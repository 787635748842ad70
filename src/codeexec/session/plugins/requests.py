"""Answers the requests about plugins and session variables of one session."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import assert_never

from msgspec.structs import replace

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Conflict, NotFound, UsageError
from codeexec.domain.events.plugins import PluginChanged, PluginRemoved, SessionVariablesSet
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.domain.options import DEFAULT_KERNEL, PluginStep
from codeexec.domain.plugins import (
    MAX_IMPLEMENTATION,
    MAX_SESSION_VARIABLES,
    MOST_PLUGINS,
    PluginView,
    check_plugin_name,
)
from codeexec.domain.snapshot import ExecutionView
from codeexec.session.execution_watch import ExecutionWatch
from codeexec.session.kernels.slots import KernelSlots, language_of
from codeexec.session.plugins.steps import STATES, PluginSteps, step_code, step_options
from codeexec.session.storage.event_log import EventLog

Queue = Callable[[q.Execute], object]
"""Queues the execution of a step. Raises CodeexecError where it is not queued."""

StepRequest = q.LoadPlugin | q.TestPlugin | q.UnloadPlugin


class PluginRequests:
    """See each request for its errors."""

    def __init__(
        self,
        recorder: EventLog,
        slots: KernelSlots,
        steps: PluginSteps,
        watch: ExecutionWatch,
    ) -> None:
        self._recorder = recorder
        self._slots = slots
        self._steps = steps
        self._watch = watch

    async def answer(self, request: q.PluginRequest, queue: Queue, origin: str) -> q.Reply:
        match request:
            case q.ListPlugins():
                return q.PluginList(tuple(self._recorder.snapshot.plugins.values()))
            case q.SetSessionVariables():
                return self._set_variables(request, origin)
            case q.LoadPlugin() | q.TestPlugin() | q.UnloadPlugin():
                return await self._perform(request, queue, origin)
            case _:
                assert_never(request)

    def _set_variables(self, request: q.SetSessionVariables, origin: str) -> q.Done:
        before = {} if request.replace else self._recorder.snapshot.session_variables
        kept = {name: text for name, text in before.items() if name not in request.remove}
        variables = {**kept, **request.variables}
        if sum(len(name) + len(text) for name, text in variables.items()) > MAX_SESSION_VARIABLES:
            raise UsageError(
                f"Session variables have at most {MAX_SESSION_VARIABLES:,} characters together.",
                "Put large texts into files, and their names into variables.",
            )
        if variables != self._recorder.snapshot.session_variables:
            self._recorder.record_now(SessionVariablesSet(variables, origin))
        return q.Done(self._recorder.snapshot.seq, len(variables))

    # -- steps of plugins --------------------------------------------------------------

    async def _perform(self, request: StepRequest, queue: Queue, origin: str) -> q.PluginAnswer:
        execution_id = request.execution_id or new_id(EXECUTION)
        with self._watch.watching(execution_id) as changed:
            view = self._recorder.find(execution_id)
            self._steps.endings[execution_id] = None
            if view is None:
                self._begin(request, execution_id, queue, origin)
            else:
                _require_same(view, request)
            while (view := self._recorder.find(execution_id)) is not None and view.is_open:
                changed.clear()
                await changed.wait()
                if self._recorder.is_closed:
                    raise Conflict(
                        "The session server ended before the plugin was done.",
                        "Ask again: it is done once.",
                    )
        if view is not None:
            self.settle(view)
        return self._answer_of(request, execution_id)

    def _begin(self, request: StepRequest, execution_id: str, queue: Queue, origin: str) -> None:
        name = check_plugin_name(request.name)
        if not 0 < request.timeout < math.inf:
            raise UsageError("A timeout is a positive number of seconds.", "Leave it out for 60 s.")
        before = self._recorder.snapshot.plugins.get(name)
        if before is not None and before.is_changing:
            raise Conflict(
                f"The plugin {name} is {before.state} at the moment.",
                "Wait for its end, or interrupt it.",
            )
        if isinstance(request, q.LoadPlugin):
            step, after = self._prepare_load(request, execution_id, before)
        else:
            if before is None:
                raise NotFound(
                    f"There is no plugin {name} in this session.",
                    "codeexec-tui plugins list SESSION shows those that there are.",
                )
            step = PluginStep("test" if isinstance(request, q.TestPlugin) else "unload", name)
            after = before
        state = STATES[step.action]
        after = replace(after, state=state, execution_id=execution_id, message="")
        self._recorder.record_now(PluginChanged(after))
        options = step_options(step, after.kernel, request.timeout)
        try:
            queue(q.Execute(step_code(step), execution_id, origin, options=options))
        except CodeexecError:
            self._steps.forget(step.payload)
            self._recorder.record(
                PluginChanged(before) if before is not None else PluginRemoved(name)
            )
            raise

    def _prepare_load(
        self, request: q.LoadPlugin, execution_id: str, before: PluginView | None
    ) -> tuple[PluginStep, PluginView]:
        size = sum(len(key) + len(value) for key, value in request.config.items())
        if max(len(request.implementation), size) > MAX_IMPLEMENTATION:
            raise UsageError(
                f"A plugin has at most {MAX_IMPLEMENTATION:,} characters.",
                "Let it import what is long from a module.",
            )
        if before is None and len(self._recorder.snapshot.plugins) >= MOST_PLUGINS:
            raise UsageError(f"A session has {MOST_PLUGINS} plugins at most.", "Unload some.")
        slot = self._slots.get(request.kernel or (before.kernel if before is not None else ""))
        if language_of(slot) != DEFAULT_KERNEL:
            raise UsageError(
                f"Plugins are Python, and the kernel {slot.name} is not.",
                "Name a kernel of the session that runs Python.",
            )
        if before is not None and before.is_loaded and before.kernel != slot.name:
            raise Conflict(
                f"The plugin {request.name} is loaded in the kernel {before.kernel}.",
                "Unload it there first.",
            )
        config, source = request.config, request.source
        self._steps.keep(execution_id, request.implementation, config, source)
        after = before or PluginView(request.name)
        if not after.is_loaded:
            after = replace(after, kernel=slot.name, source=source, config=tuple(config))
        return PluginStep("load", request.name, execution_id), after

    def settle(self, view: ExecutionView) -> None:
        """The execution of a step is over."""
        self._recorder.record(*self._steps.settle(view))

    def _answer_of(self, request: StepRequest, execution_id: str) -> q.PluginAnswer:
        ending = self._steps.endings.pop(execution_id, None)
        seq = self._recorder.snapshot.seq
        if ending is not None:
            return q.PluginAnswer(
                request.name, ending.is_success, ending.message, ending.messages, execution_id, seq
            )
        plugin = self._recorder.snapshot.plugins.get(request.name)
        if plugin is None:
            is_gone = isinstance(request, q.UnloadPlugin)
            words = "Unloaded." if is_gone else "It was unloaded meanwhile."
            return q.PluginAnswer(request.name, is_gone, words, (), execution_id, seq)
        return q.PluginAnswer(request.name, plugin.succeeded, plugin.message, (), execution_id, seq)


def _require_same(view: ExecutionView, request: StepRequest) -> None:
    step = view.options.plugin
    if step is None or step.name != request.name:
        raise Conflict(
            f"The id {view.execution_id} belongs to another execution.",
            "Choose another id, or none.",
        )
