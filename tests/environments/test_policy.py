"""From a policy to an engine's arguments: pure, so every rule is looked at without an engine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codeexec.domain.errors import EnvironmentUnavailable, UsageError
from codeexec.environments.docker.failures import FAILURES, explain
from codeexec.environments.docker.mounts import FolderMount
from codeexec.environments.docker.policy import (
    PRESETS,
    EngineInfo,
    Policy,
    identity,
    mountable,
    parse,
    preset,
    size,
    unenforced,
)
from codeexec.environments.docker.run_arguments import arguments
from codeexec.tui.options import Policy as Preset
from codeexec.tui.screens.policies import POLICIES, REACH

ENGINE_INFO = EngineInfo(cpus=2, memory=8 << 30)


def argv(policy: Policy, engine_info: EngineInfo = ENGINE_INFO, **changes: object) -> list[str]:
    given: dict[str, object] = {
        "image": "image:1",
        "user": "1000:1000",
        "workspace": Path("/work"),
        "folder": "/work",
        "name": "name",
        "labels": {"a": "b"},
    }
    return arguments(policy, engine_info, **{**given, **changes})  # type: ignore[arg-type]


def test_a_policy_in_one_line() -> None:
    said = parse(
        "network memory=2.5GB pids=64 cpus=1.5 read_only=no capabilities=NET_RAW,SYS_PTRACE "
        "environment=A=1,B=x=y workspace_growth=512kB"
    )
    assert said.name == "network, changed"
    assert (said.memory, said.pids, said.cpus, said.read_only) == (5 << 29, 64, 1.5, False)
    assert said.capabilities == ("NET_RAW", "SYS_PTRACE")
    assert dict(said.environment) == {"A": "1", "B": "x=y"}
    assert said.workspace_growth == 512 << 10
    assert parse("") == parse("locked") == Policy()
    assert parse("open") == preset("open")


@pytest.mark.parametrize(
    "text",
    [
        *("none", "locked memory", "locked memory=lots", "locked cpus=x", "locked read_only=maybe"),
        *("locked colour=red", "locked environment=A", "locked memory=-1", "locked network=host"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


def test_only_folders_of_projects_are_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    project = home / "project"
    project.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    assert mountable(project) == project
    (project / "up").symlink_to(home)
    for folder in (home, home.parent, Path("/"), project / "up"):
        with pytest.raises(UsageError):
            mountable(folder)


def after(words: list[str], flag: str) -> list[str]:
    return [words[i + 1] for i, word in enumerate(words) if word == flag]


def test_locked_locks() -> None:
    words = argv(Policy())
    assert after(words, "--network") == ["none"]
    assert after(words, "--cap-drop") == ["ALL"]
    assert after(words, "--cap-add") == []
    assert after(words, "--security-opt") == ["no-new-privileges"]
    assert "--read-only" in words
    assert after(words, "--pull") == ["never"]
    assert after(words, "--log-driver") == ["none"]
    assert after(words, "--pids-limit") == ["128"]
    assert after(words, "--memory") == after(words, "--memory-swap") == [str(1 << 30)]
    assert after(words, "--user") == ["1000:1000"]
    assert after(words, "--mount") == ["type=bind,source=/work,target=/work"]
    assert words[-1] == "image:1"


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_hands_out_the_host(name: str) -> None:
    words = argv(preset(name))
    text = " ".join(words)
    assert "--privileged" not in words
    assert "host" not in after(words, "--network")
    assert "docker.sock" not in text
    assert "--volume" not in words
    assert not any(value.startswith("PATH=") for value in after(words, "--env"))


def test_the_environment_is_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "host")
    given = after(argv(Policy().but(environment={"COLOUR": "blue"})), "--env")
    assert "COLOUR=blue" in given
    assert not any("SECRET" in value for value in given)
    assert {value.partition("=")[0] for value in given} >= {"HOME", "IPYTHONDIR", "MPLCONFIGDIR"}


def test_limits_are_cut_to_the_host_and_left_out_where_they_are_ignored() -> None:
    words = argv(Policy().but(cpus=64.0, memory=1 << 50))
    assert after(words, "--cpus") == ["2"]
    assert after(words, "--memory") == [str(8 << 30)]
    engine_info = EngineInfo(
        rootless=True, limits_memory=False, limits_pids=False, limits_cpus=False
    )
    words = argv(Policy(), engine_info)
    assert not {"--memory", "--cpus", "--pids-limit"} & set(words)
    assert len(unenforced(Policy(), engine_info)) == 3
    assert all("rootless" in sentence for sentence in unenforced(Policy(), engine_info))
    assert unenforced(Policy(), ENGINE_INFO) == ()


@pytest.mark.parametrize("name", ["a,b", 'a"b', "a,readonly", "plain"])
def test_a_folder_with_any_name_is_one_field_of_the_mount(name: str) -> None:
    import csv

    mount = after(argv(Policy(), workspace=Path("/w") / name, folder=f"/w/{name}"), "--mount")
    assert next(csv.reader(mount)) == ["type=bind", f"source=/w/{name}", f"target=/w/{name}"]


def test_without_a_workspace_there_is_one_in_memory() -> None:
    words = argv(Policy(), workspace=None, folder="/workspace")
    assert after(words, "--mount") == []
    assert any(value.startswith("/workspace:") for value in after(words, "--tmpfs"))


def test_ports_are_on_the_loopback() -> None:
    assert after(argv(preset("network"), ports=(5,)), "--publish") == ["127.0.0.1::5/tcp"]


def test_a_folder_at_a_second_path_has_the_same_limits_there() -> None:
    mounts = (FolderMount(Path("/ces"), "/app/ces"), FolderMount(Path("/work"), "/app/cwd"))
    executed = [Path("/work/tools/bin")]
    words = after(argv(preset("network"), mounts=mounts, executed=executed), "--mount")
    assert [word for word in words if word.endswith(",readonly")] == [
        "type=bind,source=/work/tools/bin,target=/work/tools/bin,readonly",
        "type=bind,source=/work/tools/bin,target=/app/cwd/tools/bin,readonly",
    ]
    assert "type=bind,source=/work/tools,target=/app/cwd/tools" in words
    assert "type=bind,source=/ces,target=/app/ces" in words
    words = after(argv(Policy().but(workspace_read_only=True), mounts=mounts), "--mount")
    assert [word.endswith(",readonly") for word in words] == [True, False, True]


def test_blocked_hosts_are_the_container_itself() -> None:
    words = argv(preset("network"), blocked_hosts=("host.docker.internal",))
    assert after(words, "--add-host") == ["host.docker.internal:0.0.0.0"]


def test_root_of_the_host_never_runs_code(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    if os.geteuid() == 0:
        with pytest.raises(EnvironmentUnavailable) as caught:
            identity(ENGINE_INFO, own)
        assert "chown" in caught.value.next_step
        own.chmod(0o755)
        who = identity(ENGINE_INFO, own)
        assert who.user == "65534:65534"
        assert "cannot write" in who.notices[0]
        os.chown(own, 1234, 1235)
        assert identity(ENGINE_INFO, own).user == "1234:1235"
    else:
        assert identity(ENGINE_INFO, own).user == f"{os.getuid()}:{os.getgid()}"
    assert identity(EngineInfo(rootless=True), own).user == "0:0"
    assert identity(ENGINE_INFO, None).user == "65534:65534"


def test_words_for_the_status_line() -> None:
    assert Policy().words() == "locked · no network · 1 GB · 1 cpu"
    assert Policy().but(cpus=2.0).words() == "locked, changed · no network · 1 GB · 2 cpus"
    assert preset("open").words() == "open · network · all memory · all cpus"
    assert Policy().but(memory=1 << 30) == Policy()
    assert [size(n) for n in (5, 2048, 300 << 20, 3 << 29)] == ["5 B", "2 kB", "300 MB", "1.5 GB"]


@pytest.mark.parametrize(
    "change",
    [
        {"memroy": 1},
        {"memory": "1g"},
        {"memory": -1},
        {"network": "host"},
        {"capabilities": "ALL"},
        {"environment": ["A=1"]},
        {"read_only": 1},
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Policy().but(**change)


def test_an_unknown_preset_names_the_known() -> None:
    with pytest.raises(UsageError) as caught:
        preset("loose")
    assert "locked" in caught.value.next_step


SAID = [
    ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "No eng"),
    ("permission denied while trying to connect to the Docker daemon socket", "not allowed"),
    ("docker: Error from daemon: No such image: nope:1.\nSee 'docker run --help'.", "nope:1"),
    ("Error: nope:1: image not known", "nope:1"),
    ("docker: invalid reference format.\nSee 'docker run --help'.", "invalid reference"),
    ("write /var/lib/x: no space left on device", "disk is full"),
    ("invalid mount config for type \"bind\": bind source path does not exist: /gone", "/gone"),
    ("Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available.", "2.00 cpus"),
    ("Minimum memory limit allowed is 6MB.", "too low"),
    ('exec: "python3": executable file not found in $PATH: unknown.', "no python3"),
    ("Conflict. The container name \"/x\" is already in use by container", "already"),
    ("network gone not found", "gone"),
    ('Get "http://r:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', "registry"),
    ("OCI runtime error: crun: cgroups in hybrid mode not supported, drop all", "crun"),
    ("Bind for 127.0.0.1:5 failed: port is already allocated", "port"),
    ("exec /usr/bin/python3: exec format error", "processor"),
    ("pull access denied for nope, repository does not exist", "nope"),
    ('Error: Get "https://r/v2/": dial tcp: lookup r: no such host', "registry"),
    ("unknown flag: --pull", "too old"),
    ("", "said nothing"),
    ("DEPRECATED: The legacy builder is old.\n\nStep 1/2\nit broke here", "it broke here"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "words"), SAID, ids=[words for _, words in SAID])
def test_what_an_engine_says_becomes_what_to_do(said: str, words: str) -> None:
    error = explain("docker", 125, said, "nope")
    assert words in error.message
    assert error.next_step
    assert "{0}" not in str(error)


def test_every_failure_has_a_next_step() -> None:
    assert all(failure.message and failure.next_step for failure in FAILURES)


@pytest.mark.parametrize("name", POLICIES)
def test_the_chooser_says_of_each_policy_what_it_is(name: Preset) -> None:
    said = POLICIES[name].replace("network, so that pip works", "network")
    assert preset(name).words() == f"{name} · {said}"


@pytest.mark.parametrize("name", ["network", "open"])
def test_a_policy_with_a_network_says_that_this_machine_is_reachable(name: Preset) -> None:
    assert preset(name).reach().startswith("Services of this machine are reachable over the engine")
    assert Policy().reach().startswith("No network;")
    assert f"`{name}`" in REACH
    assert "services of this machine" in REACH
