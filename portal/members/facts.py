"""Gathers what is on record about memberships, as the pure function of standing wants it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, func, select

from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Allocation
from portal.billing.note_models import CreditNote, CreditNoteShare
from portal.core import clock
from portal.core.db import db
from portal.core.money import Money
from portal.members.belonging import Ending, Hold, Membership, Reversal, Term
from portal.members.models import Application, ApplicationState
from portal.members.renewal_models import PaymentExtension
from portal.members.standing import (
    ApplicationFact,
    EndingFact,
    Facts,
    HoldFact,
    ReversalFact,
    TermFact,
)

S = ApplicationState
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)


def facts_of(memberships: Iterable[Membership]) -> dict[int, Facts]:
    """Gather the facts of many memberships in a handful of statements, by membership id."""
    rows = list(memberships)
    ids, orgs = [row.id for row in rows], {row.org_id: row.id for row in rows}
    terms, owner = _terms(ids)
    endings = _endings(owner)
    holds, reversals = _holds(ids), _reversals(ids)
    asked = _applications(orgs)
    return {
        one: Facts(
            terms=tuple(terms[one]), endings=tuple(endings[one]), holds=tuple(holds[one]),
            reversals=tuple(reversals[one]), applications=tuple(asked[one]),
        )
        for one in ids
    }  # fmt: skip


def _read(statement: Select[Any], ids: Iterable[int]) -> Iterable[Any]:
    """Return the rows of some ids; nothing is asked where there are none."""
    found = list(ids)
    return db.session.execute(statement, {"ids": found}) if found else ()


def _asked(*columns: Any, of: Any) -> Select[Any]:
    """Select columns of the rows whose `of` is among the ids to be named: a statement that is made once and kept."""
    return select(*columns).where(of.in_(_IDS))


@cache
def _term_rows() -> Select[Any]:
    noted = (
        select(CreditNoteShare.invoice_id, func.max(CreditNote.issued_on).label("on"))
        .join(CreditNote)
        .group_by(CreditNoteShare.invoice_id)
        .subquery()
    )
    return (
        _asked(
            Term.id, Term.membership_id, Term.start, Term.end, Term.tier, Term.cover, Term.invoice_id, Term.recorded_at,
            Invoice.state, Invoice.due_on, Invoice.reversed, noted.c.on, of=Term.membership_id,
        )
        .select_from(Term)
        .outerjoin(Invoice, Term.invoice_id == Invoice.id)
        .outerjoin(noted, noted.c.invoice_id == Invoice.id)
    )  # fmt: skip


def _terms(ids: list[int]) -> tuple[dict[int, list[TermFact]], dict[int, int]]:
    """Return the terms by membership, and the membership of each term."""
    terms: dict[int, list[TermFact]] = defaultdict(list)
    owner: dict[int, int] = {}
    extended, gone = _extensions(ids), _money_gone(ids)
    for one, membership, start, end, tier, cover, invoice, recorded, state, due, taken_back, on in _read(
        _term_rows(), ids
    ):
        owner[one] = membership
        covered = cover != "invoice" or (state in {None, InvoiceState.PAID} and not taken_back)
        terms[membership].append(
            TermFact(
                id=one, start=start, end=end, tier=tier, covered=covered,
                due=None if covered else _later(_later(due, on if taken_back else None), gone.get(invoice)),
                recorded_at=recorded, extended_until=extended.get(one),
                uncovered_from=on if taken_back and state is InvoiceState.PAID else None,
            )
        )  # fmt: skip
    return terms, owner


def _later(one: date | None, other: date | None) -> date | None:
    """Return the later of two days, either of which may be missing."""
    return max((day for day in (one, other) if day is not None), default=None)


@cache
def _gone_rows() -> Select[Any]:
    return (
        _asked(Allocation.invoice_id, func.max(Allocation.day), of=Term.membership_id)
        .join(Term, Term.invoice_id == Allocation.invoice_id)
        .where(Allocation.amount < Money(0))
        .group_by(Allocation.invoice_id)
    )


def _money_gone(ids: list[int]) -> dict[int | None, date]:
    """Return on which day money last went off the invoices of terms: past due counts from then."""
    return dict(map(tuple, _read(_gone_rows(), ids)))


@cache
def _extension_rows() -> Select[Any]:
    return (
        _asked(PaymentExtension.term_id, PaymentExtension.until, of=Term.membership_id)
        .join(Term, Term.id == PaymentExtension.term_id)
        .order_by(PaymentExtension.id)
    )


def _extensions(ids: list[int]) -> dict[int, date]:
    """Return until when finance keeps unpaid terms from suspension: the word recorded last counts."""
    return dict(map(tuple, _read(_extension_rows(), ids)))


@cache
def _ending_rows() -> Select[Any]:
    return _asked(
        Ending.id, Ending.term_id, Ending.on, Ending.cause, Ending.barred_until, Ending.bar_for_good, Ending.recorded_at,
        of=Ending.term_id,
    )  # fmt: skip


def _endings(owner: dict[int, int]) -> dict[int, list[EndingFact]]:
    endings: dict[int, list[EndingFact]] = defaultdict(list)
    for row in _read(_ending_rows(), owner):
        fact = EndingFact(**row._mapping)
        endings[owner[fact.term_id]].append(fact)
    return endings


@cache
def _hold_rows() -> Select[Any]:
    return _asked(
        Hold.membership_id, Hold.id, Hold.start, Hold.end, Hold.cause, Hold.recorded_at, of=Hold.membership_id
    )


def _holds(ids: list[int]) -> dict[int, list[HoldFact]]:
    holds: dict[int, list[HoldFact]] = defaultdict(list)
    for membership, one, start, end, cause, recorded in _read(_hold_rows(), ids):
        holds[membership].append(HoldFact(id=one, start=start, end=end, cause=cause, recorded_at=recorded))
    return holds


@cache
def _reversal_rows() -> Select[Any]:
    return _asked(
        Reversal.membership_id, Reversal.id, Reversal.undoes_kind, Reversal.undoes_id, Reversal.from_day,
        Reversal.recorded_at, of=Reversal.membership_id,
    )  # fmt: skip


def _reversals(ids: list[int]) -> dict[int, list[ReversalFact]]:
    reversals: dict[int, list[ReversalFact]] = defaultdict(list)
    for membership, one, kind, undoes, from_day, recorded in _read(_reversal_rows(), ids):
        reversals[membership].append(
            ReversalFact(
                id=one, undoes_kind="hold" if kind == "hold" else "ending", undoes_id=undoes, from_day=from_day,
                recorded_at=recorded,
            )
        )  # fmt: skip
    return reversals


@cache
def _application_rows() -> Select[Any]:
    return _asked(
        Application.org_id, Application.submitted_at, Application.decided_at, Application.state, Application.closed_on,
        of=Application.org_id,
    ).where(Application.submitted_at.is_not(None))  # fmt: skip


def _applications(orgs: dict[int, int]) -> dict[int, list[ApplicationFact]]:
    asked: dict[int, list[ApplicationFact]] = defaultdict(list)
    for org, submitted, decided, state, closed in _read(_application_rows(), orgs):
        approved = state in {S.APPROVED, S.COMPLETED, S.CLOSED} and decided is not None
        asked[orgs[org]].append(
            ApplicationFact(
                submitted=clock.day_of(submitted), approved=clock.day_of(decided) if approved else None,
                closed=closed,
            )
        )  # fmt: skip
    return asked
