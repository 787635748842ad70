"""Variables looked at in a real kernel, whose classes bite when they are touched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from codeexec.domain.errors import Busy, CodeexecError, ProtocolError
from codeexec.domain.events import Variable
from codeexec.domain.requests import ReadTable
from codeexec.guest import prelude
from codeexec.kernels.base import ErrorRaised
from codeexec.kernels.jupyter.messages import questions
from codeexec.kernels.jupyter.messages.python_variables import PythonVariables
from support.kernel_cases import DEADLINE, LOCAL_CASES, Partner, talking_to
from support.steps import counted

BITING = """
class Bites:
    def _bite(self, *args, **kwargs):
        print("bitten")
        raise SystemExit
    __repr__ = __str__ = __len__ = __iter__ = __eq__ = __bool__ = __sizeof__ = __format__ = _bite
    __getattr__ = __getattribute__ = __dir__ = __hash__ = __reduce__ = _bite
    __class__ = __dict__ = property(_bite)
class Meta(type):
    __name__ = property(Bites._bite)
    __repr__ = __instancecheck__ = __getattribute__ = __eq__ = Bites._bite
    __hash__ = type.__hash__
class BitesAsList(list):
    __repr__ = __len__ = __iter__ = __getitem__ = Bites._bite
class BitesAsDict(dict):
    __repr__ = __len__ = __iter__ = items = keys = Bites._bite
bites, as_list, as_dict = Bites(), BitesAsList([1, 2]), BitesAsDict(a=1)
WithMeta = Meta("WithMeta", (), {})
with_meta = WithMeta()
inside = [bites, {"k": bites}]
"""


@pytest_asyncio.fixture
async def partner(tmp_path: Path) -> AsyncIterator[Partner]:
    async with talking_to(LOCAL_CASES[0], tmp_path) as found:
        yield found


async def _variables(partner: Partner) -> dict[str, Variable]:
    # A busy machine may keep the kernel from its processor for longer than a look may take.
    unlimited = f"{questions._prelude()}helpers.PLENTY = helpers.SLOW = {DEADLINE}\n"
    code = f"{unlimited}{questions.variables_code()}"
    text = await partner.jupyter.language.ask(code, DEADLINE)
    return {each.name: each for each in questions.parse_variables(text).variables}


async def test_no_line_of_the_users_code_is_run(partner: Partner) -> None:
    await partner.run(BITING)
    assert partner.all(ErrorRaised) == []
    seen = await _variables(partner)
    assert seen["bites"].type == "Bites"
    assert seen["as_list"].preview == "BitesAsList[1, 2]"
    assert seen["as_dict"].preview == "BitesAsDict{'a': 1}"
    assert seen["WithMeta"].kind == "class"
    for name in ("bites", "as_list", "as_dict", "inside", "WithMeta", "with_meta"):
        detail = await partner.jupyter.language.ask(questions.detail_code(name), DEADLINE)
        assert questions.parse_detail(detail).variable.name == name
    await partner.run("1")
    assert "bitten" not in partner.text()


@pytest.mark.slow
async def test_what_is_told_of_each(partner: Partner) -> None:
    await partner.run("""
import numpy as np, pandas as pd, enum, datetime
n, f, s, none, big = 1, 1.5, "text", None, 10**5000
d = {"a": [1, 2], "b": (3,)}
loop = []; loop.append(loop)
array = np.zeros((3, 4))
frame = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})
when = datetime.date(2020, 1, 2)
class Color(enum.Enum): RED = 1
red = Color.RED
def function(a, *rest, key=1): return a
_hidden = 1
""")
    seen = await _variables(partner)
    assert "In" not in seen
    assert "_hidden" not in seen
    assert "get_ipython" not in seen
    told = {name: (v.type, v.preview, v.shape, v.kind) for name, v in seen.items()}
    assert told["n"] == ("int", "1", "", "")
    assert told["s"] == ("str", "'text'", "4", "")
    assert told["d"] == ("dict", "{'a': [1, 2], 'b': (3,)}", "2", "")
    assert told["loop"][1] == "[[[…]]]"
    assert told["big"][1] == "an integer of 16,610 bits"
    assert told["array"] == (
        "ndarray",
        "float64 [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, …]",
        "3x4",
        "array",
    )
    assert seen["array"].size == 96
    assert told["frame"] == ("DataFrame", "x, y", "2x2", "table")
    assert told["when"][1] == "datetime.date(2020, 1, 2)"
    assert told["red"][1] == "Color.RED"
    assert told["function"][1] == "function(a, key, *rest)"
    assert told["np"][3] == "module"


async def test_a_thousand_variables_and_huge_ones_are_told_in_short(partner: Partner) -> None:
    await partner.run("""
for i in range(1000): globals()[f"v{i}"] = list(range(1000))
huge = ["x" * 10**7 for _ in range(10)]; deep = []
for _ in range(100_000): deep = [deep]
""")
    text = await partner.jupyter.language.ask(questions.variables_code(), DEADLINE)
    found = questions.parse_variables(text)
    assert found.truncated
    assert 0 < len(found.variables) <= 500  # fewer, where a second is not enough for that many
    assert len(text) < 500_000
    detail = await partner.jupyter.language.ask(questions.detail_code("huge"), DEADLINE)
    assert len(detail) < 300_000


@pytest.mark.slow
def test_a_look_costs_what_is_told_and_not_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prelude, "PLENTY", 3600.0)
    monkeypatch.setattr(prelude, "SLOW", 3600.0)

    def look(count: int, size: int) -> int:
        """Steps to tell of so many variables that hold so much, and of some at length."""
        numbers: dict[str, object] = {f"v{at}": list(range(size)) for at in range(count)}
        deep: list[object] = []
        for _ in range(size):
            deep = [deep]
        user = {"huge": ["x" * size] * size, "deep": deep, "names": dict.fromkeys(numbers)}
        user |= numbers
        with counted() as steps:
            found = questions.parse_variables(prelude.variables(user))
            for name in ("huge", "deep", "names", "v0"):
                prelude.detail(user, name)
        assert found.truncated
        assert len(found.variables) == 500
        return steps.count

    assert look(1000, 10_000) < 1.5 * look(600, 250)


async def test_while_a_cell_changes_them(partner: Partner) -> None:
    execution = partner.submit("""
d = {}
print("on", flush=True)
while True:
    for i in range(1000): d[i] = i
    d.clear()
""")
    await partner.printed("on")
    for _ in range(5):
        assert "d" in await _variables(partner)
    await partner.kernel.interrupt()
    end = await partner.end_of(execution)
    assert end.error is not None
    assert end.error.name == "KeyboardInterrupt"


@pytest.mark.slow
async def test_pages_of_tables(partner: Partner) -> None:
    await partner.run("""
import numpy as np, pandas as pd
frame = pd.DataFrame({"n": [3, 1, 2], "s": list("xyz"), "f": [1.5, None, 0.25]}, index=list("abc"))
array = np.arange(1_000_000.0).reshape(1000, 1000)
""")

    async def page(**fields: object):  # type: ignore[no-untyped-def]
        request = ReadTable(**fields)  # type: ignore[arg-type]
        return await PythonVariables(partner.jupyter.language.ask).read_table(request, DEADLINE)

    whole = await page(name="frame")
    assert (whole.names, whole.rows, whole.columns) == (("n", "s", "f"), 3, 3)
    assert whole.index == ("a", "b", "c")
    assert whole.cells == (("3", "x", "1.50"), ("1", "y", "NaN"), ("2", "z", "0.25"))
    assert (await page(name="frame", sort="n")).index == ("b", "c", "a")
    assert (await page(name="frame", sort="s", descending=True)).index == ("c", "b", "a")
    assert (await page(name="frame", start=2, count=5)).index == ("c",)
    assert (await page(name="frame", start=9)).cells == ()
    wide = await page(name="array", start=500, count=2)
    assert (wide.rows, wide.columns, len(wide.names)) == (1000, 1000, 200)
    assert wide.cells[0][0] == "500000.0"
    with pytest.raises(CodeexecError, match="no column"):
        await page(name="frame", sort="nope")
    with pytest.raises(CodeexecError, match="no variable"):
        await page(name="nope")


@pytest.mark.slow
async def test_cells_read_as_pandas_prints_them(partner: Partner) -> None:
    await partner.run("""
import datetime, pandas as pd
days = pd.date_range("2025-09-08", periods=3)
frame = pd.DataFrame({
    "f": [2.3800000000000003, 10.0, 1.1],
    "tiny": [1e-9, 2.0, float("nan")],
    "at": pd.date_range("2025-09-08 10:30", periods=3),
    "gone": [pd.NaT, pd.Timestamp("2025-01-01"), pd.NaT],
    "took": pd.to_timedelta([1, 2, 3], unit="h"),
    "day": [datetime.date(2025, 1, 2)] * 3,
    "maybe": pd.array([1, None, 3], dtype="Int64"),
}, index=days)
levels = frame.set_index(["day", "maybe"])
""")

    async def page(name: str):  # type: ignore[no-untyped-def]
        tables = PythonVariables(partner.jupyter.language.ask)
        return await tables.read_table(ReadTable(name), DEADLINE)

    frame = await page("frame")
    assert frame.index == ("2025-09-08", "2025-09-09", "2025-09-10")
    assert frame.cells[0] == (
        "2.38", "1.000000e-09", "2025-09-08 10:30:00", "NaT", "0 days 01:00:00", "2025-01-02", "1",
    )  # fmt: skip
    assert frame.cells[1][:4] == ("10.00", "2.000000e+00", "2025-09-09 10:30:00", "2025-01-01")
    assert frame.cells[1][6] == "<NA>"
    assert (await page("levels")).index[0] == "2025-01-02  1"
    assert (await page("days")).cells == (("2025-09-08",), ("2025-09-09",), ("2025-09-10",))
    days = (await _variables(partner))["days"]
    assert (days.kind, days.shape) == ("array", "3")


async def test_deleting_takes_that_name_alone(partner: Partner) -> None:
    await partner.run("a = b = object()")
    questions.check_done(await partner.jupyter.language.ask(questions.delete_code("a"), DEADLINE))
    seen = await _variables(partner)
    assert "a" not in seen
    assert "b" in seen


def test_an_answer_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(ProtocolError, match="cannot be read"):
        questions.parse_variables("Segmentation fault")


@pytest.mark.slow
async def test_completion_outlives_a_cache_that_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a kernel leaves it that is killed while jedi writes, or whose disk is full."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))

    async def complete() -> list[str]:
        async with talking_to(LOCAL_CASES[0], tmp_path) as partner:
            async with asyncio.timeout(90):
                while True:
                    try:
                        reply = await partner.jupyter.language.complete("impor", 5)
                    except Busy:
                        continue  # jedi builds its cache, which takes long on a busy machine
                    if reply.matches:  # else the kernel was too busy to take the files away
                        return [match.text for match in reply.matches]

    assert "import" in await complete()
    written = list(cache.rglob("*.pkl"))
    assert written
    for number, path in enumerate(written):
        path.write_bytes(path.read_bytes()[:-7] if number % 2 else b"")
    assert "import" in await complete()
    assert all(path.read_bytes().endswith(b".") for path in cache.rglob("*.pkl"))
