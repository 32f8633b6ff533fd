"""The journal as files: its lines as CSV and XLSX, with the page's filters, and the whole ledger as plain text."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Response
from flask_babel import LazyString, force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import kinds, words
from portal.billing.account_views import day_asked
from portal.billing.books_views import asked_entries
from portal.billing.models import Invoice, Party
from portal.billing.money_models import JournalEntry, JournalLine
from portal.billing.office import money
from portal.billing.plain_text import Dialect, ledger_text
from portal.core import clock, export
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.money import Money

HEADS: tuple[LazyString, ...] = (
    _l("Entry"), _l("Booked"), _l("Month of service"), _l("Type of entry"), _l("Ledger account"), _l("Debit side"),
    _l("Credit side"), _l("Currency"), _l("In that currency"), _l("Name of the account"), _l("Payer"), _l("Invoice"),
    _l("Reason"),
)  # fmt: skip


def _in_both(head: LazyString) -> str:
    said = []
    for locale in ("zh_Hans_CN", "en"):
        with force_locale(locale):
            said.append(str(head))
    return " ".join(said)


def _statement() -> Any:
    chosen = asked_entries().subquery()
    return (
        select(JournalEntry, JournalLine, Invoice.number)
        .join(JournalLine, JournalLine.entry_id == JournalEntry.id)
        .outerjoin(Invoice, Invoice.id == JournalLine.invoice_id)
        .where(JournalEntry.id.in_(select(chosen.c.id)))
        .order_by(JournalEntry.posted_on, JournalEntry.id, JournalLine.id)
    )


def _row(kind: Callable[[str], str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return how a line of the journal becomes cells; `kind` says what a type of entry is called there."""
    names = {party.id: party.title or party.name for party in db.session.scalars(select(Party))}
    account = cache(words.account)

    def cells(one: Any) -> tuple[Any, ...]:
        entry, line, number = one
        units = "" if line.units is None else Money(line.units, line.currency)
        debit = line.amount.minor > 0
        return (
            entry.id, entry.posted_on, f"{entry.service_month:%Y-%m}", kind(entry.kind), line.account,
            line.amount if debit else "", "" if debit else -line.amount, line.currency, units,
            account(line.account), names.get(line.party_id, ""), number or "", entry.reason,
        )  # fmt: skip

    return cells


@money.get("/journal/file")
@allow(May.READ_MONEY)
def journal_file() -> Response:
    """Hand out the lines of the journal as CSV, types of entries by their codes."""
    return export.csv_of("journal", HEADS, _statement(), _row(str), by=me().person, rows=True)


@money.get("/journal/xlsx/file")
@allow(May.READ_MONEY)
def journal_sheet() -> Response:
    """Hand out the same lines as XLSX, with heads in both languages and types of entries in words."""
    heads = [_in_both(head) for head in HEADS]
    return export.xlsx_of(
        "journal", _("Journal"), heads, _statement(), _row(kinds.to_finance), by=me().person, rows=True
    )


@money.get("/ledger/<form>/file")
@allow(May.READ_MONEY)
def ledger_file(form: str) -> Response:
    """Hand out the whole ledger up to a day (default: today) as beancount or hledger reads it."""
    if form not in list(Dialect):
        raise Missing(_("There is no such file."))
    day = min(day_asked("until", clock.today()), clock.today())
    ending = "beancount" if form == Dialect.BEANCOUNT else "journal"
    return export.text_of(
        f"ledger-{form}",
        ledger_text(Dialect(form), day),
        by=me().person,
        file=f"ledger-{day.isoformat()}.{ending}",
    )
