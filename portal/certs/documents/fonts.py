"""The faces of certificates, made once from the fonts of this machine: `portal fonts build`; nothing is committed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from portal.certs.documents import faces
from portal.certs.documents.faces import LEDGER

EDITION = 1
NAME = "Foundation Text"
PLACES = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/Library/Fonts")
WEIGHTS = ("Regular", "Bold")
LATIN = (("NotoSerif-{}.ttf", "NotoSerif-{}.ttf"), ("DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf"))
ALWAYS = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x2010, 0x2027), (0x2030, 0x205E), (0x3000, 0x303F), (0xFF00, 0xFFEF),
)  # fmt: skip


class NoFonts(RuntimeError):
    """The fonts that certificates are made from are not on this machine; the text says which package brings them."""


def _find(name: str) -> Path | None:
    for place in PLACES:
        for file in sorted(Path(place).expanduser().rglob(name)):
            return file
    return None


def sources() -> dict[str, dict[str, Path]]:
    """Return the installed fonts: the collection of Noto Serif CJK, and a serif with every Latin letter."""
    wide = {weight: _find(f"NotoSerifCJK-{weight}.ttc") for weight in WEIGHTS}
    if None in wide.values():
        raise NoFonts("no Noto Serif CJK here: apt-get install fonts-noto-cjk")
    latin: dict[str, Path] = {}
    for regular, bold in LATIN:
        pair = {
            "Regular": _find(regular.format("Regular")),
            "Bold": _find(bold.format("Bold")),
        }
        if not latin and None not in pair.values():
            latin = {weight: file for weight, file in pair.items() if file}
    if not latin:
        raise NoFonts("no Noto Serif or DejaVu Serif here: apt-get install fonts-dejavu-core")
    return {"wide": {weight: file for weight, file in wide.items() if file}, "latin": latin}


def _letters() -> list[int]:
    """Return the letters of the family *text*: GB2312, Latin, punctuation."""
    found = {code for start, end in ALWAYS for code in range(start, end + 1)}
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                found.add(ord(bytes((high, low)).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return sorted(found)


def _open(file: Path) -> Any:
    """Open a font; of a collection the face for simplified Chinese."""
    from fontTools import ttLib  # noqa: PLC0415 - heavy

    if file.suffix != ".ttc":
        return ttLib.TTFont(file, lazy=True)
    for number in range(len(ttLib.TTCollection(file, lazy=True).fonts)):
        font = ttLib.TTFont(file, fontNumber=number, lazy=True)
        if " SC" in str(font["name"].getDebugName(1)):
            return font
    raise NoFonts(f"{file.name} has no face for simplified Chinese")


def _small(file: Path, weight: str, to: Path) -> None:
    """Write the family *text* of a weight: fewer letters, quadratic outlines, no hints, kerning alone."""
    from fontTools import subset  # noqa: PLC0415 - heavy

    font = _open(file)
    options = subset.Options(
        layout_features=["kern"], hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
        drop_tables=["VORG", "vhea", "vmtx", "BASE", "DSIG", "GSUB"], recalc_timestamp=False,
    )  # fmt: skip
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=_letters())
    cutter.subset(font)
    _quadratic(font)
    for record in font["name"].names:
        said = {
            1: NAME,
            4: f"{NAME} {weight}",
            6: f"FoundationText-{weight}",
            2: weight,
            3: f"{NAME} {weight} {EDITION}",
        }
        if record.nameID in said:
            record.string = said[record.nameID]
    font.save(to)


def _quadratic(font: Any) -> None:
    """Turn the outlines of a font into TrueType's, which draw faster and make smaller files."""
    from fontTools import ttLib  # noqa: PLC0415 - heavy
    from fontTools.pens.cu2quPen import Cu2QuPen  # noqa: PLC0415 - heavy
    from fontTools.pens.ttGlyphPen import TTGlyphPen  # noqa: PLC0415 - heavy

    glyphs, drawn = font.getGlyphSet(), {}
    for name in font.getGlyphOrder():
        pen = TTGlyphPen(glyphs)
        glyphs[name].draw(Cu2QuPen(pen, max_err=1.0, reverse_direction=True))
        drawn[name] = pen.glyph()
    font["loca"], font["glyf"] = ttLib.newTable("loca"), ttLib.newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = font.getGlyphOrder(), drawn
    if "CFF " in font:
        del font["CFF "]
    font["glyf"].compile(font)
    best = font["maxp"]
    best.tableVersion = 0x00010000
    for name in (
        "maxZones", "maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs", "maxStackElements",
        "maxSizeOfInstructions", "maxComponentElements", "maxPoints", "maxContours", "maxCompositePoints",
        "maxCompositeContours", "maxComponentDepth",
    ):  # fmt: skip
        setattr(best, name, 1 if name == "maxZones" else 0)
    font["post"].formatType = 3.0
    font.sfntVersion = "\000\001\000\000"


def _ranges(codes: Iterable[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for code in sorted(codes):
        if found and code == found[-1][1] + 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def _family(files: dict[str, Path]) -> dict[str, Any]:
    covered = set.intersection(*(set(_open(file).getBestCmap()) for file in files.values()))
    return {
        "files": {weight: str(file) for weight, file in files.items()},
        "sha256": {weight: faces.digest(file) for weight, file in files.items()},
        "ranges": _ranges(covered),
    }


def build(place: Path | None = None) -> bool:
    """Make the families of certificates unless they are there already; return whether anything was made."""
    to, installed = place or faces.folder(), sources()
    stamp = {weight: faces.digest(file) for weight, file in installed["wide"].items()}
    ledger = to / LEDGER
    if ledger.is_file():
        known = json.loads(ledger.read_text("utf-8"))
        if known["edition"] == EDITION and known["source"] == stamp and not faces.wrong(known):
            return False
    to.mkdir(parents=True, exist_ok=True)
    text: dict[str, Path] = {}
    for weight, file in installed["wide"].items():
        text[weight] = to / f"text-{weight}.ttf"
        part = to / f".{text[weight].name}.{os.getpid()}"
        _small(file, weight, part)
        part.replace(text[weight])
    made = {"text": _family(text), **{name: _family(files) for name, files in installed.items()}}
    part = to / f".{LEDGER}.{os.getpid()}"
    part.write_text(json.dumps({"edition": EDITION, "source": stamp, "families": made}), "utf-8")
    part.replace(ledger)
    return True
