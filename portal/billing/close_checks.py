"""What a close looks at beside the journal: lines of the bank, money without an invoice, red letters; and booking what is late."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import Select, func, select

from portal.accounts.people import Person
from portal.billing import bank_queries, closing, months, queries, recognising, revaluing
from portal.billing.bank_models import BankLine
from portal.billing.book_models import PeriodState
from portal.billing.closing import Check, Place
from portal.billing.fapiao_models import Fapiao, FapiaoState
from portal.billing.money_models import Receipt
from portal.core import audit, clock
from portal.core.db import db, transaction
from portal.core.errors import Refused


def _count(statement: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0


def _bank(month: date) -> Check:
    number = _count(bank_queries.waiting().where(BankLine.booked_on <= months.last_of(month)))
    said = ngettext("%(num)s line is not cleared yet.", "%(num)s lines are not cleared yet.", number)
    place = Place(_("Clear the bank"), "money.bank")
    return Check(_("Every line of the bank is cleared"), (said,) if number else (), False, place)


def _unused(month: date) -> Check:
    number = _count(queries.unapplied().where(Receipt.received_on <= months.last_of(month)))
    said = ngettext(
        "%(num)s receipt has money that no invoice took.",
        "%(num)s receipts have money that no invoice took.",
        number,
    )
    place = Place(_("Look at the receipts"), "money.receipts", (("show", "credit"),))
    return Check(_("All money that came is on an invoice"), (said,) if number else (), False, place)


def _red(month: date) -> Check:
    late = select(Fapiao.number).where(Fapiao.state == FapiaoState.RED_REQUESTED)
    rows = db.session.scalars(
        late.where(Fapiao.issued_on <= months.last_of(month)).order_by(Fapiao.number).limit(20)
    )
    said = tuple(_("Red letter outstanding: %(number)s", number=row) for row in rows)
    place = Place(_("Look at the fapiao"), "fapiao_desk.queue", (("state", "red_requested"),))
    return Check(_("Fapiao agree with their invoices"), said, False, place)


MORE = (_bank, _unused, _red)


def install() -> None:
    """Let every close look at these too."""
    closing.MORE.extend(ask for ask in MORE if ask not in closing.MORE)


def book_missing(month: date, *, by: Person) -> tuple[int, int]:
    """Book now what the nightly chores would: income earned, and the revaluation of an open month that is over.

    Return how many entries of income and of revaluation it made. Opens transactions of its own, one for each line.
    """
    if closing.state_of(month) is not PeriodState.OPEN:
        raise Refused(_l("Only into an open month is booked what it lacks."))
    if clock.today() <= months.last_of(month):
        raise Refused(_l("The month is not over yet."))
    earned = recognising.recognise()
    with transaction():
        row = closing.row_to_move(month)
        revalued = revaluing.revalue(months.last_of(month))
        audit.record("period.caught_up", row, by=by, month=f"{month:%Y-%m}", earned=earned, revalued=revalued)
    return earned, revalued
