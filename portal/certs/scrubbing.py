"""Taking names out of what was handed in: texts, archives and documents as graders see them. Pure but for the PDF library."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable

from portal.core import archives

MOST_BYTES = 64 * 1024 * 1024
OLD = (1980, 1, 1, 0, 0, 0)
WHY = {"size": "an archive that grows too large", "entries": "an archive that grows too large"}
GONE = "[…]"
DROPPED = {".git", ".hg", ".svn", ".DS_Store", ".idea", ".vscode", "__MACOSX"}
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"https?://[^\s<>\"')\]]+")


class Unreadable(ValueError):
    """What was handed in cannot be shown to graders as it is; the text says why."""


def words_of(names: Iterable[str]) -> list[str]:
    """Return what is taken out, the longest first: every name whole, and each Latin word of three letters or more."""
    found: set[str] = set()
    for name in names:
        bare = " ".join(name.split())
        if len(bare) >= 2:
            found.add(bare)
        found |= {
            one
            for one in re.split(r"[\s·•,]+", bare)
            if len(one) >= 3 or (len(one) == 2 and ord(one[0]) > 0x2E7F)
        }
    return sorted(found, key=lambda one: (-len(one), one))


def text(said: str, names: list[str]) -> str:
    """Return a text without names, mail addresses and links."""
    said = _EMAIL.sub(GONE, _LINK.sub(GONE, said))
    for name in names:
        said = re.sub(_pattern(name), GONE, said, flags=re.IGNORECASE)
    return said


def _pattern(name: str) -> str:
    """Return the pattern of a name: a Latin one only as a whole word."""
    words = r"\s+".join(re.escape(one) for one in name.split())
    return rf"(?<![A-Za-z]){words}(?![A-Za-z])" if name.isascii() else words


def content(data: bytes, names: list[str], *, depth: int = 0) -> bytes:
    """Return a file without names: archives entry by entry, documents without their metadata, texts as texts.

    Raises `Unreadable` for archives that are broken, too large or nested, and for kinds nobody can clean.
    """
    if archives.kind_of(data) is not None:
        return _archive(data, names, depth)
    if data[:5] == b"%PDF-":
        return _document(data)
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png(data)
    try:
        return text(data.decode("utf-8"), names).encode()
    except UnicodeDecodeError:
        raise Unreadable("not a text, an archive, a PDF or a picture") from None


def _archive(data: bytes, names: list[str], depth: int) -> bytes:
    """Return an archive anew as a zip, entry by entry; histories are dropped, what cannot be cleaned is named."""
    if depth:
        raise Unreadable("an archive within an archive")
    made, total = io.BytesIO(), 0
    try:
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
            for one in archives.entries(data):
                if DROPPED & set(one.path.split("/")):
                    continue
                inner = one.content.read(MOST_BYTES - total + 1)
                total += len(inner)
                if total > MOST_BYTES:
                    raise archives.Hostile("size")
                _add(new, text(one.path, names), inner, names)
    except archives.Hostile as fault:
        raise Unreadable(WHY.get(fault.why, "a broken or locked archive")) from fault
    return made.getvalue()


def _add(new: zipfile.ZipFile, name: str, data: bytes, names: list[str]) -> None:
    """Add an entry under a cleaned name and the same old date."""
    try:
        new.writestr(zipfile.ZipInfo(name, OLD), content(data, names, depth=1))
    except Unreadable as why:
        new.writestr(zipfile.ZipInfo(f"{name}.left-out.txt", OLD), str(why))


def _document(data: bytes) -> bytes:
    import pikepdf  # noqa: PLC0415 - heavy

    made = io.BytesIO()
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            if "/Info" in pdf.trailer:
                del pdf.trailer["/Info"]
            if "/Metadata" in pdf.Root:
                del pdf.Root["/Metadata"]
            pdf.save(made, deterministic_id=True)
    except pikepdf.PdfError as error:
        raise Unreadable("a broken document") from error
    return made.getvalue()


def _png(data: bytes) -> bytes:
    """Return a PNG picture with nothing but what draws it."""
    kept, at = [data[:8]], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if kind in (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sRGB", b"pHYs"):
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _jpeg(data: bytes) -> bytes:
    """Return a JPEG picture without comments and what cameras and programs write into it."""
    kept, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if not (0xE1 <= data[at + 1] <= 0xEF or data[at + 1] == 0xFE):
            kept.append(data[at:end])
        at = end
    return b"".join([*kept, data[at:]])
