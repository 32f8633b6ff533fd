"""Clearing lines of the bank: matched to invoices, kept as credit, set outside with a reason, and all that undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import bank_refunds, identifying, ledger, settling
from portal.billing.bank_files import Entry, plain
from portal.billing.bank_ladder import ALONE, OTHER_SUM, SUGGESTS, Verdict, ladder_for
from portal.billing.bank_models import BankLine, LineState, OutsideMove, PayerAccount
from portal.billing.events import ReceiptUnapplied
from portal.billing.ledger import Line
from portal.billing.models import Invoice, Party
from portal.billing.money_models import Allocation, EntryState, Receipt, ReceiptEntry, Way
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.money import Money
from portal.core.states import move

L = LineState
SYSTEM = "bank statement"
NONE = Money(0)


def receipt_of(account: str, entry: Entry, fingerprint: str, *, by: Person | str) -> Receipt:
    """Return the receipt of a line of money in: the one written down by hand for it, else a new one."""
    ref = plain(entry.bank_ref)
    if ref:
        taken = select(BankLine.receipt_id).where(BankLine.receipt_id.is_not(None))
        by_hand = select(Receipt).where(
            Receipt.provider == "bank", Receipt.provider_ref == ref, Receipt.id.not_in(taken)
        )
        known = db.session.scalars(by_hand).first()
        if known is not None and known.amount == entry.amount:
            return known
        _drop_entry(ref, entry.amount)
    receipt, _new = settling.record_receipt(
        Way.BANK, f"bank:{account}"[:40], fingerprint, entry.amount, min(entry.value_on, clock.today()),
        payer=plain(entry.payer)[:200], party=None, by=str(getattr(by, "name", by))[:120],
    )  # fmt: skip
    return receipt


def _drop_entry(ref: str, amount: Money) -> None:
    """Close a transfer written down by hand that nobody confirmed: the statement itself has brought it."""
    same = select(ReceiptEntry).where(
        ReceiptEntry.bank_ref == ref, ReceiptEntry.state == EntryState.PROPOSED, ReceiptEntry.amount == amount
    )
    for row in db.session.scalars(same):
        move(row, EntryState.DECLINED)
        row.reason = str(_l("The bank statement has brought this transfer."))
        audit.record("receipt.declined", row, by=SYSTEM, reason=row.reason)


def climb(lines: Sequence[BankLine], *, by: Person | str) -> Counter[int]:
    """Let new lines climb the ladder; what needs no person is matched. Returns lines by step (0: money out)."""
    counts: Counter[int] = Counter()
    ladder, certain = ladder_for(lines), list[tuple[BankLine, Verdict]]()
    for line in lines:
        if line.amount < NONE:
            bank_refunds.post_out(line, by=by)
            counts[0] += 1
            continue
        if line.receipt is not None and line.receipt.party is not None:  # written down by hand, and known
            _cleared(line, by)
            counts[ALONE] += 1
            continue
        verdict = ladder.decide(line)
        line.step = verdict.step
        counts[verdict.step] += 1
        if verdict.step == ALONE:
            ladder.paid(verdict.invoices)
            certain.append((line, verdict))
        elif verdict.step in SUGGESTS:
            move(line, L.SUGGESTED)
        if verdict.step != ALONE and line.receipt is not None:
            publish(ReceiptUnapplied(line.receipt))
    for line, verdict in sorted(
        certain, key=lambda pair: pair[1].invoices
    ):  # invoices are locked in their order
        _alone(line, verdict)
    db.session.flush()
    return counts


def _alone(line: BankLine, verdict: Verdict) -> None:
    assert line.receipt is not None
    put = [
        settling.put_on(line.receipt, db.session.get_one(Invoice, one), by=SYSTEM) for one in verdict.invoices
    ]
    if any(put):
        _cleared(line, SYSTEM)
    else:  # paid meanwhile by another way
        line.step = OTHER_SUM
        move(line, L.SUGGESTED)


def _cleared(line: BankLine, by: Person | str, to: LineState = L.MATCHED) -> None:
    if to is L.OUTSIDE and line.state is L.SUGGESTED:
        move(line, L.NEW)
    move(line, to)
    line.cleared_by, line.cleared_at = str(getattr(by, "name", by))[:120], clock.now()


def locked(line_id: int) -> BankLine:
    """Return a line under its lock, fresh from the database."""
    return db.session.scalars(
        select(BankLine)
        .where(BankLine.id == line_id)
        .with_for_update(of=BankLine)
        .execution_options(populate_existing=True)
    ).one()


def _open(line_id: int) -> tuple[BankLine, Receipt]:
    """Return an open line of money in with its receipt, for a person who clears it."""
    row = locked(line_id)
    if row.state not in (L.NEW, L.SUGGESTED):
        raise Refused(_l("This line is cleared already. Undo that first."))
    if row.receipt is None:
        raise Refused(_l("Money that went out pays no invoice."))
    return row, row.receipt


def open_out(line: BankLine) -> BankLine:
    """Return an open line of money out under its lock, for a person who clears it."""
    row = locked(line.id)
    if row.state is not L.NEW:
        raise Refused(_l("This line is cleared already. Undo that first."))
    if row.receipt is not None:
        raise Refused(_l("Money that came in is no refund."))
    return row


def match(line: BankLine, invoices: Iterable[Invoice], *, by: Person) -> Money:
    """Put a line's money on one or several invoices of one payer, the oldest first; what is left is his credit.

    Teaches the payer's account. Returns what was put on them; `Refused` if that is nothing.
    """
    row, receipt = _open(line.id)
    chosen = sorted(invoices, key=lambda one: one.id)
    if not chosen:
        raise Refused(_l("Please choose an invoice."), status=422)
    if len({one.party_id for one in chosen}) > 1:
        raise Refused(
            _l("These invoices are of different payers: match one of them, and move the rest as credit.")
        )
    put = sum((settling.put_on(receipt, one, by=by) for one in chosen), NONE)
    if not put:
        raise Refused(_l("Nothing is left to pay on these invoices. Keep the money as credit instead."))
    _cleared(row, by)
    _learn(row, chosen[0].party)
    numbers = ", ".join(str(one.number) for one in chosen)
    audit.record("bank.matched", row, by=by, org_id=chosen[0].party.org_id, amount=row.amount, number=numbers)
    return put


def keep(line: BankLine, party: Party, *, by: Person) -> None:
    """Say whose money a line is, without an invoice: it is that payer's credit."""
    row, receipt = _open(line.id)
    identifying.identify(receipt, party)
    _cleared(row, by)
    _learn(row, party)
    audit.record(
        "bank.matched", row, by=by, org_id=party.org_id, amount=row.amount, payer=party.title or party.name
    )


def clear_after(receipt: Receipt, *, by: Person) -> None:
    """Clear the line whose money a person has put on an invoice elsewhere; nothing where no line waits with it."""
    waits = select(BankLine.id).where(
        BankLine.receipt_id == receipt.id, BankLine.state.in_((L.NEW, L.SUGGESTED))
    )
    line = db.session.scalar(waits)
    if line is not None and receipt.party is not None:
        row = locked(line)
        _cleared(row, by)
        _learn(row, receipt.party)
        audit.record("bank.matched", row, by=by, org_id=receipt.party.org_id, amount=row.amount)


def _learn(row: BankLine, party: Party) -> None:
    if not row.payer_account:
        return
    same = (PayerAccount.account == row.payer_account) & (PayerAccount.party_id == party.id)
    if db.session.scalars(select(PayerAccount).where(same)).first() is None:
        db.session.add(PayerAccount(account=row.payer_account, party=party, line=row))
        db.session.flush()


def undo(line: BankLine, *, by: Person, reason: str = "") -> None:
    """Take a clearing back: line, allocations and lesson are as before; nobody knows the money again."""
    row = locked(line.id)
    if row.state is L.OUTSIDE:
        _back_inside(row, by)
    elif row.refund is not None:
        bank_refunds.unlink(row)
    elif row.receipt is not None:
        _unmatch(row, row.receipt, by, reason or str(_l("The match was undone.")))
    move(row, L.NEW)
    row.step, row.cleared_by, row.cleared_at = 5, "", None
    audit.record("bank.undone", row, by=by, amount=row.amount, reason=reason)


def _unmatch(row: BankLine, receipt: Receipt, by: Person, reason: str) -> None:
    for lesson in db.session.scalars(select(PayerAccount).where(PayerAccount.line_id == row.id)):
        db.session.delete(lesson)
    mine = select(Allocation).where(Allocation.receipt_id == receipt.id).order_by(Allocation.id)
    found = list(db.session.scalars(mine))
    left: Counter[int] = Counter()
    for one in found:
        left[one.invoice_id] += one.amount.minor
    for one in reversed(found):
        if one.amount > NONE and left[one.invoice_id] >= one.amount.minor:
            left[one.invoice_id] -= one.amount.minor
            settling.release(one, by=by, reason=reason)
    db.session.flush()
    if settling.credit_of(receipt) != receipt.amount:
        raise Refused(_l("Part of this money was refunded or taken back: the line stays as it is."))
    identifying.unidentify(receipt)


def set_outside(line: BankLine, move_: OutsideMove, *, by: Person) -> None:
    """Set a line outside the portal for a reason: its money leaves what is to be found."""
    row = locked(line.id)
    if row.state not in (L.NEW, L.SUGGESTED):
        raise Refused(_l("This line is cleared already. Undo that first."))
    if row.receipt is not None and settling.credit_of(row.receipt) != row.receipt.amount:
        raise Refused(_l("Part of this money is used already: undo that first."))
    _cleared(row, by, L.OUTSIDE)
    move_.line, move_.receipt_id, move_.amount = row, row.receipt_id, row.amount
    db.session.add(move_)
    _post_outside(row, move_, row.amount)
    audit.record("bank.outside", row, by=by, amount=row.amount, why=str(move_.reason), reason=move_.note)


def _back_inside(row: BankLine, by: Person) -> None:
    last = db.session.scalars(
        select(OutsideMove).where(OutsideMove.line_id == row.id).order_by(OutsideMove.id.desc())
    ).first()
    if last is None or last.amount != row.amount:
        raise Refused(_l("This line is not outside."))
    back = OutsideMove(
        line=row, receipt_id=row.receipt_id, amount=-last.amount, reason=last.reason, note=last.note,
        by_name=by.name, payout=last.payout,
    )  # fmt: skip
    db.session.add(back)
    _post_outside(row, back, -last.amount)


def _post_outside(row: BankLine, move_: OutsideMove, amount: Money) -> None:
    """Book what leaves the unidentified money; a payout was booked already when the provider told of it."""
    db.session.flush()
    target = ledger.BANK if move_.payout else ledger.OUTSIDE
    sides = [Line(ledger.UNIDENTIFIED, amount, receipt=row.receipt), Line(target, -amount)]
    ledger.post("bank_outside", move_.subject, sides, on=clock.today())
