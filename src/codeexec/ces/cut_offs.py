"""How long texts in results may be, and how libraries are set up in the kernels of sessions."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class CutOffs:
    """The defaults are those of TaskWeaver, and hold for `codeexec.ces` alone.

    `value_chars` and `preview_chars` are in characters: of a value in `output`, `output_pairs` and
    `variables`, and of an artifact's preview. `figure_size` is in inches, `figure_dpi` in dots per
    inch, `max_rows` in rows of a pandas table. `preloads` are modules by the name that code sees;
    one that is not installed is left out. `shows_assignments`: the value of a last assignment is
    shown like that of a last expression.
    """

    value_chars: int = 5000
    preview_chars: int = 100
    max_rows: int = 5
    figure_size: tuple[float, float] = (12.0, 6.0)
    figure_dpi: int = 200
    preloads: dict[str, str] = field(
        default_factory=lambda: {"pd": "pandas", "np": "numpy", "plt": "matplotlib.pyplot"}
    )
    shows_assignments: bool = True
