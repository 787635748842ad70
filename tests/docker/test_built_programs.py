"""Programs in containers of a real engine: built and run by the tools of the image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codeexec.domain.events import ExecutionFinished, OutputChanged
from codeexec.domain.options import ProgramOptions
from codeexec.domain.requests import Interrupt
from codeexec.program import RunningSession
from support.containers import ENGINE, IMAGE
from support.programs import run_piped

pytestmark = pytest.mark.docker

DOUBLE = """\
#include <iostream>
#include "factor.h"
int main() {
  int n;
  std::cout << "n? " << std::flush;
  std::cin >> n;
  std::cout << FACTOR * n << std::endl;
  return 3;
}
"""


async def test_a_program_is_built_run_and_reused(
    locked_session: RunningSession, workspace: Path
) -> None:
    (workspace / "main.cpp").write_text(DOUBLE)
    (workspace / "factor.h").write_text("#define FACTOR 2\n")
    program = ProgramOptions("main.cpp")

    async def run(answer: str) -> tuple[list[str], list[bool]]:
        result = await locked_session.run(
            "", kernel="programs:cpp", program=program, answers=[answer]
        )
        assert result.error == "SystemExit: 3"
        assert result.steps[1].peak_memory is not None
        return result.stdout, [step.is_reused for step in result.steps]

    assert await run("21") == (["n? 21", "42"], [False, False])
    assert await run("4") == (["n? 4", "8"], [True, False])
    (workspace / "factor.h").write_text("#define FACTOR 3\n")
    assert await run("4") == (["n? 4", "12"], [False, False])

    (workspace / "main.cpp").write_text("int main(){ return x; }\n")
    failed = await locked_session.run("", kernel="programs:cpp", program=program)
    assert failed.error == "BuildFailed: g++ ended with status 1."
    (problem,) = failed.steps[0].diagnostics
    assert (problem.place.file, problem.place.line, problem.place.column) == ("main.cpp", 1, 20)


async def test_a_script_sees_its_container_alone(
    locked_session: RunningSession, workspace: Path
) -> None:
    code = 'pwd; id -u; echo "[$SECRET_OF_THE_HOST]"; test -t 0 && read -s word && echo ${#word}'
    result = await locked_session.run(code, language="bash", answers=["secret"])
    assert result.stdout[0] == str(workspace)
    assert result.stdout[1] != "0"
    assert result.stdout[2:] == ["[]", "6"]
    missing = await locked_session.run("console.log(1)", language="javascript")
    assert "needs node, bun or deno" in missing.error
    assert "Use an image that has it" in missing.error
    outside = ProgramOptions("/etc/profile")
    refused = await locked_session.run("", kernel="programs:bash", program=outside)
    assert "outside of" in refused.error


async def test_a_fork_bomb_ends_and_leaves_the_rest_alone(locked_session: RunningSession) -> None:
    python = await locked_session.run("import os; os.getpid()")
    bomb = "bomb() { bomb | bomb & }; echo on; bomb; while :; do sleep 1; done"
    is_killed = False
    async for record in locked_session.stream(bomb, language="bash"):
        if isinstance(record.event, OutputChanged) and not is_killed:
            is_killed = True
            await locked_session.call(Interrupt(stage="kill", kernel="bash"))
        if isinstance(record.event, ExecutionFinished):
            step = (await locked_session.result(record.event.execution_id)).steps[-1]
            assert step.signal == "SIGKILL"
    count = "ls -d /proc/[0-9]* | wc -l"
    left = await locked_session.run(count, language="bash")
    assert int(left.stdout[-1]) < 10
    assert (await locked_session.run("import os; os.getpid()")).output == python.output


def test_run_in_a_container(workspace: Path, tmp_path: Path) -> None:
    (workspace / "sum.sh").write_text(
        'total=0\nwhile read n; do total=$((total+n)); done\necho "$1 $total"\nexit 7\n'
    )
    settings = {"CODEEXEC_DOCKER_ENGINE": ENGINE, "CODEEXEC_DOCKER_IMAGE": IMAGE}
    words = ("run", "--docker", "--json", "sum.sh", "--", "sum")
    (tmp_path / "home").mkdir()
    ran = run_piped(*words, home=tmp_path / "home", cwd=workspace, env=settings, stdin=b"1\n2\n")
    assert ran.returncode == 7, ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert lines[-1] == {"type": "run_ended", "status": 7, "by": "program"}
    events = [line["event"] for line in lines[:-1]]
    (step,) = [event["step"] for event in events if event["type"] == "step_ended"]
    assert (step["name"], step["code"]) == ("run", 7)
    runs = [run for event in events if event["type"] == "output_changed" for run in event["runs"]]
    assert "".join(run["text"] for run in runs) == "sum 3"
    # No other kernel was started for it.
    assert [e["kernel"] for e in events if e["type"] == "kernel_starting"] == ["programs:bash"]
