"""What breaks in notes, plans and months is named by `portal verify`, row by row."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import text

from portal.billing import closing, recognising
from portal.billing.book_models import AccountingPeriod
from portal.billing.note_models import NoteKind
from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from tests import books, sale
from tests.test_books import lay_open
from tests.test_income import YEAR, credit

BREAKS = [
    ("UPDATE credit_note SET gross = gross + 1, net = net + 1", "notes: CN-2027-000001 says"),
    ("UPDATE credit_note_line SET net = net + 5000000, gross = gross + 5000000", "notes: line 1 is credited with"),
    ("UPDATE credit_note SET number = 'CN-2027-000002'", "numbers: CN-2027-000001 is missing"),
    ("UPDATE credit_note SET issued_on = '2026-12-31'", "which does not belong to 2026-12-31"),
    ("UPDATE plan_segment SET amount = amount - 3000000 WHERE cut_on IS NULL AND amount > 0", "plans: line 1 has earned"),
    ("UPDATE invoice_line SET net = net - 1, gross = gross - 1 WHERE id = 1", "lines: 1 has 3649999 fen invoiced"),
    ("UPDATE order_line SET stream = 'licensing' WHERE id = 1", "is on 6001.support, sold as licensing"),
    ("UPDATE accounting_period SET state = 'closed', closed_at = '2027-03-04 00:00:00+00:00' WHERE month = '2027-03-01'",
     "months: 2027-03 is closed, 2027-02 is not"),
    ("UPDATE journal_entry SET recorded_at = '2027-12-01 00:00:00+00:00' WHERE posted_on = '2027-01-31'",
     "was posted into 2027-01 after its close"),
    ("UPDATE journal_line SET amount = amount + 1 WHERE account = '2203' AND amount < 0", "lines: 1 has"),
]  # fmt: skip


@pytest.fixture
def story(app: Flask) -> Flask:
    """An invoice over a year, a price cut, January closed and March proposed by hand."""
    books.house(app)
    with app.app_context():
        with clock.stopped_at(date(2027, 1, 1)), transaction():
            invoice = sale.sell(3_869_000, YEAR)
            number, line = invoice.id, invoice.lines[0].id
        with clock.stopped_at(date(2027, 2, 3)):
            recognising.recognise()
            with transaction():
                closing.propose_close(date(2027, 1, 1), by=books.person("fang"))
            with transaction():
                closing.close(date(2027, 1, 1), by=books.person("feng"))
        with clock.stopped_at(date(2027, 3, 3)), transaction():
            credit(number, NoteKind.PRICE_ADJUSTMENT, nets={line: Money(490_000)})
            db.session.add(AccountingPeriod(month=date(2027, 3, 1)))
        with reading():
            assert verify_books()[1] == []
    return app


@pytest.mark.parametrize(("statement", "said"), BREAKS, ids=[said for _statement, said in BREAKS])
def test_a_broken_row_is_named(story: Flask, statement: str, said: str) -> None:
    with story.app_context():
        lay_open(story)
        if not story.extensions["settings"].sqlite:
            with transaction():
                for table, name in (("credit_note", "adds_up"), ("credit_note_line", "adds_up"), ("invoice_line", "discounted")):  # fmt: skip
                    db.session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{name}"))
        with transaction():
            db.session.execute(text(statement))
        with reading():
            found = verify_books()[1]
        assert any(said in sentence for sentence in found), found


def test_plans_and_past_records_refuse_raw_changes(story: Flask) -> None:
    with story.app_context():
        for statement in (
            "UPDATE plan_segment SET amount = 0", "DELETE FROM plan_segment", "DELETE FROM credit_note",
            "UPDATE journal_line SET units = 1", "DELETE FROM journal_entry",
        ):  # fmt: skip
            with pytest.raises(Exception, match="on record"), transaction():
                db.session.execute(text(statement))
