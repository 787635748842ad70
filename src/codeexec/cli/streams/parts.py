"""The function that reads the content of a display's part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from codeexec.domain.outputs import MimePart

ReadPart = Callable[[MimePart], Awaitable[str]]
"""The value of a part as its `text` has it: text, JSON text, or base64."""
