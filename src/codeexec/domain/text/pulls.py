"""Progress of an image download as text: a bar and sizes, the same in every client."""

from __future__ import annotations

from codeexec.domain.events.starts import ImagePullAdvanced

BAR = 16
"""Cells of the bar."""


def pull_words(pull: ImagePullAdvanced) -> str:
    """Such as `━━━━━━━━──────── 21 of 42 MB`; the layers where no sizes are known, and at the end,
    when all that is left is to unpack them."""
    if pull.done < pull.total:
        filled = BAR * pull.done // pull.total
        return f"{_bar(filled)} {_mb(pull.done)} of {_mb(pull.total)} MB"
    if pull.layers:
        filled = BAR * pull.layers_done // pull.layers
        return f"{_bar(filled)} {pull.layers_done} of {pull.layers} layers"
    return ""


def _bar(filled: int) -> str:
    return "━" * filled + "─" * (BAR - filled)


def _mb(count: int) -> str:
    return f"{count / 1e6:,.0f}"
