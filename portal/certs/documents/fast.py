"""The fast path: the page drawn once with empty fields, names, number, dates and code appended to it per certificate."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from flask import current_app

from portal.certs.documents import drawing, layout
from portal.certs.documents.faces import Families
from portal.certs.documents.layout import FIRST, MM, SECOND, TOP, Line

NUMBER, DAY = "FOS-0000-00000-00000-0", "2001-01-01"
MADE = "2001-01-01T00:00:00+00:00"
INK = "0.1137255 0.1294118 0.1529412 rg"
PAGE = layout.HEIGHT * MM
LEFT_FOOT, TOP_FOOT, LABEL, VALUE, GAP = 24.0 * MM, 151.0 * MM, 12.0, 16.0, 2.0 * MM
SMALL = 11.5
CODE_LEFT, CODE_TOP, CODE_SIDE = 236.0 * MM, 147.0 * MM, 33.0 * MM
_pages: dict[str, bytes] = {}


def fits(body: dict[str, Any], families: Families) -> bool:
    """Whether a snapshot looks the same by the fast path: untagged, names in the family *text* at their full size."""
    if body["variant"] != "pdf/a-3u":
        return False
    full = {(FIRST[0], TOP["first", 1]), (SECOND[0], TOP["second", 1])}
    return all(
        one.face == "text" and (one.size, one.top) in full for one in layout.lines(families, body["names"])
    )


def _template(body: dict[str, Any], families: Families) -> bytes:
    """Return the page with empty fields, drawn by WeasyPrint once per level, signatory and issuer."""
    fixed = {key: body[key] for key in ("level", "issuer", "signatory", "template", "variant")}
    host = layout.host_of(body)
    key = hashlib.sha256(json.dumps([fixed, host, families.files], sort_keys=True).encode()).hexdigest()
    if key not in _pages:
        if len(_pages) >= 64:
            _pages.clear()
        empty = {**body, "number": NUMBER, "issued_at": MADE}
        words = {
            "body": empty,
            "lines": [],
            "dates": {"awarded": "", "last": ""},
            "qr": "",
            "host": host,
            "fields": False,
        }
        html = current_app.jinja_env.get_template("papers/award.html").render(words)
        _pages[key] = drawing.draw_page(
            html, families, number=NUMBER, variant=body["variant"], at=MADE, badge=b"{}"
        )
    return _pages[key]


@lru_cache(maxsize=8)
def _metrics(file: str) -> tuple[float, float]:
    """Return a face's ascent and descent in ems, as its lines are measured."""
    font = layout.face_of(file)
    extents = font.get_font_extents("ltr")
    return extents.ascender / font.face.upem, -extents.descender / font.face.upem


class _Face:
    """One weight of the family *text* in one document: its letters so far, shaped with kerning."""

    def __init__(self, file: str) -> None:
        self.file, self.font = file, layout.face_of(file)
        self.letters: dict[int, str] = {}

    def shaped(self, text: str) -> list[tuple[int, int, int]]:
        """Return (glyph, advance, own width) of each letter of a text, in units of the face."""
        import uharfbuzz  # noqa: PLC0415 - heavy

        buffer = uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        uharfbuzz.shape(self.font, buffer, {"kern": True, "liga": False, "clig": False})
        found = []
        for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            self.letters.setdefault(info.codepoint, text[info.cluster])
            found.append((info.codepoint, place.x_advance, self.font.get_glyph_h_advance(info.codepoint)))
        return found


def _shown(
    face: _Face, name: str, text: str, size: float, top: float, height: float, *, left: float | None
) -> list[Any]:
    """Return a line of text as drawing orders: from `left`, or in the middle of the page."""
    glyphs, upem = face.shaped(text), face.font.face.upem
    width = sum(advance for _glyph, advance, _own in glyphs) * size / upem
    ascent, descent = (part * size for part in _metrics(face.file))
    x = left if left is not None else (27.0 + layout.NAME_WIDTH / 2) * MM - width / 2
    y = PAGE - (top + (height - ascent - descent) / 2 + ascent)
    return [name, size, x, y, glyphs, upem, face]


def _fields(body: dict[str, Any], lines: list[Line], bold: _Face, plain: _Face) -> list[list[Any]]:
    days = layout.dates(body)
    found = [_shown(bold, "FB", one.text, one.size, one.top * MM, one.size * 1.5, left=None) for one in lines]
    for n, text in enumerate((body["number"], days["awarded"], days["last"])):
        top = TOP_FOOT + LABEL + n * (LABEL + VALUE + GAP)
        found.append(_shown(plain, "FR", text, SMALL, top, VALUE, left=LEFT_FOOT))
    return found


def _orders(fields: list[list[Any]], places: dict[str, dict[int, int]]) -> bytes:
    """Return the content stream that draws the fields and the code."""
    rows = ["q", INK, "BT"]
    for name, size, x, y, glyphs, upem, _face in fields:
        rows.append(f"/{name} {size:g} Tf 1 0 0 1 {x:.4f} {y:.4f} Tm")
        parts = []
        for glyph, advance, own in glyphs:
            parts.append(f"<{places[name][glyph]:04x}>")
            if advance != own:
                parts.append(f"{(own - advance) * 1000 / upem:.3f}")
        rows.append(f"[{''.join(parts)}] TJ")
    y = PAGE - CODE_TOP - CODE_SIDE
    rows += ["ET", f"{CODE_SIDE:.4f} 0 0 {CODE_SIDE:.4f} {CODE_LEFT:.4f} {y:.4f} cm /QR Do", "Q"]
    return "\n".join(rows).encode()


def _embedded(pdf: Any, face: _Face) -> tuple[Any, dict[int, int]]:
    """Return a subset of a face as a font of the document, and where each of its glyphs stands in it."""
    import pikepdf  # noqa: PLC0415 - heavy
    import uharfbuzz  # noqa: PLC0415 - heavy

    wanted = uharfbuzz.SubsetInput()
    wanted.glyph_set.update(face.letters)
    wanted.drop_table_tag_set.update(
        int.from_bytes(tag.encode(), "big")
        for tag in ("GPOS", "GSUB", "GDEF", "name", "OS/2", "post", "cmap")
    )
    plan = uharfbuzz.SubsetPlan(face.font.face, wanted)
    places = {old: plan.old_to_new_glyph_mapping[old] for old in face.letters}
    data = plan.execute().blob.data
    upem, name = (
        face.font.face.upem,
        f"{_tag(data)}+{'Foundation-Text-Bold' if 'Bold' in face.file else 'Foundation-Text'}",
    )
    ascent, descent = _metrics(face.file)
    descriptor = pikepdf.Dictionary(
        Type=pikepdf.Name.FontDescriptor, FontName=pikepdf.Name("/" + name), Flags=4, ItalicAngle=0, CapHeight=733, StemV=80,
        FontBBox=[-1000, -1000, 2000, 2000], Ascent=round(ascent * 1000), Descent=round(-descent * 1000),
        FontFile2=pdf.make_stream(data, Length1=len(data)),
    )  # fmt: skip
    widths: list[Any] = []
    for old, new in sorted(places.items(), key=lambda pair: pair[1]):
        widths += [new, [round(face.font.get_glyph_h_advance(old) * 1000 / upem)]]
    inner = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.CIDFontType2, BaseFont=pikepdf.Name("/" + name), DW=1000, W=widths,
        CIDSystemInfo=pikepdf.Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
        CIDToGIDMap=pikepdf.Name.Identity, FontDescriptor=pdf.make_indirect(descriptor),
    )  # fmt: skip
    outer = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type0, BaseFont=pikepdf.Name("/" + name), Encoding=pikepdf.Name("/Identity-H"),
        DescendantFonts=[pdf.make_indirect(inner)],
        ToUnicode=pdf.make_stream(_unicode({places[glyph]: letter for glyph, letter in face.letters.items()})),
    )  # fmt: skip
    return pdf.make_indirect(outer), places


def _tag(data: bytes) -> str:
    return "".join(chr(65 + byte % 26) for byte in hashlib.sha256(data).digest()[:6])


def _unicode(letters: dict[int, str]) -> bytes:
    rows = [
        f"<{glyph:04x}> <{letter.encode('utf-16-be').hex()}>" for glyph, letter in sorted(letters.items())
    ]
    blocks = [rows[n : n + 100] for n in range(0, len(rows), 100)]
    said = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS)"
        " /Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <ffff>\n"
        f"endcodespacerange\n{said}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    ).encode()


def draw(body: dict[str, Any], families: Families, badge: bytes) -> bytes:
    """Return the unsigned PDF of a snapshot that `fits`; the same snapshot gives the same bytes."""
    import pikepdf  # noqa: PLC0415 - heavy

    lines = layout.lines(families, body["names"])
    files = families.files["text"]
    bold, plain = _Face(files["Bold"]), _Face(files["Regular"])
    fields = _fields(body, lines, bold, plain)
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(_template(body, families))) as pdf:
        page = pdf.pages[0]
        fonts, places = page.obj.Resources.get("/Font", pikepdf.Dictionary()), {}
        for name, face in (("FB", bold), ("FR", plain)):
            fonts[f"/{name}"], places[name] = _embedded(pdf, face)
        page.obj.Resources["/Font"] = fonts
        _code(pdf, page, body["url"])
        page.contents_add(b"q", prepend=True)
        page.contents_add(b"Q\n" + _orders(fields, places))
        _name(pdf, body)
        _attach(pdf, body, badge)
        pdf.trailer["/ID"] = pikepdf.Array([pikepdf.String(drawing.identifier(body["number"]))] * 2)
        pdf.save(out, deterministic_id=True)
    return out.getvalue()


def _code(pdf: Any, page: Any, url: str) -> None:
    """Put the code of an address into the page's pictures: one grey pixel a module, never smoothed."""
    import pikepdf  # noqa: PLC0415 - heavy

    rows = layout.qr_rows(url)
    picture = pdf.make_stream(
        b"".join(bytes(0 if dark else 255 for dark in row) for row in rows), Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image, Width=len(rows), Height=len(rows), ColorSpace=pikepdf.Name.DeviceGray, BitsPerComponent=8,
        Interpolate=False,
    )  # fmt: skip
    known = page.obj.Resources.get("/XObject", pikepdf.Dictionary())
    known["/QR"] = picture
    page.obj.Resources["/XObject"] = known


def _pdf_date(text: str) -> str:
    return datetime.fromisoformat(text).strftime("D:%Y%m%d%H%M%SZ")


def _name(pdf: Any, body: dict[str, Any]) -> None:
    """Put number and dates into what the document says of itself, in both of its places."""
    import pikepdf  # noqa: PLC0415 - heavy

    info = pdf.docinfo
    for key, value in list(info.items()):
        if key in ("/CreationDate", "/ModDate"):
            info[key] = pikepdf.String(_pdf_date(body["issued_at"]))
        elif NUMBER in str(value):
            info[key] = pikepdf.String(str(value).replace(NUMBER, body["number"]))
    said = bytes(pdf.Root.Metadata.read_bytes()).decode()
    moment = datetime.fromisoformat(body["issued_at"]).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    for old in (MADE, "2001-01-01T00:00:00Z"):
        said = said.replace(old, moment)
    pdf.Root.Metadata.write(said.replace(NUMBER, body["number"]).encode())


def _attach(pdf: Any, body: dict[str, Any], badge: bytes) -> None:
    """Put the badge in the place of the empty one that the template carries."""
    import pikepdf  # noqa: PLC0415 - heavy

    kept = pdf.Root.Names.EmbeddedFiles.Names[1].EF.F
    made = pikepdf.String(_pdf_date(body["issued_at"]))
    digest = pikepdf.String(hashlib.md5(badge, usedforsecurity=False).digest())
    kept.write(badge)
    kept.Params = pikepdf.Dictionary(Size=len(badge), CheckSum=digest, CreationDate=made, ModDate=made)
