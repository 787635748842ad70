"""The screens of sessions and kernels, on an engine with real kernels."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from codeexec.client.embedded import EmbeddedHost
from codeexec.domain import requests as q
from codeexec.domain.requests import KernelInfo, Request
from codeexec.environments.trust.store import TrustStore
from codeexec.tui.screens.kernels import KernelRow, KernelsScreen
from codeexec.tui.screens.picker import Picker
from codeexec.tui.screens.sessions import SessionsScreen
from codeexec.tui.session.ask import CopyRequested
from codeexec.tui.widgets.dialogs import Confirm
from support.kernelspecs import BASH, install
from support.pane_app import until
from support.screen_app import ScreenApp, shown

R = TypeVar("R")


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[EmbeddedHost]:
    async with EmbeddedHost(tmp_path / "state") as host:
        yield host


async def open_named(host: EmbeddedHost, cwd: Path, name: str) -> str:
    request = q.OpenSession(cwd=str(cwd), name=name, start_kernel=False)
    return (await host.call(request)).session_id


def word(app: ScreenApp) -> str:
    if not isinstance(app.screen, Picker):
        return ""
    return str(app.screen.query_one("#word", Static).content)


async def confirm(app: ScreenApp, pilot: Pilot[None], key: str) -> None:
    await until(pilot, lambda: isinstance(app.screen, Confirm))
    await pilot.press(key)
    await until(pilot, lambda: not isinstance(app.screen, Confirm))


async def test_attach_by_key_and_by_mouse(host: EmbeddedHost, tmp_path: Path) -> None:
    here = await open_named(host, tmp_path, "here")
    there = await open_named(host, tmp_path, "there")
    for way in ("key", "mouse"):
        app = ScreenApp(SessionsScreen(host, here))
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda app=app: len(shown(app)) == 3)  # type: ignore[misc]
            assert shown(app)[2].startswith("▌○ here")
            assert "this one" in shown(app)[2]
            if way == "key":
                await pilot.press("k", "enter")
            else:
                await pilot.click("ClickRows", offset=(5, 1))
            await until(pilot, lambda app=app: app.answers)  # type: ignore[misc]
        assert app.answers == [there]


async def test_stop_and_remove_ask_first(host: EmbeddedHost, tmp_path: Path) -> None:
    await open_named(host, tmp_path, "mine")
    app = ScreenApp(SessionsScreen(host))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(shown(app)) == 2)
        await pilot.press("d")
        await until(pilot, lambda: "stop it first" in word(app))
        await pilot.press("s")
        await confirm(app, pilot, "enter")  # what loses nothing is the first answer
        assert [s.state for s in (await host.call(q.ListSessions())).sessions] == ["none"]
        await pilot.press("s")
        await confirm(app, pilot, "s")
        await until(pilot, lambda: any("ended" in row for row in shown(app)))
        await pilot.press("enter")
        await until(pilot, lambda: "has ended" in word(app))
        await pilot.press("d")
        await confirm(app, pilot, "r")
        await until(pilot, lambda: "no session yet" in word(app))
        assert not (await host.call(q.ListSessions())).sessions


async def test_search_narrows_and_escape_goes_back(host: EmbeddedHost, tmp_path: Path) -> None:
    for name in ("alpha", "beta"):
        await open_named(host, tmp_path, name)
    app = ScreenApp(SessionsScreen(host))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(shown(app)) == 3)
        await pilot.press("slash", *"alp")
        await until(pilot, lambda: len(shown(app)) == 2)
        assert "alpha" in shown(app)[1]
        await pilot.press("escape")
        await until(pilot, lambda: len(shown(app)) == 3)
        await pilot.press("escape")
        await until(pilot, lambda: app.answers)
    assert app.answers == [None]


async def test_a_kernel_is_chosen_by_name(host: EmbeddedHost, tmp_path: Path) -> None:
    kernels = (await host.call(q.ListKernels(str(tmp_path)))).kernels
    usable = [kernel for kernel in kernels if not kernel.problem]
    app = ScreenApp(KernelsScreen(host, str(tmp_path)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(shown(app)) >= min(len(usable), 3))
        assert usable[0].display_name in shown(app)[0]
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
    assert app.answers == [usable[0].name]


async def test_the_chooser_says_what_a_kernel_cannot_do(
    host: EmbeddedHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "jupyter", "bash", BASH)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    app = ScreenApp(KernelsScreen(host, str(tmp_path), "bash"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(shown(app)))
        await until(pilot, lambda: "`read` waits until it is interrupted" in word(app))


class GatewayHost(EmbeddedHost):
    """Lists a kernelspec of a gateway beside a kernel of this machine."""

    async def call(self, request: Request[R]) -> R:
        if not isinstance(request, q.ListKernels):
            return await super().call(request)
        told = "http://gw/ · runs on Kubernetes, image ann/spark, KERNEL_CPUS=1"
        spark = KernelInfo("remote:gw#spark", "Spark", "python", told, "Jupyter server gw")
        own = KernelInfo("python3", "Python 3", "python", "/usr/bin/python3", "this machine")
        return q.KernelList((spark, own))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("typed", "told", "answer"),
    [
        ("spark", "type variables behind it: KERNEL_CPUS=2", "remote:gw#spark"),
        (
            "spark KERNEL_CPUS=4 KERNEL_ARGS=a&b",
            "Enter starts it with KERNEL_CPUS=4 KERNEL_ARGS=a&b",
            "remote:gw#spark?KERNEL_CPUS=4&KERNEL_ARGS=a%26b",
        ),
        (
            "http://other/ KERNEL_CPUS=4",
            "Enter starts a kernel on this Jupyter server",
            "http://other/#?KERNEL_CPUS=4",
        ),
    ],
)
async def test_a_kernel_of_a_gateway_takes_variables(
    tmp_path: Path, typed: str, told: str, answer: str
) -> None:
    async with GatewayHost(tmp_path / "state") as host:
        app = ScreenApp(KernelsScreen(host, str(tmp_path), "remote:gw#spark?KERNEL_CPUS=2"))
        async with app.run_test(size=(100, 24)) as pilot:
            await until(pilot, lambda: "in use" in "".join(shown(app)))
            await until(pilot, lambda: "runs on Kubernetes, image ann/spark" in word(app))
            await pilot.press(*(" " if key == " " else key for key in typed))
            await until(pilot, lambda: told in word(app))
            await pilot.press("enter")
            await until(pilot, lambda: app.answers)
        assert app.answers == [answer]


class LateHost(EmbeddedHost):
    """Answers once `comes` is set."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        self.comes = asyncio.Event()

    async def call(self, request: Request[R]) -> R:
        await self.comes.wait()
        return await super().call(request)


@pytest.mark.parametrize("screen", [KernelsScreen, SessionsScreen])
async def test_enter_waits_for_rows_that_are_to_come(
    tmp_path: Path, screen: type[KernelsScreen] | type[SessionsScreen]
) -> None:
    host = LateHost(tmp_path / "state")
    async with host:
        host.comes.set()
        own = await open_named(host, tmp_path, "own")
        kernels = (await host.call(q.ListKernels(str(tmp_path)))).kernels
        host.comes.clear()
        app = ScreenApp(
            KernelsScreen(host, str(tmp_path)) if screen is KernelsScreen else SessionsScreen(host)
        )
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, screen) and app.screen.is_mounted)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, screen) and app.screen.is_deciding)
            assert not app.answers
            host.comes.set()
            await until(pilot, lambda: app.answers)
        usable = [kernel.name for kernel in kernels if not kernel.problem]
        assert app.answers == [usable[0] if screen is KernelsScreen else own]


async def test_a_kernel_without_ipykernel_is_offered_with_the_command_that_installs_it(
    host: EmbeddedHost, tmp_path: Path
) -> None:
    import venv

    venv.create(tmp_path / ".venv", with_pip=False)
    TrustStore().decide(str(tmp_path), is_trusted=True)
    kernels = (await host.call(q.ListKernels(str(tmp_path)))).kernels
    (bare,) = [one for one in kernels if one.remark]
    app = ScreenApp(KernelsScreen(host, str(tmp_path)))
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: any("no ipykernel" in row for row in shown(app)))
        assert "default · no ipykernel" in shown(app)[0]
        await until(pilot, lambda: bare.fix in word(app) and "then restart the kernel" in word(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
    assert app.answers == [bare.name]


@pytest.mark.slow
async def test_a_python_that_is_too_old_is_shown_with_what_mends_it(
    host: EmbeddedHost, tmp_path: Path
) -> None:
    import venv

    venv.create(tmp_path / ".venv", with_pip=False)
    config = tmp_path / ".venv/pyvenv.cfg"
    config.write_text(re.sub(r"(?m)^version.*", "version = 3.7.16", config.read_text()))
    TrustStore().decide(str(tmp_path), is_trusted=True)
    kernels = (await host.call(q.ListKernels(str(tmp_path)))).kernels
    # A machine may have containers that cannot be used either.
    (broken,) = [one for one in kernels if one.problem and not one.policy]
    app = ScreenApp(KernelsScreen(host, str(tmp_path)))
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press(*".venv")  # programs of other languages fill the list
        await until(pilot, lambda: any("✗" in row and ".venv" in row for row in shown(app)))
        (at,) = [n for n, row in enumerate(shown(app)) if "✗" in row and ".venv" in row]
        assert "cannot be used" in shown(app)[at]
        await pilot.press(*["up"] * (len(shown(app)) - at))  # round to the last, and on
        await until(pilot, lambda: broken.fix in word(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Copied" in word(app))
        assert [m.text for m in app.heard if isinstance(m, CopyRequested)] == [broken.fix]
        assert not app.answers


async def test_a_path_is_an_answer(host: EmbeddedHost, tmp_path: Path) -> None:
    app = ScreenApp(KernelsScreen(host, str(tmp_path)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press(*"~/zz/qq")
        await until(pilot, lambda: "Enter uses" in word(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
    assert app.answers == ["~/zz/qq"]


@pytest.mark.parametrize("width", [20, 40, 74, 120])
def test_a_row_fills_its_width(width: int) -> None:
    info = KernelInfo(
        "x", "Python 3.14 (a long name of a venv)", "python", "/usr/bin/x", "PATH " * 9
    )
    row = KernelRow(info, is_current=True)
    assert sum(len(text) for text, _ in row.pieces(width)) == width
