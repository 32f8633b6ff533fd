"""Marks: whatever of a candidate goes out as a file says on each page for whom and when it was taken out."""

from __future__ import annotations

import io

from portal.core import clock
from portal.jobs.looks import Viewer

SIZE, GREY = 7, "0.45 g"


def words(viewer: Viewer) -> str:
    """Return the mark in letters that every font has: who took it out by their signs, and the minute in UTC."""
    return f"Shown to {viewer.org.uid[:8]}/{viewer.person.uid[:8]} {clock.now():%Y-%m-%d %H:%M} UTC"


def marked(data: bytes, viewer: Viewer) -> bytes:
    """Return a PDF with the mark in small print at the foot of each page."""
    from pikepdf import Dictionary, Name, Pdf  # noqa: PLC0415 - heavy

    out = io.BytesIO()
    with Pdf.open(io.BytesIO(data)) as pdf:
        font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
        for page in pdf.pages:
            name = page.add_resource(font, Name.Font)
            text = f"q BT {GREY} {name} {SIZE} Tf 18 10 Td ({words(viewer)}) Tj ET Q".encode()
            page.contents_add(b"q", prepend=True)
            page.contents_add(b"Q " + text)
        pdf.save(out)
    return out.getvalue()
