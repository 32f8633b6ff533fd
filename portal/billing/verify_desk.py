"""What must be true of fapiao and reminders, as sentences about what breaks it: each names the row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from sqlalchemy import func, select

from portal.billing import fapiao
from portal.billing.dunning_models import DunningDecision, DunningNotice, NoticeState
from portal.billing.fapiao_models import Fapiao, FapiaoPart, FapiaoState
from portal.billing.ladder import PROPOSALS
from portal.billing.models import Invoice, InvoiceState
from portal.core.db import db
from portal.core.money import Money

F = FapiaoState


def _sums() -> list[str]:
    """A fapiao is the sum of its parts, which are of its own payer's invoices."""
    statement = (
        select(Fapiao.id, Fapiao.amount, func.coalesce(func.sum(FapiaoPart.amount), 0))
        .outerjoin(FapiaoPart, FapiaoPart.fapiao_id == Fapiao.id)
        .group_by(Fapiao.id, Fapiao.amount)
    )
    found = []
    for number, amount, parts in db.session.execute(statement):
        total = parts.minor if isinstance(parts, Money) else int(parts)
        if amount.minor != total:
            found.append(f"fapiao: {number} is over {amount.minor} fen, its parts make {total}")
    foreign = (
        select(FapiaoPart.fapiao_id, Invoice.number)
        .join(Invoice, Invoice.id == FapiaoPart.invoice_id)
        .join(Fapiao, Fapiao.id == FapiaoPart.fapiao_id)
        .where(Invoice.party_id != Fapiao.party_id)
    )
    found += [
        f"fapiao: {number} names {of}, which is another payer's" for number, of in db.session.execute(foreign)
    ]
    return found


def _limits() -> list[str]:
    """No invoice has fapiaos over more than it stands for; those that wait for a red letter are known to be too much."""
    live = (
        select(FapiaoPart.invoice_id).join(Fapiao).where(Fapiao.state.in_([F.REQUESTED, F.ISSUED])).distinct()
    )
    found = []
    for invoice in db.session.scalars(select(Invoice).where(Invoice.id.in_(live)).order_by(Invoice.id)):
        asked, most = fapiao.taken(invoice, F.REQUESTED, F.ISSUED), fapiao.worth(invoice)
        if asked > most:
            found.append(
                f"fapiao: {invoice.number} stands for {most.minor} fen and has fapiaos over {asked.minor}"
            )
        if invoice.state in {InvoiceState.VOID, InvoiceState.DRAFT} or not invoice.gross:
            found.append(
                f"fapiao: {invoice.number} is {invoice.state} over {invoice.gross.minor} fen and has one"
            )
    return found


def _recorded() -> list[str]:
    """What is issued has a number and a day, what is not has none; the same with red letters."""
    found = []
    for row in db.session.execute(select(Fapiao.id, Fapiao.state, Fapiao.number, Fapiao.red_number)):
        if (row.number is not None) != (row.state in {F.ISSUED, F.RED_REQUESTED, F.RED_ISSUED}):
            found.append(f"fapiao: {row.id} is {row.state} and has the number {row.number}")
        if (row.red_number is not None) != (row.state is F.RED_ISSUED):
            found.append(f"fapiao: {row.id} is {row.state} and has the red letter {row.red_number}")
    return found


def _reminders() -> list[str]:
    """Steps were reached in their order; what was mailed says over what; each proposal has its decision."""
    found: list[str] = []
    last: dict[int, tuple[int, object]] = defaultdict(lambda: (-1, None))
    decided = set(db.session.scalars(select(DunningDecision.notice_id)))
    rows = select(DunningNotice).order_by(DunningNotice.invoice_id, DunningNotice.id)
    for row in db.session.scalars(rows):
        place, _day = last[row.invoice_id]
        if row.place <= place:
            found.append(f"reminders: notice {row.id} of {row.invoice.number} came out of order")
        last[row.invoice_id] = (row.place, row.reached_on)
        if (row.state is NoticeState.SENT) != (row.sent_at is not None and row.balance is not None):
            found.append(f"reminders: notice {row.id} is {row.state} and was sent at {row.sent_at}")
        if row.action in PROPOSALS and row.state is not NoticeState.SKIPPED and row.id not in decided:
            found.append(f"reminders: notice {row.id} proposes something nobody can decide")
    return found


CHECKS: tuple[Callable[[], list[str]], ...] = (_sums, _limits, _recorded, _reminders)
