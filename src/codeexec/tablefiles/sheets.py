"""Sheets of Excel workbooks: the stored values of cells, also of formulas; nothing is computed."""

from __future__ import annotations

import zipfile
from typing import Any

from codeexec.guest.prelude import texts_of
from codeexec.guest.tables.columns import coded
from codeexec.guest.tables.sources import WithoutZones, write_rows
from codeexec.guest.tables.work import Refused, size_words

MOST_BYTES = 600 << 20
"""Bytes of all parts of a workbook, not compressed."""

MOST_CELLS = 6_000_000
"""Cells of a sheet, from its first to its last one that is filled."""


class Workbook:
    """A workbook at `path`, which leads to the open descriptor."""

    def __init__(self, path: str) -> None:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError

        _check_size(path)
        try:
            self._workbook = CalamineWorkbook.from_path(path)
        except PasswordError:
            raise Refused("The workbook is encrypted with a password.") from None
        except (CalamineError, OSError) as error:
            raise Refused(f"The workbook is damaged: {_words(error)}.") from None

    def tables(self) -> list[tuple[str, str, int]]:
        """Name and kind of each sheet that has cells; the number of columns is not known."""
        from python_calamine import SheetTypeEnum, SheetVisibleEnum

        return [
            (
                sheet.name,
                "sheet" if sheet.visible == SheetVisibleEnum.Visible else "hidden sheet",
                0,
            )
            for sheet in self._workbook.sheets_metadata
            if sheet.typ in (SheetTypeEnum.WorkSheet, SheetTypeEnum.MacroSheet)
        ]

    def read(self, name: str) -> SheetSource:
        from python_calamine import CalamineError

        try:
            sheet = self._workbook.get_sheet_by_name(name)
        except CalamineError as error:
            raise Refused(f"The sheet is damaged: {_words(error)}.") from None
        cells = sheet.height * sheet.width
        if cells > MOST_CELLS:
            raise Refused(
                f"The sheet has {cells:,} cells, of which {MOST_CELLS:,} can be shown at most."
            )
        first = sheet.start[0] + 1 if sheet.start is not None else 1
        return SheetSource(sheet.to_python(), first)


class SheetSource(WithoutZones):
    """The cells of a sheet; the first row has the names where all of it is text."""

    def __init__(self, lines: list[list[Any]], first: int) -> None:
        """`first` is the number that the sheet gives its first line."""
        width = max(map(len, lines), default=0)
        if not width:
            raise Refused("The sheet is empty.")
        has_head = len(lines) > 1 and _is_head(lines[0])
        self._first = first + has_head
        self.names = _names(lines[0] if has_head else [], width)
        body = lines[1:] if has_head else lines
        self.rows = len(body)
        columns = list(zip(*body, strict=True)) if body else [()] * width
        self._columns = [[None if v == "" else _plain(v) for v in column] for column in columns]
        self.types = [_type_of(column) for column in self._columns]
        for at, kind in enumerate(self.types):
            if kind == "int":
                column = self._columns[at]
                self._columns[at] = [None if v is None else int(v) for v in column]

    def index(self, picked: Any) -> list[str]:
        """The numbers of the rows in the sheet."""
        return [str(at + self._first) for at in picked]

    def texts(self, at: int, picked: Any) -> list[str]:
        values = [self._columns[at][row] for row in picked]
        texts = zip(values, texts_of(values), strict=True)
        return ["" if value is None else text for value, text in texts]

    def column(self, at: int) -> tuple[str, Any, Any]:
        import numpy as np

        column = self._columns[at]
        if self.types[at] not in ("int", "float"):
            return coded(column)
        present = np.array([value is not None for value in column], bool)
        values = np.array([value or 0 for value in column], float)
        return "numbers", values, None if present.all() else present

    def write(self, path: str, columns: list[int], picks: Any) -> None:
        write_rows(self, path, columns, picks)


def _check_size(path: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Refused(f"The workbook is damaged: {_words(error)}.") from None
    if size > MOST_BYTES:
        raise Refused(
            f"The workbook unpacks to {size_words(size)}, of which {size_words(MOST_BYTES)}"
            " are read at most."
        )


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")[:200] or type(error).__name__


def _is_head(line: list[Any]) -> bool:
    filled = [value for value in line if value != ""]
    return bool(filled) and all(type(value) is str for value in filled)


def _names(head: list[Any], width: int) -> list[str]:
    """Names of columns, each once: the letters of the sheet where there is none."""
    names: list[str] = []
    for at in range(width):
        name = str(head[at]).strip() if at < len(head) else ""
        name = name or _letters(at)
        number, unique = 2, name
        while unique in names:
            unique, number = f"{name} ({number})", number + 1
        names.append(unique)
    return names


def _letters(at: int) -> str:
    """0 is A, 26 is AA."""
    letters = ""
    at += 1
    while at:
        at, letter = divmod(at - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


def _plain(value: Any) -> Any:
    """Text without what only the file format needs."""
    return value.replace("_x000D_", "") if type(value) is str and "_x000D_" in value else value


def _type_of(column: list[Any]) -> str:
    kinds = {type(value) for value in column if value is not None}
    if not kinds:
        return "empty"
    if kinds <= {int, float}:
        is_whole = all(value is None or value == value // 1 for value in column)
        return "int" if is_whole else "float"
    if len(kinds) > 1:
        return "mixed"
    return kinds.pop().__name__
