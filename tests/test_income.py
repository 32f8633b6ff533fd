"""Income by the worked examples of billing.md, section 14, to the fen."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import text

from portal.billing import (
    closing,
    converting,
    crediting,
    earning,
    exchange,
    instalments,
    issuing,
    ledger,
    recognising,
    recognition,
    revaluing,
    settling,
    writing_off,
)
from portal.billing.book_models import AccountingPeriod, PeriodState
from portal.billing.models import InvoiceState, OrderLine
from portal.billing.money_models import JournalEntry, Way
from portal.billing.note_models import CreditNote, NoteKind, NoteState
from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.money import Money
from portal.reports.revenue import revenue
from tests import books, sale
from tests.counting import counted

K = NoteKind
YEAR = (date(2027, 1, 1), date(2028, 1, 1))


@pytest.fixture
def house(app: Flask) -> Flask:
    books.house(app)
    return app


def clean() -> None:
    with reading():
        assert verify_books()[1] == []


def credit(invoice_id: int, kind: NoteKind, **words: object) -> CreditNote:
    """Propose and issue a credit note on the clock's day; call inside a transaction."""
    invoice = issuing.locked(invoice_id)
    note = crediting.propose_note(invoice, kind, by=books.person("fang"), reason="test", **words)  # type: ignore[arg-type]
    return crediting.issue_note(note, by=books.person("feng"))


def test_days(house: Flask) -> None:
    """Example 4: months as differences of the cumulative sum."""
    with house.app_context():
        with clock.stopped_at(date(2027, 3, 15)), transaction():
            invoice = sale.sell(2_000_000, (date(2027, 3, 15), date(2028, 3, 15)))
            number = sale.line(invoice).id
        with clock.stopped_at(date(2028, 4, 1)):
            assert recognising.recognise() == 13
            assert recognising.recognise() == 0
        with reading():
            line = db.session.get_one(OrderLine, number)
            rows = sale.income(line)
            assert [amount for _day, _month, amount in rows][:5] == [87638, 154655, 159810, 154655, 159811]
            assert [amount for _day, _month, amount in rows][-2:] == [149500, 72172]
            assert sum(amount for _day, _month, amount in rows) == 1_886_792
            assert sale.standing(line) == (1_886_792, 0, 0)
        clean()


def test_an_upgrade_ends_the_old_line_with_copied_figures(house: Flask) -> None:
    """Example 5: one invoice with a credit line, deferred income moved from line to line."""
    with house.app_context():
        with clock.stopped_at(date(2027, 1, 1)), transaction():
            old = sale.line(sale.sell(10_000_000, YEAR)).id
        with clock.stopped_at(date(2027, 10, 20)), transaction():
            placed = sale.order(10_000_000, subject="test:up")
            back = OrderLine(
                order=placed, product="test.thing", stream="support", recognition="daily", price_version=1,
                quantity=1, list_amount=Money(-2_000_000), discount=Money(0), gross=Money(-2_000_000),
                net=Money(-1_886_792), tax=Money(-113_208), tax_category="services", tax_bp=600,
                words={"en": "x", "zh": "x"}, credits=db.session.get_one(OrderLine, old),
            )  # fmt: skip
            db.session.add(back)
            db.session.flush()
            db.session.refresh(placed, ["lines"])
            fresh = placed.lines[0]
            recognition.agree(fresh, (date(2027, 10, 20), date(2028, 1, 1)))
            invoice = issuing.issue_invoice(placed, language="en", by="test")
            assert (invoice.gross.minor, invoice.net.minor, invoice.tax.minor) == (
                8_000_000,
                7_547_170,
                452_830,
            )
            new = fresh.id
        with clock.stopped_at(date(2028, 1, 1)):
            recognising.recognise()
        with reading():
            assert sale.standing(db.session.get_one(OrderLine, old)) == (7_547_170, 0, 0)
            assert sale.standing(db.session.get_one(OrderLine, new)) == (9_433_962, 0, 0)
        clean()


def test_instalments_and_milestones(house: Flask) -> None:
    """Example 6: two halves make 283 018.86; earned as accepted, whatever is invoiced."""
    with house.app_context(), clock.stopped_at(date(2027, 1, 10)), transaction():
        line = sale.order(30_000_000, stream="adaptation", method="milestone").lines[0]
        rows = instalments.divide(line, [(Money(15_000_000), date(2027, 1, 10)), (Money(15_000_000), None)])
        assert [(row.net.minor, row.tax.minor) for row in rows] == [(14_150_943, 849_057)] * 2
        assert line.net == Money(28_301_886)
        assert list(instalments.falling_due(date(2027, 1, 10)).values()) == [[rows[0]]]
        instalments.issue_instalments(rows[:1], language="en", by="test")
        earning.accept_milestone(line, 30, on=date(2027, 1, 10))
        earning.accept_milestone(line, 70, on=date(2027, 1, 10))
        earning.accept_milestone(line, 70, on=date(2027, 1, 10))
        assert sale.standing(line) == (19_811_320, 0, 5_660_377)
        with pytest.raises(Refused):
            earning.accept_milestone(line, 60, on=date(2027, 1, 10))
        earning.accept_milestone(line, 100, on=date(2027, 1, 10))
        assert [amount for _d, _m, amount in sale.income(line)] == [8_490_566, 11_320_754, 8_490_566]
        instalments.issue_instalments(rows[1:], language="en", by="test")
        assert sale.standing(line) == (28_301_886, 0, 0)
        with pytest.raises(Refused):
            instalments.issue_instalments(rows, language="en", by="test")
        assert verify_books()[1] == []


def test_units_delivery_and_usage(house: Flask) -> None:
    with house.app_context(), clock.stopped_at(date(2027, 1, 10)), transaction():
        seats = sale.line(
            sale.sell(10_000, subject="t:1", method="units", quantity=3, stream="certification")
        )
        for n in range(2):
            earning.use_units(seats, 1, on=date(2027, 1, 10), fact=f"exam:{n}")
            earning.use_units(seats, 1, on=date(2027, 1, 10), fact=f"exam:{n}")
        assert sale.standing(seats) == (18_868, 9_434, 0)
        with pytest.raises(Refused):
            earning.use_units(seats, 2, on=date(2027, 1, 10), fact="exam:9")
        audit = sale.order(10_600, subject="t:2", method="point", stream="compliance").lines[0]
        earning.deliver(audit, on=date(2027, 1, 9))
        earning.deliver(audit, on=date(2027, 1, 9))
        assert sale.standing(audit) == (10_000, 0, 10_000)
        issuing.issue_invoice(audit.order, language="en", by="test")
        assert sale.standing(audit) == (10_000, 0, 0)
        compute = sale.order(0, subject="t:3", method="usage", stream="compute").lines[0]
        assert earning.rate_usage(compute, 1_000_050, 500, month=date(2026, 12, 1), fact="a") == 50_003
        assert earning.rate_usage(compute, 1_000_050, 500, month=date(2026, 12, 1), fact="a") == 50_003
        assert sale.standing(compute) == (50_003, 0, 50_003)
        gift = sale.sell(5_000, YEAR, subject="t:4", method="contribution", stream="donation", tax=sale.FREE)
        assert sale.standing(sale.line(gift)) == (5_000, 0, 0)
        with pytest.raises(Refused):
            earning.deliver(seats, on=date(2027, 1, 9))


def test_an_offer_earns_nothing_until_it_is_agreed_and_then_catches_up(house: Flask) -> None:
    with house.app_context():
        with clock.stopped_at(date(2027, 1, 1)), transaction():
            invoice = sale.sell(3_869_000)
            number, line_id = invoice.id, sale.line(invoice).id
        with clock.stopped_at(date(2027, 3, 10)):
            assert recognising.recognise() == 0
            with transaction():
                line = db.session.get_one(OrderLine, line_id)
                assert sale.standing(line) == (0, 3_650_000, 0)
                issuing.agree(issuing.locked(number).order, *YEAR)
                assert sale.income(line) == [
                    ("2027-01-31", "2027-01", 310_000),
                    ("2027-02-28", "2027-02", 280_000),
                ]
        clean()


def test_money_on_an_invoice_with_a_credit_note(house: Flask) -> None:
    """Example 8: the note's excess falls back from the newest receipt into credit; its return opens the invoice."""
    with house.app_context():
        with transaction():
            invoice = sale.sell(2_000_000, tax=sale.FREE, stream="dues")
            number = invoice.id
            first = books.transfer("B-1", Money(1_200_000), str(invoice.reference))
            assert issuing.owed(invoice) == Money(800_000)
            second = books.transfer("B-2", Money(900_000), str(invoice.reference))
            assert (issuing.owed(invoice), settling.credit_of(second)) == (Money(0), Money(100_000))
        with transaction():
            line = issuing.locked(number).lines[0].id
            credit(number, K.PRICE_ADJUSTMENT, nets={line: Money(500_000)})
            invoice = issuing.locked(number)
            held = [(row.receipt_id, there.minor) for row, there in settling.held(invoice)]
            assert held == [(second.id, 300_000), (first.id, 1_200_000)]
            assert settling.credit_of(second) == Money(600_000)
            assert (invoice.state, issuing.cover(invoice)) == (InvoiceState.PAID, "settled")
        clean()
        with transaction():
            row = settling.held(issuing.locked(number))[0][0]
            settling.release(row, by="bank", reason="returned", part=Money(300_000))
            invoice = issuing.locked(number)
            assert (invoice.state, issuing.owed(invoice)) == (InvoiceState.OPEN, Money(300_000))
        clean()


def test_termination(house: Flask) -> None:
    """Example 9: earned up to the last day, the rest back with its tax; nothing is deferred after."""
    with house.app_context():
        with clock.stopped_at(date(2027, 1, 1)), transaction():
            invoice = sale.sell(5_000_000, YEAR, stream="licensing")
            number, line_id = invoice.id, sale.line(invoice).id
        with clock.stopped_at(date(2027, 7, 6)):
            with transaction():
                note = credit(number, K.TERMINATION, last_day=date(2027, 6, 30))
                assert (note.net.minor, note.tax.minor, note.gross.minor) == (2_377_875, 142_673, 2_520_548)
                assert note.number == "CN-2027-000001"
            with reading():
                assert sale.standing(db.session.get_one(OrderLine, line_id)) == (2_339_106, 0, 0)
        clean()


@pytest.mark.parametrize(
    ("cut", "deferred", "may"),
    [(490_000, 1_960_000, 248_000), (3_000_000, 0, -550_000)],
    ids=["small", "large"],
)
def test_price_cut(house: Flask, cut: int, deferred: int, may: int) -> None:
    """Example 10: what stays deferred is spread over the days left; the excess comes out of income."""
    with house.app_context():
        with clock.stopped_at(date(2027, 1, 1)), transaction():
            invoice = sale.sell(3_869_000, YEAR)
            number, line_id, row_id = invoice.id, sale.line(invoice).id, invoice.lines[0].id
        with clock.stopped_at(date(2027, 5, 1)), transaction():
            credit(number, K.PRICE_ADJUSTMENT, nets={row_id: Money(cut)})
            line = db.session.get_one(OrderLine, line_id)
            assert sale.standing(line)[1:] == (deferred, 0)
        with clock.stopped_at(date(2027, 6, 1)):
            recognising.recognise()
        with reading():
            line = db.session.get_one(OrderLine, line_id)
            assert sum(amount for _d, month, amount in sale.income(line) if month == "2027-05") == may
        with clock.stopped_at(date(2028, 1, 1)):
            recognising.recognise()
        with reading():
            assert sale.standing(db.session.get_one(OrderLine, line_id)) == (3_650_000 - cut, 0, 0)
        clean()


def test_late(house: Flask) -> None:
    """Example 11: service of closed months is posted in the first open one."""
    with house.app_context():
        with clock.stopped_at(date(2027, 3, 19)), transaction():
            for month in (date(2027, 1, 1), date(2027, 2, 1)):
                db.session.add(AccountingPeriod(month=month, state=PeriodState.CLOSED, closed_at=clock.now()))
        with clock.stopped_at(date(2027, 3, 20)), transaction():
            line_id = sale.line(sale.sell(3_869_000, YEAR)).id
        with clock.stopped_at(date(2027, 4, 1)):
            recognising.recognise()
        with reading():
            assert sale.income(db.session.get_one(OrderLine, line_id)) == [
                ("2027-03-31", "2027-01", 310_000),
                ("2027-03-31", "2027-02", 280_000),
                ("2027-03-31", "2027-03", 310_000),
            ]
        clean()


def test_exchange(house: Flask) -> None:
    """Example 12: 1 000 USD at 7.20, month end 7.10, 7 150 CNY arrive: −100, +50; deferred stays."""
    with house.app_context():
        with clock.stopped_at(date(2027, 1, 10)), transaction():
            exchange.load_rate("USD", date(2027, 1, 10), "7.20", source="PBOC", by="fang")
            invoice = sale.sell(100_000, YEAR, tax=sale.FREE, currency="USD")
            number, line_id = invoice.id, sale.line(invoice).id
            assert (invoice.gross, invoice.currency, invoice.rate) == (Money(720_000), "USD", "7.20")
            assert invoice.printed == {"currency": "USD", "gross": 100_000, "net": 100_000, "tax": 0}
        with clock.stopped_at(date(2027, 2, 1)):
            with transaction():
                exchange.load_rate("USD", date(2027, 1, 31), "7.10", source="PBOC", by="fang")
            assert (revaluing.sweep(), revaluing.sweep()) == (1, 0)
            with transaction():
                assert ledger.balance(ledger.EXCHANGE) == Money(10_000)
                receipt, _new = settling.record_receipt(
                    Way.BANK,
                    "bank",
                    "B-1",
                    Money(715_000),
                    clock.today(),
                    payer="x",
                    party=books.party(),
                    by="t",
                )
                assert settling.put_on(receipt, issuing.locked(number), by="t") == Money(0)
                converting.convert(
                    receipt,
                    issuing.locked(number),
                    taken=Money(715_000),
                    given=Money(100_000, "USD"),
                    by=books.person("fang"),
                )
                assert ledger.balance(ledger.EXCHANGE) == Money(5_000)
                assert issuing.locked(number).state is InvoiceState.PAID
                assert ledger.of_invoice(issuing.locked(number), ledger.REVALUATION) == 0
                line = db.session.get_one(OrderLine, line_id)
                assert sum(sale.standing(line)[:2]) == 720_000
        clean()


def test_a_dollar_invoice_paid_in_dollars_in_two_parts(house: Flask) -> None:
    with house.app_context():
        with clock.stopped_at(date(2027, 1, 10)), transaction():
            exchange.load_rate("USD", date(2027, 1, 10), "7.2034", source="PBOC", by="fang")
            invoice = sale.sell(100_000, YEAR, tax=sale.FREE, currency="USD")
            number = invoice.id
            for n, (units, worth) in enumerate([(33_333, 239_000), (66_667, 481_000)]):
                receipt, _new = settling.record_receipt(
                    Way.BANK, "bank", f"B-{n}", Money(worth), clock.today(), payer="x", party=books.party(), by="t",
                    currency="USD", units=units,
                )  # fmt: skip
                settling.put_on(receipt, issuing.locked(number), by="t")
                assert settling.credit_of(receipt) == Money(0)
            assert issuing.locked(number).state is InvoiceState.PAID
            assert ledger.balance(ledger.EXCHANGE) == Money(720_340 - 720_000)
            assert ledger.balance(ledger.RECEIVABLE) == Money(0)
        clean()


def test_ageing(house: Flask) -> None:
    """Example 13: as of past days, from the journal."""
    with house.app_context():
        with clock.stopped_at(date(2027, 1, 30)), transaction():
            b = sale.sell(5_000_000, subject="t:b", tax=sale.FREE)
            reference = str(b.reference)
        with clock.stopped_at(date(2027, 3, 2)), transaction():
            sale.sell(2_000_000, subject="t:a", tax=sale.FREE)
        with clock.stopped_at(date(2027, 4, 10)), transaction():
            books.transfer("B-1", Money(1_000_000), reference)
        empty = {"not_due": 0, "1_30": 0, "31_60": 0, "61_90": 0, "over_90": 0}
        with clock.stopped_at(date(2027, 5, 10)), reading():
            march = revenue(date(2027, 3, 1), date(2027, 3, 1), date(2027, 5, 10))["aging_net30"]
            april = revenue(date(2027, 4, 1), date(2027, 4, 1), date(2027, 5, 10))["aging_net30"]
        assert march == {**empty, "not_due": 2_000_000, "1_30": 5_000_000}
        assert april == {**empty, "1_30": 2_000_000, "31_60": 4_000_000}


def test_parts_of_a_line_credited_to_the_end_return_its_figures(house: Flask) -> None:
    """Example 1: credits of 400 and 300 net on 1 132.08 + 67.92, then the rest."""
    with house.app_context():
        with transaction():
            invoice = sale.sell(120_000)
            number, row = invoice.id, invoice.lines[0].id
        taxes = []
        for net in (40_000, 30_000):
            with transaction():
                taxes.append(credit(number, K.PRICE_ADJUSTMENT, nets={row: Money(net)}).tax.minor)
        with pytest.raises(Refused), transaction():
            credit(number, K.PRICE_ADJUSTMENT, nets={row: Money(43_209)})
        with transaction():
            last = credit(number, K.CANCELLATION)
            assert (last.net.minor, last.tax.minor) == (43_208, 2_592)
            invoice = issuing.locked(number)
            assert (issuing.cover(invoice), invoice.reversed) == ("reversed", True)
        assert taxes == [2_400, 1_800]
        clean()


def test_a_note_takes_two_people_and_cannot_change(house: Flask) -> None:
    with house.app_context():
        with transaction():
            number = sale.sell(120_000).id
        with transaction():
            note = crediting.propose_note(
                issuing.locked(number), K.CANCELLATION, by=books.person("fang"), reason="wrong"
            )
            uid = note.id
            with pytest.raises(Forbidden):
                crediting.issue_note(note, by=books.person("fang"))
        with pytest.raises(Refused), transaction():
            crediting.propose_note(
                issuing.locked(number), K.CANCELLATION, by=books.person("feng"), reason="x"
            )
        with transaction():
            note = crediting.issue_note(db.session.get_one(CreditNote, uid), by=books.person("feng"))
            assert note.state is NoteState.ISSUED
        with pytest.raises(ValueError, match="cannot change"), transaction():
            db.session.get_one(CreditNote, uid).reason = "other"
        for statement in (
            "UPDATE credit_note SET net = net - 1, gross = gross - 1", "DELETE FROM credit_note",
            "UPDATE credit_note_line SET tax = 0", "DELETE FROM credit_note_line",
            "UPDATE invoice SET rate = '2'",
        ):  # fmt: skip
            with pytest.raises(Exception, match="on record"), transaction():
                db.session.execute(text(statement))


def test_a_closed_month_takes_no_entry_and_only_the_last_opens_again(house: Flask) -> None:
    fang, feng = "fang", "feng"
    january, february = date(2027, 1, 1), date(2027, 2, 1)
    with house.app_context():
        with clock.stopped_at(date(2027, 1, 5)), transaction():
            sale.sell(3_869_000, YEAR)
        with clock.stopped_at(date(2027, 1, 31)), pytest.raises(Refused), transaction():
            closing.propose_close(january, by=books.person(fang))
        with clock.stopped_at(date(2027, 2, 3)):
            with pytest.raises(Refused), transaction():  # not booked yet
                closing.propose_close(january, by=books.person(fang))
            recognising.recognise()
            with transaction():
                closing.propose_close(january, by=books.person(fang))
            with pytest.raises(Forbidden), transaction():
                closing.close(january, by=books.person(fang))
            with transaction():
                closing.close(january, by=books.person(feng))
            with pytest.raises(Exception, match="takes no entry"), transaction():
                db.session.add(
                    JournalEntry(
                        kind="x", source="x", n=1, posted_on=date(2027, 1, 31), service_month=january
                    )
                )
        with clock.stopped_at(date(2027, 3, 3)):
            recognising.recognise()
            with transaction():
                closing.propose_close(february, by=books.person(fang))
            with transaction():
                closing.close(february, by=books.person(feng))
            with pytest.raises(Refused), transaction():
                closing.propose_reopen(january, by=books.person(fang), reason="forgotten")
            with transaction():
                closing.propose_reopen(february, by=books.person(fang), reason="forgotten")
            with pytest.raises(Forbidden), transaction():
                closing.reopen(february, by=books.person(fang))
            with transaction():
                closing.reopen(february, by=books.person(feng))
                assert closing.state_of(february) is PeriodState.OPEN
        clean()


def test_write_off_recovery_and_charges(house: Flask) -> None:
    with house.app_context():
        with clock.stopped_at(date(2027, 1, 5)), transaction():
            invoice = sale.sell(106_000, (date(2027, 1, 5), date(2027, 1, 6)))
            number = invoice.id
            with pytest.raises(Refused):  # not earned yet
                writing_off.propose_write_off(invoice, by=books.person("fang"), reason="gone")
        with clock.stopped_at(date(2027, 2, 5)):
            recognising.recognise()
            with transaction():
                writing_off.propose_write_off(issuing.locked(number), by=books.person("fang"), reason="gone")
            with pytest.raises(Forbidden), transaction():
                writing_off.write_off(issuing.locked(number), by=books.person("fang"))
            with transaction():
                writing_off.write_off(issuing.locked(number), by=books.person("feng"))
                assert issuing.locked(number).state is InvoiceState.UNCOLLECTIBLE
                assert ledger.balance(ledger.BAD_DEBT) == Money(106_000)
            clean()
            with transaction():
                writing_off.recover(issuing.locked(number), by=books.person("fang"))
                books.transfer("B-1", Money(101_500), str(issuing.locked(number).reference))
                writing_off.book_charges(issuing.locked(number), by=books.person("fang"))
                assert issuing.locked(number).state is InvoiceState.PAID
                assert (ledger.balance(ledger.BAD_DEBT), ledger.balance(ledger.FEES)) == (
                    Money(0),
                    Money(4_500),
                )
            clean()


def test_an_invoice_with_income_is_taken_back_by_a_note_and_may_be_issued_again(house: Flask) -> None:
    with house.app_context():
        with clock.stopped_at(date(2027, 1, 5)), transaction():
            invoice = sale.sell(3_869_000, YEAR)
            number, line_id = invoice.id, sale.line(invoice).id
        with clock.stopped_at(date(2027, 3, 5)):
            with transaction():
                note = crediting.reverse_invoice(issuing.locked(number), by="lapse", reason="not paid")
                assert note is not None
                assert note.gross == Money(3_869_000)
                line = db.session.get_one(OrderLine, line_id)
                assert sale.standing(line) == (0, 0, 0)
                assert sale.income(line)[-1] == ("2027-03-05", "2027-03", -590_000)
                sale.sell(3_869_000)
            with transaction():
                again = sale.sell(1_000, subject="t:2")
                assert crediting.reverse_invoice(again, by="lapse", reason="x") is None
                assert again.state is InvoiceState.VOID
        clean()


def test_a_night_asks_once_which_lines_owe_a_month(house: Flask) -> None:
    """A night on which nothing is due takes as many statements for nine lines as for three."""
    with house.app_context():
        told = []
        for more in (3, 6):
            with clock.stopped_at(date(2027, 1, 1)), transaction():
                sold = [sale.sell(1_000_000, YEAR, subject=f"test:{more}-{n}") for n in range(more)]
                numbers = [sale.line(one).id for one in sold]
            with clock.stopped_at(date(2027, 2, 1)):
                assert recognising.recognise() == more
                with counted(house) as seen:
                    assert recognising.recognise() == 0
                told.append(len(seen))
                assert recognising.behind(numbers, until=date(2027, 2, 1)) == []
                assert recognising.behind(numbers, until=date(2027, 3, 1)) == numbers
        assert told[0] == told[1] <= 5
