"""Runs inside a program's interpreter, before the program: sends displays beside its streams.

The parent puts this folder first on PYTHONPATH and names a channel in CODEEXEC_PROGRAM. Both are
taken out of the environment again, so child processes are plain interpreters, and the user's own
`sitecustomize` is imported as it would have been. A display is a JSON file in the parent's spool
folder and one line on the channel; the parent answers with one byte when it has shown the display,
so displays and text keep their order. The standard library alone, Python 3.7 or later.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing would cost 5 ms of the program's start
if TYPE_CHECKING:
    from typing import Any

SETTING = "CODEEXEC_PROGRAM"
"""FD:ACK:LIFE:FLAGS:SPOOL. FD takes lines, ACK returns a byte for each, LIFE ends with the parent
(or is empty). FLAGS holds `v` where the variables are wanted at the end, `t` where stdin holds the
script and input() is answered at the terminal, `c` where stdin is to become the controlling
terminal, and `i` where the parent is to be told of each read of stdin."""

PYTHONPATH = "CODEEXEC_PYTHONPATH"
"""The PYTHONPATH that the program was started with; absent where it had none."""

ACK_SECONDS = 5.0
"""A parent that does not show a display for so long is not waited for again."""

SIGHUP = 1  # importing `signal` would cost time


class ParentChannel:
    """Sends messages to the parent. It closes itself at the first failure: the program goes on."""

    def __init__(self, setting: str) -> None:
        fd, ack, life, self.flags, self.spool = setting.split(":", 4)
        self._fd, self._ack = int(fd), int(ack)
        self._count = 0
        self._is_open = True
        self._waits = True
        self.main_pid = os.getpid()
        os.set_inheritable(self._fd, False)
        os.set_inheritable(self._ack, False)
        if life:
            end_with_parent(int(life))

    def send(self, kind: str, **fields: Any) -> None:
        """Send one message and wait until the parent has taken it."""
        if not self._is_open:
            return
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # a stream that the program closed or replaced
                pass
        fields["kind"] = kind
        self._count += 1
        name = f"{os.getpid()}-{self._count}"
        try:
            data = standard("json").dumps(fields, default=str).encode("utf-8", "replace")
            path = os.path.join(self.spool, name)
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "wb") as spool_file:
                spool_file.write(data)
            os.write(self._fd, (name + "\n").encode())
            self._await_ack(None if kind == "input" else ACK_SECONDS)
        except Exception:  # a full disk, no right to read the library any more, odd values
            self._is_open = False

    def _await_ack(self, seconds: float | None) -> None:
        select = standard("select")
        if not self._waits and seconds is not None:
            return
        ready, _, _ = select.select([self._ack], [], [], seconds)
        if not ready:
            self._waits = False  # displays and text may change places from now on
        elif not os.read(self._ack, 1):
            self._is_open = False


def with_library(call: Any, *values: Any) -> Any:
    """Call something that imports modules of the standard library, also where the program has
    files of their names; what the program imports later is its own."""
    library = os.path.dirname(os.__file__)
    places, own = sys.path[:], sys.path[0] if sys.path else ""
    shadowed = {
        name: module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in getattr(sys, "stdlib_module_names", ())
        and not str(getattr(module, "__file__", None) or library).startswith(library)
    }
    for name in shadowed:
        del sys.modules[name]
    loaded = set(sys.modules)
    sys.path[:] = [library, *(place for place in places if place.endswith("lib-dynload")), *places]
    try:
        return call(*values)
    finally:
        sys.path[:] = places
        for name in set(sys.modules) - loaded:
            top = os.path.join(own, name.partition(".")[0])
            if os.path.isdir(top) or os.path.exists(top + ".py"):
                del sys.modules[name]
        sys.modules.update(shadowed)


_standard: dict[str, Any] = {}


def standard(name: str) -> Any:
    """A module of the standard library, see `with_library`."""
    if name not in _standard:
        _standard[name] = with_library(__import__, name)
    return _standard[name]


def end_with_parent(life: int) -> None:
    """Have the system send SIGHUP to this process when the parent was killed, as it does when a
    terminal is gone: `life` is a pipe that only the parent can write to, and never does."""
    import fcntl

    os.set_inheritable(life, False)
    if hasattr(fcntl, "F_SETSIG"):  # Linux
        fcntl.fcntl(life, fcntl.F_SETSIG, SIGHUP)
        fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(life, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        try:
            is_over = os.read(life, 1) == b""
        except BlockingIOError:
            is_over = False
        if is_over:  # the parent was killed before the system was asked to tell
            os.kill(os.getpid(), SIGHUP)


class LibraryFinder:
    """A finder that adds to some modules right after they are imported, and provides the backend
    that the first of them is told to use."""

    def __init__(self, channel: ParentChannel, folder: str) -> None:
        self._channel = channel
        self._folder = folder
        self._added = {
            "matplotlib": self._add_to_matplotlib,
            "IPython.core.display_functions": self._add_to_ipython,
            "plotly.io._renderers": self._add_to_plotly,
        }
        if "i" in channel.flags:
            self._added["getpass"] = self._add_to_getpass

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name == BACKEND:
            return self._own_spec("figures", name)
        add = self._added.pop(name, None)
        if add is None:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                break
        else:
            return None
        loader = spec.loader
        if loader is not None and hasattr(loader, "exec_module"):
            execute = loader.exec_module

            def exec_module(module: Any) -> None:
                execute(module)
                try:
                    add(module)
                except Exception:  # a version that we do not know: no displays from it
                    pass

            try:
                vars(loader)["exec_module"] = exec_module
            except TypeError:  # a loader without attributes of its own
                pass
        return spec

    def _own_spec(self, stem: str, name: str) -> Any:
        from importlib.machinery import ModuleSpec, SourceFileLoader

        path = os.path.join(self._folder, stem + ".py")
        return ModuleSpec(name, SourceFileLoader(name, path), origin=path)

    def _load(self, stem: str) -> Any:
        from importlib.util import module_from_spec

        spec = self._own_spec(stem, "codeexec_" + stem)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def _add_to_matplotlib(self, matplotlib: Any) -> None:
        unset = matplotlib.rcsetup._auto_backend_sentinel
        if dict.__getitem__(matplotlib.rcParams, "backend") is unset:
            matplotlib.rcParams["backend"] = "module://" + BACKEND

    def _add_to_getpass(self, module: Any) -> None:
        """There is no terminal whose echo could be switched off; the parent hides the answer."""

        def getpass(prompt: str = "Password: ", stream: Any = None, **_: Any) -> str:
            self._channel.send("input", prompt=str(prompt), password=True)
            line = b""
            while not line.endswith(b"\n"):
                piece = os.read(0, 4096)
                if not piece:
                    raise EOFError
                line += piece
            return line.decode().rstrip("\r\n")

        module.getpass = getpass

    def _add_to_ipython(self, module: Any) -> None:
        self._load("displays").replace_displays(module, self._channel)

    def _add_to_plotly(self, module: Any) -> None:
        self._load("charts").add_renderer(module, self._channel)


BACKEND = "codeexec_figures"
CHANNEL = "_codeexec_channel"


def channel() -> ParentChannel | None:
    """The channel of this process, for the modules of this folder."""
    return getattr(sys, CHANNEL, None)


def send_end(channel: ParentChannel) -> None:
    """At exit, after everything else: how the program failed, and its variables."""
    if os.getpid() != channel.main_pid:
        return  # a forked child that ends as the interpreter does
    error = getattr(sys, "last_value", None)
    if isinstance(error, KeyboardInterrupt):
        # The interpreter ends by SIGINT, unless code is evaluated from here on: CPython forgets it
        # then. The parent sees the signal.
        return
    if error is not None:
        try:
            channel.send("error", name=type(error).__name__, value=str(error))
        except Exception:  # its __str__ is the user's code
            channel.send("error", name=type(error).__name__, value="")
    if "v" in channel.flags:
        channel.send("variables", text=with_library(variables_text, os.path.dirname(__file__)))


def variables_text(folder: str) -> str:
    """The variables of `__main__` as `guest/prelude.py` describes them."""
    namespace: dict[str, Any] = {"__name__": "codeexec_prelude"}
    path = os.path.join(os.path.dirname(folder), "prelude.py")
    try:
        with open(path, encoding="utf-8") as source:
            exec(compile(source.read(), path, "exec"), namespace)
        return str(namespace["variables"](vars(sys.modules["__main__"])))
    except Exception:
        return ""


def set_up() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))
    setting = os.environ.pop(SETTING, "")
    path = os.environ.pop(PYTHONPATH, None)
    sys.path[:] = [entry for entry in sys.path if entry != folder]
    sys.path_importer_cache.pop(folder, None)
    if not setting:
        return
    if path is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = path
    try:
        own = ParentChannel(setting)
    except (OSError, ValueError):
        return
    setattr(sys, CHANNEL, own)
    if "c" in own.flags:
        import fcntl
        import termios

        try:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        except OSError:
            pass  # keys arrive all the same, without their signals
    if "i" in own.flags:
        sys.stdin = asking_stdin(own)
    if "t" in own.flags:
        try:
            sys.stdin = open("/dev/tty")  # noqa: SIM115  # until the end
        except OSError:
            pass  # the script's own end is the end of its input, as for python
    import atexit

    # Registered first, so called last.
    atexit.register(send_end, own)
    sys.meta_path.insert(0, LibraryFinder(own, folder))


def asking_stdin(channel: ParentChannel) -> Any:
    """A `sys.stdin` that tells the parent before it waits for input."""
    import io

    class AskingFile(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def fileno(self) -> int:
            return 0

        def readinto(self, buffer: Any) -> int:
            channel.send("input")
            data = os.read(0, len(buffer))
            buffer[: len(data)] = data
            return len(data)

    original = sys.stdin
    return io.TextIOWrapper(
        io.BufferedReader(AskingFile()), encoding=original.encoding, errors=original.errors
    )


def import_users_own() -> None:
    """Import the `sitecustomize` that this one stands before."""
    ours = sys.modules.pop("sitecustomize", None)
    try:
        __import__("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        if ours is not None:
            # The import system looks for the module that it has just executed.
            sys.modules.setdefault("sitecustomize", ours)


set_up()
import_users_own()
