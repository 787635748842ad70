"""Pictures in Markdown: where they stand, and their bytes. Nothing is fetched from the network."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from codeexec.domain.errors import CodeexecError, DocumentError
from codeexec.hostfiles.files import read
from codeexec.hostfiles.place import locate

MOST_BYTES = 16_000_000
"""Size of a picture that is shown."""

_PICTURE = re.compile(
    r" {0,3}!\[(?P<alt>[^\]\n]*)\]\(\s*(?:<(?P<wrapped>[^<>\n]*)>|(?P<target>[^\s()<>]+))"
    r"""(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)[ \t]*"""
)
_TAG = re.compile(
    r" {0,3}(?:<(?:p|center|div|a)\b[^>\n]*>\s*){0,4}"
    r"<img\s(?P<attributes>[^>\n]*)>(?!.*<img\s).{0,40}"
)
_ATTRIBUTE = re.compile(r"""\b(src|alt)\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)')""")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]+\]:", re.MULTILINE)
"""Where links have their targets elsewhere in a text, it is not divided."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class MarkdownPicture:
    """The words in place of a picture, and where its data is."""

    alt: str
    target: str


def parts_with_inline(text: str) -> list[str | MarkdownPicture]:
    """Markdown text, and behind each of its blocks the pictures that stand within its lines: a
    paragraph, list or table stays whole. Pictures in the network are left out."""
    if "![" not in text:
        return [text]
    lines = text.split("\n")
    parts: list[str | MarkdownPicture] = []
    begin = 0
    for end, picture in _inline(text):
        if end > begin and not _DEFINITION.search(text):
            parts.append("\n".join(lines[begin:end]))
            begin = end
        parts.append(picture)
    rest = "\n".join(lines[begin:])
    if begin == 0:
        return [rest, *parts]
    return [*parts, rest] if rest.strip() else parts


def inline_pictures(text: str) -> list[MarkdownPicture]:
    """The pictures within lines of a Markdown text, outside of code; none in the network."""
    return [picture for _, picture in _inline(text)] if "![" in text else []


def _inline(text: str) -> Iterator[tuple[int, MarkdownPicture]]:
    """Each picture with the number of lines to the end of its block."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # they are not followed
    end = 0
    for token in parser.parse(text):
        if token.level == 0 and token.map:
            end = token.map[1]
        for child in token.children or () if token.type == "inline" else ():
            target = str(child.attrs.get("src", "")) if child.type == "image" else ""
            if target and not is_elsewhere(target):
                yield end, MarkdownPicture(child.content, target)


def is_elsewhere(target: str) -> bool:
    """Whether a picture is in the network."""
    if target.startswith(("attachment:", "data:")):
        return False
    return _SCHEME.match(target) is not None or target.startswith("//")


def picture_parts(source: str) -> list[str | MarkdownPicture]:
    """Markdown text and the pictures on lines of their own, in order, outside of code."""
    parts: list[str | MarkdownPicture] = []
    text: list[str] = []
    fence = ""
    for line in source.split("\n"):
        mark = _FENCE.fullmatch(line)
        if mark is not None and (not fence or (mark[1].startswith(fence) and not mark[2].strip())):
            fence = "" if fence else mark[1]
        picture = _picture_of(line) if not fence and mark is None else None
        if picture is None:
            text.append(line)
            continue
        if any(row.strip() for row in text):
            parts.append("\n".join(text))
        parts.append(picture)
        text = []
    if any(row.strip() for row in text) or not parts:
        parts.append("\n".join(text))
    return parts


def _picture_of(line: str) -> MarkdownPicture | None:
    if "![" in line and (match := _PICTURE.fullmatch(line)) is not None:
        return MarkdownPicture(match["alt"], match["wrapped"] or match["target"] or "")
    if "<img" in line and (tag := _TAG.fullmatch(line)) is not None:
        values = {
            name: double or single for name, double, single in _ATTRIBUTE.findall(tag["attributes"])
        }
        return MarkdownPicture(values.get("alt", ""), values["src"]) if values.get("src") else None
    return None


def picture_data(target: str, attachments: Mapping[str, Any], folder: Path | None) -> bytes:
    """The bytes of a picture: an attachment of its cell, a `data:` URI, or a file below `folder`,
    that of the document. Raises CodeexecError with the reason if there are none."""
    if target.startswith("attachment:"):
        return _attached(unquote(target.removeprefix("attachment:")), attachments)
    if target.startswith("data:"):
        return _of_uri(target)
    if is_elsewhere(target):
        raise DocumentError("It is in the network.", "Pictures are not fetched.")
    if folder is None:
        raise DocumentError("The document has no folder yet.", "Save it first.")
    return _of_file(unquote(target.partition("?")[0].partition("#")[0]), folder)


def _attached(name: str, attachments: Mapping[str, Any]) -> bytes:
    forms = attachments.get(name)
    for mime, value in forms.items() if isinstance(forms, dict) else ():
        text = "".join(value) if isinstance(value, list) else value
        if not isinstance(text, str) or not str(mime).startswith("image/"):
            continue
        return text.encode() if mime == "image/svg+xml" and "<" in text else _decoded(text)
    raise DocumentError("There is no such attachment.", "Check the name.")


def _of_uri(uri: str) -> bytes:
    head, _, data = uri.removeprefix("data:").partition(",")
    if not head.startswith("image/"):
        raise DocumentError("It is no picture.", "Check its address.")
    return _decoded(unquote(data)) if head.endswith(";base64") else unquote_to_bytes(data)


def _decoded(text: str) -> bytes:
    if len(text) > MOST_BYTES * 4 // 3 + 4:
        raise _too_large()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise DocumentError("Its data is damaged.", "Insert it again.") from error


def _of_file(name: str, folder: Path) -> bytes:
    if not name or PurePath(name).is_absolute():
        raise DocumentError("It is not below the folder of the document.", "Move it there.")
    place, base = locate(folder / name), locate(folder)
    if not place.real.is_relative_to(base.real):
        raise DocumentError("It is not below the folder of the document.", "Move it there.")
    try:
        content, _ = read(place, MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise DocumentError("There is no such file.", "Check the name.") from error
    except OSError as error:
        raise DocumentError("The file cannot be read.", "Check its rights.") from error
    if len(content) > MOST_BYTES:
        raise _too_large()
    return content


def _too_large() -> CodeexecError:
    limit = MOST_BYTES // 1_000_000
    return DocumentError(f"It is larger than {limit} MB.", "Open it in a program for pictures.")
