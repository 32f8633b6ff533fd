"""Services by the year (services.md §7): renewed by a click or a tick, told of once a step, left, ended early; races for an order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.billing import subscribing
from portal.billing.models import Order
from portal.billing.note_models import CreditNote
from portal.billing.subscription_models import SubscriptionPeriod, SubscriptionState
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.mail import MailMessage
from portal.core.retry import patiently
from portal.services.quotes import accepting, buying, renewing, terms
from portal.services.quotes.figures import Ask
from portal.services.quotes.models import Q, QuoteFor, ServiceQuote
from portal.services.quotes.term_models import ServiceTerm
from portal.services.support import coverage
from tests import services_scene as s


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app, start=date(2026, 12, 1))
    return app


def term() -> ServiceTerm:
    return db.session.scalars(select(ServiceTerm)).one()


def bought(ask: Ask | None = None) -> ServiceQuote:
    """Buy support for 2027 and pay it; call inside a transaction."""
    row = s.accepted(s.sent(ask or Ask("support.gold", starts=date(2027, 1, 1))), by="own")
    assert row.invoice is not None
    s.paid(row.invoice)
    return row


def chore(house: Flask, moment: str) -> int:
    with house.app_context(), clock.stopped_at(s.china(moment)):
        subscribing.sweep()
        return renewing.offer_service_renewals()


def test_a_service_is_quoted_told_of_and_renewed_by_a_click(house: Flask) -> None:
    with s.at(house, "2026-12-20T10:00"):
        bought()
        found = coverage.covers(s.org())[0]
        assert (found.standing, found.level) == (coverage.Standing.NOT_STARTED, "gold")
    assert [chore(house, f"2027-{day}T06:50") for day in ("09-01", "10-03", "10-04", "11-01", "11-02", "11-03")] == [
        0, 1, 0, 0, 2, 0,
    ]  # fmt: skip
    with s.at(house, "2027-11-04T10:00"):
        quote = db.session.scalars(select(ServiceQuote).where(ServiceQuote.kind == QuoteFor.RENEWAL)).one()
        assert (quote.state, str(quote.lines[0].starts), str(quote.expires_on)) == (
            Q.SENT,
            "2028-01-01",
            "2028-01-16",
        )
        mails = select(func.count()).where(MailMessage.topic == term().subject)
        assert db.session.scalar(mails) == 2 * 5  # told and quoted: the owners, the signatory and who pays
        s.accepted(quote, by="own")
        rows = db.session.scalars(select(SubscriptionPeriod).order_by(SubscriptionPeriod.n)).all()
        assert [(str(one.start), str(one.end)) for one in rows] == [
            ("2027-01-01", "2028-01-01"), ("2028-01-01", "2029-01-01"),
        ]  # fmt: skip
    assert [chore(house, "2027-12-05T06:50"), chore(house, "2028-01-20T06:50")] == [0, 0]
    with house.app_context(), reading():
        assert term().subscription.state is SubscriptionState.ACTIVE


def test_a_tick_renews_and_silence_ends_after_grace(house: Flask) -> None:
    with s.at(house, "2026-12-20T10:00"):
        bought()
        terms.choose(term(), by_itself=True, by=s.person("own"))
    chore(house, "2027-11-02T06:50")
    with house.app_context(), reading():
        assert terms.last_period(term()).n == 0
    chore(house, "2027-12-02T06:50")
    with s.at(house, "2027-12-03T10:00"):
        assert terms.last_period(term()).n == 1
        terms.choose(term(), by_itself=False, by=s.person("own"))
        invoice = terms.last_period(term()).invoice
        assert invoice is not None
        s.paid(invoice)
    for day in ("2028-11-02", "2029-01-01", "2029-01-15"):
        chore(house, f"{day}T06:50")
    with house.app_context(), reading(), clock.stopped_at(s.china("2029-01-15T12:00")):
        found = coverage.cover(s.org())
        assert found is not None
        assert found.standing is coverage.Standing.GRACE
    for day in ("2029-01-16", "2029-01-17"):
        chore(house, f"{day}T06:50")
    with house.app_context(), reading(), clock.stopped_at(s.china("2029-01-17T12:00")):
        assert (term().subscription.state, coverage.cover(s.org())) == (SubscriptionState.ENDED, None)


def test_notice_ends_a_service_with_its_period_and_is_taken_back(house: Flask) -> None:
    with s.at(house, "2026-12-20T10:00"):
        bought()
    chore(house, "2027-11-02T06:50")
    with s.at(house, "2027-11-10T10:00"):
        terms.leave(term(), by=s.person("own"), reason="We stop")
        assert term().subscription.state is SubscriptionState.ENDING
        assert terms.open_renewals(term()) == []
        terms.stay(term(), by=s.person("own"))
        assert term().subscription.state is SubscriptionState.ACTIVE
    with s.at(house, "2027-12-10T10:00"), pytest.raises(Refused, match="day for notice"):
        terms.leave(term(), by=s.person("own"), reason="Too late")


def test_support_ended_early_is_credited_by_two_and_covers_to_its_last_day(house: Flask) -> None:
    with s.at(house, "2026-12-20T10:00"):
        bought()
    with s.at(house, "2027-06-30T10:00"):
        made = terms.propose_ending(term(), last_day=date(2027, 6, 30), by=s.person("fang"), reason="Merged")
        with pytest.raises(Forbidden, match="proposed this yourself"):
            terms.confirm_ending(made, by=s.person("fang"))
        terms.confirm_ending(made, by=s.person("mia"))
        note = db.session.scalars(select(CreditNote)).one()
        assert s.fen(note.net, note.tax, note.gross) == [4_755_751, 285_345, 5_041_096]
        assert coverage.cover(s.org()) is not None
    with s.at(house, "2027-07-01T10:00"):
        assert coverage.cover(s.org()) is None


def together(app: Flask, deed: Callable[[int], None], count: int = 6) -> list[str]:
    """Do one thing in several threads at once; return what each ended with."""

    def run(n: int) -> str:
        def one() -> str:
            with transaction():
                deed(n)
            return "done"

        with app.app_context(), clock.stopped_at(s.china("2026-12-20T11:00")):
            try:
                return patiently(one)
            except Refused:
                return "refused"

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(run, range(count)))


def test_two_owners_and_many_clicks_make_one_order(house: Flask) -> None:
    with s.at(house, "2026-12-20T10:00"):
        row = s.sent(Ask("support.gold"))
        number, digest = row.id, row.digest
        _lines, word = buying.preview(s.party(), Ask("enterprise"))

    def accept(n: int) -> None:
        quote = db.session.get_one(ServiceQuote, number)
        accepting.accept(quote, digest=digest, by=s.person("own" if n % 2 else "owen"))

    assert together(house, accept) == ["done", *["refused"] * 5]

    def buy(_n: int) -> None:
        given: dict[str, Any] = {"seen": word, "once": "x" * 32, "by": s.person("own"), "language": "en"}
        buying.buy(s.party(), Ask("enterprise"), **given)

    assert together(house, buy) == ["done"] * 6
    with house.app_context(), reading():
        orders = select(func.count()).where(Order.ordered_subject.startswith("service_quote"))
        assert db.session.scalar(orders) == 2
        assert db.session.scalar(select(func.count()).where(ServiceQuote.state == Q.ACCEPTED)) == 2
