"""The rows of a list as text."""

from __future__ import annotations

from collections.abc import Sequence

from codeexec.tui.widgets.row_list import ListRow


def text_of(rows: Sequence[ListRow], width: int = 60) -> list[str]:
    return ["".join(text for text, _ in row.pieces(width)) for row in rows]
