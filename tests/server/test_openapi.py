"""The OpenAPI document is whole: every path is summed up, every answer and error has its type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codeexec.domain.requests import AnyRequest
from codeexec.kernels.factory import Kernels
from codeexec.server.rest.app import make_app
from codeexec.server.rest.routes import ROUTES
from codeexec.session.host import Host

NOT_IN_THE_TABLE = {
    "ReadExecution",
    "StopSession",
    "RemoveSession",
    "ReadBlob",
    "ReadFile",
    "WriteFile",
    "RemoveFile",
    "OpenListener",
    "OpenPage",
    "ClosePages",
}
"""Requests with a path of their own, and one of the private socket alone."""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    state: Path = tmp_path_factory.mktemp("state")
    return dict(make_app(Host(state, Kernels())).openapi())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_path_has_a_summary_and_typed_answers(document: dict[str, Any]) -> None:
    count = 0
    for path, method, operation in operations(document):
        count += 1
        where = f"{method} {path}"
        assert operation["summary"], where
        good = sorted(s for s in operation["responses"] if s.startswith("2"))
        may_end_or_not = (method, path) == ("post", "/v1/sessions/{session}/executions")
        assert good == (["200", "202"] if may_end_or_not else good[:1]), where
        for status, response in operation["responses"].items():
            assert response["description"], (where, status)
            if status != "304":
                schemas = [content["schema"] for content in response["content"].values()]
                assert schemas, (where, status)
                assert all(schemas), (where, status)
    assert count >= 35


def test_every_error_is_the_one_problem(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        errors = {s: r for s, r in operation["responses"].items() if s[0] in "45"}
        assert {"400", "401", "403", "404", "409", "413", "500", "503"} <= set(errors)
        for response in errors.values():
            schema = response["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}, (method, path)
    problem = document["components"]["schemas"]["Problem"]
    assert set(problem["properties"]) == {"code", "title", "message", "next_step"}


def test_every_parameter_of_a_path_is_described(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        named = set(re.findall(r"{(\w+)}", path))
        described = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
        assert named == described, (method, path)
        for parameter in operation.get("parameters", ()):
            assert parameter["schema"], (method, path, parameter)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    references = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert references <= set(schemas)
    assert set(schemas) <= references


def test_operation_names_are_unique(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_every_request_of_the_protocol_has_a_path() -> None:
    known = {kind.__name__ for kind in AnyRequest.__args__}
    in_table = {route.request.__name__ for route in ROUTES}
    assert known - in_table == NOT_IN_THE_TABLE
