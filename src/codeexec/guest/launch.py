"""Starts ipykernel in the user's environment, faster than its own launcher.

Run by path with any Python from 3.8 on that has ipykernel: nothing else of ours is imported.
"""

import gc
import os
import sys

# Our folder must not shadow modules of the user's.
del sys.path[0]
gc.disable()  # thousands of objects are made while importing and none of them is garbage


def skip_debugger() -> None:
    """Half of a kernel's start is the import of debugpy, which nobody here speaks to. ipykernel
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


def main() -> None:
    skip_debugger()
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    # The session keeps history, over all kernels; the database costs 50 ms at each start.
    # A parent of 1 is none to watch, and saves a note on the terminal that there is none.
    options = ["--HistoryManager.enabled=False", "--IPKernelApp.parent_handle=1"]
    app.initialize([*sys.argv[1:], *options])  # type: ignore[no-untyped-call]
    folder = os.path.dirname(os.path.abspath(__file__))
    for name in ("questions", "drawing"):
        path = os.path.join(folder, name + ".py")
        with open(path, encoding="utf-8") as file:
            exec(compile(file.read(), path, "exec"), {"__name__": "codeexec_" + name})
    gc.freeze()
    gc.enable()
    app.start()  # type: ignore[no-untyped-call]
    # ipykernel closes its output at exit while its control thread may still be telling that the
    # shutdown is done, and then both wait for ever: let the thread finish first.
    thread = getattr(app, "control_thread", None)
    if thread is not None:
        thread.join(1.0)


if __name__ == "__main__":
    main()
