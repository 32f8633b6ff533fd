"""The rows behind a roll-forward: sides of the journal for what moved, documents for what stood before and stands after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, func, or_, select

from portal.billing import ledger, months
from portal.billing.models import OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import db
from portal.core.errors import Missing
from portal.reports.closed.ledger_sums import CUSTOMERS, KEYS, of_the_bank
from portal.reports.closed.positions import COLLECTED, FEES, SENT
from portal.reports.income import behind
from portal.reports.income.asked import Question
from portal.reports.income.behind import Kind, Narrower
from portal.reports.income.figure import Row
from portal.reports.journal import CASH, FEN, RECEIVABLE
from portal.reports.revenue import INVOICED, SETTLED

CODE = "ledger"
ALL: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """Sides of the journal: on some accounts, of some kinds of entries (or of none of them), before, within or by the end."""

    accounts: tuple[str, ...]
    kinds: tuple[str, ...] = ALL
    sign: int = 1
    when: str = "within"
    named: bool = False
    but: tuple[str, ...] = ALL


VAT = (ledger.VAT,)
GIVEN = ("receipt", "allocation", "credited", "refund_approved", "refund_failed", "refund_came_back")
SIDES: dict[tuple[str, str], tuple[Side, ...]] = {
    ("ar", "opening"): (Side(RECEIVABLE, when="before", named=True),),
    ("ar", "invoiced_gross"): (Side(RECEIVABLE, INVOICED),),
    ("ar", "credited_gross"): (Side(RECEIVABLE, ("credit_note",)),),
    ("ar", "settled"): (Side((ledger.CREDIT,), ("allocation",), -1),),
    ("ar", "released"): (Side((ledger.CREDIT,), ("credited",), -1),),
    ("ar", "fx"): (Side(RECEIVABLE, SETTLED), Side((ledger.CREDIT,), ("allocation", "credited"))),
    ("ar", "other_ar"): (Side(RECEIVABLE, but=(*INVOICED, "credit_note", *SETTLED)),),
    ("ar", "closing"): (Side(RECEIVABLE, when="end", named=True),),
    ("ar", "booked"): (Side(RECEIVABLE, when="end"),),
    ("bank", "opening"): (Side(CASH, when="before"),),
    ("bank", "cash_in"): (Side(CASH, COLLECTED),),
    ("bank", "fees"): (Side(CASH, FEES),),
    ("bank", "cash_back"): (Side(CASH, SENT),),
    ("bank", "other_cash"): (Side(CASH, but=(*COLLECTED, *FEES, *SENT)),),
    ("bank", "closing"): (Side(CASH, when="end"),),
    ("bank", "booked"): (Side(CASH, when="end"),),
    ("vat", "opening"): (Side(VAT, sign=-1, when="before", named=True),),
    ("vat", "invoiced_tax"): (Side(VAT, ("invoice", "void"), -1, named=True),),
    ("vat", "credited_tax"): (Side(VAT, ("credit_note",), -1, named=True),),
    ("vat", "closing"): (Side(VAT, sign=-1, when="end", named=True),),
    ("vat", "booked"): (Side(VAT, sign=-1, when="end"),),
    ("credit", "opening"): (Side(CUSTOMERS, sign=-1, when="before", named=True),),
    ("credit", "received"): (Side(CUSTOMERS, ("receipt",), -1, named=True),),
    ("credit", "put"): (Side(CUSTOMERS, ("allocation",), -1, named=True),),
    ("credit", "freed"): (Side(CUSTOMERS, ("credited",), -1, named=True),),
    ("credit", "promised"): (Side(CUSTOMERS, GIVEN[3:], -1, named=True),),
    ("credit", "other_credit"): (Side(CUSTOMERS, ALL, -1, named=True, but=GIVEN),),
    ("credit", "closing"): (Side(CUSTOMERS, sign=-1, when="end", named=True),),
    ("credit", "booked"): (Side(CUSTOMERS, sign=-1, when="end"),),
    ("contract", "booked"): (Side((ledger.DEFERRED, ledger.CONTRACT_ASSET), sign=-1, when="end"),),
}
# What the pages of income open already, and the sign it has in a roll-forward.
KNOWN = {
    ("contract", "opening"): ("opened", 1), ("contract", "invoiced_net"): ("invoiced_net", 1),
    ("contract", "credited_net"): ("credited_net", -1), ("contract", "recognised"): ("recognised", -1),
    ("contract", "closing"): ("closed", 1), ("streams", "recognised"): ("recognised", 1),
    ("streams", "closing"): ("recognised", 1),
}  # fmt: skip


def whole(said: Question) -> Question:
    """Return a question of all books: a reconciliation of one stream or payer would be none."""
    return replace(said, stream="", group="", payer="", alone=False)


def _condition(side: Side, said: Question) -> Any:
    day = JournalEntry.posted_on
    times = {
        "before": day < said.start,
        "within": day.between(said.start, said.last_day),
        "end": day <= said.last_day,
    }
    tests = [JournalLine.account.in_(side.accounts), times[side.when]]
    if side.kinds:
        tests.append(JournalEntry.kind.in_(side.kinds))
    if side.but:
        tests.append(JournalEntry.kind.not_in(side.but))
    if side.named:
        kept = (and_(JournalLine.account.in_(codes), key.is_not(None)) for codes, key in KEYS)
        tests.append(or_(of_the_bank(), *kept))
    return and_(*tests)


def _read(side: Side, said: Question, condition: Any) -> list[Row]:
    """Return the sides, one a row; what stood or stands is added up by its document."""
    one = JournalLine
    dates: list[Any] = [JournalEntry.posted_on, JournalEntry.service_month, JournalEntry.id]
    keys: list[Any] = [one.party_id, one.invoice_id, one.order_line_id, one.receipt_id, OrderLine.stream]
    if side.when == "within":
        keys = [*keys, *dates]
    total = func.sum(FEN)
    statement = (
        select(*keys, total)
        .select_from(one)
        .join(JournalEntry, JournalEntry.id == one.entry_id)
        .outerjoin(OrderLine, OrderLine.id == one.order_line_id)
        .where(condition, JournalEntry.known_at <= months.end_of(said.known))
        .group_by(*keys)
        .having(total != 0)
        .order_by(*(func.coalesce(key, 0) for key in keys[:4]), *keys[5:])
    )
    found = []
    for party, invoice, line, receipt, stream, *rest in db.session.execute(statement):
        paper = ("invoice", invoice) if invoice else ("receipt", receipt) if receipt else None
        day, month = (rest[0], rest[1]) if side.when == "within" else (None, None)
        found.append(
            Row(side.sign * int(rest[-1]), stream or "", day, month, party or 0, line or 0, paper)
        )  # fmt: skip
    return found


def rows(said: Question, by: Narrower) -> list[Row]:
    """Return the rows of one figure of a roll-forward: `of` which, and which `part` of it."""
    at = (by.get("of", ""), by.get("part", ""))
    asked = whole(said)
    if at in KNOWN:
        code, sign = KNOWN[at]
        found = behind.kind_of(code).rows(asked, {})
        return found if sign > 0 else [replace(row, amount=-row.amount) for row in found]
    if at == ("streams", "booked"):
        side = Side(ALL, sign=-1)
        income = JournalLine.account.startswith(f"{ledger.INCOME}.", autoescape=True)
        within = JournalEntry.posted_on.between(asked.start, asked.last_day)
        return _read(side, asked, and_(income, within))
    if at not in SIDES:
        raise Missing(_l("There is no such figure."))
    return [row for side in SIDES[at] for row in _read(side, asked, _condition(side, asked))]


def install() -> None:
    """Let the figures of the reconciliation open their rows."""
    meaning = _l(
        "Sides of the journal on the accounts of this balance; what stood is added up by its document."
    )
    behind.add(Kind(CODE, _l("Part of a reconciliation"), meaning, rows, ("of", "part")))
