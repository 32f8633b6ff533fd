"""Services that go on: begun by an accepted quote, left with notice, ended early by two with a credit note."""

from __future__ import annotations

from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select, update

from portal.accounts.people import Person
from portal.billing import adopting, crediting, subscribing
from portal.billing.catalogue import pinned
from portal.billing.models import OrderLine, Party
from portal.billing.note_models import NoteKind
from portal.billing.subscription_models import Subscription, SubscriptionPeriod, SubscriptionState
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.services.offers import buyers, rows
from portal.services.offers.rows import Form
from portal.services.quotes import sending
from portal.services.quotes.drafting import locked as locked_quote
from portal.services.quotes.events import QuoteAccepted
from portal.services.quotes.models import Q, QuoteFor, ServiceQuote
from portal.services.quotes.term_models import ServiceEnding, ServiceTerm

S = SubscriptionState


def locked(term_id: int) -> ServiceTerm:
    """Take a service for a change, and return it as it is now."""
    taken = (
        update(ServiceTerm)
        .where(ServiceTerm.id == term_id)
        .values(edition=ServiceTerm.edition + 1)
        .returning(ServiceTerm)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    row = db.session.scalars(taken).first()
    if row is None:
        raise Missing(_l("There is no such service."))
    return row


def of_party(party: Party) -> Select[ServiceTerm]:
    """Select the services of a payer, the newest first."""
    return (
        select(ServiceTerm)
        .join(Subscription, ServiceTerm.subscription_id == Subscription.id)
        .where(Subscription.party_id == party.id)
        .order_by(ServiceTerm.id.desc())
    )


def holds(row: Subscription) -> bool:
    """Whether a subscription is a service: its periods come by accepted quotes alone, never by billing's own chore."""
    return db.session.scalar(select(ServiceTerm.id).where(ServiceTerm.subscription_id == row.id)) is not None


def on_accepted(event: QuoteAccepted) -> None:
    """Begin what was bought by the year, or add its next period."""
    quote = event.quote
    for line in quote.lines:
        offer, made = rows.find(line.offer), line.order_line
        if offer is None or offer.form is not Form.SUBSCRIPTION or made is None or made.period_start is None:
            continue
        if quote.kind is QuoteFor.RENEWAL:
            _renew(quote, made)
        else:
            _begin(quote, made, offer.code, line.price_id)


def _begin(quote: ServiceQuote, line: OrderLine, offer: str, price_id: int) -> None:
    subscription = adopting.adopt(
        line, pinned(price_id), quote.invoice, by=quote.accepted_by or "services", language=quote.language,
        audience=buyers.audience_of(quote.party),
    )  # fmt: skip
    bought = next((one.bundle for one in quote.lines if one.order_line is line), "") or offer
    db.session.add(ServiceTerm(subscription=subscription, offer=bought, quote=quote))
    db.session.flush()


def _renew(quote: ServiceQuote, line: OrderLine) -> None:
    term = locked(int(quote.about.partition(":")[2]))
    adopting.next_period(
        term.subscription, line, quote.invoice, by=quote.accepted_by or "offer_service_renewals"
    )
    term.notice_at, term.notice_by = None, None


def last_period(term: ServiceTerm) -> SubscriptionPeriod:
    """Return the last period of a service that was ordered."""
    rows_ = select(SubscriptionPeriod).where(SubscriptionPeriod.subscription_id == term.subscription_id)
    return db.session.scalars(rows_.order_by(SubscriptionPeriod.n.desc()).limit(1)).one()


def choose(term: ServiceTerm, *, by_itself: bool, by: Person) -> None:
    """Let a service renew by itself, or only by a click: the customer's own tick."""
    row = locked(term.id)
    if row.by_itself != by_itself:
        row.by_itself = by_itself
        audit.record("service_term.tick", row, by=by, org_id=row.subscription.party.org_id, renewal=by_itself)


def last_chance(term: ServiceTerm) -> date:
    """Return the last day on which notice for the period's end can be given."""
    offer = rows.find(term.offer)
    days = offer.notice_days if offer is not None else 30
    return last_period(term).end - timedelta(days=days)


def leave(term: ServiceTerm, *, by: Person, reason: str) -> None:
    """Give notice: the service ends with the period that is paid for; open quotes for the next one are declined."""
    row = locked(term.id)
    if row.subscription.state is not S.ACTIVE:
        raise Refused(_l("This service ends already."))
    if clock.today() > last_chance(row):
        raise Refused(_l("The day for notice has passed. It ends all the same, unless you accept the quote for the next period."))  # fmt: skip
    subscribing.end_subscription(row.subscription, by=by)
    row.notice_at, row.notice_by, row.reason = clock.now(), by, reason
    for quote in open_renewals(row):
        fresh = locked_quote(quote.id)
        sending.close(fresh, Q.DECLINED, by=by, reason="other", words=reason)
    audit.record("service_term.left", row, by=by, org_id=row.subscription.party.org_id, reason=reason)


def stay(term: ServiceTerm, *, by: Person) -> None:
    """Take the notice back while the last period still runs."""
    row = locked(term.id)
    subscribing.keep_subscription(row.subscription, by=by)
    row.notice_at, row.notice_by = None, None
    audit.record("service_term.stayed", row, by=by, org_id=row.subscription.party.org_id)


def open_renewals(term: ServiceTerm) -> list[ServiceQuote]:
    """Return the quotes for the next period that wait for an answer."""
    rows_ = select(ServiceQuote).where(ServiceQuote.about == term.subject, ServiceQuote.state == Q.SENT)
    return list(db.session.scalars(rows_.order_by(ServiceQuote.id)))


# ---- Ended early, by two


def propose_ending(term: ServiceTerm, *, last_day: date, by: Person, reason: str) -> ServiceEnding:
    """Propose to end a service before its period, with a credit note over what is not served."""
    row = locked(term.id)
    period = last_period(row)
    if not period.start <= last_day < period.end or last_day < clock.today():
        raise Refused(
            _l("The last day lies within the period, not before today."), field="last_day", status=422
        )
    if period.invoice is None:
        raise Refused(_l("Nothing of this period is invoiced: there is nothing to give back."))
    waiting = select(ServiceEnding.id).where(ServiceEnding.term_id == row.id, ServiceEnding.done_at.is_(None))
    if db.session.scalar(waiting) is not None:
        raise Refused(_l("An early end is proposed already."))
    made = ServiceEnding(term=row, last_day=last_day, reason=reason, by=by)
    db.session.add(made)
    db.session.flush()
    audit.record(
        "service_term.ending_proposed", row, by=by, org_id=row.subscription.party.org_id, on=last_day, reason=reason
    )  # fmt: skip
    return made


def confirm_ending(ending: ServiceEnding, *, by: Person) -> ServiceEnding:
    """Confirm an early end as a second person: the credit note is issued, and the subscription renews no more."""
    row = locked(ending.term_id)
    db.session.refresh(ending)
    if ending.done_at is not None:
        raise Refused(_l("This is done already."))
    if ending.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person confirms it."))
    period = last_period(row)
    assert period.invoice is not None
    note = crediting.propose_note(
        period.invoice, NoteKind.TERMINATION, by=ending.by, reason=ending.reason, last_day=ending.last_day
    )
    note = crediting.issue_note(note, by=by)
    ending.second, ending.done_at, ending.note_number = by, clock.now(), note.number or ""
    if row.subscription.state is S.ACTIVE:
        subscribing.end_subscription(row.subscription, by=by)
    audit.record(
        "service_term.ended_early", row, by=by, org_id=row.subscription.party.org_id, on=ending.last_day, number=note.number
    )  # fmt: skip
    return ending


def install() -> None:
    """Let billing ask which subscriptions renew by quotes of services."""
    subscribing.ask_holder(holds)
