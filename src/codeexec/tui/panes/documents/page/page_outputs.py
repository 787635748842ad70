"""The output blocks of one page, and what their views miss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from textual.app import App
from textual.strip import Strip

from codeexec.domain.outputs import Run
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.output.context import OutputContext
from codeexec.tui.output.loader import OutputLoader, requests_of
from codeexec.tui.output.painter import GUTTER
from codeexec.tui.output.view import OutputView
from codeexec.tui.panes.documents.page.kept_folds import OutputFold
from codeexec.tui.panes.documents.page.output_block import OutputBlock
from codeexec.tui.theme.theme import Theme

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.code_editor import CodeEditor
    from codeexec.tui.session.requester import Requester


class PageOutputs:
    """By key of the cell. `changed` is called with the keys whose block has another height or
    other rows."""

    def __init__(
        self,
        editor: CodeEditor,
        theme: Theme,
        requester: Requester,
        changed: Callable[[Iterable[str]], None],
    ) -> None:
        self._editor = editor
        self._changed = changed
        self.output = OutputContext(theme)
        self.output.scrolls_tables = True
        self.loader = OutputLoader(requester, self)
        self._blocks: dict[str, OutputBlock] = {}
        self._keys: dict[str, str] = {}
        """Cells by execution."""
        self._bound = 16
        self._folds: dict[str, OutputFold] = {}
        """Folds of blocks that are not made yet, by cell."""

    @property
    def app(self) -> App[object]:
        return self._editor.app

    def get(self, cell_key: str) -> OutputBlock | None:
        return self._blocks.get(cell_key)

    def fit(self) -> bool:
        """Fit lines to the size of the editor; whether all has to be measured again."""
        region = self._editor.scrollable_content_region
        width = max(region.width - self._editor.painter.gutter - GUTTER, 10)
        bound = max(10, min(region.height * 2 // 3, 30))
        if (width, bound) == (self.output.width, self._bound):
            return False
        self.output.width, self._bound = width, bound
        self.output.picture_rows = max(bound - 3, 6)
        self.measure_again()
        return True

    def measure_again(self) -> None:
        """The width or the theme has changed."""
        for block in self._blocks.values():
            block.bound = self._bound
            block.output.measure_again()

    def show(self, cell_key: str, view: ExecutionView, rewritten: int | None = None) -> None:
        """Show an execution below a cell. One that is over and came without its rows, as it left
        the snapshot, does not take the place of itself."""
        block = self._blocks.get(cell_key)
        if block is None or block.view.execution_id != view.execution_id:
            fold = block.fold if block is not None else OutputFold.BOUNDED
            self.drop(cell_key)
            block = self._blocks[cell_key] = OutputBlock(OutputView(view, self.output))
            block.bound = self._bound
            if fold is OutputFold.WHOLE:
                fold = OutputFold.BOUNDED
            block.fold = self._folds.pop(cell_key, fold)
            block.output.measure()
            self._keys[view.execution_id] = cell_key
        elif block.view is view:
            if block.output.has_widgets:
                block.output.measure()
        elif view.tail or view.is_open or not block.view.total or block.view.is_open:
            block.output.update(view, rewritten)

    def measure_widgets(self) -> list[str]:
        """Measure outputs with widgets again; returns the keys of their cells."""
        keys = [key for key, block in self._blocks.items() if block.output.has_widgets]
        for key in keys:
            self._blocks[key].output.measure()
        return keys

    def put_whole(self, cell_key: str, view: ExecutionView) -> None:
        """Show all rows of an output of the file below its cell."""
        block = self._blocks.get(cell_key)
        if block is not None and block.view.execution_id == view.execution_id:
            block.output = OutputView(view, self.output)
            block.output.measure()

    @property
    def folds(self) -> Mapping[str, OutputFold]:
        """The folds that were chosen, by cell."""
        chosen = {
            key: block.fold
            for key, block in self._blocks.items()
            if block.fold is not OutputFold.BOUNDED
        }
        return self._folds | chosen

    def fold(self, folds: Mapping[str, OutputFold]) -> None:
        """Fold outputs of these cells so, now or when they come, and those of others not."""
        self._folds = {key: fold for key, fold in folds.items() if key not in self._blocks}
        for key, block in self._blocks.items():
            block.fold = folds.get(key, OutputFold.BOUNDED)

    def scroll(self, cell_key: str, across: int, down: int) -> bool:
        """Scroll the output of a cell by columns and lines; whether it can be scrolled so."""
        block = self._blocks.get(cell_key)
        if block is None or not block.scroll(across, down):
            return False
        self._editor.refresh()
        return True

    def drop(self, cell_key: str) -> None:
        """Show nothing below a cell."""
        block = self._blocks.pop(cell_key, None)
        if block is not None:
            self._keys.pop(block.view.execution_id, None)

    def drop_others(self, cell_keys: Iterable[str]) -> None:
        """Show nothing below cells but these."""
        for key in self._blocks.keys() - set(cell_keys):
            self.drop(key)

    def show_changed(
        self, views: Iterable[ExecutionView], rewritten: Mapping[str, int]
    ) -> list[str]:
        """Bring executions that are shown up to date; returns the keys of their cells."""
        keys = []
        for view in views:
            cell_key = self._keys.get(view.execution_id)
            if cell_key is not None:
                self.show(cell_key, view, rewritten.get(view.execution_id))
                keys.append(cell_key)
        return keys

    # -- rows and pictures that views miss ------------------------------------------------------

    def load_missing(self) -> None:
        """Load what was missed while rows were painted."""
        for message in requests_of(self.output):
            self.loader.load(message)

    def take_rows(self, key: str, start: int, runs: Iterable[Run]) -> None:
        rows = tuple(runs)
        self.output.pages.put(key, start, rows)
        cell_key = self._keys.get(key)
        if cell_key is not None:
            self._blocks[cell_key].output.measure_page(start, rows)
            self._changed([cell_key])

    def take_image(self, key: str, token: str, lines: list[Strip]) -> None:
        if self.output.pictures.accepts(key, token):
            self._changed(
                [
                    name
                    for name, block in self._blocks.items()
                    if block.output.put_picture(key, lines)
                ]
            )
