"""The language of filters: `price > 10 & city ~ "ber"` becomes a tree of tuples.

    ("and", tree, tree)  ("or", tree, tree)  ("not", tree)
    ("compare", operator, column, value)     operator: == != < <= > >= ~
    ("columns", operator, column, column)    two columns beside each other
    ("null", column)

Columns are numbers. A missing value fits no comparison. Standard library only, Python 3.8 on.
"""

from __future__ import annotations

import difflib
import re
from operator import eq, ge, gt, le, lt, ne
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[-+]?(?:(?:\d[\d_]*)?\.?\d+(?:[eE][-+]?\d+)?|inf)(?![\w.]))
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<quoted>`[^`]*`)
    | (?P<operator><=|>=|==|!=|<>|!~|&&|\|\||[<>=~&|!(),])
    | (?P<name>[^\W\d][\w.]*)
    )""",
    re.VERBOSE,
)

OPERATORS = {"=": "==", "==": "==", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">"}
OPERATORS.update({">=": ">=", "~": "~", "!~": "!~"})
COMPARISONS = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
"""Comparisons of plain values, arrays or expressions; `~` is told apart by whoever compares."""
MOST_DEPTH = 50


class FilterError(Exception):
    """A filter that cannot be read; `at` is the place in its text."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


def parse_filter(text: str, names: list[str]) -> Any:
    """The tree of a filter, or FilterError."""
    parser = FilterParser(text, names)
    tree = parser.any_of()
    parser.end()
    return tree


class FilterParser:
    """Recursive descent over the tokens (kind, text, place)."""

    def __init__(self, text: str, names: list[str]) -> None:
        self._text = text
        self._names = names
        self._tokens: list[tuple[str, str, int]] = list(tokens_of(text))
        self._at = 0
        self._depth = 0

    def _peek(self) -> tuple[str, str, int]:
        if self._at < len(self._tokens):
            return self._tokens[self._at]
        return "end", "", len(self._text.rstrip())

    def _next(self) -> tuple[str, str, int]:
        token = self._peek()
        self._at += 1
        return token

    def _accept(self, *texts: str) -> bool:
        kind, text, _ = self._peek()
        if kind in ("operator", "name") and text.lower() in texts:
            self._at += 1
            return True
        return False

    def end(self) -> None:
        kind, text, at = self._peek()
        if kind != "end":
            raise FilterError(
                "& or | goes between two conditions." if text != ")" else "No ( belongs to this ).",
                at,
            )

    def any_of(self) -> Any:
        tree = self._all_of()
        while self._accept("|", "||", "or"):
            tree = ("or", tree, self._all_of())
        return tree

    def _all_of(self) -> Any:
        tree = self._condition()
        while self._accept("&", "&&", "and"):
            tree = ("and", tree, self._condition())
        return tree

    def _condition(self) -> Any:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise FilterError("This is nested too deeply.", self._peek()[2])
        try:
            if self._accept("!", "not"):
                return ("not", self._condition())
            if self._accept("("):
                tree = self.any_of()
                if not self._accept(")"):
                    raise FilterError("A ) is missing.", self._peek()[2])
                return tree
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Any:
        column = self._column()
        _, text, at = self._peek()
        if self._accept("is"):
            is_not = self._accept("not")
            if not self._accept("null", "none", "nan", "empty"):
                raise FilterError("After `is` comes null or not null.", self._peek()[2])
            return ("not", ("null", column)) if is_not else ("null", column)
        is_not = self._accept("not")
        if self._accept("in"):
            tree = self._one_of(column)
            return ("not", tree) if is_not else tree
        _, text, at = self._peek()
        if text not in OPERATORS:
            raise FilterError(
                "A comparison is missing here: == != < <= > >= ~ (contains), in (…), is null.", at
            )
        self._next()
        operator = OPERATORS[text]
        tree = self._compared(operator.replace("!~", "~"), column)
        return ("not", tree) if operator == "!~" else tree

    def _compared(self, operator: str, column: int) -> Any:
        kind, text, at = self._peek()
        if kind == "name" and text.lower() in ("null", "none", "nan"):
            self._next()
            if operator not in ("==", "!="):
                raise FilterError("null is compared by == or != alone.", at)
            return ("null", column) if operator == "==" else ("not", ("null", column))
        is_column = kind == "quoted" or (kind == "name" and text.lower() not in ("true", "false"))
        if is_column and operator != "~":
            if kind == "name" and text not in self._names:
                raise FilterError(f'{text} is no column; a text stands in quotes: "{text}".', at)
            return ("columns", operator, column, self._column())
        return ("compare", operator, column, self._value())

    def _one_of(self, column: int) -> Any:
        if not self._accept("("):
            raise FilterError("After `in` comes a list: (1, 2).", self._peek()[2])
        tree = ("compare", "==", column, self._value())
        while self._accept(","):
            tree = ("or", tree, ("compare", "==", column, self._value()))  # type: ignore[assignment]
        if not self._accept(")"):
            raise FilterError("A ) is missing.", self._peek()[2])
        return tree

    def _column(self) -> int:
        kind, text, at = self._next()
        name = text[1:-1] if kind == "quoted" else text
        if kind in ("name", "quoted", "text", "number"):
            if kind in ("text", "number"):
                name = text[1:-1] if kind == "text" else text
            if name in self._names:
                return self._names.index(name)
            folded = [candidate.casefold() for candidate in self._names]
            if folded.count(name.casefold()) == 1:
                return folded.index(name.casefold())
            raise FilterError(f"There is no column {name}.{near(name, self._names)}", at)
        raise FilterError("The name of a column is missing here.", at)

    def _value(self) -> Any:
        kind, text, at = self._next()
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "number":
            digits = text.replace("_", "")
            return float(digits) if set(digits) & set(".eEn") else int(digits)
        if kind == "name" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if kind == "name":
            raise FilterError(f'A text stands in quotes: "{text}".', at)
        raise FilterError("A value is missing here: a number, or a text in quotes.", at)


def near(name: str, names: list[str]) -> str:
    """A hint at a column of nearly that name, or at all of a few."""
    close = difflib.get_close_matches(name, names, 1)
    if close:
        return f" Is it {written_name(close[0])}?"
    listed = ", ".join(map(written_name, names[:6]))
    return f" Columns: {listed}{' …' if len(names) > 6 else ''}"


def written_name(name: str) -> str:
    """The name of a column as a filter has it."""
    is_word = re.match(r"[^\W\d][\w.]*\Z", name) is not None
    reserved = ("and", "or", "not", "in", "is", "null", "none", "nan", "true", "false")
    return name if is_word and name.lower() not in reserved else f"`{name}`"


def tokens_of(text: str) -> Any:
    at = 0
    while at < len(text):
        if not text[at:].strip():
            return
        match = _TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            wrong = text[at]
            reason = f"{wrong} means nothing here."
            if wrong in "\"'`":
                reason = f"The closing {wrong} is missing."
            raise FilterError(reason, at)
        kind = str(match.lastgroup)
        yield kind, match.group(kind), match.start(kind)
        at = match.end()


def columns_of(tree: Any) -> set[int]:
    """The columns that a tree names."""
    if tree[0] in ("and", "or"):
        return columns_of(tree[1]) | columns_of(tree[2])
    if tree[0] == "not":
        return columns_of(tree[1])
    if tree[0] == "columns":
        return {tree[2], tree[3]}
    return {tree[1] if tree[0] == "null" else tree[2]}


def compare_values(operator: str, left: Any, right: Any) -> bool:
    """One comparison of plain values, of which no code is the user's."""
    if operator == "~":
        return str(right).casefold() in str(left).casefold()
    if isinstance(left, str) != isinstance(right, str):
        left, right = str(left), str(right)
    try:
        return bool(COMPARISONS[operator](left, right))
    except TypeError:
        return False
