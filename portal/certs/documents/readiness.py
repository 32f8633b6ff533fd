"""Whether certificates can be drawn on this machine: in one line what is missing and the command that mends it, or nothing."""

from __future__ import annotations

import io
import json
import os
from functools import lru_cache
from pathlib import Path

from portal.certs.documents import drawing, faces, layout
from portal.certs.documents.faces import FAMILIES, LEDGER, MEND, Families
from portal.core import machine, pdf

SUBSET = "harfbuzz-subset"
SAMPLE = {"text": "样 Sample", "wide": "㐂", "latin": "Ğ Ž"}


def lacking() -> str:
    """Return what is missing as far as it is seen without drawing: the library, the faces as built, the cache of fonts."""
    if mend := machine.lacks(SUBSET):
        return f"{SUBSET} is missing: {mend}"
    ledger = faces.folder() / LEDGER
    if not ledger.is_file():
        return f"the faces of certificates were not built: {MEND}"
    if wrong := faces.wrong(json.loads(ledger.read_text("utf-8"))):
        return f"{Path(wrong[0]).name} is not the file that was built: {MEND}"
    return _cache_lacks()


def all_lacking() -> str:
    """Return what is missing, with a page drawn once a process to see whether the fonts within are ours."""
    return lacking() or _sampled(faces.folder(), (faces.folder() / LEDGER).stat().st_mtime_ns)


def _cache_lacks() -> str:
    folders = [Path(one) for one in pdf.font_caches()]
    if any(os.access(_nearest(one), os.W_OK) for one in folders):
        return ""
    named = ", ".join(map(str, folders)) or "none"
    return f"no cache of fonts can be written ({named}): give the portal's user a HOME or XDG_CACHE_HOME it may write"


def _nearest(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that exists: what is missing is made by the first who writes."""
    return next((one for one in (folder, *folder.parents) if one.is_dir()), folder)


@lru_cache(maxsize=4)
def _sampled(_folder: Path, _stamp: int) -> str:
    foreign = embedded(layout.known()) - ours()
    if not foreign:
        return ""
    return f"a page is set in {', '.join(sorted(foreign))}, which is none of ours: {MEND}"


def ours() -> set[str]:
    """Return what WeasyPrint calls the built faces within a document."""
    names = [name.replace(" ", "-") for name in layout.CSS_NAMES.values()]
    return {*names, *(f"{name}-Bold" for name in names)}


def embedded(families: Families) -> set[str]:
    """Draw a page with some letters of each family; return the names of the fonts within it."""
    import pikepdf  # noqa: PLC0415 - heavy

    rows = "".join(
        f'<p class="face-{name}">{SAMPLE[name]}</p><p class="face-{name} name">{SAMPLE[name]}</p>'
        for name in FAMILIES
    )
    html = f'<!doctype html><html lang="en"><title>Sample</title><body>{rows}</body></html>'
    data = drawing.draw_page(
        html, families, number="sample", variant="pdf/a-3u", at="2026-01-01T00:00:00+00:00", badge=None
    )
    found = set()
    with pikepdf.open(io.BytesIO(data)) as made:
        for font in made.pages[0].obj.Resources.Font.values():
            found.add(str(font.BaseFont).split("+")[-1])
    return found
