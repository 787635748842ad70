"""Pictures for agents: scaled down, as PNG or JPEG."""

from __future__ import annotations

import io

from codeexec.cli.agents.answer import ToolPicture
from codeexec.domain.content.picture_head import picture_size

TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")
LONGEST = 1024
"""Pixels of the longer side."""
MOST_BYTES = 400_000
MOST_PIXELS = 64_000_000
"""Pixels of a picture that is decoded: 256 MB."""


def scaled(data: bytes) -> ToolPicture | None:
    """The picture with at most LONGEST pixels a side and about MOST_BYTES; None where it cannot be
    decoded, or has more than MOST_PIXELS."""
    size = picture_size(data)
    if size is None or size[0] * size[1] > MOST_PIXELS:
        return None
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            image.thumbnail((LONGEST, LONGEST))
            plain = image.convert("RGBA" if "A" in image.getbands() or image.info else "RGB")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None
    out = io.BytesIO()
    plain.save(out, "PNG", optimize=True)
    if out.tell() <= MOST_BYTES:
        return ToolPicture("image/png", out.getvalue())
    white = Image.new("RGB", plain.size, "white")
    white.paste(plain, mask=plain.getchannel("A") if plain.mode == "RGBA" else None)
    out = io.BytesIO()
    white.save(out, "JPEG", quality=80)
    return ToolPicture("image/jpeg", out.getvalue())
