"""Number of colours of the terminal: from settings, terminal replies, tmux and environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Depth = Literal["truecolor", "256", "16"]

DEPTHS: tuple[Depth, ...] = ("truecolor", "256", "16")

_TRUE_COLOR_TERMINALS = (
    *("kitty", "ghostty", "wezterm", "foot", "alacritty", "iterm", "vte", "konsole", "contour"),
    *("mintty", "rio", "-direct"),
)
"""Parts of TERM, or of a terminal's answer to XTVERSION, of terminals that show 24-bit colour."""

_OF_256 = ("xterm", "rxvt", "tmux", "putty", "gnome", "st-", "mlterm")
"""TERMs of terminals that show 256 colours under whatever name (containers call all of them xterm),
but for those whose name says FEW."""

_FEW = ("16color", "8color", "88color", "mono", "-old", "-r5", "-r6", "xterm-color")

_NO_STRINGS = (
    "dumb",
    "unknown",
    "linux",
    "cons25",
    "vt5",
    "vt100",
    "ansi",
    "sun",
    "screen",
    "eterm",
)
"""TERMs that print a DCS string, or (GNU screen) pass it on to the terminal outside undecoded."""


@dataclass(slots=True)
class TerminalColors:
    """Known colour support of the terminal; replies may arrive in parts, and late.

    `setting` is `auto` or a depth, `tmux_client` what `ask_tmux` said of the terminal outside.
    """

    environ: Mapping[str, str]
    setting: str = "auto"
    tmux_client: str = ""
    true_color: bool | None = None
    version: str = ""

    def note(self, true_color: bool | None, version: str) -> None:
        """Take what the terminal has said now; what it said before stands."""
        self.true_color = self.true_color if true_color is None else true_color
        self.version = version or self.version

    @property
    def depth(self) -> Depth:
        """The colours to use, by the best that is known."""
        for depth in DEPTHS:
            if depth == self.setting:
                return depth
        by_name = _by_name(self.environ)
        if self.environ.get("TMUX") and (features := _features(self.tmux_client)):
            # tmux takes every colour, and turns what its terminal lacks into one of its own.
            if "rgb" in features:
                return "truecolor"
            return "256" if "256" in features else "16"
        if self.true_color is not None:
            return "truecolor" if self.true_color else _limited(by_name)
        if _is_screen(self.environ):
            return _limited(by_name)  # its COLORTERM is that of the terminal that screen runs in
        if any(name in self.version.lower() for name in _TRUE_COLOR_TERMINALS):
            return "truecolor"
        if self.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
            return "truecolor"
        return by_name


def may_ask(environ: Mapping[str, str]) -> bool:
    """Whether the terminal reads DCS strings, in which questions about colour are put."""
    if environ.get("STY"):
        return False
    term = environ.get("TERM", "").lower()
    if not term or term.startswith(_NO_STRINGS):
        # tmux may be called screen: it answers for itself.
        return bool(environ.get("TMUX")) and term.startswith("screen")
    return True


def _limited(depth: Depth) -> Depth:
    return "256" if depth == "truecolor" else depth


def _is_screen(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("STY")) or (
        environ.get("TERM", "").startswith("screen") and not environ.get("TMUX")
    )


def _features(tmux_client: str) -> set[str]:
    """tmux's `client_termfeatures`, such as `256,clipboard,rgb,title`, among its words."""
    for word in tmux_client.split():
        features = set(word.split(","))
        if len(features) > 1 or features & {"256", "rgb"}:
            return features
    return set()


def _by_name(environ: Mapping[str, str]) -> Depth:
    term = environ.get("TERM", "").lower()
    if any(name in term for name in _TRUE_COLOR_TERMINALS):
        return "truecolor"
    if "256" in term or (term.startswith(_OF_256) and not any(few in term for few in _FEW)):
        return "256"
    return "16"
