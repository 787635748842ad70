"""What a traceback needs is imported before the first error, and never from the user's folder."""

from __future__ import annotations

import sys
from pathlib import Path

import IPython
import pytest

from codeexec.guest.traceback_imports import MODULES, is_installed
from support.kernel_cases import LOCAL_CASES, talking_to


@pytest.mark.slow
async def test_a_kernel_that_waits_imports_them(tmp_path: Path) -> None:
    # In the loop of the kernel, between its other callbacks.
    code = (
        "import asyncio, sys\n"
        f"while missing := [name for name in {MODULES!r} if name not in sys.modules]:\n"
        "    await asyncio.sleep(0.01)\n"
        "print('imported')"
    )
    async with talking_to(LOCAL_CASES[0], tmp_path) as partner:
        execution = partner.submit(code)
        await partner.end_of(execution)
        assert partner.text() == "imported\n"


def test_a_module_of_the_user_s_folder_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert IPython.__file__
    for name in ("asttokens", "stack_data"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert is_installed("stack_data")
    (tmp_path / "stack_data.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert not is_installed("stack_data")
    assert is_installed("asttokens")
    assert not is_installed("no_such_package")
