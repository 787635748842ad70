"""What draws is loaded beside the session, and stands back for what somebody waits for."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.tui.boot.background_import import Loading


class Watched(Loading):
    """Tells when an import has come to the point where it may have to wait."""

    def __init__(self, module: str) -> None:
        super().__init__(module)
        self.came = threading.Event()

    def _wait(self) -> None:
        self.came.set()
        super()._wait()


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "to_be_loaded.py").write_text("import part_of_it\n")
    (tmp_path / "part_of_it.py").write_text("")
    (tmp_path / "broken.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "to_be_loaded"
    for name in ("to_be_loaded", "part_of_it", "broken"):
        sys.modules.pop(name, None)


async def test_a_module_is_loaded_with_all_that_it_imports(module: str) -> None:
    usual = sys.getswitchinterval()
    loading = Loading(module)
    loading.begin()
    await loading.finish()
    assert {"to_be_loaded", "part_of_it"} <= set(sys.modules)
    assert loading not in sys.meta_path
    assert sys.getswitchinterval() == usual


async def test_it_waits_while_it_is_held(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codeexec.tui.boot.background_import.HOLD", 3600.0)
    loading = Watched(module)
    loading.hold()
    loading.begin()
    assert await asyncio.to_thread(loading.came.wait, 30)
    assert "part_of_it" not in sys.modules
    loading.go_on()
    await loading.finish()
    assert "part_of_it" in sys.modules
    assert type(sys.modules["part_of_it"].__loader__).__name__ == "SourceFileLoader"


async def test_it_does_not_wait_for_ever(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codeexec.tui.boot.background_import.HOLD", 0.0)
    loading = Loading(module)
    loading.hold()
    loading.begin()
    await loading.finish()  # though nobody lets it go on
    assert module in sys.modules


async def test_others_who_import_meanwhile_do_not_wait(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codeexec.tui.boot.background_import.HOLD", 3600.0)
    loading = Watched(module)
    loading.hold()
    loading.begin()
    assert await asyncio.to_thread(loading.came.wait, 30)
    __import__("part_of_it")
    loading.go_on()
    await loading.finish()


@pytest.mark.usefixtures("module")
async def test_what_goes_wrong_is_raised() -> None:
    loading = Loading("broken")
    loading.begin()
    with pytest.raises(ZeroDivisionError):
        await loading.finish()
    assert loading not in sys.meta_path
