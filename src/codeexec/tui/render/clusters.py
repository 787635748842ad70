"""Replace emoji of several code points for terminals that measure each code point.

A row is measured by what is drawn as one sign: a woman at a computer (woman, joiner, computer)
takes two cells. A terminal that does not report grapheme clustering (mode 2027), tmux among them,
may take four, and all that stands behind it in the row is torn. There the cluster is drawn as its
first code point, a flag as the two letters of its country, each as wide as it was measured. The
text itself stays as it is: only what is painted differs.
"""

from __future__ import annotations

import re
from functools import cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_FLAG_A = 0x1F1E6
_LETTERS = {_FLAG_A + number: chr(ord("A") + number) for number in range(26)}


@cache
def _cluster() -> re.Pattern[str]:
    more = r"\u203c-\u3299\U0001f000-\U0001faff"
    skin, tag, variant = r"\U0001f3fb-\U0001f3ff", r"\U000e0020-\U000e007f", r"\ufe0e\ufe0f\u20e3"
    # What stands behind a joiner that joins nothing is measured with that, and stays.
    return re.compile(
        rf"(?<!\u200d)([#*0-9\xa9\xae{more}])((?:[{variant}{skin}{tag}]|\u200d[{more}])+)"
    )


def width_safe(text: str) -> str:
    """The text in signs of one code point each; as wide as before."""
    if text.isascii():
        return text
    drawn = _cluster().sub(lambda match: _alone(match[0], match[1]), text).translate(_LETTERS)
    # Joiners and variants in no order that means anything are measured by what is around them.
    return drawn if drawn == text or cell_len(drawn) == cell_len(text) else text


def _alone(cluster: str, first: str) -> str:
    width = cell_len(cluster)
    return (first if cell_len(first) <= width else "").ljust(width - cell_len(first) + len(first))


class ClusterFilter(LineFilter):
    """Line filter that replaces clusters which a terminal might measure differently."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.control else Segment(width_safe(segment.text), segment.style)
            for segment in segments
        ]
