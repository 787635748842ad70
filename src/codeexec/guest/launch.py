"""Starts ipykernel in the user's environment, faster than its own launcher.

Run by path with any Python from 3.8 on that has ipykernel: it imports no other module of codeexec.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
import threading
import time
from importlib.machinery import SourceFileLoader
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LOOK = 0.5
GUARD = "--guard"
"""PARENT FOLDER KERNEL: watch for a kernel that is not started by us."""

# Our folder must not shadow modules of the user's.
del sys.path[0]
gc.disable()  # thousands of objects are made while importing and none of them is garbage


def skip_debugger() -> None:
    """Half of a kernel's start is the import of debugpy, which is not used here. ipykernel
    does without where it is missing; user code can import it all the same."""
    if "debugpy" in sys.modules:
        return
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # the documented way to block
    try:
        import ipykernel.debugger  # noqa: F401
    except ImportError:
        pass  # an ipykernel that has no such module has no debugger either
    finally:
        del sys.modules["debugpy"]


def watch_parent(parent: int, folder: str, kernel: int = 0) -> None:
    """End with the parent process, until a file `stay` beside the connection file says that other
    servers can find this kernel: else it would never be ended. `kernel` is the process group of a
    kernel that does not watch by itself and is ended in our place; we end with it."""
    is_child = os.getppid() == parent
    while not os.path.exists(os.path.join(folder, "stay")):
        if kernel and not is_alive(kernel, False):
            return
        if not is_alive(parent, is_child):
            if kernel:
                end_group(kernel)
            end_marked(folder)
            try:
                for name in os.listdir(folder):
                    os.unlink(os.path.join(folder, name))
                os.rmdir(folder)
            except OSError:
                pass  # somebody has cleaned up already, or keeps a file there
            os.killpg(os.getpgrp(), signal.SIGKILL)
        time.sleep(LOOK)


def end_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except OSError:
        pass  # it has just ended


def end_marked(mark: str) -> None:
    """Kill all that we started: it inherited our mark, wherever it went."""
    entry = b"\0CODEEXEC_MARK=" + os.fsencode(mark) + b"\0"
    try:
        names = os.listdir("/proc")
    except OSError:
        end_marked_without_proc(mark)  # macOS
        return
    for name in names:
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open("/proc/" + name + "/environ", "rb") as file:
                if entry in b"\0" + file.read():
                    os.kill(int(name), signal.SIGKILL)
        except OSError:
            pass  # another user's, or it has just ended


def end_marked_without_proc(mark: str) -> None:
    """The same by `ps`, which shows the environment behind the command."""
    import subprocess

    command = ["ps", "axeww", "-o", "pid=,command="]
    entry = b" CODEEXEC_MARK=" + os.fsencode(mark) + b" "
    try:
        listed = subprocess.run(command, capture_output=True, timeout=5, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return
    for line in listed.splitlines():
        pid = line.split(None, 1)[0]
        if entry in line + b" " and int(pid) != os.getpid():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass  # another user's, or it has just ended


def is_alive(parent: int, is_child: bool) -> bool:
    if is_child:
        return os.getppid() == parent
    try:
        os.kill(parent, 0)  # there is a script between us, or we came too late
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def stand_apart(app: Any) -> Callable[[], None]:
    """Keep the session's folder out of where modules are looked for until the user runs code: we
    were started elsewhere, so nothing of it has been imported. Return what enters the folder."""
    folder = os.environ.pop("CODEEXEC_CWD", "")
    original = os.environ.pop("CODEEXEC_PYTHONPATH", "")
    left_out = []
    if original:
        safe = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        left_out = [place for place in original.split(os.pathsep) if place not in safe]
        os.environ["PYTHONPATH"] = original
    init_path, app.init_path = app.init_path, lambda: None

    def begin() -> None:
        app.shell.events.unregister("pre_execute", begin)
        init_path()
        sys.path[:0] = [os.path.join(folder, place) for place in left_out]

    def enter() -> None:
        if folder:
            os.chdir(folder)
        app.shell.events.register("pre_execute", begin)

    return enter


def keep_crash_reports() -> None:
    """Let faulthandler write into the kernel's log: descriptor 2 is a pipe that we read ourselves,
    and what is in it is lost with us."""
    log = getattr(sys.stderr, "_original_stdstream_copy", None)
    if not isinstance(log, int):
        return
    enable = faulthandler.enable

    def enable_on_log(file: Any = None, all_threads: bool = True, **more: Any) -> None:
        is_stderr = file in (None, sys.stderr, sys.__stderr__)
        enable(log if is_stderr else file, all_threads, **more)

    faulthandler.enable = enable_on_log


def load(name: str) -> Any:
    """Run the guest file with this name, as a module that is not in `sys.modules`."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
    # This loader keeps compiled code where it can.
    loader = SourceFileLoader("codeexec_" + os.path.basename(name), path)
    module = ModuleType(loader.name)
    module.__file__ = path
    loader.exec_module(module)
    return module


def main() -> None:
    if sys.argv[1:2] == [GUARD]:
        watch_parent(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
        return
    parent = os.environ.pop("CODEEXEC_PARENT", "")
    if parent:
        folder = os.path.dirname(sys.argv[sys.argv.index("-f") + 1])
        threading.Thread(target=watch_parent, args=(int(parent), folder), daemon=True).start()
    skip_debugger()
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    enter = stand_apart(app)
    # The session keeps history, over all kernels; the database costs 50 ms at each start.
    # A parent of 1 is none to watch, and saves a note on the terminal that there is none.
    options = ["--HistoryManager.enabled=False", "--IPKernelApp.parent_handle=1"]
    app.initialize([*sys.argv[1:], *options])  # type: ignore[no-untyped-call]
    # traitlets lets its logger make each debug message, five for a request, and drops it then.
    app.log.setLevel(app.log_level)
    keep_crash_reports()
    load("questions")
    load("drawing")
    load("libraries/import_hook")
    load("libraries/screen_width")
    load("libraries/graph_source")
    load("program_magic")
    load("bash_magic")
    load("libraries/tqdm_bars")
    load("libraries/clusters")
    load("fast_streams").install()
    load("interrupts").install(app)
    plugin_entry = load("plugin_entry")
    load("outbox").install(app)
    load("traceback_imports").begin(app)
    enter()
    plugin_entry.note_folder()
    gc.freeze()
    gc.enable()
    app.start()  # type: ignore[no-untyped-call]
    # ipykernel closes its output at exit while its control thread may still be telling that the
    # shutdown is done, and then both wait for ever: let the thread finish first.
    thread = getattr(app, "control_thread", None)
    if thread is not None:
        thread.join(1.0)
        if not thread.is_alive():
            drop_requests(thread.io_loop.asyncio_loop)


def drop_requests(loop: Any) -> None:
    """Requests that came after the one to shut down: without this, asyncio writes about each at
    the interpreter's end, and that would be output of the last cell."""
    import asyncio

    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        coroutine = task.get_coro()
        if coroutine is not None:
            coroutine.close()


if __name__ == "__main__":
    main()
