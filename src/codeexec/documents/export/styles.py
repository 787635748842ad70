"""Rows with SGR as HTML, and the style sheet of exported pages."""

from __future__ import annotations

import re
from html import escape

_SGR = re.compile(r"\x1b\[([0-9;:]*)m|\x1b\]8;[^\x1b\x07]*(?:\x1b\\|\x07)")
_COLORS = ("#555", "#c0392b", "#1e8449", "#b9770e", "#1f618d", "#7d3c98", "#117a65", "#7b7d7d")

PAGE = """\
body { max-width: 60em; margin: 2em auto; padding: 0 1em; font: 16px/1.5 system-ui, sans-serif;
  color: #1c1c1c; background: #fff; }
pre, code { font: 14px/1.4 ui-monospace, monospace; }
pre { overflow-x: auto; margin: 0; padding: .6em .8em; white-space: pre-wrap; }
.code { background: #f5f5f5; border-left: 3px solid #9ab; margin-top: 1em; }
.count, .language { color: #777; font: 12px ui-monospace, monospace; padding: .3em .8em 0; }
.output { border-left: 3px solid #ddd; overflow-x: auto; }
.output > div, .output > p { padding: .4em .8em; }
.stderr { background: #fff3f0; } .error { background: #fdeceb; }
img { max-width: 100%; } table { border-collapse: collapse; margin: .5em 0; }
th, td { border: 1px solid #ccc; padding: .2em .6em; text-align: right; }
blockquote { border-left: 3px solid #ccc; margin-left: 0; padding-left: 1em; color: #555; }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #1b1b1b; } .code { background: #262626; }
  .stderr { background: #352521; } .error { background: #3a2020; } th, td { border-color: #444; }
}
"""

SLIDES = """\
@page { size: 25.4cm 14.29cm; margin: 1cm; }
section + .slide { border-top: 1px solid #bbb; padding-top: 1em; }
@media print {
  body { max-width: none; margin: 0; padding: 0; }
  section + .slide { break-before: page; border-top: none; padding-top: 0; margin-top: 0; }
  pre, .code, .output > div { break-inside: avoid; }
  img { max-height: 7cm; }
}
"""
"""For a page whose sections of the class `slide` begin slides of 16:9."""


def rows_as_html(text: str) -> str:
    """Rows with their colours and bold letters as spans; links are left out."""
    parts: list[str] = []
    style: dict[str, str] = {}
    at = 0
    for match in _SGR.finditer(text):
        parts.append(_span(text[at : match.start()], style))
        at = match.end()
        if match[1] is not None:
            _change(style, match[1])
    parts.append(_span(text[at:], style))
    return "".join(parts)


def _span(text: str, style: dict[str, str]) -> str:
    shown = escape(text, quote=False)
    if not text or not style:
        return shown
    css = ";".join(f"{name}:{value}" for name, value in style.items())
    return f'<span style="{css}">{shown}</span>'


def _change(style: dict[str, str], codes: str) -> None:
    for code in codes.replace(":", ";").split(";"):
        number = int(code[:3]) if code else 0
        if number == 0:
            style.clear()
        elif number == 1:
            style["font-weight"] = "bold"
        elif number == 22:
            style.pop("font-weight", None)
        elif 30 <= number <= 37 or 90 <= number <= 97:
            style["color"] = _COLORS[number % 10]
        elif number == 39:
            style.pop("color", None)
        elif number in (38, 48):
            return  # colours by number: what follows is no code
