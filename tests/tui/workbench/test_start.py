"""The start: what is loaded on the way, what the first frame shows and keeps."""

from __future__ import annotations

import subprocess
import sys

from codeexec.tui.first_paint import frame, plain_line


def loaded_by(code: str) -> set[str]:
    """Modules in a fresh interpreter after running code."""
    script = f"{code}\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_face_never_loads_what_speaks_to_kernels() -> None:
    loaded = loaded_by(
        "import codeexec.tui.program, codeexec.client.socket, codeexec.tui.start\n"
        "import codeexec.tui.screens.furnishing as f; f._load()"
    )
    roots = {name.partition(".")[0] for name in loaded}
    assert not roots & {"zmq", "jupyter_client", "jupyter_core", "nbformat", "fastapi", "uvicorn"}
    ours = {name for name in loaded if name.startswith("codeexec.")}
    walls = ("session", "kernels", "server", "environments", "guest")
    assert not {name for name in ours if name.split(".")[1] in walls}


def test_what_is_seldom_needed_is_not_on_the_way_to_the_first_key() -> None:
    loaded = loaded_by("import codeexec.tui.program, codeexec.client.socket")
    late = {"PIL", "markdown_it", "pathspec", "codeexec.tui.widgets.artifacts.pane"}
    assert not loaded & late


def test_the_first_frame_needs_the_standard_library_alone() -> None:
    loaded = loaded_by("import codeexec.tui.app, codeexec.tui.first_paint")
    assert not {"textual", "rich", "msgspec", "asyncio"} & loaded


def test_the_first_frame_has_a_prompt_unless_files_are_opened() -> None:
    assert "[1]" in frame(80, 24, ())
    shown = frame(80, 24, ("some/where/a.py", "b.py"))
    assert "a.py  b.py" in shown
    assert "[1]" not in shown


def test_plain_characters_are_echoed_and_answers_of_the_terminal_are_not() -> None:
    answers = b"\x1b[?62;4c\x1bP>|tmux 3.4\x1b\\"
    assert plain_line(b"pri" + answers + b"nt") == "print"
    assert plain_line("grüß".encode()) == "grüß"
    assert plain_line(b"1+1\rmore") == "1+1"
