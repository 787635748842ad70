"""Displays that are damaged, enormous, or name files and addresses: in card, viewer and text there
is a line about each, nothing is loaded, and what is drawn next is drawn."""

from __future__ import annotations

import base64
import io
import json
import socket
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.strip import Strip

from codeexec.documents.displays.text import read_display
from codeexec.domain.content.mime import content_of, text_of
from codeexec.domain.errors import DocumentError
from codeexec.domain.outputs import Display, MimePart
from codeexec.session.files.artifacts import BlobStore
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.output.bodies import BodyPainter
from codeexec.tui.output.contents import MarkdownContent, prepare
from codeexec.tui.output.pictures import PictureRequest, paint_picture
from codeexec.tui.render.ansi import AnsiPainter
from codeexec.tui.theme.theme import built_in_folder, find_theme

THEME = find_theme("harbour", [built_in_folder()])
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
LITE = "application/vnd.vegalite.v5+json"
VEGA = "application/vnd.vega.v5+json"
RED = (255, 0, 0)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = kind + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))


def png_bomb() -> bytes:
    """A PNG of 60,000 x 60,000 pixels in 50 kB, its zeros packed twice as tight as they can be."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(20_000_000), 9)
    chunks = _chunk(b"IHDR", head) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def png_with_a_long_comment() -> bytes:
    """A small PNG whose comment takes 100 MB when it is unpacked."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    whole = file.getvalue()
    comment = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9))
    return whole[:33] + comment + whole[33:]


def svg_gz_bomb() -> str:
    """An SVG within which lies another one, of 3 GB when it is unpacked."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(f'{SVG} width="9" height="9">'.encode())
    head += packer.flush(zlib.Z_FULL_FLUSH)
    blanks = packer.compress(b" " * 30_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
    body = b"\x1f\x8b\x08" + bytes(6) + b"\xff" + head + blanks * 100 + packer.flush()
    data = base64.b64encode(body).decode()
    return f'{SVG} width="9" height="9"><image href="data:image/svg+xml;base64,{data}"/></svg>'


def svg(inner: str, attributes: str = 'width="40" height="40"', before: str = "") -> str:
    return f"{before}{SVG} {attributes}>{inner}</svg>"


def picture_at(address: str) -> str:
    return svg(f'<image width="40" height="40" xlink:href="{address}"/>')


def lite(**fields: Any) -> dict[str, Any]:
    values = [{"x": 1, "y": 1}, {"x": 2, "y": 2}]
    place = {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y"}}
    return {"data": {"values": values}, "mark": "point", "encoding": place, **fields}


LAUGHS = '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {b} "{("&" + a + ";") * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
ENTITY_FILE = '<!DOCTYPE svg [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
ENTITY_HREF = '<!DOCTYPE svg [<!ENTITY f "{file}">]>'

CASES: dict[str, tuple[str, object, str]] = {
    "broken base64": ("image/png", "iVBORw0KGgo!!!", "damaged"),
    "base64 of half a picture": ("image/png", png_bomb()[:60], "60000"),
    "PNG bomb": ("image/png", png_bomb(), "60000"),
    "PNG with a long comment": ("image/png", png_with_a_long_comment(), ""),
    "gzip bomb in SVG": ("image/svg+xml", svg_gz_bomb(), ""),
    "billion laughs": ("image/svg+xml", svg("<text>&i;</text>", before=LAUGHS + "]>"), "entities"),
    "entity of a file": (
        "image/svg+xml", svg("<text y='20'>&f;</text>", before=ENTITY_FILE), "",
    ),
    "entity in a reference": (
        "image/svg+xml", ENTITY_HREF + picture_at("&f;"), "",
    ),
    "huge SVG": ("image/svg+xml", svg("<rect/>", 'width="100000" height="100000"'), ""),
    "huge tall SVG": ("image/svg+xml", svg("<rect/>", 'width="1" height="9999999"'), ""),
    "SVG of a local file": ("image/svg+xml", picture_at("{file}"), ""),
    "SVG of a file address": ("image/svg+xml", picture_at("file://{file}"), ""),
    "SVG of an escaped path": ("image/svg+xml", picture_at("&#47;{file}"), ""),
    "SVG of a secret": ("image/svg+xml", picture_at("file:///etc/passwd"), ""),
    "SVG in SVG of a local file": ("image/svg+xml", "{nested}", ""),
    "SVG of an address": ("image/svg+xml", picture_at("{http}/a.png"), ""),
    "SVG of styles": (
        "image/svg+xml",
        svg(
            "<style>@import url({http}/a.css); @font-face {{font-family: f; "
            "src: url({http}/f.woff)}} rect {{fill: url({http}/b.svg#c)}}</style>"
            '<rect width="9" height="9"/><text y="20" font-family="f">a</text>'
            '<use href="{http}/c.svg#d"/><filter id="g"><feImage href="{http}/e.png"/></filter>'
            '<rect width="9" height="9" filter="url(#g)"/>',
            before='<?xml-stylesheet href="{http}/d.css"?>',
        ),
        "",
    ),
    "HTML of addresses": (
        "text/html",
        '<img src="{http}/a.png"><link rel="stylesheet" href="{http}/b.css">'
        '<script src="{http}/c.js"></script><iframe src="{http}/d"></iframe><p>seen</p>',
        "seen",
    ),
    "Markdown of addresses": ("text/markdown", "seen ![a]({http}/a.png) ![b]({file})", "seen"),
    "10 MB of HTML": ("text/html", "<p>hello world</p>\n" * 530_000, "10.1 MB"),
    "deep HTML": ("text/html", "<div>" * 100_000 + "seen", ""),
    "deep JSON": ("application/json", "[" * 100_000, ""),
    "Vega-Lite of an address": (LITE, lite(data={"url": "{http}/a.csv"}), "{http}/a.csv"),
    "Vega-Lite of a file": (LITE, lite(data={"url": "file:///etc/passwd"}), "/etc/passwd"),
    "Vega-Lite that looks up": (
        LITE,
        lite(transform=[{"lookup": "x", "from": {"data": {"url": "{http}/b"}, "key": "x"}}]),
        "{http}/b",
    ),
    "Vega-Lite of pictures": (
        LITE,
        lite(
            mark={"type": "image", "width": 30, "height": 30},
            encoding={"x": {"field": "x"}, "url": {"value": "{http}/c.png"}},
        ),
        "",
    ),
    "Vega-Lite of local pictures": (
        LITE,
        lite(
            mark={"type": "image", "width": 30, "height": 30},
            encoding={"x": {"field": "x"}, "url": {"value": "{file}"}},
        ),
        "",
    ),
    "Vega of an address": (VEGA, {"data": [{"name": "a", "url": "{http}/d"}]}, "{http}/d"),
    "Vega of a computed address": (
        VEGA,
        {
            "width": 40, "height": 40, "signals": [{"name": "s", "value": "{http}/e.json"}],
            "data": [{"name": "a", "url": {"signal": "s"}, "format": {"type": "json"}}],
            "marks": [{"type": "symbol", "from": {"data": "a"}}],
        },
        "",
    ),
    "Vega of pictures": (
        VEGA,
        {
            "width": 40, "height": 40,
            "marks": [
                {
                    "type": "image",
                    "encode": {"enter": {
                        "url": {"value": url}, "width": {"value": 9}, "height": {"value": 9},
                    }},
                }
                for url in ("{http}/f.png", "{file}", "file://{file}")
            ],
        },
        "",
    ),
    "plotly of pictures": (
        "application/vnd.plotly.v1+json",
        {
            "data": [{"type": "scatter", "x": [1, 2], "y": [1, 2]}],
            "layout": {"images": [{"source": "{http}/g.png", "x": 0, "y": 1}]},
        },
        "",
    ),
    "plotly of broken arrays": (
        "application/vnd.plotly.v1+json",
        {"data": [{"type": "bar", "y": {"dtype": "f8", "bdata": "!!!", "shape": "9, 9"}}]},
        "",
    ),
    "LaTeX of a file": ("text/latex", r"$\input{/etc/passwd} \includegraphics{/etc/x}$", ""),
    "PDF that is none": ("application/pdf", b"%PDF-1.7 broken", ""),
    "GIF that is cut off": ("image/gif", b"GIF89a\xff\xff\xff\xff", ""),
}  # fmt: skip


class Listener:
    """A server on loopback that notes every connection, and answers none."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.noted: list[object] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, sender = self._server.accept()
            except OSError:
                return
            self.noted.append(sender)
            connection.close()

    def close(self) -> None:
        """Note also those that wait to be accepted."""
        with socket.create_connection(self._server.getsockname()) as last:
            mark = last.getsockname()
            while mark not in self.noted:
                pass
        self.noted.remove(mark)
        self._server.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()
    assert listener.noted == []


@pytest.fixture
def red_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret.png"
    Image.new("RGB", (40, 40), RED).save(path)
    return path


def filled(value: object, words: Mapping[str, str]) -> object:
    """The value with the address and the path in place of their names."""
    if isinstance(value, str):
        for name, word in words.items():
            value = value.replace("{" + name + "}", word)
        return value.replace("{{", "{").replace("}}", "}") if "@import" in value else value
    if isinstance(value, dict):
        return {key: filled(inner, words) for key, inner in value.items()}
    return [filled(inner, words) for inner in value] if isinstance(value, list) else value


def words_of(http: str, file: Path) -> dict[str, str]:
    inner = base64.b64encode(picture_at(str(file)).encode()).decode()
    nested = picture_at(f"data:image/svg+xml;base64,{inner}")
    return {"http": http, "file": str(file), "nested": nested}


def colors_of(strips: list[Strip]) -> set[str]:
    styles = [segment.style for strip in strips for segment in strip if segment.style]
    colors = [color for style in styles for color in (style.color, style.bgcolor)]
    return {color.name for color in colors if color is not None}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_display_is_a_line_and_loads_nothing(
    name: str, listener: Listener, red_file: Path, tmp_path: Path
) -> None:
    mime, value, said = CASES[name]
    words = words_of(listener.address, red_file)
    value, said = filled(value, words), str(filled(said, words))
    if isinstance(value, bytes):
        value = base64.b64encode(value).decode()
    if mime.endswith("+json") and not isinstance(value, str):
        value = json.loads(json.dumps(value))
    blobs = BlobStore(tmp_path / "blobs")
    (part,) = blobs.make_parts({mime: value})
    display = Display("d", (part,))
    text = part.text if part.text is not None else text_of(mime, blobs.read(part.blob or ""))
    painted = BodyPainter(THEME, AnsiPainter(THEME)).display(display, 80)
    lines = [strip.text for strip in painted.lines]
    try:
        data = content_of(mime, text)
    except DocumentError as error:
        data = b""
        lines.append(str(error))
    if data and painted.part is not None:
        request = PictureRequest("d", "d", part, 60, 20)
        strips, _ = paint_picture(data, request, Graphics("half"), THEME)
        lines += [strip.text for strip in strips]
        assert "#ff0000" not in colors_of(strips)  # the picture in the file
    if data:
        prepare(mime, data)
    as_text = text_of_display(Display("d", (MimePart(mime, len(text), text),)), text)
    assert said in " ".join("".join(lines).split())
    assert "root:" not in "".join(lines) + as_text


def text_of_display(display: Display, text: str) -> str:
    """What a pipe gets of a display whose parts have this text."""
    reading = read_display(display)
    try:
        next(reading)
        while True:
            reading.send(text)
    except StopIteration as end:
        return str(end.value)


@pytest.mark.parametrize("row", ["<p>hello world</p>\n", "<tr><td>hällo</td><td>1</td></tr>\n"])
def test_of_much_html_the_beginning_is_shown(row: str) -> None:
    html = f"<table>{row * (30_000_000 // len(row))}</table>" if "<t" in row else row * 5_300_000
    content = prepare("text/html", html.encode())
    assert isinstance(content, MarkdownContent)
    assert content.text[:40].split()[0] in ("hello", "|")
    assert "MB more of this page" in content.text and len(content.text) < 100_000
    text = text_of_display(Display("d", (MimePart("text/html", len(html), html),)), html)
    assert text == f"[page of {len(html):,} characters: a browser shows it]"


WITHOUT_WALLS = """
import json, sys, urllib.request
from codeexec.rendering.jobs import run
from codeexec.rendering.svg import without_references
address, *jobs = json.load(sys.stdin)
for mime, text in jobs:
    options = {"mime": mime, "ground": "#ffffff", "side": "width=40"}
    for beginning, kind in (("image", "svg"), ("application/vnd.vega", "vega")):
        options |= {"kind": kind} if mime.startswith(beginning) else {}
    try:
        if options["kind"] == "svg":
            text = without_references(text)
        picture = run(json.dumps(options), text.encode())
    except Exception as error:
        print(str(error).splitlines()[-1:])
    else:
        print(len(picture))
try:
    urllib.request.urlopen(address, timeout=60)
except OSError:
    pass
"""


def test_no_address_is_loaded_without_the_walls_of_the_process_either(red_file: Path) -> None:
    """The helper process has no network. Here the same libraries run where they have it, and then
    one connection shows that it would have been noted."""
    listener = Listener()
    words = words_of(listener.address, red_file)
    jobs: list[object] = [listener.address]
    for mime, value, _ in CASES.values():
        kind = mime.startswith(("image/svg", "application/vnd.vega"))
        if kind and "{http}" in json.dumps(value):
            value = filled(value, words)
            jobs.append([mime, value if isinstance(value, str) else json.dumps(value)])
    assert len(jobs) > 7
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_WALLS],
        input=json.dumps(jobs),
        env={"PATH": "/usr/bin:/bin", "no_proxy": "*"},
        text=True,
        capture_output=True,
        timeout=120,
    )
    listener.close()
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(jobs) - 1
    assert len(listener.noted) == 1
