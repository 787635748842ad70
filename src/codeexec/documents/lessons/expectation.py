"""Whether what a block put out is what its lesson expects, and the difference where it is not."""

from __future__ import annotations

import difflib
import io
from typing import NamedTuple

from codeexec.documents.lessons.model import Expectation

ELLIPSIS = "..."
_PATTERN_SECONDS = 2.0
_SIDE = 64
"""Pixels on a side of the pictures that are compared."""
_SHAPE_TOLERANCE = 0.1
_MOST_PIXELS = 40_000_000


class BlockOutput(NamedTuple):
    """What a block put out: `text` as on screen, without styles; `error` the last line of an
    exception, such as `ValueError: 3`, empty where there was none; `images` as PNG or others."""

    text: str
    error: str = ""
    images: tuple[bytes, ...] = ()


def mismatch(expectation: Expectation, output: BlockOutput, picture: bytes | None = None) -> str:
    """Why the output is not as expected, in lines; empty where it is. `picture` is the content of
    the expectation's file, None where there is none."""
    match expectation.mode:
        case "exact":
            return _exact_mismatch(expectation.text, output.text)
        case "contains":
            if normalized(expectation.text).strip("\n") in normalized(output.text):
                return ""
            return f"The output does not contain this:\n{_marked('-', expectation.text)}\n" + (
                f"It is:\n{_marked('+', output.text)}"
            )
        case "regex":
            return _regex_mismatch(expectation.text, output.text)
        case "raises":
            if not output.error:
                return "It was expected to fail, and it did not."
            expected = normalized(expectation.text)
            if not expected or matches(expected, normalized(output.error)):
                return ""
            return f"Another error:\n{_marked('-', expected)}\n{_marked('+', output.error)}"
        case "image":
            return _image_mismatch(expectation, output.images, picture)


def matches(expected: str, got: str) -> bool:
    """Whether the texts are equal, where `...` in `expected` stands for any text, also several
    lines and none."""
    first, *parts = expected.split(ELLIPSIS)
    if not parts:
        return expected == got
    last = parts.pop()
    if not got.startswith(first) or len(got) < len(first) + len(last) or not got.endswith(last):
        return False
    start, end = len(first), len(got) - len(last)
    for part in parts:
        index = got.find(part, start, end)
        if index < 0:
            return False
        start = index + len(part)
    return start <= end


def normalized(text: str) -> str:
    """Without blanks at the ends of lines, and without blank lines at both ends."""
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


def _exact_mismatch(expected: str, got: str) -> str:
    expected, got = normalized(expected), normalized(got)
    if matches(expected, got) or matches(expected, f"{got}\n"):
        return ""
    lines = difflib.unified_diff(
        expected.split("\n"), got.split("\n"), "expected", "got", "", "", 2
    )
    return "\n".join(line.rstrip("\n") for line in lines)


def _regex_mismatch(pattern: str, got: str) -> str:
    import regex

    try:
        if regex.search(pattern.strip("\n"), got, regex.MULTILINE, timeout=_PATTERN_SECONDS):
            return ""
    except TimeoutError:
        return f"The regular expression takes longer than {_PATTERN_SECONDS:g} s."
    return f"The output does not match the regular expression:\n{_marked('-', pattern)}\n" + (
        f"It is:\n{_marked('+', got)}"
    )


def _marked(sign: str, text: str) -> str:
    return "\n".join(f"{sign}{line}" for line in normalized(text).split("\n"))


def _image_mismatch(
    expectation: Expectation, images: tuple[bytes, ...], picture: bytes | None
) -> str:
    if not images:
        return "It was expected to show a picture, and it did not."
    if picture is None:
        return f"There is no picture {expectation.file}; --update writes it."
    reasons = [_picture_mismatch(picture, image, expectation.tolerance) for image in images]
    return "" if "" in reasons else reasons[0]


def _picture_mismatch(expected: bytes, got: bytes, tolerance: float) -> str:
    (width, height), expected_pixels = _small(expected)
    (got_width, got_height), got_pixels = _small(got)
    if not expected_pixels or not got_pixels:
        return "A picture cannot be read."
    if abs(width / height - got_width / got_height) > _SHAPE_TOLERANCE * width / height:
        return f"Its picture is {got_width} x {got_height}; expected was {width} x {height}."
    pairs = zip(expected_pixels, got_pixels, strict=True)
    difference = sum(abs(first - second) for first, second in pairs) / len(expected_pixels) / 255
    if difference <= tolerance:
        return ""
    return f"Its picture differs by {difference:.1%}; {tolerance:.1%} is allowed."


def _small(content: bytes) -> tuple[tuple[int, int], bytes]:
    """The size of a picture, and its grey pixels on a small square; none where it is no picture, or
    too large a one."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > _MOST_PIXELS:
                return (1, 1), b""
            flat = Image.new("RGBA", image.size, "white")
            flat.alpha_composite(image.convert("RGBA"))
            return image.size, flat.convert("L").resize((_SIDE, _SIDE)).tobytes()
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return (1, 1), b""
