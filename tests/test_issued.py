"""I9: what is issued or booked refuses every change and every deletion, also in raw SQL; only what moves by its life moves."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import JSON, Boolean, Column, Date, DateTime, Integer, Table, select, text, update
from sqlalchemy.exc import DatabaseError

from portal.billing import crediting, issuing, settling
from portal.billing.models import Invoice, InvoiceLine
from portal.billing.money_models import Allocation, JournalEntry, JournalLine, Receipt
from portal.billing.note_models import CreditNote, CreditNoteLine, CreditNoteShare, NoteKind
from portal.core.db import Model, db, transaction
from portal.core.money import Money
from tests import books, sale
from tests.undone import undone

# What of each moves: a state by its life, a paper once it is made, whose the money is.
MOVES: dict[type[Model], set[str]] = {
    Invoice: {"state", "pdf_id", "reversed"},
    InvoiceLine: set(),
    CreditNote: {"pdf_id"},
    CreditNoteLine: set(),
    CreditNoteShare: set(),
    Receipt: {"party_id"},
    Allocation: set(),
    JournalEntry: set(),
    JournalLine: set(),
}
FIXED = [
    (model, column.name)
    for model, moving in MOVES.items()
    for column in model.__table__.columns
    if column.name not in moving
]


def other(column: Column[Any], seed: int) -> str:
    """Return SQL for another value of a column."""
    kind = getattr(column.type, "impl", column.type)
    if isinstance(kind, Boolean):
        return f"NOT {column.name}"
    if isinstance(kind, JSON):
        return f"'{{\"changed\": {seed}}}'"
    if isinstance(kind, DateTime):
        return f"'2001-01-01 00:{seed % 60:02}:00+00:00'"
    if isinstance(kind, Date):
        return f"'2001-01-{1 + seed % 28:02}'"
    return f"COALESCE({column.name}, 0) + {1 + seed}" if isinstance(kind, Integer) else "'x'"


@pytest.fixture
def issued(app: Flask) -> Flask:
    """An invoice, half paid, and a credit note over a part of it."""
    books.house(app)
    with app.app_context(), transaction():
        invoice = sale.sell(1_000_000)
        receipt = books.transfer("B-1", Money(400_000), str(invoice.reference))
        assert settling.credit_of(receipt) == Money(0)
        line = invoice.lines[0]
        note = crediting.propose_note(
            invoice,
            NoteKind.PRICE_ADJUSTMENT,
            by=books.person("fang"),
            reason="less",
            nets={line.id: Money(10_000)},
        )
        crediting.issue_note(note, by=books.person("feng"))
        assert issuing.owed(invoice) < Money(600_000)
    return app


def test_nothing_on_record_changes_by_any_statement(issued: Flask) -> None:
    @settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(FIXED), st.integers(0, 1000), st.booleans())
    def run(where: tuple[type[Model], str], seed: int, gone: bool) -> None:
        model, name = where
        table: Any = model.__table__
        assert isinstance(table, Table)
        before = db.session.execute(select(table).order_by(table.c.id)).all()
        assert before
        statement = f"UPDATE {table.name} SET {name} = {other(table.c[name], seed)}"
        if gone:
            statement = f"DELETE FROM {table.name}"
        with (
            pytest.raises(DatabaseError, match="on record" if name != "id" else None),
            db.session.begin_nested(),
        ):
            db.session.execute(text(statement))
        assert db.session.execute(select(table).order_by(table.c.id)).all() == before

    with issued.app_context(), undone(issued):
        run()


def test_what_moves_still_moves(issued: Flask) -> None:
    with issued.app_context(), undone(issued):
        for model, moving in MOVES.items():
            table: Any = model.__table__
            for name in moving - {"state", "reversed"}:
                with db.session.begin_nested():
                    db.session.execute(update(table).values({name: None}))
                    assert set(db.session.scalars(select(table.c[name]))) == {None}
