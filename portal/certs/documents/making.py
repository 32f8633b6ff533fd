"""Makes the unsigned page of a certificate: by the fast path where its look is the same, else by WeasyPrint."""

from __future__ import annotations

from typing import Any

from portal.certs.documents import drawing, fast
from portal.certs.documents.faces import Families


def make(body: dict[str, Any], families: Families, badge: bytes) -> bytes:
    """Return the PDF of a snapshot with its badge within; callers cannot tell by which path."""
    if fast.fits(body, families):
        return fast.draw(body, families, badge)
    return drawing.draw(body, families, badge)
