"""The core of the suite on a Python that lacks what macOS lacks: see support/macos."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MACOS = TESTS / "support" / "macos"

CORE = (
    "kernels/test_contract.py::test_an_execution_is_taken_up_puts_out_and_ends_once[local]",
    "kernels/test_contract.py::test_interrupt_of_an_endless_print_loop[local]",
    "kernels/test_contract.py::test_an_exit_is_an_end_in_words_and_a_restart_is_fresh[local]",
    "kernels/test_local.py::test_a_kernel_is_adopted_though_the_clock_was_set",
    "kernels/test_local.py::test_what_left_the_process_group_ends_with_its_kernel",
    "environments/test_marks.py::test_all_with_the_mark_end_and_nobody_else",
    "environments/test_marks.py::test_a_process_is_itself_until_it_ends_whatever_the_clock_says",
    "environments/test_marks.py::test_a_guest_without_proc_finds_its_mark",
    "kernels/test_local.py::test_what_cleared_its_environment_ends_once_it_was_seen",
    "server/test_kills.py::test_a_killed_client_leaves_the_session_running",
    "cli/test_run.py::test_a_script_sees_what_python_would_show_it",
)


def run_python(*args: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, (str(MACOS), os.environ.get("PYTHONPATH", ""))))
    return subprocess.run(
        [sys.executable, *args],
        cwd=TESTS.parent,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_what_macos_lacks_is_gone() -> None:
    code = """
import os, pathlib, select, signal, sys
print(sys.platform, [n for n in ("waitid", "pidfd_open", "O_PATH") if hasattr(os, n)])
print(hasattr(select, "epoll"), hasattr(signal, "sigwaitinfo"))
print(pathlib.Path("/proc/self/stat").is_file(), os.path.isdir("/proc"))
"""
    assert run_python("-c", code).stdout.splitlines() == ["darwin []", "False False", "False False"]


@pytest.mark.slow
def test_the_core_of_the_suite_passes_without_what_macos_lacks() -> None:
    nodes = [str(TESTS / node) for node in CORE]
    done = run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=60", *nodes)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert f"{len(CORE)} passed" in done.stdout
