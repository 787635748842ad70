"""Parses the depfile of a compiler, and finds macros of the time in a source.

A build imports this module while the compiler works.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"(?:\\\n|\\.|\$\$|[^\s\\]|\\)+")
_CLOCK_MACRO = re.compile(rb"__(?:DATE|TIME|TIMESTAMP)__")


def names_the_time(source: bytes) -> bool:
    """Whether a program of this source can be another one each time that it is built."""
    return _CLOCK_MACRO.search(source) is not None


def read_depfile(text: str) -> list[str]:
    """The prerequisites in the rules of a Makefile, as compilers write them."""
    _, _, rules = text.replace("\\\n", " ").partition(":")
    escaped_paths = _WORD.findall(rules.split("\n\n")[0])
    plain = [re.sub(r"\\(.)", r"\1", word.replace("$$", "$")) for word in escaped_paths]
    return [word for word in plain if not word.endswith(":")]
