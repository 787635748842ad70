"""A person answers in the workbench what a login over ssh asks: a passphrase, a host key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.containers import Vertical

from codeexec.tui.options import OpenOptions
from codeexec.tui.screens.login_question import LoginConfirm, LoginEntry
from support.bench import open_bench
from support.servers import short_folder
from support.ssh_server import PASSPHRASE, SshServer, ssh_server

pytestmark = pytest.mark.slow


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SshServer]:
    with short_folder() as folder, ssh_server(folder) as server:
        (folder / "bare-home" / "work").mkdir(parents=True)
        server.add_host(
            "strange",
            IdentityFile=folder / "bare-sealed",
            IdentityAgent="none",
            UserKnownHostsFile=folder / "known_to_strange",
        )
        monkeypatch.setenv("CODEEXEC_SSH", server.command)
        yield server
        server.end_masters()


async def test_a_host_key_and_a_passphrase_are_asked_in_dialogs(
    server: SshServer, tmp_path: Path
) -> None:
    options = OpenOptions(kernel="ssh:strange:work")
    async with open_bench(tmp_path, options=options) as bench:
        await bench.until(lambda: isinstance(bench.program.screen, LoginConfirm))
        box = bench.program.screen.query_one(Vertical)
        await bench.until(lambda: box.region.x > 0 and box.region.y > 0, "a box in the middle")
        await bench.sees("Login to strange")
        await bench.sees("SHA256:")
        await bench.sees("Are you sure you want to continue connecting")
        await bench.press("right", "enter")
        await bench.until(lambda: isinstance(bench.program.screen, LoginEntry))
        await bench.sees("Enter passphrase for key")
        await bench.sees("nowhere.")  # the end of its last sentence
        await bench.write(PASSPHRASE)
        await bench.sees("•" * len(PASSPHRASE))
        assert PASSPHRASE not in bench.screen()
        await bench.press("enter")
        await bench.until(lambda: bench.program.screen is bench.workbench, "the workbench")
        await bench.is_idle()
        await bench.console.run("import os; print('in', os.getcwd()[-9:])")
        await bench.console.card(1).shows("in home/work")
        assert PASSPHRASE not in bench.screen()


async def test_escape_gives_the_login_up(server: SshServer, tmp_path: Path) -> None:
    options = OpenOptions(kernel="ssh:bare-sealed:work")
    async with open_bench(tmp_path, options=options) as bench:
        await bench.until(lambda: isinstance(bench.program.screen, LoginEntry))
        await bench.press("escape")
        await bench.until(lambda: bench.program.screen is bench.workbench, "the workbench")
        await bench.until(lambda: bench.snapshot.kernel.death is not None, "a start that failed")
        death = bench.snapshot.kernel.death
        assert death is not None
        assert "The login to bare-sealed was given up." in death.message
        assert bench.program.screen is bench.workbench
