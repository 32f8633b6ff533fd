"""The operation about one membership: standing on any day, as known at any instant, with the facts behind it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.bearer import needs
from portal.accounts.may import May
from portal.accounts.scopes import Scope
from portal.core import clock
from portal.core.api import TOKEN_PROBLEMS, Amount, Answer, OneRow, Query, responses, told
from portal.core.db import db
from portal.core.errors import Missing
from portal.members import terms
from portal.members.access import own_membership
from portal.members.belonging import Term, TermKind
from portal.members.facts import facts_of
from portal.members.profile_api import TOKEN, own_org, profiles
from portal.members.standing import (
    EndingCause,
    Facts,
    Standing,
    continuous_since,
    in_force,
    member_since,
    stops,
)


class MembershipQuery(Query):
    """On which day (today), and as known when (now)."""

    on: date | None = None
    known: datetime | None = None


class TermAnswer(Answer):
    """One covered period; `end` and `ended` are the first days without it. `cause` says why it ended early."""

    id: str
    kind: TermKind
    tier: str
    start: date
    end: date | None
    ended: date | None
    cause: EndingCause | None
    charged: Amount
    recorded_at: datetime


class MembershipDetail(Answer):
    """What a membership is on a day, with its terms."""

    on: date
    standing: Standing
    tier: str | None
    member_since: date | None
    continuous_since: date | None
    founding: bool
    terms: list[TermAnswer]


@profiles.get(
    "/organisations/<uid>/membership", operation_id="get_membership",
    summary=str(_l("How an organisation belongs on a day")),
    responses=responses(*TOKEN_PROBLEMS, ok=MembershipDetail), security=TOKEN,
)  # fmt: skip
@needs(Scope.PROFILE_READ)
def get_membership(path: OneRow, query: MembershipQuery) -> Any:
    """Standing is computed from the facts: for any day, and as they were known at any instant."""
    org = own_org(path.uid, May.SEE_ORG)
    row = own_membership(org.id)
    if row is None:
        raise Missing(_("This organisation was never a member: there is no term."))
    day, known = query.on or clock.today(), _aware(query.known)
    facts = facts_of([row])[row.id]
    term = in_force(facts, day, known=known)
    return told(
        MembershipDetail(
            on=day, standing=terms.standing(row, on=day, known=known), tier=term.tier if term else None,
            member_since=member_since(facts, known=known), continuous_since=continuous_since(facts, day, known=known),
            founding=row.founding, terms=_terms(row.id, facts, known),
        )
    )  # fmt: skip


def _aware(moment: datetime | None) -> datetime | None:
    """Read an instant without an offset as the office's."""
    return moment.replace(tzinfo=clock.OFFICE) if moment is not None and moment.tzinfo is None else moment


def _terms(membership_id: int, facts: Facts, known: datetime | None) -> list[TermAnswer]:
    until = stops(facts, known=known)
    rows = db.session.scalars(
        select(Term).where(Term.membership_id == membership_id).order_by(Term.start, Term.id)
    )
    found = []
    for one in rows:
        if one.id in until:
            stop, ending = until[one.id]
            found.append(
                TermAnswer(
                    id=one.uid, kind=one.kind, tier=one.tier, start=one.start, end=one.end,
                    ended=stop if ending is not None else None, cause=ending.cause if ending is not None else None,
                    charged=Amount.of(one.charged), recorded_at=one.recorded_at,
                )
            )  # fmt: skip
    return found
