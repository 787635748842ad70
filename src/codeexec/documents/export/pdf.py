"""HTML as PDF, by a converter that is installed."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from codeexec.documents.export.svg import without_addresses
from codeexec.domain.errors import StorageError, UsageError
from codeexec.hostfiles.programs import safe_environ, which

_TIMEOUT = 120.0
"""Seconds for a converter."""

_CONVERTERS: dict[str, Callable[[str, Path, Path], list[str]]] = {
    "weasyprint": lambda program, page, out: [program, str(page), str(out)],
    **dict.fromkeys(
        ("chromium", "chromium-browser", "google-chrome"),
        lambda program, page, out: [
            program, "--headless", "--disable-gpu", "--no-pdf-header-footer",
            f"--print-to-pdf={out}", page.as_uri(),
        ],
    ),
    "wkhtmltopdf": lambda program, page, out: [
        program, "--quiet", "--disable-javascript", "--disable-local-file-access",
        str(page), str(out),
    ],
}  # fmt: skip
"""Programs in order of preference, and their command lines."""


def to_pdf(page: str) -> bytes:
    """The PDF of an HTML page. UsageError without a converter, StorageError if it fails."""
    found = next(((name, path) for name in _CONVERTERS if (path := which(name))), None)
    if found is None:
        raise UsageError(
            "PDF needs a converter, and none is installed.",
            "Install weasyprint or chromium, or export to HTML and print that from a browser.",
        )
    name, program = found
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_text(without_addresses(page), "utf-8", "replace")
        try:
            done = subprocess.run(
                _CONVERTERS[name](program, source, target),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT,
                env=safe_environ(),
                check=False,
            )
            if done.returncode == 0 and target.exists():
                return target.read_bytes()
            reason = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = str(error)
    raise StorageError(
        f"{name} made no PDF: {reason[:300] or 'it failed without a message'}.",
        "Export to HTML, and print that from a browser.",
    )
