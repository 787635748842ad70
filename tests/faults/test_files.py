"""A file that is there and cannot be read, for root as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.cli import exit_codes as exits
from support.programs import run_piped

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "status"), [("torn.py", exits.CANNOT_EXECUTE), ("torn.ipynb", exits.USAGE)]
)
def test_a_file_that_cannot_be_read_is_told_in_words(
    tmp_path: Path, name: str, status: int
) -> None:
    source = Path("/proc/self/mem")  # reading its beginning is an I/O error
    if not source.exists():
        pytest.skip("there is no /proc")
    (tmp_path / name).symlink_to(source)
    done = run_piped("run", name, home=tmp_path, cwd=tmp_path)
    assert done.returncode == status
    assert name in done.stderr
    assert "Input/output error" in done.stderr
    assert "Traceback" not in done.stderr
