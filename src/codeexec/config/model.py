"""All settings: a typed tree whose docstrings are the manual.

`codeexec-tui config show` and the settings screen print them from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from codeexec.languages.profiles import BuildProfile


class Appearance(Struct, frozen=True):
    """How the workbench looks."""

    theme: str = ""
    """Name of a theme, built in or from the `themes` folder beside the user's configuration.
    Empty: the default, or the monochrome one when NO_COLOR is set."""

    colors: Literal["auto", "truecolor", "256", "16"] = "auto"
    """How many colours the terminal shows; `auto` asks it, and goes by COLORTERM and TERM where
    it does not answer."""

    images: Literal["auto", "kitty", "sixel", "sextant", "quadrant", "half", "none"] = "auto"
    """How pictures are drawn: by a graphics protocol, or by blocks of six, four or two to a
    character; `auto` asks the terminal what it can do, `none` shows descriptions alone."""

    cell_size: str = ""
    """Width and height of a character cell in pixels, such as `10x20`, for terminals that do
    not tell. Empty: ask."""

    presentation: bool = False
    """Start in presentation mode: no empty panes, larger output, code once, keys shown."""

    show_keys: bool = True
    """In presentation mode, show the keys that are pressed and what they do; never typed text."""

    animations: bool = True
    """Let things move where that helps the eye; `false` suits slow lines."""


class Editor(Struct, frozen=True):
    """The editor pane."""

    keymap: Literal["default", "vim", "emacs"] = "default"
    """Keys of the editor. Single keys are changed in `keymaps/*.toml` of the configuration."""

    tab_size: int = 0
    """Columns of an indentation step; 0: as the language has it."""

    insert_spaces: bool = True
    """Indent with spaces, but in languages that want tabs; `false`: always with tabs."""

    soft_wrap: bool = False
    """Wrap long lines on screen."""

    line_numbers: bool = True
    """Show line numbers."""

    notebook: Literal["text", "page"] = "page"
    """How an `.ipynb` opens: as text, or as a page with outputs below the code and Markdown as it
    reads. Alt+U changes that for a document."""

    script: Literal["text", "page"] = "text"
    """How a script with cells (`# %%`) opens."""

    markdown: Literal["text", "page"] = "text"
    """How a Markdown file opens; in the page its code fences are cells."""

    auto_close: bool = True
    """Typing an opening bracket or quote adds the closing one."""

    auto_complete: bool = True
    """Offer completions while typing code; `false`: only on request."""

    enter_accepts: bool = False
    """Enter takes the first completion that is offered while typing; `false`: only after Tab or an
    arrow key."""

    lint: bool = True
    """Mark what `ruff` finds in Python, where the environment of the kernel has it."""

    save_before_run: bool = True
    """Save the document whenever something of it is run."""

    format_on_save: bool = False
    """Format the document when it is saved by its key, where a formatter of its language is
    installed (clang-format, gofmt, rustfmt, shfmt; ruff in the environment of the kernel)."""

    trim_on_save: bool = False
    """Remove blanks at line ends when saving, but in Markdown, where they mean something."""


class Console(Struct, frozen=True):
    """The console pane; `scroll_step` counts in every pane."""

    fold_code: int = 8
    """Lines of code that a card shows before the rest is folded; 0: all."""

    timestamps: bool = False
    """Show when each execution began."""

    confirm_restart: bool = True
    """Ask before a restart of the kernel that would lose variables."""

    hidden: Literal["peek", "switch", "badge"] = "peek"
    """What a run of the editor does while the console is not on screen: show its last rows below
    the text, switch to the console (F2 goes back), or mark the console's tab alone."""

    scroll_step: int = 3
    """Rows that one notch of the mouse wheel scrolls."""


class Notify(Struct, frozen=True):
    """Notifications of long runs that ended while the terminal was not in focus."""

    after: float = 10.0
    """Seconds that a run must have taken; 0: never tell."""

    bell: bool = False
    """Ring the terminal's bell."""

    desktop: bool = True
    """Ask the terminal for a desktop notification (OSC 9)."""


class KernelSettings(Struct, frozen=True):
    """Which kernel runs the code."""

    name: str = ""
    """Name of a kernel, or path of a Python or of an environment. Empty: what is found from
    the file's folder upward. In a project's file it counts once its folder is trusted."""

    backend: Literal["local", "docker"] = "local"
    """Where it runs. In a project's file `local` counts once its folder is trusted."""

    hide_env: str = ""
    """Variables of your environment that sessions do not see, such as `*_API_KEY *_TOKEN AWS_*`:
    their kernels, terminals, programs and builds. A session server that starts afterwards takes
    it from your own file. Sessions that are opened over a network see a list of harmless names
    alone."""


class Sessions(Struct, frozen=True):
    """The life of sessions; times in seconds, sizes in bytes."""

    ladder: Literal["ask", "auto"] = "ask"
    """After an interrupt and a second one, wait to be asked again before ending the kernel, or
    go on by itself. A run that is out of time always goes on by itself."""

    restart_dead_kernel: bool = False
    """Start a fresh kernel as soon as one dies, not only at the next execution."""

    start_backoff: float = 30.0
    """A start that fails for want of memory, processes or files is tried again after 1, 2, 4 …
    seconds, at most this many; 0: never. A kernel that is restarted when it dies waits so too."""

    idle_kernel: float = 12 * 3600.0
    """Stop a kernel that is idle and watched by nobody for so long; 0: never."""

    idle_host: float = 15 * 60.0
    """A server with no open session and no client ends after so long; 0: never."""

    watch_variables: bool = True
    """Look at the kernel's variables after each run."""

    collect_files: bool = True
    """Keep a copy of viewable files that a run wrote into the working folder."""

    watch_files: bool = True
    """Tell the workbench and other clients of changes of files in the working folder."""

    artifact_quota: int = 512 * 2**20
    """Artifacts of a session; the oldest go first."""

    journal_limit: int = 2 * 2**30
    """Bytes that the journal of a session may take, with all that was printed: at the limit what
    runs is interrupted, and nothing more is run; 0: no limit."""

    terminals: int = 32
    """Terminals that a session may have."""

    terminal_idle: float = 0.0
    """End a shell in which nothing runs and that was not used for so long; 0: never."""

    terminal_scrollback: int = 2**20
    """Bytes of output that are kept of a terminal; the oldest go first."""

    keep_days: float = 30.0
    """Ended sessions older than this are deleted."""

    keep_sessions: int = 200
    """Ended sessions beyond this number are deleted, the oldest first."""

    keep_bytes: int = 5 * 2**30
    """Ended sessions are deleted, the oldest first, while all take more than this."""


class SessionSettings(Struct, frozen=True):
    """What a session begins with; a project's file counts once its folder is trusted."""

    plugins: str = ""
    """Folders and files of plugins that are loaded at the start: a list of texts, or one text such
    as `plugins tools/summary.py`; relative to the folder of the session."""

    show_assignments: bool = False
    """Show the value of a last line that assigns (`x=5`), as of a last expression."""


class Agents(Struct, frozen=True):
    """What agents run beside you: `codeexec-tui mcp`. A project's file has no say in it."""

    confirm: Literal["always", "risky", "never"] = "risky"
    """Which code of an agent waits until you allow it by a key: all; what deletes files, starts
    processes, installs packages or uses the network, as far as that can be seen; or none."""

    unattended: Literal["refuse", "run"] = "refuse"
    """What happens to such code while no workbench is attached to the session."""


class Terminal(Struct, frozen=True):
    """The terminal pane. A project's file counts once its folder is trusted."""

    clipboard: Literal["off", "write"] = "off"
    """Whether the program that you type into may put text on the clipboard (OSC 52), 64 KB at a
    time: the workbench says so each time. No program can read the clipboard."""


class Docker(Struct, frozen=True):
    """Kernels in containers."""

    engine: Literal["auto", "docker", "podman"] = "auto"
    """The engine's command line program; `auto`: whichever is there, docker first."""

    context: str = ""
    """The engine's context (`docker context ls`); empty: the current one."""

    image: str = ""
    """The image that kernels run in; empty: our own (`codeexec-tui docker build`). In a
    project's file it counts once its folder is trusted."""

    policy: Literal["locked", "network", "open"] = "locked"
    """What the code may do: `locked` has no network, `network` has one (so that pip works),
    `open` lifts the limits too. With a network, services of this machine are reachable over the
    engine's bridge. Each of the settings below changes one thing of it; empty means
    as the policy has it."""

    transport: Literal["relay", "ports"] = "relay"
    """How kernels are reached: `relay` by one pipe; `ports` by five mapped ports, in a container
    of the classic layout (`/app/ces`, `/app/cwd`), which needs a policy with a network. Other
    users of this machine can read what goes over ports."""

    spare: bool = False
    """Keep a container ready beside that in use, so that the next session in the same folder
    starts in half the time; it holds some 80 MB."""

    network: str = ""
    """`none`, `bridge`, or the name of a network of the engine."""

    memory: str = ""
    """Most memory, such as 2GB, swap included; 0: all there is."""

    cpus: str = ""
    """How many processors, such as 1.5; 0: all."""

    pids: str = ""
    """Most processes and threads at a time; 0: as many as the engine has it."""

    temporary: str = ""
    """Size of /tmp and the home folder in it, such as 512MB; it counts as memory."""

    shared_memory: str = ""
    """Size of /dev/shm, such as 256MB."""

    open_files: str = ""
    """Most files that a process has open."""

    workspace_growth: str = ""
    """By how much the working folder may grow before the cell is interrupted, such as 5GB; 0:
    without end."""

    workspace_files: str = ""
    """By how many files and folders the working folder may grow, such as 500000; 0: without end."""

    workspace_read_only: str = ""
    """true: the code cannot change the working folder."""

    read_only: str = ""
    """false: the image's own files can be changed, for as long as the container lives."""

    capabilities: str = ""
    """Linux capabilities to keep, with commas: NET_RAW,SYS_PTRACE; or `default`: the engine's."""

    new_privileges: str = ""
    """true: set-id programs such as sudo work."""

    pull: str = ""
    """true: an image that is not here is fetched from its registry."""

    environment: str = ""
    """Variables for the code, such as A=1,B=2; nothing else of yours gets in."""

    @property
    def wanted(self) -> str:
        """The policy with its changes in one line, as `OpenSession.policy` takes it."""
        names = [name for name in self.__struct_fields__ if name not in _NOT_OF_POLICY]
        changes = [f"{name}={getattr(self, name)}" for name in names if getattr(self, name)]
        return " ".join([self.policy, *changes])


_NOT_OF_POLICY = ("engine", "context", "image", "policy", "transport", "spare")


class RunSettings(Struct, frozen=True):
    """`codeexec-tui run`."""

    color: Literal["auto", "always", "never"] = "auto"
    """Colours: on a terminal only, always, or never. NO_COLOR means never."""

    progress: bool = True
    """Show which cell runs, on a terminal."""


class Programs(Struct, frozen=True):
    """How programs are built."""

    profiles: tuple[BuildProfile, ...] = ()
    """Build profiles of your own, each a table `[programs.profiles.NAME]`: `base` is a profile of
    the language, `flags` are further words for its compiler, and `compiler`, `standard` and
    `language` are chosen with it. In a project's file they count once its folder is trusted."""


class RemoteServer(Struct, frozen=True):
    """A session server of another machine. `token_file` is a path; empty: the URL says all."""

    name: str
    url: str
    token_file: str = ""


class JupyterRemote(Struct, frozen=True):
    """A Jupyter server; or, with `launch` and without `url`, a machine that `ssh` reaches by this
    name and whose kernels run in jobs. `token_file`, `password_file` and `ca_file` are paths, empty
    where there is none."""

    name: str
    url: str = ""
    token_file: str = ""
    ca_file: str = ""
    keep_active: bool = True
    kernel_env: tuple[tuple[str, str], ...] = ()
    """Variables for kernels of an Enterprise Gateway."""
    launch: str = ""
    """The command line that starts a job."""
    password_file: str = ""


class Settings(Struct, frozen=True):
    """The whole tree; each part is a table of the TOML file."""

    appearance: Appearance = Appearance()
    editor: Editor = Editor()
    console: Console = Console()
    notify: Notify = Notify()
    kernel: KernelSettings = KernelSettings()
    sessions: Sessions = Sessions()
    session: SessionSettings = SessionSettings()
    agents: Agents = Agents()
    terminal: Terminal = Terminal()
    docker: Docker = Docker()
    run: RunSettings = RunSettings()
    programs: Programs = Programs()
    servers: tuple[RemoteServer, ...] = ()
    remote: tuple[JupyterRemote, ...] = ()
