"""The page at `/docs`: the OpenAPI document as HTML, without scripts or outside resources."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from starlette.responses import Response

Json = Mapping[str, Any]
"""A JSON object of an OpenAPI document."""

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff}code,pre{font-family:ui-monospace,monospace;font-size:13px}"
    "pre{background:#f4f4f4;padding:.6rem;overflow:auto}details{border-top:1px solid #ddd;"
    "padding:.4rem 0}summary{cursor:pointer}b{display:inline-block;min-width:4.5rem}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}pre{background:#292929}"
    "a{color:#8ab4f8}details{border-color:#444}}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def docs_page(document: Json) -> Response:
    html = "".join(_page(document))
    return Response(html, media_type="text/html", headers=_HEADERS)


def _page(document: Json) -> Iterator[str]:
    about = document["info"]
    title = escape(about["title"])
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width">'
    yield f"<title>{title} API</title><style>{_STYLE}</style>"
    yield f"<h1>{title} {escape(about['version'])}</h1><p>{escape(about.get('summary', ''))}</p>"
    yield f"<p>{escape(about.get('description', ''))}</p>"
    yield '<p>For programs: <a href="/openapi.json">/openapi.json</a></p>'
    yield "<h2>Requests</h2>"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield from _operation(method, path, operation)
    yield "<h2>Types</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        yield f"<pre>{_json(schema)}</pre></details>"
    yield "</html>"


def _operation(method: str, path: str, operation: Json) -> Iterator[str]:
    yield f"<details><summary><b>{escape(method.upper())}</b> <code>{escape(path)}</code> "
    yield f"{escape(operation.get('summary', ''))}</summary>"
    yield f"<p>{escape(operation.get('description', ''))}</p>"
    for part in ("parameters", "requestBody", "responses"):
        if operation.get(part):
            yield f"<h4>{part}</h4><pre>{_json(operation[part])}</pre>"
    yield "</details>"


def _json(value: object) -> str:
    return escape(json.dumps(value, indent=2))
