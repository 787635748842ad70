"""Pixels of a picture from its head, as Pillow reads them."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from codeexec.domain.content.picture_head import is_multi_scan_jpeg, picture_size


def saved(kind: str, size: tuple[int, int], **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "#20a040").save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_sizes_of_the_usual_kinds(kind: str) -> None:
    data = saved(kind, (301, 17))
    assert picture_size(data) == (301, 17)
    assert picture_size(data[:9]) is None
    assert picture_size(saved(kind, (1, 16000))[:2000]) == (1, 16000)


def test_webp_of_every_form() -> None:
    assert picture_size(saved("WEBP", (40, 30), lossless=True)) == (40, 30)
    assert picture_size(saved("WEBP", (40, 30), exif=b"Exif\0\0aa")) == (40, 30)


def test_a_jpeg_that_must_be_held_whole() -> None:
    assert is_multi_scan_jpeg(saved("JPEG", (20, 20), progressive=True))
    assert not is_multi_scan_jpeg(saved("JPEG", (20, 20)))
    assert not is_multi_scan_jpeg(b"\x89PNG")


@pytest.mark.parametrize("data", [b"", b"GIF8", b"\xff\xd8" + b"\xff" * 40, b"RIFF1234WEBPVP8X"])
def test_what_is_cut_off_has_no_size(data: bytes) -> None:
    assert picture_size(data) is None
