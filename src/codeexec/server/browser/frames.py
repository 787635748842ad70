"""HTML and Markdown of user code as documents of their own, for a frame that can reach nothing.

The policy of such a document gives it an origin of its own, so that it has neither the cookie nor
the page around it, lets no script run but the one below, and loads nothing. That script tells the
page how high the document is.
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Content-Security-Policy/sandbox
"""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from collections.abc import Mapping
from html import escape

from starlette.responses import Response

from codeexec.documents.displays.latex import latex_to_text
from codeexec.documents.displays.markdown_pictures import MarkdownPicture, picture_parts
from codeexec.documents.displays.page_pictures import picture_key
from codeexec.documents.export.html import markdown_as_html
from codeexec.domain.content.mime import FORMULAS, bare
from codeexec.domain.content.picture_head import picture_mime

MARKDOWN = ("text/markdown", "text/x-markdown")
HTML = ("text/html", "application/xhtml+xml")

FRAMED = (*HTML, *MARKDOWN, *FORMULAS)
"""Types that are shown in a frame."""

LONGEST_CONVERTED = 1_000_000
"""Characters of Markdown or of a formula; longer ones are shown as they are written."""

_STYLE = (
    ":root{color-scheme:light dark}"
    "html{overflow-x:auto;overflow-y:hidden}"
    "body{margin:0;padding:1px;font:14px/1.5 system-ui,sans-serif;overflow-wrap:break-word}"
    "pre,code,kbd,samp{font-family:ui-monospace,monospace;font-size:13px}"
    "table{border-collapse:collapse;font-size:13px}"
    "th,td{padding:.25em .6em;border:1px solid #8885;text-align:right}thead th{background:#8882}"
    "img,svg,video{max-width:100%;height:auto}"
    "blockquote{margin-left:0;padding-left:.8em;border-left:3px solid #8886}"
)
_PAPER = ":root{color-scheme:light;background:#fff;color:#111}body{padding:6px}"
"""For HTML with colours of its own, which nearly always means a white page."""

_COLORS = re.compile(r"\b(?:color|background)\b\s*[:=]|\bfill\s*=", re.IGNORECASE)

_SCRIPT = (
    "const tell=empty=>"
    "parent.postMessage({height:document.documentElement.scrollHeight,empty},'*');"
    "addEventListener('DOMContentLoaded',()=>"
    "new ResizeObserver(()=>tell(false)).observe(document.body));"
    # A frame that is not laid out yet has no height either, but it has its text.
    "addEventListener('load',()=>"
    "tell(document.body.scrollHeight<3&&!document.body.innerText.trim()))"
)


def frame(mime: str, text: str) -> Response:
    """The document for a value of one of the types in `FRAMED`."""
    is_paper = bare(mime) in HTML and _COLORS.search(text) is not None
    return _document(_body(bare(mime), text), is_paper=is_paper)


def prose_frame(text: str, pictures: Mapping[str, bytes]) -> Response:
    """The document for Markdown with pictures, by `picture_key`."""
    if not pictures or len(text) > LONGEST_CONVERTED:
        return frame(MARKDOWN[0], text)

    def picture(target: str, alt: str) -> str:
        data = pictures.get(picture_key(target), b"")
        mime = picture_mime(data)
        # As an image, SVG runs no script and loads nothing.
        source = f"data:{mime};base64,{b64encode(data).decode()}"
        return f'<img alt="{escape(alt or target)}" src="{source}">' if mime else ""

    parts = [
        f"<p>{picture(part.target, part.alt) or escape(part.alt or part.target)}</p>"
        if isinstance(part, MarkdownPicture)
        else markdown_as_html(part, {}, picture)
        for part in picture_parts(text)
    ]
    return _document("\n".join(parts))


def _document(body: str, *, is_paper: bool = False) -> Response:
    nonce = secrets.token_urlsafe(16)
    policy = (
        "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
        f"script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "media-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    # The script comes first: what follows may leave a tag or a comment open.
    document = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><base target="_blank">'
        f"<title>Output</title><style>{_STYLE}{_PAPER if is_paper else ''}</style>"
        f'<script nonce="{nonce}">{_SCRIPT}</script><body>{body}'
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Response(document, media_type="text/html", headers=headers)


def _body(mime: str, text: str) -> str:
    if mime not in HTML and len(text) > LONGEST_CONVERTED:
        return f"<pre>{escape(text, quote=False)}</pre>"
    if mime in MARKDOWN:
        return markdown_as_html(text, {})
    if mime in FORMULAS:
        return f"<div>{escape(latex_to_text(text), quote=False)}</div>"
    return text
