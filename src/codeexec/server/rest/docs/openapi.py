"""The OpenAPI document: FastAPI's paths, with parameters, bodies and answers from our types."""

from __future__ import annotations

import copy
import re
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from codeexec.domain.events import Recorded
from codeexec.domain.requests import Done
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.wire.frames import Problem
from codeexec.server.access.limit_keeper import LimitList
from codeexec.server.rest import named_sessions, operations, page_addresses
from codeexec.server.rest.replies import MEANINGS
from codeexec.server.rest.routes import ROUTES, SESSION, Route
from codeexec.server.rest.special import ArtifactList, ExecutionRows, Health
from codeexec.session.output.export import FORMS

Json = dict[str, Any]
"""A JSON object; what it may hold is said by OpenAPI, not by a type."""

_REF = "#/components/schemas/{name}"

_ANSWERS: dict[tuple[str, str], type[msgspec.Struct]] = {
    ("get", "/v1/health"): Health,
    ("get", "/v1/limits"): LimitList,
    ("get", SESSION): Snapshot,
    ("post", f"{SESSION}/stop"): Done,
    ("delete", SESSION): Done,
    ("get", f"{SESSION}/executions/{{execution_id}}"): ExecutionRows,
    ("get", f"{SESSION}/artifacts"): ArtifactList,
    ("put", f"{SESSION}/files/{{path}}"): Done,
    ("delete", f"{SESSION}/files/{{path}}"): Done,
    **operations.ANSWERS,
    **named_sessions.ANSWERS,
}

_ROUTES = (*ROUTES, *operations.ROUTES, *named_sessions.ROUTES, *page_addresses.ROUTES)

_BYTES = {"type": "string", "format": "binary"}
_CONTENT: dict[tuple[str, str], Json] = {
    ("get", f"{SESSION}/artifacts/{{artifact_id}}"): {"*/*": {"schema": _BYTES}},
    ("get", f"{SESSION}/blobs/{{digest}}"): {"*/*": {"schema": _BYTES}},
    ("get", f"{SESSION}/files/{{path}}"): {"*/*": {"schema": _BYTES}},
    ("get", f"{SESSION}/export"): {
        kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in FORMS.values()
    },
    ("get", f"{SESSION}/events"): {
        "application/x-ndjson": {"schema": {"$ref": _REF.format(name="Recorded")}},
        "text/event-stream": {"schema": {"type": "string"}},
    },
}

POLLED = {
    ("get", f"{SESSION}/executions/{{execution_id}}"),
    ("get", operations.STATUS_PATH),
    ("get", named_sessions.STATUS_PATH),
}
"""Answers that may wait for a change."""

WAITED: dict[tuple[str, str], type[msgspec.Struct]] = {
    ("post", f"{SESSION}/executions"): ExecutionRows,
    ("post", "/execute_code"): operations.OperationStatus,
}
"""Requests that queue code, whose answers may wait for its end: they are then of these types."""


def _wait_parameters(awaited: str) -> list[Json]:
    return [
        {
            "name": "wait",
            "in": "query",
            "required": False,
            "description": f"Seconds to wait for {awaited}, 120 at most",
            "schema": {"type": "number", "minimum": 0},
        },
        {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "description": "The same as `wait=30`",
            "schema": {"type": "string"},
        },
    ]


_POLL_PARAMETERS = [
    *_wait_parameters("a change"),
    {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The ETag of the answer from which a change is waited for",
        "schema": {"type": "string"},
    },
]

_CACHED = {"304": {"description": "Unchanged since the ETag in If-None-Match"}}


def describe(app: FastAPI) -> Json:
    """The whole document."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=(
            "On a network every request carries `Authorization: Bearer TOKEN`; on the private "
            "socket none does. Live events and requests on one connection: `/v1/ws`, whose frames "
            "are the schemas ClientFrame and ServerFrame of codeexec.domain.wire.frames."
        ),
        routes=app.routes,
    )
    types = [kind for route in _ROUTES for kind in (route.request, route.answer)]
    kinds = dict.fromkeys([*types, *_ANSWERS.values(), Problem, Recorded])
    _, components = msgspec.json.schema_components(
        kinds, ref_template=_REF, schema_hook=_schema_of_others
    )
    schemas = {name: _tidy(schema) for name, schema in components.items()}
    table = {(route.method.lower(), route.path): route for route in _ROUTES}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            key = (method, path)
            if key in table:
                _describe_route(operation, table[key], schemas)
            else:
                _describe_special(operation, key)
            operation["tags"] = [_tag(path)]
            operation["responses"].pop("422", None)
            operation["responses"] |= {
                str(status): {
                    "description": meaning,
                    "content": {"application/json": {"schema": {"$ref": _ref(Problem)}}},
                }
                for status, meaning in MEANINGS.items()
            }
    # What is only ever a body or a query stands where it is used.
    for route in _ROUTES:
        schemas.pop(route.request.__name__, None)
    document["components"] = {
        "schemas": schemas,
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    }
    document["security"] = [{"token": []}, {}]
    return document


def _describe_route(operation: Json, route: Route, schemas: Json) -> None:
    schema = copy.deepcopy(schemas[route.request.__name__])
    properties = schema["properties"]
    properties.pop("type", None)
    required = [name for name in schema.get("required", ()) if name != "type"]
    named = re.findall(r"{(\w+)}", route.path)
    operation["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": properties.pop(name, _STRING)}
        for name in named
    ]
    if description := schema.get("description"):
        operation["description"] = description
    schema["required"] = [name for name in required if name not in named]
    if not schema["required"]:
        del schema["required"]
    if route.has_body and properties:
        body = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"required": "required" in schema, "content": body}
    elif not route.has_body:
        operation["parameters"] += [
            {"name": name, "in": "query", "required": name in required, "schema": property}
            for name, property in properties.items()
        ]
    operation["responses"] = {str(route.status): _json_answer(route.answer)}
    if kind := WAITED.get((route.method.lower(), route.path)):
        operation["parameters"] += _wait_parameters("the end of the execution")
        either = [{"$ref": _ref(route.answer)}, {"$ref": _ref(kind)}]
        operation["responses"]["200"] = _json_answer(kind)
        content = operation["responses"].setdefault(str(route.status), {})["content"]
        content["application/json"] = {"schema": {"anyOf": either}}


def _describe_special(operation: Json, key: tuple[str, str]) -> None:
    if key in _ANSWERS:
        operation["responses"]["200"] = _json_answer(_ANSWERS[key])
        if key in POLLED:
            operation["responses"] |= _CACHED
            operation["parameters"] += _POLL_PARAMETERS
    else:
        operation["responses"]["200"] = {"description": "The content", "content": _CONTENT[key]}
        if "*/*" in _CONTENT[key]:
            operation["responses"] |= _CACHED
    if key[0] == "put":
        operation["requestBody"] = {"required": True, "content": {"*/*": {"schema": _BYTES}}}


_STRING = {"type": "string"}


def _json_answer(kind: type[msgspec.Struct]) -> Json:
    summary = (kind.__doc__ or kind.__name__).strip().split("\n\n")[0]
    return {
        "description": re.sub(r"\s+", " ", summary),
        "content": {"application/json": {"schema": {"$ref": _ref(kind)}}},
    }


def _ref(kind: type[msgspec.Struct]) -> str:
    return _REF.format(name=kind.__name__)


def _schema_of_others(kind: type) -> Json:
    """`object` in our types is any JSON value."""
    if kind is object:
        return {"description": "Any JSON value"}
    raise NotImplementedError(kind)


def _tidy(schema: Json) -> Json:
    """Docstrings without the line breaks of our source."""
    if "description" in schema:
        schema = {**schema, "description": re.sub(r"\s+", " ", schema["description"])}
    return schema


def _tag(path: str) -> str:
    parts = [part for part in path.split("/")[2:] if not part.startswith("{")]
    if not path.startswith("/v1/"):
        return "operations"
    return parts[1] if len(parts) > 1 else parts[0]
