"""What kernels of all languages do, and how each says what it cannot do.

One process of each kernel serves all tests but those that end it. What a kernel lacks is asserted
as well: that it is declared, that the session refuses it in words, and that nothing hangs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import nullcontext
from pathlib import Path

import pytest
import pytest_asyncio

from codeexec.domain.outputs import plain
from codeexec.kernels.base import Displayed, InputRequested, KernelChoice, Started
from codeexec.kernels.factory import Kernels
from support.kernel_cases import DEADLINE, Partner, no_orphans, patiently
from support.language_cases import CASES, LanguageCase, install_all

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


WITHOUT_VALUES = ("bash", "programs:bash", "programs:cpp")
"""Kernels of languages in which code has no value."""


class LanguagePartner(Partner):
    """A partner of one kernel of a language; `notices` were told when it was ready."""

    notices: tuple[str, ...] = ()

    async def start(self, case: LanguageCase, cwd: Path) -> None:
        self.kernel = Kernels().create(KernelChoice(str(cwd), name=case.kernel), self.sink)
        self.notices = (await self.kernel.start()).notices

    def lacks(self, ability: str) -> bool:
        """Whether it is declared that the kernel lacks this."""
        return self.kernel.capabilities.why_absent(ability) is not None


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.kernel or "ipykernel")
def case(request: pytest.FixtureRequest) -> LanguageCase:
    found = request.param
    assert isinstance(found, LanguageCase)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    case: LanguageCase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LanguagePartner]:
    folder = tmp_path_factory.mktemp("language")
    install_all(folder / "jupyter")
    partner = LanguagePartner()
    # The spawner of programs ends when it reads the end of its pipe, a moment later.
    orphans = no_orphans() if case.lasts else nullcontext()
    with pytest.MonkeyPatch.context() as patch, orphans:
        patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        await partner.start(case, folder)
        try:
            yield partner
        finally:
            await partner.kernel.shutdown()


@pytest.fixture
def partner(shared: LanguagePartner) -> LanguagePartner:
    shared.events.clear()
    return shared


async def test_what_it_lacks_is_declared(partner: LanguagePartner, case: LanguageCase) -> None:
    able = partner.kernel.capabilities
    told = {absent.ability for absent in able.absent}
    parts = {"stdin", "completion", "inspection", "variables"}
    assert parts - set(able.names) == case.absent & parts
    if case.lasts:
        assert told == case.absent
        assert partner.notices == tuple(absent.reason for absent in able.absent)
        assert all(absent.reason.endswith(".") for absent in able.absent)


async def test_output_stands_before_the_one_end(
    partner: LanguagePartner, case: LanguageCase
) -> None:
    end = await partner.run(case.printing)
    assert (end.status, end.error) == ("ok", None)
    assert partner.events[-1] is end
    words = partner.text(stream="stdout").split(), partner.text(stream="stderr").split()
    if case.kernel == "bash" or not case.lasts:  # one terminal for both
        assert words == (["out", "err"], [])
    else:
        assert words == (["out"], ["err"])


async def test_a_value_is_shown(partner: LanguagePartner, case: LanguageCase) -> None:
    if not case.value:
        assert case.kernel in WITHOUT_VALUES
        return
    end = await partner.run(case.value)
    [shown] = partner.all(Displayed)
    assert plain(str(shown.data["text/plain"])).split()[-1] == "42"
    assert partner.events[-1] is end


async def test_an_error_ends_it_with_a_name(partner: LanguagePartner, case: LanguageCase) -> None:
    end = await partner.run(case.failing)
    assert end.status == "error"
    assert end.error is not None
    assert end.error.name == case.error
    assert case.message in end.error.value + partner.text()
    assert (await partner.run(case.printing)).status == "ok"


async def test_variables_last(partner: LanguagePartner, case: LanguageCase) -> None:
    if not case.lasts:
        assert partner.kernel.capabilities.variables is None
        return
    await partner.run(case.setting)
    await partner.run(case.getting)
    assert partner.text().strip() == "5"


async def test_prompt_numbers_rise(partner: LanguagePartner, case: LanguageCase) -> None:
    await partner.run(case.printing)
    await partner.run(case.printing)
    counts = [event.count for event in partner.all(Started)]
    if case.lasts:
        assert counts[0] is not None
        assert counts == [counts[0], counts[0] + 1]
    else:
        assert counts == [None, None]


async def test_many_lines_come_in_order(partner: LanguagePartner, case: LanguageCase) -> None:
    await partner.run(case.counting)
    printed, wanted = "\n".join(partner.text().split()), "\n".join(map(str, range(2000)))
    if partner.lacks("floods"):  # on a loaded machine: numbers and ends of lines are thrown away
        assert printed.startswith("0")
        rest = iter(wanted)
        assert all(character in rest for character in printed)
    else:
        assert printed == wanted


async def test_an_interrupt_ends_the_code_and_not_the_kernel(
    partner: LanguagePartner, case: LanguageCase
) -> None:
    is_deaf = partner.lacks("interruption")
    running = partner.submit(case.sleeping.replace("SECONDS", "1" if is_deaf else "60"))
    await partner.printed("on")
    await partner.kernel.interrupt()
    end = await partner.end_of(running)
    assert end.status == ("ok" if is_deaf else end.status)
    assert is_deaf or end.status in ("aborted", "error")
    partner.events.clear()
    if partner.lacks("recovery"):
        await partner.kernel.restart()
    assert (await partner.run(case.printing)).status == "ok"


async def test_input_is_asked_for(partner: LanguagePartner, case: LanguageCase) -> None:
    stdin = partner.kernel.capabilities.stdin
    if stdin is None:
        assert partner.lacks("stdin")
        assert not partner.lacks("interruption")
        running = partner.submit(f"echo on\n{case.asking}")  # waits, until it is interrupted
        await partner.printed("on")
        await partner.kernel.interrupt()
        await partner.end_of(running)
        assert not partner.all(InputRequested)
        if partner.lacks("recovery"):
            await partner.kernel.restart()
        return
    running = partner.submit(case.asking)
    asked = await partner.asked()
    assert asked.execution == running
    stdin.answer_stdin("Ada")
    assert (await partner.end_of(running)).status == "ok"
    assert "hello Ada" in partner.text()


async def test_input_is_refused_where_nobody_may_answer(
    partner: LanguagePartner, case: LanguageCase
) -> None:
    if partner.kernel.capabilities.stdin is None or not case.lasts:
        assert partner.lacks("stdin") or not case.lasts
        return
    end = await partner.run(case.asking, allow_stdin=False)
    assert not partner.all(InputRequested)
    if case.kernel == "deno":  # as in a browser
        assert partner.text().strip() == "hello null"
        return
    assert end.status == "error"
    assert end.error is not None
    assert "input" in end.error.value
    assert (await partner.run(case.printing)).status == "ok"


async def test_code_is_completed(partner: LanguagePartner, case: LanguageCase) -> None:
    completion = partner.kernel.capabilities.completion
    code, wanted = case.completing
    if completion is None:
        assert not code
        return
    found = await patiently(lambda: completion.complete(code, len(code)))
    assert wanted in [match.text for match in found.matches]
    assert (found.start, found.end) == (0, len(code))
    if case.incomplete:
        checked = await patiently(lambda: completion.is_complete(case.incomplete))
        assert checked.status == "incomplete"


async def test_words_have_help(partner: LanguagePartner, case: LanguageCase) -> None:
    inspection = partner.kernel.capabilities.inspection
    word, part = case.helping
    if inspection is None:
        assert not part
        return
    found = await patiently(lambda: inspection.inspect(word, len(word), 0))
    assert found.found
    assert part in found.text
    unknown = await patiently(lambda: inspection.inspect("no_such_word", 3, 0))
    assert not unknown.found or "No documentation" in unknown.text


async def test_variables_are_told_shown_and_deleted(
    partner: LanguagePartner, case: LanguageCase
) -> None:
    variables = partner.kernel.capabilities.variables
    if variables is None:
        assert partner.lacks("variables") or not case.lasts
        return
    await partner.run(case.setting)
    partner.events.clear()
    names = {found.name: found for found in (await variables.variables(DEADLINE)).variables}
    assert names["x"].preview.split()[-1] == "5"
    assert (await variables.describe("x", DEADLINE)).variable == names["x"]
    await variables.delete("x", DEADLINE)
    assert "x" not in [found.name for found in (await variables.variables(DEADLINE)).variables]
    assert partner.events == []  # the helper code is not seen


async def test_asking_beside_code_disturbs_nothing(
    partner: LanguagePartner, case: LanguageCase
) -> None:
    able = partner.kernel.capabilities
    running = partner.submit(case.sleeping.replace("SECONDS", "1"))
    await partner.printed("on")
    questions: list[Coroutine[object, object, object]] = []
    if able.completion is not None:
        questions.append(able.completion.complete(case.completing[0], 3))
    if able.variables is not None:
        questions.append(able.variables.variables(0.5))
    await asyncio.gather(*questions, return_exceptions=True)
    assert (await partner.end_of(running)).status == "ok"
    assert partner.text(running).strip() == "on"
    assert (await partner.run(case.printing)).status == "ok"


async def test_an_exit_is_told_and_a_restart_is_fresh(
    partner: LanguagePartner, case: LanguageCase
) -> None:
    """The last test of each kernel: it ends the process."""
    running = partner.submit(case.exiting)
    if partner.lacks("exit") or not case.lasts:
        end = await partner.end_of(running)
        assert partner.kernel.is_alive
        assert case.lasts or (end.error is not None and end.error.value == "3")
        return
    death = (await partner.death()).death
    assert "exited with code 3" in death.message
    assert not partner.kernel.is_alive
    await partner.kernel.restart()
    assert (await partner.run(case.printing)).status == "ok"
