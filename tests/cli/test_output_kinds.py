"""Some forty kinds of output, run once: what a pipe and the notebook get of each, and what
terminals of several abilities draw, decoded to pixels.

OUTPUT_KINDS=FOLDER writes there what each terminal has drawn, as one sheet for each terminal.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pyte
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from support.graphics import KittyTerminal, kitty_messages_in, sixel_pixels, sixels_in
from support.output_kinds import KINDS, SETUP, Color, OutputKind
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
    return Path(folder) if folder else None


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


def sections_of(text: str) -> dict[str, str]:
    """What stands below the name of each kind."""
    pieces = re.split(r"(?m)^.*?== (.+?) ==\r?\n", text)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


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


def picture_in(name: str, sent: str) -> Image.Image | None:
    """The picture that a terminal shows of what it was sent, the last one of several."""
    if name == "kitty":
        terminal = KittyTerminal()
        terminal.feed(kitty_messages_in(sent))
        images = list(terminal.images.values())
        return images[-1].convert("RGB") if images else None
    if name == "sixel":
        found = [sixel_pixels(sequence) for sequence in sixels_in(sent)]
        return found[-1].convert("RGB") if found else None
    rows = [row for row in cells_of(sent) if "▀" in {text for text, _, _ in row}]
    width = max((len(row) for row in rows), default=0)
    if not width:
        return None
    image = Image.new("RGB", (width, 2 * len(rows)))
    for y, row in enumerate(rows):
        for x, (text, ink, ground) in enumerate(row):
            image.putpixel((x, 2 * y), ink if text == "▀" else ground)
            image.putpixel((x, 2 * y + 1), ground)
    return image


def cells_of(sent: str) -> Iterator[list[tuple[str, Color, Color]]]:
    """The cells of each line with the colours of text and ground."""
    lines = sent.count("\n") + 1
    screen = pyte.Screen(COLUMNS, lines)
    pyte.Stream(screen).feed(sent)
    for y in range(lines):
        yield [
            (char.data, rgb(char.fg), rgb(char.bg))
            for x in range(COLUMNS)
            if (char := screen.buffer[y][x]).data == "▀" or char.bg != "default"
        ]


def rgb(name: str) -> Color:
    if not re.fullmatch("[0-9a-f]{6}", name):
        return (0, 0, 0)
    return int(name[:2], 16), int(name[2:4], 16), int(name[4:], 16)


def share(image: Image.Image, color: Color) -> float:
    """The share of pixels that are about of this colour."""
    far = ImageChops.difference(image, Image.new("RGB", image.size, color)).convert("RGB")
    pixels = far.tobytes()
    near = sum(max(pixels[at : at + 3]) < 90 for at in range(0, len(pixels), 3))
    return near / (image.width * image.height)


def distance(one: Image.Image, other: Image.Image) -> float:
    """How far the colours of two pictures are apart, on a coarse grid; at most 255."""
    grids = [image.resize((16, 8), Image.Resampling.BOX) for image in (one, other)]
    return max(ImageStat.Stat(ImageChops.difference(*grids)).mean)


_ESCAPES = re.compile(r"\x1b[P_].*?\x1b\\|\x1b\[[0-9;?]*[A-Za-z]", re.DOTALL)
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
        screen = _ESCAPES.sub("", sent)
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


def contact_sheet(pictures: list[tuple[str, Image.Image]]) -> Image.Image:
    """The pictures side by side, each under its name."""
    width, height, across = 420, 300, 4
    rows = -(-len(pictures) // across)
    sheet = Image.new("RGB", (width * across, height * rows), "#808080")
    for at, (name, image) in enumerate(pictures):
        left, top = at % across * width, at // across * height
        scale = min((width - 20) / image.width, (height - 40) / image.height)
        size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
        sheet.paste(image.resize(size), (left + 10, top + 30))
        ImageDraw.Draw(sheet).text((left + 10, top + 8), f"{name} {image.size}", "white")
    return sheet
