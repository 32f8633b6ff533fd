"""A change of tier as people see it: money, seats and benefits side by side, from a plan or from what was written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, or_, select

from portal.accounts.access import Reader, me
from portal.accounts.may import ContactRole, May
from portal.accounts.organisations import Contact, Organisation
from portal.billing.catalogue import price_of
from portal.billing.models import Invoice
from portal.core import catalogue, labels
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.members import tier_plan, tier_terms
from portal.members.belonging import Membership, Term
from portal.members.models import Application
from portal.members.tier_models import TierQuote, When
from portal.members.tier_plan import Plan


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page, a paper or a program says of a change; `lines` are rows of the preview or of the plan."""

    old: str
    new: str
    next_year: bool
    day: date
    yearly: Money
    lines: tuple[dict[str, Any], ...]
    gross: Money
    net: Money
    tax: Money
    seats: tuple[dict[str, Any], ...]
    benefits: tuple[dict[str, Any], ...]
    offer: Invoice | None


def of_plan(found: Plan) -> Seen:
    """Return a change that is only computed, as people see it."""
    total = found.total
    lines = tuple(
        {
            "role": one.role, "words": one.words, "discount_words": one.discount_words, "list": Money(one.list),
            "discount": Money(one.discount), "gross": Money(one.figures.gross), "net": Money(one.figures.net),
            "tax": Money(one.figures.tax),
        }
        for one in found.lines
    )  # fmt: skip
    return Seen(
        found.term.tier, found.tier, found.takes_effect is When.NEXT, found.day, Money(found.yearly), lines,
        Money(total.gross), Money(total.net), Money(total.tax), _seats(found.seats, found.membership.org),
        _benefits(found.benefits), _offer(found.membership),
    )  # fmt: skip


def of_quote(quote: TierQuote) -> Seen:
    """Return a preview that was written down, as people see it."""
    lines = tuple(
        {
            "role": one.role, "words": one.words, "discount_words": one.discount_words, "list": one.list_amount,
            "discount": one.discount, "gross": one.gross, "net": one.net, "tax": one.tax,
        }
        for one in quote.lines
    )  # fmt: skip
    return Seen(
        quote.old_tier, quote.new_tier, quote.takes_effect is When.NEXT, quote.effective_on, quote.yearly, lines,
        quote.gross, quote.net, quote.tax, _seats(quote.seats, quote.membership.org), _benefits(quote.benefits),
        _offer(quote.membership),
    )  # fmt: skip


def _offer(membership: Membership) -> Invoice | None:
    """Return the open renewal invoice, which is issued anew when the tier changes."""
    found = tier_terms.open_offer(membership)
    return found.invoice if found is not None else None


def _seats(rows: Any, org: Organisation) -> tuple[dict[str, Any], ...]:
    """Say each key contact that differs: how many before and after, who is there, and what has to be seen to."""
    held: dict[ContactRole, int] = dict(
        db.session.execute(
            select(Contact.role, func.count())
            .where(Contact.org_id == org.id, Contact.ended_at.is_(None))
            .group_by(Contact.role)
        ).all()
    )
    found = []
    for one in rows:
        role, (least, most) = ContactRole(one["role"]), one["new"]
        there = held.get(role, 0)
        note = ""
        if there > most:
            note = _("%(there)s hold this role now: some of them leave it.", there=there)
        elif there < least:
            note = _("Somebody has to be named.")
        found.append(
            {
                "code": one["role"], "role": labels.label(role), "old": _bound(one["old"]), "new": _bound(one["new"]),
                "won": most > one["old"][1], "lost": most < one["old"][1], "note": note, "bounds": (one["old"], one["new"]),
            }
        )  # fmt: skip
    return tuple(found)


def _bound(pair: list[int]) -> str:
    least, most = pair
    return str(most) if least == most else f"{least}–{most}"


def _benefits(rows: Any) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            **one, "said": catalogue.in_words(one["name"]), "before": _many(one["old"]), "after": _many(one["new"]),
            "won": _more(one["new"], one["old"]), "lost": _more(one["old"], one["new"]),
        }
        for one in rows
    )  # fmt: skip


def _many(quantity: int | None) -> str:
    if quantity is None:
        return _("included")
    return str(quantity) if quantity else ""


def _more(one: int | None, other: int | None) -> bool:
    """Whether one quantity is more than another; uncounted is the most."""
    return other is not None and (one is None or one > other)


def choices(membership: Membership) -> list[dict[str, Any]]:
    """Return the tiers a member may change to: name, yearly price, and whether it would be up, down or neither."""
    tiers = catalogue.entries("tier")
    found = []
    for code in tier_plan.open_to(membership):
        price = price_of(tiers[code]["product"])
        way = tier_plan.direction_to(membership.tier, code)
        found.append(
            {
                "code": code, "name": catalogue.in_words(tiers[code]["name"]), "way": way.value,
                "yearly": Money(price.figures(price.amount).gross),
                "next": catalogue.policy(f"tier_change.{way.value}") == When.NEXT.value,
            }
        )  # fmt: skip
    return found


def visible(reader: Reader) -> Select[TierQuote]:
    """Select the previews a reader may see, the newest first: its organisations', for staff of members all."""
    statement = select(TierQuote).join(TierQuote.application).order_by(TierQuote.id.desc())
    if reader.staff_may(May.READ_MEMBERS):
        return statement.where(
            or_(Application.submitted_at.is_not(None), Application.org_id.in_(reader.orgs(May.SEE_ORG)))
        )
    own = reader.orgs(May.APPLY) | reader.orgs(May.SEE_MONEY)
    return statement.where(Application.org_id.in_(own))


def visible_quote(uid: str) -> TierQuote:
    """Return one preview of those the reader may see; foreign ones look missing."""
    row = db.session.scalars(visible(me()).where(TierQuote.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such preview, or it is not yours."))
    return row


def own_quote(uid: str) -> TierQuote:
    """Return a preview that the reader decides on, as owner or representative."""
    row = db.session.scalars(
        select(TierQuote)
        .join(TierQuote.application)
        .where(TierQuote.uid == uid, Application.org_id.in_(me().orgs(May.CHANGE_TIER)))
    ).first()
    if row is None:
        raise Missing(_l("There is no such preview, or it is not yours."))
    return row


def next_choice(membership: Membership | None, term: Term | None) -> TierQuote | None:
    """Return the confirmed change that begins with the next membership year."""
    return tier_terms.chosen_next(term) if membership is not None and term is not None else None


def computed(membership: Membership, tier: str) -> tuple[Seen | None, str]:
    """Return a change as it would be today, or in words why it cannot be."""
    try:
        return of_plan(tier_plan.plan(membership, tier)), ""
    except Refused as refusal:
        return None, str(refusal)
