"""Values that code gets from another kernel: `%get x, y from python` in its first lines.

They travel as JSON. Each language has a serializer of its own, which writes all values on one
line: the lines of the code keep their numbers, and no value can be read as code.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from codeexec.domain.errors import UsageError

MOST_JSON = 1_000_000
"""Characters of all values of an execution as JSON."""
_MOST_EXACT = 2**53
_DEEPEST = 40
_MOST_ESCAPES = 900
"""Characters in one text of R that may be written by their numbers."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_GET = re.compile(r"%get[ \t]+(?P<names>.*?)[ \t]+(?:--)?from[ \t]+(?P<kernel>\S+)[ \t]*;?")
_USAGE = "Write: %get NAME, NAME from KERNEL"


class Get(NamedTuple):
    """One line `%get`."""

    names: tuple[str, ...]
    kernel: str


def has_gets(code: str) -> bool:
    """Whether code begins with a line `%get`."""
    return re.match(r"\s*%get\b", code) is not None


def take_gets(code: str) -> tuple[list[Get], str]:
    """The lines `%get` with which code begins, and the code with empty lines in their place.
    UsageError for one that is not written as it is to be."""
    lines = code.split("\n")
    gets: list[Get] = []
    for at, line in enumerate(lines):
        words = line.strip()
        if words and not re.match(r"%get\b", words):
            break
        if words:
            match = _GET.fullmatch(words)
            names = re.split(r"[,\s]+", match["names"].strip(", ")) if match else []
            if match is None or not all(map(_NAME.fullmatch, names)):
                raise UsageError(f"This gets no value: {words[:100]!r}.", _USAGE)
            gets.append(Get(tuple(dict.fromkeys(names)), match["kernel"]))
            lines[at] = ""
    return gets, "\n".join(lines)


def check_json(name: str, text: str) -> object:
    """The value of a JSON text. UsageError for what JSON is not."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} cannot be passed on as JSON: {error}.") from error


def _refuse_constant(constant: str) -> object:
    raise ValueError(f"JSON has no number {constant}")


class WithValues(NamedTuple):
    """Code that has its values. `preamble` are declarations that stand before a cell's others, for
    languages whose cells are programs."""

    code: str
    preamble: str = ""


def with_values(language: str, code: str, values: Mapping[str, object]) -> WithValues:
    """Code that sets these variables on its first line, which is empty. UsageError for a value that
    the language cannot have, and for a language that takes none."""
    if language == "cpp":
        return WithValues(code, _INCLUDES + "".join(map(_constant, values, values.values())))
    write = _WRITERS.get(language)
    if write is None:
        raise UsageError(
            f"Code of {language or 'this language'} gets no values from other kernels.",
            "Languages that do: bash, C++, JavaScript, Python, R, TypeScript.",
        )
    return WithValues("; ".join(map(write, values, values.values())) + code)


# -- Python and JavaScript ---------------------------------------------------------------


def _python(name: str, value: object) -> str:
    return f"{name} = __import__('json').loads({json.dumps(value)!r})"


def _javascript(name: str, value: object) -> str:
    _check_exact(name, value, "JavaScript")
    return f"var {name} = JSON.parse({json.dumps(json.dumps(value))})"


def _check_exact(name: str, value: object, language: str) -> None:
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, list | dict):
            stack += part.values() if isinstance(part, dict) else part
        elif isinstance(part, int) and abs(part) > _MOST_EXACT:
            raise UsageError(
                f"{name} holds {part}, which {language} cannot have exactly.", "Pass it as text."
            )


# -- R -----------------------------------------------------------------------------------


def _r(name: str, value: object) -> str:
    _check_exact(name, value, "R")
    return f"{name} <- {_r_literal(name, value, 0)}"


def _r_literal(name: str, value: object, depth: int) -> str:
    if depth > _DEEPEST:
        raise UsageError(f"{name} is nested deeper than {_DEEPEST} levels.")
    if isinstance(value, dict):
        if not value:
            return "list()"
        parts = ", ".join(_r_literal(name, part, depth + 1) for part in value.values())
        keys = ", ".join(_r_text(name, key) for key in value)
        return f"structure(list({parts}), names = c({keys}))"
    if isinstance(value, list):
        kinds = {_scalar_kind(part) for part in value} - {"null"}
        is_vector = len(kinds) == 1 and "other" not in kinds
        parts = ", ".join(
            "NA" if is_vector and part is None else _r_literal(name, part, depth + 1)
            for part in value
        )
        return f"c({parts})" if is_vector else f"list({parts})"
    if isinstance(value, str):
        return _r_text(name, value)
    if value is None:
        return "NULL"
    return str(value).upper() if isinstance(value, bool) else repr(value)


def _scalar_kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"


def _r_text(name: str, text: str) -> str:
    _check_text(name, text, "R")
    if text.isascii():
        return '"' + "".join(_r_sign(sign) for sign in text) + '"'
    # R allows its escapes for other letters in short texts alone.
    starts = range(0, len(text), _MOST_ESCAPES)
    pieces = ("".join(map(_r_letter, text[at : at + _MOST_ESCAPES])) for at in starts)
    literals = ", ".join(f'"{piece}"' for piece in pieces)
    return f"paste0({literals})" if len(starts) > 1 else literals


def _r_sign(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    return sign if " " <= sign <= "~" else f"\\{ord(sign):03o}"


def _r_letter(sign: str) -> str:
    return _r_sign(sign) if " " <= sign <= "~" else f"\\U{ord(sign):08x}"


def _check_text(name: str, text: str, language: str) -> None:
    """UsageError for NUL, and for half a surrogate pair, which is no character."""
    if "\0" in text:
        raise UsageError(f"{name} has a NUL in it, which text of {language} cannot have.")
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise UsageError(f"{name} has half a surrogate pair in it, which is no character.")


# -- bash --------------------------------------------------------------------------------


def _bash(name: str, value: object) -> str:
    set_anew = f"unset -v {name}; "
    if isinstance(value, list):
        return f"{set_anew}{name}=({' '.join(_bash_word(name, part) for part in value)})"
    if isinstance(value, dict):
        if "" in value:
            raise UsageError(f"{name} has an empty key, which an array of bash cannot have.")
        pairs = (f"[{_bash_word(name, k)}]={_bash_word(name, v)}" for k, v in value.items())
        return f"{set_anew}declare -A {name}=({' '.join(pairs)})"
    return f"{set_anew}{name}={_bash_word(name, value)}"


def _bash_word(name: str, value: object) -> str:
    if isinstance(value, list | dict):
        raise UsageError(
            f"{name} is nested, and an array of bash holds text and numbers alone.",
            "Pass its parts, or pass it as text: json.dumps",
        )
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    _check_text(name, text, "bash")
    if re.fullmatch(r"[ -~]*", text) and "!" not in text:
        return shlex.quote(text)
    return "$'" + "".join(_bash_sign(sign) for sign in text) + "'"


def _bash_sign(sign: str) -> str:
    # An interactive bash would put its history in for `!`, and bash_kernel ends lines at each
    # character that Unicode has for that.
    if sign in "'\\!" or not " " <= sign <= "~":
        return "".join(f"\\{byte:03o}" for byte in sign.encode())
    return sign


# -- C++ ---------------------------------------------------------------------------------

_INCLUDES = "#include <map>\n#include <string>\n#include <vector>\n"


def _constant(name: str, value: object) -> str:
    kind = _cpp_type(name, value)
    return f"const {kind} {name} = {_cpp_literal(value, kind)};\n"


def _cpp_type(name: str, value: object) -> str:
    match value:
        case bool():
            return "bool"
        case int():
            if not -(2**63) <= value < 2**63:
                raise UsageError(
                    f"{name} holds {value}, which is no long long.", "Pass it as text."
                )
            return "long long"
        case float():
            return "double"
        case str():
            _check_half(name, value)
            return "std::string"
        case list():
            return f"std::vector<{_common_type(name, value)}>"
        case dict():
            for key in value:
                _check_half(name, key)
            return f"std::map<std::string, {_common_type(name, list(value.values()))}>"
    raise UsageError(f"{name} holds null, which is no value of C++.")


def _check_half(name: str, text: str) -> None:
    _check_text(name, text.replace("\0", ""), "C++")


def _common_type(name: str, parts: Sequence[object]) -> str:
    kinds = {_cpp_type(name, part) for part in parts}
    if kinds == {"long long", "double"}:
        return "double"
    if len(kinds) != 1:
        what = f"parts of several types ({', '.join(sorted(kinds))})" if kinds else "no parts"
        raise UsageError(
            f"{name} has {what}, so it has no type in C++.", "Pass its parts, or text."
        )
    return kinds.pop()


def _cpp_literal(value: Any, kind: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        data = value.encode()
        return f'std::string("{"".join(map(_cpp_sign, data))}", {len(data)})'
    if isinstance(value, list):
        inner = kind.removeprefix("std::vector<")[:-1]
        return f"{kind}{{{', '.join(_cpp_literal(part, inner) for part in value)}}}"
    if isinstance(value, dict):
        inner = kind.removeprefix("std::map<std::string, ")[:-1]
        pairs = (
            f"{{{_cpp_literal(key, 'std::string')}, {_cpp_literal(part, inner)}}}"
            for key, part in value.items()
        )
        return f"{kind}{{{', '.join(pairs)}}}"
    if kind == "double":
        return repr(float(value))
    return f"{value}LL" if value > -(2**63) else f"({value + 1}LL - 1)"


def _cpp_sign(byte: int) -> str:
    sign = chr(byte)
    is_plain = " " <= sign <= "~" and sign not in '"\\?'
    return sign if is_plain else f"\\{byte:03o}"


_WRITERS = {
    "python": _python,
    "javascript": _javascript,
    "typescript": _javascript,
    "r": _r,
    "bash": _bash,
}
