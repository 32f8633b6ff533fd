"""Instalments by the rate of each one's day of issue, with the discount that is in them (billing.md §2, §3, example 6)."""

from __future__ import annotations

from datetime import date

from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.billing import discounting, earning, issuing, ledger, publishing, quoting, splitting
from portal.billing.catalogue import price_of
from portal.billing.instalments import share_discount
from portal.billing.issuing import Item
from portal.billing.models import Instalment, Invoice, Order, OrderLine, Party
from portal.billing.papers import figure, words_of
from portal.billing.pricing import DiscountKind
from portal.billing.splitting import Share, in_instalments
from portal.billing.subscription_models import DueRule
from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.money import Money, spread
from tests import books, sale
from tests.test_prices import publish
from tests.test_subscriptions import offer, quoted

SIGNED, SWITCH, LATER = date(2027, 2, 1), date(2027, 6, 1), date(2027, 7, 1)


def switch(code: str, bp: int | None) -> None:
    """Publish another rate of a tax category from the day of the switch on; call inside a transaction."""
    words = {"en": f"{bp or 0} bp", "zh": "新税率"}
    row = publishing.propose_tax(code, bp=bp, words=words, valid_from=SWITCH, by=books.person("fang"))
    publishing.publish(row, by=books.person("feng"))


def bills() -> list[Invoice]:
    """Return all invoices in order."""
    return list(db.session.scalars(select(Invoice).order_by(Invoice.id)))


def test_each_half_is_taxed_by_the_row_of_its_own_day(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with clock.stopped_at(SIGNED), transaction():
            quote = quoted(30_000_000, halves=True)
            quoting.accept(quote, by=books.person("chen"))
            line = quote.lines[0].new_line
            assert line is not None
            number = line.id
            switch(line.tax_category, 300)
        with clock.stopped_at(LATER):
            with transaction():
                line = db.session.get_one(OrderLine, number)
                earning.accept_milestone(line, 100, on=LATER)
                splitting.reach(splitting.of_line(line)[1], on=LATER, by=books.person("fang"))
            assert splitting.sweep() == 1
        with reading():
            one, two = bills()
            assert (one.net, one.tax, one.gross) == (Money(14_150_943), Money(849_057), Money(15_000_000))
            assert (two.net, two.tax, two.gross) == (Money(14_563_107), Money(436_893), Money(15_000_000))
            said = two.lines[0]
            assert (said.tax_bp, said.tax_words["zh"], one.lines[0].tax_bp) == (300, "新税率", 600)
            line = said.order_line
            assert (line.net, line.tax) == (one.net + two.net, one.tax + two.tax)
            assert sale.standing(line) == (line.net.minor, 0, 0)  # all accepted is all earned, of the new net
            assert ledger.balance(ledger.VAT) == -line.tax
            assert verify_books()[1] == []


def test_a_price_without_tax_in_it_gets_the_tax_of_the_day_of_issue(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with clock.stopped_at(SIGNED), transaction():
            publish("publication.deep", 1_000_000, SIGNED, inclusive=False)
            order = issuing.place_order(books.party(), "test:1", [Item(price_of("publication.deep"))])
            line = order.lines[0]
            in_instalments(line, [Share(1), Share(1, DueRule.DATE, LATER)], inclusive=False)
            switch(line.tax_category, None)
        for day in (SIGNED, LATER):
            with clock.stopped_at(day):
                assert splitting.sweep() == 1
        with reading():
            one, two = bills()
            assert (one.net, one.tax) == (Money(500_000), Money(30_000))
            assert (two.net, two.tax, two.lines[0].tax_bp) == (Money(500_000), Money(0), None)
            line = two.lines[0].order_line
            assert (line.net, line.tax, line.gross) == (Money(1_000_000), Money(30_000), Money(1_030_000))
            assert line.list_amount == line.gross
            assert verify_books()[1] == []


def test_each_instalments_invoice_shows_list_discount_and_net(app: Flask) -> None:
    books.house(app)
    with app.app_context():
        with clock.stopped_at(SIGNED), transaction():
            found = offer(DiscountKind.PERCENT, 1_000)
            order = discounting.order_with(
                books.party(), "test:1", [Item(price_of("publication.deep"))], [found]
            )
            line = order.lines[0]
            listed, off = line.list_amount, line.discount
            in_instalments(line, [Share(1), Share(2, DueRule.DATE, LATER)])
            assert (line.list_amount, line.discount) == (listed, off)
        for day in (SIGNED, LATER):
            with clock.stopped_at(day):
                assert splitting.sweep() == 1
        with reading():
            lines = [bill.lines[0] for bill in bills()]
            assert sum((one.discount for one in lines), Money(0)) == off
            assert sum((one.list_amount for one in lines), Money(0)) == listed
            assert all(one.discount and one.list_amount - one.discount == one.gross for one in lines)
            assert all(one.discount_words["en"] == "percent 1000" for one in lines)
            shown = words_of(bills()[1])["lines"][0]
            assert (shown["list"], shown["discount"]) == (
                figure(lines[1].list_amount),
                figure(lines[1].discount),
            )


@given(
    st.integers(1, 10**10), st.lists(st.integers(1, 50), min_size=1, max_size=9), st.integers(0, 10**9),
)  # fmt: skip
@settings(max_examples=500, deadline=None)
def test_discounts_of_parts_make_the_discount(total: int, weights: list[int], off: int) -> None:
    line = OrderLine(
        order=Order(party=Party(title="x"), ordered_subject="x"), product="x", stream="x", recognition="daily",
        price_version=1, quantity=1, list_amount=Money(total + off), discount=Money(off), gross=Money(total),
        net=Money(total), tax=Money(0), tax_category="x", tax_bp=None, words={},
    )  # fmt: skip
    rows = [
        Instalment(order_line=line, n=n, gross=Money(part), net=Money(part), tax=Money(0))
        for n, part in enumerate(spread(total, weights))
    ]
    share_discount(line, rows)
    assert sum(row.discount.minor for row in rows) == off
    assert all(row.discount.minor >= 0 for row in rows)
