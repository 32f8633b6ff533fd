"""How a quote goes out and ends without being accepted: by two where it must be, once, and never changed again."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.core import audit, clock, outbox
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.rows import each, ids_of
from portal.core.states import move
from portal.services.offers import buyers
from portal.services.quotes import deciding, drafting, letters
from portal.services.quotes.drafting import locked
from portal.services.quotes.events import QuoteClosed, QuoteSent
from portal.services.quotes.models import Q, ServiceQuote


def send(quote: ServiceQuote, *, by: Person | str) -> ServiceQuote:
    """Send a draft, or ask a second person to stand for it first."""
    row = locked(quote.id)
    if row.state is not Q.DRAFT:
        raise Refused(_l("This quote went out already, or is closed."))
    lines = drafting.now(row)
    if [(one.gross, one.net, one.tax) for one in lines] != [
        (line.gross.minor, line.net.minor, line.tax.minor) for line in row.lines
    ]:
        raise Refused(
            _l("Prices have changed since this was written. Please look at it again and save it anew.")
        )
    found = deciding.reasons(row, lines)
    if found and not row.note:
        raise Refused(_l("Please write why: a second person decides on it."), field="note", status=422)
    row.second_reasons, row.returned = [one.value for one in found], ""
    if found:
        move(row, Q.IN_APPROVAL)
        audit.record(
            "service_quote.asked", row, by=by, org_id=row.party.org_id, number=row.name, reasons=found, reason=row.note
        )  # fmt: skip
    else:
        _out(row, by)
    return row


def approve(quote: ServiceQuote, *, by: Person) -> ServiceQuote:
    """Stand for a quote as its second person: it goes out."""
    row = locked(quote.id)
    if row.state is not Q.IN_APPROVAL:
        raise Refused(_l("This quote waits for nobody's approval."))
    deciding.refuse_second(row, by)
    row.second = by
    _out(row, by)
    return row


def return_quote(quote: ServiceQuote, *, by: Person, reason: str) -> None:
    """Give a quote back to its writer with what is to be changed."""
    row = locked(quote.id)
    if row.state is not Q.IN_APPROVAL:
        raise Refused(_l("This quote waits for nobody's approval."))
    deciding.refuse_second(row, by)
    move(row, Q.DRAFT)
    row.returned = reason
    audit.record("service_quote.returned", row, by=by, org_id=row.party.org_id, number=row.name, reason=reason)  # fmt: skip


def _out(row: ServiceQuote, by: Person | str) -> None:
    """Let a version go out: from here on nothing in it changes, and the version before it is superseded."""
    before = db.session.scalars(
        select(ServiceQuote).where(ServiceQuote.number == row.number, ServiceQuote.state == Q.SENT)
    ).first()
    if before is not None:
        close(locked(before.id), Q.SUPERSEDED, by=by)
        db.session.flush()
    row.expires_on = clock.today() + timedelta(days=row.valid_days)
    row.fingerprint = drafting.fingerprint_of(row, drafting.now(row))
    row.share_bp = buyers.share_with(row.party, row.net.minor)
    row.digest = drafting.digest_of(row)
    row.sent_at = clock.now()
    move(row, Q.SENT)
    db.session.flush()
    audit.record(
        "service_quote.sent", row, by=by, org_id=row.party.org_id, number=row.name, gross=row.gross, digest=row.digest
    )  # fmt: skip
    outbox.queue("service_quote_paper", f"service_quote_paper:{row.uid}", {"uid": row.uid})
    letters.announce(row)
    publish(QuoteSent(row))


def close(row: ServiceQuote, to: Q, *, by: Person | str, reason: str = "", words: str = "") -> None:
    """End a version of a locked quote without acceptance."""
    move(row, to)
    row.ended_at, row.end_reason, row.end_words = clock.now(), reason, words[:300]
    audit.record(
        f"service_quote.{to.value}", row, by=by, org_id=row.party.org_id, number=row.name, reason=words, why=reason
    )  # fmt: skip
    publish(QuoteClosed(row))


def withdraw(quote: ServiceQuote, *, by: Person, reason: str) -> None:
    """Take a quote back before it is accepted."""
    row = locked(quote.id)
    went_out = row.state is Q.SENT
    close(row, Q.WITHDRAWN, by=by, words=reason)
    if went_out:
        letters.withdrawn(row)


def decline(quote: ServiceQuote, *, by: Person, reason: str, words: str = "") -> None:
    """Say no to a quote as its buyer, with one reason of the catalogue."""
    row = locked(quote.id)
    if row.state is not Q.SENT:
        raise Refused(_l("This quote is closed already."))
    close(row, Q.DECLINED, by=by, reason=reason, words=words)
    letters.declined(row)


def expire_quotes() -> int:
    """Close the versions whose last day is over; return how many."""
    over = select(ServiceQuote.id).where(ServiceQuote.state == Q.SENT, ServiceQuote.expires_on < clock.today())  # fmt: skip
    return each("expire_quotes", ids_of(over.order_by(ServiceQuote.id)), _expire)


def _expire(number: int) -> int:
    row = locked(number)
    if row.state is not Q.SENT or row.expires_on is None or row.expires_on >= clock.today():
        return 0
    close(row, Q.EXPIRED, by="expiry")
    return 1
