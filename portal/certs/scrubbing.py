"""Taking names out of what was handed in: texts, archives and documents as graders see them. Pure but for the PDF library."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable

MOST_ENTRIES, MOST_BYTES, MOST_RATIO = 2000, 64 * 1024 * 1024, 200
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
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _archive(data, names, depth)
    if data[:5] == b"%PDF-":
        return _document(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png(data)
    try:
        return text(data.decode("utf-8"), names).encode()
    except UnicodeDecodeError:
        raise Unreadable("not a text, an archive, a PDF or a PNG picture") from None


def _archive(data: bytes, names: list[str], depth: int) -> bytes:
    if depth:
        raise Unreadable("an archive within an archive")
    made = io.BytesIO()
    try:
        with (
            zipfile.ZipFile(io.BytesIO(data)) as old,
            zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            entries = [one for one in old.infolist() if not one.is_dir()]
            _refuse_bombs(entries)
            for one in entries:
                if DROPPED & set(one.filename.split("/")):
                    continue
                _copy(old, one, new, names)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise Unreadable("a broken or locked archive") from error
    return made.getvalue()


def _refuse_bombs(entries: list[zipfile.ZipInfo]) -> None:
    total = sum(one.file_size for one in entries)
    packed = sum(one.compress_size for one in entries)
    if len(entries) > MOST_ENTRIES or total > MOST_BYTES or total > MOST_RATIO * max(packed, 1):
        raise Unreadable("an archive that grows too large")


def _copy(old: zipfile.ZipFile, one: zipfile.ZipInfo, new: zipfile.ZipFile, names: list[str]) -> None:
    """Copy an entry under a cleaned name and the same old date; what cannot be cleaned is named and left out."""
    with old.open(one) as source:
        data = source.read(one.file_size + 1)
    if len(data) > one.file_size:
        raise Unreadable("an archive that grows too large")
    name = text(one.filename, names)
    try:
        new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content(data, names, depth=1))
    except Unreadable as why:
        new.writestr(zipfile.ZipInfo(f"{name}.left-out.txt", (1980, 1, 1, 0, 0, 0)), str(why))


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
