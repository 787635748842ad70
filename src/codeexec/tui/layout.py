"""How the panes are laid out, as a value that is kept per folder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec

COMPACT_WIDTH, COMPACT_HEIGHT = 100, 22
"""Below either, panes become tabs."""

TINY_WIDTH, TINY_HEIGHT = 30, 8
"""Below either, there is nothing to be seen."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes in cells, shares in per cent."""

    files: bool = True
    side: bool = True
    files_width: int = 22
    side_width: int = 44
    editor_share: int = 56
    artifacts_share: int = 62
    swapped: bool = False

    @classmethod
    def of_width(cls, width: int) -> Layout:
        """What suits a terminal so wide where nobody has said anything: code has the most."""
        return cls(
            files_width=_within(width * 14 // 100, 14, 26),
            side_width=_within(width * 32 // 100, 34, 64),
        )

    def resized(self, pane: str, right: int, down: int) -> Layout:
        """A pane made wider or taller; `down` in per cent of the height."""
        match pane:
            case "files":
                return replace(self, files_width=_within(self.files_width + right, 12, 60))
            case "artifacts" | "variables":
                sign = 1 if pane == "artifacts" else -1
                return replace(
                    self,
                    side_width=_within(self.side_width + right, 20, 120),
                    artifacts_share=_within(self.artifacts_share + sign * down, 10, 90),
                )
            case _:
                upper = (pane == "editor") != self.swapped
                share = self.editor_share + (down if upper else -down)
                return replace(
                    self,
                    editor_share=_within(share, 10, 90),
                    side_width=_within(self.side_width - right, 20, 120),
                )


def _within(value: int, least: int, most: int) -> int:
    return min(max(value, least), most)


class Layouts:
    """Layouts and open files by folder, in the state folder. Losing them costs nothing, so that
    what cannot be read or written is passed over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _file(self, place: Path) -> Path:
        name = hashlib.sha256(str(place).encode("utf-8", "surrogateescape")).hexdigest()[:24]
        return self._folder / f"{name}.json"

    def load(self, place: Path, width: int) -> tuple[Layout, tuple[str, ...]]:
        """The layout, or the one for a terminal that is so wide; and which files were open."""
        try:
            kept = json.loads(self._file(place).read_text("utf-8"))
            layout = msgspec.convert(kept["layout"], Layout)
            return layout, tuple(str(name) for name in kept.get("files", ()))
        except (OSError, ValueError, KeyError, TypeError):
            return Layout.of_width(width), ()

    def save(self, place: Path, layout: Layout, files: tuple[str, ...]) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = json.dumps({"layout": asdict(layout), "files": files})
            self._file(place).write_text(text, "utf-8")
        except OSError:
            pass
