"""Agreeing on a statement: sent with its figures, disputed and answered, confirmed or deemed so, invoiced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import earning
from portal.billing.issuing import issue_invoice, party_of, place_order
from portal.billing.models import Order
from portal.billing.pricing import PriceModel, Terms
from portal.billing.selling import Item
from portal.core import audit, catalogue, clock, outbox, workdays
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.states import move
from portal.services import people
from portal.services.statements import figures, letters, reporting, sellers
from portal.services.statements.figures import Share
from portal.services.statements.kinds import AGREED, StatementState
from portal.services.statements.models import ComputeDispute, ComputeShare, ComputeStatement

S = StatementState
NONE = Money(0)


def shares(statement: ComputeStatement) -> list[ComputeShare]:
    """Return what the last sending of a statement says, the newest month first."""
    rows = select(ComputeShare).where(
        ComputeShare.statement_id == statement.id, ComputeShare.sending == statement.sending
    )
    return list(db.session.scalars(rows.order_by(ComputeShare.month.desc())))


def agreed(statement: ComputeStatement) -> list[ComputeShare]:
    """Return what the other statements of the seller that are agreed say of any month, the oldest first."""
    rows = (
        select(ComputeShare)
        .join(ComputeStatement, ComputeShare.statement_id == ComputeStatement.id)
        .where(
            ComputeStatement.seller_id == statement.seller_id,
            ComputeStatement.id != statement.id,
            ComputeStatement.state.in_(AGREED),
            ComputeShare.sending == ComputeStatement.sending,
        )
        .order_by(ComputeShare.id)
    )
    return list(db.session.scalars(rows))


def computed(statement: ComputeStatement) -> list[Share]:
    """Return what the lines of the last report make, by month, at the rate each month had from the first."""
    told = [(one.month, one.amount.minor) for one in reporting.lines(statement)]
    before: dict[date, int] = {}
    known: dict[date, int] = {}
    for one in agreed(statement):
        before[one.month] = before.get(one.month, 0) + one.base.minor
        known.setdefault(one.month, one.bp)
    bp = {
        month: known.get(month) or sellers.rate_of(statement.seller, month)
        for month in {month for month, _fen in told}
    }
    return figures.shares(told, before, bp)


def below(statement: ComputeStatement) -> list[ComputeStatement]:
    """Return the agreed statements of the seller whose sum below zero a later one has to take in."""
    rows = select(ComputeStatement).where(
        ComputeStatement.seller_id == statement.seller_id,
        ComputeStatement.id != statement.id,
        ComputeStatement.state == S.CONFIRMED,
        (ComputeStatement.into_id.is_(None)) | (ComputeStatement.into_id == statement.id),
    )
    return [one for one in db.session.scalars(rows.order_by(ComputeStatement.month)) if one.net < NONE]


def sums(statement: ComputeStatement, told: Sequence[Share]) -> tuple[Money, Money, Money, Money]:
    """Return turnover, commission, what is carried in, and tax on the sum, as they stand today."""
    base = Money(sum(one.base for one in told))
    commission = Money(sum(one.commission for one in told))
    carried = sum((one.net for one in below(statement)), NONE)
    due = commission + carried
    tax = sellers.price(statement.seller).tax.on(due.minor).tax if due > NONE else 0
    return base, commission, carried, Money(tax)


def send(statement: ComputeStatement, *, by: Person, answer: str = "") -> ComputeStatement:
    """Send a statement with its figures; one in dispute with an answer. Silence for some working days confirms it."""
    row = reporting.locked(statement)
    reporting.refuse_wrong_months(row, [reporting.told_of(one) for one in reporting.lines(row)])
    dispute = open_dispute(row)
    if row.state is S.DISPUTED and dispute is not None:
        if not answer.strip():
            raise Refused(_l("Please answer what the seller said."), field="answer", status=422)
        dispute.answer, dispute.answered_at = answer.strip(), clock.now()
    taken, told = below(row), computed(row)
    base, commission, carried, tax = sums(row, told)
    move(row, S.SENT)
    row.sending += 1
    row.base, row.commission, row.carried, row.tax = base, commission, carried, tax
    days = int(catalogue.policy("compute.deemed_days"))
    row.sent_at, row.deemed_after = clock.now(), workdays.after(clock.today(), days)
    for one in taken:
        one.into = row
    for share in told:
        db.session.add(
            ComputeShare(
                statement=row, sending=row.sending, month=share.month, base=Money(share.base),
                before=Money(share.before), bp=share.bp, commission=Money(share.commission),
            )
        )  # fmt: skip
    db.session.flush()
    audit.record(
        "compute.sent", row, by=by, org_id=row.seller.org_id, base=base, commission=commission, tax=tax,
        sending=row.sending, **({"answer": answer.strip()[:300]} if answer.strip() else {}),
    )  # fmt: skip
    outbox.queue(
        "compute_paper", f"compute_paper:{row.uid}:{row.sending}", {"uid": row.uid, "sending": row.sending}
    )
    letters.sent(row, answer.strip())
    return row


def open_dispute(statement: ComputeStatement) -> ComputeDispute | None:
    """Return what the seller said against the last sending and nobody answered."""
    return db.session.scalars(
        select(ComputeDispute).where(
            ComputeDispute.statement_id == statement.id, ComputeDispute.answered_at.is_(None)
        )
    ).first()


def disputes(statement: ComputeStatement) -> list[ComputeDispute]:
    """Return everything that was said against a statement, the oldest first."""
    rows = select(ComputeDispute).where(ComputeDispute.statement_id == statement.id)
    return list(db.session.scalars(rows.order_by(ComputeDispute.sending)))


def dispute(statement: ComputeStatement, *, by: Person, words: str) -> ComputeDispute:
    """Say what is wrong with a statement; nothing is deemed confirmed until finance has answered."""
    row = reporting.locked(statement)
    move(row, S.DISPUTED)
    row.deemed_after = None
    made = ComputeDispute(statement=row, sending=row.sending, words=words.strip(), by=by)
    db.session.add(made)
    db.session.flush()
    audit.record("compute.disputed", row, by=by, org_id=row.seller.org_id, words=words.strip()[:300])
    letters.disputed(row, made)
    return made


def confirm(statement: ComputeStatement, *, by: Person, sending: int) -> None:
    """Confirm the figures that were seen: those of one sending and no other."""
    row = reporting.locked(statement)
    if row.state is S.SENT and row.sending != sending:
        raise Refused(_l("Finance has sent other figures meanwhile. Please look at them first."))
    _agree(row, by=by)


def deem(statement: ComputeStatement, *, by: str) -> bool:
    """Count a statement as confirmed once its working days of silence are over; False if they are not."""
    row = reporting.locked(statement)
    if row.state is not S.SENT or row.deemed_after is None or clock.today() <= row.deemed_after:
        return False
    row.deemed = True
    _agree(row, by=by)
    letters.deemed(row)
    return True


def _agree(row: ComputeStatement, *, by: Person | str) -> None:
    row.confirmed_at = clock.now()
    move(row, S.CONFIRMED)
    _close_untold(row, by=by)
    row.order = order_of(row)
    db.session.flush()
    audit.record(
        "compute.confirmed", row, by=by, org_id=row.seller.org_id, sending=row.sending, gross=row.gross,
        deemed=row.deemed,
    )  # fmt: skip
    letters.to_invoice(row)


def _close_untold(row: ComputeStatement, *, by: Person | str) -> None:
    """Close the statements of months that were told only here: nothing of their own, invoiced with this one."""
    for month in {one.month for one in shares(row)} - {row.month}:
        late = reporting.of(row.seller, month)
        if late is None or late.state is not S.EXPECTED:
            continue
        for state in (S.DRAFT, S.SENT, S.CONFIRMED):
            if state is S.CONFIRMED:
                late.confirmed_at = clock.now()
            move(late, state)
        late.into, late.deemed = row, row.deemed
        audit.record("compute.told_late", late, by=by, org_id=row.seller.org_id, into=row.number)


def order_of(row: ComputeStatement) -> Order | None:
    """Order an agreed statement's commission, and earn it month by month; None while its sum is below zero.

    The published share is ordered at the sum both sides agreed to. What each month adds is earned in its own month of
    service, whatever statement told it; a statement below zero waits, with what it earns less, for the one that takes it in.
    """
    if row.net < NONE:
        return None
    facts = [(one, share) for one in [row, *_taken(row)] for share in shares(one)]
    if not facts:
        return None
    price = replace(sellers.price(row.seller), model=PriceModel.QUOTED, terms=Terms(), inclusive=False)
    words = {tongue: f"{said} {row.month:%Y-%m}" for tongue, said in price.words.items()}
    order = place_order(
        party_of(row.seller.org), row.subject, [Item(price, quote=row.net.minor, words=words)]
    )
    line = db.session.get_one(Order, order.id).lines[0]
    if line.tax != row.tax:
        raise Refused(_l("The tax has changed since this statement was sent: finance sends it anew."))
    for one, share in facts:
        base, bp = share.base.minor, share.bp
        if (
            figures.commission(base, bp) != share.commission.minor
        ):  # a correction closes the gap to the true sum
            base, bp = share.commission.minor, figures.WHOLE_BP
        earning.rate_usage(line, base, bp, month=share.month, fact=f"{one.uid}:{share.month:%Y-%m}")
    return order


def _taken(row: ComputeStatement) -> list[ComputeStatement]:
    """Return the statements below zero that this one takes in, and those that they took in before, the oldest first."""
    rows = select(ComputeStatement).where(ComputeStatement.into_id == row.id, ComputeStatement.sending > 0)
    found: list[ComputeStatement] = []
    for one in db.session.scalars(rows.order_by(ComputeStatement.month)):
        found += [*_taken(one), one]
    return found


def why_no_invoice(row: ComputeStatement) -> object | None:
    """Return in words why a statement cannot be invoiced; None if it can."""
    if row.state is not S.CONFIRMED:
        return _l("A statement is invoiced once it is confirmed.")
    if row.into is not None:
        return _l("This statement is invoiced with %(number)s.", number=row.into.number)
    if row.net < NONE:
        return _l("Its sum is below zero: the next statement takes it in.")
    return None


def invoice(statement: ComputeStatement, *, by: Person) -> None:
    """Issue the invoice of a confirmed statement; over nothing it is closed without one."""
    row = reporting.locked(statement)
    if why := why_no_invoice(row):
        raise Refused(str(why))
    if row.order is not None and row.net > NONE:
        row.invoice = issue_invoice(row.order, language=people.language_of(row.seller.org), by=by)
    _closed(row, by=by)


def _closed(row: ComputeStatement, *, by: Person) -> None:
    """Close a statement and all that went into it."""
    move(row, S.INVOICED)
    number = row.invoice.number if row.invoice is not None else ""
    audit.record("compute.invoiced", row, by=by, org_id=row.seller.org_id, number=number)
    for one in db.session.scalars(select(ComputeStatement).where(ComputeStatement.into_id == row.id)).all():
        one.invoice = row.invoice
        _closed(one, by=by)
    db.session.flush()
