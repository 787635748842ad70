"""Requests about the plugins of a session and its session variables.

A step of a plugin (load, test, unload) is a silent execution: it waits for what runs on the
kernel, can be interrupted, and its output rows can be read. The request is answered at its end.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import field

from codeexec.domain.plugins import PLUGIN_TIMEOUT, PluginView
from codeexec.domain.requests.base import Done, Reply, Request


class PluginAnswer(Reply, frozen=True):
    """How a step of a plugin ended. `message` says why it failed, with the plugin's own lines of a
    traceback, or what it did; `messages` has one text for each test that failed. `execution_id` is
    the execution whose rows have what the plugin printed."""

    name: str
    is_success: bool
    message: str = ""
    messages: tuple[str, ...] = ()
    execution_id: str = ""
    seq: int = 0


class LoadPlugin(Request[PluginAnswer], frozen=True):
    """Register the class of a plugin, and make its instance with `config`, under the variable
    `name` of the kernel; one of the same name is replaced when the new one works.

    `implementation` is the text of its module, `source` says where it came from. `timeout` is in
    seconds. A request that is repeated with its `execution_id` is done once. UsageError for a name
    that is no identifier, a text that is too long, a kernel that does not run Python; Conflict
    while another step of this plugin is not over."""

    Answer: ClassVar[type[Reply]] = PluginAnswer
    name: str
    implementation: str
    config: dict[str, str] = field(default_factory=dict)
    kernel: str = ""
    timeout: float = PLUGIN_TIMEOUT
    source: str = ""
    execution_id: str = ""


class TestPlugin(Request[PluginAnswer], frozen=True):
    """Run the tests that the module of a plugin registers. NotFound, Conflict."""

    __test__ = False
    Answer: ClassVar[type[Reply]] = PluginAnswer
    name: str
    timeout: float = PLUGIN_TIMEOUT
    execution_id: str = ""


class UnloadPlugin(Request[PluginAnswer], frozen=True):
    """Remove a plugin from its kernel and from the session. NotFound, Conflict."""

    Answer: ClassVar[type[Reply]] = PluginAnswer
    name: str
    timeout: float = PLUGIN_TIMEOUT
    execution_id: str = ""


class PluginList(Reply, frozen=True):
    """In the order in which they were first loaded."""

    plugins: tuple[PluginView, ...]


class ListPlugins(Request[PluginList], frozen=True):
    """List the plugins of the session, also those that failed to load."""

    Answer: ClassVar[type[Reply]] = PluginList


class SetSessionVariables(Request[Done], frozen=True):
    """Set variables of the session, which plugins and code read from their next execution on;
    remove those of `remove`, or with `replace` all others. UsageError where they are too long."""

    variables: dict[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    replace: bool = False
