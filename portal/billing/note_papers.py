"""The credit note as PDF in the buyer's language and English, made from stored figures, kept, then announced by mail."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import gateway, letters
from portal.billing.note_models import CreditNote
from portal.billing.papers import CSS, figure
from portal.core import files, outbox, pdf
from portal.core.db import db, let_go
from portal.core.money import Money

KINDS = {
    "termination": {"zh": "服务提前终止", "en": "Service ended early"},
    "price_adjustment": {"zh": "价格下调", "en": "Price lowered"},
    "cancellation": {"zh": "账单冲销", "en": "Invoice cancelled"},
    "change": {"zh": "订阅变更", "en": "Change of a subscription"},
}


def words_of(note: CreditNote) -> dict[str, Any]:
    """Return what the paper says, as plain values."""
    invoice = note.invoice
    currency = invoice.currency

    def sums(row: Any) -> dict[str, str]:
        printed = row.printed
        if printed is None:
            return {name: figure(getattr(row, name)) for name in ("net", "tax", "gross")}
        return {name: figure(Money(int(printed[name]), currency)) for name in ("net", "tax", "gross")}

    lines = [{"words": line.words, "tax_words": line.tax_words, **sums(line)} for line in note.lines]
    kind = "change" if any(line.net < Money(0) for line in note.lines) else note.kind.value
    total = {name: figure(getattr(note, name)) for name in ("net", "tax", "gross")}
    if invoice.printed:
        total = {
            name: figure(Money(sum(int((line.printed or {})[name]) for line in note.lines), currency))
            for name in ("net", "tax", "gross")
        }
    return {
        "note": {"number": note.number, "issued_on": str(note.issued_on), "kind": KINDS[kind]},
        "last_day": str(note.last_day or ""),
        "invoice": {"number": invoice.number, "issued_on": str(invoice.issued_on)},
        "seller": invoice.seller,
        "buyer": invoice.buyer,
        "lines": lines,
        "total": total,
        "currency": currency,
        "test": gateway.which() == gateway.TEST,
    }


def _note(uid: str) -> CreditNote:
    return db.session.scalars(select(CreditNote).where(CreditNote.uid == uid)).one()


@outbox.handles("note_paper", _l("Credit note as a document"))
def _paper(item: outbox.Claim) -> outbox.Finish:
    """Make the PDF outside the transaction; finish by linking it and mailing the payer."""
    note = _note(item.payload["uid"])
    words, name, party = words_of(note), f"{note.number}.pdf", note.invoice.party
    org_id, person_id = party.org_id, party.person_id
    let_go()
    html = current_app.jinja_env.get_template("papers/credit_note.html").render(words)
    content = files.put(pdf.render(html, css=CSS), files.PDF)

    def finish() -> None:
        row = _note(item.payload["uid"])
        if row.pdf is None:
            row.pdf = files.StoredFile(
                sha256=content.sha256, name=name, media_type=content.media_type, size=content.size,
                purpose="credit_note", org_id=org_id, person_id=person_id,
            )  # fmt: skip
        letters.credited(row)

    return finish
