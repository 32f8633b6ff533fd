"""Looks into an uploaded PDF: it may show pages, and do or carry nothing else."""

from __future__ import annotations

import io
import zlib
from typing import Any

from flask_babel import lazy_gettext as _l
from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject

from portal.core.errors import Refused

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


def checked(data: bytes) -> bytes:
    """Return a PDF that only shows pages; `Refused` in words for any other."""
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
