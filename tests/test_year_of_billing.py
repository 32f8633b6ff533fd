"""A year of billing, a leap year, lived through day by day: what one payer buys, changes, pays late and gets back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask

from portal.billing import (
    closing,
    crediting,
    exchange,
    issuing,
    ledger,
    months,
    recognising,
    refunds,
    revaluing,
    settling,
    subscribing,
)
from portal.billing.catalogue import price_of
from portal.billing.discounting import approve_discount
from portal.billing.models import Invoice, InvoiceState, OrderLine
from portal.billing.money_models import Receipt, Refund, Way
from portal.billing.note_models import NoteKind
from portal.billing.pricing import DiscountKind
from portal.billing.settling import credit_of
from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.periods import earned, nth
from portal.reports.revenue import revenue
from tests import books, sale
from tests.test_prices import publish
from tests.test_subscriptions import change, offer, row

YEAR = (date(2028, 1, 1), date(2029, 1, 1))
PAYEE = refunds.Payee("Galaxy Ltd", "Bank", "6222")


class Year:
    """What the story remembers: rows by number, and the money that came."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def invoice(self, name: str) -> Invoice:
        return issuing.locked(self.numbers[name])

    def line(self, name: str) -> OrderLine:
        return sale.line(db.session.get_one(Invoice, self.numbers[name]))

    # --- January: a founder without dues, support paid in parts, a subscription of the 31st.
    def founder(self) -> None:
        waiver = offer(DiscountKind.WAIVER, 0, first_period_only=True, products=["dues.platinum"])
        approve_discount(waiver, by=books.person("feng"))
        found = subscribing.subscribe(
            books.party(), price_of("dues.platinum"), by="t", language="en", discount=waiver
        )
        self.numbers["founder"] = found.id
        assert found.periods[0].invoice is not None
        assert found.periods[0].invoice.state is InvoiceState.PAID

    def support(self) -> None:
        found = subscribing.subscribe(books.party(), price_of("support.gold"), by="t", language="en")
        self.numbers["support"], self.numbers["first"] = found.id, found.periods[0].invoice_id or 0

    def part(self) -> None:
        books.transfer("B-part", Money(6_000_000), str(self.invoice("first").reference))
        assert issuing.owed(self.invoice("first")) == Money(4_000_000)

    def rest(self) -> None:
        books.transfer("B-rest", Money(4_000_000), str(self.invoice("first").reference))
        assert self.invoice("first").state is InvoiceState.PAID

    def downgraded(self) -> None:
        found = subscribing.subscribe(books.party(), price_of("support.platinum"), by="t", language="en")
        self.numbers["down"], self.numbers["dear"] = found.id, found.periods[0].invoice_id or 0

    def monthly(self) -> None:
        publish("licence.triton", 120_000, clock.today(), interval="month")

    def of_the_31st(self) -> None:
        found = subscribing.subscribe(
            books.party(), price_of("licence.triton"), by="t", language="en", lead_days=0
        )
        self.numbers["monthly"] = found.id

    # --- Leap day, an offer that lapses and is paid afterwards, a thing sold into closed months.
    def leapling(self) -> None:
        found = subscribing.subscribe(books.party(), price_of("dues.silver"), by="t", language="en")
        self.numbers["leap"] = found.id

    def offered(self) -> None:
        self.numbers["offer"] = sale.sell(2_000_000, subject="t:offer", tax=sale.FREE).id

    def lapsed(self) -> None:
        """March is closed by then: the offer goes by a credit note of May, and earned nothing."""
        note = crediting.reverse_invoice(self.invoice("offer"), by="lapse", reason="not paid")
        assert note is not None
        assert self.invoice("offer").reversed
        assert sale.standing(self.line("offer")) == (0, 0, 0)

    def late_money(self) -> None:
        receipt = books.transfer("B-late", Money(2_000_000), str(self.invoice("offer").reference))
        assert credit_of(receipt) == Money(2_000_000)
        again = sale.sell(2_000_000, subject="t:again", tax=sale.FREE)
        assert settling.use_credit(again, by=books.person("chen")) == Money(2_000_000)
        assert again.state is InvoiceState.PAID

    def late_invoice(self) -> None:
        self.numbers["late"] = sale.sell(3_660_000, YEAR, subject="t:late", tax=sale.FREE).id

    # --- Ended early after income was booked, and sent back; dollars.
    def licence(self) -> None:
        invoice = sale.sell(5_000_000, YEAR, subject="t:licence")
        self.numbers["licence"] = invoice.id
        books.transfer("B-licence", Money(5_000_000), str(invoice.reference))

    def ended(self) -> None:
        note = crediting.propose_note(
            self.invoice("licence"), NoteKind.TERMINATION, by=books.person("fang"), reason="ends", last_day=date(2028, 6, 30)
        )  # fmt: skip
        crediting.issue_note(note, by=books.person("feng"))
        receipt = db.session.query(Receipt).filter_by(provider_ref="B-licence").one()
        asked = refunds.request_refund(
            receipt, credit_of(receipt), by=books.person("fang"), reason="ends", payee=PAYEE
        )
        refunds.approve_refund(asked, by=books.person("feng"))

    def sent_back(self) -> None:
        refund = db.session.query(Refund).one()
        refunds.send_refund(refund, by="refunds")
        refunds.finish_refund(refund, good=True, by="refunds")

    def dollars(self) -> None:
        exchange.load_rate("USD", clock.today(), "7.20", source="PBOC", by="fang")
        self.numbers["usd"] = sale.sell(
            100_000, (date(2028, 6, 10), date(2029, 6, 10)), subject="t:usd", tax=sale.FREE, currency="USD"
        ).id

    def rate(self) -> None:
        exchange.load_rate("USD", date(2028, 6, 30), "7.10", source="PBOC", by="fang")

    def dollars_come(self) -> None:
        receipt, _new = settling.record_receipt(
            Way.BANK, "bank", "B-usd", Money(715_000), clock.today(), payer="x", party=books.party(), by="t",
            currency="USD", units=100_000,
        )  # fmt: skip
        settling.put_on(receipt, self.invoice("usd"), by="t")
        assert self.invoice("usd").state is InvoiceState.PAID
        assert ledger.balance(ledger.EXCHANGE) == Money(5_000)

    def story(self) -> dict[date, list[Callable[[], None]]]:
        return {
            date(2028, 1, 1): [self.founder, self.support, self.downgraded],
            date(2028, 1, 2): [self.licence],
            date(2028, 1, 15): [self.monthly],
            date(2028, 1, 20): [self.part],
            date(2028, 1, 31): [self.of_the_31st],
            date(2028, 2, 29): [self.leapling],
            date(2028, 3, 1): [self.offered],
            date(2028, 3, 5): [self.rest],
            date(2028, 4, 10): [self.late_invoice],
            date(2028, 5, 1): [self.lapsed],
            date(2028, 5, 20): [self.late_money],
            date(2028, 6, 10): [self.dollars],
            date(2028, 6, 29): [self.ended],
            date(2028, 7, 1): [self.rate],
            date(2028, 7, 3): [self.sent_back],
            date(2028, 7, 15): [self.dollars_come],
        }


def chores() -> None:
    """What runs by itself each day."""
    recognising.recognise()
    revaluing.sweep()
    subscribing.sweep()


def close(month: date) -> None:
    """Close a month by two of finance, and see that it takes no more."""
    with transaction():
        closing.propose_close(month, by=books.person("fang"))
    with transaction():
        closing.close(month, by=books.person("feng"))


def clean() -> None:
    with reading():
        assert verify_books()[1] == []


@pytest.fixture
def lived(app: Flask) -> tuple[Flask, Year]:
    """The year, with its chores on a few days of each month, and each month closed on the fifth of the next."""
    books.house(app)
    year = Year()
    deeds = year.story()
    day, end = YEAR[0], date(2029, 1, 6)
    with app.app_context():
        while day < end:
            with clock.stopped_at(day):
                if day.day in (1, 5, 11, 21) or day in deeds or day == months.last_of(day):
                    chores()
                for deed in deeds.get(day, ()):
                    with transaction():
                        deed()
                if day == date(2028, 5, 5):
                    quote = change(year.numbers["down"], "support.gold", day)
                    assert (quote.invoice, quote.effective_on) == (None, date(2029, 1, 1))
                if day == date(2028, 10, 20):
                    change(year.numbers["support"], "support.platinum", day)
                if day.day == 5 and day > YEAR[0] + timedelta(days=10):
                    close(months.first_of(day - timedelta(days=10)))
                    clean()
            day += timedelta(days=1)
    return app, year


def test_a_year_of_billing(lived: tuple[Flask, Year]) -> None:
    app, year = lived
    with app.app_context(), clock.stopped_at(date(2029, 1, 6)), reading():
        _subscriptions(year)
        _lines(year)
        body = revenue(YEAR[0], date(2028, 12, 31), date(2029, 1, 6))
        totals, roll, owed = body["totals"], body["rollforward"], body["ar_rollforward"]
        assert roll["closing_contract_balance"] == roll["check_deferred_minus_asset"]
        assert roll["closing_contract_balance"] == totals["deferred"] - totals["contract_asset"]
        assert owed["closing"] == totals["ar"]
        # Also where the excess of a credit note waits as credit: the licence ended in June.
        for n in range(12):
            month = nth(YEAR[0], 1, n)
            one = revenue(month, month, date(2029, 1, 6))
            assert one["ar_rollforward"]["closing"] == one["totals"]["ar"]
        assert sum(body["recognised_by_month_total"].values()) == totals["recognised"]
        assert body["waived_list_value"] == 40_000_000
        # All that was agreed is invoiced, and one invoice of 20 000.00 is an offer that nobody agreed to.
        assert totals["rpo"] == totals["deferred"] - totals["contract_asset"] - 2_000_000
        assert (body["fx_unrealised"], body["fx_realised"]) == (-10_000, 5_000)
        again = revenue(YEAR[0], date(2028, 12, 31), date(2028, 12, 31))
        assert again["totals"]["recognised"] == totals["recognised"]
    clean_in(app)
    with app.app_context(), clock.stopped_at(date(2029, 1, 6)), pytest.raises(Refused), transaction():
        closing.propose_reopen(date(2028, 11, 1), by=books.person("fang"), reason="forgotten")


def clean_in(app: Flask) -> None:
    with app.app_context():
        clean()


def _subscriptions(year: Year) -> None:
    """Renewed at their borders, from the anchor: the founder pays from the second year on."""
    founder, leap, monthly = (row(year.numbers[name]) for name in ("founder", "leap", "monthly"))
    assert [one.line.gross.minor for one in founder.periods] == [0, 40_000_000]
    assert [(str(one.start), str(one.end)) for one in leap.periods] == [("2028-02-29", "2029-02-28")]
    starts = ["2028-01-31", "2028-02-29", *(str(nth(date(2028, 1, 31), 1, n)) for n in range(2, 12))]
    assert [str(one.start) for one in monthly.periods] == starts
    assert starts[3] == "2028-04-30"
    down = row(year.numbers["down"])
    assert [one.line.gross.minor for one in down.periods] == [50_000_000, 10_000_000]
    assert row(year.numbers["support"]).price.product.code == "support.platinum"


def _lines(year: Year) -> None:
    """What each line earned by the year's end, from its own figures."""
    assert sale.standing(year.line("dear")) == (47_169_811, 0, 0)
    # 293 of 366 days of gold are served before the change of 20 October, which takes back the 73 that are left.
    gold = earned(9_433_962, *YEAR, date(2028, 10, 19))
    assert sale.standing(year.line("first")) == (gold, 0, 0)
    assert sum(sale.standing(year.line("usd"))[:2]) == 720_000
    assert sale.standing(year.line("usd"))[0] == earned(
        720_000, date(2028, 6, 10), date(2029, 6, 10), date(2028, 12, 31)
    )
    # 182 of 366 days of the licence; the rest went back.
    assert sale.standing(year.line("licence")) == (earned(4_716_981, *YEAR, date(2028, 6, 30)), 0, 0)
    # Sold on 10 April for the whole year: three months were closed, and their days were posted in April.
    told = sale.income(year.line("late"))
    assert [row_ for row_ in told if row_[0] == "2028-04-30"] == [
        ("2028-04-30", "2028-01", 310_000), ("2028-04-30", "2028-02", 290_000), ("2028-04-30", "2028-03", 310_000),
        ("2028-04-30", "2028-04", 300_000),
    ]  # fmt: skip
    assert sale.standing(year.line("late")) == (3_660_000, 0, 0)
