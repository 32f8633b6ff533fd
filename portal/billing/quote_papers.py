"""The quote as PDF in both languages: made once from stored figures, kept under its SHA-256."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing.papers import CSS
from portal.billing.quote_models import Quote
from portal.core import catalogue, files, outbox, pdf, web
from portal.core.db import db, let_go
from portal.core.money import Money


def plain(value: Money) -> str:
    """Return a sum as papers write it."""
    return f"{value.decimal:,.2f}"


def words_of(quote: Quote) -> dict[str, Any]:
    """Return what the paper says, as plain values."""
    body = catalogue.entry("brand", "foundation")
    lines = [
        {
            "words": line.words, "quantity": line.quantity, "list": plain(line.list_amount),
            "discount": plain(line.discount), "net": plain(line.net), "tax": plain(line.tax),
            "gross": plain(line.gross), "tax_words": catalogue.entry("tax", line.tax_category)["words"],
        }
        for line in quote.lines
    ]  # fmt: skip
    return {
        "number": quote.number, "day": str(quote.created_at.date()), "until": str(quote.expires_on),
        "seller": {key: body[key] for key in ("name", "address", "mail")},
        "buyer": {"title": quote.party.title or quote.party.name, "tax_number": quote.party.tax_number,
                  "address": quote.party.address},
        "lines": lines, "net": plain(quote.net), "tax": plain(quote.tax), "gross": plain(quote.gross),
        "currency": quote.gross.currency, "halves": bool(quote.inputs.get("shares")),
        "url": web.absolute("plans.quote", uid=quote.uid),
    }  # fmt: skip


@outbox.handles("quote_paper", _l("Quote as a document"))
def _paper(item: outbox.Claim) -> outbox.Finish:
    found = select(Quote).where(Quote.uid == item.payload["uid"])
    quote = db.session.scalars(found).one()
    words = words_of(quote)
    words["qr"] = pdf.qr_svg(words["url"])
    name, org_id, person_id = f"{quote.number}.pdf", quote.party.org_id, quote.party.person_id
    let_go()
    html = current_app.jinja_env.get_template("papers/quote.html").render(words)
    content = files.put(pdf.render(html, css=CSS), files.PDF)

    def finish() -> None:
        row = db.session.scalars(found).one()
        if row.pdf is None:
            row.pdf = files.StoredFile(
                sha256=content.sha256, name=name, media_type=content.media_type, size=content.size,
                purpose="quote", org_id=org_id, person_id=person_id,
            )  # fmt: skip

    return finish
