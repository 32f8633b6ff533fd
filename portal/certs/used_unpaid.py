"""An exam that was used and whose money went away: nothing closes by itself, certification and finance are told."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts import grants
from portal.accounts.may import May
from portal.billing.models import Invoice
from portal.certs import levels
from portal.certs.models.booking import SPENT, Booking
from portal.certs.models.eligibility import Bundle, BundleSeat, Eligibility
from portal.core import audit, clock, mail, web
from portal.core.db import db
from portal.core.mail import Letter

REVERSED, REOPENED = "exam.reversed_after_use", "exam.reopened_after_use"


def of_subject(subject: str) -> list[Eligibility]:
    """Return the exams of an invoice's subject (an eligibility, or the seats of a bundle) that were sat or missed."""
    kind, _colon, number = subject.partition(":")
    if not (number.isascii() and number.isdigit()):
        return []
    rows = select(Eligibility).where(
        Eligibility.id.in_(select(Booking.eligibility_id).where(Booking.state.in_(SPENT)))
    )
    if kind == Eligibility.__tablename__:
        rows = rows.where(Eligibility.id == int(number))
    elif kind == Bundle.__tablename__:
        of_bundle = select(BundleSeat.id).where(BundleSeat.bundle_id == int(number))
        rows = rows.where(Eligibility.seat_id.in_(of_bundle))
    else:
        return []
    return list(db.session.scalars(rows.order_by(Eligibility.id)))


def tell(invoice: Invoice, verb: str) -> int:
    """Put on record that the money of used exams went away, and write to who must look; return how many exams it is."""
    rows = of_subject(invoice.billed_subject)
    for row in rows:
        audit.record(verb, row, by="exam paid", level=row.level, number=invoice.number)
        _write(row, invoice, verb)
    return len(rows)


def _write(row: Eligibility, invoice: Invoice, verb: str) -> None:
    for may, button in (
        (May.RUN_EXAMS, (_examiners_button, "exam_office.eligibility", row.uid)),
        (May.RECORD_RECEIPTS, (_finance_button, "money.invoice", invoice.uid)),
    ):
        words, endpoint, uid = button
        letter = _letter(row, invoice, verb, words, endpoint, uid)
        for one in grants.holders(may):
            key = f"{verb}:{row.uid}:{invoice.uid}:{may}:{clock.today()}:{one.uid}"
            mail.send(key, one.email, one.name, one.language, letter, topic=row.subject)


def _examiners_button() -> str:
    return _("Open the exam")


def _finance_button() -> str:
    return _("Open the invoice")


def _letter(
    row: Eligibility, invoice: Invoice, verb: str, words: Callable[[], str], endpoint: str, uid: str
) -> Callable[[], Letter]:
    def letter() -> Letter:
        what = (
            _("Invoice %(number)s was taken back, but its exam was sat or missed already.", number=invoice.number)
            if verb == REVERSED
            else _("The money of invoice %(number)s went away again, but its exam was sat or missed already.", number=invoice.number)
        )  # fmt: skip
        return Letter(
            _("A used exam is not paid for: %(level)s", level=levels.name_of(row.level)),
            (
                what,
                _("Nothing was changed by itself: result and award stand."),
                _("Finance sees to the money. An award that should not stand is put on hold first; only then may it be revoked."),
            ),
            button=(words(), web.absolute(endpoint, uid=uid)),
        )  # fmt: skip

    return letter
