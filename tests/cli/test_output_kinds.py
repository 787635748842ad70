"""Some forty kinds of output, run once: what a pipe and the notebook get of each, and what
terminals of several abilities draw, decoded to pixels.

OUTPUT_KINDS=FOLDER writes there what each terminal has drawn, as one sheet for each terminal.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.drawn_output import contact_sheet, distance, picture_in, sections_of, share, words_in
from support.output_kinds import KINDS, SETUP, OutputKind
from support.programs import Desk, Terminal, read_notebook, write_notebook

pytestmark = pytest.mark.slow

MARK = "== {} =="
COLUMNS, LINES = 100, 40
DRAWN = [kind for kind in KINDS if kind.colors]
WIDGETS = ("slider", "tqdm")
TO_STDERR = ("stderr", "error", "tqdm")
TERMINALS: dict[str, dict[str, str]] = {
    "kitty": {},
    "sixel": {},
    "half": {},
    "256": {"COLORTERM": ""},
}


def sheet_folder() -> Path | None:
    folder = os.environ.get("OUTPUT_KINDS")
    if not folder:
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "home").mkdir()
    (folder / "work").mkdir()
    return Desk(folder / "work", folder / "home")


@pytest.fixture(scope="module")
def piped(folder: Desk) -> dict[str, str]:
    """What a pipe gets of each kind; the notebook is saved."""
    cells = (f"print({MARK.format(kind.name)!r})\n{kind.code}" for kind in KINDS)
    folder.file("kinds.ipynb", write_notebook(SETUP, *cells))
    done = folder.run("run", "kinds.ipynb", "--save", "saved.ipynb")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    sections = sections_of(done.stdout)
    for name in TO_STDERR:
        sections[name] += done.stderr
    return sections


@pytest.fixture(scope="module")
def saved(folder: Desk, piped: dict[str, str]) -> dict[str, list[Any]]:
    """The outputs that the notebook holds of each kind, without the line of its name."""
    notebook = read_notebook(folder.folder / "saved.ipynb")
    pairs = zip(KINDS, notebook.cells[1:], strict=True)
    return {kind.name: list(cell.outputs) for kind, cell in pairs}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_pipe_gets_words_and_the_notebook_every_form(
    kind: OutputKind, piped: Mapping[str, str], saved: Mapping[str, list[Any]]
) -> None:
    assert kind.words in piped[kind.name]
    assert "object at 0x" not in piped[kind.name]
    forms = {
        form
        for output in saved[kind.name]
        for form in (
            [output.name]
            if output.output_type == "stream"
            else ["error"]
            if output.output_type == "error"
            else output.data
        )
    }
    assert kind.mime in forms or not kind.mime


@pytest.fixture(scope="module")
def replayed(folder: Desk, saved: Mapping[str, list[Any]]) -> str:
    """A notebook that shows the same without the libraries, which take seconds to be imported."""
    cells = []
    for kind in KINDS:
        code = [f"print({MARK.format(kind.name)!r})"]
        displays = [output for output in saved[kind.name] if "data" in output]
        if kind.name in WIDGETS or not displays:
            code.append(kind.code)
        else:
            shown = [(json.dumps(each.data), json.dumps(each.metadata)) for each in displays]
            code += [f"show({data!r}, {metadata!r})" for data, metadata in shown]
        cells.append("\n".join(code))
    show = (
        "import json\nfrom IPython.display import display\n"
        "def show(data, metadata):\n"
        "    display(json.loads(data), metadata=json.loads(metadata), raw=True)"
    )
    return folder.file("replayed.ipynb", write_notebook(show, *cells))


@cache
def _raw(desk: Desk, notebook: str, way: str, env: tuple[tuple[str, str], ...]) -> str:
    desk.file(".codeexec.toml", f"[appearance]\nimages = '{way}'\n")
    terminal = Terminal(
        ["run", notebook], home=desk.home, cwd=desk.folder,
        columns=COLUMNS, lines=LINES, env=dict(env),
    )  # fmt: skip
    with terminal:
        assert terminal.ends() == 0, terminal.text
    return terminal.raw.decode()


def written(desk: Desk, notebook: str, name: str) -> dict[str, str]:
    """What a terminal is sent for each kind."""
    way = "half" if name == "256" else name
    return sections_of(_raw(desk, notebook, way, tuple(TERMINALS.get(name, {}).items())))


_COLORED = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:[34][0-9]|9[0-7]|10[0-7])[;m]")


@pytest.mark.parametrize("name", TERMINALS)
def test_a_terminal_draws_what_is_a_picture_and_writes_the_rest(
    name: str, folder: Desk, replayed: str, piped: Mapping[str, str]
) -> None:
    sections = written(folder, replayed, name)
    assert list(sections) == [kind.name for kind in KINDS]
    shown: list[tuple[str, Image.Image]] = []
    faults: list[str] = []
    for kind in KINDS:
        sent = sections[kind.name]
        image = picture_in(name, sent)
        if image is not None:
            shown.append((kind.name, image))
        is_drawn = bool(kind.colors) and not (kind.pixels_only and name in ("half", "256"))
        if is_drawn != (image is not None):
            faults.append(f"{kind.name}: {'not ' if is_drawn else ''}drawn")
        if image is not None:
            faults += [
                f"{kind.name}: no {color}" for color in kind.colors if share(image, color) < 0.002
            ]
        screen = words_in(sent)
        has_words = kind.words in screen or not (kind.has_words_too or image is None)
        if not has_words:
            faults.append(f"{kind.name}: {kind.words!r} is not in {screen[-300:]!r}")
        if name == "256" and "8;2;" in sent:
            faults.append(f"{kind.name}: colours that the terminal has not")
        if name in ("sixel", "half"):
            whole = picture_in("kitty", written(folder, replayed, "kitty")[kind.name])
            if image is not None and whole is not None and distance(image, whole) > 40:
                faults.append(
                    f"{kind.name}: another picture than kitty's, {distance(image, whole)}"
                )
    if (target := sheet_folder()) is not None:
        contact_sheet(shown).save(target / f"{name}.png")
    assert not faults, "\n".join(faults)


def test_without_colours_there_are_words_alone(folder: Desk, replayed: str) -> None:
    sections = sections_of(_raw(folder, replayed, "kitty", (("NO_COLOR", "1"),)))
    for kind in KINDS:
        sent = sections[kind.name]
        assert "\x1b_G" not in sent and "\x1bP" not in sent
        assert not _COLORED.search(sent), kind.name
        assert kind.words in sent, (kind.name, sent)
