"""Builders for tests of what licences cost: a company that buys, money that comes, what is in force on a day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from flask import Flask
from sqlalchemy import func, select

from portal.accounts.organisations import Organisation
from portal.billing import issuing
from portal.billing.models import Invoice
from portal.billing.verify import verify_books
from portal.core import chores, clock
from portal.core.db import db, let_go, reading, transaction
from portal.core.money import Money
from portal.services.licences import life, locking
from portal.services.licences.judge import limit_at, stage
from portal.services.licences.kinds import Stage
from portal.services.licences.models.deal import LicenceQuote
from portal.services.licences.models.licence import Licence, LicenceTerm
from portal.services.licences.verify import verify_licences
from tests import membership

PLAN, TOOL = "flagscale-node", "flagscale"
DAY = timedelta(days=1)
CHORES = ("offer_licence_renewals", "cancel_pending_licences", "close_licence_changes", "invoice_instalments")


@contextmanager
def on(app: Flask, day: date) -> Iterator[None]:
    """Be in the application at noon of a day, inside a transaction."""
    with app.app_context(), clock.stopped_at(day), transaction():
        yield


def nightly(app: Flask, day: date, *names: str) -> None:
    """Let the chores of a day run, twice: a second run does nothing."""
    with app.app_context():
        for name in names or CHORES:
            chores.run(name, as_of=day)
            assert chores.run(name, as_of=day) in (0, None), name
        let_go()


def buyer(name: str = "Galaxy Ltd", mail: str = "wei@galaxy.example") -> Organisation:
    """Add a company that buys; call inside a transaction."""
    return membership.company(name, mail)


def org(name: str = "Galaxy Ltd") -> Organisation:
    """Return a company by its name."""
    return db.session.scalars(select(Organisation).where(Organisation.legal_name == name)).one()


def only(tool: str = TOOL, name: str = "Galaxy Ltd") -> Licence:
    """Return the live licence of a company for a tool."""
    found = life.live_for(org(name), tool)
    assert found is not None
    return found


def pay(invoice: Invoice | None, ref: str = "") -> None:
    """Let the whole sum of an invoice arrive today."""
    assert invoice is not None
    assert invoice.party.org is not None
    membership.pay(
        invoice.party.org,
        issuing.owed(invoice),
        ref=ref or f"B-{invoice.id}-{clock.today()}",
        invoice=invoice,
    )


def limit(row: Licence, at: date | datetime) -> int:
    """Return how many nodes a licence has at noon of a day."""
    moment = at if isinstance(at, datetime) else clock.start_of(at) + timedelta(hours=12)
    return limit_at(locking.spans(row.id), moment)


def stands(row: Licence, at: date) -> Stage:
    """Return where a licence stands at noon of a day."""
    return stage(locking.spans(row.id), clock.start_of(at) + timedelta(hours=12), row.warn_days)


def deals(row: Licence) -> list[tuple[str, str, int, int]]:
    """Return what was sold for a licence, oldest first: kind, state, nodes in all, whole yuan."""
    rows = select(LicenceQuote).where(LicenceQuote.licence_id == row.id).order_by(LicenceQuote.id)
    return [(one.kind.value, one.state.value, one.nodes, one.gross.minor) for one in db.session.scalars(rows)]


def spans_of(row: Licence) -> list[tuple[str, int, str, str]]:
    """Return the terms of a licence in order: kind, nodes, and the days on which they really begin and end."""
    rows = select(LicenceTerm).where(LicenceTerm.licence_id == row.id).order_by(LicenceTerm.id)
    return [
        (
            one.kind.value,
            one.nodes,
            str(clock.day_of(one.starts_at)),
            str(clock.day_of(one.closed_at or one.ends_at)),
        )
        for one in db.session.scalars(rows)
    ]


def invoices() -> list[tuple[str, int]]:
    """Return every invoice in order: its state and its sum in fen."""
    rows = db.session.scalars(select(Invoice).order_by(Invoice.id))
    return [(one.state.value + ("*" if one.reversed else ""), one.gross.minor) for one in rows]


def count(kind: type) -> int:
    """Return how many rows there are."""
    return db.session.scalar(select(func.count()).select_from(kind)) or 0


def in_order(app: Flask) -> None:
    """Check every invariant of the books and of licences."""
    with app.app_context(), reading():
        assert verify_books()[1] == []
        assert verify_licences()[1] == []


__all__ = ["Money"]
