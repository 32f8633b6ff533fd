"""Uploads are hostile: size, extension, first bytes and a real parse must agree; pictures are drawn anew."""

from __future__ import annotations

import io
import struct
import unicodedata
import zlib
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError
from werkzeug.datastructures import FileStorage

from portal.core import files
from portal.core.errors import Refused

KINDS = {"pdf": files.PDF, "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg"}
MOST_PIXELS = 40_000_000


@dataclass(frozen=True, slots=True)
class Taken:
    """A checked file, ready for the store."""

    data: bytes
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture drawn anew, and its size in pixels."""

    data: bytes
    media_type: str
    width: int
    height: int


def safe_name(name: str) -> str:
    """Return a file name for people: no path, no control or direction characters, at most 120 long."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(
        char for char in unicodedata.normalize("NFC", base) if unicodedata.category(char)[0] != "C"
    )
    return kept.strip(". ")[-120:] or "file"


def _picture(data: bytes, kind: str) -> bytes:
    """Return the picture drawn anew on white: whatever else the file carried is gone."""
    ImageFile.LOAD_TRUNCATED_IMAGES = (
        False  # the PDF engine, where it is loaded, switches it on for everybody
    )
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG"]) as image:
            if image.width * image.height > MOST_PIXELS or Image.MIME.get(image.format or "") != kind:
                raise Refused(_l("This picture is too large, or not what its name says."), status=422)
            fresh = io.BytesIO()
            drawn = image.convert("RGBA")
            paper = Image.new("RGBA", drawn.size, "white")
            paper.alpha_composite(drawn)
            paper.convert("RGB").save(fresh, "JPEG" if kind == "image/jpeg" else "PNG")
            return fresh.getvalue()
    except (
        UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error,
        Image.DecompressionBombError,
    ):  # fmt: skip
        raise Refused(_l("This picture cannot be read."), status=422) from None


def check_picture(upload: FileStorage, *, most: int, side: int) -> Picture:
    """Read and check an uploaded PNG or JPEG of at most so many bytes; it stands upright, and no side is longer than `side` pixels."""
    name = safe_name(upload.filename or "")
    kind = KINDS.get(name.rsplit(".", 1)[-1].lower()) if "." in name else None
    if kind not in ("image/png", "image/jpeg"):
        raise Refused(_l("Please choose a PNG or JPEG file."), field="file", status=422)
    data = upload.stream.read(most + 1)
    if len(data) > most:
        raise Refused(
            _l("The picture is larger than %(most)s MB.", most=most // 1024 // 1024), field="file", status=422
        )
    return drawn_anew(data, kind, side)


def drawn_anew(data: bytes, kind: str, side: int) -> Picture:
    """Return a picture drawn anew within so many pixels; `Refused` if it is none, or too large to be opened."""
    plain = _picture(data, kind)
    with Image.open(io.BytesIO(plain)) as image:
        image.getexif()[ExifTags.Base.Orientation] = _orientation(data)
        upright = ImageOps.exif_transpose(image)
    upright.thumbnail((side, side), Image.Resampling.LANCZOS)
    fresh = io.BytesIO()
    if kind == "image/jpeg":
        upright.save(fresh, "JPEG", quality=90)
    else:
        upright.save(fresh, "PNG", optimize=True)
    return Picture(fresh.getvalue(), kind, upright.width, upright.height)


def _orientation(data: bytes) -> int:
    """Return how a camera was held; what a picture says of it is a number or nothing."""
    with Image.open(io.BytesIO(data), formats=["PNG", "JPEG"]) as image:
        try:
            said = image.getexif().get(ExifTags.Base.Orientation)
        except (OSError, ValueError, SyntaxError, KeyError, TypeError, struct.error):
            return 1  # torn facts of the camera: the picture itself was read, and stands as it is
    return said if isinstance(said, int) else 1


def check(upload: FileStorage) -> Taken:
    """Read and check an uploaded file; `Refused` in words when it is not a plain PDF, PNG or JPEG of 10 MB."""
    name = safe_name(upload.filename or "")
    kind = KINDS.get(name.rsplit(".", 1)[-1].lower()) if "." in name else None
    if kind is None:
        raise Refused(_l("Please choose a PDF, PNG or JPEG file."), status=422)
    data = upload.stream.read(files.BIGGEST + 1)
    if len(data) > files.BIGGEST:
        raise Refused(_l("The file is larger than 10 MB."), status=422)
    if kind == files.PDF:
        if not data.startswith(b"%PDF-"):
            raise Refused(_l("This file is no PDF, whatever its name says."), status=422)
        from portal.core import pdf_check  # noqa: PLC0415 - heavy

        return Taken(pdf_check.checked(data), kind, name)
    return Taken(_picture(data, kind), kind, name)
