"""Answers about tables from the code that is sent to kernels, in the process of the test."""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

import msgspec

from codeexec.domain import requests as q
from codeexec.kernels.jupyter.messages import questions


def table_helpers() -> ModuleType:
    """The module that kernels get."""
    name, source = questions._table_helpers()
    module = ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
    return module


class Kernel:
    """The helpers, and variables."""

    def __init__(self, helpers: ModuleType) -> None:
        self.helpers = helpers
        self.user: dict[str, Any] = {}

    def ask(self, name: str, question: q.TableQuestion, **view: Any) -> q.TableAnswer:
        order = tuple(q.SortKey(*key) for key in view.pop("order", ()))
        query = q.QueryTable(name, question, q.TableView(order=order, **view))
        text = self.helpers.table_answer(self.user, msgspec.json.encode(query).decode())
        return questions.parse_table_answer(text)

    def until_done(self, name: str, question: q.TableQuestion, **view: Any) -> q.TableAnswer:
        for _ in range(600):
            answer = self.ask(name, question, **view)
            if not answer.working:
                return answer
            threading.Event().wait(0.05)
        raise AssertionError(answer.working)

    def column(self, name: str, at: int, **view: Any) -> list[str]:
        answer = self.until_done(name, q.TableRows(), **view)
        assert answer.page is not None, answer.fault
        return [row[at] for row in answer.page.cells]
