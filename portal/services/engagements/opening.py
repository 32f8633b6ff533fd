"""How an engagement comes to be: from an accepted quote, in its transaction; a change adds to one that runs."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from portal.accounts.people import Person
from portal.billing.numbers import next_number
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.events import publish
from portal.core.states import move
from portal.services.engagements import letters
from portal.services.engagements.events import EngagementOpened
from portal.services.engagements.models import Engagement, EngagementState, Milestone
from portal.services.offers import rows
from portal.services.offers.rows import Form
from portal.services.quotes import plan as plans
from portal.services.quotes.events import QuoteAccepted
from portal.services.quotes.models import QuoteFor, ServiceQuote, ServiceQuoteLine
from portal.services.quotes.plan import Criterion, Plan, Stage

E = EngagementState
WHOLE = Plan(
    (
        Stage(
            "whole",
            {"en": "The work", "zh": "全部工作"},
            100,
            (Criterion("done", {"en": "What was ordered is delivered", "zh": "所订内容已交付"}),),
        ),
    )
)


def locked(engagement_id: int) -> Engagement:
    """Take an engagement for a change, and return it as it is now; its milestones are read under the same lock."""
    taken = (
        update(Engagement)
        .where(Engagement.id == engagement_id)
        .values(edition=Engagement.edition + 1)
        .returning(Engagement)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    row = db.session.scalars(taken).first()
    if row is None:
        raise Missing(_l("There is no such project."))
    fresh = select(Milestone).where(Milestone.engagement_id == row.id).order_by(Milestone.n)
    db.session.scalars(fresh.execution_options(populate_existing=True)).all()
    return row


def on_accepted(event: QuoteAccepted) -> None:
    """Open the engagement of what was ordered, or add to the one that a change is about."""
    quote = event.quote
    lines = [line for line in quote.lines if _is_work(line)]
    if not lines:
        return
    if quote.kind is QuoteFor.CHANGE and quote.about.startswith("engagement:"):
        _extend(locked(int(quote.about.partition(":")[2])), quote, lines)
    elif quote.party.org is not None:
        _open(quote, lines)


def _is_work(line: ServiceQuoteLine) -> bool:
    offer = rows.find(line.offer)
    return offer is not None and offer.form is Form.ENGAGEMENT


def _open(quote: ServiceQuote, lines: list[ServiceQuoteLine]) -> None:
    org, year = quote.party.org, clock.today().year
    if org is None:
        raise Refused(_l("Only organisations order projects."))
    row = Engagement(
        number=f"P-{year}-{next_number(f'P-{year}'):04d}", org=org, quote=quote, offer=lines[0].offer, title=quote.title,
        deemed=quote.deemed, warranty_days=max(plans.read(line.plan).warranty_days for line in lines),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    row.lead = quote.by
    _plan(row, lines)
    by: Person | str = quote.accepted_by or "services"
    audit.record("engagement.opened", row, by=by, org_id=row.org_id, number=row.number, about=quote.name)
    publish(EngagementOpened(row))
    letters.opened(row)


def _plan(row: Engagement, lines: list[ServiceQuoteLine]) -> None:
    last = select(func.max(Milestone.n)).where(Milestone.engagement_id == row.id)
    n = int(db.session.scalar(last) or 0)
    for line in lines:
        plan = plans.read(line.plan)
        for stage in (plan if plan.stages else WHOLE).stages:
            n += 1
            made = line.order_line
            assert made is not None
            db.session.add(
                Milestone(
                    engagement=row, order_line=made, n=n, code=stage.code, title=stage.title, percent=stage.percent,
                    criteria=[{"code": one.code, "words": one.words} for one in stage.criteria], days=stage.days,
                    promised_on=stage.on, planned_on=stage.on,
                )
            )  # fmt: skip
    db.session.flush()
    db.session.refresh(row, ["milestones"])


def _extend(row: Engagement, quote: ServiceQuote, lines: list[ServiceQuoteLine]) -> None:
    """Add the milestones of a change; what was accepted and invoiced before stays as it is."""
    if row.state in (E.CLOSED, E.TERMINATED) or row.org_id != quote.party.org_id:
        raise Refused(_l("This project is over: nothing can be added to it."))
    _plan(row, lines)
    if row.state is E.DELIVERED:
        move(row, E.RUNNING)
        row.delivered_on = None
    by: Person | str = quote.accepted_by or "services"
    audit.record("engagement.extended", row, by=by, org_id=row.org_id, about=quote.name, gross=quote.gross)
