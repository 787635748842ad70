"""A language as a frozen value: how it is named, indented, commented, coloured, built and run."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

NO_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


# No dataclass: importing dataclasses would delay the start of a program.
class Language(NamedTuple):
    """One entry of `catalog.toml`, where each field is explained.

    `name` is the key in lower case (as Jupyter's `language_info.name` says it). `pairs`
    are two-character strings: an opening and a closing mark.
    """

    name: str
    title: str
    extensions: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    shebangs: tuple[str, ...] = ()
    comment: str = "#"
    block: tuple[str, ...] = ()
    indent: str = "    "
    opens: tuple[str, ...] = ("{", "(", "[")
    closes: tuple[str, ...] = ("}", ")", "]")
    dedents: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ("()", "[]", "{}", '""', "''")
    lexer: str = "text"
    grammar: str = ""
    tools: tuple[str, ...] = ()
    install: str = ""
    headers: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    profiles: Mapping[str, tuple[str, ...]] = NO_WORDS
    standards: tuple[str, ...] = ()
    standard_word: str = ""
    reports: Mapping[str, tuple[str, ...]] = NO_WORDS
    colors: tuple[str, ...] = ()
    sarif: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    formatter: tuple[str, ...] = ()
    install_formatter: str = ""
    debugger: str = ""
    install_debugger: str = ""

    @property
    def runs(self) -> bool:
        """Can its files be run at all?"""
        return bool(self.run or self.kernels)

    @property
    def tab_width(self) -> int:
        """Columns of one level of indentation."""
        return 4 if self.indent == "\t" else len(self.indent)
