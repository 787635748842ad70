"""Answers to password prompts, so that nothing of them is journaled with the kernel's variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from codeexec.domain.events import Variable
from codeexec.domain.requests import TableAnswer, TablePage, VariableDetail, VariableSizes

MASK = "••••••"
_LEAST = 4
"""Characters of an answer that is looked for within a text; a shorter one has to be all of it."""

_PART = 8
"""Characters of an answer's beginning that are hidden too: previews are cut."""

MOST_ANSWERS = 1000


class SecretAnswers:
    """The answers of this session, in memory alone. After the server was restarted they are not
    known any more: until the kernel is a fresh one, all previews are hidden then.

    One object for each kernel; `answers` are those that were given to any kernel of the session.
    `load` gives the generation of the kernel that was last given one, `save` keeps it.
    """

    def __init__(
        self,
        load: Callable[[], object],
        save: Callable[[int], None],
        answers: dict[str, None] | None = None,
    ) -> None:
        self._load = load
        self._save = save
        self._answers = answers if answers is not None else {}
        self._generations: set[int] = set()

    def add(self, text: str, generation: int) -> None:
        self._generations.add(generation)
        self._save(generation)
        if text:
            self._answers[text] = None
            if len(self._answers) > MOST_ANSWERS:
                del self._answers[next(iter(self._answers))]

    def _hides_all(self, generation: int) -> bool:
        return generation not in self._generations and self._load() == generation

    def mask(self, text: str) -> str:
        """The text with every answer in it covered."""
        for answer in self._answers:
            for spelled in {answer, repr(answer)[1:-1]}:
                text = _covered(text, spelled)
        return text

    def mask_variables(
        self, variables: Iterable[Variable], generation: int
    ) -> tuple[Variable, ...]:
        """Previews without answers; of a variable that holds one, size and shape are hidden too."""
        hides_all = self._hides_all(generation)
        return tuple(self._mask_variable(variable, hides_all) for variable in variables)

    def _mask_variable(self, variable: Variable, hides_all: bool) -> Variable:
        preview = self.mask(variable.preview)
        if hides_all and variable.kind not in ("module", "function", "class"):
            preview = MASK
        if preview == variable.preview:
            return variable
        return replace(variable, preview=preview, shape="", size=None)

    def mask_detail(self, detail: VariableDetail, generation: int) -> VariableDetail:
        (variable,) = self.mask_variables([detail.variable], generation)
        children = self.mask_variables(detail.children, generation)
        hidden = self._hides_all(generation) and variable.preview == MASK
        text = MASK if hidden else self.mask(detail.text)
        return VariableDetail(variable, text, children)

    def mask_sizes(self, answer: VariableSizes, variables: Iterable[Variable]) -> VariableSizes:
        """Without those of variables that hold an answer; `variables` are masked."""
        hidden = {variable.name for variable in variables if MASK in variable.preview}
        sizes = tuple(size for size in answer.sizes if size.name not in hidden)
        return replace(answer, sizes=sizes)

    def mask_table(self, page: TablePage) -> TablePage:
        if not self._answers:
            return page
        cells = tuple(tuple(self.mask(cell) for cell in row) for row in page.cells)
        return replace(page, cells=cells, index=tuple(map(self.mask, page.index)))

    def mask_table_answer(self, answer: TableAnswer) -> TableAnswer:
        if not self._answers:
            return answer
        facts = answer.facts
        if facts is not None:
            facts = replace(
                facts,
                lines=tuple((title, self.mask(text)) for title, text in facts.lines),
                frequent=tuple((self.mask(value), count) for value, count in facts.frequent),
            )
        page = None if answer.page is None else self.mask_table(answer.page)
        return replace(answer, page=page, facts=facts, fault=self.mask(answer.fault))


def _covered(text: str, answer: str) -> str:
    if len(answer) < _LEAST:
        whole = (answer, f"'{answer}'", f'"{answer}"', f"b'{answer}'", f'b"{answer}"')
        return MASK if text in whole else text
    beginning = answer[:_PART]
    at = text.find(beginning)
    while at >= 0:
        end = at + len(beginning)
        while end < len(text) and end - at < len(answer) and text[end] == answer[end - at]:
            end += 1
        text = text[:at] + MASK + text[end:]
        at = text.find(beginning, at + len(MASK))
    return text
