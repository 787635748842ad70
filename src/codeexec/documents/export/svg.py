"""SVG pictures without addresses: converters load what a browser does not load from a picture."""

from __future__ import annotations

import base64
import binascii
import re
from xml.etree import ElementTree as ET

_URI = re.compile(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]*)")
_INNER = re.compile(r"#|data:image/(?:png|jpeg|gif|webp);base64,")
_STYLE_ADDRESS = re.compile(
    r"@import|\\|(?:url|src|image|image-set)\s*\((?!\s*[\"']?#)", re.IGNORECASE
)
_DROPPED = frozenset({"script", "foreignobject", "iframe", "object", "embed", "link", "handler"})
_EMPTY = "<svg xmlns='http://www.w3.org/2000/svg'/>"


def without_addresses(page: str) -> str:
    """An HTML page whose SVG pictures name no file and no host; one that cannot be read is
    empty."""
    return _URI.sub(lambda match: _encoded(_scrubbed(match[1])), page)


def _encoded(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _scrubbed(data: str) -> str:
    try:
        root = ET.fromstring(base64.b64decode(data))
    except (ET.ParseError, binascii.Error, ValueError, LookupError):
        return _EMPTY
    for parent in [*root.iter()]:
        for child in [*parent]:
            if _local(child.tag) in _DROPPED or (
                _local(child.tag) == "style" and _STYLE_ADDRESS.search(child.text or "")
            ):
                parent.remove(child)
        for name, value in [*parent.attrib.items()]:
            is_link = _local(name) in ("href", "src", "base")
            if (is_link and not _INNER.match(value)) or _STYLE_ADDRESS.search(value):
                del parent.attrib[name]
    return ET.tostring(root, "unicode")


def _local(name: object) -> str:
    """The name of a tag or an attribute without its namespace; empty for a comment."""
    return name.rpartition("}")[2].lower() if isinstance(name, str) else ""
