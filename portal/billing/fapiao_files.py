"""The file of a fapiao is a hostile upload: a PDF that only shows pages, or an OFD that is what it says."""

from __future__ import annotations

import io
import zipfile
import zlib

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage

from portal.core import files
from portal.core.errors import Refused

OFD = "application/ofd"
MOST_PARTS = 2000
MOST_UNPACKED = 60 * 1024 * 1024
MOST_RATIO = 200


def check(upload: FileStorage | None) -> tuple[bytes, str, str] | None:
    """Return bytes, media type and extension of a checked file; None if none was chosen; `Refused` in words."""
    if upload is None or not upload.filename:
        return None
    ending = upload.filename.rsplit(".", 1)[-1].lower()
    if ending not in {"pdf", "ofd"}:
        raise Refused(_l("Please choose a PDF or OFD file."), field="file", status=422)
    data = upload.stream.read(files.BIGGEST + 1)
    if len(data) > files.BIGGEST:
        raise Refused(_l("The file is larger than 10 MB."), field="file", status=422)
    try:
        return (_pdf(data), files.PDF, ending) if ending == "pdf" else (_ofd(data), OFD, ending)
    except Refused as refusal:
        raise Refused(refusal.words, field="file", status=422) from None


def _pdf(data: bytes) -> bytes:
    from portal.core import pdf_check  # noqa: PLC0415 - heavy

    if not data.startswith(b"%PDF-"):
        raise Refused(_l("This file is no PDF, whatever its name says."))
    return pdf_check.checked(data)


def _ofd(data: bytes) -> bytes:
    """Return an OFD as it came: a ZIP with OFD.xml at its root, no way out of its folder, and no bomb."""
    from defusedxml import ElementTree  # noqa: PLC0415
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415

    try:
        if not data.startswith(b"PK\x03\x04"):
            raise ValueError("no archive")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            if len(parts) > MOST_PARTS or unpacked > min(MOST_UNPACKED, MOST_RATIO * len(data)):
                raise ValueError("a bomb")
            if any(_strays(part.filename) or part.flag_bits & 1 for part in parts):
                raise ValueError("a path out of the archive, or a locked part")
            root = ElementTree.fromstring(archive.read("OFD.xml"))
            if root.tag.rsplit("}", 1)[-1] != "OFD":
                raise ValueError("no OFD")
            if archive.testzip() is not None:
                raise ValueError("damaged")
    except (
        ValueError, KeyError, EOFError, OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error,
        SyntaxError, DefusedXmlException,
    ):  # fmt: skip
        raise Refused(_l("This OFD file cannot be read.")) from None
    return data


def _strays(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\x00" in name
