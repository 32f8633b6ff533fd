"""The invariants of the books, as sentences about what breaks them: each names the row."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import func, select

from portal.billing import ledger, verify_bank, verify_desk, verify_prices, verify_stripe
from portal.billing import verify_books as books
from portal.billing.bank_models import OutsideMove
from portal.billing.models import Invoice, InvoiceLine, InvoiceState, NumberSeries
from portal.billing.money_models import (
    Allocation,
    JournalEntry,
    JournalLine,
    Receipt,
    Refund,
    RefundState,
    Way,
)
from portal.billing.note_models import CreditNote, CreditNoteShare, NoteState
from portal.billing.reversal_models import Reversal
from portal.billing.settling import CASH
from portal.core.db import db
from portal.core.money import Money
from portal.core.settings import settings

R = RefundState
NOWHERE = {InvoiceState.VOID, InvoiceState.DRAFT}
# Documents of imported books keep their own numbers.
OF_BOOKS = Invoice.billed_subject.startswith("books:")
PROMISED = {R.APPROVED, R.SENDING}


def _fen(value: object) -> int:
    """Return a sum as whole fen, whichever way the driver gives it."""
    return value.minor if isinstance(value, Money) else int(str(value or 0))


def _sums(column: Any, key: Any, *conditions: Any) -> dict[int, int]:
    rows = db.session.execute(select(key, func.sum(column)).where(*conditions).group_by(key))
    return {row[0]: _fen(row[1]) for row in rows}


def _account(key: Any, *codes: str) -> dict[int, int]:
    """Return what stands on accounts for each invoice or receipt, debit positive."""
    return _sums(JournalLine.amount, key, JournalLine.account.in_(codes), key.is_not(None))


def _entries() -> list[str]:
    sums = _sums(JournalLine.amount, JournalLine.entry_id)
    found = [f"journal: entry {entry} does not balance ({off} fen)" for entry, off in sums.items() if off]
    empty = select(JournalEntry.id).where(~JournalEntry.lines.any())
    found += [f"journal: entry {entry} has no lines" for entry in db.session.scalars(empty)]
    return found


def _numbers() -> list[str]:
    found: list[str] = []
    series: dict[str, list[tuple[int, date]]] = defaultdict(list)
    rows = db.session.execute(
        select(Invoice.id, Invoice.number, Invoice.issued_on)
        .where(Invoice.state != InvoiceState.DRAFT, ~OF_BOOKS)
        .union_all(
            select(CreditNote.id, CreditNote.number, CreditNote.issued_on)
            .join(Invoice, Invoice.id == CreditNote.invoice_id)
            .where(CreditNote.state == NoteState.ISSUED, ~OF_BOOKS)
        )
    )
    for row_id, number, day in rows:
        matched = re.fullmatch(r"((?:INV|CN)-(\d{4}))-(\d{6})", number or "")
        if matched is None or day is None or int(matched[2]) != day.year:
            found.append(f"numbers: invoice {row_id} has {number}, which does not belong to {day}")
            continue
        series[matched[1]].append((int(matched[3]), day))
    for key, taken in series.items():
        found += _in_order(key, sorted(taken))
    return found


def _in_order(key: str, taken: list[tuple[int, date]]) -> list[str]:
    found, last = [], date.min
    for wanted, (n, day) in enumerate(taken, 1):
        if n != wanted:
            found.append(f"numbers: {key}-{wanted:06d} is missing, or {key}-{n:06d} is there twice")
            break
        if day < last:
            found.append(f"numbers: {key}-{n:06d} is of {day}, the one before it of {last}")
        last = day
    counter = db.session.scalar(select(NumberSeries.next).where(NumberSeries.key == key))
    if counter != len(taken) + 1:
        found.append(f"numbers: the counter of {key} stands at {counter} after {len(taken)} numbers")
    return found


def _documents() -> list[str]:
    """Gross = net + tax on each line and document; a document is the sum of its lines."""
    found: list[str] = []
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for line in db.session.execute(
        select(InvoiceLine.id, InvoiceLine.invoice_id, InvoiceLine.gross, InvoiceLine.net, InvoiceLine.tax)
    ):
        gross, net, tax = line.gross.minor, line.net.minor, line.tax.minor
        if gross != net + tax:
            found.append(f"documents: line {line.id} says {gross} = {net} + {tax} fen")
        for n, part in enumerate((gross, net, tax)):
            sums[line.invoice_id][n] += part
    for row in db.session.execute(
        select(Invoice.id, Invoice.number, Invoice.gross, Invoice.net, Invoice.tax, Invoice.state)
    ):
        figures = [row.gross.minor, row.net.minor, row.tax.minor]
        if figures[0] != figures[1] + figures[2]:
            found.append(f"documents: {row.number} says {figures[0]} = {figures[1]} + {figures[2]} fen")
        if row.state is not InvoiceState.DRAFT and figures != sums[row.id]:
            found.append(f"documents: {row.number} says {figures} fen, its lines {sums[row.id]}")
    return found


def _invoices() -> list[str]:
    """What is owed equals the receivable of that invoice, and its tax the VAT booked for it."""
    found: list[str] = []
    paid = _sums(Allocation.amount, Allocation.invoice_id)
    noted = _sums(CreditNoteShare.gross, CreditNoteShare.invoice_id)
    taxed = _sums(CreditNote.tax, CreditNote.invoice_id, CreditNote.state == NoteState.ISSUED)
    receivable = _account(JournalLine.invoice_id, ledger.RECEIVABLE)
    vat = _account(JournalLine.invoice_id, ledger.VAT)
    for row in db.session.execute(
        select(Invoice.id, Invoice.number, Invoice.state, Invoice.gross, Invoice.tax)
    ):
        void = row.state in NOWHERE
        left = 0 if void else row.gross.minor - noted.get(row.id, 0) - paid.get(row.id, 0)
        if row.state is InvoiceState.UNCOLLECTIBLE:
            left = 0  # nobody expects it: the account is empty too
        if left < 0:
            found.append(f"invoices: {row.number} is paid beyond its sum")
        if void and paid.get(row.id, 0):
            found.append(f"invoices: {row.number} is {row.state} and has money on it")
        if left != receivable.get(row.id, 0):
            found.append(
                f"invoices: {row.number} owes {left} fen, its account says {receivable.get(row.id, 0)}"
            )
        tax = 0 if void else row.tax.minor - taxed.get(row.id, 0)
        if tax != -vat.get(row.id, 0):
            found.append(f"invoices: {row.number} has {tax} fen of tax, its account {-vat.get(row.id, 0)}")
        gone = void or row.state is InvoiceState.UNCOLLECTIBLE
        if (row.state is InvoiceState.PAID) != (not gone and left == 0):
            found.append(f"invoices: {row.number} is {row.state} with {left} fen owed")
    return found


def _refunded(*states: RefundState) -> dict[int, int]:
    return _sums(Refund.amount, Refund.receipt_id, Refund.state.in_(states))


def _receipts() -> list[str]:
    """Allocations, refunds, reversals and credit make the receipt; cash, credit and refunds payable equal their lists."""
    found: list[str] = []
    used = _sums(func.coalesce(Allocation.taken, Allocation.amount), Allocation.receipt_id)
    asked, promised, gone = _refunded(R.REQUESTED), _refunded(*PROMISED), _refunded(R.SUCCEEDED)
    back = _sums(Reversal.amount, Reversal.receipt_id)
    # While a payment is disputed its money stands on an account of its own.
    cash = _account(JournalLine.receipt_id, *set(CASH.values()), ledger.DISPUTED)
    credit = _account(JournalLine.receipt_id, ledger.CREDIT, ledger.UNIDENTIFIED)
    payable = _account(JournalLine.receipt_id, ledger.REFUNDS)
    outside = _sums(OutsideMove.amount, OutsideMove.receipt_id, OutsideMove.receipt_id.is_not(None))
    production = settings().production
    for row in db.session.execute(select(Receipt.id, Receipt.amount, Receipt.way)):
        amount, of = row.amount.minor, row.id
        left = amount - gone.get(of, 0) - back.get(of, 0)
        unused = left - used.get(of, 0) - promised.get(of, 0) - outside.get(of, 0)
        checks = {
            "is spent beyond its sum": unused - asked.get(of, 0) >= 0,
            f"has {unused} fen of credit, its account says {-credit.get(of, 0)}": unused
            == -credit.get(of, 0),
            f"brought {left} fen, the cash account says {cash.get(of, 0)}": left == cash.get(of, 0),
            f"owes {promised.get(of, 0)} fen of refunds, the account says {-payable.get(of, 0)}": (
                promised.get(of, 0) == -payable.get(of, 0)
            ),
            "came from the test gateway into a production ledger": not (production and row.way is Way.TEST),
        }
        found += [f"receipts: {of} {words}" for words, right in checks.items() if not right]
    return found


def _foreign() -> list[str]:
    """What a receipt in another currency leaves on an account is nothing in both currencies, or something in both."""
    whole, units = func.sum(JournalLine.amount), func.coalesce(func.sum(JournalLine.units), 0)
    rows = db.session.execute(
        select(JournalLine.receipt_id, JournalLine.account, whole, units)
        .join(Receipt, Receipt.id == JournalLine.receipt_id)
        .where(
            Receipt.units.is_not(None),
            JournalLine.account.in_(
                (ledger.CREDIT, ledger.UNIDENTIFIED, ledger.REFUNDS, *set(CASH.values()))
            ),
        )
        .group_by(JournalLine.receipt_id, JournalLine.account)
    )
    return [
        f"receipts: {receipt} leaves {_fen(fen)} fen and {left} units of its currency on account {account}"
        for receipt, account, fen, left in rows
        if (_fen(fen) == 0) != (left == 0)
    ]


def _ways() -> list[str]:
    """Money of each way lies on the account of that way."""
    rows = db.session.execute(
        select(Receipt.id, Receipt.way, JournalLine.account)
        .join(JournalLine, JournalLine.receipt_id == Receipt.id)
        .where(JournalLine.account.in_(set(CASH.values())))
        .distinct()
    )
    return [
        f"receipts: {row.id} came by {row.way} and lies on account {row.account}"
        for row in rows
        if CASH[row.way] != row.account
    ]


CHECKS: tuple[Callable[[], list[str]], ...] = (
    _entries, _numbers, _documents, _invoices, _receipts, _foreign, _ways,
    *books.CHECKS, *verify_stripe.CHECKS, *verify_prices.CHECKS, *verify_desk.CHECKS, *verify_bank.CHECKS,
)  # fmt: skip


def verify_books() -> tuple[int, list[str]]:
    """Check the books; return how many entries were read and a sentence for each break."""
    count = db.session.scalar(select(func.count()).select_from(JournalEntry)) or 0
    return count, [sentence for check in CHECKS for sentence in check()]
