"""Quotes of services (services.md §2): versions, the second person, who accepts, one order, exact figures, buyers' orders."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from portal.billing import purchase_orders, recognising
from portal.billing.changing import Outdated
from portal.billing.models import Instalment, Invoice, Order
from portal.billing.price_models import PriceVersion
from portal.billing.quote_models import QUOTE_LIFE
from portal.core import catalogue, clock
from portal.core.db import db, reading
from portal.core.errors import Forbidden, Refused
from portal.core.mail import MailMessage
from portal.core.money import Money, spread
from portal.services import verify
from portal.services.contracts import verbs as contracts
from portal.services.offers import buyers, rows
from portal.services.quotes import accepting, buying, customer_orders, drafting, plan, sending
from portal.services.quotes.deciding import Second
from portal.services.quotes.figures import Ask, figured
from portal.services.quotes.models import Frozen, Q, ServiceQuote
from portal.services.support import coverage
from tests import services_scene as s


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app)
    return app


def only() -> ServiceQuote:
    return db.session.scalars(select(ServiceQuote)).one()


def count(kind: type) -> int:
    return int(db.session.scalar(select(func.count()).select_from(kind)) or 0)


def test_a_quote_goes_from_draft_to_order_in_exactly_its_figures(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        row = s.sent()
        assert (row.state, row.name, str(row.expires_on)) == (Q.SENT, "Q-2026-000001 v1", "2026-04-01")
        assert s.fen(row.gross, row.net, row.tax) == [48_000_000, 45_283_020, 2_716_980]
        assert (row.needs_contract, row.needs_order, len(row.digest)) == (True, False, 64)
    with s.at(house, "2026-03-03T10:00"):
        row = s.accepted(only())
        order, invoice = row.order, row.invoice
        assert order is not None
        assert invoice is not None
        assert (row.state, row.accepted_by) == (Q.ACCEPTED, s.person("sig"))
        assert s.fen(order.lines[0].net, order.lines[0].gross, invoice.gross) == [
            45_283_020, 48_000_000, 14_400_000,
        ]  # fmt: skip
        parts = db.session.scalars(select(Instalment).order_by(Instalment.n)).all()
        assert [one.net.minor for one in parts] == [13_584_906, 18_113_208, 13_584_906]
        assert [one.due_on is None for one in parts] == [False, True, True]
        contract = contracts.of_quote(row)
        assert contract is not None
        assert s.fen(contract.gross, contract.net, contract.tax) == [48_000_000, 45_283_020, 2_716_980]
    with house.app_context(), reading():
        assert verify.verify_quotes() == (1, [])
        titles = [one.title for one in db.session.query(MailMessage).order_by(MailMessage.id)]
        assert any("Quote Q-2026-000001 v1" in one for one in titles)
        assert any("accepted quote" in one for one in titles)


def test_what_was_sent_never_changes(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        s.sent()
    for statement in (
        "UPDATE service_quote SET gross = gross + 1, net = net + 1",
        "UPDATE service_quote_line SET quantity = 2",
        "DELETE FROM service_quote_line",
        "DELETE FROM service_quote",
    ):
        with pytest.raises(DatabaseError), s.at(house, "2026-03-02T11:00"):
            db.session.execute(text(statement))
    with pytest.raises(Frozen), s.at(house, "2026-03-02T11:00"):
        only().clauses = "and one more thing"
        db.session.flush()
    with pytest.raises(Refused, match="Only a draft"), s.at(house, "2026-03-02T11:00"):
        drafting.redraft(only(), [s.work(1)], by=s.person("lea"))


def test_a_new_version_ends_the_old_one_and_only_one_is_accepted(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        first = s.sent()
        second = drafting.revise(first, by=s.person("lea"))
        assert drafting.revise(first, by=s.person("lea")) is second
        assert (first.state, second.state, second.name) == (Q.SENT, Q.DRAFT, "Q-2026-000001 v2")
        drafting.redraft(second, [s.work(40_000_000)], by=s.person("lea"))
        sending.send(second, by=s.person("lea"))
        assert (first.state, second.state) == (Q.SUPERSEDED, Q.SENT)
        assert drafting.newest(first) is second
    with s.at(house, "2026-03-03T10:00"):
        old, new = drafting.versions(db.session.scalars(select(ServiceQuote)).first())[::-1]  # type: ignore[arg-type]
        with pytest.raises(Refused, match="closed already"):
            s.accepted(old)
        with pytest.raises(Outdated, match="not the version"):
            accepting.accept(new, digest=old.digest, by=s.person("sig"))
        s.accepted(new)
        with pytest.raises(Refused, match="closed already"):
            s.accepted(new, by="own")
        with pytest.raises(Refused, match="newest version"):
            drafting.revise(new, by=s.person("lea"))
        assert (count(Order), new.gross.minor) == (2, 40_000_000)  # beside the dues of the member


def test_a_second_person_stands_for_what_is_unusual(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        low = drafting.draft(s.party(), [s.work(5_000_000)], by=s.person("lea"), title=s.TITLE)
        with pytest.raises(Refused, match="write why"):
            sending.send(low, by=s.person("lea"))
        drafting.redraft(low, [s.work(5_000_000)], by=s.person("lea"), note="A first small step")
        assert sending.send(low, by=s.person("lea")).state is Q.IN_APPROVAL
        assert low.second_reasons == ["range"]
        with pytest.raises(Forbidden, match="wrote this quote"):
            sending.approve(low, by=s.person("lea"))
        with pytest.raises(Forbidden, match="somebody else"):
            sending.approve(low, by=s.person("lars"))
        sending.return_quote(low, by=s.person("mia"), reason="Say what is in it")
        assert (low.state, low.returned) == (Q.DRAFT, "Say what is in it")
        sending.send(low, by=s.person("lea"))
        assert sending.approve(low, by=s.person("mia")).state is Q.SENT
        assert low.second == s.person("mia")
    cases: tuple[tuple[dict[str, Any], int, list[Second], str], ...] = (
        ({"off_bp": 2_001}, 48_000_000, [Second.DISCOUNT], "mia"),
        ({}, 48_000_000, [Second.CLAUSES], "max"),
        ({}, 48_000_000, [Second.CREDIT], "fang"),
        ({}, 100_000_001, [Second.LARGE], "eva"),
    )
    for more, sum_, why, who in cases:
        with s.at(house, "2026-03-02T11:00"):
            extra: dict[str, Any] = {"clauses": "Ours alone"} if why == [Second.CLAUSES] else {}
            credit = why == [Second.CREDIT]
            row = s.sent(s.work(sum_, **more), note="because", on_credit=credit, **extra)
            assert (row.state, row.second_reasons) == (Q.IN_APPROVAL, [one.value for one in why])
            assert sending.approve(row, by=s.person(who)).state is Q.SENT
    with s.at(house, "2026-03-02T12:00"):
        assert s.sent(s.work(off_bp=2_000)).state is Q.SENT
        assert s.sent(s.work(100_000_000)).state is Q.SENT


def test_who_accepts_up_to_which_sum(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        large, middle, small = (
            s.sent(s.work(sum_), note="x") for sum_ in (20_000_001, 20_000_000, 10_000_000)
        )
        assert [accepting.may_accept(s.person(who), large) for who in ("sig", "own", "bill", "tech")] == [
            True, False, False, False,
        ]  # fmt: skip
        assert [accepting.may_accept(s.person(who), middle) for who in ("own", "bill")] == [True, False]
        tiny = s.sent(Ask("days", sum_=2_000_000, quantity=4))
        assert [accepting.may_accept(s.person(who), tiny) for who in ("bill", "sam", "lea")] == [
            True, False, False,
        ]  # fmt: skip
        for who, row in (("own", large), ("bill", small), ("tech", small), ("sam", small)):
            with pytest.raises(Forbidden, match="signatory"):
                s.accepted(row, by=who)
        assert s.accepted(tiny, by="bill").state is Q.ACCEPTED
        assert s.accepted(middle, by="own").state is Q.ACCEPTED
        assert s.accepted(large).state is Q.ACCEPTED


def test_what_moved_or_is_over_is_not_accepted(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        s.sent()
    with s.at(house, "2026-04-02T10:00"):
        with pytest.raises(Outdated, match="expired"):
            s.accepted(only())
        made = accepting.opens_new(only(), by="services")
        assert (made.version, made.state) == (2, Q.DRAFT)
    with s.at(house, "2026-04-02T11:00"):
        first = drafting.versions(made)[-1]
        assert first.state is Q.SENT
    with house.app_context(), clock.stopped_at(s.china("2026-04-02T12:00")):
        assert [sending.expire_quotes(), sending.expire_quotes()] == [1, 0]
    with s.at(house, "2026-04-03T10:00"):
        assert [one.state for one in drafting.versions(made)] == [Q.DRAFT, Q.EXPIRED]
        sending.send(db.session.get_one(ServiceQuote, made.id), by=s.person("lea"))
        catalogue_day = date(2026, 4, 4)
        price = db.session.scalars(
            select(PriceVersion).where(PriceVersion.id == made.lines[0].price_id)
        ).one()
        price.valid_to = catalogue_day
        db.session.flush()
        catalogue.forget()
    with s.at(house, "2026-04-05T10:00"):
        catalogue.forget()
        with pytest.raises(Outdated):
            s.accepted(db.session.get_one(ServiceQuote, made.id))
        assert count(Order) == 1


def test_the_standing_of_the_buyer_is_part_of_the_price(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        row = s.sent(Ask("support.gold"))
        assert (s.fen(row.gross), buyers.tier_of(s.party())) == ([10_000_000], "gold")
        assert buyers.tier_of(s.party("Spruce Software")) == ""
        assert not buyers.open_to(rows.one("support.gold"), s.party("Spruce Software"))
    with s.at(house, "2026-03-03T10:00"):
        s.org().category = "software"
        db.session.flush()
        with pytest.raises(Outdated, match="standing"):
            s.accepted(only())


def test_it_ends_otherwise_with_a_reason(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        one, two = s.sent(), s.sent()
        sending.decline(one, by=s.person("own"), reason="price", words="Too dear")
        assert (one.state, one.end_reason, one.end_words) == (Q.DECLINED, "price", "Too dear")
        sending.withdraw(two, by=s.person("lea"), reason="Wrong sum")
        assert two.state is Q.WITHDRAWN
        with pytest.raises(Refused, match="closed already"):
            sending.decline(two, by=s.person("own"), reason="price")
        assert list(accepting.reasons()) == [
            "price", "time", "scope", "other_supplier", "postponed", "other",
        ]  # fmt: skip
    seen, todo = set(), [Q.DRAFT]
    while todo:
        state = todo.pop()
        seen.add(state)
        todo += [one for one in QUOTE_LIFE[state] if one not in seen]
    assert seen == set(Q)


def test_overdue_invoices_stop_new_orders(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        s.accepted(s.sent(Ask("days", sum_=2_000_000, quantity=4)), by="own")
        waiting = s.sent(s.work(), valid_days=90)
        number = str(db.session.scalars(select(Invoice.number).order_by(Invoice.id.desc())).first())
    with s.at(house, "2026-04-10T10:00"):
        assert s.sent().state is Q.SENT  # what is offered is not ordered yet
        with pytest.raises(Refused, match=number):
            s.accepted(db.session.get_one(ServiceQuote, waiting.id))
        s.paid(db.session.scalars(select(Invoice).where(Invoice.number == number)).one())
        assert s.accepted(db.session.get_one(ServiceQuote, waiting.id)).state is Q.ACCEPTED


def test_a_purchase_order_is_printed_watched_and_stops_at_its_sum(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        customer_orders.require(s.party(), True, by=s.person("own"))
        order = customer_orders.give(
            s.party(), "PO-77", by=s.person("bill"), ordered_on=date(2026, 3, 1), most=Money(60_000_000)
        )
        with pytest.raises(Refused, match="known already"):
            customer_orders.give(s.party(), "PO-77", by=s.person("bill"), ordered_on=date(2026, 3, 1))
        first, second = s.sent(), s.sent(s.work(12_000_000))
        assert first.needs_order
        with pytest.raises(Refused, match="needs your purchase order"):
            s.accepted(first)
        done = accepting.accept(first, digest=first.digest, by=s.person("sig"), customer_order=order)
        assert done.invoice is not None
        assert purchase_orders.at_issue(done.invoice) == "PO-77"
        assert customer_orders.used(order) == Money(48_000_000)
        mails = select(func.count()).where(MailMessage.title.contains("nearly used up"))
        assert db.session.scalar(mails) == 5
        accepting.accept(second, digest=second.digest, by=s.person("sig"), customer_order=order)
        third = s.sent(s.work(10_000_000))
        with pytest.raises(Refused, match="of which"):
            accepting.accept(third, digest=third.digest, by=s.person("sig"), customer_order=order)
        assert db.session.scalar(mails) == 5
        foreign = customer_orders.give(
            s.party("Spruce Software"), "PO-1", by=s.person("sam"), ordered_on=date(2026, 3, 1)
        )
        with pytest.raises(Refused, match="no such purchase order"):
            accepting.accept(third, digest=third.digest, by=s.person("sig"), customer_order=foreign)


@pytest.mark.parametrize(
    ("sum_", "parts"),
    [(20_000_000, [8_000_000, *[4_000_000] * 3]), (19_999_999, [7_999_999, *[4_000_000] * 3])],
)
def test_a_bundle_is_spread_over_its_parts(house: Flask, sum_: int, parts: list[int]) -> None:
    with s.at(house, "2026-03-02T10:00"):
        off = 20_000_000 - sum_
        lines = figured(Ask("enterprise"), s.party(), day=clock.today())
        assert [one.gross for one in lines] == [8_000_000, *[4_000_000] * 3]
        assert [one.price.stream for one in lines] == ["support", *["licensing"] * 3]
        weights = [10_000_000, 5_000_000, 5_000_000, 5_000_000]
        assert spread(20_000_000 - off, weights) == parts


def test_the_enterprise_edition_is_bought_in_one_page_and_gives_support(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        _lines, seen = buying.preview(s.party(), Ask("enterprise"))
        given: dict[str, Any] = {"seen": seen, "once": "a" * 32, "by": s.person("own"), "language": "en"}
        with pytest.raises(Outdated, match="has changed"):
            buying.buy(s.party(), Ask("enterprise"), **{**given, "seen": "0" * 64})
        row = buying.buy(s.party(), Ask("enterprise"), **given)
        assert (row.state, row.gross.minor, len(row.lines)) == (Q.ACCEPTED, 20_000_000, 4)
        assert buying.buy(s.party(), Ask("enterprise"), **given).id == row.id
        assert count(ServiceQuote) == 1
        assert row.invoice is not None
        assert row.invoice.gross == row.gross
        assert coverage.cover(s.org()) is None
        s.paid(row.invoice)
        found = coverage.cover(s.org())
        assert found is not None
        assert (found.level, str(found.until)) == ("gold", "2027-03-02")
        assert verify.verify_quotes() == (1, [])
        with pytest.raises(Refused, match="sold by quote"):
            buying.buy(s.party(), Ask("adaptation.chip"), **{**given, "once": "b" * 32})
        spruce = s.party("Spruce Software")
        _lines, seen = buying.preview(spruce, Ask("support.gold"))
        with pytest.raises(Refused, match="not open to you"):
            buying.buy(
                spruce,
                Ask("support.gold"),
                **{**given, "seen": seen, "once": "c" * 32, "by": s.person("sam")},
            )


def test_plans_make_a_hundred(house: Flask) -> None:
    good = s.three_steps()
    assert plan.read(plan.written(good)) == good
    assert plan.check(good) is good
    for broken, words in (
        (plan.Plan(good.stages[:2]), "100 %"),
        (plan.Plan(good.stages, good.dues[:2]), "100 %"),
        (plan.Plan((), good.dues), "not there"),
        (plan.Plan((*good.stages, good.stages[0])), "short name"),
    ):
        with s.at(house, "2026-03-02T10:00"), pytest.raises(Refused, match=words):
            plan.check(broken)


def test_a_quote_says_what_its_buyer_would_be_of_the_years_income(house: Flask) -> None:
    with house.app_context(), clock.stopped_at(s.china("2026-06-02T09:00")):
        recognising.recognise()
    with s.at(house, "2026-06-02T10:00"):
        row = s.sent(Ask("days", sum_=2_000_000, quantity=4), to="Spruce Software")
        assert 0 < row.share_bp < 2_500
        assert (
            s.sent().share_bp == 10_000
        )  # nobody else has brought in anything: the member's own dues are all there is
