"""Steps of plugins as executions of a kernel: what the kernel is told, and what it reports."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from codeexec.domain.events import AnyEvent, ExecutionQueued
from codeexec.domain.events.plugins import PluginChanged, PluginRemoved, SessionVariablesSet
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.domain.options import ExecuteOptions, PluginStep
from codeexec.domain.plugins import MOST_PLUGINS, PLUGIN_TIMEOUT, PluginState, PluginView
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.kernels.base import ExecuteCall, PluginCall, PluginReported, SessionVariablesReported
from codeexec.session.storage.event_log import EventLog

PAYLOAD = "plugin"
"""Before the colon in the keys of implementations among the journal's private values."""

MAGIC = "typed in the console"
"""Source of plugins that a magic loaded."""

STATES: Mapping[str, PluginState] = {"load": "loading", "test": "testing", "unload": "unloading"}


class PluginSteps:
    """Of one session, for its kernels. Implementations are private values of the journal;
    configurations, which may hold passwords, are in the session's file of secrets."""

    def __init__(self, recorder: EventLog) -> None:
        self._recorder = recorder
        self._given: dict[str, tuple[int, dict[str, str]]] = {}
        self.endings: dict[str, PluginReported | None] = {}
        """By execution, the steps whose requests wait, with how they ended."""

    @property
    def snapshot(self) -> Snapshot:
        return self._recorder.snapshot

    # -- what a plugin is made of ------------------------------------------------------

    def keep(
        self, payload: str, implementation: str, config: Mapping[str, str], source: str
    ) -> None:
        """Keep an implementation and its configuration, for this step and for later kernels."""
        key = f"{PAYLOAD}:{payload}"
        value = {"implementation": implementation, "source": source, "env": dict(config)}
        self._recorder.keep(key, self._recorder.secrets.without_env(key, value))

    def forget(self, payload: str) -> None:
        """The implementation of this step is needed no more."""
        if payload:
            key = f"{PAYLOAD}:{payload}"
            self._recorder.keep(key, None)
            self._recorder.secrets.forget(key)

    def _kept(self, payload: str) -> tuple[str, Mapping[str, str], str]:
        """Implementation, configuration and source."""
        key = f"{PAYLOAD}:{payload}"
        stored = self._recorder.journal.get_private(key) if payload else None
        value = self._recorder.secrets.with_env(key, stored)
        fields = value if isinstance(value, dict) else {}
        config = fields.get("env")
        implementation, source = fields.get("implementation", ""), fields.get("source", "")
        return str(implementation), config if isinstance(config, dict) else {}, str(source)

    def _plugin_call(self, step: PluginStep) -> PluginCall:
        implementation, config, _ = self._kept(step.payload)
        return PluginCall(step.action, step.name, implementation, config)

    # -- code in -----------------------------------------------------------------------

    def call_of(self, view: ExecutionView, generation: int) -> ExecuteCall:
        """What the kernel is told to run."""
        options, kernel = view.options, view.kernel
        plugin = self._plugin_call(options.plugin) if options.plugin is not None else None
        variables = self.snapshot.session_variables
        given = self._given.get(kernel, (0, {}))
        is_new = given != (generation, variables) and bool(variables or given[1])
        has_plugins = any(
            each.is_loaded and each.kernel == kernel for each in self.snapshot.plugins.values()
        )
        wants = options.report or options.show_assignments or options.index or options.env_id
        session: dict[str, object] = {}
        if is_new or has_plugins or wants or plugin is not None:
            session = {
                "session_id": self.snapshot.session_id,
                "env_id": options.env_id,
                "index": options.index or view.index,
                "report": options.report,
                "show_assignments": options.show_assignments,
            }
            if given != (generation, variables):
                session["variables"] = variables
                self._given[kernel] = (generation, variables)
        return ExecuteCall(view.execution_id, view.code, options, session, plugin, view.cell)

    def to_restore(self, kernel: str, generation: int) -> list[tuple[str, list[AnyEvent]]]:
        """Executions that load the plugins of this kernel into a fresh process of it, each with
        the events that queue it."""
        return [
            self._restore(plugin, generation)
            for plugin in self.snapshot.plugins.values()
            if plugin.loaded_by and plugin.kernel == kernel and plugin.generation != generation
        ]

    def _restore(self, plugin: PluginView, generation: int) -> tuple[str, list[AnyEvent]]:
        execution_id = new_id(EXECUTION)
        step = PluginStep("load", plugin.name, plugin.loaded_by)
        loading = replace(
            plugin,
            state="loading",
            generation=generation,
            is_loaded=False,
            execution_id=execution_id,
            message="",
        )
        options = step_options(step, plugin.kernel, PLUGIN_TIMEOUT)
        queued = ExecutionQueued(execution_id, step_code(step), "plugins", options=options)
        return execution_id, [queued, PluginChanged(loading)]

    # -- events out --------------------------------------------------------------------

    def reported(self, event: PluginReported, kernel: str, generation: int) -> list[AnyEvent]:
        """A step of a plugin has ended in the kernel."""
        view = self._recorder.find(event.execution)
        step = view.options.plugin if view is not None else None
        if step is not None and (step.action, step.name) != (event.action, event.name):
            step = None  # another plugin's module, by a magic
        elif event.execution in self.endings:
            self.endings[event.execution] = event
        plugins = self.snapshot.plugins
        before = plugins.get(event.name, PluginView(event.name))
        if before.name not in plugins and len(plugins) >= MOST_PLUGINS:
            return []
        if step is None and event.action == "load":
            # Loaded by a magic: its implementation comes with the report.
            step = PluginStep("load", event.name, f"{event.execution}/{event.name}")
            self.keep(step.payload, event.implementation, event.config, MAGIC)
        if step is None and before.name not in self.snapshot.plugins:
            return []
        ended = replace(
            before, execution_id=event.execution, message=event.message, succeeded=event.is_success
        )
        if event.action == "unload" and event.is_success:
            self.forget(before.loaded_by)
            return [PluginRemoved(event.name)] if event.name in self.snapshot.plugins else []
        if event.action == "load" and event.is_success and step is not None:
            if before.loaded_by != step.payload:
                self.forget(before.loaded_by)
            _, config, source = self._kept(step.payload)
            ended = replace(
                ended,
                source=source,
                config=tuple(config),
                kernel=kernel,
                generation=generation,
                tests=event.tests,
                is_loaded=True,
                loaded_by=step.payload,
            )
        elif event.action == "load" and step is not None:
            if before.loaded_by == step.payload:
                ended = replace(ended, loaded_by="")  # it does not work in this kernel any more
            self.forget(step.payload)
        return [PluginChanged(replace(ended, state="loaded" if ended.is_loaded else "failed"))]

    def variables_reported(
        self, event: SessionVariablesReported, kernel: str, generation: int
    ) -> list[AnyEvent]:
        """Code has set the session variables by a magic."""
        self._given[kernel] = (generation, dict(event.variables))
        if event.variables == self.snapshot.session_variables:
            return []
        return [SessionVariablesSet(dict(event.variables), event.execution)]

    def settle(self, view: ExecutionView) -> list[AnyEvent]:
        """The execution of a step is over; where the kernel has not reported, it failed."""
        step = view.options.plugin
        plugin = self.snapshot.plugins.get(step.name) if step is not None else None
        if plugin is None or step is None or view.is_open:
            return []
        if plugin.execution_id != view.execution_id or not plugin.is_changing:
            return []
        words = view.reason
        if not words and view.error is not None:
            words = f"{view.error.name}: {view.error.value}"
        is_restored = plugin.loaded_by == step.payload
        if step.action == "load" and not is_restored:
            self.forget(step.payload)
        loaded_by = plugin.loaded_by
        if step.action == "load" and is_restored and view.started_at is not None:
            self.forget(loaded_by)
            loaded_by = ""
        failed = replace(
            plugin,
            state="loaded" if plugin.is_loaded else "failed",
            message=words or "The kernel did not say how it ended.",
            succeeded=False,
            loaded_by=loaded_by,
        )
        return [PluginChanged(failed)]


def step_options(step: PluginStep, kernel: str, timeout: float) -> ExecuteOptions:
    """The options of the execution of a step."""
    return ExecuteOptions(
        silent=True,
        store_history=False,
        allow_stdin=False,
        stop_on_error=False,
        timeout=timeout,
        kernel=kernel,
        plugin=step,
    )


def step_code(step: PluginStep) -> str:
    """The code of the execution of a step, as people read it."""
    return f"%_taskweaver_plugin_{step.action} {step.name}"
