"""What code in a container does to its folder so that the host does the rest: it gets nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from codeexec.documents.files import read_file, save_file
from codeexec.domain.errors import CodeexecError, Denied, EnvironmentUnavailable
from codeexec.domain.requests import OpenSession
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.processes import Child, start
from codeexec.environments.trust.store import TrustStore
from support.containers import ENGINE, IMAGE, give_away, own_containers, workspace_in
from support.programs import run_piped
from support.sessions import open_host, open_session, run, until

pytestmark = pytest.mark.docker

SETTINGS = {"CODEEXEC_DOCKER_ENGINE": ENGINE, "CODEEXEC_DOCKER_IMAGE": IMAGE}

PLANTING = """
import os
OUTSIDE = "../outside"
def plant(name, target):
    if os.path.lexists(name):
        os.unlink(name)
    os.symlink(target, name)
from IPython.display import HTML, display
plant("next.py", f"{OUTSIDE}/secret.py")
plant("out.ipynb", f"{OUTSIDE}/out.ipynb")
plant("sub", OUTSIDE)
os.makedirs("art", exist_ok=True)
plant("art/01-1.html", f"{OUTSIDE}/authorized_keys")
plant(".codeexec.toml", f"{OUTSIDE}/settings.toml")
display(HTML("<b>planted</b>"))
"""


@pytest.fixture
def desk(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A workspace, private files of the host beside it, and a home."""
    workspace, outside, home = workspace_in(tmp_path), tmp_path / "outside", tmp_path / "home"
    outside.mkdir()
    home.mkdir()
    (outside / "secret.py").write_text("print('the secret of the host')\n")
    (outside / "settings.toml").write_text("secret = 'the secret of the host'\n")
    return workspace, outside, home


def test_a_run_follows_nothing_that_the_run_before_has_planted(
    desk: tuple[Path, Path, Path],
) -> None:
    workspace, outside, home = desk
    before = sorted(path.name for path in outside.iterdir())
    (workspace / "plant.py").write_text(PLANTING)

    def run_here(*words: str) -> tuple[int, str]:
        done = run_piped("run", *words, home=home, cwd=workspace, env=SETTINGS)
        return done.returncode, done.stdout + done.stderr

    code, words = run_here("--docker", "plant.py", "--save", "out.ipynb")
    assert code == 2, words
    assert "is a symbolic link" in words
    code, words = run_here("--docker", "plant.py", "--artifacts", "art")
    assert code == 2, words
    assert "is a symbolic link" in words
    for more in ((), ("--docker",)):
        code, words = run_here("next.py", *more)
        assert code == 2, words
        assert "is a symbolic link" in words
        assert "the secret" not in words
        code, words = run_here("plant.py", "--cwd", "sub", *more)
        assert code == 2, words
        assert "symbolic link" in words
        assert "the secret" not in words
    assert sorted(path.name for path in outside.iterdir()) == before
    assert (outside / "secret.py").read_text() == "print('the secret of the host')\n"


async def test_an_open_file_that_code_exchanges_is_neither_read_nor_written(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state-of-mounts"))
    secret = tmp_path / "secret"
    secret.write_text("the host's own\n")
    for name in ("a.py", "b.py", "c.py"):
        (workspace / name).write_text("x = 1\n")
        give_away(workspace / name)
    files = [read_file(workspace / name) for name in ("a.py", "b.py", "c.py")]
    code = f"""
        import os
        os.unlink("a.py"); os.symlink({str(secret)!r}, "a.py")
        os.unlink("b.py"); os.link("c.py", "b.py")
    """
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace, backend="docker")
        assert (await run(session, textwrap.dedent(code))).status == "ok"
        for file in files:
            with pytest.raises(Denied, match="is not opened"):
                read_file(file.path, real=file.real)
            with pytest.raises(Denied, match="is not opened"):
                save_file(file, "x = 2\n", overwrite=True)
        assert secret.read_text() == "the host's own\n"
        assert (workspace / "c.py").read_text() == "x = 1\n"
        # A new session is not opened where one of its folders was made to lead elsewhere.
        await run(session, f"os.symlink({str(tmp_path)!r}, 'up')")
        for backend in ("local", "docker"):
            with pytest.raises(CodeexecError, match="symbolic link"):
                await host.call(OpenSession(cwd=str(workspace / "up"), backend=backend))


# Each goes on for longer than this machine may stand still.
FILLERS = {
    "a deleted file": """
        file = open("filler", "wb", buffering=0)
        os.unlink("filler")
        for _ in range(1000):
            file.write(os.urandom(1 << 20))
            time.sleep(0.005)
    """,
    "masses of empty files": """
        for number in range(1_000_000):
            os.close(os.open(f"{number}", os.O_CREAT))
    """,
    "a deep folder": """
        for _ in range(150):
            os.mkdir("d"); os.chdir("d")
        file = open("filler", "wb", buffering=0)
        for _ in range(1000):
            file.write(os.urandom(1 << 20))
            time.sleep(0.005)
    """,
}


@pytest.mark.parametrize("how", FILLERS)
async def test_what_fills_the_disk_in_hiding_is_interrupted(
    tmp_path: Path, workspace: Path, how: str
) -> None:
    policy = "locked workspace_growth=20MB workspace_files=500"
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace, backend="docker", policy=policy)
        view = await run(session, f"import os, time\n{textwrap.dedent(FILLERS[how])}")
        assert view.status == "error"
        assert view.error is not None
        assert view.error.name == "KeyboardInterrupt"
        [notice, *_] = (await until(session, lambda snapshot: snapshot.notices)).notices
        assert notice.title == "The workspace has grown too much"


async def test_a_folder_that_is_exchanged_while_the_container_starts_is_not_mounted(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code in the folder above puts a link in its place, which the engine follows as root."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state-of-mounts"))
    TrustStore().record_mount(str(workspace))
    sub, outside = workspace / "sub", tmp_path / "outside"
    for folder in (sub, outside):
        folder.mkdir()
        give_away(folder)
    engine = Engine(ENGINE)
    engine_info = await engine.info()
    plan = ContainerPlan(IMAGE, workspace=sub, engine=engine, session="exchanged")

    async def exchange(command: Sequence[str], **more: object) -> Child:
        sub.rename(workspace / "aside")
        sub.symlink_to(outside)
        return await start(command, feed=bool(more["feed"]))

    await (await DockerEnvironment.create(plan, engine_info)).terminate()  # left alone, it starts
    monkeypatch.setattr("codeexec.environments.docker.engine.start", exchange)
    creating = DockerEnvironment.create(plan, engine_info)
    with pytest.raises(EnvironmentUnavailable, match="was exchanged while"):
        await creating
    assert own_containers("exchanged") == []
