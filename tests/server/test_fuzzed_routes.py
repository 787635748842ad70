"""Requests that schemathesis makes from the OpenAPI document: none meets a server error."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from codeexec.server.access.user_limits import UserLimits
from support.jwt_users import finished, serving, token, web

EXAMPLES = 1
"""For each route. By hand: `schemathesis run URL/openapi.json --max-examples 20`."""

LEFT_OUT = (
    "/v1/stop",
    "/shutdown_kernel",
    "/v1/sessions/{session}/stop",
    "/v1/sessions/{session}/events",  # follows without end
    "/v1/sessions/{session}/kernel/restart",  # others would wait for the kernel
    "/v1/sessions/{session}/kernel/shutdown",
    "/execute_code",  # texts that are not blank are searched for seconds
)


@pytest.mark.slow
@pytest.mark.timeout(400)  # beside busy processes
async def test_no_request_is_answered_with_a_server_error(tmp_path: Path) -> None:
    limits = UserLimits(sessions=1, requests_per_second=0)
    async with serving(limits) as here:
        text = token("anna", "admin")
        async with web(here, text) as anna:
            session = (await anna.post("/start_kernel")).json()["id"]
            code = {"id": session, "code": "value = 1"}
            execution = (await anna.post("/execute_code", json=code)).json()["execution_id"]
            assert (await finished(anna, execution))["status"] == "COMPLETED"
        ids = {"session": session, "execution_id": execution, "kernel": "python", "name": "value"}
        config = tmp_path / "schemathesis.toml"
        lines = [f'"path.{name}" = "{value}"' for name, value in ids.items()]
        config.write_text("\n".join(["[parameters]", *lines, ""]))
        arguments = [
            *("--config-file", str(config), "run", f"{here.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {text}"),
            *("--phases", "fuzzing", "--checks", "not_a_server_error"),
            *("--max-examples", str(EXAMPLES), "--generation-deterministic", "--no-shrink"),
            *("--suppress-health-check", "all"),
            *("--workers", "1", "--request-timeout", "90", "--warnings", "off", "--no-color"),
            *("--exclude-method", "DELETE"),
        ]
        for path in LEFT_OUT:
            arguments += ["--exclude-path", path]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=tmp_path,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        report = output.decode(errors="replace")
        assert process.returncode == 0, report[-6000:]
        assert "Server error" not in report
        assert "Tested: " in report
