"""Operations about benefits: what is left, and claims."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import Field
from sqlalchemy import select

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.scopes import Scope
from portal.core import clock, cursors
from portal.core.api import (
    TOKEN_PROBLEMS,
    WHOLE,
    WRITE_PROBLEMS,
    Amount,
    Answer,
    Body,
    Clean,
    OneRow,
    Paged,
    Uid,
    Words,
    operations,
    responses,
    told,
)
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.idempotency import WriteHeaders, once
from portal.core.money import Money
from portal.members import claiming, deciding, granting
from portal.members.access import own_claim
from portal.members.belonging import Grant, Membership
from portal.members.benefit_models import Claim, ClaimState
from portal.members.granting import Held

benefits_api = operations("api_benefits", __name__, str(_l("Benefits")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]


class BenefitAnswer(Answer):
    """A benefit in force: how many are granted (null: a flag), taken and left, and until when it is claimed."""

    id: Uid
    organisation: Uid
    benefit: str
    name: Words
    granted: int | None
    taken: int
    left: int
    claimable: bool
    starts: date
    claim_before: date | None
    list_value: Amount | None


class Benefits(Answer):
    """All benefits in force of the token's organisations."""

    items: list[BenefitAnswer]


class ClaimQuery(Paged):
    """Which claims."""

    state: Literal["", "waiting", "claimed", "confirmed", "used", "declined", "withdrawn", "released"] = ""


class ClaimAnswer(Answer):
    """A claim on a benefit."""

    id: Uid
    organisation: Uid
    benefit: str
    quantity: int
    state: ClaimState
    provisional: bool
    note: str
    claimed_at: datetime
    decided_at: datetime | None
    reason: str
    used_on: date | None


class Claims(Answer):
    """A part of the list, the newest first."""

    items: list[ClaimAnswer]
    next: str | None


class NewClaim(Body):
    """How many of which benefit, and what for."""

    benefit: Uid
    quantity: Annotated[int, Field(ge=1, le=100_000), WHOLE] = 1
    note: Annotated[str, Clean, Field(max_length=500)] = ""


def _benefit(held: Held) -> BenefitAnswer:
    row, price = held.grant, held.body.get("list_value")
    names = held.body.get("name", {})
    return BenefitAnswer(
        id=row.uid, organisation=row.membership.org.uid, benefit=row.benefit,
        name=Words(zh=names.get("zh", row.benefit), en=names.get("en", row.benefit)), granted=row.quantity, taken=held.taken,
        left=held.left(clock.today()), claimable=deciding.claimable(held.body), starts=row.start, claim_before=held.claim_until,
        list_value=Amount.of(Money(int(price["amount"]))) if price else None,
    )  # fmt: skip


def _claim(row: Claim) -> ClaimAnswer:
    return ClaimAnswer(
        id=row.uid, organisation=row.grant.membership.org.uid, benefit=row.grant.benefit, quantity=row.quantity, state=row.state,
        provisional=row.provisional, note=row.note, claimed_at=row.claimed_at, decided_at=row.decided_at,
        reason=row.reason if row.state is ClaimState.DECLINED else "", used_on=row.used_on,
    )  # fmt: skip


@benefits_api.get(
    "/benefits", operation_id="list_benefits", summary=str(_l("Benefits in force of the token's organisations")),
    responses=responses(*TOKEN_PROBLEMS, ok=Benefits), security=TOKEN,
)  # fmt: skip
@needs(Scope.BENEFITS_READ)
def list_benefits() -> Any:
    """The list is short and has no pages."""
    mine = select(Membership).where(Membership.org_id.in_(me().orgs(May.SEE_ORG))).order_by(Membership.id)
    held = granting.held_by(db.session.scalars(mine))
    return told(Benefits(items=[_benefit(one) for one in held if one.runs(clock.today())]))


@benefits_api.get(
    "/claims", operation_id="list_claims", summary=str(_l("Claims of the token's organisations")),
    responses=responses(*TOKEN_PROBLEMS, ok=Claims), security=TOKEN,
)  # fmt: skip
@needs(Scope.BENEFITS_READ)
def list_claims(query: ClaimQuery) -> Any:
    """The newest first."""
    statement = (
        select(Claim)
        .join(Grant, Claim.grant_id == Grant.id)
        .join(Membership, Grant.membership_id == Membership.id)
        .where(Membership.org_id.in_(me().orgs(May.SEE_ORG)))
    )
    if query.state:
        statement = statement.where(Claim.state == ClaimState(query.state))
    rows, onward = cursors.page(
        statement, [(Claim.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    return told(Claims(items=[_claim(row) for row in rows], next=onward))


@benefits_api.get(
    "/claims/<uid>", operation_id="get_claim", summary=str(_l("One claim")),
    responses=responses(*TOKEN_PROBLEMS, ok=ClaimAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.BENEFITS_READ)
def get_claim(path: OneRow) -> Any:
    """With its state, and the reason if it was declined."""
    return told(_claim(own_claim(path.uid)))


@benefits_api.post(
    "/claims", operation_id="make_claim", summary=str(_l("Claim a benefit")),
    responses=responses(*WRITE_PROBLEMS, created=ClaimAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.BENEFITS_WRITE)
@once
def make_claim(body: NewClaim, header: WriteHeaders) -> Any:
    """Beyond the capacity of all members it goes on the waiting list, or is refused, as the benefit says."""
    row = db.session.scalars(
        select(Grant)
        .join(Membership, Grant.membership_id == Membership.id)
        .join(Organisation, Membership.org_id == Organisation.id)
        .where(Grant.uid == body.benefit, Organisation.id.in_(me().orgs(May.CLAIM_BENEFITS)))
    ).first()
    if row is None:
        raise Missing(_("There is no such benefit, or it is not yours."))
    made = claiming.claim(row, body.quantity, by=me().person, note=body.note)
    where = url_for("api_benefits.get_claim", uid=made.uid)
    return told(_claim(made), 201, Location=where)


@benefits_api.post(
    "/claims/<uid>/withdrawal", operation_id="withdraw_claim", summary=str(_l("Take a claim back")),
    responses=responses(*WRITE_PROBLEMS, ok=ClaimAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.BENEFITS_WRITE)
@once
def withdraw_claim(path: OneRow, header: WriteHeaders) -> Any:
    """Only what is not confirmed can be taken back."""
    row = own_claim(path.uid, May.CLAIM_BENEFITS)
    claiming.withdraw(row, by=me().person)
    db.session.flush()
    return told(_claim(row))
