"""What the output views of one pane share: painter, width, pages of rows and pictures."""

from __future__ import annotations

from codeexec.tui.output.ipywidgets.board import WidgetBoard
from codeexec.tui.output.painter import OutputPainter
from codeexec.tui.output.pictures import PictureRequests
from codeexec.tui.output.rows import RowPages
from codeexec.tui.theme.theme import Theme


class OutputContext:
    """`width` is that of a line of output, in cells; after a change of it, or of the theme, each
    view is to be measured again (`OutputView.measure_again`). Pictures take up to `enlargement`
    times their own size."""

    def __init__(
        self, theme: Theme, *, width: int = 80, picture_rows: int = 0, enlargement: int = 1
    ) -> None:
        self.painter = OutputPainter(theme)
        self.pages = RowPages()
        self.pictures = PictureRequests(enlargement)
        self.width = width
        self.picture_rows = picture_rows
        """The most lines that a picture takes; 0 where pictures are only described."""
        self.scrolls_tables = False
        """Tables that are too wide have all their columns, and are scrolled sideways."""
        self.board = WidgetBoard()
        """The widgets that are drawn and operated."""
        self.picture_beside = ""
        """Key of the display whose picture another pane shows: it is only described."""

    def use(self, theme: Theme) -> None:
        """Paint with another theme."""
        self.painter = OutputPainter(theme)
        self.pictures.clear()
