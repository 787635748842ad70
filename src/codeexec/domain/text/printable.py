"""The door for text from outside: what acts on a terminal, or shows nothing, is made visible.

Names, titles, prompts, messages, code and values come from files, programs, kernels and other
people. A renderer passes each of them through `printable` before it measures or draws it, so that
no caller has to. Rows of output are the exception: they may hold styles and links, and pass
through `printable_row`, or through `screen_row` where they are drawn.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from re import Match, Pattern

MARK = "\N{MIDDLE DOT}"
"""Stands for a character that has no sign of its own; one cell wide."""

# -- what is replaced ------------------------------------------------------------------

_C0 = r"\x00-\x08\x0b-\x1f\x7f"
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"

_ACTING = rf"{_C0}\x80-\x9f{_BIDI}\u2028\u2029\ud800-\udfff"
"""A terminal acts on these, or they change the order of what stands around them."""

_UNSEEN = (
    r"\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Nothing shows these: two names that differ in them alone look the same."""

_UNSEEN_LETTERS = frozenset(
    map(
        chr,
        [
            *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164),
            *(*range(0xFE00, 0xFE10), 0xFFA0, *range(0xE0100, 0xE01F0)),
        ],
    )
)
"""Those of them that Python counts as printable; it does none of what acts."""

# -- what of that has a meaning where it stands ----------------------------------------

_EMOJI = (
    r"\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf"
    r"\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_HAN = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# Scripts that choose between forms of a letter by joiners: https://www.unicode.org/reports/tr31
_JOINING = (
    r"\u0620-\u06ff\u0750-\u077f\u08a0-\u0dff\u0f00-\u109f\u1780-\u17b3\u17b6-\u17ff"
    r"\u1820-\u18af\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"
)
_VIRAMA = r"\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca"
_MEANT = "|".join(
    (
        rf"(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])",
        rf"(?<=[{_EMOJI}#*0-9])[\ufe0e\ufe0f]",
        r"(?<=\U0001f3f4)[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,8}\U000e007f",
        rf"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])",
        rf"(?<=[{_VIRAMA}])\u200d",
        rf"(?<=[\u2200-\u22ff{_HAN}])[\ufe00-\ufe02]",
        rf"(?<=[{_HAN}])[\U000e0100-\U000e01ef]",
        r"(?<=[\u1820-\u18aa])[\u180b-\u180e]",
    )
)


def _shows_itself(text: str, *, lines: bool) -> bool:
    """Whether nothing in it acts or is unseen, as far as a quick look tells: it takes a tenth of
    the time of a pattern, which takes 8 ms to compile. With `lines` newlines and tabs may be."""
    if lines:
        text = text.replace("\t", "").replace("\n", "")
    return text.isprintable() and (text.isascii() or _UNSEEN_LETTERS.isdisjoint(text))


# Compiled at the first text that needs them: a start does not wait for them.
@cache
def _unsafe(breaks: str) -> Pattern[str]:
    import re

    return re.compile(rf"(?P<meant>{_MEANT})|[{breaks}{_ACTING}{_UNSEEN}]")


@cache
def _row() -> Pattern[str]:
    import re

    return re.compile(rf"(?P<meant>{_OWN})|[{_ACTING}]")


_OWN = (
    r"\x1b\[[0-9;:]{0,256}m"
    r"|\x1b\]8;[!-:<-~]{0,256};(?:https?://[!-~]{1,4096})?(?:\x1b\\|\x07)"
)
"""The escape sequences that a row may hold."""


@cache
def _seen_row() -> Pattern[str]:
    import re

    return re.compile(rf"(?P<meant>{_OWN}|{_MEANT})|[{_ACTING}{_UNSEEN}]")


@cache
def _own_escapes() -> Pattern[str]:
    import re

    return re.compile(_OWN)


@cache
def _acting() -> Pattern[str]:
    import re

    return re.compile(rf"[\t\n{_ACTING}]")


@cache
def _address() -> Pattern[str]:
    import re

    return re.compile(r"(?:https?|file)://[!-~]{1,4096}")


@cache
def _json() -> Pattern[str]:
    import re

    return re.compile(rf"[\x7f-\x9f{_BIDI}\u2028\u2029\ud800-\udfff{_UNSEEN}]")


def printable(text: str, *, lines: bool = False) -> str:
    """The text with a visible sign for each character that acts on a terminal or shows nothing;
    as many characters as before. With `lines` newlines and tabs stay.

    Escape becomes ␛, other control characters become their own signs, the rest a middle dot.
    Characters that a script or an emoji needs stay.
    """
    if _shows_itself(text, lines=lines):
        return text
    return _unsafe("" if lines else r"\t\n").sub(_visible, text)


def printable_row(text: str) -> str:
    """Rows of output: of all escape sequences SGR and http(s) links stay, and so do newlines and
    tabs; what is left that a terminal would act on becomes visible."""
    if text.isprintable():
        return text
    return _row().sub(_visible, text)


def screen_row(text: str) -> str:
    """A row of output as it is drawn: as `printable_row`, and characters that show nothing become
    visible. Exports and copies of output keep those."""
    shown = _own_escapes().sub("", text) if "\x1b" in text else text
    if _shows_itself(shown, lines=True):
        return text
    return _seen_row().sub(_visible, text)


def harmless(text: str, width_of: Callable[[str], int]) -> str:
    """A stretch of a line without what a terminal acts on; it keeps the width it was measured
    with. The same object where there is nothing to do."""
    if text.isprintable() or _acting().search(text) is None:
        return text
    return _acting().sub(lambda match: MARK * width_of(match[0]), text)


def is_web_address(address: str) -> bool:
    """Whether a hyperlink may lead there: printable ASCII alone, to the web or to a file."""
    return _address().fullmatch(address) is not None


def printable_json(text: str) -> str:
    """JSON that holds the same values, in which no character acts on a terminal or hides."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _json().sub(_escaped, text)


def _visible(match: Match[str]) -> str:
    if match["meant"] is not None:
        return match[0]
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else MARK


def _escaped(match: Match[str]) -> str:
    code = ord(match[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
