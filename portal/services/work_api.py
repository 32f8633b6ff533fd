"""Operations about orders and projects, with the verbs of the pages."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from flask import url_for
from flask_babel import lazy_gettext as _l
from pydantic import Field

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.scopes import Scope
from portal.billing.issuing import party_of
from portal.core import cursors, i18n
from portal.core.api import (
    TOKEN_PROBLEMS,
    WHOLE,
    WRITE_PROBLEMS,
    Answer,
    Body,
    Clean,
    OneRow,
    Paged,
    Uid,
    responses,
    told,
)
from portal.core.catalogue import in_words
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.idempotency import WriteHeaders, once
from portal.services.api import TOKEN, ServiceQuoteAnswer, Word, order_named, quote_answer, services_api
from portal.services.engagements import delivering, seen, showing
from portal.services.engagements.models import Engagement, EngagementState, Health, MilestoneState
from portal.services.quotes import buying
from portal.services.quotes.figures import Ask


class NewOrder(Body):
    """An offer with a fixed price; `gross` is the sum in fen that was seen, and nothing else is ordered."""

    organisation: Uid | None = None
    offer: Annotated[str, Field(min_length=1, max_length=60), Clean]
    quantity: Annotated[int, Field(ge=1, le=100_000), WHOLE] = 1
    gross: Annotated[int, Field(ge=0, le=10**13), WHOLE]
    once: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{8,60}$")]
    purchase_order: Annotated[str, Field(max_length=60), Clean] = ""


class CriterionAnswer(Answer):
    """What must hold for a milestone to be accepted; findings are given by its code."""

    code: str
    words: str


class MilestoneAnswer(Answer):
    """A milestone of a project."""

    id: Uid
    number: int
    title: str
    percent: int
    planned_on: date | None
    state: MilestoneState
    accepted_on: date | None
    criteria: list[CriterionAnswer]


class EngagementAnswer(Answer):
    """A project as both sides see it; `percent` is what is accepted, weighed by worth."""

    id: Uid
    number: str
    title: str
    state: EngagementState
    health: Health
    health_words: str
    percent: int
    next_day: date | None
    milestones: list[MilestoneAnswer]


class Engagements(Answer):
    """A part of the list, the newest first."""

    items: list[EngagementAnswer]
    next: str | None


class Finding(Body):
    """What is missing of one criterion."""

    criterion: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    words: Word


class Findings(Body):
    """What is missing, criterion by criterion."""

    findings: Annotated[list[Finding], Field(min_length=1, max_length=50)]


class OneMilestone(OneRow):
    """A milestone of a project."""

    milestone: Uid


@services_api.post(
    "/orders", operation_id="place_order", summary=str(_l("Order an offer with a fixed price")),
    responses=responses(*WRITE_PROBLEMS, created=ServiceQuoteAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_WRITE)
@once
def place_order(body: NewOrder, header: WriteHeaders) -> Any:
    """Drafted, sent and accepted at once; the same `once` is one order, another sum than `gross` is refused (409)."""
    org = _buyer(body.organisation)
    party, ask = party_of(org), Ask(body.offer, quantity=body.quantity)
    lines, seen_word = buying.preview(party, ask)
    if sum(one.gross for one in lines) != body.gross:
        raise Refused(
            _l("The price has changed while you looked. These are the figures of today."), field="gross"
        )
    made = buying.buy(
        party, ask, seen=seen_word, once=f"{org.id}:{body.once}"[:64], by=me().person, language=i18n.language(),
        customer_order=order_named(party, body.purchase_order),
    )  # fmt: skip
    return told(quote_answer(made), 201, Location=url_for("api_services.get_quote", uid=made.uid))


def _buyer(uid: str | None) -> Organisation:
    """Return an organisation for which the reader orders: the one named, or the only one there is."""
    mine = [db.session.get_one(Organisation, number) for number in sorted(me().orgs(May.ORDER_SERVICES))]
    for org in mine:
        if org.uid == uid or (uid is None and len(mine) == 1):
            return org
    raise Missing(_l("You do not act for that organisation."), field="organisation")


def _project(row: Engagement) -> EngagementAnswer:
    return EngagementAnswer(
        id=row.uid, number=row.number, title=in_words(row.title), state=row.state, health=row.health,
        health_words=row.health_words, percent=showing.percent(row), next_day=showing.next_day(row),
        milestones=[
            MilestoneAnswer(
                id=one.uid, number=one.n, title=in_words(one.title), percent=one.percent, planned_on=one.planned_on,
                state=one.state, accepted_on=one.accepted_on,
                criteria=[CriterionAnswer(code=each["code"], words=in_words(each["words"])) for each in one.criteria],
            )
            for one in row.milestones
        ],
    )  # fmt: skip


@services_api.get(
    "/engagements", operation_id="list_engagements", summary=str(_l("Your projects")),
    responses=responses(*TOKEN_PROBLEMS, ok=Engagements), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_READ)
def list_engagements(query: Paged) -> Any:
    """Those of the organisations one acts for, the newest first."""
    found, onward = cursors.page(
        seen.own_engagements(me()).order_by(None), [(Engagement.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )  # fmt: skip
    return told(Engagements(items=[_project(row) for row in found], next=onward))


@services_api.get(
    "/engagements/<uid>", operation_id="get_engagement", summary=str(_l("One project")),
    responses=responses(*TOKEN_PROBLEMS, ok=EngagementAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_READ)
def get_engagement(path: OneRow) -> Any:
    """With its milestones and how it goes."""
    return told(_project(seen.own_engagement(path.uid)))


@services_api.post(
    "/engagements/<uid>/milestones/<milestone>/acceptance", operation_id="accept_work",
    summary=str(_l("Accept a milestone")), responses=responses(*WRITE_PROBLEMS, ok=EngagementAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_WRITE)
@once
def accept_work(path: OneMilestone, header: WriteHeaders) -> Any:
    """By who was named to accept the work; parts of payment that wait for it are invoiced."""
    row = seen.own_engagement(path.uid)
    delivering.accept(seen.milestone_of(row, path.milestone), by=me().person)
    return told(_project(row))


@services_api.post(
    "/engagements/<uid>/milestones/<milestone>/refusal", operation_id="reject_work",
    summary=str(_l("Give a milestone back")), responses=responses(*WRITE_PROBLEMS, ok=EngagementAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_WRITE)
@once
def reject_work(path: OneMilestone, body: Findings, header: WriteHeaders) -> Any:
    """With what is missing, by criterion."""
    row = seen.own_engagement(path.uid)
    delivering.reject(
        seen.milestone_of(row, path.milestone),
        {one.criterion: one.words for one in body.findings},
        by=me().person,
    )
    return told(_project(row))
