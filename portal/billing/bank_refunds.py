"""Money that left the bank: posted at once, matched to refunds by reference or by hand; payouts found by sum and day."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing import ledger, refunds
from portal.billing.bank_files import digits
from portal.billing.bank_models import BankLine, LineState, OutsideMove
from portal.billing.ledger import Line
from portal.billing.money_models import JournalEntry, JournalLine, Receipt, Refund, RefundState, Way
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.states import move

NEAR = timedelta(days=7)
SYSTEM = "bank statement"


def waiting(line: BankLine) -> list[Refund]:
    """Return the refunds by transfer of this very sum that no line has brought yet, oldest first."""
    taken = select(BankLine.refund_id).where(BankLine.refund_id.is_not(None))
    return list(
        db.session.scalars(
            select(Refund)
            .join(Receipt, Receipt.id == Refund.receipt_id)
            .where(
                Receipt.way == Way.BANK,
                Refund.amount == -line.amount,
                Refund.state.in_([RefundState.SENDING, RefundState.SUCCEEDED]),
                Refund.id.not_in(taken),
            )
            .order_by(Refund.id)
        )
    )


def named(line: BankLine) -> Refund | None:
    """Return the refund whose bank reference the line carries, if there is exactly one."""
    said = digits(f"{line.bank_ref} {line.text}")
    found = [
        one for one in waiting(line) if len(digits(one.outcome_ref)) > 3 and digits(one.outcome_ref) in said
    ]
    return found[0] if len(found) == 1 else None


def post_out(line: BankLine, *, by: Person | str) -> None:
    """Book a line of money out: as the refund it names, else as money to be found."""
    _post(line, line.amount)
    refund = named(line)
    if refund is not None:
        line.step = 1
        _link(line, refund)


def _post(line: BankLine, amount: Money) -> None:
    n = ledger.next_n("bank_line", line.subject)
    sides = [Line(ledger.BANK, amount), Line(ledger.UNIDENTIFIED, -amount)]
    ledger.post("bank_line", line.subject, sides, on=line.booked_on, n=n)


def _link(line: BankLine, refund: Refund) -> None:
    """Let the refund stand for the line: what was booked for the line is taken back, the refund books it once."""
    _post(line, -line.amount)
    if refund.state is RefundState.SENDING:
        refunds.finish_refund(refund, good=True, by=SYSTEM)
        line.ended_refund = True
    line.refund = refund
    move(line, LineState.MATCHED)
    line.cleared_by, line.cleared_at = SYSTEM, clock.now()
    db.session.flush()


def match_refund(line: BankLine, refund: Refund, *, by: Person) -> None:
    """Say that a line of money out is this refund: a transfer under way has arrived by that."""
    if refund.id not in {one.id for one in waiting(line)}:
        raise Refused(_l("This refund is of another sum, or another line brought it."))
    if refund.state is RefundState.SENDING and refund.by_id == by.id:
        raise Refused(
            _l("You asked for this refund yourself: a second person of finance sends it."), status=403
        )
    _link(line, refund)
    line.cleared_by = by.name[:120]
    audit.record("bank.matched", line, by=by, amount=line.amount, payer=refund.payee)


def unlink(line: BankLine) -> None:
    """Part a line from a refund again; one that this line ended has truly left."""
    if line.ended_refund:
        raise Refused(_l("This line is the proof that the refund left: it cannot be undone."))
    line.refund = None
    _post(line, line.amount)


def payout_of(line: BankLine) -> str:
    """Return the booked payout a line of money in is: same sum, near day, not brought by another line; or nothing."""
    held = (
        select(OutsideMove.payout)
        .group_by(OutsideMove.payout)
        .having(func.sum(OutsideMove.amount) != Money(0))
    )
    rows = select(JournalEntry.source).join(JournalLine, JournalLine.entry_id == JournalEntry.id).where(
        JournalEntry.kind == "payout", JournalLine.account == ledger.BANK, JournalLine.amount == line.amount,
        JournalEntry.posted_on.between(line.booked_on - NEAR, line.booked_on + NEAR),
        JournalEntry.source.not_in(held.where(OutsideMove.payout != "")),
    )  # fmt: skip
    return db.session.scalar(rows.order_by(JournalEntry.id).limit(1)) or ""
