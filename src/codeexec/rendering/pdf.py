"""The first page of a PDF document as PNG, by PDFium, which runs no script and loads no address."""

from __future__ import annotations

import io

from codeexec.rendering.faults import Fault
from codeexec.rendering.svg import LONGEST

_SCALE = 2.0
"""Pixels for a point (1/72 inch)."""


def first_page(data: bytes) -> bytes:
    """The page on white, its longer side at most LONGEST pixels. Raises Fault."""
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        document = PdfDocument(data)
        if len(document) == 0:
            raise Fault("it has no page")
        page = document[0]
        longer = max(page.get_size())
        if not longer > 0:
            raise Fault("its first page has no size")
        picture = page.render(scale=min(_SCALE, LONGEST / longer)).to_pil()
    except PdfiumError as error:
        is_locked = "password" in str(error).lower()
        raise Fault("it needs a password" if is_locked else "it is damaged") from None
    png = io.BytesIO()
    picture.save(png, "PNG")
    return png.getvalue()
