"""Requests about a session itself, and to the host that keeps all sessions of a server."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct, field

from codeexec.domain.learning import LearnerRecord
from codeexec.domain.places.containers import ClassicLayout
from codeexec.domain.requests.base import Done, Reply, Request


class RenameSession(Request[Done], frozen=True):
    name: str


class PinArtifact(Request[Done], frozen=True):
    """Keep a file of the working folder as an artifact of the session."""

    path: str


class RemoveArtifact(Request[Done], frozen=True):
    artifact_id: str


class ClientInfo(Struct, frozen=True, omit_defaults=True):
    """`is_agent`: what it runs is marked as an agent's, and may wait for the user's confirmation.
    `can_confirm`: a person uses it, and can give that confirmation. `lease` is held by this
    connection: see `OpenSession`."""

    name: str
    watch_only: bool = False
    is_agent: bool = False
    can_confirm: bool = False
    lease: str = ""


class Usage(Reply, frozen=True):
    """Use of the kernel and its children: `cpu` in cores, `rss` in bytes; None when unknown."""

    cpu: float | None = None
    rss: int | None = None
    clients: tuple[ClientInfo, ...] = ()


class GetUsage(Request[Usage], frozen=True):
    Answer: ClassVar[type[Reply]] = Usage
    kernel: str = ""


class KernelSummary(Struct, frozen=True, omit_defaults=True):
    """A kernel in a list of sessions: `name` within the session, `kernel` to show to the user,
    `kernel_name` to request such a kernel again."""

    name: str
    state: str
    kernel: str = ""
    kernel_name: str = ""
    pid: int | None = None
    language: str = ""
    backend: str = ""
    policy: str = ""
    is_default: bool = False


class SessionSummary(Reply, frozen=True):
    """A session in a list; `bytes` is its size on disk.

    `kernels` are all its kernels. The fields of a kernel describe the default one: `kernel_name`
    to request such a kernel again, `policy` for its limits, `language` as far as it is known before
    the kernel has started. `state` is "busy" when any kernel is. `owner` is the service's user
    that it belongs to; empty: the operator of the server. `learner` has the progress of the person
    that does a lesson in it, without code."""

    session_id: str
    name: str
    cwd: str
    state: str
    kernel: str = ""
    pid: int | None = None
    opened_at: float = 0.0
    changed_at: float = 0.0
    executions: int = 0
    queued: int = 0
    clients: int = 0
    bytes: int = 0
    seq: int = 0
    kernel_name: str = ""
    backend: str = ""
    policy: str = ""
    language: str = ""
    kernels: tuple[KernelSummary, ...] = ()
    owner: str = ""
    learner: LearnerRecord | None = None


class OpenSession(Request[SessionSummary], frozen=True):
    """Open a new session, or the open session of this name.

    `kernel` is a kernel's name, or the path of a Python or of an environment; empty, it is looked
    up from `cwd` or `file`. `connection_file` attaches to a kernel that another program started.
    With the backend `docker` the kernel runs in a container of `image`, limited by `policy`: a
    preset with changes, such as `locked memory=2GB`. `transport` is how it is reached: `relay`, or
    `ports` for a container of the layout `classic`. Empty, the server's settings apply. `cwd` is
    an absolute path; without one, a client of the service gets a new folder. The session's
    processes inherit `all` of the server's environment, or `listed` names alone, as it is for each
    session that is opened over TCP or HTTP; `env` is added to that.

    A session with a `lease` ends a few seconds after the last connection that holds this lease
    (`ClientInfo.lease`), however that ends. It is new unless the open session of its name has the
    same lease; where the name is taken it gets a number. The journal and the files of a `temporary`
    session are removed when it ends, and its code is not added to the history."""

    Answer: ClassVar[type[Reply]] = SessionSummary
    cwd: str = ""
    name: str = ""
    kernel: str = ""
    file: str = ""
    env: dict[str, str] = field(default_factory=dict)
    backend: str = "local"
    image: str = ""
    policy: str = ""
    transport: str = ""
    classic: ClassicLayout | None = None
    connection_file: str = ""
    start_kernel: bool = True
    inherit: Literal["all", "listed"] = "all"
    lease: str = ""
    temporary: bool = False


class SessionList(Reply, frozen=True):
    sessions: tuple[SessionSummary, ...]


class ListSessions(Request[SessionList], frozen=True):
    """List open sessions; with `ended`, also closed ones on disk."""

    Answer: ClassVar[type[Reply]] = SessionList
    ended: bool = True


class StopSession(Request[Done], frozen=True):
    """End the kernel and close the session; its journal stays."""

    session_id: str


class RemoveSession(Request[Done], frozen=True):
    """Delete the journal and files of a closed session."""

    session_id: str


class KernelInfo(Struct, frozen=True, omit_defaults=True):
    """A kernel that can be requested. `problem` says why it is unusable, `fix` is the command that
    repairs it, `policy` what confines it. `remark` says what a usable one lacks; `fix` adds that.
    `limits` are what it cannot do, a sentence each."""

    name: str
    display_name: str
    language: str
    path: str
    source: str
    is_default: bool = False
    problem: str = ""
    fix: str = ""
    policy: str = ""
    remark: str = ""
    limits: tuple[str, ...] = ()


class KernelList(Reply, frozen=True):
    kernels: tuple[KernelInfo, ...]


class ListKernels(Request[KernelList], frozen=True):
    """With a `session_id` those of the machine that runs the session's kernels are among them,
    where there is a line to it."""

    Answer: ClassVar[type[Reply]] = KernelList
    cwd: str = ""
    session_id: str = ""


class HostInfo(Reply, frozen=True):
    version: str
    pid: int
    started_at: float
    socket: str
    state_dir: str
    schema: int
    home: str = ""
    """The home folder of the server's user."""


class GetHostInfo(Request[HostInfo], frozen=True):
    Answer: ClassVar[type[Reply]] = HostInfo


class StopHost(Request[Done], frozen=True):
    """End the server. With `sessions`, end all kernels too; otherwise the next server adopts
    them."""

    sessions: bool = False


class PageAddress(Reply, frozen=True):
    """An address of the page of a session: `path` belongs after the `origin` of the server's
    loopback listener, or of the URL by which a client elsewhere calls the server (`origin` is then
    empty). It is good until `expires` (seconds since 1970), once unless it is shared."""

    path: str
    origin: str
    expires: float
    port: int = 0


class LessonPart(Struct, frozen=True, omit_defaults=True):
    """A part of a lesson, or of another document, on a page: Markdown, with the content of its
    pictures by what it names; or with `cell` the code of that cell, as the executions name it that
    run it (`CellRef.cell`), and its title."""

    text: str
    cell: str = ""
    title: str = ""
    pictures: dict[str, bytes] = {}


class PageLesson(Struct, frozen=True, omit_defaults=True):
    """A lesson as a page shows it. `document` is its file, as executions of its code name it. With
    `is_document` it is a document that is no lesson: a run belongs to the cell that it names, else
    to the one with its code, else with its title."""

    title: str
    document: str
    parts: tuple[LessonPart, ...]
    is_document: bool = False


class OpenPage(Request[PageAddress], frozen=True):
    """Give out an address at which a browser sees the session, and can change nothing unless
    `control` is given: then it operates the session's widgets, and nothing else. `shared`: for any
    number of browsers, until it is revoked. `interactive`: the browser runs the JavaScript of
    plotly, Bokeh and Vega to draw their figures, in frames that reach nothing. `lesson`: its text
    and its code stand on the page, with the last run of each cell in its place. Denied where an
    agent asks for `control`, UsageError for a lesson that is too long."""

    Answer: ClassVar[type[Reply]] = PageAddress
    session: str
    shared: bool = False
    interactive: bool = False
    control: bool = False
    lesson: PageLesson | None = None


class ClosePages(Request[Done], frozen=True):
    """Revoke all addresses of the page of a session, and end the pages that are open; `count` is
    how many addresses there were."""

    session: str


class ListenerOpened(Reply, frozen=True):
    """`url` names the port that was bound."""

    url: str


class OpenListener(Request[ListenerOpened], frozen=True):
    """Listen on TCP too, until the connection that asks ends. Answered on the private socket
    alone.

    Clients must send `token`; without `asks_token` none is asked for, which only a loopback
    address allows. Port 0 is any free port. `access` has the server's settings for tokens of
    users."""

    Answer: ClassVar[type[Reply]] = ListenerOpened
    host: str
    port: int
    token: str = ""
    asks_token: bool = True
    access: dict[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Without the token: a log may have it."""
        return f"OpenListener({self.host!r}, {self.port})"
