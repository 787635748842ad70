"""Images that are fetched from a registry, by a real engine: how far they are, and what fails."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from codeexec.cli import exit_codes as exits
from codeexec.config.model import Docker, Settings
from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.domain.requests import RestartKernel
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.pulling import Pull
from codeexec.tui.options import OpenOptions
from support.bench import open_bench
from support.containers import ENGINE, give_away
from support.programs import Terminal
from support.registry import Registry, serve_registry
from support.servers import user

pytestmark = pytest.mark.docker

LAYERS = (3_000_000, 5_000_000)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    with serve_registry(*LAYERS) as found:
        # Docker takes the loopback without TLS by itself, podman is told.
        place = found.image.partition("/")[0]
        trust = tmp_path / "registries.conf"
        trust.write_text(f'[[registry]]\nlocation = "{place}"\ninsecure = true\n')
        monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(trust))
        yield found
        subprocess.run([ENGINE, "rmi", "--force", found.image], capture_output=True, check=False)


async def test_it_is_told_from_the_first_byte_to_the_last(registry: Registry) -> None:
    engine, found = Engine(ENGINE), list[Pull]()
    async with aclosing(engine.pull(registry.image)) as pulls:
        async for pull in pulls:
            found.append(pull)
            if 0 < pull.done < pull.total:
                registry.go_on.set()
    assert registry.go_on.is_set()
    assert (found[-1].layers_done, found[-1].layers) == (2, 2)
    assert found[-1].done == found[-1].total == pytest.approx(registry.size, rel=0.02)
    assert await engine.has_image(registry.image)


async def test_one_that_is_not_there_and_one_that_is_given_up(registry: Registry) -> None:
    engine = Engine(ENGINE)
    with pytest.raises(EnvironmentUnavailable, match="registry has no image"):
        async for _ in engine.pull(registry.image.replace("noise:1", "none:1")):
            raise AssertionError
    async with aclosing(engine.pull(registry.image)) as pulls:
        async for pull in pulls:
            if pull.done:
                break
    assert not await engine.has_image(registry.image)
    left = await asyncio.create_subprocess_exec("pgrep", "-f", f"pull {registry.image}")
    assert await left.wait() == 1


async def test_the_workbench_shows_it_while_the_kernel_starts(
    tmp_path: Path, registry: Registry
) -> None:
    settings = Settings(docker=Docker(image=registry.image))
    options = OpenOptions(docker="", pull=True)
    async with open_bench(tmp_path, settings=settings, options=options) as bench:
        await bench.sees("◌ fetching ━")
        await bench.sees(" MB  ")
        assert bench.snapshot.kernel.pull is not None
        # Given up half way, and begun again.
        bench.workbench.kernels.tell(RestartKernel())
        await bench.until(lambda: bench.snapshot.kernel.generation == 2, "another start")
        await bench.sees("◌ fetching ━")
        registry.go_on.set()
        await bench.sees("✗ dead: The image has no python3")
        await bench.until(lambda: bench.told, "the reason")
        [told] = bench.told
        assert told.title == "The kernel could not start"
        assert bench.snapshot.kernel.pull is None


def test_run_shows_it_below_the_output(registry: Registry) -> None:
    with user(CODEEXEC_DOCKER_ENGINE=ENGINE) as apart:
        (apart.work / "a.py").write_text("print(1)")
        give_away(apart.work)
        words = ("run", "--docker", registry.image, "--pull", "a.py")
        with Terminal(words, home=apart.folder, cwd=apart.work, env=apart.environ) as terminal:
            terminal.shows(f"fetching {registry.image}  ━")
            registry.go_on.set()
            assert terminal.ends() == exits.OWN_FAILURE
            assert "The image has no python3" in terminal.text
            assert "fetching" not in terminal.text
