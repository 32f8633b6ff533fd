"""Uploads are hostile: size, extension, first bytes and a real parse must agree; pictures are drawn anew."""

from __future__ import annotations

import io
import struct
import unicodedata
import zlib
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from PIL import Image, UnidentifiedImageError
from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject
from werkzeug.datastructures import FileStorage

from portal.core import files
from portal.core.errors import Refused

KINDS = {"pdf": files.PDF, "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg"}
MOST_PIXELS = 40_000_000
MOST_PAGES = 200
MOST_OBJECTS = 50_000
# What makes a PDF act or carry something, wherever it stands; a jump to a page on opening is harmless.
FORBIDDEN = frozenset(
    [
        "/JavaScript",
        "/JS",
        "/Launch",
        "/EmbeddedFile",
        "/EmbeddedFiles",
        "/EF",
        "/AA",
        "/RichMedia",
        "/ImportData",
        "/SubmitForm",
        "/XFA",
    ]
)
ARCHIVE, MARKUP = b"PK\x05\x06", (b"<html", b"<script", b"<!doctype", b"<svg")


@dataclass(frozen=True, slots=True)
class Taken:
    """A checked file, ready for the store."""

    data: bytes
    media_type: str
    name: str


def safe_name(name: str) -> str:
    """Return a file name for people: no path, no control or direction characters, at most 120 long."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(
        char for char in unicodedata.normalize("NFC", base) if unicodedata.category(char)[0] != "C"
    )
    return kept.strip(". ")[-120:] or "file"


def _picture(data: bytes, kind: str) -> bytes:
    """Return the picture drawn anew on white: whatever else the file carried is gone."""
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


def _pdf(data: bytes) -> bytes:
    if ARCHIVE in data or any(mark in data[:1024].lower() for mark in MARKUP):
        raise Refused(
            _l("This file is a PDF and something else at once. Please print it to a plain PDF."), status=422
        )
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted:
            raise Refused(_l("This PDF is locked by a password. Please save it without one."), status=422)
        if not 1 <= len(reader.pages) <= MOST_PAGES:
            raise Refused(_l("This PDF has too many pages."), status=422)
        acts = _acts(reader)
    except (
        PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError, IndexError,
        AssertionError, zlib.error,
    ):  # fmt: skip
        raise Refused(_l("This PDF cannot be read."), status=422) from None
    if acts:
        raise Refused(
            _l("This PDF carries programs or files inside. Please print it to a plain PDF."), status=422
        )
    return data


def _acts(reader: PdfReader) -> bool:
    """Whether any object of a PDF acts or carries a file: every object is looked at, also compressed ones."""
    numbers = {(n, g) for g, places in reader.xref.items() for n in places}
    numbers |= {(n, 0) for n in reader.xref_objStm}
    if len(numbers) > MOST_OBJECTS:
        raise ValueError("too many objects")
    return any(_forbidden(reader.get_object(IndirectObject(n, g, reader))) for n, g in sorted(numbers))


def _forbidden(found: Any) -> bool:
    """Whether an object, or one written inside it, has a forbidden name as key or value."""
    if isinstance(found, DictionaryObject):
        return any(str(key) in FORBIDDEN or _forbidden(found.raw_get(key)) for key in found)
    if isinstance(found, ArrayObject):
        return any(_forbidden(one) for one in list.__iter__(found))
    return isinstance(found, NameObject) and str(found) in FORBIDDEN


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
        return Taken(_pdf(data), kind, name)
    return Taken(_picture(data, kind), kind, name)
