"""Backtraces of programs that crash in a container whose image has gdb."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec import open_session
from codeexec.domain.options import ProgramOptions
from support.containers import ENGINE, IMAGE

pytestmark = [pytest.mark.docker, pytest.mark.slow]

WITH_GDB = "codeexec-with-gdb:test"
GDB = """\
#!/bin/sh
# Prints what gdb 13 does of the core file, which it must have been given.
for core; do :; done
test -s "$core" || exit 1
cat <<END
1^done,stack=[frame={level="0",addr="0x01",func="follow",file="crash.c",fullname="$PWD/crash.c",\
line="1"}]
2^done,stack-args=[frame={level="0",args=[{name="place",type="int *",value="0x8"}]}]
END
"""
PROGRAM = """\
static int follow(int *place) { return *place; }
int main(void) { return follow((int *)8); }
"""


@pytest.fixture(scope="module")
def with_gdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Our image with a gdb that knows one crash."""
    folder = tmp_path_factory.mktemp("with-gdb")
    (folder / "gdb").write_text(GDB)
    (folder / "gdb").chmod(0o755)
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nCOPY gdb /usr/local/bin/gdb\n")
    build = [ENGINE, "build", "--tag", WITH_GDB, str(folder)]
    subprocess.run(
        build, check=True, capture_output=True, env={**os.environ, "DOCKER_BUILDKIT": "0"}
    )
    yield WITH_GDB
    subprocess.run([ENGINE, "image", "rm", "--force", WITH_GDB], capture_output=True, check=False)


async def test_a_crash_in_a_container_has_a_backtrace(with_gdb: str, workspace: Path) -> None:
    (workspace / "crash.c").write_text(PROGRAM)
    async with open_session(
        cwd=workspace, backend="docker", image=with_gdb, policy="locked"
    ) as session:
        program = ProgramOptions("crash.c", flags=("-w",))
        result = await session.run("", kernel="programs:c", program=program)
    assert result.error == "Signal: SIGSEGV"
    place = f"{workspace}/crash.c:1"
    assert result.stderr == [
        "SIGSEGV: invalid memory access at address 0x8. Backtrace by gdb:",
        f"    #0 0x01 in follow(place=0x8) {place}",
    ]
    (problem,) = result.steps[-1].diagnostics
    assert (problem.place.line, problem.source) == (1, "gdb")
