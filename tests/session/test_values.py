"""Values that code gets from other kernels of its session: real kernels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codeexec import open_session
from codeexec.domain.events import ExecutionFinished
from codeexec.domain.options import CodeAbove, ExecuteOptions
from codeexec.domain.requests import Execute
from codeexec.program import RunningSession
from support.kernelspecs import install
from support.language_cases import ARGV

pytestmark = pytest.mark.slow
ATTACK = "'\"`$(touch hacked) ${HOME} !! \\n\n </script> 😀 \u2028"


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningSession]:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, argv in ARGV.items():
        install(tmp_path / "share", name, argv, language="R" if name == "ir" else name)
    async with open_session(cwd=tmp_path) as opened:
        yield opened
    assert not (tmp_path / "hacked").exists()


async def printed(session: RunningSession, kernel: str, code: str) -> list[str]:
    result = await session.run(code, kernel=kernel)
    assert result.error == ""
    return result.stdout


async def refused(session: RunningSession, code: str, kernel: str = "python") -> str:
    return (await session.run(code, kernel=kernel)).error


async def test_values_go_round_all_languages(session: RunningSession) -> None:
    setting = f"text = {ATTACK!r}; n = 42; part = [1, 2.5]; named = {{'a': 1, 'b': 2}}"
    assert await printed(session, "python", setting) == []
    get = "%get text, n, part from "
    await printed(session, "bash", f"{get}python\necho bash $n ${{part[1]}}")
    assert await printed(session, "deno", f"{get}bash\nconsole.log(n, part)") == [
        '42 [ "1", "2.5" ]'
    ]
    await printed(session, "deno", "n = 42; part = part.map(Number)")
    assert await printed(session, "ir", f"{get}deno\ncat(n, sum(part))") == ["42 3.5"]
    check = f"%get text, n from ir\n%get part from deno\nprint(text == {ATTACK!r}, n, part)"
    assert await printed(session, "python", check) == ["True 42 [1, 2.5]"]

    cpp = '#include <cstdio>\nstd::printf("%lld %g %zu\\n", n, part[1], text.size());'
    size = len(ATTACK.encode())
    assert await printed(session, "programs:cpp", f"{get}python\n{cpp}") == [f"42 2.5 {size}"]
    whole = '%get named from python\n#include <cstdio>\nint main() { return named.at("b"); }'
    assert await refused(session, whole, "programs:cpp") == "SystemExit: 2"
    above = CodeAbove("%get n from python\nint twice() { return 2 * n; }")
    options = ExecuteOptions(kernel="programs:cpp", above=(above,))
    queued = await session.call(Execute("return twice();", options=options))
    async for record in session.events():
        event = record.event
        if isinstance(event, ExecutionFinished) and event.execution_id == queued.execution_id:
            break
    assert (await session.result(queued.execution_id)).error == "SystemExit: 84"


async def test_what_cannot_be_passed_on_is_said_in_words(session: RunningSession) -> None:
    setting = "nan, keys, fine, opened = float('nan'), {1: 2}, [1], open('/dev/null')"
    setting += "; big = 'x' * 2_000_000"
    await printed(session, "python", setting)
    words = {
        "missing": "there is no such variable",
        "nan": "JSON has no number nan",
        "keys": "it has keys that are no text",
        "big": "as JSON it has 2,000,002 characters, more than 1,000,000",
        "opened": "JSON has no TextIOWrapper",
    }
    for name, problem in words.items():
        error = await refused(session, f"%get fine, {name} from python\nprint(1)", "bash")
        assert f"python: {name} cannot be passed on: {problem}" in error
    assert "There is no kernel 'julia' in this session" in await refused(
        session, "%get x from julia"
    )
    assert "This gets no value: '%get x'" in await refused(session, "%get x\nprint(1)")
    await refused(session, "int x = 1;", "programs:cpp")
    error = await refused(session, "%get x from cpp")
    assert "The kernel programs:cpp cannot tell its values to others." in error
    # The kernel that asked goes on.
    assert await printed(session, "bash", "%get fine from python\necho $fine") == ["1"]
