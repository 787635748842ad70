"""Which session a start of the workbench means, and what it asks for where there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from codeexec.client.embedded import EmbeddedHost
from codeexec.config.model import Docker, KernelSettings, Settings
from codeexec.domain.requests import ListSessions, OpenSession, SessionSummary
from codeexec.tui.options import OpenOptions
from codeexec.tui.session.attach import _fits, find_session, wanted
from codeexec.tui.session.workspace import Workspace, workspace_of

PLACE = Workspace(Path("/work"), (Path("/work/a.py"),))


@pytest.mark.parametrize(
    ("options", "settings", "backend", "image", "policy"),
    [
        (OpenOptions(), Settings(), "local", "", ""),
        (OpenOptions(docker=""), Settings(), "docker", "", "locked"),
        (OpenOptions(docker="a:1", policy="network"), Settings(), "docker", "a:1", "network"),
        (OpenOptions(docker="", pull=True), Settings(), "docker", "", "locked pull=true"),
        (
            OpenOptions(),
            Settings(
                kernel=KernelSettings(backend="docker"), docker=Docker(image="b", memory="2GB")
            ),
            "docker",
            "b",
            "locked memory=2GB",
        ),
        # Whoever names a kernel of this machine wants that one.
        (
            OpenOptions(kernel="k"),
            Settings(kernel=KernelSettings(backend="docker")),
            "local",
            "",
            "",
        ),
    ],
)
def test_the_command_line_goes_before_the_settings(
    options: OpenOptions, settings: Settings, backend: str, image: str, policy: str
) -> None:
    asked = wanted(options, PLACE, settings)
    assert (asked.backend, asked.image, asked.policy) == (backend, image, policy)
    assert asked.transport == ("relay" if backend == "docker" else "")
    assert (asked.cwd, asked.file) == ("/work", "/work/a.py")


def test_the_transport_of_a_container_is_that_of_the_settings_or_the_command_line() -> None:
    settings = Settings(docker=Docker(transport="ports"))
    assert wanted(OpenOptions(docker=""), PLACE, settings).transport == "ports"
    options = OpenOptions(docker="", transport="relay")
    assert wanted(options, PLACE, settings).transport == "relay"


def test_the_setting_of_the_kernel_counts_where_none_is_named() -> None:
    settings = Settings(kernel=KernelSettings(name="mine"))
    assert wanted(OpenOptions(), PLACE, settings).kernel == "mine"
    assert wanted(OpenOptions(kernel="other"), PLACE, settings).kernel == "other"


CONTAINED = SessionSummary(
    session_id="s",
    name="work",
    cwd="/work",
    state="idle",
    kernel="Python 3 in a:1",
    kernel_name="docker:a:1",
    backend="docker",
    policy="locked, changed · no network · 2 GB · 1 cpu",
)


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        (OpenOptions(), True),
        (OpenOptions(docker=""), True),
        (OpenOptions(docker="a:1", policy="locked"), True),
        (OpenOptions(docker="a:2"), False),
        (OpenOptions(docker="", policy="open"), False),
        (OpenOptions(docker="", transport="relay"), True),
        (OpenOptions(docker="", transport="ports"), False),
        (OpenOptions(kernel="python3"), False),
    ],
)
def test_a_folder_s_session_is_taken_where_it_has_what_is_named(
    options: OpenOptions, fits: bool
) -> None:
    assert _fits(CONTAINED, options) is fits


def test_a_session_with_ports_is_taken_for_no_other_transport() -> None:
    policy = "network · network · 2 GB · 1 cpu · ports"
    by_ports = msgspec.structs.replace(CONTAINED, policy=policy)
    assert _fits(by_ports, OpenOptions(docker="", transport="ports", policy="network"))
    assert not _fits(by_ports, OpenOptions(docker="", transport="relay"))


async def test_a_mistyped_kernel_does_not_stick_to_the_folder(tmp_path: Path) -> None:
    place = Workspace(tmp_path, ())
    async with EmbeddedHost(tmp_path / "state") as host:
        wrong = await find_session(host, OpenOptions(kernel="nope"), place, Settings)
        assert wrong.state == "dead"
        right = await find_session(host, OpenOptions(), place, Settings)
        assert right.session_id != wrong.session_id
        assert right.state != "dead"
        listed = await host.call(ListSessions(ended=False))
        assert [one.session_id for one in listed.sessions] == [right.session_id]
        assert (await find_session(host, OpenOptions(), place, Settings)).session_id == (
            right.session_id
        )


async def test_the_tour_comes_back_to_its_session(tmp_path: Path) -> None:
    place = Workspace(tmp_path, ())
    options = OpenOptions(kernel=sys.executable, lesson="/shipped/tour.md", is_tour=True)
    async with EmbeddedHost(tmp_path / "state") as host:
        first = await find_session(host, options, place, Settings)
        again = await find_session(host, options, place, Settings)
        assert again.session_id == first.session_id


async def test_a_session_of_this_machine_is_not_taken_for_one_in_a_container(
    tmp_path: Path,
) -> None:
    async with EmbeddedHost(tmp_path / "state") as host:
        here = await host.call(OpenSession(cwd=str(tmp_path), start_kernel=False))
        place = workspace_of((), tmp_path)
        assert (await find_session(host, OpenOptions(), place, Settings)) == here
        asked = wanted(OpenOptions(docker=""), place, Settings())
        assert asked.backend == "docker"
        assert not _fits(here, OpenOptions(docker=""))
