"""The place of a picture in rendered Markdown: words until it is painted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from codeexec.tui.render.plain import one_line

if TYPE_CHECKING:
    from codeexec.documents.displays.markdown_pictures import MarkdownPicture
    from codeexec.tui.theme.theme import Theme


class PictureSlot:
    """`is_in_view` is set as a row of it is drawn; then it is to be loaded, once."""

    def __init__(self, picture: MarkdownPicture, theme: Theme) -> None:
        self.picture = picture
        self.is_in_view = False
        self.is_loading = False
        self._theme = theme
        self.rows: Sequence[Strip] = [self._words()]

    @property
    def is_wanted(self) -> bool:
        return self.is_in_view and not self.is_loading

    def fail(self, reason: str) -> None:
        """Show the alternative text, and why there is no picture."""
        self.rows = [self._words(reason)]

    def _words(self, reason: str = "") -> Strip:
        target = self.picture.target
        name = "" if target.startswith("data:") else target.removeprefix("attachment:")
        words = one_line(self.picture.alt.strip() or name[:200] or "picture")
        text = f"▣ {words}" + (f" ({reason.rstrip('.')})" if reason else "")
        return Strip([Segment(text, self._theme.style("muted"))])
