"""Fuzzy file search among tens of thousands of paths between two keys."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """A path, how well it fits, and which of its characters were meant."""

    path: str
    score: float
    places: frozenset[int] = frozenset()


def best(query: str, paths: Iterable[str], most: int = 200) -> list[Hit]:
    """The paths that have every word of the query, best first; all, when it is empty.

    A word fits as it stands, best in the file's name and at a word's beginning, or by its letters
    in their order. Textual's own matcher tries all ways to place the letters, which is
    exponential in a long query: this takes one.
    """
    tokens = query.casefold().split()
    if not tokens:
        return [Hit(path, 0.0) for path, _ in zip(paths, range(most), strict=False)]
    scattered = [re.compile(".*?".join(map(re.escape, word[::-1]))) for word in tokens]
    hits = (hit for path in paths if (hit := _fit(path, tokens, scattered)) is not None)
    return heapq.nlargest(most, hits, key=lambda hit: hit.score)


def _fit(path: str, tokens: Sequence[str], scattered: Sequence[re.Pattern[str]]) -> Hit | None:
    text = path.casefold()
    name = text.rfind("/") + 1
    score = -len(text) / 1000
    places: set[int] = set()
    for word, letters in zip(tokens, scattered, strict=True):
        at = text.find(word, name)
        if at < 0:
            at = text.find(word)
        if at >= 0:
            starts = at == 0 or not text[at - 1].isalnum()
            whole = text[name:].startswith(word)
            score += 4 + 2 * (at >= name) + starts + whole
            places.update(range(at, at + len(word)))
            continue
        # From the end: the letters nearest to the name are the ones that are meant.
        match = letters.search(text[::-1])
        if match is None:
            return None
        spread = match.end() - match.start()
        score += len(word) / spread + (len(text) - match.end() >= name)
        at = len(text) - match.start()
        for sign in reversed(word):
            at = text.rfind(sign, 0, at)
            places.add(at)
    # Where folding changed the length, the places would be others.
    return Hit(path, score, frozenset(places) if len(text) == len(path) else frozenset())
