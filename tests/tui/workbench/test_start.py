"""The start: what is loaded on the way, what the first frame shows and keeps."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded_by(code: str) -> set[str]:
    """Modules in a fresh interpreter after running code."""
    script = f"{code}\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.slow
def test_the_face_never_loads_what_speaks_to_kernels() -> None:
    loaded = loaded_by(
        "import codeexec.tui.app, codeexec.client.socket, codeexec.tui.boot.launch\n"
        "import codeexec.tui.workbench.layout.panes as panes; panes.load_late()"
    )
    roots = {name.partition(".")[0] for name in loaded}
    assert not roots & {"zmq", "jupyter_client", "jupyter_core", "nbformat", "fastapi", "uvicorn"}
    ours = {name for name in loaded if name.startswith("codeexec.")}
    walls = ("session", "kernels", "server", "environments", "guest")
    beyond = {name for name in ours if name.split(".")[1] in walls}
    # What settings and the start of a server are decided with: standard library alone.
    small = {"marks", "state", "pythons", "trust"}
    assert {name.split(".")[1] for name in beyond} <= {"environments"}
    assert {name.split(".")[2] for name in beyond if name.count(".") > 1} <= small


@pytest.mark.slow
def test_what_is_seldom_needed_is_not_on_the_way_to_the_first_key() -> None:
    loaded = loaded_by("import codeexec.tui.app, codeexec.client.socket")
    late = {"PIL", "markdown_it", "pathspec", "codeexec.tui.panes.artifacts.pane"}
    assert not loaded & late


@pytest.mark.slow
def test_panes_without_a_page_need_neither_markdown_nor_html() -> None:
    panes = "import codeexec.tui.app, codeexec.tui.workbench.layout.panes as panes"
    late = {"rich.markdown", "markdown_it", "codeexec.documents.displays.html"}
    assert not loaded_by(f"{panes}; panes.load_late()") & late
    page = "import codeexec.tui.output.contents as contents"
    assert "codeexec.documents.displays.html" in loaded_by(
        f"{page}; contents.prepare('text/html', b'<p>a</p>')"
    )
    rows = "from codeexec.tui.output.text_view import markdown_lines; from rich.style import Style"
    inks = "dict.fromkeys(('heading', 'link', 'code', 'muted', 'bullet'), Style())"
    assert "rich.markdown" in loaded_by(f"{rows}; markdown_lines('# a', 20, {inks})")


def test_plain_rules_of_ignored_files_need_no_regex_with_a_time_limit() -> None:
    parse = "import codeexec.hostfiles.ignore_rules as rules; rules.Parser().parse"
    assert "regex" not in loaded_by(f"{parse}(['*.pyc', 'build/', '!keep.py'])")
    assert "regex" in loaded_by(f"{parse}(['*a*b*c'])")


def test_the_first_frame_and_its_prompt_need_the_standard_library_alone() -> None:
    loaded = loaded_by(
        "import codeexec.tui.boot.entry, codeexec.tui.boot.first_frame, codeexec.tui.boot.start\n"
        "import codeexec.tui.boot.preview, codeexec.tui.layout, codeexec.tui.session.workspace"
    )
    assert not {"textual", "rich", "msgspec", "asyncio"} & loaded


def test_what_runs_the_first_lines_does_not_draw() -> None:
    loaded = loaded_by(
        "import codeexec.tui.boot.launch, codeexec.tui.boot.typeahead, codeexec.config.load"
    )
    assert not {"textual", "rich"} & loaded
