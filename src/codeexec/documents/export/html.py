"""Notebooks as one HTML file with everything in it; nothing in it is run or loaded.

What others wrote is escaped or reduced to harmless tags, and a policy in the page forbids scripts
and other addresses besides. https://developer.mozilla.org/docs/Web/HTTP/Headers/Content-Security-Policy
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from codeexec.documents.displays.latex import latex_to_text
from codeexec.documents.export.outputs import RenderedOutput, attachment_uris, shown_outputs
from codeexec.documents.export.sanitize import sanitized
from codeexec.documents.export.styles import PAGE, SLIDES, rows_as_html
from codeexec.documents.notebook.outputs import joined

if TYPE_CHECKING:
    from markdown_it.token import Token

    from codeexec.documents.notebook.convert import Notebook

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"
_ATTACHED = re.compile(r"\]\(\s*<?attachment:([^)>\s]+)>?")
_MATHS = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$(?!\s)([^$\n]+?)(?<!\s)\$", re.DOTALL)
_CODE_OR_MATHS = re.compile(rf"(```.*?```|~~~.*?~~~|`[^`\n]*`)|{_MATHS.pattern}", re.DOTALL)
_LONGEST_LINE = 20_000
"""Characters of a source that is coloured; longer ones are written as they are."""


def to_html(notebook: Notebook, title: str, *, has_slides: bool = False) -> str:
    """The page with all cells and their outputs. With `has_slides`, what Jupyter calls a slide
    begins a page where it is printed."""
    lexer = notebook.language or "python"
    languages = notebook.languages
    styles = f"{PAGE}{SLIDES if has_slides else ''}{_code_styles()}"
    body = "\n".join(
        part
        for cell in notebook.data["cells"]
        for part in _cell(cell, lexer, languages.own(cell.get("metadata")))
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{styles}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _cell(cell: Mapping[str, Any], lexer: str, language: str) -> Iterator[str]:
    """The parts of a cell; `language` is empty for that of the notebook."""
    source = joined(cell.get("source"))
    kind = cell.get("cell_type")
    section = '<section class="slide">' if _begins_slide(cell) else "<section>"
    if kind == "markdown":
        yield f"{section}{markdown_as_html(source, attachment_uris(cell))}</section>"
    elif kind == "code":
        count = cell.get("execution_count")
        number = f'<div class="count">[{count}]</div>' if isinstance(count, int) else ""
        label = f'<div class="language">{escape(language)}</div>' if language else ""
        code = _colored(source, language or lexer)
        yield f'{section}<div class="code">{number}{label}<pre>{code}</pre></div>'
        outputs = "".join(map(_output, shown_outputs(cell)))
        yield f'<div class="output">{outputs}</div></section>' if outputs else "</section>"
    else:
        yield f"{section}<pre>{escape(source, quote=False)}</pre></section>"


def _begins_slide(cell: Mapping[str, Any]) -> bool:
    """https://nbconvert.readthedocs.io/en/latest/usage.html#reveal-js-html-slideshow"""
    metadata = cell.get("metadata")
    slideshow = metadata.get("slideshow") if isinstance(metadata, dict) else None
    return isinstance(slideshow, dict) and slideshow.get("slide_type") == "slide"


def _output(shown: RenderedOutput) -> str:
    match shown.kind:
        case "picture":
            return f'<div><img src="{escape(shown.content)}" alt="{escape(shown.alt[:200])}"></div>'
        case "html":
            return f"<div>{sanitized(shown.content)}</div>"
        case "markdown":
            return f"<div>{markdown_as_html(shown.content, {})}</div>"
        case "latex":
            return f"<div>{escape(latex_to_text(shown.content), quote=False)}</div>"
    return f'<pre class="{shown.kind}">{rows_as_html(shown.content.removesuffix(chr(10)))}</pre>'


def markdown_as_html(
    source: str,
    attachments: Mapping[str, str],
    picture: Callable[[str, str], str] | None = None,
) -> str:
    """Markdown as HTML: tags in it are text, maths becomes Unicode, and pictures of other places
    are not loaded. `picture` gives the HTML of a picture by its target and alternative text, empty
    for one that it does not know."""
    from markdown_it import MarkdownIt

    with_pictures = source
    if picture is None:
        with_pictures = _ATTACHED.sub(lambda match: f"]({attachments.get(match[1], '')}", source)
    converter = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    drawn: dict[str, str] = {}
    if picture is not None:

        def marked(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
            """In place of a picture a mark, of which `drawn` has the HTML: what others have
            written cannot name one."""
            token = tokens[at]
            html = picture(str(token.attrs.get("src", "")), token.content)
            if not html:
                return str(renderer.image(tokens, at, options, env))
            mark = f"picture-{secrets.token_hex(16)}"
            drawn[mark] = html
            return mark

        converter.add_render_rule("image", marked)
    html = sanitized(converter.render(_CODE_OR_MATHS.sub(_maths, with_pictures)))
    if not drawn:
        return html
    marks = re.compile("|".join(map(re.escape, drawn)))
    return marks.sub(lambda match: drawn[match[0]], html)


def _maths(match: re.Match[str]) -> str:
    code, block, inline = match[1], match[2], match[3]
    if code is not None:
        return code
    text = latex_to_text(block if block is not None else inline)
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~-])", r"\\\1", text)


def _colored(source: str, language: str) -> str:
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if len(source) > _LONGEST_LINE:
        return escape(source, quote=False)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(source, quote=False)
    from pygments import highlight

    return str(highlight(source, lexer, HtmlFormatter(nowrap=True))).rstrip("\n")


def _code_styles() -> str:
    from pygments.formatters import HtmlFormatter

    styles: str = HtmlFormatter().get_style_defs(".code")  # type: ignore[no-untyped-call]
    return f"{styles}\n"
