"""The header of a percent script: notebook metadata as commented YAML, in the subset that jupytext
writes (mappings of strings, numbers and bools)."""

from __future__ import annotations

import re
from typing import NamedTuple

from codeexec.documents.notebook.outputs import Json
from codeexec.documents.percent.separators import comment, uncomment

_LINE = re.compile(r"""( *)("[^"]*"|'[^']*'|[^\s:#'"][^:#]*?)\s*:(?:\s+(.*?))?\s*""")


class Header(NamedTuple):
    """`metadata` is that of the notebook; `rest` are the other lines of YAML."""

    metadata: Json
    rest: str
    comments_magics: bool = True
    """Whether magics are comments in the script (option `comment_magics` of jupytext)."""


def read_header(text: str, marker: str) -> tuple[Header, str]:
    """The header, which may be empty, and the text after it. The lines before a header, `#!` and
    the encoding, are metadata of jupytext (`executable`, `encoding`)."""
    lines = text.split("\n")
    options, start = _read_preamble(lines, marker)
    metadata: Json = {"jupytext": options} if options else {}
    rest = "\n".join(lines[start:])
    dashes = f"{marker} ---"
    if start >= len(lines) or lines[start].rstrip() != dashes:
        return Header(metadata, ""), rest
    end = next((n for n in range(start + 1, len(lines)) if lines[n].rstrip() == dashes), None)
    if end is None or not all(line.startswith(marker) for line in lines[start:end]):
        return Header(metadata, ""), rest
    yaml = uncomment("\n".join(lines[start + 1 : end]), marker).split("\n")
    own, other_lines = _split(yaml)
    body_start = end + 1
    if body_start < len(lines) and not lines[body_start].removeprefix(marker).strip():
        body_start += 1
    stated = _mapping(own)
    stated_options = stated.pop("jupytext", None)
    comments = not (
        isinstance(stated_options, dict) and stated_options.get("comment_magics") is False
    )
    return (
        Header({**stated, **metadata}, "\n".join(other_lines), comments),
        "\n".join(lines[body_start:]),
    )


def _read_preamble(lines: list[str], marker: str) -> tuple[Json, int]:
    """The options of the lines that may precede a header, and the number of these lines."""
    options: Json = {}
    encoding = re.compile(rf"[ \t\f]*{re.escape(marker)}.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)")
    start = 0
    if lines[0].startswith("#!"):
        options["executable"] = lines[0][2:]
        start = 1
    if start < len(lines) and (match := encoding.match(lines[start][:200])):
        if match[1].lower().replace("_", "-") in ("utf-8", "utf8"):
            options["encoding"] = lines[start]  # notebooks are UTF-8: others do not apply
        start += 1
    return options, start


def _split(yaml: list[str]) -> tuple[list[str], list[str]]:
    """The lines below `jupyter:`, unindented, and all other lines."""
    own: list[str] = []
    others: list[str] = []
    inside = False
    for line in yaml:
        if line[:1].strip():
            inside = line.rstrip() == "jupyter:"
            if inside:
                continue
        (own if inside else others).append(line[2:] if inside else line)
    return own, [line for line in others if line.strip()]


def _mapping(lines: list[str]) -> Json:
    top: Json = {}
    levels: list[tuple[int, Json]] = [(-1, top)]
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            continue  # lists and multi-line texts, which are options of jupytext
        depth, name, value = len(match[1]), str(_scalar(match[2])), match[3]
        while levels[-1][0] >= depth:
            levels.pop()
        holder = levels[-1][1]
        if value is None:
            holder[name] = {}
            levels.append((depth, holder[name]))
        else:
            holder[name] = _scalar(value)
    return top


def _scalar(text: str) -> object:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        inner = text[1:-1]
        return inner.replace("''", "'") if text[0] == "'" else inner
    constants: Json = {"true": True, "false": False, "null": None, "{}": {}, "[]": []}
    if text in constants:
        return constants[text]
    return int(text) if re.fullmatch(r"-?\d{1,15}", text) else text


def read_formats(text: str, marker: str) -> str:
    """The option `formats` of jupytext in the header of a script; empty if it has none."""
    head = _leading_comments(text, marker)
    if "formats" not in head:
        return ""
    _, body = read_header(head, marker)
    header = uncomment(head[: len(head) - len(body)], marker)
    own, _ = _split(header.split("\n"))
    options = _mapping(own).get("jupytext")
    return str(options.get("formats", "")) if isinstance(options, dict) else ""


def _leading_comments(text: str, marker: str) -> str:
    """The lines at the beginning that are comments: a header is among them, if there is one."""
    end = text.find("\n") + 1 if text.startswith("#!") else 0
    while text.startswith(marker, end):
        end = text.find("\n", end) + 1
        if not end:
            return text
    return text[:end]


def write_header(metadata: Json, marker: str, formats: str = "") -> str:
    """The first line and the encoding of a script, and the header with kernel and format, which
    is left out if the notebook names no kernel, and no `formats` are given."""
    first = _preamble(metadata.get("jupytext"), marker)
    stated = metadata.get("kernelspec")
    spec = stated if isinstance(stated, dict) and stated.get("name") else {}
    if not spec and not formats:
        return first
    lines = ["---", "jupyter:", "  jupytext:"]
    lines += [f"    formats: {formats}"] if formats else []
    lines += ["    text_representation:", "      format_name: percent"]
    lines += ["      format_version: '1.3'"]
    lines += ["  kernelspec:"] if spec else []
    for key in ("display_name", "language", "name"):
        if spec.get(key):
            lines.append(f"    {key}: {_quoted(str(spec[key]))}")
    lines.append("---")
    return first + comment("\n".join(lines), marker) + "\n\n"


def _preamble(options: object, marker: str) -> str:
    """The lines of these options; empty if they would be read as anything else."""
    if not isinstance(options, dict):
        return ""
    chosen = {key: options[key] for key in ("executable", "encoding") if key in options}
    lines = [f"#!{chosen['executable']}"] if "executable" in chosen else []
    lines += [str(chosen["encoding"])] if "encoding" in chosen else []
    text = "\n".join([*lines, ""])
    return text if _read_preamble(text.split("\n"), marker) == (chosen, len(lines)) else ""


def _quoted(text: str) -> str:
    is_plain = re.fullmatch(r"[A-Za-z][\w .()+-]*", text) and text == text.strip()
    is_word = text.lower() in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return text if is_plain and not is_word else "'" + text.replace("'", "''") + "'"
