"""A folder of a stranger: everything in it that could be executed leaves a mark when it is."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


class StrangeFolder:
    """`marks` names what was executed."""

    def __init__(self, folder: Path, marks: Path) -> None:
        self.folder = folder
        self._marks = marks
        folder.mkdir(parents=True, exist_ok=True)
        marks.mkdir(parents=True, exist_ok=True)

    @property
    def marks(self) -> list[str]:
        return sorted(each.name for each in self._marks.iterdir())

    def clear(self) -> None:
        shutil.rmtree(self._marks)
        self._marks.mkdir()

    def plant_python(self, folder: str = ".venv", *, is_plain: bool = True) -> Path:
        """An interpreter that works. `is_plain`: files alone tell that it has ipykernel; else it
        would have to be run to know."""
        root = self.folder / folder
        python = root / "bin" / "python"
        python.parent.mkdir(parents=True)
        mark = self._marks / folder
        python.write_text(f'#!/bin/sh\ntouch "{mark}"\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        site = root / "lib" / "python3.11" / "site-packages"
        site.mkdir(parents=True)
        (root / "pyvenv.cfg").write_text("include-system-site-packages = false\nversion = 3.11\n")
        if is_plain:
            (site / "ipykernel").mkdir()
        else:
            (site / "more.pth").write_text("")
        return python

    def plant_modules(self, *names: str) -> None:
        """Modules of the folder that are named like others."""
        for name in names:
            mark = self._marks / f"{name}.py"
            text = f"open({str(mark)!r}, 'w').close()\nraise ImportError('planted {name}')\n"
            (self.folder / f"{name}.py").write_text(text)

    def plant_settings(self, text: str) -> Path:
        file = self.folder / ".codeexec.toml"
        file.write_text(text)
        return file
