"""Memory that variables hold with all that is in them: containers, tables, views, user classes."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import pytest_asyncio
import xarray as xr

from codeexec.domain.errors import Busy
from codeexec.domain.requests import VariableSizes
from codeexec.guest.memory import sizes
from codeexec.guest.memory.walk import CountLimit, Walk
from codeexec.kernels.base import ErrorRaised
from codeexec.kernels.jupyter.messages import questions
from codeexec.kernels.jupyter.messages.questions import SizesAnswer
from support.kernel_cases import DEADLINE, LOCAL_CASES, RUNNER_CASE, Partner, talking_to

MB = 1_000_000


def size_of(value: object) -> int:
    """All of it."""
    counted = Walk(CountLimit(DEADLINE))
    counted.count(value)
    assert counted.is_whole
    return counted.size


class Slotted:
    __slots__ = ("held",)

    def __init__(self, held: object) -> None:
        self.held = held


class Plain:
    def __init__(self, held: object) -> None:
        self.held = held


class Lying(list[object]):
    def __sizeof__(self) -> int:
        raise AssertionError("the user's code was called")

    __len__ = __iter__ = __hash__ = __sizeof__  # type: ignore[assignment]


def test_containers_and_instances_count_what_is_in_them() -> None:
    text = "x" * MB
    whole = size_of(text)
    assert whole == sys.getsizeof(text)
    holders = ([text], (text, text), {text}, {"a": [text]}, deque([text]), Plain(text))
    for holder in (*holders, Slotted(text), Lying([text]), [[{"deep": Plain((text,))}]]):
        assert whole < size_of(holder) < whole + 3000, type(holder)
    assert size_of([1.5, 2.5]) == sys.getsizeof([1.5, 2.5]) + 2 * sys.getsizeof(1.5)
    loop: list[object] = [text]
    loop.append(loop)
    assert size_of(loop) < whole + 3000
    # What belongs to the program is no part of a variable.
    assert size_of([pd, size_of, Plain, len]) < 3000


def test_arrays_and_views_count_their_memory_once() -> None:
    array = np.zeros(MB)
    held = sys.getsizeof(array)
    assert size_of(array) == held
    for value in ([array, array], [array, array[:10], array[::2]], {"a": array.reshape(1000, -1)}):
        assert held <= size_of(value) < held + 2000
    # A view keeps all of the array that it looks into.
    assert held <= size_of(array[:10]) < held + 1000
    texts = np.array(["y" * MB, "z" * MB], dtype=object)
    assert 2 * MB <= size_of(texts) < 2 * MB + 1000
    data = bytes(MB)
    assert MB <= size_of(np.frombuffer(data, dtype=np.uint8)) < MB + 1000
    masked = np.ma.masked_array(np.zeros(MB), mask=np.zeros(MB, dtype=bool))
    assert 9 * MB <= size_of(masked) < 9 * MB + 20_000


def test_tables_count_their_texts() -> None:
    texts = [f"{at:0100}" for at in range(1000)]
    least = sum(map(sys.getsizeof, texts))
    frame = pd.DataFrame({"n": np.arange(1000), "t": pd.Series(texts, dtype=object)})
    deep = int(frame.memory_usage(deep=True).sum())
    assert deep == pytest.approx(size_of(frame), abs=500)
    assert least <= size_of(frame["t"]) < least + 20_000
    assert least <= size_of(pd.Index(texts, dtype=object)) < least + 20_000
    by_text = pd.DataFrame({"n": 1}, index=pd.Index(texts, dtype=object))
    assert least <= size_of(by_text) < least + 40_000
    levels = pd.MultiIndex.from_product([pd.Index(texts, dtype=object), [1, 2]])
    assert least <= size_of(pd.DataFrame({"n": range(2000)}, index=levels)) < least + 80_000
    category = pd.Series(pd.Categorical(texts * 2))
    assert 100_000 < size_of(category) < least + 80_000
    for dtype in ("string[python]", "string[pyarrow]", "str"):
        assert size_of(pd.Series(texts, dtype=dtype)) >= 100_000
    for table in (pl.DataFrame({"t": texts}), pa.table({"t": texts}), pa.array(texts)):
        assert 100_000 <= size_of(table) < 150_000
    data = xr.Dataset({"a": ("x", np.zeros(1000)), "b": ("x", np.zeros(1000))})
    assert 16_000 <= size_of(data) < 20_000
    assert 8000 <= size_of(data["a"]) < 12_000


def test_a_lazy_table_holds_more_than_is_known() -> None:
    counted = Walk(CountLimit(DEADLINE))
    counted.count(pl.DataFrame({"n": [1]}).lazy())
    assert not counted.is_whole


def ask(user: dict[str, object], *names: str) -> SizesAnswer:
    """As a kernel is asked, until it has counted."""
    text = json.dumps(names)
    while (answer := questions.parse_sizes(sizes.measure(user, text))).is_working:
        pass
    return answer


def test_a_count_that_takes_too_long_says_at_least() -> None:
    numbers = list(range(10**6, 4 * 10**6))
    answer = ask({"few": [1], "numbers": numbers, "again": [numbers]})
    few, *large = answer.sizes
    assert few.is_whole
    for size in large:
        assert not size.is_whole
        assert sys.getsizeof(numbers) <= size.size < sys.getsizeof(numbers) * 2


def test_variables_that_are_not_reached_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    user: dict[str, object] = {"a": [1], "b": [2], "_hidden": [3], "c": [4], "module": pd}
    assert [size.name for size in ask(user).sizes] == ["a", "b", "c"]
    monkeypatch.setattr(sizes, "FOR_ALL", 0.0)
    answer = ask(user)
    assert ([size.name for size in answer.sizes], answer.rest) == (["a"], ("b", "c", "module"))
    assert ask(user, *answer.rest).rest == ("c", "module")
    assert ask(user, "gone").sizes == ()


def test_a_value_that_changes_meanwhile() -> None:
    changing = {at: at for at in range(1000)}

    class Changing(Walk):
        def _add(self, value: object) -> Iterator[object] | None:
            if value == 500:
                changing[-1] = 0
            return super()._add(value)

    counted = Changing(CountLimit(DEADLINE))
    counted.count([changing, "after"])
    assert not counted.is_whole
    assert counted.size > sys.getsizeof(changing)


# -- in kernels ----------------------------------------------------------------------------------


@pytest_asyncio.fixture(params=[LOCAL_CASES[0], RUNNER_CASE], ids=["ipykernel", "runner"])
async def partner(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Partner]:
    async with talking_to(request.param, tmp_path) as found:
        yield found


BITING = """
class Bites(list):
    def _bite(self, *args, **kwargs):
        print("bitten")
        raise SystemExit
    __repr__ = __len__ = __iter__ = __sizeof__ = __getattribute__ = __getitem__ = __hash__ = _bite
    __class__ = __dict__ = property(_bite)
class Meta(type):
    __hash__ = __eq__ = __getattribute__ = __instancecheck__ = Bites._bite
WithMeta = Meta("WithMeta", (), {"__slots__": ("held",)})
bites, with_meta = Bites(["x" * 100_000]), WithMeta()
object.__class__  # the last value is none of theirs
"""


async def measured(partner: Partner, *names: str) -> VariableSizes:
    can_count = partner.kernel.capabilities.sizes
    assert can_count is not None
    return await can_count.measure(names, DEADLINE)


async def test_no_line_of_the_users_code_is_run(partner: Partner) -> None:
    await partner.run(BITING)
    assert partner.all(ErrorRaised) == []
    told = {size.name: size for size in (await measured(partner)).sizes}
    assert 100_000 < told["bites"].size < 101_000
    assert told.keys() == {"bites", "with_meta"}
    await partner.run("1")
    assert "bitten" not in partner.text()


@pytest.mark.slow
async def test_nothing_is_counted_beside_a_cell(partner: Partner) -> None:
    await partner.run("numbers = list(range(3_000_000)); more = [[each] for each in numbers]")
    partner.submit("print('on', flush=True)\nwhile True: pass")
    await partner.printed("on")
    with pytest.raises(Busy):
        await measured(partner)
