"""Render SVG documents to PNG in a separate process with limits on memory and time.

A document may come from an untrusted source. The renderer reads files that the document refers to
(also `/dev/zero`), and ends its process when a picture is too large for memory. So file references
are removed first, and the rest runs in the separate process.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from codeexec.domain.errors import DocumentError

LONGEST = 1600
"""Pixels of the longer side of the drawn picture."""

SECONDS = 10
"""Time that drawing may take; half of it may be the processor's."""

_MEMORY = 1 << 30

_HEAD = re.compile(
    rb"\s*+(?:\xef\xbb\xbf)?+(?:<\?xml[^>]*+>|<!--.*?-->|<!DOCTYPE[^>]*+>|\s++)*+<svg\b", re.DOTALL
)
_HREF = re.compile(r"""(href\s*=\s*)("[^"]*"|'[^']*')""", re.IGNORECASE)
_ENTITY = re.compile(r"""<!ENTITY\s[^"'<>]*+("[^"]*"|'[^']*')""")
_ROOT = re.compile(r"<svg\b[^<>]*+>", re.DOTALL)
_BOX = re.compile(r"""\bviewBox\s*=\s*["']([^"']*)["']""")
_LENGTH = re.compile(r"""\s(width|height)\s*=\s*["']\s*([0-9.]+(?:e[0-9+-]+)?)""", re.IGNORECASE)

_SIZE = re.compile(
    r"""\s(width|height)\s*=\s*["']\s*([0-9.]+(?:e[0-9+-]+)?)\s*([a-z]*)\s*["']""", re.IGNORECASE
)
"""A length of the root that is absolute; per cents are of a page that there is not."""

_PIXELS = {
    "": 1.0,
    "px": 1.0,
    "pt": 96 / 72,
    "pc": 16.0,
    "in": 96.0,
    "cm": 96 / 2.54,
    "mm": 9.6 / 2.54,
}
"""Pixels of a unit, as CSS has them."""

_CHILD = """\
import resource, sys
place, side, memory, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
try:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
except (OSError, ValueError):
    pass  # macOS has no such limit
sys.path.append(place)
import resvg_py
text = sys.stdin.buffer.read().decode("utf-8", "replace")
name, _, number = side.partition("=")
try:
    drawn = resvg_py.svg_to_bytes(svg_string=text, **{name: int(number)})
except ValueError as fault:
    sys.exit(str(fault))
sys.stdout.buffer.write(drawn)
"""


def is_svg(data: bytes) -> bool:
    """Whether the bytes begin as an SVG document does."""
    return _HEAD.match(data[:4096]) is not None


def can_draw_svg() -> bool:
    """Whether the renderer for vector pictures is installed."""
    return _renderer() is not None


def _renderer() -> Path | None:
    """The folder from which the renderer is imported."""
    from importlib.util import find_spec

    spec = find_spec("resvg_py")
    return Path(spec.origin).parents[1] if spec is not None and spec.origin else None


def draw_svg(data: bytes) -> bytes:
    """An SVG document drawn to PNG bytes, its longer side LONGEST pixels.

    Blocks for as long as that takes. Files and addresses it refers to are not fetched. Raises
    DocumentError where it cannot be drawn within the limits.
    """
    place = _renderer()
    if place is None:
        raise DocumentError(
            "Vector pictures need the package resvg-py.", "Install it, or look at the SVG's text."
        )
    text = without_references(data.decode("utf-8", "replace"))
    command = [sys.executable, "-I", "-c", _CHILD]
    limits = [str(place), _longer_side(text), str(_MEMORY), str(SECONDS // 2)]
    try:
        child = subprocess.run(
            [*command, *limits],
            input=text.encode("utf-8", "replace"),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _cannot(f"it takes more than {SECONDS} s") from None
    except OSError as error:
        raise _cannot(f"its renderer cannot start, {error.strerror}") from error
    if child.returncode == 1:
        lines = child.stderr.decode("utf-8", "replace").strip().splitlines() or ["it is damaged"]
        # The renderer may quote the document.
        raise _cannot("".join(filter(str.isprintable, lines[-1]))[:200])
    if child.returncode != 0:
        raise _cannot("it needs too much memory or time")
    return child.stdout


def _cannot(why: str) -> DocumentError:
    return DocumentError(f"This SVG cannot be drawn: {why}.", "Look at it in another program.")


def without_references(text: str) -> str:
    """The document without references to files and addresses; its own parts stay.

    Raises DocumentError where entities stand for markup, in which a reference could hide.
    """
    for entity in _ENTITY.finditer(text):
        if "<" in entity[1] or "&" in entity[1]:
            raise _cannot("its entities hold markup")
    return _HREF.sub(_own_reference, text)


def _own_reference(match: re.Match[str]) -> str:
    target = match[2][1:-1].strip()
    return match[0] if target.startswith(("#", "data:")) else f'{match[1]}""'


def svg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of an SVG document in pixels, as a browser shows it; None where it does not
    say."""
    root = _ROOT.search(data[:65536].decode("utf-8", "replace"))
    head = root[0] if root else ""
    lengths = {
        name.lower(): _number(value) * _PIXELS[unit.lower()]
        for name, value, unit in _SIZE.findall(head)
        if unit.lower() in _PIXELS
    }
    box = _box_size(head)
    if box is not None and len(lengths) < 2:
        across, down = box
        if "width" in lengths and across:
            lengths["height"] = lengths["width"] * down / across
        elif "height" in lengths and down:
            lengths["width"] = lengths["height"] * across / down
        else:
            lengths = {"width": across, "height": down}
    width, height = lengths.get("width", 0.0), lengths.get("height", 0.0)
    if not (0.5 <= width < 1e7 and 0.5 <= height < 1e7):
        return None
    return round(width), round(height)


def _box_size(head: str) -> tuple[float, float] | None:
    """Width and height of the view box."""
    box = _BOX.search(head)
    numbers = re.findall(r"-?[0-9.]+(?:e[0-9+-]+)?", box[1], re.IGNORECASE) if box else []
    return (_number(numbers[2]), _number(numbers[3])) if len(numbers) == 4 else None


def _longer_side(text: str) -> str:
    """`width=` or `height=` with the pixels of the side that the document has longer."""
    root = _ROOT.search(text)
    head = root[0] if root else ""
    lengths = {name.lower(): _number(value) for name, value in _LENGTH.findall(head)}
    if len(lengths) < 2 and (box := _box_size(head)) is not None:
        lengths = {"width": box[0], "height": box[1]}
    is_tall = lengths.get("height", 0.0) > lengths.get("width", 0.0)
    return f"{'height' if is_tall else 'width'}={LONGEST}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
