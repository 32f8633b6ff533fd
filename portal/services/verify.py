"""What always holds of quotes, contracts and projects, checked on the stored rows by `portal verify`."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select

from portal.billing import earning, recognition
from portal.billing.models import Instalment, InvoiceLine
from portal.core.db import db
from portal.core.money import half_up
from portal.members.belonging import AgreementState
from portal.services.contracts import verbs as contracts
from portal.services.contracts.models import ServiceContract
from portal.services.engagements import delivering
from portal.services.engagements.models import DONE, Engagement, EngagementState, Milestone
from portal.services.engagements.terminating import lines_of
from portal.services.engagements.work_models import Outcome, WorkSubmission
from portal.services.quotes import drafting
from portal.services.quotes.models import BEFORE, Q, ServiceQuote


def verify_quotes() -> tuple[int, list[str]]:
    """Return how many versions were looked at and a sentence for each fault (V1, V2)."""
    rows = list(db.session.scalars(select(ServiceQuote).order_by(ServiceQuote.id)))
    accepted: dict[str, int] = defaultdict(int)
    found: list[str] = []
    for row in rows:
        accepted[row.number] += row.state is Q.ACCEPTED
        found += _faults(row)
    found += [f"{number}: more than one version is accepted" for number, n in accepted.items() if n > 1]
    return len(rows), found


def _faults(row: ServiceQuote) -> list[str]:
    found = []
    if sum(line.gross.minor for line in row.lines) != row.gross.minor:
        found.append(f"{row.subject}: its lines do not make its sum")
    if row.state not in BEFORE and row.digest and drafting.digest_of(row) != row.digest:
        found.append(f"{row.subject}: what it says is not what was sent")
    if row.state is Q.ACCEPTED:
        found += _ordered(row)
    return found


def _ordered(row: ServiceQuote) -> list[str]:
    """Compare an accepted version with its order, its invoices and its contract, to the fen."""
    if row.order is None or row.order.ordered_subject != row.subject:
        return [f"{row.subject}: it is accepted and has no order of its own"]
    found = []
    for line in row.lines:
        made = line.order_line
        if made is None or made.order_id != row.order_id:
            found.append(f"{row.subject}: line {line.n} is not ordered")
            continue
        untaxed = made.tax_bp == line.tax_bp and not _retaxed(made.id)
        if untaxed and (made.gross, made.net, made.tax) != (line.gross, line.net, line.tax):
            found.append(f"{row.subject}: line {line.n} was ordered at other figures")
        parts = db.session.scalars(select(Instalment).where(Instalment.order_line_id == made.id)).all()
        if sum(part.net.minor for part in parts) != made.net.minor:
            found.append(f"{row.subject}: the parts of line {line.n} do not make it")
    for contract in db.session.scalars(select(ServiceContract).where(ServiceContract.quote_id == row.id)):
        if (contract.gross, contract.net, contract.tax) != (row.gross, row.net, row.tax):
            found.append(f"{contract.subject}: its figures are not those of its quote")
    return found


def _retaxed(line_id: int) -> bool:
    """Whether a part of a line was invoiced at another rate than it was agreed at: then the line follows."""
    rates = db.session.scalars(select(InvoiceLine.tax_bp).where(InvoiceLine.order_line_id == line_id)).all()
    return len(set(rates)) > 1


def verify_engagements() -> tuple[int, list[str]]:
    """Return how many engagements were looked at and a sentence for each fault (V2, V3)."""
    rows = list(db.session.scalars(select(Engagement).order_by(Engagement.id)))
    return len(rows), [fault for row in rows for fault in _work(row)] + _decisions()


def _work(row: Engagement) -> list[str]:
    found = []
    begun = row.started_on is not None or any(one.state.value != "planned" for one in row.milestones)
    if begun and not contracts.signed(row.quote) and not _once_signed(row):
        found.append(f"{row.subject}: work began without a contract")
    for line in lines_of(row):
        own = [one for one in row.milestones if one.order_line_id == line.id]
        if sum(one.percent for one in own) != 100:
            found.append(f"{row.subject}: the milestones of a line do not make 100 %")
        percent = delivering.accepted_percent(line, row)
        if line.recognition == earning.MILESTONE and row.state is not EngagementState.TERMINATED:
            earned = sum(one.amount.minor for one in recognition.plan_of(line))
            if earned != half_up(earning.worth(line) * percent, 100):
                found.append(f"{row.subject}: a line earned something else than its accepted share")
    return found


def _once_signed(row: Engagement) -> bool:
    return any(
        one.state in (AgreementState.TERMINATED, AgreementState.SUPERSEDED)
        for one in db.session.scalars(select(ServiceContract).where(ServiceContract.quote_id == row.quote_id))
    )


def _decisions() -> list[str]:
    """Check that each accepted milestone has one submission that was taken, and no other."""
    taken: dict[int, int] = defaultdict(int)
    for one in db.session.scalars(select(WorkSubmission).order_by(WorkSubmission.id)):
        taken[one.milestone_id] += one.outcome in (Outcome.ACCEPTED, Outcome.DEEMED)
    return [
        f"{row.subject}: its acceptance is not on record once"
        for row in db.session.scalars(select(Milestone).order_by(Milestone.id))
        if taken[row.id] != (row.state in DONE)
    ]
