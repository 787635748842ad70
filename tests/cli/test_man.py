"""The manual page says what the commands say; the packages are whole and small."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from codeexec.cli.command_table import COMMANDS
from codeexec.cli.man import man_page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "man" / "codeexec-tui.1"


def test_the_manual_page_is_fresh() -> None:
    assert PAGE.read_text() == man_page(), "run: make man"


def test_the_manual_page_has_every_command_option_and_exit_code() -> None:
    page = man_page()
    for name in COMMANDS:
        assert f"\n.SS {name}" in page
    assert ".SS sessions export [OPTIONS] NAME OUT\n" in page
    assert "\\fB\\-\\-keep\\-going\\fR\n" in page
    assert ".TP\n\\fB124\\fR\nout of time\n" in page
    # Lines of an example stay lines.
    assert ".nf\n  codeexec\\-tui analysis.py          open a script\n" in page


def test_no_text_of_the_manual_page_is_a_request_of_troff() -> None:
    requests = {".TH", ".SH", ".SS", ".B", ".br", ".PP", ".TP", ".nf", ".fi"}
    for line in man_page().splitlines():
        assert line[:1] not in (".", "'") or line.split()[0] in requests


@pytest.mark.slow
def test_a_wheel_is_built_from_a_small_sdist(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-2000:]
    (sdist,) = tmp_path.glob("*.tar.gz")
    (wheel,) = tmp_path.glob("*.whl")
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert not [name for name in names if name.startswith("screenshots/")]
    assert {"man/codeexec-tui.1", "README.md", "LICENSE", "tests/conftest.py"} <= set(names)
    assert sdist.stat().st_size < 3_000_000  # pictures would be more
    with zipfile.ZipFile(wheel) as archive:
        files = archive.namelist()
        (metadata_file,) = [name for name in files if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(metadata_file).decode())
        (page,) = [
            name for name in files if name.endswith(".data/data/share/man/man1/codeexec-tui.1")
        ]
        assert archive.read(page) == PAGE.read_bytes()
    for name in ("themes/harbour.toml", "images/kernel/Dockerfile", "guest/launch.py", "py.typed"):
        assert f"codeexec/{name}" in files
    assert not [name for name in files if name.startswith("tests/")]
    urls = dict(url.split(", ") for url in metadata.get_all("Project-URL", []))
    assert set(urls) == {"Homepage", "Documentation", "Changelog", "Issues"}
