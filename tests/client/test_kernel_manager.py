"""The documented example of `codeexec.kernel_manager`, against a real server, and its settings."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codeexec.domain.errors import NotFound, ServerUnavailable, UsageError
from codeexec.kernel_manager import (
    JupyterClient,
    KernelManager,
    LogLevel,
    Settings,
    StructuredLogger,
)
from support.servers import Here, serve_here, short_folder


@pytest.fixture
async def here() -> AsyncIterator[Here]:
    with short_folder() as folder:
        async with serve_here(folder) as here:
            yield here


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SERVER_URL", "TOKEN", "TIMEOUT_CONNECT", "TIMEOUT_TOTAL", "LOG_LEVEL"):
        monkeypatch.delenv(f"JUPYTER_{name}", raising=False)


@pytest.mark.slow
async def test_the_documented_example(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(server_url=f"{here.url}/", token=here.token)
    logger = StructuredLogger(min_level=LogLevel.DEBUG)
    async with JupyterClient(settings, logger) as client:
        manager = KernelManager(client, logger)
        kernel = await manager.start_kernel()
        execution = await manager.execute_code(kernel["id"], f"print('x' * 3)  # {'y' * 200}")
        async with asyncio.timeout(90):
            while True:
                # The server runs in this process, so the loop must go on meanwhile.
                status = await asyncio.to_thread(
                    manager.get_execution_status, execution["execution_id"]
                )
                if status["status"] in ("COMPLETED", "FAILED"):
                    break
        assert status["results"]["stdout"] == "xxx\n"
        answer = await manager.shutdown_kernel(kernel["id"])
        assert answer == {"message": f"Kernel {kernel['id']} shutdown"}
        with pytest.raises(NotFound, match="Kernel not found"):
            await manager.execute_code(kernel["id"], "1")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert all(set(line) == {"ts", "level", "scope", "message", "meta"} for line in lines)
    assert {line["level"] for line in lines} == {"DEBUG", "INFO"}
    assert all(line["ts"][-6] in "+-" for line in lines)
    shown = next(line["meta"]["code"] for line in lines if "code" in line["meta"])
    assert len(shown) == 100
    assert here.token not in json.dumps(lines)


async def test_errors_are_ours(here: Here) -> None:
    logger = StructuredLogger()
    client = JupyterClient(Settings(server_url=here.url, token="wrong"), logger)
    with pytest.raises(UsageError, match="token"):
        await KernelManager(client, logger).start_kernel()
    nobody = JupyterClient(Settings(server_url="http://127.0.0.1:9"), logger)
    with pytest.raises(ServerUnavailable, match="does not answer"):
        await KernelManager(nobody, logger, crash_sleep_duration=0.0).start_kernel()
    client = JupyterClient(Settings(server_url=here.url, token=here.token), logger)
    with pytest.raises(NotFound, match="Execution not found"):
        await client.request("GET", "/execution_status/none")


def test_settings_come_from_arguments_the_environment_and_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert vars(Settings()) == {
        "server_url": "http://127.0.0.1:8080",
        "token": "",
        "timeout_connect": 10.0,
        "timeout_total": 30.0,
        "crash_sleep_duration": 30.0,
        "log_level": "INFO",
    }
    Path(".env").write_text(
        "# c\nJUPYTER_TOKEN='of file'\nexport JUPYTER_TIMEOUT_TOTAL=7\nOTHER=1\n"
    )
    monkeypatch.setenv("jupyter_log_level", "debug")
    monkeypatch.setenv("JUPYTER_TIMEOUT_TOTAL", "5")
    settings = Settings(server_url="https://host")
    assert (settings.token, settings.timeout_total, settings.log_level) == ("of file", 5.0, "DEBUG")
    assert settings.server_url == "https://host"
    assert "of file" not in repr(settings)
    with pytest.raises(UsageError, match="LOUD"):
        Settings(log_level="LOUD")
    with pytest.raises(UsageError, match="ftp"):
        Settings(server_url="ftp://x")
    monkeypatch.setenv("JUPYTER_TIMEOUT_TOTAL", "soon")
    with pytest.raises(UsageError, match="JUPYTER_TIMEOUT_TOTAL"):
        Settings()


def test_a_file_of_the_folder_does_not_get_the_token_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("JUPYTER_SERVER_URL=http://elsewhere\nJUPYTER_TOKEN=theirs\n")
    assert Settings().token == "theirs"
    monkeypatch.setenv("JUPYTER_TOKEN", "mine")
    with pytest.raises(UsageError, match=r"address is in \.env"):
        Settings()
    assert Settings(server_url="http://here").token == "mine"
    monkeypatch.setenv("JUPYTER_SERVER_URL", "http://here")
    assert Settings().server_url == "http://here"


def test_a_file_of_settings_that_is_none_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    assert Settings().token == ""
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").symlink_to("/dev/zero")
    assert Settings().token == ""


def test_a_token_that_cannot_be_sent_is_not_shown() -> None:
    assert Settings(token="of-a-file\n").token == "of-a-file"
    for token in ("secret\nX-Header: 1", "sécret"):
        with pytest.raises(UsageError, match="no header") as refused:
            Settings(token=token)
        assert "cret" not in str(refused.value) + refused.value.next_step


def test_a_logger_writes_from_its_level_on(capsys: pytest.CaptureFixture[str]) -> None:
    logger = StructuredLogger(min_level="WARN")
    logger.info("a", "hidden")
    logger.warn("a", "two\nlines", {"n": 1})
    logger.error("a", "b")
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["two\nlines", "b"]
