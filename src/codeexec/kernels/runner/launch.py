"""Starts the process of a runner kernel: its requests and frames go through two pipes."""

from __future__ import annotations

import os
from collections.abc import Mapping

from codeexec.environments.marks import MARK, SESSION
from codeexec.environments.short_folders import make_folder
from codeexec.kernels.jupyter.launch import (
    Prepared,
    Spawned,
    guard,
    kernel_env,
    open_process,
    python_env,
    remove_folder,
    stand_apart,
)
from codeexec.kernels.runner.script import cached_program

REQUESTS, FRAMES = "requests", "frames"
"""Of a runner's connection: the descriptors to write to and to read from."""


def prepare_runner(
    interpreter: str, cwd: str, env: Mapping[str, str], session: str = ""
) -> Prepared:
    """Make the folder of a kernel. OSError when the working folder is not there; KernelUnavailable
    when the program cannot be written."""
    argv = [interpreter, cached_program()]
    env = python_env(interpreter) | dict(env)
    own = stand_apart(cwd, env)
    folder = make_folder()
    own[MARK] = folder
    if session:
        own[SESSION] = session
    spawned = Spawned(0, folder, {}, argv, cwd, env, session, "pipes")
    return Prepared(argv, folder, kernel_env(env) | own, spawned, watches_parent=False)


def start_runner(prepared: Prepared) -> Spawned:
    """Start a runner as a child of this process, which alone has its pipes: it ends with us."""
    requests_read, requests = os.pipe()
    frames, frames_write = os.pipe()
    try:
        process = open_process(prepared, stdin=requests_read, stdout=frames_write)
    except BaseException:
        os.close(requests)
        os.close(frames)
        remove_folder(prepared.spawned.folder)
        raise
    finally:
        os.close(requests_read)
        os.close(frames_write)
    guard(process.pid, prepared)
    process.returncode = 0  # it is followed and reaped by its pid
    spawned = prepared.started(process.pid)
    spawned.connection.update({REQUESTS: requests, FRAMES: frames})
    return spawned
