"""Widgets as text, by their states."""

from __future__ import annotations

import pytest

from codeexec.kernels.jupyter.widgets.text import text_of_state


@pytest.mark.parametrize(
    ("kind", "state", "text"),
    [
        ("IntProgress", {"value": 4, "max": 10}, " 40%|████████            | 4/10"),
        ("FloatProgress", {"value": 2, "min": 1, "max": 2, "description": "d:"},
         "d: 100%|████████████████████| 2/2"),
        ("IntProgress", {"value": 9, "max": 0}, "  0%|                    | 9/0"),
        ("FloatProgress", {"value": None, "max": "x"}, "  0%|                    | /x"),
        ("Label", {"value": "hello", "description": ""}, "hello"),
        ("HTML", {"value": "<b>a</b> &amp; b"}, "a & b"),
        ("Text", {"value": "v", "description": "name"}, "name: v"),
        ("IntRangeSlider", {"value": [1, 5]}, "1 – 5"),
        ("FloatText", {"value": 0.1}, "0.1"),
        ("Password", {"value": "secret"}, "••••••"),
        ("Checkbox", {"value": True, "description": "on"}, "[x] on"),
        ("Checkbox", {"value": False, "description": "on"}, "[ ] on"),
        ("Button", {"description": "go"}, "[go]"),
        ("Dropdown", {"_options_labels": ["a", "b"], "index": 1}, "b"),
        ("SelectMultiple", {"_options_labels": ["a", "b"], "index": [0, 1]}, "a, b"),
        ("Dropdown", {"_options_labels": ["a"], "index": 7}, ""),
        ("Dropdown", {"_options_labels": "a", "index": None}, ""),
        ("Image", {"value": ""}, None),
        ("", {}, None),
    ],
)  # fmt: skip
def test_a_state_is_text(kind: str, state: dict[str, object], text: str | None) -> None:
    assert text_of_state({"_model_name": f"{kind}Model", **state}) == text
