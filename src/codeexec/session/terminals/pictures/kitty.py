"""Reads kitty's graphics protocol: pictures that a program sends, and where it places them.

https://sw.kovidgoyal.net/kitty/graphics-protocol has the format. Pictures come in the output alone:
files and shared memory, which it also knows, are not read. There are no animations.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from codeexec.domain.content.picture_head import picture_size
from codeexec.session.terminals.pictures.png import png_of_pixels

MOST_PIXELS = 16_000_000
MOST_TRANSMITTED = 16 << 20
"""Bytes of base64 of one picture, in all its parts."""
MOST_KEPT = 64
"""Pictures that a program can place again; the oldest is forgotten."""
_PAIR = re.compile(rb"([a-zA-Z])=([^,;=]{1,20})")
_DEPTHS = {"24": 3, "32": 4}
_PNG = "100"


class PictureError(ValueError):
    """Why a picture cannot be shown, as the protocol words it: `ECODE:reason`."""


class SentPicture(NamedTuple):
    """A picture as it came: its format, and its bytes in base64."""

    options: Mapping[str, str]
    payload: bytes


class PictureRef(Struct, frozen=True, array_like=True):
    """A picture by its key, and its size in pixels."""

    key: str
    width: int
    height: int


class Placement(NamedTuple):
    """`columns` and `rows` are what the program asks for; 0: as large as it is."""

    ref: PictureRef
    columns: int = 0
    rows: int = 0
    moves_cursor: bool = True


class KittyState(Struct, frozen=True, omit_defaults=True):
    """What a program has sent, for another process to go on with."""

    options: dict[str, str] = {}
    payload: str = ""
    kept: dict[str, PictureRef] = {}


class KittyAnswer(NamedTuple):
    """What a command has caused."""

    reply: bytes = b""
    sent: tuple[PictureRef, SentPicture] | None = None
    placement: Placement | None = None


_NOTHING = KittyAnswer()


class KittyGraphics:
    """The pictures of one program."""

    def __init__(self) -> None:
        self._options: dict[str, str] = {}
        """Those of the picture that is being sent; empty: none is."""
        self._payload = bytearray()
        self._kept: dict[str, PictureRef] = {}

    def take(self, body: bytes) -> KittyAnswer:
        """Obey one command."""
        control, _, payload = body.partition(b";")
        options = {
            key.decode(): value.decode("latin-1") for key, value in _PAIR.findall(control[:500])
        }
        if self._options:
            options = {**self._options, **{key: options[key] for key in "mq" if key in options}}
        action = options.get("a", "t")
        try:
            if action in "tTq":
                return self._receive(options, payload)
            if action == "p":
                return KittyAnswer(_reply(options, "OK"), placement=self._placement(options))
            if action == "d":
                return _NOTHING  # text that is written over a picture removes it
            raise PictureError("EINVAL:animations are not shown")
        except PictureError as error:
            self._options, self._payload = {}, bytearray()
            return KittyAnswer(_reply(options, str(error)))

    def _receive(self, options: dict[str, str], payload: bytes) -> KittyAnswer:
        if options.get("t", "d") != "d":
            raise PictureError("EINVAL:pictures are read from the output alone")
        if len(self._payload) + len(payload) > MOST_TRANSMITTED:
            raise PictureError("EFBIG:the picture is too large")
        self._payload += payload
        if options.get("m") == "1":
            self._options = options
            return _NOTHING
        sent = SentPicture(options, bytes(self._payload))
        self._options, self._payload = {}, bytearray()
        ref = _ref_of(sent)
        if options.get("a") == "q":
            return KittyAnswer(_reply(options, "OK"))
        if name := options.get("i", ""):
            self._kept.pop(name, None)
            self._kept[name] = ref
            while len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        placement = None
        if options.get("a") == "T" and options.get("U") != "1":
            placement = _placement_of(ref, options)
        return KittyAnswer(_reply(options, "OK"), (ref, sent), placement)

    def _placement(self, options: Mapping[str, str]) -> Placement | None:
        ref = self._kept.get(options.get("i", ""))
        if ref is None:
            raise PictureError("ENOENT:there is no such picture")
        return _placement_of(ref, options) if options.get("U") != "1" else None

    @property
    def state(self) -> KittyState:
        return KittyState(self._options, self._payload.decode("latin-1"), self._kept)

    def restore(self, state: KittyState) -> None:
        self._options, self._kept = dict(state.options), dict(state.kept)
        self._payload = bytearray(state.payload.encode("latin-1"))


def _placement_of(ref: PictureRef, options: Mapping[str, str]) -> Placement:
    columns, rows = _number(options, "c"), _number(options, "r")
    return Placement(ref, columns, rows, options.get("C") != "1")


def _number(options: Mapping[str, str], key: str) -> int:
    text = options.get(key, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _ref_of(sent: SentPicture) -> PictureRef:
    size: tuple[int, int] | None
    if sent.options.get("f") == _PNG:
        size = picture_size(_decoded(sent.payload[:64] if len(sent.payload) > 64 else sent.payload))
    else:
        size = _number(sent.options, "s"), _number(sent.options, "v")
    if size is None or min(size) < 1:
        raise PictureError("EINVAL:this is no picture")
    if size[0] * size[1] > MOST_PIXELS:
        raise PictureError("EFBIG:the picture is too large")
    look = [sent.options.get(key, "") for key in "fosv"]
    digest = hashlib.sha256(repr(look).encode() + sent.payload)
    return PictureRef(digest.hexdigest()[:16], *size)


def kitty_png(sent: SentPicture, size: tuple[int, int]) -> bytes:
    """The picture as PNG. PictureError where it is damaged. Blocks."""
    data = _decoded(sent.payload)
    depth_name = sent.options.get("f", "32")
    if depth_name == _PNG:
        return data
    depth = _DEPTHS.get(depth_name)
    if depth is None:
        raise PictureError("EINVAL:this format is not known")
    wanted = size[0] * size[1] * depth
    if sent.options.get("o") == "z":
        try:
            data = zlib.decompressobj().decompress(data, wanted)
        except zlib.error as error:
            raise PictureError("EINVAL:the picture is damaged") from error
    if len(data) < wanted:
        raise PictureError("ENODATA:the picture is cut short")
    return png_of_pixels(data[:wanted], *size, depth)


def _decoded(payload: bytes) -> bytes:
    try:
        return b64decode(payload + b"=" * (-len(payload) % 4))
    except (Base64Error, ValueError) as error:
        raise PictureError("EINVAL:the picture is no base64") from error


def _reply(options: Mapping[str, str], message: str) -> bytes:
    """Programs that give no number, or want quiet, are told nothing."""
    quiet = options.get("q", "0")
    keys = [f"{key}={number}" for key in "iI" if (number := _number(options, key))]
    if not keys or quiet == "2" or (quiet == "1" and message == "OK"):
        return b""
    return f"\x1b_G{','.join(keys)};{message}\x1b\\".encode()
