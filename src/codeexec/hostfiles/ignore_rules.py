"""Rules of .gitignore files by pathspec, with a limit on matching time."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any, cast

from pathspec import GitIgnoreSpec
from pathspec.pattern import RegexMatchResult
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

MAX_LINE = 1000
"""Characters of a rule."""

MAX_RULES = 5000
"""Rules of one file."""

SECONDS = 1.0
"""For all matching with the slow rules of one parser."""

_MANY = 2
"""Wildcards of any length in a rule that `re` matches quickly: each more multiplies its time by the
length of the path."""

_ODD_SET = re.compile(r"\[\[|\[[^\]]*(?:\[|--|&&|~~|\|\|)")
"""What `re` warns about: on standard error, which is the screen."""


class Parser:
    """Makes specifications of lines. Their slow rules share one budget; when it is spent, they hide
    nothing any more: a file too many is shown rather than a folder never."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._budget = _Budget(seconds)

    def parse(self, lines: Sequence[str]) -> GitIgnoreSpec:
        """Lines that are no rule, as `[z-a]` or a single `!`, are left out, as in git."""
        return GitIgnoreSpec([rule for line in lines[:MAX_RULES] if (rule := self._rule(line))])

    def _rule(self, line: str) -> GitIgnoreSpecPattern | None:
        if len(line) > MAX_LINE:
            return None
        try:
            expression, include = GitIgnoreSpecPattern.pattern_to_regex(line)
            if expression is None:
                return None
            many = expression.count("*") + expression.count("+") > _MANY
            if many or _ODD_SET.search(line):
                return _LimitedRule(expression, include, self._budget)
            return GitIgnoreSpecPattern(re.compile(expression), include)
        except (ValueError, re.error, OverflowError, RecursionError):
            return None


class _Budget:
    def __init__(self, seconds: float) -> None:
        self.left = seconds


class _LimitedRule(GitIgnoreSpecPattern):
    """Gives the interpreter's lock up while it matches, and ends with its budget."""

    __slots__ = ("_budget", "_compiled")

    def __init__(self, expression: str, include: bool | None, budget: _Budget) -> None:
        """ValueError for what is no regular expression."""
        import regex  # 3 MB, for rules that few folders have

        super().__init__(re.compile(""), include)
        try:
            self._compiled = regex.compile(expression)
        except regex.error as error:
            raise ValueError(str(error)) from error
        self._budget = budget

    def match_file(self, file: Any) -> RegexMatchResult | None:
        if self._budget.left <= 0:
            return None
        started = time.monotonic()
        try:
            match = self._compiled.search(file, timeout=self._budget.left, concurrent=True)
        except TimeoutError:
            return None
        finally:
            self._budget.left -= time.monotonic() - started
        return None if match is None else RegexMatchResult(cast("re.Match[str]", match))
