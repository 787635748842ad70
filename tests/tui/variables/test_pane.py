"""The variables pane by keys, on snapshots made by hand; a busy kernel, a restart, a search."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.widgets import Static

from codeexec.domain.errors import Busy, CodeexecError, NotFound
from codeexec.domain.events import Recorded, Variable
from codeexec.domain.flow import OutputMode
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.requests import DeleteVariable, Request, SetSessionVariables
from codeexec.domain.snapshot import KernelView, Snapshot
from codeexec.domain.text.words import size_words
from codeexec.domain.wire.frames import StreamChunk
from codeexec.tui.panes.artifacts.items import Item
from codeexec.tui.panes.variables.outline import VariableColumns, VariableRow, alive, ordered
from codeexec.tui.panes.variables.pane import VariablesPane
from codeexec.tui.session.ask import Failed
from support.pane_app import PaneApp, until
from support.rows import text_of

R = TypeVar("R")

NAMES = (
    Variable("beta", "int", "7", size=28),
    Variable("Alpha", "DataFrame", "", shape="9x2", size=5000, kind="table"),
    Variable("gamma", "str", "'x'"),
)


class Refusing:
    """A `SessionClient` that refuses everything, and notes what it was asked."""

    session_id = "refusing"

    def __init__(self, error: CodeexecError) -> None:
        self._error = error
        self.asked: list[Request[object]] = []

    async def call(self, request: Request[R]) -> R:
        self.asked.append(request)  # type: ignore[arg-type]
        raise self._error

    async def events(
        self, after: int = 0, output: OutputMode = "tail"
    ) -> AsyncIterator[Sequence[Recorded]]:
        nothing: tuple[Sequence[Recorded], ...] = ()
        for batch in nothing:
            yield batch

    async def stream(self, stream_id: str, after: int = 0) -> AsyncIterator[StreamChunk]:
        chunks: tuple[StreamChunk, ...] = ()
        for chunk in chunks:
            yield chunk


def session_with(*variables: Variable, generation: int = 1, state: str = "idle") -> Snapshot:
    kernel = KernelView(
        state,  # type: ignore[arg-type]
        generation,
        variables=variables,
        variables_generation=1,
    )
    return Snapshot(kernels={DEFAULT_KERNEL: kernel})


def names(pane: VariablesPane) -> list[str]:
    return [row.split()[0] for row in text_of(pane.rows)]


async def test_order_and_search() -> None:
    pane = VariablesPane()
    app = PaneApp(pane)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show(session_with(*NAMES))
        assert names(pane) == ["Alpha", "beta", "gamma"]
        pane.take_focus()
        await pilot.press("s")
        assert names(pane) == ["Alpha", "beta", "gamma"]
        await pilot.press("s")
        assert names(pane) == ["Alpha", "beta", "gamma"]
        await pilot.press("S")
        assert names(pane) == ["gamma", "beta", "Alpha"]
        await pilot.press("slash", *"str")
        assert names(pane) == ["gamma"]
        await pilot.press("d", "j", "enter")
        assert "strdj" in str(pane.query_one("#nothing", Static).content)
        await pilot.press("escape")
        assert len(names(pane)) == 3
        await pilot.press("up")
        assert pane.current is not None


async def test_modules_are_listed_for_who_looks_for_them() -> None:
    pane = VariablesPane()
    app = PaneApp(pane)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show(session_with(*NAMES, Variable("pd", "module", kind="module")))
        assert "pd" not in names(pane)
        pane.take_focus()
        await pilot.press("slash", *"pd")
        assert names(pane) == ["pd"]


async def test_the_cursor_stays_on_its_name() -> None:
    pane = VariablesPane()
    app = PaneApp(pane)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show(session_with(*NAMES))
        pane.take_focus()
        await pilot.press("down")
        assert pane.current is not None and pane.current.name == "beta"
        app.show(session_with(Variable("aaa", "int"), *NAMES))
        assert pane.current.name == "beta"
        assert names(pane)[pane._list.cursor] == "beta"


async def test_a_new_kernel_has_none_of_the_old_ones_variables() -> None:
    pane = VariablesPane()
    app = PaneApp(pane)
    async with app.run_test(size=(40, 20)):
        app.show(session_with(*NAMES))
        assert len(names(pane)) == 3
        app.show(session_with(*NAMES, generation=2))
        assert pane.has_class("-empty")
        app.show(session_with(*NAMES, state="dead"))
        assert pane.has_class("-empty")


async def test_a_busy_kernel_is_said_quietly_and_another_refusal_aloud() -> None:
    pane = VariablesPane(Refusing(Busy("It runs code.")))
    app = PaneApp(pane)
    async with app.run_test(size=(60, 20)) as pilot:
        app.show(session_with(*NAMES, state="busy"))
        pane.take_focus()
        await pilot.press("r")
        word = pane.query_one("#word", Static)
        await until(pilot, lambda: "busy" in str(word.content))
        assert not app.heard_of(Failed)
        app.show(session_with(*NAMES))
        assert str(word.content) == ""
        pane.connect(Refusing(NotFound("It is gone.")))
        await pilot.press("r")
        await until(pilot, lambda: app.heard_of(Failed))


async def test_deleting_asks_first() -> None:
    client = Refusing(Busy("It runs code."))
    pane = VariablesPane(client)
    app = PaneApp(pane)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show(session_with(*NAMES))
        pane.take_focus()
        await pilot.press("down", "d")
        assert str(pane.query_one("#word", Static).content) == "Delete the variable “beta”? y / n"
        await pilot.press("down")
        assert pane.current is not None and pane.current.name == "beta"
        await pilot.press("d", "escape")
        assert client.asked == []
        await pilot.press("d", "y")
        await until(pilot, lambda: client.asked)
        assert client.asked == [DeleteVariable("beta")]


async def test_session_variables_are_listed_as_such_and_deleted_by_their_own_request() -> None:
    client = Refusing(Busy("It runs code."))
    pane = VariablesPane(client)
    app = PaneApp(pane)
    async with app.run_test(size=(40, 20)) as pilot:
        # They are there without a kernel too.
        app.show(Snapshot(session_variables={"unit": "tokens"}))
        await until(pilot, lambda: text_of(pane.rows))
        assert text_of(pane.rows)[0].split() == ["session.unit", "session", "tokens"]
        pane.take_focus()
        await pilot.press("enter", "right", "d", "y")
        await until(pilot, lambda: client.asked)
        assert client.asked == [SetSessionVariables(remove=("unit",))]


def test_the_row_of_a_long_session_variable_is_made_of_its_beginning() -> None:
    (variable,) = alive(Snapshot(session_variables={"long": "x" * 1_000_000}))
    assert variable.preview == "x" * 1000


@given(
    name=st.text(max_size=30),
    preview=st.text(max_size=200),
    shape=st.sampled_from(["", "3", "1000x8"]),
    size=st.none() | st.integers(0, 10**12),
    width=st.integers(20, 120),
    owner=st.sampled_from(["", "df"]),
)
def test_a_row_never_takes_more_than_its_width(
    name: str, preview: str, shape: str, size: int | None, width: int, owner: str
) -> None:
    variable = Variable(name, "DataFrame", preview, shape, size, "table")
    columns = VariableColumns(
        min(13, width // 3), 6, 9 if width >= 56 else 0, 8 if width >= 36 else 0
    )
    row = VariableRow(variable, owner, not owner, columns, "" if size is None else size_words(size))
    assert cell_len("".join(text for text, _ in row.pieces(width))) <= width


@given(
    name=st.text(max_size=60), detail=st.text("0123456789×", max_size=12), width=st.integers(16, 90)
)
def test_an_item_ends_at_the_right_edge(name: str, detail: str, width: int) -> None:
    item = Item("k", "picture", name, detail, "image/png", 1, "c", count=12)
    assert cell_len("".join(text for text, _ in item.pieces(width))) == width


@pytest.mark.parametrize("descending", [False, True])
def test_unknown_sizes_are_the_smallest(descending: bool) -> None:
    found = [each.name for each in ordered(NAMES, "size", descending)]
    assert found[0 if not descending else -1] == "gamma"
