"""Underlines that rich has no attribute for: curly, dotted, dashed, and in a colour."""

from __future__ import annotations

from rich.color import ColorSystem
from rich.style import Style

_KINDS = {3: "4:3", 4: "4:4", 5: "4:5"}
"""SGR of the kinds of underline, by number: 1 is single, 2 double (rich has these)."""


def with_underline(style: Style, kind: int, color: tuple[int, int, int] | None) -> Style:
    """The style with an underline of that kind and colour, for a terminal with true colour.

    rich writes the codes of a style once and keeps them: here they are written before, with those
    that it does not have. Combining the style with another one gives a plain underline.
    """
    codes = [_KINDS[kind]] if kind in _KINDS else []
    if color is not None:
        codes.append("58:2::{}:{}:{}".format(*color))
    styled = style + Style(underline=True)
    if kind == 2:
        styled += Style(underline2=True)
    if not codes:
        return styled
    # rich and Textual remember results by equal styles: the meta tells this one from a plain one.
    styled += Style.from_meta({"underline": ";".join(codes)})
    styled = styled.copy()
    styled._ansi = None
    styled._ansi = ";".join([styled._make_ansi_codes(ColorSystem.TRUECOLOR), *codes])
    return styled
