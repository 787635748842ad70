"""Sounds and videos in a display: their format, duration and size in words."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from importlib.util import find_spec

from codeexec.domain.content.mime import bare, decode_base64
from codeexec.domain.text.words import size_words

_SOURCE = re.compile(
    r"""\bsrc\s*=\s*["']?data:(?P<mime>(?:audio|video)/[\w.+-]{1,60})(?:;[\w.=-]{1,60}){0,4};base64,"""
    r"""(?P<content>[A-Za-z0-9+/=\r\n]*)""",
    re.IGNORECASE,
)
_OBJECT = re.compile(r"\s*<IPython\.\w+\.display\.(Audio|Video) object>\s*")
"""The plain text that IPython puts beside its page."""

_HEAD = 4000
"""Characters of a page in which IPython's audio and video tags begin."""


def is_media(mime: str) -> bool:
    """Whether values of this type are sound or video."""
    return bare(mime).startswith(("audio/", "video/"))


def media_words(mime: str, content: bytes) -> str:
    """As in `wav audio, 2.5 s, 88.2 kB`: without the duration where it is unknown, or where nothing
    is installed that reads it (the extra `rich`)."""
    kind, _, name = bare(mime).partition("/")
    facts = [f"{name.removeprefix('x-')} {kind}", _duration(content), size_words(len(content))]
    return ", ".join(fact for fact in facts if fact)


def media_object(plain: str) -> str:
    """`audio` or `video` where the plain text of a display says that it is one; else empty."""
    match = _OBJECT.fullmatch(plain)
    return match[1].lower() if match else ""


def media_in_html(html: str) -> str:
    """The words for the sound or video that a page begins with and holds as a data URL; empty for
    other pages."""
    match = _SOURCE.search(html, 0, _HEAD)
    if match is None:
        return ""
    whole = _SOURCE.match(html, match.start())
    content = decode_base64(whole["content"]) if whole is not None else None
    return media_words(match["mime"], content or b"")


def _duration(content: bytes) -> str:
    """As in `2.5 s` or `1:05`; empty where it is unknown."""
    if not content or find_spec("tinytag") is None:
        return ""
    from tinytag import TinyTag

    seconds = None
    # Damaged files end the reading in the middle, with errors of many kinds.
    with suppress(Exception):
        seconds = TinyTag.get(file_obj=io.BytesIO(content), tags=False).duration
    if not seconds or not 0 < seconds < 1e6:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
