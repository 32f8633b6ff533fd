"""Questions about bank accounts: lines that wait, how far the clearing is, and whether the ledger equals the bank."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, String, case, cast, func, literal, or_, select

from portal.accounts.organisations import Organisation
from portal.billing import bank_ladder, ledger, matching, queries
from portal.billing.bank_ladder import Verdict
from portal.billing.bank_models import (
    BankBook,
    BankLine,
    LineState,
    OutsideMove,
    OutsideReason,
    PayerAccount,
    StatementFile,
)
from portal.billing.issuing import owed
from portal.billing.models import Invoice, InvoiceState, Party
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core import catalogue, clock
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.money import Money

OPEN = (LineState.NEW, LineState.SUGGESTED)
SHOWN: dict[str, tuple[LineState, ...]] = {
    "": OPEN,
    "suggested": (LineState.SUGGESTED,),
    "new": (LineState.NEW,),
    "matched": (LineState.MATCHED,),
    "outside": (LineState.OUTSIDE,),
    "all": tuple(LineState),
}
FEW = 8


def lines(account: str, show: str, find: str = "") -> Select[BankLine]:
    """Select the lines of an account in these states, searched by payer, text, reference or sum; oldest first."""
    statement = select(BankLine).where(BankLine.account == account, BankLine.state.in_(SHOWN.get(show, OPEN)))
    if find:
        tests: list[ColumnElement[bool]] = [
            one.icontains(find, autoescape=True) for one in (BankLine.payer, BankLine.text, BankLine.bank_ref)
        ]
        with suppress(ValueError):  # what is no sum is still a name
            sum_ = Money.parse(find)
            tests += [BankLine.amount == sum_, BankLine.amount == -sum_]
        statement = statement.where(or_(*tests))
    return statement.order_by(BankLine.booked_on, BankLine.id)


def counts(account: str) -> dict[str, int]:
    """Return how many lines of an account are in each state, and shown by each filter."""
    rows = db.session.execute(
        select(BankLine.state, func.count()).where(BankLine.account == account).group_by(BankLine.state)
    )
    by_state = {row[0]: row[1] for row in rows}
    return {show: sum(by_state.get(one, 0) for one in states) for show, states in SHOWN.items()}


@dataclass(frozen=True, slots=True)
class Progress:
    """How many lines are cleared, of those since the first of the files that hold one that is not."""

    done: int
    total: int
    since: date | None


def progress(account: str) -> Progress:
    """Return how far the clearing of an account is."""
    mine = BankLine.account == account
    unfinished = select(BankLine.file_id).where(mine, BankLine.state.in_(OPEN))
    since = db.session.scalar(select(func.min(BankLine.booked_on)).where(BankLine.file_id.in_(unfinished)))
    day = () if since is None else (BankLine.booked_on >= since,)
    total, left = db.session.execute(
        select(func.count(), func.sum(case((BankLine.state.in_(OPEN), 1), else_=0))).where(mine, *day)
    ).one()
    return Progress(total - int(left or 0), total, since)


@dataclass(frozen=True, slots=True)
class Proof:
    """The bank by its statements, what the ledger has of those lines, what is not on a statement yet, and the ledger."""

    statements: Money
    booked: Money
    unseen: Money
    ledger: Money

    @property
    def holds(self) -> bool:
        """Whether the ledger has exactly what the statements say."""
        return self.statements == self.booked


def _fen(statement: Select[Money]) -> Money:
    return db.session.scalar(statement) or Money(0)


def proof() -> Proof:
    """Compare all bank accounts with account 1002 of the ledger."""
    zero = queries.zero()
    opening = _fen(select(queries.fen(func.coalesce(func.sum(BankBook.opening), zero))))
    moved = _fen(select(queries.fen(func.coalesce(func.sum(BankLine.amount), zero))))
    on_bank = (
        select(queries.fen(func.coalesce(func.sum(JournalLine.amount), zero)))
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .where(JournalLine.account == ledger.BANK)
    )
    own = on_bank.where(JournalEntry.kind.in_(["bank_line", "bank_opening"]))
    seen = select(BankLine.receipt_id).where(BankLine.receipt_id.is_not(None))
    received = on_bank.where(JournalEntry.kind == "receipt", JournalLine.receipt_id.in_(seen))
    gone = select(literal("refund:") + cast(BankLine.refund_id, String)).where(
        BankLine.refund_id.is_not(None)
    )
    refunded = on_bank.where(JournalEntry.kind == "refund_done", JournalEntry.source.in_(gone))
    booked = _fen(own) + _fen(received) + _fen(refunded)
    whole = _fen(on_bank)
    return Proof(opening + moved, booked, whole - booked, whole)


@dataclass(frozen=True, slots=True)
class Offer:
    """An invoice a line may pay: what is owed, why it is shown, and whether it is chosen beforehand."""

    invoice: Invoice
    owed: Money
    why: str
    chosen: bool

    @property
    def same_money(self) -> bool:
        """Whether the line can pay it as it is: another currency needs a conversion that a person states."""
        return self.invoice.currency == LEDGER_CURRENCY


def _why(verdict: Verdict, invoice: Invoice) -> str:
    if verdict.step == bank_ladder.OTHER_SUM and invoice.state is not InvoiceState.OPEN:
        return _("reference; nothing is owed on it any more")
    return {
        bank_ladder.ALONE: _("reference and sum"),
        bank_ladder.OTHER_SUM: _("reference, another sum"),
        bank_ladder.KNOWN_PAYER: _("payer and sum"),
        bank_ladder.SAME_SUM: _("only the sum is the same"),
    }.get(verdict.step, "")


def verdict_of(line: BankLine) -> Verdict:
    """Return what the ladder says of an open line now."""
    return bank_ladder.ladder_for([line]).decide(line)


def offers(line: BankLine, verdict: Verdict, q: str = "") -> list[Offer]:
    """Return the invoices to choose from: what was searched for, else the ladder's, then others of that payer."""
    if line.receipt is None:
        return []
    if q:
        return [Offer(one.invoice, one.owed, one.why, False) for one in matching.candidates(line.receipt, q)]
    found: dict[int, Offer] = {}
    for number in verdict.invoices:
        row = db.session.get_one(Invoice, number)
        due = owed(row)
        sure = verdict.step in (bank_ladder.ALONE, *bank_ladder.SUGGESTS) and row.currency == LEDGER_CURRENCY
        found[number] = Offer(row, due, _why(verdict, row), sure and bool(due))
    for one in matching.candidates(line.receipt):
        found.setdefault(one.invoice.id, Offer(one.invoice, one.owed, one.why, False))
    for party in {one.party for one in parties(line, verdict)}:
        rows = select(Invoice).where(Invoice.party_id == party.id, Invoice.state == InvoiceState.OPEN)
        for row in db.session.scalars(rows.order_by(Invoice.due_on, Invoice.id).limit(FEW)):
            found.setdefault(row.id, Offer(row, owed(row), _("same payer"), False))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Payer:
    """A party whose money a line may be, and why."""

    party: Party
    why: str


def parties(line: BankLine, verdict: Verdict, q: str = "") -> list[Payer]:
    """Return whose credit the money of a line may become."""
    found: dict[int, Payer] = {}
    if q:
        said = select(Party).outerjoin(Organisation, Organisation.id == Party.org_id).where(
            or_(Party.title.icontains(q, autoescape=True), Organisation.legal_name.icontains(q, autoescape=True))
        )  # fmt: skip
        return [Payer(one, "") for one in db.session.scalars(said.order_by(Party.id).limit(FEW))]
    for number in verdict.invoices:
        party = db.session.get_one(Invoice, number).party
        found.setdefault(party.id, Payer(party, _("payer of the invoice")))
    if line.payer_account:
        known = select(Party).join(PayerAccount, PayerAccount.party_id == Party.id)
        for party in db.session.scalars(known.where(PayerAccount.account == line.payer_account).limit(FEW)):
            found.setdefault(party.id, Payer(party, _("account known")))
    if line.payer:
        for party in db.session.scalars(select(Party).where(Party.title == line.payer).limit(FEW)):
            found.setdefault(party.id, Payer(party, _("same name")))
    return list(found.values())


def last_reason(line: BankLine) -> OutsideReason | None:
    """Return why an earlier line of the same payer, in the same direction, was set outside."""
    if not line.payer:
        return None
    same_way = BankLine.amount > Money(0) if line.amount > Money(0) else BankLine.amount < Money(0)
    earlier = (
        select(OutsideMove.reason)
        .join(BankLine, BankLine.id == OutsideMove.line_id)
        .where(BankLine.state == LineState.OUTSIDE, BankLine.payer == line.payer, same_way)
    )
    return db.session.scalar(earlier.order_by(OutsideMove.id.desc()).limit(1))


def outside_of(line: BankLine) -> OutsideMove | None:
    """Return why a line is outside, if it is."""
    rows = select(OutsideMove).where(OutsideMove.line_id == line.id).order_by(OutsideMove.id.desc())
    return db.session.scalars(rows).first() if line.state is LineState.OUTSIDE else None


def statement_files(account: str) -> list[StatementFile]:
    """Return the files taken for an account, the newest first."""
    rows = select(StatementFile).where(StatementFile.account == account)
    return list(db.session.scalars(rows.order_by(StatementFile.id.desc()).limit(50)))


def overdue_since() -> datetime:
    """Return the moment before which a line waits too long (`bank.chase_after_days`)."""
    return clock.now() - timedelta(days=int(catalogue.policy("bank.chase_after_days")))


def overdue() -> Select[BankLine]:
    """Select the lines of money in whose payer is not found for days, oldest first."""
    return (
        select(BankLine)
        .join(StatementFile, StatementFile.id == BankLine.file_id)
        .where(BankLine.state.in_(OPEN), BankLine.amount > Money(0), StatementFile.at <= overdue_since())
        .order_by(BankLine.id)
    )


def waiting() -> Select[BankLine]:
    """Select every line that is not cleared."""
    return select(BankLine).where(BankLine.state.in_(OPEN))
