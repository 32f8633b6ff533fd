"""PDF documents from HTML: nothing is ever fetched, and the same input gives the same bytes."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from markupsafe import Markup

from portal.core import heap
from portal.core.db import in_transaction

FORMAT, ACCESSIBLE = "pdf/a-3u", "pdf/ua-1"
MEDIA_TYPE = "application/pdf"
LINKS = frozenset({"http", "https", "mailto"})
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)
MISSING_GLYPH = (".notdef glyph rendered", "Too many glyphs missing")

HOUSE_CSS = """
@page {
  size: A4; margin: 24mm 20mm 22mm;
  font: 8pt/1.4 "Noto Sans CJK SC", "Noto Sans", sans-serif; color: #545a63;
  font-variant-numeric: tabular-nums;
  @top-center { content: ""; width: 100%; margin: 0 0 9mm; border-bottom: .7mm solid #b93620; }
  @bottom-left { content: string(running); width: 75%; white-space: nowrap; overflow: hidden; }
  @bottom-right { content: counter(page) " / " counter(pages); }
}
html {
  font: 10pt/1.6 "Noto Sans CJK SC", "Noto Sans", sans-serif; color: #1d2127;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
body { margin: 0; }
h1, h2, h3 { font-weight: 700; line-height: 1.3; break-after: avoid; }
h1 { font-size: 20pt; margin: 0 0 6mm; string-set: running content(); }
h2 { font-size: 13pt; margin: 8mm 0 2.5mm; }
h3 { font-size: 10.5pt; margin: 5mm 0 1.5mm; }
p, ul, ol, dl { margin: 0 0 3mm; }
p, li { orphans: 2; widows: 2; }
a { color: #1d4f91; text-decoration: none; }
small, .soft, figcaption, caption { font-size: 8.5pt; color: #545a63; }
hr { border: 0; border-top: .25mm solid #e1ddd4; margin: 5mm 0; }
code, .code { font-family: "Noto Sans Mono CJK SC", "Noto Sans Mono", monospace; font-size: 9pt; }
table { width: 100%; border-collapse: collapse; margin: 0 0 5mm; }
caption { text-align: left; padding-bottom: 1.5mm; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th, td { padding: 1.6mm 3mm 1.6mm 0; text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-size: 8.5pt; color: #545a63; border-bottom: .35mm solid #1d2127; vertical-align: bottom; }
tbody th { font-weight: 400; }
tbody tr { border-bottom: .2mm solid #e1ddd4; }
tfoot tr:first-child { border-top: .35mm solid #1d2127; }
tfoot th, tfoot td, .total { font-weight: 700; }
th.number, td.number, .number { text-align: right; white-space: nowrap; }
dl.facts { display: grid; grid-template-columns: 42mm 1fr; column-gap: 4mm; row-gap: 1mm; }
dl.facts dt { color: #545a63; }
dl.facts dd { margin: 0; }
.letterhead { display: flex; justify-content: space-between; align-items: flex-start; margin-bottom: 12mm; }
.box { border: .25mm solid #e1ddd4; border-radius: 1.5mm; padding: 4mm 5mm; margin: 0 0 5mm; break-inside: avoid; }
.flag { color: #b93620; }
.keep { break-inside: avoid; }
.qr { width: 30mm; height: 30mm; }
"""


def _blank() -> bytes:
    """Return the smallest honest PDF: one empty page, with its table of objects."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>",
    )
    data, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return data + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        size, table, size, len(data),
    )  # fmt: skip


BLANK = _blank()
_instead: ContextVar[bytes | None] = ContextVar("pdf", default=None)


@contextmanager
def not_laid_out() -> Iterator[None]:
    """Let every document be the same blank page: for simulated years alone, in which nobody reads them."""
    token = _instead.set(BLANK)
    try:
        yield
    finally:
        _instead.reset(token)


def spared() -> bool:
    """Whether documents are blank pages at the moment, since nobody reads them."""
    return _instead.get() is not None


class Unprintable(RuntimeError):
    """The document was not made; the text says which part of the HTML, or of the machine, is to blame."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file carried inside a PDF; `relationship` says what it is to the pages (PDF/A-3)."""

    name: str
    data: bytes
    description: str = ""
    relationship: Literal["Source", "Data", "Alternative", "Supplement", "Unspecified"] = "Unspecified"
    made_at: datetime = UNDATED


class _Complaints(logging.Handler):
    """Collects what WeasyPrint complains of in one thread; a letter no font has is no reason to fail."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.thread = threading.get_ident()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.thread == self.thread and not text.startswith(MISSING_GLYPH):
            self.heard.append(text)


@contextmanager
def _listening() -> Iterator[_Complaints]:
    """Hear WeasyPrint's complaints while the body runs."""
    complaints, logger = _Complaints(), logging.getLogger("weasyprint")
    logger.addHandler(complaints)
    try:
        yield complaints
    finally:
        logger.removeHandler(complaints)


def render(
    html: str, *, css: str = "", attachments: Sequence[Attachment] | None = None, variant: str = FORMAT
) -> bytes:
    """Return the PDF (A4, tagged; PDF/A-3u or `variant`) of a whole HTML page in the house's look; `css` adds to it.

    `<html lang>` is a must; dates come only from `<meta name="dcterms.created">` and `dcterms.modified`.
    Raises `Unprintable` if the HTML names anything to be fetched (also `data:`), links elsewhere than to
    http, https and mailto, or is faulty, and if this machine has no font with Chinese letters.
    """
    if in_transaction():
        raise RuntimeError("PDF documents are made outside the transaction")
    if (blank := _instead.get()) is not None:
        return blank
    if not fonts_ready():
        raise Unprintable("no font with Chinese letters; install fonts-noto-cjk")
    from weasyprint.urls import FatalURLFetchingError  # noqa: PLC0415 - heavy

    files = sorted(attachments or (), key=lambda file: file.name)
    with _listening() as complaints, heap.swept():
        try:
            data = _write(html, css, files, variant)
        except FatalURLFetchingError as refused:
            raise Unprintable(f"refused: {refused}") from refused
    if complaints.heard:
        raise Unprintable("; ".join(complaints.heard[:5])[:1000])
    return data


def _write(html: str, css: str, files: Sequence[Attachment], variant: str) -> bytes:
    """Lay out and write with a fetcher that allows no protocol and ends the document at the first try."""
    import weasyprint  # noqa: PLC0415 - heavy
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415 - heavy
    from weasyprint.urls import URLFetcher  # noqa: PLC0415 - heavy

    closed = URLFetcher(allowed_protocols=(), allow_redirects=False, fail_on_errors=True)
    fonts = FontConfiguration()  # of this call alone: it must not be shared by two threads
    sheets = [
        weasyprint.CSS(string=text, url_fetcher=closed, font_config=fonts)
        for text in (HOUSE_CSS, css)
        if text
    ]
    page = weasyprint.HTML(string=html, url_fetcher=closed)
    options = {"pdf_variant": variant, "pdf_tags": True, "pdf_identifier": _identifier(html, css, files)}
    document = page.render(font_config=fonts, stylesheets=sheets, **options)
    _check_links(document)
    carried = [
        weasyprint.Attachment(
            string=file.data,
            name=file.name,
            description=file.description,
            created=file.made_at,
            modified=file.made_at,
            relationship=file.relationship,
            url_fetcher=closed,
        )
        for file in files
    ]
    data: bytes = document.write_pdf(attachments=carried, **options)
    return data


def _identifier(html: str, css: str, files: Sequence[Attachment]) -> bytes:
    """Return the document's identifier: a digest of everything it is made from."""
    parts = [html.encode("utf-8", "surrogatepass"), css.encode()]
    parts += [part for file in files for part in (file.name.encode(), file.data)]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:32].encode()


def _check_links(document: Any) -> None:
    """Refuse links that leave the document by another way than http, https or mailto."""
    for page in document.pages:
        for kind, target, *_rest in page.links:
            if kind != "internal" and urlsplit(str(target)).scheme.lower() not in LINKS:
                raise Unprintable(f"refused: a link to {str(target)[:200]}")


class _FontSet(ctypes.Structure):
    """The head of fontconfig's FcFontSet: how many fonts were found."""

    _fields_ = [("nfont", ctypes.c_int), ("sfont", ctypes.c_int), ("fonts", ctypes.c_void_p)]


def _fontconfig() -> ctypes.CDLL | None:
    for name in ("libfontconfig.so.1", "libfontconfig.1.dylib", "libfontconfig-1.dll"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def fonts_ready() -> bool:
    """Whether fontconfig knows a font with simplified Chinese letters; without one WeasyPrint draws boxes."""
    library = _fontconfig()
    if library is None:
        return False
    pointer = ctypes.c_void_p
    library.FcNameParse.restype, library.FcNameParse.argtypes = pointer, [ctypes.c_char_p]
    library.FcObjectSetCreate.restype = pointer
    library.FcFontList.restype, library.FcFontList.argtypes = ctypes.POINTER(_FontSet), [pointer] * 3
    for destroy in (library.FcPatternDestroy, library.FcObjectSetDestroy, library.FcFontSetDestroy):
        destroy.restype, destroy.argtypes = None, [pointer]
    pattern, objects = library.FcNameParse(b":lang=zh-cn"), library.FcObjectSetCreate()
    found = library.FcFontList(None, pattern, objects)
    ready = bool(found) and found.contents.nfont > 0
    if found:
        library.FcFontSetDestroy(ctypes.cast(found, pointer))
    library.FcObjectSetDestroy(objects)
    library.FcPatternDestroy(pattern)
    return ready


def font_caches() -> list[str]:
    """Return the folders where fontconfig keeps what it has read of fonts."""
    library = _fontconfig()
    if library is None:
        return []
    pointer = ctypes.c_void_p
    library.FcConfigGetCacheDirs.restype, library.FcConfigGetCacheDirs.argtypes = pointer, [pointer]
    library.FcStrListNext.restype, library.FcStrListNext.argtypes = ctypes.c_char_p, [pointer]
    library.FcStrListDone.restype, library.FcStrListDone.argtypes = None, [pointer]
    folders, found = library.FcConfigGetCacheDirs(None), []
    while (one := library.FcStrListNext(folders)) is not None:
        found.append(os.fsdecode(one))
    library.FcStrListDone(folders)
    return found


def qr_svg(text: str, *, title: str = "QR") -> Markup:
    """Return a QR code as inline SVG for pages and PDFs alike: no script, no style, dark on its own white."""
    import segno  # noqa: PLC0415 - only where codes are drawn

    code = segno.make(text, error="m", micro=False)
    svg: str = code.svg_inline(
        omitsize=True, border=4, dark="#1d2127", light="#ffffff", svgclass="qr", lineclass=None, title=title
    )
    size = '<svg role="img" width="160" height="160" shape-rendering="crispEdges"'
    return Markup(svg.replace("<svg", size, 1).strip())  # noqa: S704 - segno escapes the title
