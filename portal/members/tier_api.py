"""Operations about changes of tier: read the previews, what they cost and what became of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.scopes import Scope
from portal.billing.quote_models import LineRole
from portal.core import cursors
from portal.core.api import (
    TOKEN_PROBLEMS,
    Amount,
    Answer,
    OneRow,
    Paged,
    Uid,
    Words,
    operations,
    responses,
    told,
)
from portal.members import tier_seen
from portal.members.belonging import TermKind
from portal.members.tier_models import TierLine, TierQuote, TierQuoteState, When

tiers_api = operations("api_tiers", __name__, str(_l("Changes of tier")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]


class ChangeLine(Answer):
    """One line: what is given back of the old tier (below zero), or the new tier's part for its days."""

    role: LineRole
    words: Words
    starts: date
    ends: date
    list: Amount
    discount: Amount
    gross: Amount
    net: Amount
    tax: Amount


class SeatChange(Answer):
    """A key contact whose number changes: least and most, before and after."""

    role: str
    old_least: int
    old_most: int
    new_least: int
    new_most: int


class BenefitChange(Answer):
    """A benefit that changes: how many before and after; null is uncounted, 0 none."""

    code: str
    name: Words
    old: int | None
    new: int | None


class TierChangeAnswer(Answer):
    """The preview of a change of tier with its exact figures."""

    id: Uid
    number: str
    application: Uid
    state: TierQuoteState
    kind: TermKind
    old_tier: str
    new_tier: str
    takes_effect: When
    effective_on: date
    expires_on: date
    yearly: Amount
    gross: Amount
    net: Amount
    tax: Amount
    lines: list[ChangeLine]
    seats: list[SeatChange]
    benefits: list[BenefitChange]
    invoice: str | None
    credit_note: str | None
    replaced_by: str | None


class TierChanges(Answer):
    """A part of the list, the newest first."""

    items: list[TierChangeAnswer]
    next: str | None


def _line(line: TierLine) -> ChangeLine:
    return ChangeLine(
        role=line.role, words=Words(**line.words), starts=line.starts, ends=line.ends,
        list=Amount.of(line.list_amount), discount=Amount.of(line.discount), gross=Amount.of(line.gross),
        net=Amount.of(line.net), tax=Amount.of(line.tax),
    )  # fmt: skip


def _told(row: TierQuote) -> TierChangeAnswer:
    seats = [
        SeatChange(
            role=one["role"], old_least=one["old"][0], old_most=one["old"][1], new_least=one["new"][0],
            new_most=one["new"][1],
        )
        for one in row.seats
    ]  # fmt: skip
    benefits = [
        BenefitChange(code=one["code"], name=Words(**one["name"]), old=one["old"], new=one["new"])
        for one in row.benefits
    ]
    return TierChangeAnswer(
        id=row.uid, number=row.number, application=row.application.uid, state=row.state, kind=row.kind,
        old_tier=row.old_tier, new_tier=row.new_tier, takes_effect=row.takes_effect, effective_on=row.effective_on,
        expires_on=row.expires_on, yearly=Amount.of(row.yearly), gross=Amount.of(row.gross), net=Amount.of(row.net),
        tax=Amount.of(row.tax), lines=[_line(one) for one in row.lines], seats=seats, benefits=benefits,
        invoice=row.invoice.number if row.invoice is not None else None, credit_note=row.credit_note_number or None,
        replaced_by=row.replaced_by or None,
    )  # fmt: skip


@tiers_api.get(
    "/tier-changes", operation_id="list_tier_changes", summary=str(_l("Changes of tier the token may see")),
    responses=responses(*TOKEN_PROBLEMS, ok=TierChanges), security=TOKEN,
)  # fmt: skip
@needs(Scope.APPLICATIONS_READ)
def list_tier_changes(query: Paged) -> Any:
    """Those of the token's organisations; for staff all that were sent in."""
    rows, onward = cursors.page(
        tier_seen.visible(me()).order_by(None), [(TierQuote.id, int)], limit=query.limit, cursor=query.cursor,
        newest=True,
    )  # fmt: skip
    return told(TierChanges(items=[_told(row) for row in rows], next=onward))


@tiers_api.get(
    "/tier-changes/<uid>", operation_id="get_tier_change", summary=str(_l("One change of tier with its figures")),
    responses=responses(*TOKEN_PROBLEMS, ok=TierChangeAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.APPLICATIONS_READ)
def get_tier_change(path: OneRow) -> Any:
    """What was shown is what is invoiced; confirming happens on the pages."""
    return told(_told(tier_seen.visible_quote(path.uid)))
