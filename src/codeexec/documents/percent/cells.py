"""An index of the cells of a `# %%` script, or of the text of a notebook, that follows edits."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

from codeexec.documents.cell_language import PLAIN, CellForm, canonical, script_form
from codeexec.documents.model import Cell, CellKind
from codeexec.documents.percent.attributes import read_attributes
from codeexec.documents.percent.fences import fenced_marks, may_fence
from codeexec.documents.percent.separators import Separator, code_of, parse_any, uncomment, unescape
from codeexec.documents.percent.strings import quote_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FRESH = "f"
"""First letter of the keys of cells that no earlier execution belongs to."""


@lru_cache(maxsize=256)
def _script_form(attributes: str, main_language: str) -> CellForm:
    return script_form(read_attributes(attributes), main_language)


class CellIndex:
    """Index of the cells of a text, updated with each edit.

    It holds only separators, so the cost of an edit is that of the edited lines (and of shifting
    the separators below, if the number of lines changes). Each separator has a key that stays the
    same while its line is edited. Lines in multi-line strings (of Python) are no separators, as
    in jupytext, and neither are lines in fenced blocks of Markdown cells. The text of a notebook
    is `escaped`, so each of its separators counts.
    """

    def __init__(
        self, lines: Sequence[str], marker: str, *, escaped: bool = False, main_language: str = ""
    ) -> None:
        """`main_language` is that of a script; empty: as the marker lets expect."""
        self.marker = marker
        self.main_language = main_language or ("python" if marker == "#" else "")
        self._escaped = escaped
        self._numbers = count()
        self._lines: list[int] = []  # that read as separators, in a string or not
        self._found: list[Separator] = []
        self._found_keys: list[str] = []
        self._identity: tuple[str, ...] | None = None
        # Lines with triple quotes or fences: their numbers, and what they are.
        self._quote_lines: list[int] = []
        self._quote_texts: list[str] = []
        self._starts: list[int] = []
        self._separators: list[Separator] = []
        self._keys: list[str] = []
        self._preamble_key = self._new_key()
        self._line_count = len(lines)
        scanned = self._scan(lines, 0)
        self._lines = [number for number, _ in scanned]
        self._found = [separator for _, separator in scanned]
        self._found_keys = [self._new_key() for _ in scanned]
        self._quote_lines, self._quote_texts = self._scan_quotes(lines, 0)
        self._choose()

    is_fenced = False
    """Whether the cells are fences of Markdown: see `documents/fenced`."""
    language = ""
    """The language of the code in fences."""
    info = ""
    """The words after the fence of a new cell."""

    @property
    def escaped(self) -> bool:
        return self._escaped

    @escaped.setter
    def escaped(self, escaped: bool) -> None:
        if escaped != self._escaped:
            self._escaped = escaped
            self._choose()

    def _new_key(self) -> str:
        return f"c{next(self._numbers)}"

    def fresh_key(self) -> str:
        """A key for a cell that has no executions yet, although its code may be that of another."""
        return f"{FRESH}{next(self._numbers)}"

    @property
    def identity(self) -> tuple[str, ...]:
        """The keys of all separators, for `restore`."""
        if self._identity is None:
            self._identity = tuple(self._found_keys)
        return self._identity

    def restore(self, identity: Sequence[str]) -> None:
        """Give the separators the keys that they had; ignored if their number is another."""
        if len(identity) == len(self._found_keys):
            self._found_keys = list(identity)
            self._choose()

    def rename(self, keys: Sequence[str]) -> None:
        """Give the cells these keys, in order; ignored if their number is another."""
        own = keys[self.has_preamble :]
        if len(keys) != len(self):
            return
        new_keys = dict(zip(self._keys, own, strict=True))
        self._found_keys = [new_keys.get(key, key) for key in self._found_keys]
        self._choose()

    def _scan(self, lines: Iterable[str], first: int) -> list[tuple[int, Separator]]:
        marker = self.marker
        return [
            (number, separator)
            for number, line in enumerate(lines, first)
            if ("%%" in line or "In[" in line or "<codecell>" in line)
            and (separator := parse_any(line, marker)) is not None
        ]

    def _scan_quotes(self, lines: Iterable[str], first: int) -> tuple[list[int], list[str]]:
        """Numbers and texts of the lines with triple quotes or fences."""
        quotes = [
            (number, line)
            for number, line in enumerate(lines, first)
            if '"""' in line or "'''" in line or "```" in line or "~~~" in line
        ]
        return [number for number, _ in quotes], [line for _, line in quotes]

    def _choose(self) -> None:
        """Choose the separators: lines outside strings; in a notebook no marks of older tools."""
        chosen: Sequence[int] = range(len(self._lines))
        if self._escaped:
            chosen = [at for at in chosen if not self._found[at].is_mark]
        if self._quote_lines and not self._escaped:
            quoted = (self._quoted() if self.marker == "#" else set()) | self._fenced()
            chosen = [at for at in chosen if self._lines[at] not in quoted]
        self._identity = None
        self._starts = [self._lines[at] for at in chosen]
        self._separators = [self._found[at] for at in chosen]
        self._keys = [self._found_keys[at] for at in chosen]

    def _quoted(self) -> set[int]:
        """Lines that read as separators and are inside a string. A string without an end is
        ignored: the user may be typing it."""
        quoted: set[int] = set()
        pending: list[int] = []
        quote, at = "", 0
        for number, line in zip(self._quote_lines, self._quote_texts, strict=True):
            # A string may end in a line that reads as a separator.
            while at < len(self._lines) and self._lines[at] < number + bool(quote):
                if quote:
                    pending.append(self._lines[at])
                at += 1
            if at < len(self._lines) and self._lines[at] == number and not quote:
                continue  # a separator with quotes in its title
            open_quote = quote_after(line, quote)
            if quote and open_quote != quote:
                quoted.update(pending)
                pending.clear()
            quote = open_quote
        return quoted

    def _fenced(self) -> set[int]:
        """Lines that read as separators and are inside a fenced block of a Markdown cell."""
        kinds = (separator.kind is not CellKind.CODE for separator in self._found)
        fences = [
            (number, uncomment(line, self.marker))
            for number, line in zip(self._quote_lines, self._quote_texts, strict=True)
            if may_fence(line)
        ]
        return fenced_marks(list(zip(self._lines, kinds, strict=True)), fences) if fences else set()

    def splice(self, first: int, removed: int, inserted: Sequence[str]) -> bool:
        """Replace lines `first : first + removed` by `inserted`.

        Returns True if separators were added, removed or changed; shifting does not count.
        """
        low = bisect_left(self._lines, first)
        high = bisect_left(self._lines, first + removed)
        shift = len(inserted) - removed
        self._line_count += shift
        scanned = self._scan(inserted, first)
        changed_quotes = self._splice_quotes(first, removed, inserted, shift)
        if shift:
            for position in range(high, len(self._lines)):
                self._lines[position] += shift
        old = [(self._lines[i], self._found[i]) for i in range(low, high)]
        if old == scanned:
            old_separators = self._separators
            if changed_quotes:
                self._choose()
            elif shift:
                start = bisect_left(self._starts, first + removed)
                for position in range(start, len(self._starts)):
                    self._starts[position] += shift
            return changed_quotes and old_separators != self._separators
        keys = self._match(low, high, scanned)
        self._lines[low:high] = [number for number, _ in scanned]
        self._found[low:high] = [separator for _, separator in scanned]
        self._found_keys[low:high] = keys
        self._choose()
        return True

    def _splice_quotes(self, first: int, removed: int, inserted: Sequence[str], shift: int) -> bool:
        """Update the lines with quotes; returns whether any was added, removed, changed or moved:
        one that moved may stand on the other side of a separator."""
        numbers, texts = self._quote_lines, self._quote_texts
        low = bisect_left(numbers, first)
        high = bisect_left(numbers, first + removed)
        new_numbers, new_texts = self._scan_quotes(inserted, first)
        if shift:
            numbers[high:] = [number + shift for number in numbers[high:]]
        changed = numbers[low:high] != new_numbers or texts[low:high] != new_texts
        numbers[low:high] = new_numbers
        texts[low:high] = new_texts
        return changed

    def _match(self, low: int, high: int, scanned: list[tuple[int, Separator]]) -> list[str]:
        """Keys for `scanned`: those of equal replaced separators, then the others in order."""
        free = dict(zip(self._found_keys[low:high], self._found[low:high], strict=True))
        keys: list[str | None] = []
        for _, separator in scanned:
            same = next((key for key, old in free.items() if old == separator), None)
            if same is not None:
                del free[same]
            keys.append(same)
        unused_keys = iter(free)
        if len(scanned) == high - low:
            keys = [key if key is not None else next(unused_keys, None) for key in keys]
        return [key if key is not None else self._new_key() for key in keys]

    def __len__(self) -> int:
        return len(self._starts) + self.has_preamble

    @property
    def has_preamble(self) -> bool:
        """Whether there is text before the first separator, or no separator."""
        return not self._starts or self._starts[0] > 0

    @property
    def separators(self) -> Sequence[int]:
        """The separator lines, in order."""
        return self._starts

    def separator_at(self, line: int) -> Separator | None:
        """The separator on this line."""
        position = bisect_left(self._starts, line)
        if position < len(self._starts) and self._starts[position] == line:
            return self._separators[position]
        return None

    def kind(self, index: int) -> CellKind:
        """The kind of cell `index`; text before the first separator is code."""
        position = index - self.has_preamble
        return self._separators[position].kind if position >= 0 else CellKind.CODE

    def form(self, index: int) -> CellForm:
        """How code of cell `index` stands in the text, as its separator says."""
        position = index - self.has_preamble
        if position < 0 or self._separators[position].kind is not CellKind.CODE:
            return PLAIN
        return self.form_of(self._separators[position])

    def form_of(self, separator: Separator) -> CellForm:
        """How code below this separator stands in the text."""
        if not separator.attributes:
            return PLAIN
        if self._escaped:
            return CellForm(canonical(read_attributes(separator.attributes).get("language")))
        return _script_form(separator.attributes, self.main_language)

    @property
    def has_languages(self) -> bool:
        """Whether there may be cells whose language is not that of the text."""
        return self.is_fenced or any(separator.attributes for separator in self._separators)

    def is_foot(self, line: int) -> bool:
        """Whether the line closes the fence of a cell."""
        return False

    def at(self, line: int) -> int:
        """The index of the cell that holds `line`."""
        return max(0, bisect_right(self._starts, line) - (not self.has_preamble))

    def span(self, index: int) -> tuple[int, int]:
        """First line (the separator) and the line after the last of cell `index`."""
        position = index - self.has_preamble
        start = self._starts[position] if position >= 0 else 0
        following = position + 1
        return start, self._starts[following] if following < len(self._starts) else self._line_count

    def key(self, index: int) -> str:
        position = index - self.has_preamble
        return self._keys[position] if position >= 0 else self._preamble_key

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all cells, in order."""
        return (self._preamble_key, *self._keys) if self.has_preamble else tuple(self._keys)

    def index_of(self, key: str) -> int | None:
        """The index of the cell with this key; None if it does not exist any more."""
        if key == self._preamble_key:
            return 0 if self.has_preamble else None
        try:
            return self._keys.index(key) + self.has_preamble
        except ValueError:
            return None

    def cell(self, index: int, lines: Sequence[str]) -> Cell:
        """Cell `index` of the text whose lines are `lines`."""
        start, end = self.span(index)
        position = index - self.has_preamble
        separator = self._separators[position] if position >= 0 else Separator()
        body = start if position < 0 else start + 1
        last = end
        while last > body and not lines[last - 1].strip():
            last -= 1
        source = self.source(lines[body:last])
        form = self.form(index)
        if separator.kind is not CellKind.CODE:
            source = uncomment(source, self.marker)
        elif form is not PLAIN:
            source = code_of(source, form, self.marker)
        key = self.key(index)
        return Cell(
            index, separator.kind, separator.title, start, body, end, source, key, form.language
        )

    def source(self, lines: Iterable[str]) -> str:
        """Lines of the text as code to run."""
        text = "\n".join(lines)
        if self._escaped and "\\%%" in text:
            return "\n".join(unescape(line, self.marker) for line in text.split("\n"))
        return text

    def cells(self, lines: Sequence[str]) -> tuple[Cell, ...]:
        return tuple(self.cell(index, lines) for index in range(len(self)))


def split_cells(text: str, marker: str, *, escaped: bool = False) -> tuple[Cell, ...]:
    """The cells of `text`; without separators it is one cell. The text of a notebook is
    `escaped`. A blank preamble before the first separator is not a cell.
    """
    lines = text.split("\n")
    index = CellIndex(lines, marker, escaped=escaped)
    cells = index.cells(lines)
    if len(cells) > 1 and index.has_preamble and cells[0].is_blank:
        shifted = enumerate(cells[1:])
        return tuple(replace(cell, index=place) for place, cell in shifted)
    return cells
