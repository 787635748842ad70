"""Takes from a Linux Python what one on macOS (3.11, 3.12) lacks; put its folder on PYTHONPATH.

Kernels keep `sys.platform`: ipykernel would import a package that exists on macOS alone.
"""

import contextlib
import multiprocessing
import os
import select
import selectors
import signal
import socket
import sys
import time

MISSING = {
    os: (
        "waitid waitid_result P_PID P_PGID P_ALL P_PIDFD WNOWAIT WEXITED WSTOPPED pidfd_open "
        "PIDFD_NONBLOCK O_PATH O_TMPFILE O_DIRECT O_NOATIME memfd_create eventfd splice pipe2 "
        "copy_file_range sched_getaffinity sched_setaffinity posix_fadvise posix_fallocate "
        "fdatasync getxattr setxattr listxattr removexattr getrandom setresuid setresgid "
        "getresuid getresgid unshare setns preadv2"
    ),
    select: "epoll POLLRDHUP",
    signal: (
        "sigwaitinfo sigtimedwait pidfd_send_signal SIGRTMIN SIGRTMAX SIGPWR SIGPOLL SIGSTKFLT "
        "SIGCLD struct_siginfo"
    ),
    time: "CLOCK_BOOTTIME CLOCK_TAI",
    socket: (
        "SO_PEERCRED SO_PASSCRED SO_PEERSEC SOCK_CLOEXEC SOCK_NONBLOCK MSG_NOSIGNAL AF_VSOCK "
        "AF_ALG SO_BINDTODEVICE TCP_USER_TIMEOUT SO_DOMAIN SO_PROTOCOL"
    ),
}

for module, names in MISSING.items():
    for name in names.split():
        with contextlib.suppress(AttributeError):
            delattr(module, name)

selectors.DefaultSelector = selectors.PollSelector

# psutil reads /proc on Linux as it asks the system on macOS, and may go on doing so.
import psutil  # noqa: E402

USES_PROC = (psutil.__path__[0], multiprocessing.__path__[0])


def is_hidden(path: object) -> bool:
    path = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    if not isinstance(path, str) or not (path == "/proc" or path.startswith("/proc/")):
        return False
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith(USES_PROC):
            return False
        frame = frame.f_back
    return True


def hide_proc(event: str, args: tuple[object, ...]) -> None:
    if event in ("open", "os.listdir", "os.scandir") and args and is_hidden(args[0]):
        raise FileNotFoundError(2, "No such file or directory", args[0])


def stat(path: object, *args: object, **options: object) -> object:
    if is_hidden(path):
        raise FileNotFoundError(2, "No such file or directory", path)
    return real_stat(path, *args, **options)


real_stat, os.stat = os.stat, stat
sys.addaudithook(hide_proc)


def connects_abstract(event: str, args: tuple[object, ...]) -> None:
    if event in ("socket.bind", "socket.connect"):
        address = args[1]
        if isinstance(address, str | bytes) and address[:1] in ("\0", b"\0"):
            raise FileNotFoundError(2, "No such file or directory")


sys.addaudithook(connects_abstract)

if not any(each.endswith(("guest/launch.py", "ipykernel_launcher")) for each in sys.orig_argv):
    # What has decided by the platform at its import has done so by now.
    import asyncio  # noqa: F401
    import ctypes.util  # noqa: F401
    import multiprocessing.connection
    import shutil  # noqa: F401
    import sqlite3  # noqa: F401
    import subprocess  # noqa: F401
    import sysconfig
    import urllib.request  # noqa: F401
    import uuid  # noqa: F401
    import webbrowser  # noqa: F401

    sysconfig.get_config_vars()
    sys.platform = "darwin"
