"""A photo is kept as its picture alone: by content, without what tells about people, the same points as before."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ogniwo.formats.photos import model
from ogniwo.formats.photos.model import PhotoRefusedError
from ogniwo.formats.photos.read import read_photo
from photos import JPEG, LOSSLESS, PNG, PROGRESSIVE, SECRET, WEBP, chunk, from_a_camera, png_with, webp_with

BARE = {"jpeg": JPEG, "progressive": PROGRESSIVE, "png": PNG, "webp": WEBP, "lossless": LOSSLESS}
EXIF_TURNED = bytes.fromhex("ffe1 0022 457869660000 4d4d002a00000008 0001 011200030000000100060000 00000000")


@pytest.mark.parametrize("name", BARE)
def test_a_bare_picture_stays_as_it_is(name):
    found = read_photo(BARE[name])
    assert (found.width, found.height) == (16, 8)
    assert found.data == BARE[name]
    assert found.kind == {"progressive": "jpeg", "lossless": "webp"}.get(name, name)


@pytest.mark.parametrize("bare", [JPEG, PROGRESSIVE], ids=["sequential", "progressive"])
@pytest.mark.parametrize("order", ["big", "little"])
def test_of_a_camera_only_the_picture_and_which_way_up_it_is(bare, order):
    sent = from_a_camera(bare, 6, order)
    assert sent.count(SECRET) == 6
    kept = read_photo(sent).data
    assert SECRET not in kept
    assert kept == bare[:2] + EXIF_TURNED + bare[2:]
    assert read_photo(from_a_camera(bare, 1, order)).data == bare
    # No orientation at all: the photo is not lost over what is written beside it.
    assert read_photo(from_a_camera(bare, 9, order)).data == bare


def test_a_png_keeps_what_the_picture_needs():
    sent = png_with(PNG, chunk(b"tEXt", SECRET), chunk(b"eXIf", SECRET), chunk(b"tIME", b"\x07\xea\x0a\x01\0\0\0"))
    assert read_photo(sent).data == PNG


def test_a_webp_keeps_what_the_picture_needs():
    for bare in (WEBP, LOSSLESS):
        assert read_photo(webp_with(bare, (b"EXIF", SECRET), (b"XMP ", SECRET + b"!"))).data == bare
    opaque = read_photo(webp_with(WEBP, (b"ALPH", b"\0" * 5)))
    assert (opaque.width, opaque.height) == (16, 8)
    assert b"ALPH" in opaque.data
    assert read_photo(opaque.data) == opaque


@pytest.mark.parametrize("name", BARE)
def test_every_cut_is_refused(name):
    for end in range(len(BARE[name])):
        with pytest.raises(PhotoRefusedError):
            read_photo(BARE[name][:end])


@given(some.sampled_from(list(BARE.values())), some.data())
def test_damage_is_refused_or_harmless(bare, data):
    place = data.draw(some.integers(0, len(bare) - 1))
    changed = bare[:place] + bytes((bare[place] ^ data.draw(some.integers(1, 255)),)) + bare[place + 1 :]
    try:
        found = read_photo(changed)
    except PhotoRefusedError:
        return
    assert read_photo(found.data) == found
    assert len(found.data) <= len(changed) + len(EXIF_TURNED)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GIF89a\x01\0\x01\0",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\0\0\0\x18ftypheic",
        webp_with(WEBP, (b"ANIM", b"\0" * 6)),
        png_with(PNG, chunk(b"ABCD", b"what a viewer must know")),
        png_with(PNG, chunk(b"IHDR", PNG[16:29])),
        JPEG.replace(b"\xff\xc0", b"\xff\xc3"),
    ],
    ids=["empty", "gif", "svg", "pdf", "heic", "animated", "unknown", "two heads", "lossless jpeg"],
)
def test_other_kinds_are_refused(sent):
    with pytest.raises(PhotoRefusedError):
        read_photo(sent)


def test_too_many_bytes_or_points_are_refused(monkeypatch):
    huge = chunk(b"IHDR", (16_000).to_bytes(4, "big") * 2 + PNG[24:29])
    with pytest.raises(PhotoRefusedError, match="16000 x 16000"):
        read_photo(PNG[:8] + huge + PNG[33:])
    empty = chunk(b"IHDR", bytes(8) + PNG[24:29])
    with pytest.raises(PhotoRefusedError, match="0 x 0"):
        read_photo(PNG[:8] + empty + PNG[33:])
    monkeypatch.setattr("ogniwo.formats.photos.read.BYTES_MAX", len(JPEG) - 1)
    with pytest.raises(PhotoRefusedError, match="MB"):
        read_photo(JPEG)
    assert model.POINTS_MAX < 16_000**2
