"""Money that goes away after an exam was used: nothing closes by itself, and those who must look are told."""

from __future__ import annotations

from flask import Flask

from portal.billing.money_models import Receipt
from portal.billing.reversing import reverse_receipt
from portal.certs import booking, buying
from portal.certs.models.booking import BookingState
from portal.certs.models.eligibility import Eligibility, EligibilityState
from portal.core.db import db, reading, transaction
from portal.core.mail import MailMessage
from portal.core.money import Money
from tests import seats
from tests.membership import inside

E = EligibilityState


def _alerts() -> list[tuple[str, str]]:
    rows = db.session.query(MailMessage).filter(MailMessage.title.startswith("A used exam"))
    return sorted({(row.key.partition(":")[0], row.address.partition("@")[0]) for row in rows})


def test_money_that_goes_after_an_exam_was_used_closes_nothing_but_people_are_told(app: Flask) -> None:
    told = ["certs", "certs2", "fang", "feng"]
    with inside(app):
        with transaction():
            seats.house("lin", "mei")
        with transaction():
            row, unused = (
                buying.buy("OPDEV", person=seats.who(name), by=seats.who(name)) for name in ("lin", "mei")
            )
            receipts = []
            for number, one in enumerate((row, unused)):
                seats.pay(seats.invoice(one), ref=f"pay-{number}")
                receipts.append(db.session.query(Receipt).order_by(Receipt.id.desc()).first())
            seen = seats.confirm(booking.hold(seats.session().id, person=row.person, by=row.person))
            seen.state, row.state = BookingState.NO_SHOW, E.USED
        with transaction():
            for got in receipts:
                assert got is not None
                reverse_receipt(got, amount=Money(120_000), reason="recalled", by="bank", key=f"R-{got.id}")
        with reading():
            assert _alerts() == [("exam.reopened_after_use", name) for name in told], (
                "and none for the unused"
            )
            assert db.session.get_one(Eligibility, row.id).state is E.USED
        with transaction():
            buying.reverse(db.session.get_one(Eligibility, row.id), by="test", reason="never paid")
            buying.reverse(db.session.get_one(Eligibility, unused.id), by="test", reason="never paid")
        with reading():
            assert [one for one in _alerts() if "reversed" in one[0]] == [
                ("exam.reversed_after_use", name) for name in told
            ]
            states = [db.session.get_one(Eligibility, one.id).state for one in (row, unused)]
            assert states == [E.USED, E.REFUNDED]
