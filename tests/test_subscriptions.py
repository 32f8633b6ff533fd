"""Subscriptions over a year, changes to the fen, discounts and instalments, on rows (billing.md §3, I7, I8)."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.billing import (
    change_plan,
    changing,
    discounting,
    issuing,
    ledger,
    quoting,
    recognising,
    splitting,
    subscribing,
)
from portal.billing.catalogue import price_of
from portal.billing.discount_models import DiscountOffer, DiscountState, Redemption
from portal.billing.issuing import Item
from portal.billing.models import Invoice, InvoiceState, OrderLine
from portal.billing.money_models import JournalLine
from portal.billing.note_models import CreditNote
from portal.billing.pricing import DiscountKind
from portal.billing.proration import charge, credit
from portal.billing.quote_models import Quote, QuoteState
from portal.billing.splitting import Share, in_instalments, parts_of
from portal.billing.subscription_models import (
    DueRule,
    Renewal,
    Subscription,
    SubscriptionPeriod,
    SubscriptionState,
)
from portal.billing.verify import verify_books
from portal.core import audit, clock, periods
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.money import Money
from tests import books
from tests.test_prices import publish
from tests.undone import examples

NEW_YEAR = date(2027, 1, 1)
PURE = settings(max_examples=500, deadline=None)
DAYS = st.dates(date(2020, 1, 1), date(2036, 12, 31))
ANCHORS = st.one_of(
    DAYS, st.sampled_from([date(2028, 2, 29), date(2027, 1, 29), date(2027, 1, 30), date(2027, 1, 31)])
)


def subscribe(code: str = "support.gold", *, day: date = NEW_YEAR, **more: Any) -> int:
    """Subscribe the company on a day; return the subscription's id."""
    with clock.stopped_at(day), transaction():
        found = subscribing.subscribe(books.party(), price_of(code), by="test", language="en", **more)
        return found.id


def row(number: int) -> Subscription:
    return db.session.get_one(Subscription, number)


def change(number: int, code: str, day: date, **more: Any) -> Quote:
    """Quote and accept a change on a day."""
    with clock.stopped_at(day), transaction():
        quote = changing.quote_change(row(number), price_of(code), by="test", **more)
        shown = (quote.gross, [(line.net, line.tax) for line in quote.lines])
        number = quote.id
    with clock.stopped_at(day), transaction():
        taken = changing.accept_change(db.session.get_one(Quote, number), by="test")
        if taken.invoice is not None:
            invoiced = (taken.invoice.gross, [(line.net, line.tax) for line in taken.invoice.lines])
            assert invoiced == shown
        return taken


def on_account(account: str, line: OrderLine) -> Money:
    found = db.session.scalar(
        select(func.coalesce(func.sum(JournalLine.amount), 0)).where(
            JournalLine.account == account, JournalLine.order_line_id == line.id
        )
    )
    return found if isinstance(found, Money) else Money(int(found or 0))


# --- Pure rules


@pytest.mark.parametrize(
    ("day", "gave", "took"),
    [
        (date(2027, 10, 20), (-1_886_792, -113_208, -2_000_000), (9_433_962, 566_038, 10_000_000)),
        (date(2027, 4, 11), None, None),
    ],
)
def test_example_5_is_what_is_left_of_each(day: date, gave: Any, took: Any) -> None:
    back = credit(9_433_962, 566_038, NEW_YEAR, date(2028, 1, 1), day)
    new = charge(50_000_000, NEW_YEAR, date(2028, 1, 1), day, 600)
    if gave:
        assert (back.net, back.tax, back.gross) == gave
        assert (new.net, new.tax, new.gross) == took
    else:
        assert new.gross == 36_301_370
        assert (back + new).gross == 29_041_096


@given(ANCHORS, st.sampled_from([1, 3, 12]), st.integers(-40, 40))
@PURE
def test_i7_periods_tile(anchor: date, months: int, n: int) -> None:
    start, end = periods.period(anchor, months, n)
    assert start < end == periods.period(anchor, months, n + 1)[0]
    assert periods.nth(anchor, months, 0) == anchor


@given(
    st.integers(1, 10**10), st.integers(1, 10**10), DAYS, st.integers(1, 400), st.integers(0, 400),
    st.sampled_from([None, 600, 300, 1300]), st.booleans(),
)  # fmt: skip
@PURE
def test_i8_a_change_costs_its_days(
    old: int, new: int, start: date, length: int, after: int, bp: int | None, inclusive: bool
) -> None:
    end, day = start + timedelta(days=length), start + timedelta(days=min(after, length))
    first = charge(old, start, end, start, bp, inclusive=inclusive)
    back = credit(first.net, first.tax, start, end, day)
    fresh = charge(new, start, end, day, bp, inclusive=inclusive)
    left = (end - day).days
    whole = charge(new, start, end, start, bp, inclusive=inclusive)
    if day == start:
        assert (back + first).gross == 0
        assert fresh == whole
    if day == end:
        assert (back.gross, fresh.gross) == (0, 0)
    assert abs(-back.net * length - first.net * left) <= length  # at most one fen from exact price-days
    terms = (fresh.gross, whole.gross) if inclusive else (fresh.net, whole.net)
    assert abs(terms[0] * length - terms[1] * left) <= length
    assert back.net <= 0
    assert back.tax <= 0 <= fresh.tax


@given(
    st.integers(1, 10**11), st.lists(st.integers(1, 50), min_size=1, max_size=9), st.sampled_from([None, 600]),
    st.booleans(),
)  # fmt: skip
@PURE
def test_the_parts_of_a_line_make_its_terms(
    total: int, weights: list[int], bp: int | None, inclusive: bool
) -> None:
    parts = parts_of(total, weights, bp, inclusive=inclusive)
    assert sum(part.gross if inclusive else part.net for part in parts) == total
    assert all(part.gross == part.net + part.tax for part in parts)


# --- A year of billing


def test_a_year_renews_once_and_missed_runs_are_caught_up(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe()
        with clock.stopped_at(date(2027, 12, 1)):
            assert subscribing.sweep() == 0
        with clock.stopped_at(date(2027, 12, 2)):
            assert subscribing.sweep() == 1
            assert subscribing.sweep() == 0
        with clock.stopped_at(date(2031, 1, 2)):  # three years without a chore
            assert subscribing.sweep() == 3
    with app.app_context(), reading():
        found = row(number).periods
        assert [(one.n, one.start) for one in found] == [(n, date(2027 + n, 1, 1)) for n in range(5)]
        assert all(one.end == two.start for one, two in pairwise(found))
        assert db.session.scalar(select(func.count(Invoice.id))) == 5
        assert verify_books()[1] == []


@pytest.mark.parametrize(
    ("code_months", "anchor", "starts"),
    [
        ("month", date(2027, 1, 31), ["2027-02-28", "2027-03-31", "2027-04-30"]),
        ("year", date(2028, 2, 29), ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("quarter", date(2026, 11, 30), ["2027-02-28", "2027-05-30", "2027-08-30", "2027-11-30"]),
    ],
)
def test_example_3_anchors_are_kept(app: Flask, code_months: str, anchor: date, starts: list[str]) -> None:
    books.house(app)
    with app.app_context():
        with clock.stopped_at(date(2026, 11, 1)), transaction():
            publish("support.gold", 1_000_000, date(2026, 11, 20), interval=code_months)
        number = subscribe(day=anchor, lead_days=0)
        with clock.stopped_at(date.fromisoformat(starts[-1])):
            subscribing.sweep()
    with app.app_context(), reading():
        assert [str(one.start) for one in row(number).periods] == [str(anchor), *starts]


def test_the_price_is_pinned_or_follows_the_day(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        keeps = subscribe(renewal=Renewal.KEEP)
        follows = subscribe(renewal=Renewal.LATEST)
        with clock.stopped_at(date(2027, 3, 1)), transaction():
            publish("support.gold", 12_000_000, date(2027, 6, 1))
        with clock.stopped_at(date(2027, 12, 15)):
            assert subscribing.sweep() == 2
    with app.app_context(), reading():
        assert [one.line.gross.minor for one in row(keeps).periods] == [10_000_000, 10_000_000]
        assert [one.line.gross.minor for one in row(follows).periods] == [10_000_000, 12_000_000]


def test_example_5_upgrade_on_october_20(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe()
        day = date(2027, 10, 20)
        change(number, "support.platinum", day)
    with app.app_context(), reading():
        invoice = db.session.scalars(select(Invoice).order_by(Invoice.id.desc())).first()
        assert invoice is not None
        assert (invoice.net, invoice.tax, invoice.gross) == (
            Money(7_547_170),
            Money(452_830),
            Money(8_000_000),
        )
        old, new = (line.order_line for line in invoice.lines)
        assert on_account(ledger.DEFERRED, old) == -Money(9_433_962 - 1_886_792)
        assert on_account(ledger.DEFERRED, new) == -Money(9_433_962)
        assert (new.period_start, new.period_end) == (day, date(2028, 1, 1))
        assert row(number).price.product.code == "support.platinum"
        assert verify_books()[1] == []


def test_example_5_upgrade_on_april_11(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe()
        quote = change(number, "support.platinum", date(2027, 4, 11))
        assert [line.gross for line in quote.lines] == [Money(-7_260_274), Money(36_301_370)]
        assert quote.gross == Money(29_041_096)


def test_a_downgrade_waits_for_the_next_period(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe("support.platinum")
        quote = change(number, "support.gold", date(2027, 5, 5))
        assert (quote.gross, quote.invoice, quote.effective_on) == (Money(0), None, date(2028, 1, 1))
        with clock.stopped_at(date(2027, 12, 15)):
            subscribing.sweep()
    with app.app_context(), reading():
        assert [one.line.gross.minor for one in row(number).periods] == [50_000_000, 10_000_000]
        assert row(number).next_price_id is None


def test_a_period_ordered_ahead_changes_with_the_running_one(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe()
        with clock.stopped_at(date(2027, 12, 10)):
            subscribing.sweep()
        quote = change(number, "support.platinum", date(2027, 12, 12))
        assert [line.gross.minor for line in quote.lines][2:] == [-10_000_000, 50_000_000]
        assert {line.starts for line in quote.lines} == {date(2027, 12, 12), date(2028, 1, 1)}


def test_more_nodes_in_the_middle_of_a_year(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe("licence.triton", quantity=100)
        quote = change(number, "licence.triton", date(2027, 7, 1), quantity=250)
        half = [line.gross.minor for line in quote.lines]
        assert half == [-2_520_548, 5_545_205]
        with clock.stopped_at(date(2027, 8, 1)), transaction(), pytest.raises(Refused):
            changing.quote_change(row(number), price_of("licence.triton"), by="test", quantity=250)


def test_a_quote_whose_inputs_moved_is_quoted_anew(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe()
        with clock.stopped_at(date(2027, 3, 1)), transaction():
            first = changing.quote_change(row(number), price_of("support.platinum"), by="test").id
            second = changing.quote_change(row(number), price_of("support.platinum"), by="test").id
        with clock.stopped_at(date(2027, 3, 2)), transaction():
            changing.accept_change(db.session.get_one(Quote, first), by="test")
        with clock.stopped_at(date(2027, 3, 3)), transaction(), pytest.raises(changing.Outdated):
            changing.accept_change(db.session.get_one(Quote, second), by="test")
        assert db.session.get_one(Quote, second).state is QuoteState.SENT
        with clock.stopped_at(date(2027, 3, 3)), pytest.raises(Refused), transaction():
            changing.accept_change(db.session.get_one(Quote, first), by="test")


def test_a_price_changed_while_a_quote_is_open(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe()
        with clock.stopped_at(date(2027, 3, 1)), transaction():
            quote = changing.quote_change(row(number), price_of("support.platinum"), by="test").id
            publish("support.platinum", 60_000_000, date(2027, 3, 10))
        with clock.stopped_at(date(2027, 3, 12)), transaction():
            old = db.session.get_one(Quote, quote)
            with pytest.raises(changing.Outdated):
                changing.accept_change(old, by="test")
            fresh = changing.requote(old, by="test")
            assert (old.state, old.replaced_by) == (QuoteState.SUPERSEDED, fresh.uid)
            assert (
                fresh.lines[1].gross.minor
                == charge(60_000_000, NEW_YEAR, date(2028, 1, 1), date(2027, 3, 12), 600).gross
            )
        with clock.stopped_at(date(2027, 5, 1)), transaction(), pytest.raises(changing.Outdated):
            changing.accept_change(db.session.get_one(Quote, fresh.id), by="test")


def test_a_second_upgrade_of_a_day_takes_the_first_back(app: Flask) -> None:
    books.house(app)
    day = date(2027, 4, 11)
    with app.app_context():
        number = subscribe("licence.triton", quantity=100)
        one = change(number, "licence.triton", day, quantity=200)
        two = change(number, "licence.triton", day, quantity=300)
        assert two.lines[0].gross == -one.lines[1].gross
        direct = charge(13_000_000, NEW_YEAR, date(2028, 1, 1), day, 600)
        assert two.lines[1].gross.minor == direct.gross
        assert (one.gross + two.gross).minor == one.lines[0].gross.minor + direct.gross
        with clock.stopped_at(day):
            plan = change_plan.plan(row(number), price_of("licence.triton"), 100, day)
        nets = [sum(line.net.minor for line in quote.lines) for quote in (one, two)]
        assert sum(nets) + sum(line.figures.net for line in plan.lines) == 0
        assert [line.role.value for line in plan.lines] == ["undo", "restore"]
    with app.app_context(), reading():
        assert verify_books()[1] == []


@pytest.fixture
def running_year(app: Flask) -> Flask:
    """A house with one subscription to 100 nodes for 2027."""
    books.house(app)
    with app.app_context():
        subscribe("licence.triton", quantity=100)
    return app


def test_i8_on_rows_accepted_is_quoted_and_a_day_undoes_itself(running_year: Flask) -> None:
    """Each example is rolled back, so that all begin with the same year."""

    @given(st.dates(NEW_YEAR, date(2027, 12, 31)), st.integers(101, 900), st.integers(101, 900))
    @settings(max_examples=examples(running_year), deadline=None, suppress_health_check=list(HealthCheck))
    def run(day: date, first: int, second: int) -> None:
        change_and_back(running_year, day, first, second)

    run()


def change_and_back(app: Flask, day: date, first: int, second: int) -> None:
    """Change to more nodes as quoted, see that the same day undoes it, and change once more."""
    with app.app_context(), clock.stopped_at(day):
        db.session.rollback()
        sub = db.session.scalars(select(Subscription)).one()
        price = price_of("licence.triton")
        quote = changing.quote_change(sub, price, by="test", quantity=first)
        shown = (quote.net, quote.tax, quote.gross)
        done = changing.accept_change(quote, by="test")
        assert done.invoice is not None
        assert (done.invoice.net, done.invoice.tax, done.invoice.gross) == shown
        full = price.listed(first).minor - price.listed(100).minor
        assert abs(done.gross.minor * 365 - full * (date(2028, 1, 1) - day).days) <= 2 * 365
        if day == NEW_YEAR:
            assert done.gross.minor == full
        back = change_plan.plan(sub, price, 100, day)
        assert [
            sum(getattr(line.figures, name) for line in back.lines) for name in ("net", "tax", "gross")
        ] == [-value.minor for value in shown]
        if second > first:
            more = changing.accept_change(
                changing.quote_change(sub, price, by="test", quantity=second), by="test"
            )
            assert more.lines[0].gross == -quote.lines[1].gross
        db.session.rollback()


# --- Ending


def test_a_subscription_ends_at_its_border(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe()
        by = books.person("chen")
        with clock.stopped_at(date(2027, 3, 1)), transaction():
            subscribing.end_subscription(row(number), by=by)
            subscribing.keep_subscription(row(number), by=by)
            subscribing.end_subscription(row(number), by=by)
        with clock.stopped_at(date(2027, 12, 31)):
            assert subscribing.sweep() == 0
        with clock.stopped_at(date(2028, 1, 1)):
            assert subscribing.sweep() == 1
            assert subscribing.sweep() == 0
    with app.app_context(), reading():
        assert row(number).state is SubscriptionState.ENDED
        assert len(row(number).periods) == 1
        verbs = [one.verb for one in db.session.scalars(audit.of_subject(row(number).subject))]
        assert verbs == [
            "subscription.begun", "subscription.ending", "subscription.kept", "subscription.ending",
            "subscription.ended",
        ]  # fmt: skip


# --- Discounts


def offer(kind: DiscountKind, value: int, **more: Any) -> DiscountOffer:
    """Let Fang offer a discount; call inside a transaction."""
    words = {"en": f"{kind.value} {value}", "zh": "优惠"}
    given = {"code": None, "products": [], "starts": clock.today(), "reason": "because", **more}
    return discounting.offer_discount(by=books.person("fang"), words=words, kind=kind, value=value, **given)


def test_example_7_a_fixed_sum_is_spread(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        row_ = offer(DiscountKind.FIXED, 100_000)
        items = [Item(price_of(f"exam.{level}")) for level in ("opdev", "adapt", "arch")]
        order = discounting.order_with(books.party(), "test:7", items, [row_])
        assert [line.discount.minor for line in order.lines] == [14_286, 28_571, 57_143]
        assert [line.net.minor for line in order.lines] == [99_730, 199_461, 398_922]
        invoice = issuing.issue_invoice(order, language="en", by="test")
        assert (invoice.net, invoice.tax, invoice.gross) == (Money(698_113), Money(41_887), Money(740_000))
        assert invoice.lines[0].discount_words == {"en": "fixed 100000", "zh": "优惠"}
        assert db.session.scalar(select(func.count(Redemption.id))) == 3


def test_example_7_founding_platinum(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        row_ = offer(DiscountKind.WAIVER, 0, first_period_only=True, products=["dues.platinum"])
        assert row_.state is DiscountState.PROPOSED
        with pytest.raises(Forbidden):
            discounting.approve_discount(row_, by=books.person("fang"))
        discounting.approve_discount(row_, by=books.person("feng"))
        number = row_.id
    with app.app_context():
        with transaction():
            found = db.session.get_one(DiscountOffer, number)
            sub = subscribing.subscribe(
                books.party(), price_of("dues.platinum"), by="test", discount=found, anchor=clock.today()
            ).id
        with transaction():
            invoice = row(sub).periods[0].invoice
            assert invoice is not None
            line = invoice.lines[0]
            assert (line.list_amount, line.discount, line.gross) == (
                Money(40_000_000),
                Money(40_000_000),
                Money(0),
            )
            assert invoice.state is InvoiceState.PAID
            assert str(invoice.number).startswith("INV-")
            assert ledger.find("invoice", invoice.subject) is None
            assert issuing.cover(invoice) == "waived"
        with clock.stopped_at(clock.today() + timedelta(days=350)):
            assert subscribing.sweep() == 1
    with app.app_context(), reading():
        assert [one.line.gross.minor for one in row(sub).periods] == [0, 40_000_000]
        waived = db.session.scalars(select(Redemption)).one()
        assert waived.amount == Money(40_000_000)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"most_uses": 1}, "已用完"),
        ({"products": ["dues.gold"]}, "其他产品"),
        ({"starts": date(2099, 1, 1)}, "无效"),
        ({"starts": date(2020, 1, 1), "ends": date(2020, 2, 1)}, "无效"),
        ({"audience_kind": "tier", "audience": "gold"}, "无效"),
    ],
)
def test_a_discount_that_does_not_fit_is_refused(app: Flask, fields: dict[str, Any], said: str) -> None:
    books.house(app)
    with app.app_context(), pytest.raises(Refused, match=said), transaction():
        row_ = offer(DiscountKind.PERCENT, 1_000, **fields)
        for n in range(2):
            discounting.order_with(books.party(), f"test:{n}", [Item(price_of("exam.arch"))], [row_])


def test_a_large_discount_takes_two_also_in_parts(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        small = offer(DiscountKind.PERCENT, 2_000)
        assert small.state is DiscountState.ACTIVE
        assert offer(DiscountKind.PERCENT, 2_001).state is DiscountState.PROPOSED
        fixed = offer(DiscountKind.FIXED, 1)
        items = [Item(price_of("exam.arch"))]
        discounting.order_with(books.party(), "test:ok", items, [small])
        with pytest.raises(Refused, match="另一位"):
            discounting.order_with(books.party(), "test:no", items, [small, fixed])
        asked = offer(DiscountKind.FIXED, 200_000, ask=True)
        discounting.approve_discount(asked, by=books.person("feng"))
        order = discounting.order_with(books.party(), "test:two", items, [asked])
        assert order.lines[0].gross == Money(280_000)
        with pytest.raises(Refused, match="理由"):
            offer(DiscountKind.WAIVER, 0, reason="")


def test_discounts_never_go_below_zero_and_codes_are_found_folded(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        row_ = offer(DiscountKind.FIXED, 10**9, code="SPRING", ask=True)
        with pytest.raises(Refused):
            discounting.by_code("spring")
        discounting.approve_discount(row_, by=books.person("feng"))
        found = discounting.by_code(" spring ")
        order = discounting.order_with(books.party(), "test:1", [Item(price_of("exam.arch"))], [found])
        assert order.lines[0].gross == Money(0)
        with pytest.raises(Refused, match="已被占用"):
            offer(DiscountKind.FIXED, 1, code="SPRING")
        discounting.end_discount(found, by=books.person("fang"))
        with pytest.raises(Refused):
            discounting.by_code("SPRING")


# --- Instalments and quotes


def quoted(sum_: int, **more: Any) -> Quote:
    """Let Fang quote an adaptation; call inside a transaction."""
    return quoting.draft_quote(
        books.party(), price_of("adaptation"), by=books.person("fang"), language="en", sum_=sum_, **more
    )


def test_example_6_two_halves_are_a_fen_less(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        quote = quoted(30_000_000, halves=True)
        quoting.accept(quote, by=books.person("chen"))
        line = quote.lines[0].new_line
        assert line is not None
        parts = splitting.of_line(line)
        assert [(one.net.minor, one.tax.minor) for one in parts] == [(14_150_943, 849_057)] * 2
        assert (line.net, line.gross) == (Money(28_301_886), Money(30_000_000))
        assert quote.invoice is not None
        assert quote.invoice.gross == Money(15_000_000)
        splitting.reach(parts[1], on=clock.today(), by=books.person("fang"))
    with app.app_context():
        assert splitting.sweep() == 1
        assert splitting.sweep() == 0
    with app.app_context(), reading():
        assert [one.gross.minor for one in db.session.scalars(select(Invoice))] == [15_000_000, 15_000_000]
        assert verify_books()[1] == []


def test_instalments_of_one_party_on_one_day_share_an_invoice(app: Flask) -> None:
    books.house(app)
    day = clock.today() + timedelta(days=5)
    with app.app_context(), transaction():
        for n in range(3):
            order = issuing.place_order(books.party(), f"test:{n}", [Item(price_of("publication.deep"))])
            in_instalments(
                order.lines[0], [Share(1, DueRule.DATE, day), Share(2, DueRule.DATE, day + timedelta(days=9))]
            )
        with pytest.raises(Refused):
            in_instalments(order.lines[0], [Share(1)])
    with app.app_context():
        assert splitting.sweep() == 0
        with clock.stopped_at(day):
            assert splitting.sweep() == 3
        with clock.stopped_at(day + timedelta(days=9)):
            assert splitting.sweep() == 3
    with app.app_context(), reading():
        assert [len(one.lines) for one in db.session.scalars(select(Invoice).order_by(Invoice.id))] == [3, 3]
        total = sum((one.net for one in db.session.scalars(select(Invoice))), Money(0))
        assert total == sum((line.net for line in db.session.scalars(select(OrderLine))), Money(0))


def test_a_quote_outside_the_range_takes_two_and_expires(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        with pytest.raises(Refused, match="理由"):
            quoted(100)
        quote = quoted(1_000_000, note="a pilot")
        assert quote.state is QuoteState.IN_APPROVAL
        with pytest.raises(Refused):
            quoting.accept(quote, by=books.person("chen"))
        with pytest.raises(Forbidden):
            quoting.approve_quote(quote, by=books.person("fang"))
        quoting.approve_quote(quote, by=books.person("feng"))
        number = quote.id
    with app.app_context(), clock.stopped_at(clock.today() + timedelta(days=31)):
        with transaction(), pytest.raises(changing.Outdated):
            quoting.accept(db.session.get_one(Quote, number), by=books.person("chen"))
        assert quoting.sweep() == 1
        assert quoting.sweep() == 0
    with app.app_context(), reading():
        assert db.session.get_one(Quote, number).state is QuoteState.EXPIRED


def test_two_clicks_make_one_order(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with transaction():
            number = quoted(20_000_000).id
        with transaction():
            quoting.accept(db.session.get_one(Quote, number), by=books.person("chen"))
        with pytest.raises(Refused), transaction():
            quoting.accept(db.session.get_one(Quote, number), by=books.person("chen"))
        assert db.session.scalar(select(func.count(Invoice.id))) == 1
        assert db.session.scalar(select(func.count(SubscriptionPeriod.id))) == 0


def test_back_on_the_same_day_is_one_credit_note(app: Flask) -> None:
    """Up and down on one day nets to 0: the second takes the first back with copied figures."""
    books.house(app)
    day = date(2027, 4, 11)
    with app.app_context():
        number = subscribe()
        up = change(number, "support.platinum", day)
        back = change(number, "support.gold", day)
        assert (up.net + back.net, up.tax + back.tax, up.gross + back.gross) == (Money(0),) * 3
        assert [line.role.value for line in back.lines] == ["undo", "restore"]
        assert back.invoice is None
        note = db.session.scalars(select(CreditNote)).one()
        assert (note.number, note.gross) == (back.credit_note_number, up.gross)
        assert up.invoice is not None
        assert issuing.owed(up.invoice) == Money(0)
        with clock.stopped_at(date(2028, 1, 2)):
            recognising.recognise()
            subscribing.sweep()
    with app.app_context(), clock.stopped_at(date(2028, 1, 2)):
        sums = select(JournalLine.amount).where(JournalLine.account == ledger.income("support"))
        assert sum((one for one in db.session.scalars(sums)), Money(0)) == -Money(9_433_962)
        assert verify_books()[1] == []
        assert row(number).price.product.code == "support.gold"


def test_less_at_once_is_one_credit_note_and_the_rest_earns_on(app: Flask) -> None:
    books.house(app)
    day = date(2027, 7, 1)
    with app.app_context():
        number = subscribe("support.platinum")
        quote = change(number, "support.gold", day, when="now")
        assert (
            quote.gross.minor == charge(10_000_000, NEW_YEAR, date(2028, 1, 1), day, 600).gross - 25_205_479
        )
        again = change(number, "support.platinum", date(2027, 8, 1))
        assert [line.role.value for line in again.lines] == ["credit", "charge"]
        with clock.stopped_at(date(2028, 1, 2)):
            recognising.recognise()
            subscribing.sweep()
            assert verify_books()[1] == []
            assert [one.line.gross.minor for one in row(number).periods] == [50_000_000, 50_000_000]


def test_by_the_end_of_the_year_all_of_example_5_is_income(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        number = subscribe()
        change(number, "support.platinum", date(2027, 10, 20))
        with clock.stopped_at(date(2028, 1, 1)):
            recognising.recognise()
            invoice = db.session.scalars(select(Invoice).order_by(Invoice.id.desc())).first()
            assert invoice is not None
            old, new = (line.order_line for line in invoice.lines)
            assert on_account(ledger.income("support"), old) == -Money(7_547_170)
            assert on_account(ledger.income("support"), new) == -Money(9_433_962)
            assert on_account(ledger.DEFERRED, old) == on_account(ledger.DEFERRED, new) == Money(0)
            assert verify_books()[1] == []
