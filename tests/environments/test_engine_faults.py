"""Engines that hang or answer nonsense at each step: a start ends with an error in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from codeexec.domain.errors import CodeexecError
from codeexec.environments.docker import container_cli as cli_module
from codeexec.environments.docker import engine as engine_module
from codeexec.environments.docker import environment as environment_module
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.docker.policy import EngineInfo
from codeexec.environments.relay.frames import HEADER, Kind

MakeEngine = Callable[..., Engine]

SHORT = "0.5 s"
"""In the words of those that hang."""


@pytest.fixture(autouse=True)
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "MOST_PRINTED", 1 << 20)
    monkeypatch.setattr(environment_module, "END_DEADLINE", 0.3)
    monkeypatch.setattr(cli_module, "END_DEADLINE", 0.3)
    monkeypatch.setattr(cli_module, "REMOVE_DEADLINE", 0.3)


@pytest.fixture
def make(tmp_path: Path) -> MakeEngine:
    """An engine whose commands do what a line of shell says; the others hang."""

    def one(
        *, info: str = "sleep 1000", run: str = "sleep 1000", pause: str = "sleep 1000"
    ) -> Engine:
        program = tmp_path / "docker"
        program.write_text(
            "#!/bin/sh\n"
            f'case "$1" in info) {info};; run) {run};; pause) {pause};; context) echo unix:///x;; '
            "*) sleep 1000;; esac\n"
        )
        program.chmod(0o755)
        return Engine(str(program))

    return one


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ("sleep 1000", "did not answer for 0.5 s"),
        ("exec 1>&- 2>&-; sleep 1000", "did not answer for 0.5 s"),
        ("yes", "printed more than 1 MB"),
        ("yes >&2", "printed more than 1 MB"),
        ("echo garbage", "description of itself cannot be read"),
        ("echo '[1]'", "description of itself cannot be read"),
        ("echo '{}'", "description of itself cannot be read"),
        ("echo null", "description of itself cannot be read"),
        ("printf '%0100000d' 0 | tr 0 '['", "description of itself cannot be read"),
        ("printf '\\377\\376'", "description of itself cannot be read"),
        ("""echo '{"ServerVersion": 3, "NCPU": "x"}'""", "description of itself cannot be read"),
        ("""echo '{"ServerErrors": ["it is down"]}'""", "it is down"),
        ("echo it is broken >&2; exit 9", "failed with code 9: it is broken"),
        ("kill -9 $$", "failed with code -9"),
    ],
)
async def test_an_engine_that_does_not_say_what_it_is(
    make: MakeEngine, info: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if SHORT in words:  # the others have time to answer, on a busy machine as well
        monkeypatch.setattr(engine_module, "INFO_DEADLINE", 0.5)
    with pytest.raises(CodeexecError) as caught:
        await asyncio.wait_for(make(info=info).info(), 90)
    assert words in str(caught.value)
    assert caught.value.next_step


@pytest.mark.parametrize(("failures", "is_paused"), [(0, True), (2, True), (3, False)])
async def test_a_pause_that_an_unfreezable_process_prevents_is_tried_again(
    make: MakeEngine, tmp_path: Path, failures: int, is_paused: bool
) -> None:
    (tmp_path / "failures").write_text("x\n" * failures)
    refusal = "OCI runtime pause failed: unable to freeze: unknown"
    fails = f"sed -i 1d {tmp_path}/failures; echo Error: {refusal} >&2; exit 1"
    engine = make(pause=f"if [ -s {tmp_path}/failures ]; then {fails}; fi")
    if is_paused:
        await engine.pause("c")
    else:
        with pytest.raises(CodeexecError, match=r"did not stand still\. Pause it again"):
            await engine.pause("c")
    assert not (tmp_path / "failures").read_text()


async def test_another_failure_of_a_pause_is_told_at_once(make: MakeEngine, tmp_path: Path) -> None:
    pause = f"echo x >>{tmp_path}/tries; echo No such container: c >&2; exit 1"
    with pytest.raises(CodeexecError):
        await make(pause=pause).pause("c")
    assert (tmp_path / "tries").read_text() == "x\n"


@pytest.mark.parametrize("field", ['"host": 3', '"host": []', '"host": {"security": 5}'])
async def test_nonsense_of_podman_is_taken_for_nothing(make: MakeEngine, field: str) -> None:
    engine_info = await asyncio.wait_for(make(info=f"echo '{{{field}}}'").info(), 90)
    assert (engine_info.podman, engine_info.cpus, engine_info.memory) == (True, 1, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("sleep 1000", "did not start within 0.5 s"),
        ("exec 1>&-; sleep 1000", "docker failed with code -9"),
        ("exec 1>&- 2>&-; sleep 1000", "docker failed with code -9"),
        ("printf 'half'; sleep 1000", "did not start within 0.5 s"),
        ("printf 'half'; exit 3", "failed with code 3"),
        ("echo hello, I am no relay; sleep 1000", "The relay sent"),
        ("(sleep 1000 & echo too late >&2); exit 125", "failed with code 125: too late"),
    ],
)
async def test_a_container_that_does_not_start(
    make: MakeEngine, run: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if SHORT in words:
        monkeypatch.setattr(environment_module, "START_DEADLINE", 0.5)
    plan = ContainerPlan("image:1", engine=make(run=run))
    with pytest.raises(CodeexecError) as caught:
        await asyncio.wait_for(DockerEnvironment.create(plan, EngineInfo()), 90)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("hello", "words"),
    [
        ("[1]", "not an object"),
        ("{", "not JSON"),
        ('{"protocol": 2}', "not our relay"),
        ('{"protocol": 1}', "does not say its Python version"),
        ('{"protocol": 1, "python": ["x", {}]}', "does not say its Python version"),
    ],
)
async def test_a_first_word_that_is_not_our_relay_s(
    make: MakeEngine, tmp_path: Path, hello: str, words: str
) -> None:
    said = tmp_path / "hello"
    said.write_bytes(HEADER.pack(Kind.HELLO, 0, len(hello)) + hello.encode())
    plan = ContainerPlan("image:1", engine=make(run=f"cat {said}; sleep 1000"))
    with pytest.raises(CodeexecError) as caught:
        await asyncio.wait_for(DockerEnvironment.create(plan, EngineInfo()), 90)
    assert words in str(caught.value)


async def test_a_container_that_prints_without_end_is_removed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker ends `rm --force` only when the CLI that nobody reads has gone."""
    monkeypatch.setattr(cli_module, "REMOVE_DEADLINE", 60.0)
    program, pid, removed = (tmp_path / name for name in ("docker", "pid", "removed"))
    program.write_text(
        "#!/bin/sh\n"
        f'case "$1" in run) echo $$ >"{pid}"; exec yes;; '
        f'rm) tail --pid=$(cat "{pid}") -f /dev/null; touch "{removed}";; esac\n'
    )
    program.chmod(0o755)
    plan = ContainerPlan("image:1", engine=Engine(str(program)))
    with pytest.raises(CodeexecError, match="The relay sent a frame"):
        await asyncio.wait_for(DockerEnvironment.create(plan, EngineInfo()), 90)
    assert removed.exists()
