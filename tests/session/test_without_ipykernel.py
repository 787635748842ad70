"""A session on a Python without ipykernel: chosen by itself, told, killed, lost, started afresh."""

from __future__ import annotations

import os
import signal
from importlib.util import find_spec
from pathlib import Path

import pytest

from codeexec.domain.requests import Interrupt, RefreshVariables, RestartKernel
from codeexec.environments.trust.store import TrustStore
from support.bare_python import make_bare_python
from support.sessions import finished, open_host, open_session, run, submit, text, until


@pytest.mark.slow
async def test_it_is_chosen_by_itself_and_told_and_starts_afresh_after_a_kill(
    tmp_path: Path,
) -> None:
    work = tmp_path / "work"
    python = make_bare_python(work / ".venv")
    TrustStore().decide(str(work), is_trusted=True)
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, work)
        view = await run(session, "x = 1\nprint('on')")
        kernel = session.snapshot.kernel
        assert kernel.kernel is not None
        assert (kernel.kernel.path, await text(session, view)) == (python, ["on"])
        assert kernel.notices == (f"no ipykernel: {python} -m pip install ipykernel",)
        assert kernel.capabilities is not None
        assert not {"adoption", "outbox"} & set(kernel.capabilities)
        endless = await submit(session, "print('busy')\nwhile True: pass")
        after = await submit(session, "'never run'")
        await until(session, lambda s: s.executions[endless].total)
        found = await session.call(RefreshVariables())
        assert [variable.name for variable in found.variables] == ["x"]  # while it runs
        assert kernel.pid is not None
        os.kill(kernel.pid, signal.SIGKILL)
        assert (await finished(session, endless)).status == "lost"
        assert (await finished(session, after)).status in ("cancelled", "lost")
        view = await run(session, "x")
        assert view.error is not None
        assert (view.error.name, session.snapshot.kernel.generation) == ("NameError", 2)
        sleeping = await submit(session, "import time\nprint('asleep')\ntime.sleep(600)")
        await until(session, lambda s: s.executions[sleeping].total)
        await session.call(Interrupt())
        view = await finished(session, sleeping)
        assert (view.status, view.reason) == ("cancelled", "Interrupted.")
        packages = next((work / ".venv/lib").glob("python3*/site-packages"))
        for name in ("ipykernel", "IPython"):
            (packages / name).symlink_to(Path(find_spec(name).submodule_search_locations[0]))  # type: ignore[union-attr, index]
        await session.call(RestartKernel())
        assert session.snapshot.kernel.notices == ()
        assert (await run(session, "get_ipython().kernel.implementation")).status == "ok"
