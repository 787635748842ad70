"""Requests that schemathesis makes from the OpenAPI document: none meets a server error."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from codeexec.server.access.user_limits import UserLimits
from support.jwt_users import finished, serving, token, web
from support.servers import Here

EXAMPLES = 20
"""For each route: as `schemathesis run URL/openapi.json --max-examples 20`."""

_SESSION = "/v1/sessions/{session}"
DELETING = (
    f"DELETE {_SESSION}/variables/{{name}}",
    f"DELETE {_SESSION}/terminals/{{terminal_id}}",
    f"DELETE {_SESSION}/artifacts/{{artifact_id}}",
    f"DELETE {_SESSION}/kernels/{{kernel}}",
)
ENDING = (
    f"POST {_SESSION}/kernel/restart",
    f"POST {_SESSION}/kernel/shutdown",
    f"POST {_SESSION}/stop",
    f"DELETE {_SESSION}",
)
"""Asked after the others, so that these meet what there is."""


async def _belongings(anna: httpx.AsyncClient) -> dict[str, str]:
    """Ids of what a user has, by the names that they have in paths."""
    session = (await anna.post("/start_kernel")).json()["id"]
    submission = {"id": session, "code": "value = 1"}
    execution = (await anna.post("/execute_code", json=submission)).json()["execution_id"]
    assert (await finished(anna, execution))["status"] == "COMPLETED"
    await anna.put(f"/v1/sessions/{session}/files/notes.txt", content=b"text")
    await anna.post(f"/v1/sessions/{session}/artifacts", json={"path": "notes.txt"})
    (artifact,) = (await anna.get(f"/v1/sessions/{session}/artifacts")).json()["artifacts"]
    opened = await anna.post(f"/v1/sessions/{session}/terminals", json={"argv": ["cat"]})
    return {
        "session": session,
        "execution_id": execution,
        "kernel": "python",
        "name": "value",
        "artifact_id": artifact["id"],
        "digest": artifact["digest"],
        "terminal_id": opened.json()["terminal"]["terminal_id"],
    }


async def _fuzz(
    here: Here, folder: Path, ids: Mapping[str, str], option: str, routes: tuple[str, ...]
) -> int:
    """Ask the named routes, or all others, with these ids in their paths. The number of routes."""
    config = folder / "schemathesis.toml"
    # A stream that follows ends with its session; the others are whole at once. What is made up may
    # never end, so nothing waits long for it.
    fixed = {
        **{f"path.{name}": f'"{value}"' for name, value in ids.items()},
        "query.follow": "false",
        "query.wait": "0.5",
    }
    config.write_text(
        "\n".join(["[parameters]", *(f'"{name}" = {value}' for name, value in fixed.items()), ""])
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{here.url}/openapi.json"),
        *("--header", f"Authorization: Bearer {token('anna', 'admin')}"),
        *("--phases", "fuzzing", "--checks", "not_a_server_error"),
        *("--max-examples", str(EXAMPLES), "--generation-deterministic", "--no-shrink"),
        *("--suppress-health-check", "all", "--continue-on-failure"),
        *("--workers", "1", "--request-timeout", "90", "--warnings", "off", "--no-color"),
        *(word for route in routes for word in (f"--{option}-name", route)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    report = output.decode(errors="replace")
    assert process.returncode == 0, report[-6000:]
    assert "Server error" not in report
    tested = re.search(r"Tested: (\d+)", report)
    assert tested is not None, report
    return int(tested[1])


@pytest.mark.slow
@pytest.mark.timeout(900)  # beside busy processes
async def test_no_request_is_answered_with_a_server_error(tmp_path: Path) -> None:
    limits = UserLimits(sessions=3, requests_per_second=0)
    async with serving(limits) as here:
        async with web(here, token("anna", "admin")) as anna:
            ids = await _belongings(anna)
            document = (await anna.get("/openapi.json")).json()
        count = sum(len(methods) for methods in document["paths"].values())
        last = (*DELETING, *ENDING)
        assert await _fuzz(here, tmp_path, ids, "exclude", last) == count - len(last)
        assert await _fuzz(here, tmp_path, ids, "include", DELETING) == len(DELETING)
        assert await _fuzz(here, tmp_path, ids, "include", ENDING) == len(ENDING)
