"""The statement as PDF in both languages: made from the figures of one sending, kept under its SHA-256."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing.issuing import seller
from portal.billing.papers import CSS, figure
from portal.core import clock, files, outbox, pdf
from portal.core.db import db, let_go
from portal.services.statements import reporting, settling, views
from portal.services.statements.models import ComputeStatement


def words_of(row: ComputeStatement) -> dict[str, Any]:
    """Return what the paper says, as plain values."""
    return {
        "number": row.number, "sending": row.sending, "month": f"{row.month:%Y-%m}",
        "sent_on": str(clock.day_of(row.sent_at)) if row.sent_at else "", "deemed_after": str(row.deemed_after or ""),
        "contract": row.seller.contract, "seller": seller(), "buyer": {"title": row.seller.org.legal_name},
        "lines": [
            {
                "month": f"{one.month:%Y-%m}", "package": one.package, "hours": views.hours(one.milli_hours),
                "unit_price": figure(one.unit_price), "amount": figure(one.amount), "evidence": one.evidence,
            }
            for one in reporting.lines(row)
        ],
        "months": [
            {
                "month": f"{one.month:%Y-%m}", "base": figure(one.base), "before": figure(one.before),
                "rate": f"{one.bp / 100:g}", "commission": figure(one.commission),
            }
            for one in settling.shares(row)
        ],
        "base": figure(row.base), "commission": figure(row.commission),
        "carried": figure(row.carried) if row.carried else "", "net": figure(row.net), "tax": figure(row.tax),
        "gross": figure(row.gross),
    }  # fmt: skip


@outbox.handles("compute_paper", _l("Compute statement as a document"))
def _paper(item: outbox.Claim) -> outbox.Finish | None:
    row = _row(item)
    if row.sending != item.payload["sending"]:
        return None  # a later sending has a document of its own
    words, org_id = words_of(row), row.seller.org_id
    let_go()
    html = current_app.jinja_env.get_template("papers/compute.html").render(words)
    content = files.put(pdf.render(html, css=CSS), files.PDF)

    def finish() -> None:
        kept = _row(item)
        if kept.sending == item.payload["sending"]:
            kept.pdf = files.StoredFile(
                sha256=content.sha256, name=f"{kept.number}.pdf", media_type=content.media_type, size=content.size,
                purpose="compute", org_id=org_id,
            )  # fmt: skip

    return finish


def _row(item: outbox.Claim) -> ComputeStatement:
    return db.session.scalars(
        select(ComputeStatement).where(ComputeStatement.uid == item.payload["uid"])
    ).one()
