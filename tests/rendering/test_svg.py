"""SVG of strangers: no file is read, and what would end the renderer is said in words."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from codeexec.domain.errors import DocumentError
from codeexec.rendering.pictures import draw_svg
from codeexec.rendering.svg import svg_size, without_references

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '


def drawn(text: str) -> Image.Image:
    return Image.open(io.BytesIO(draw_svg(text.encode())))


@pytest.mark.parametrize(
    ("size", "pixels"),
    [
        ('viewBox="0 0 2 1"', (1600, 800)),
        ('viewBox="0 0 1 4"', (400, 1600)),
        ('width="10" height="20"', (800, 1600)),
        ('width="100%" viewBox="0,0,1,100000000"', (1, 1600)),
    ],
)
def test_the_longer_side_has_a_limit(size: str, pixels: tuple[int, int]) -> None:
    assert drawn(f"{HEAD}{size}><rect width='9' height='9'/></svg>").size == pixels


@pytest.mark.parametrize(
    ("attributes", "pixels"),
    [
        ('width="400" height="100"', (400, 100)),
        ('width="432pt" height="288pt" viewBox="0 0 432 288"', (576, 384)),
        ('width="1in" height="2.54cm"', (96, 96)),
        ('width="100%" height="100%" viewBox="0 0 640 480"', (640, 480)),
        ('viewBox="-5,-5,20,10"', (20, 10)),
        ('width="40" viewBox="0 0 20 10"', (40, 20)),
        ('height="5mm" viewBox="0 0 20 10"', (38, 19)),
        ('width="0" height="0"', None),
        ("", None),
    ],
)
def test_an_svg_names_its_own_size(attributes: str, pixels: tuple[int, int] | None) -> None:
    assert svg_size(f"{HEAD}{attributes}><rect width='9' height='9'/></svg>".encode()) == pixels


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("name", ["href", "xlink:href", "xlink:href  ="])
def test_files_are_not_drawn(tmp_path: Path, name: str, quote: str) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "secret.png")
    equals = "" if "=" in name else "="
    target = f"{name}{equals}{quote}{tmp_path}/secret.png{quote}"
    text = f'{HEAD}viewBox="0 0 8 8"><image {target} width="8" height="8"/></svg>'
    assert "secret" in text
    assert "secret" not in without_references(text)
    assert drawn(text).getchannel("A").getextrema() == (0, 0)


def test_own_parts_and_data_stay() -> None:
    text = '<use href="#a"/><image href="data:image/png;base64,aa"/><use href=" #b"/>'
    assert without_references(text) == text
    assert without_references("<image href='http://x'/>") == '<image href=""/>'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('width="1" height="1"><g>', "cannot be drawn"),
        ('viewBox="0 0 9 9" width="1e9" height="1e9">' + "<g>" * 100_000, "cannot be drawn"),
    ],
)
def test_damage_is_said(body: str, says: str) -> None:
    with pytest.raises(DocumentError, match=says):
        draw_svg((HEAD + body).encode())


def test_entities_that_hold_markup_are_refused() -> None:
    doctype = """<!DOCTYPE svg [<!ENTITY a "<image h&#114;ef='/etc/passwd'/>">]>"""
    with pytest.raises(DocumentError, match="entities"):
        draw_svg(f'{doctype}{HEAD}viewBox="0 0 1 1">&a;</svg>'.encode())
    # A name space as Illustrator writes it.
    plain = '<!DOCTYPE svg [<!ENTITY ns "http://ns.adobe.com/">]>'
    assert drawn(f'{plain}{HEAD}viewBox="0 0 1 1" x="&ns;"/>').size == (1600, 1600)


@pytest.mark.slow
def test_one_that_takes_all_memory_ends_its_own_process() -> None:
    side = 'width="100%" height="100%" viewBox="0 0 1 1000000"'
    with pytest.raises(DocumentError, match="memory or time"):
        draw_svg(f"{HEAD}{side}/>".encode())
