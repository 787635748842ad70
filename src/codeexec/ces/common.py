"""What the code execution service gives and takes: results, artifacts, plugins, and its interfaces.

The names are those of TaskWeaver's `taskweaver.ces.common`.
"""

from __future__ import annotations

import dataclasses
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar

KernelModeType = Literal["local", "container"]

ArtifactType = Literal["chart", "image", "df", "file", "txt", "svg", "html"]

KernelStatus = Literal["pending", "ready", "running", "stopped", "error"]
"""`pending`: not started, or starting. `ready`: takes code. `running`: code runs. `stopped`: its
kernel and its container are gone. `error`: it could not start, or its kernel died; code that is
executed next starts a new kernel."""


def get_id(length: int = 6, prefix: str | None = None) -> str:
    """A random id of `length` bytes as hex digits, such as `exec-1f0c9a7be412`."""
    digits = secrets.token_hex(length)
    return digits if prefix is None else f"{prefix}-{digits}"


@dataclass
class EnvPlugin:
    """A plugin of a session. `impl` is the content of its file, `loaded` whether it is in the
    kernel."""

    name: str
    impl: str
    config: dict[str, str] | None
    loaded: bool


@dataclass
class ExecutionArtifact:
    """A picture, table or file that an execution made.

    `name` is its id, `obj_{idx}_{type}_{n:04x}` for files: `idx` counts the executions of the
    session from 1, `n` the artifacts of this one from 0. `file_name` is the file in the session's
    working folder. `file_content` is text when `file_content_encoding` is `str`, base64 when it
    is `base64`, and empty for files that plugins wrote: read those from the folder. `preview` is
    text of at most `CutOffs.preview_chars` characters.
    """

    name: str = ""
    type: ArtifactType = "file"
    mime_type: str = ""
    original_name: str = ""
    file_name: str = ""
    file_content: str = ""
    file_content_encoding: Literal["str", "base64"] = "str"
    preview: str = ""

    @staticmethod
    def from_dict(d: Mapping[str, Any]) -> ExecutionArtifact:
        """The artifact whose fields are in a mapping; missing ones are empty."""
        names = {field.name for field in dataclasses.fields(ExecutionArtifact)}
        return ExecutionArtifact(**{name: d[name] for name in names & set(d)})

    def to_dict(self) -> dict[str, Any]:
        """The fields as a mapping, for JSON."""
        return dataclasses.asdict(self)


class LogMessage(NamedTuple):
    """A message of `ctx.log`. `level` is info, warning or error in TaskWeaver's use."""

    level: str
    tag: str
    message: str


@dataclass
class SourceResult:
    """A result with the types that TaskWeaver's source has: `error` is None where there is none,
    `output` is text or the pairs of name and value of `ctx.set_output`, `log` has (level, tag,
    message)."""

    execution_id: str
    code: str
    is_success: bool = False
    error: str | None = None
    output: str | list[tuple[str, str]] = ""
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    log: list[LogMessage] = field(default_factory=list)
    artifact: list[ExecutionArtifact] = field(default_factory=list)


@dataclass
class ExecutionResult:
    """The end of an execution, with the types that TaskWeaver's document has.

    `error` is empty where there is none, else the traceback, or the reason in words where the
    kernel died or the execution was cancelled. `output` is the value of the last expression or
    assignment as text. `stdout` and `stderr` have one string a row, without newline and without
    colours. `log` has one string for each message of `ctx.log`. `variables` are the variables of
    the session after this very execution, name and shortened value.

    `output_pairs` and `messages` are the richer form of `output` and `log`; `source_view` has all
    in the types of TaskWeaver's source.
    """

    execution_id: str
    code: str
    is_success: bool = False
    error: str = ""
    output: str = ""
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    artifact: list[ExecutionArtifact] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    output_pairs: list[tuple[str, str]] = field(default_factory=list)
    messages: list[LogMessage] = field(default_factory=list)

    def source_view(self) -> SourceResult:
        """The same in the types of TaskWeaver's source."""
        return SourceResult(
            self.execution_id,
            self.code,
            self.is_success,
            self.error or None,
            list(self.output_pairs) or self.output,
            self.stdout,
            self.stderr,
            self.messages,
            self.artifact,
        )


Result = TypeVar("Result", covariant=True)


class Client(ABC, Generic[Result]):
    """Access to one session. Methods block, and raise the errors of `codeexec.domain.errors`."""

    @property
    @abstractmethod
    def kernel_status(self) -> KernelStatus:
        """The state of the session now."""

    @abstractmethod
    def start(self) -> None:
        """Start the session and wait until it is ready."""

    @abstractmethod
    def stop(self) -> None:
        """End the session; nothing happens when it has ended."""

    @abstractmethod
    def load_plugin(
        self, plugin_name: str, plugin_code: str, plugin_config: dict[str, str] | None = None
    ) -> None:
        """Load a plugin, in place of one of this name; `plugin_code` is the content of its file."""

    @abstractmethod
    def test_plugin(self, plugin_name: str) -> None:
        """Run the tests that the plugin registers."""

    @abstractmethod
    def unload_plugin(self, plugin_name: str) -> None:
        """Take the plugin out of the session."""

    @abstractmethod
    def update_session_var(self, session_var_dict: dict[str, str]) -> None:
        """Add session variables, or change them."""

    @abstractmethod
    def execute_code(self, exec_id: str, code: str) -> Result:
        """Run code to its end; code that fails is a result as well."""


class Manager(ABC, Generic[Result]):
    """Makes the clients of sessions, and ends them."""

    @abstractmethod
    def initialize(self) -> None:
        """Prepare what all sessions share."""

    @abstractmethod
    def clean_up(self) -> None:
        """End all sessions."""

    @abstractmethod
    def get_session_client(
        self,
        session_id: str,
        env_id: str | None = None,
        session_dir: str | None = None,
        cwd: str | None = None,
    ) -> Client[Result]:
        """The session of this id, or a new one that has not started."""

    @abstractmethod
    def get_kernel_mode(self) -> KernelModeType:
        """Where kernels run."""
