"""The page of a certificate: which template, which face and size for each name, its dates and its code."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from portal.certs.documents import faces
from portal.certs.documents.faces import Families

WIDTH, HEIGHT = 297.0, 210.0
NAME_WIDTH = 243.0
MM = 72 / 25.4
# Names shrink in three steps and then stand on two lines: points for a name alone or the first of two, and for the second.
FIRST, SECOND = (34, 29, 24), (21, 18, 16)
TWO_LINES = {True: 21, False: 15}
TOP = {("first", 1): 77.0, ("second", 1): 95.5, ("first", 2): 75.0, ("second", 2): 93.5}
CSS_NAMES = {"text": "Foundation Text", "wide": "Noto Serif CJK SC", "latin": "Foundation Latin"}


class TooLong(RuntimeError):
    """A name that does not fit on two lines."""


@dataclass(frozen=True, slots=True)
class Line:
    """A name, or half of one, on the page: its text, face, size in points, language, and its top in millimetres."""

    text: str
    face: str
    size: int
    lang: str
    top: float

    @property
    def place(self) -> str:
        """Its class in the style sheet."""
        return _place(self.size, self.top)


def _place(size: int, top: float) -> str:
    return f"n{size}-{round(top * 10)}"


def _second_row(role: str) -> float:
    size = TWO_LINES[role == "first"]
    return TOP[role, 2] + size * (1.16 if role == "first" else 1.2) / MM


def _places() -> str:
    """Return the rules of every place a name can have."""
    found = [(size, TOP["first", 1]) for size in FIRST] + [(size, TOP["second", 1]) for size in SECOND]
    for role in ("first", "second"):
        found += [(TWO_LINES[role == "first"], top) for top in (TOP[role, 2], _second_row(role))]
    return "".join(
        f".{_place(size, top)}{{top:{top:.4f}mm;font-size:{size}pt;line-height:{size * 1.5:g}pt}}\n"
        for size, top in found
    )


@lru_cache(maxsize=16)
def face_of(file: str) -> Any:
    """Return a font file as HarfBuzz reads it; of a collection the face for simplified Chinese."""
    import uharfbuzz  # noqa: PLC0415 - heavy

    blob = uharfbuzz.Blob.from_file_path(file)
    face = uharfbuzz.Face(blob, _sc(file, blob))
    return uharfbuzz.Font(face)


def _sc(file: str, blob: Any) -> int:
    """Return the number of the simplified Chinese face of a collection; 0 for a font of its own."""
    if not file.endswith(".ttc"):
        return 0
    from fontTools import ttLib  # noqa: PLC0415 - heavy

    fonts = ttLib.TTCollection(file, lazy=True).fonts
    return next(n for n, font in enumerate(fonts) if " SC" in str(font["name"].getDebugName(1)))


def advance(families: Families, face: str, text: str) -> float:
    """Return how wide a text is in a face's bold weight, in ems."""
    import uharfbuzz  # noqa: PLC0415 - heavy

    font = face_of(families.files[face]["Bold"])
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    uharfbuzz.shape(font, buffer, {"kern": True, "liga": False})
    return float(sum(one.x_advance for one in buffer.glyph_positions) / font.face.upem)


def _halves(text: str) -> tuple[str, str]:
    """Break a name near its middle: at a space or dot where there is one, else between two letters."""
    middle = len(text) / 2
    breaks = [n + 1 for n, char in enumerate(text[:-1]) if char in " ·-"]
    at = min(breaks, key=lambda n: abs(n - middle), default=round(middle))
    return text[:at].rstrip(), text[at:].lstrip()


def _set(families: Families, text: str, role: str, lang: str) -> list[Line]:
    face = families.face_for(text)
    if face is None:
        raise TooLong(f"no face for {text!r}")
    width = advance(families, face, text)
    for size in FIRST if role == "first" else SECOND:
        if width * size / MM <= NAME_WIDTH:
            return [Line(text, face, size, lang, TOP[role, 1])]
    size, top = TWO_LINES[role == "first"], TOP[role, 2]
    rows = _halves(text)
    if any(advance(families, face, row) * size / MM > NAME_WIDTH for row in rows):
        raise TooLong(f"{text!r} does not fit on two lines")
    return [
        Line(row, face, size, lang, place) for row, place in zip(rows, (top, _second_row(role)), strict=True)
    ]


def lines(families: Families, names: dict[str, str]) -> list[Line]:
    """Return the lines of a document's names: the Chinese one first, a Latin one alone in its place."""
    given = [(names["zh"], "zh-CN"), (names["latin"], "en")]
    roles = zip(("first", "second"), [pair for pair in given if pair[0]], strict=False)
    return [line for role, (text, lang) in roles for line in _set(families, text, role, lang)]


def dates(body: dict[str, Any]) -> dict[str, str]:
    """Return the days as they are printed, in both languages."""
    return {"awarded": _day(body["decided_on"]), "last": _day(body["last_day"])}


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day.year}年{day.month}月{day.day}日 · {day.day} {months[day.month - 1]} {day.year}"


def _code(url: str) -> Any:
    import segno  # noqa: PLC0415 - only where codes are drawn

    return segno.make(url, error="m", micro=False, boost_error=False, mask=2)


def qr_rows(url: str) -> list[list[bool]]:
    """Return the modules of an address's code, dark or not, with its quiet zone."""
    return [[bool(one) for one in row] for row in _code(url).matrix_iter(scale=1, border=4)]


def host_of(body: dict[str, Any]) -> str:
    """Return the host of the public check, as printed below the code."""
    return urlsplit(str(body["url"])).netloc


def qr_png(url: str) -> bytes:
    """Return the code of an address, one pixel a module with its quiet zone, level M, always by the same mask."""
    out = io.BytesIO()
    _code(url).save(out, kind="png", scale=1, border=4)
    return out.getvalue()


def words(body: dict[str, Any], families: Families) -> dict[str, Any]:
    """Return everything the template needs of a snapshot."""
    code = base64.b64encode(qr_png(body["url"])).decode()
    return {
        "body": body, "lines": lines(families, body["names"]), "dates": dates(body), "qr": f"data:image/png;base64,{code}",
        "host": host_of(body), "fields": True,
    }  # fmt: skip


def style(families: Families) -> str:
    """Return the style sheet with the addresses of the built faces; it alone may read files."""
    sources = "".join(
        f'@font-face{{font-family:"{CSS_NAMES[name]}";font-weight:{400 if weight == "Regular" else 700};'
        f"src:url({Path(families.files[name][weight]).as_uri()})}}\n"
        for name in ("text", "latin")
        for weight in ("Regular", "Bold")
    )
    return sources + CSS + _places()


CSS = """
@page { size: 297mm 210mm; margin: 0; }
html { font-family: "Foundation Text"; font-size: 11pt; color: #1d2127; font-feature-settings: "liga" 0, "clig" 0; }
body, p, h1, h2, div { margin: 0; }
.frame { position: absolute; left: 9mm; top: 9mm; width: 278.2mm; height: 191.2mm; border: .4mm solid #1d2127; }
.rule { position: absolute; left: 9mm; top: 9mm; width: 279mm; height: 2.2mm; background: #b93620; }
.at { position: absolute; left: 27mm; width: 243mm; text-align: center; white-space: pre; font-weight: 400; }
.issuer-zh { top: 20mm; font-size: 15pt; line-height: 20pt; font-weight: 700; }
.issuer-en { top: 28mm; font-size: 11pt; line-height: 15pt; color: #545a63; }
.title-zh { top: 39mm; font-size: 32pt; line-height: 40pt; font-weight: 700; letter-spacing: 8pt; text-indent: 8pt; }
.title-en { top: 54.5mm; font-size: 13pt; line-height: 18pt; letter-spacing: 5pt; text-indent: 5pt; color: #545a63; }
.lead { top: 66mm; font-size: 11pt; line-height: 16pt; color: #545a63; }
.name { font-weight: 700; }
.face-text { font-family: "Foundation Text"; }
.face-wide { font-family: "Noto Serif CJK SC"; }
.face-latin { font-family: "Foundation Latin"; }
.then { top: 109mm; font-size: 11pt; line-height: 16pt; color: #545a63; }
.level-zh { top: 117mm; font-size: 24pt; line-height: 32pt; font-weight: 700; color: #b93620; }
.level-en { top: 129mm; font-size: 15pt; line-height: 20pt; color: #1d2127; }
.foot { position: absolute; top: 151mm; }
.foot-left { left: 24mm; width: 92mm; }
.foot-middle { left: 146mm; width: 78mm; }
.label { font-size: 8.5pt; line-height: 12pt; color: #545a63; }
.value { font-size: 11.5pt; line-height: 16pt; min-height: 16pt; margin-bottom: 2mm; white-space: pre; }
.sign { min-height: 0; border-bottom: .25mm solid #1d2127; padding: 9mm 0 1mm; margin-bottom: 1.5mm; white-space: normal; }
.small { margin-top: 2mm; font-size: 7.5pt; line-height: 11pt; }
.seal { position: absolute; left: 119mm; top: 157mm; width: 24mm; height: 24mm; }
.seal svg { width: 24mm; height: 24mm; }
.code { position: absolute; left: 236mm; top: 147mm; width: 33mm; height: 33mm; image-rendering: pixelated; }
.scan { position: absolute; left: 226mm; top: 181mm; width: 53mm; text-align: center; font-size: 8.5pt; line-height: 12pt; color: #545a63; }
.host { font-size: 8pt; }
"""
PUBLISHED = {1: "4b2ff8fef9f91bf7f9310a3d1209c218d8250252b7cc134db51e6c87eec807d5"}


def digest(template: str) -> str:
    """Return the digest of a template with its style sheet: a published version is never edited."""
    return hashlib.sha256((template + CSS + _places()).encode()).hexdigest()


def known() -> Families:
    """Return the built families; raises if they were not built."""
    found = faces.families()
    if found is None:
        raise RuntimeError(f"the faces of certificates were not built: {faces.MEND}")
    return found
