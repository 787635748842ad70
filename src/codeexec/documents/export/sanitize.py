"""HTML that others wrote, reduced to tags and attributes that only show something."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

from codeexec.documents.displays.long_html import quick_to_read

_TAGS = frozenset({
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del",
    "details", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp",
    "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "tt", "u", "ul", "var", "wbr",
})  # fmt: skip
_VOID = frozenset({"br", "col", "hr", "img", "wbr"})
_SILENT = frozenset({
    "applet", "canvas", "embed", "frame", "frameset", "iframe", "math", "noembed", "noframes",
    "noscript", "object", "script", "style", "svg", "template", "textarea", "title", "xmp",
})  # fmt: skip
"""Tags whose content is dropped as well."""
_ATTRIBUTES = frozenset(
    {"align", "alt", "class", "colspan", "height", "open", "rowspan", "title", "width"}
)
_SCHEME = re.compile(r"[^/?#]*?:")
_LINKS = ("http:", "https:", "mailto:")
_PICTURES = tuple(f"data:image/{kind};base64," for kind in ("png", "jpeg", "gif", "webp"))


def sanitized(html: str) -> str:
    """The HTML without scripts, styles, frames, forms, event handlers and links to other schemes;
    every tag is closed."""
    reader = _Sanitizer()
    reader.feed(quick_to_read(html))
    reader.close()
    return reader.result()


class _Sanitizer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent.append(tag)
        if self._silent or tag not in _TAGS:
            return
        pairs = "".join(
            f' {name}="{escape(value or "")}"'
            for name, value in attrs
            if _is_harmless(tag, name, value or "")
        )
        self._parts.append(f"<{tag}{pairs}>")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag in self._silent:
                del self._silent[self._silent.index(tag) :]
            return
        if tag not in self._open:
            return
        while (closed := self._open.pop()) != tag:
            self._parts.append(f"</{closed}>")
        self._parts.append(f"</{tag}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SILENT:
            self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts.append(escape(data, quote=False))

    def result(self) -> str:
        return "".join([*self._parts, *(f"</{tag}>" for tag in reversed(self._open))])


def _is_harmless(tag: str, name: str, value: str) -> bool:
    # Browsers pass over blanks and control characters in a scheme.
    address = re.sub(r"[\x00-\x20]", "", value).lower()
    if name == "href":
        scheme = _SCHEME.match(address)
        return tag == "a" and (scheme is None or scheme[0] in _LINKS)
    if name == "src":
        return tag == "img" and address.startswith(_PICTURES)
    return name in _ATTRIBUTES
