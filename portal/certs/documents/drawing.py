"""Draws a certificate by WeasyPrint: one font configuration and parsed style sheet a process, nothing fetched."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask import current_app

from portal.certs.documents import layout
from portal.certs.documents.faces import Families
from portal.core import heap
from portal.core.pdf import Unprintable

VARIANTS = ("pdf/a-3u", "pdf/a-3a", "pdf/ua-1")
BADGE = "badge.json"
_lock = threading.Lock()  # threads that share a font configuration corrupt memory
_ready: dict[str, Any] = {}


class _Strict(logging.Handler):
    """Collects whatever WeasyPrint warns of in this thread: each warning fails the document."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.thread, self.heard = threading.get_ident(), list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.heard.append(record.getMessage())


@contextmanager
def _listening() -> Iterator[list[str]]:
    strict, logger = _Strict(), logging.getLogger("weasyprint")
    logger.addHandler(strict)
    try:
        yield strict.heard
    finally:
        logger.removeHandler(strict)


def _engine(families: Families) -> tuple[Any, Any]:
    """Return this process's font configuration and style sheet, made once for the families in use."""
    import weasyprint  # noqa: PLC0415 - heavy
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415 - heavy
    from weasyprint.urls import URLFetcher  # noqa: PLC0415 - heavy

    sheet = layout.style(families)
    if _ready.get("sheet") != sheet:
        fonts = FontConfiguration()
        files = URLFetcher(allowed_protocols=("file",), allow_redirects=False, fail_on_errors=True)
        css = weasyprint.CSS(string=sheet, font_config=fonts, url_fetcher=files)
        _ready.update(sheet=sheet, fonts=fonts, css=css)
    return _ready["fonts"], _ready["css"]


def identifier(number: str) -> bytes:
    """Return the PDF identifier of a document: from its number, so that the same snapshot gives the same bytes."""
    return hashlib.sha256(number.encode()).hexdigest()[:32].encode()


def draw(body: dict[str, Any], families: Families, badge: bytes | None) -> bytes:
    """Return the unsigned PDF of a snapshot, with its badge within; raises `Unprintable` for any warning."""
    html = current_app.jinja_env.get_template("papers/award.html").render(layout.words(body, families))
    return draw_page(
        html, families, number=body["number"], variant=body["variant"], at=body["issued_at"], badge=badge
    )


def draw_page(
    html: str, families: Families, *, number: str, variant: str, at: str, badge: bytes | None
) -> bytes:
    """Return the PDF of a page of the template."""
    import weasyprint  # noqa: PLC0415 - heavy
    from weasyprint.urls import URLFetcher  # noqa: PLC0415 - heavy

    if variant not in VARIANTS:
        raise Unprintable(f"certificate.variant is {variant!r}; it is one of {', '.join(VARIANTS)}")
    closed = URLFetcher(allowed_protocols=("data",), allow_redirects=False, fail_on_errors=True)
    options: dict[str, Any] = {
        "pdf_variant": variant, "pdf_identifier": identifier(number), "pdf_tags": variant != "pdf/a-3u",
    }  # fmt: skip
    made = datetime.fromisoformat(at)
    with _lock, _listening() as heard, heap.swept():
        fonts, css = _engine(families)
        files = [] if badge is None else [
            weasyprint.Attachment(
                string=badge, name=BADGE, description="Open Badge 3.0", relationship="Data", created=made, modified=made,
                url_fetcher=closed,
            )
        ]  # fmt: skip
        page = weasyprint.HTML(string=html, url_fetcher=closed)
        data: bytes = page.write_pdf(
            font_config=fonts, stylesheets=[css], attachments=files, cache={}, **options
        )
    if heard:
        raise Unprintable("; ".join(heard[:5])[:300])
    return data
