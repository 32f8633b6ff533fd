"""The stored preview of a change of tier: written down, offered, found outdated, replaced, laid aside."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing.numbers import take
from portal.billing.price_models import PriceVersion
from portal.core import audit, catalogue, clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.retry import patiently
from portal.core.states import move
from portal.members import terms, tier_plan
from portal.members.belonging import Membership
from portal.members.models import Application, ApplicationState, Kind
from portal.members.tier_models import TierLine, TierQuote, TierQuoteState, When
from portal.members.tier_plan import Plan, Planned

T = TierQuoteState
SERIES = "TC"


class Outdated(Refused):
    """A preview no longer says what would be invoiced: price, term or seats moved, or its last day is over."""


def locked_quote(quote_id: int) -> TierQuote:
    """Return a preview under its lock, fresh from the database."""
    return db.session.scalars(
        select(TierQuote)
        .where(TierQuote.id == quote_id)
        .with_for_update(of=TierQuote)
        .execution_options(populate_existing=True)
    ).one()


def live_quote(application: Application) -> TierQuote | None:
    """Return the preview of an application that is shown with it or waits for its confirmation."""
    return db.session.scalars(
        select(TierQuote).where(
            TierQuote.application_id == application.id, TierQuote.state.in_([T.SHOWN, T.OFFERED])
        )
    ).first()


def last_quote(application: Application) -> TierQuote | None:
    """Return the newest preview of an application; None for every other kind."""
    if application.kind is not Kind.TIER_CHANGE:
        return None
    return db.session.scalars(
        select(TierQuote).where(TierQuote.application_id == application.id).order_by(TierQuote.id.desc())
    ).first()


def to_confirm(application: Application) -> bool:
    """Whether an approved change waits for its member: figures to confirm, or to ask for anew."""
    if application.kind is not Kind.TIER_CHANGE or application.state is not ApplicationState.APPROVED:
        return False
    found = last_quote(application)
    return found is None or found.state is not T.CONFIRMED


def member_of(application: Application) -> Membership:
    """Return the membership that an application wants to change."""
    found = terms.membership_of(application.org)
    if found is None:
        raise Refused(_l("There is no membership yet: a change of tier comes after joining."))
    return found


def write(application: Application, found: Plan, *, by: Person | str) -> TierQuote:
    """Write a preview down as it is computed now; a live one of the application is replaced by it."""
    number, today = take(SERIES)
    total = found.total
    before = live_quote(application)
    if before is not None:
        move(before, T.SUPERSEDED)
        db.session.flush()
    row = TierQuote(
        number=number, application=application, membership=found.membership, term=found.term,
        price=db.session.get_one(PriceVersion, found.price.id), old_tier=found.term.tier, new_tier=found.tier,
        kind=found.kind, takes_effect=found.takes_effect, effective_on=found.day,
        expires_on=today + timedelta(days=int(catalogue.policy("quote.valid_days"))),
        fingerprint=found.fingerprint, inputs=found.inputs, seats=list(found.seats), benefits=list(found.benefits),
        yearly=Money(found.yearly), gross=Money(total.gross), net=Money(total.net), tax=Money(total.tax),
        by_name=str(getattr(by, "name", by)),
    )  # fmt: skip
    db.session.add(row)
    for n, line in enumerate(found.lines, 1):
        db.session.add(_line(row, n, line))
    if before is not None:
        before.replaced_by = row.uid
    db.session.flush()
    audit.record(
        "tier.quoted", application, by=by, org_id=application.org_id, number=number, tier=found.tier,
        gross=row.gross, day=found.day,
    )  # fmt: skip
    return row


def _line(quote: TierQuote, n: int, line: Planned) -> TierLine:
    tax = quote.inputs["price"][2]
    return TierLine(
        quote=quote, n=n, role=line.role, words=line.words, discount_words=line.discount_words,
        list_amount=Money(line.list), discount=Money(line.discount), gross=Money(line.figures.gross),
        net=Money(line.figures.net), tax=Money(line.figures.tax),
        tax_category=line.line.tax_category if line.line is not None else quote.price.tax,
        tax_bp=line.line.tax_bp if line.line is not None else tax, starts=line.starts, ends=line.ends,
        old_term=line.term, old_line=line.line,
    )  # fmt: skip


def offer(quote: TierQuote) -> TierQuote:
    """Let a preview be confirmed: its paper is made."""
    move(quote, T.OFFERED)
    db.session.flush()
    outbox.queue("tier_quote_paper", f"tier_quote_paper:{quote.uid}", {"uid": quote.uid})
    return quote


def renewed(application: Application, *, by: Person | str) -> TierQuote:
    """Return the preview to confirm: the one shown with the request if it holds to the day, else a new one of today."""
    shown = live_quote(application)
    if shown is not None and shown.state is T.SHOWN and _of_today(shown):
        return offer(shown)
    return offer(write(application, tier_plan.plan(member_of(application), application.tier), by=by))


def _of_today(quote: TierQuote) -> bool:
    """Whether a preview still says what one of today would: a day gone by is nobody's to pay for."""
    if quote.new_tier != quote.application.tier or quote.expires_on < clock.today():
        return False
    found = tier_plan.plan(quote.membership, quote.new_tier)
    return found.fingerprint == quote.fingerprint


def still_holds(quote: TierQuote) -> None:
    """Raise `Outdated` unless a preview still says what would be invoiced; its day stays the quoted one."""
    if quote.expires_on < clock.today():
        raise Outdated(_l("This preview has expired. Here is a new one with the figures of today."))
    day = quote.effective_on if quote.takes_effect is When.NOW else None
    try:
        found = tier_plan.plan(quote.membership, quote.new_tier, day=day, when=quote.takes_effect)
    except Refused as refusal:
        raise Outdated(refusal.words) from None
    if found.fingerprint != quote.fingerprint or (found.term.end or clock.today()) <= clock.today():
        raise Outdated(
            _l(
                "Price, term or seats have changed since this preview. Here is a new one with the figures of today."
            )
        )


def forget(application: Application) -> None:
    """Lay the preview of a request aside that its member took back."""
    quote = live_quote(application) if application.kind is Kind.TIER_CHANGE else None
    if quote is not None:
        move(quote, T.DROPPED)


def _lay_aside(quote_id: int) -> bool:
    fresh = locked_quote(quote_id)
    if fresh.state is not T.OFFERED or fresh.expires_on >= clock.today():
        return False
    move(fresh, T.LATE)
    audit.record(
        "tier.late", fresh.application, by="expiry", org_id=fresh.application.org_id, number=fresh.number
    )
    return True


def _one(quote_id: int) -> bool:
    with transaction():
        return _lay_aside(quote_id)


def sweep() -> int:
    """Lay aside the previews that nobody confirmed until their last day; return how many."""
    over = select(TierQuote.id).where(TierQuote.state == T.OFFERED, TierQuote.expires_on < clock.today())
    with reading():
        numbers = list(db.session.scalars(over.order_by(TierQuote.id)))
    return sum(patiently(partial(_one, number)) for number in numbers)
