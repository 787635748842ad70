"""`sessions --server`: sessions of another server, as those of this machine."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import nbformat
import pytest

from support.jwt_users import finished, serving, token, web
from support.programs import Desk, run_piped

CODE = """
print('\\n'.join(f'row {number}' for number in range(300)))
import base64
from IPython.display import Image
display(Image(data=base64.b64decode(
    b'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
)))
'x' * 100_000
"""


@pytest.mark.slow
async def test_sessions_of_another_server_are_shown_printed_exported_and_stopped(
    desk: Desk, tmp_path: Path
) -> None:
    async with serving() as here, web(here, token("anna")) as anna:
        kernel = (await anna.post("/start_kernel")).json()["id"]
        submission = {"id": kernel, "code": CODE}
        execution = (await anna.post("/execute_code", json=submission)).json()["execution_id"]
        assert (await finished(anna, execution))["status"] == "COMPLETED"

        settings = desk.home / ".config" / "codeexec-tui" / "config.toml"
        settings.parent.mkdir(parents=True)
        token_file = tmp_path / "token"
        token_file.touch(0o600)
        token_file.write_text(token("anna"))
        settings.write_text(f'[servers.lab]\nurl = "{here.url}"\ntoken_file = "{token_file}"\n')

        temporary = tmp_path / "temporary"
        temporary.mkdir()

        async def run(*words: str) -> subprocess.CompletedProcess[str]:
            command = ("sessions", "--server", "lab", *words)
            done = await asyncio.to_thread(
                run_piped, *command, home=desk.home, cwd=desk.folder, env={"TMPDIR": str(temporary)}
            )
            assert done.returncode == 0, done.stderr
            return done

        shown = (await run("show", kernel)).stdout
        assert kernel in shown
        assert execution in shown
        printed = (await run("logs", kernel)).stdout
        assert "In [1]: " in printed
        assert "\nrow 0\nrow 1\n" in printed
        assert "\nrow 299\n" in printed
        assert "x" * 100_000 in printed  # a blob
        events = [
            json.loads(line) for line in (await run("logs", kernel, "--json")).stdout.splitlines()
        ]
        numbers = [event["seq"] for event in events]
        assert numbers == sorted(set(numbers))
        assert numbers[0] == 1
        await run("export", kernel, "out.ipynb")
        notebook = json.loads((desk.folder / "out.ipynb").read_text())
        nbformat.validate(notebook)
        outputs = notebook["cells"][-1]["outputs"]
        assert any("image/png" in output.get("data", {}) for output in outputs)
        assert (await run("stop", kernel)).stdout.startswith("stopped: ")
        assert "row 299" in (await run("logs", kernel)).stdout
        assert not list(temporary.glob("codeexec-session-*/journal.db"))
