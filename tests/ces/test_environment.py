"""An environment on real kernels: results, states, and what is refused in words."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from codeexec.ces import CutOffs, Environment, EnvMode
from codeexec.ces.common import KernelStatus
from codeexec.domain.errors import CodeexecError, Conflict, NotFound, UsageError
from support.servers import wait_for


def status_of(environment: Environment) -> KernelStatus:
    return environment.session_dict["work"].kernel_status


def test_code_has_a_result(shared: Environment) -> None:
    result = shared.execute_code(
        "work", "import sys\nprint('one')\nprint('two', file=sys.stderr)\n40 + 2"
    )
    assert result.is_success
    assert (result.error, result.output) == ("", "42")
    assert (result.stdout, result.stderr) == (["one"], ["two"])
    assert result.execution_id.startswith("exec-")
    assert status_of(shared) == "ready"


def test_an_error_is_a_result(shared: Environment) -> None:
    result = shared.execute_code("work", "1 / 0", "exec-mine")
    assert not result.is_success
    assert result.execution_id == "exec-mine"
    assert "ZeroDivisionError" in result.error


def test_an_id_that_was_used_runs_code_all_the_same(shared: Environment) -> None:
    first = shared.execute_code("work", "'first'", "post-7")
    second = shared.execute_code("work", "'second'", "post-7")
    assert (first.output, second.output) == ("first", "second")
    assert second.execution_id == "post-7"


def test_input_is_refused(shared: Environment) -> None:
    assert "StdinNotImplementedError" in shared.execute_code("work", "input()").error


def test_a_timeout_ends_code_and_not_the_session(shared: Environment) -> None:
    result = shared.execute_code("work", "import time\ntime.sleep(60)", timeout=0.2)
    assert not result.is_success
    assert result.error
    assert shared.execute_code("work", "1").is_success


@pytest.mark.slow
def test_libraries_have_their_sizes_and_preloads(shared: Environment) -> None:
    code = "import pandas\nprint(pandas.get_option('display.max_rows'))\npd is pandas"
    result = shared.execute_code("work", code)
    assert (result.stdout, result.output) == (["5"], "True")
    picture = shared.execute_code("work", "plt.plot([1, 2]);").artifact[0]
    cwd = shared.session_dict["work"].folder.cwd
    assert picture.type == "image"
    assert (cwd / picture.file_name).read_bytes().startswith(b"\x89PNG")
    sizes = "[plt.rcParams[name] for name in ('figure.figsize', 'figure.dpi')]"
    assert shared.execute_code("work", sizes).output == "[[12.0, 6.0], 200.0]"


def test_code_runs_in_the_session_s_folder_with_taskweaver_s_variables(shared: Environment) -> None:
    code = "import os\nprint(os.getcwd())\nprint(os.environ['TASKWEAVER_SESSION_ID'])"
    folder = shared.session_dict["work"].folder
    assert shared.execute_code("work", code).stdout == [str(folder.cwd), "work"]
    assert folder.path == shared.env_dir / "sessions" / "work"
    assert folder.ces.is_dir()


def test_threads_take_turns_in_a_session(shared: Environment) -> None:
    shared.execute_code("work", "seen = []")
    threads = [
        threading.Thread(target=shared.execute_code, args=("work", f"seen.append({number})"))
        for number in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared.execute_code("work", "sorted(seen)").output == "[0, 1, 2, 3, 4]"


def test_an_unknown_session_is_named(shared: Environment) -> None:
    for call in (
        lambda: shared.execute_code("other", "1"),
        lambda: shared.load_plugin("other", "p", ""),
        lambda: shared.test_plugin("other", "p"),
        lambda: shared.unload_plugin("other", "p"),
        lambda: shared.update_session_var("other", {}),
        lambda: shared.stop_session("other"),
    ):
        with pytest.raises(NotFound, match=r"no session 'other'.*start_session.*work"):
            call()


def test_a_session_is_started_once(shared: Environment) -> None:
    with pytest.raises(Conflict, match="'work' has been started"):
        shared.start_session("work")


@pytest.mark.parametrize("session_id", ["", "..", "a/b", "a\nb", "x" * 101])
def test_an_id_that_is_no_name_of_a_folder_is_refused(shared: Environment, session_id: str) -> None:
    with pytest.raises(UsageError, match="no id of a session"):
        shared.start_session(session_id)


def test_a_start_that_fails_can_be_tried_again(env_dir: Path) -> None:
    with Environment(env_dir=env_dir, where="here", kernel="no-such-kernel") as environment:
        for _ in range(2):
            with pytest.raises(CodeexecError, match="no-such-kernel"):
                environment.start_session("work")
        assert environment.session_dict == {}


def test_a_folder_that_is_a_file_is_refused(env_dir: Path) -> None:
    env_dir.mkdir()
    (env_dir / "cwd").write_text("")
    with Environment(env_dir=env_dir, where="here") as environment:
        with pytest.raises(UsageError, match="is a file"):
            environment.start_session("work", session_dir=env_dir)


def test_arguments_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="no environment mode"):
        Environment(env_mode="local")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="Five ports"):
        Environment(env_mode=EnvMode.Container, port_start_inside_container=65532)
    with pytest.raises(UsageError, match="no transport"):
        Environment(transport="mail")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="do not run"):
        Environment(where="there")  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_kernel_that_is_killed_is_told_of_and_replaced(env_dir: Path) -> None:
    with Environment(env_dir=env_dir, where="here", cut_offs=CutOffs(preloads={})) as environment:
        environment.start_session("work")
        pid = int(environment.execute_code("work", "import os; os.getpid()").output)
        begun = environment.session_dict["work"].folder.cwd / "begun"

        def kill() -> None:
            wait_for(begun.exists, "the code to begin")
            os.kill(pid, signal.SIGKILL)

        threading.Thread(target=kill).start()
        code = "import time\nopen('begun', 'w').close()\ntime.sleep(100)"
        result = environment.execute_code("work", code)
        assert not result.is_success
        assert "SIGKILL" in result.error
        assert status_of(environment) == "error"
        again = environment.execute_code("work", "'os' in globals()")
        assert again.output == "False"
        assert status_of(environment) == "ready"
        environment.stop_session("work")
        environment.stop_session("work")
        with pytest.raises(Conflict, match="'work' is stopped"):
            environment.execute_code("work", "1")
    with pytest.raises(UsageError, match="closed"):
        environment.start_session("other")
