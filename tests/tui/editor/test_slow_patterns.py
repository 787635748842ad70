"""A regular expression that never ends does not freeze the editor: it is stopped, and said so."""

from __future__ import annotations

import pytest

from codeexec.domain.errors import UsageError
from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor.text import search
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.search import Query, find, replace_all, replace_one


@pytest.mark.parametrize("text", ["(x+x+)+y", r"(x+x+)+\ny"])
def test_a_slow_pattern_is_stopped(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search.Query.compiled, "__defaults__", (0.05,))
    model = EditorModel("x" * 5000, by_name("python"))
    for act in (find, lambda m, q: replace_all(m, q, "z")):
        with pytest.raises(UsageError, match=r"took longer than 0\.05 s"):
            act(model, Query(text, regex=True))
    assert model.lines == ["x" * 5000]


def test_groups_are_replaced_as_before() -> None:
    model = EditorModel("a1 b2\nc3", by_name("python"))
    query = Query(r"([a-z])(\d)", regex=True)
    assert find(model, query, at_selection=True) is not None
    assert replace_one(model, query, r"\2\1")
    assert replace_all(model, query, r"\g<2>-\1") == 2
    assert model.lines == ["1a 2-b", "3-c"]
    with pytest.raises(UsageError, match="no replacement"):
        replace_all(EditorModel("a1", by_name("python")), query, r"\9")
