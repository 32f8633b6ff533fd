"""Entries by hand: what no document makes, written by one of finance with its reason and booked by another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import lazy_gettext as _l

from portal.accounts.people import Person
from portal.billing import ledger, months
from portal.billing.book_models import HandEntry, HandState
from portal.billing.ledger import Line
from portal.core import audit
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.money import Money
from portal.core.states import move

# Accounts that are lists of documents: an entry by hand would make account and list disagree.
OF_DOCUMENTS = frozenset(
    {
        ledger.RECEIVABLE, ledger.CONTRACT_ASSET, ledger.REVALUATION, ledger.DISPUTED, ledger.DEFERRED, ledger.CREDIT,
        ledger.UNIDENTIFIED, ledger.VAT, ledger.REFUNDS, ledger.INCOME,
    }
)  # fmt: skip


def choices() -> list[str]:
    """Return the accounts an entry by hand may touch."""
    return [code for code in ledger.chart() if code not in OF_DOCUMENTS]


def propose_entry(day: date, sides: Sequence[tuple[str, Money]], *, by: Person, reason: str) -> HandEntry:
    """Write an entry down (debit positive); a second person books it."""
    ledger.refuse_future(day)
    kept = [(code, amount) for code, amount in sides if amount]
    if unknown := [code for code, _amount in kept if code not in choices()]:
        raise Refused(
            _l("Account %(code)s is kept by documents and takes no entry by hand.", code=unknown[0]),
            status=422,
        )
    if len(kept) < 2 or sum(amount.minor for _code, amount in kept) != 0:
        raise Refused(_l("Debit and credit must be equal."), field="amount_0", status=422)
    row = HandEntry(
        day=day, reason=reason, by=by,
        lines=[{"account": code, "amount": amount.minor} for code, amount in kept],
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("hand_entry.proposed", row, by=by, reason=reason, day=day)
    return row


def _second(entry: HandEntry, by: Person) -> HandEntry:
    row = db.session.get_one(HandEntry, entry.id, with_for_update={"of": HandEntry}, populate_existing=True)
    if row.by_id == by.id:
        raise Forbidden(_l("You wrote this down yourself: a second person of finance confirms it."))
    return row


def post_entry(entry: HandEntry, *, by: Person) -> None:
    """Book another's entry; into a month proposed for closing its reason opens the door, a closed month stays shut."""
    row = _second(entry, by)
    move(row, HandState.POSTED)
    row.second = by
    lines = [Line(one["account"], Money(int(one["amount"]))) for one in row.lines]
    if months.first_of(row.day) in months.shut_since(months.first_of(row.day), reason=row.reason):
        raise Refused(_l("The month of this entry is closed."))
    row.entry = ledger.post("hand", row.subject, lines, on=row.day, reason=row.reason)
    audit.record("hand_entry.posted", row, by=by, reason=row.reason)


def decline_entry(entry: HandEntry, *, by: Person) -> None:
    """Send another's entry back; nothing is booked."""
    row = _second(entry, by)
    move(row, HandState.DECLINED)
    row.second = by
    audit.record("hand_entry.declined", row, by=by, reason=row.reason)
