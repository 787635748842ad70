"""The marks that our scripts write into the output of a terminal."""

from __future__ import annotations

from codeexec.kernels.jupyter.remote.terminals.scripts import MARK, MARK_END

LONGEST = 80
"""Characters of a mark behind the nonce; what is longer is none of ours."""


class MarkReader:
    """Takes the marks with one nonce out of a text that comes in pieces."""

    def __init__(self, nonce: str) -> None:
        self._begin = f"{MARK}{nonce};"
        self._rest = ""

    @property
    def first_words(self) -> str:
        """How the output of our script begins."""
        return f"{self._begin}ready{MARK_END}"

    def take(self, text: str) -> tuple[str, list[list[str]]]:
        """The text without marks, and the fields of each mark. What may be the begin of a mark is
        kept until more has come."""
        text, self._rest = self._rest + text, ""
        if "\033" not in text:
            return text, []
        shown: list[str] = []
        marks: list[list[str]] = []
        while True:
            shown_text, begin, behind = text.partition(self._begin)
            if not begin:
                break
            fields, end, tail = behind.partition(MARK_END)
            if not end and len(behind) <= LONGEST:
                self._rest = begin + behind
                text = shown_text
                break
            shown.append(shown_text if end else shown_text + begin)
            if end:
                marks.append(fields.split(";"))
            text = tail if end else behind
        if not self._rest:
            length = self._begun(text)
            text, self._rest = text[: len(text) - length], text[len(text) - length :]
        shown.append(text)
        return "".join(shown), marks

    def _begun(self, text: str) -> int:
        """How many characters at the end of the text may begin a mark."""
        start = text.rfind("\033", max(len(text) - len(self._begin), 0))
        return len(text) - start if start >= 0 and self._begin.startswith(text[start:]) else 0
