"""One rule for MIME values: what is text, JSON or base64, and the way to bytes and back."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.domain.content.mime import (
    content_of,
    decode_base64,
    is_base64,
    is_json,
    is_text,
    text_of,
)
from codeexec.domain.errors import DocumentError


@pytest.mark.parametrize(
    ("mime", "kind"),
    [
        ("text/plain", "text"),
        ("text/html; charset=utf-8", "text"),
        ("TEXT/X-Anything", "text"),
        ("image/svg+xml", "text"),
        ("application/xhtml+xml", "text"),
        ("application/javascript", "text"),
        ("application/yaml", "text"),
        ("application/json", "json"),
        ("application/vnd.vega.v5+json", "json"),
        ("application/vnd.vegalite.v6.json", "text"),  # as the schema of notebooks has it
        ("application/geo+json", "json"),
        ("image/png", "base64"),
        ("image/avif", "base64"),
        ("audio/wav", "base64"),
        ("video/mp4", "base64"),
        ("font/woff2", "base64"),
        ("application/pdf", "base64"),
        ("application/vnd.apache.parquet", "base64"),
        ("application/x-unknown", "base64"),
        ("model/stl", "base64"),
    ],
)
def test_each_type_is_of_one_kind(mime: str, kind: str) -> None:
    kinds = {"text": is_text(mime), "json": is_json(mime), "base64": is_base64(mime)}
    assert [name for name, holds in kinds.items() if holds] == [kind]


@given(st.binary(max_size=60), st.sampled_from(["image/png", "application/x-foo", "audio/ogg"]))
def test_bytes_go_out_and_come_back_once_encoded(data: bytes, mime: str) -> None:
    text = text_of(mime, data)
    assert text == base64.b64encode(data).decode()
    assert content_of(mime, text) == data
    assert decode_base64(text + "\n") == data


def test_text_stays_text() -> None:
    assert text_of("text/html", "é".encode()) == "é"
    assert content_of("application/json", '{"a":1}') == b'{"a":1}'
    assert content_of("application/x-unknown", "not encoded") == b"not encoded"


@pytest.mark.parametrize("text", ["!!!", "abc", "é€", "a b c d"])
def test_a_damaged_picture_is_told(text: str) -> None:
    assert decode_base64(text) is None
    with pytest.raises(DocumentError, match="damaged"):
        content_of("image/png", text)
