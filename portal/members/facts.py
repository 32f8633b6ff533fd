"""Gathers what is on record about memberships, as the pure function of standing wants it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import func, select

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


def _terms(ids: list[int]) -> tuple[dict[int, list[TermFact]], dict[int, int]]:
    """Return the terms by membership, and the membership of each term."""
    terms: dict[int, list[TermFact]] = defaultdict(list)
    owner: dict[int, int] = {}
    extended, gone = _extensions(ids), _money_gone(ids)
    noted = (
        select(CreditNoteShare.invoice_id, func.max(CreditNote.issued_on).label("on"))
        .join(CreditNote)
        .group_by(CreditNoteShare.invoice_id)
        .subquery()
    )
    found = db.session.execute(
        select(Term, Invoice.state, Invoice.due_on, Invoice.reversed, noted.c.on)
        .outerjoin(Invoice, Term.invoice_id == Invoice.id)
        .outerjoin(noted, noted.c.invoice_id == Invoice.id)
        .where(Term.membership_id.in_(ids))
    )
    for term, state, due, taken_back, on in found:
        owner[term.id] = term.membership_id
        covered = term.cover != "invoice" or (state in {None, InvoiceState.PAID} and not taken_back)
        terms[term.membership_id].append(
            TermFact(
                id=term.id, start=term.start, end=term.end, tier=term.tier, covered=covered,
                due=None if covered else _later(_later(due, on if taken_back else None), gone.get(term.invoice_id)),
                recorded_at=term.recorded_at, extended_until=extended.get(term.id),
                uncovered_from=on if taken_back and state is InvoiceState.PAID else None,
            )
        )  # fmt: skip
    return terms, owner


def _later(one: date | None, other: date | None) -> date | None:
    """Return the later of two days, either of which may be missing."""
    return max((day for day in (one, other) if day is not None), default=None)


def _money_gone(ids: list[int]) -> dict[int | None, date]:
    """Return on which day money last went off the invoices of terms: past due counts from then."""
    rows = db.session.execute(
        select(Allocation.invoice_id, func.max(Allocation.day))
        .join(Term, Term.invoice_id == Allocation.invoice_id)
        .where(Term.membership_id.in_(ids), Allocation.amount < Money(0))
        .group_by(Allocation.invoice_id)
    )
    return {invoice_id: day for invoice_id, day in rows}  # noqa: C416 - rows are typed so


def _extensions(ids: list[int]) -> dict[int, date]:
    """Return until when finance keeps unpaid terms from suspension: the word recorded last counts."""
    rows = db.session.execute(
        select(PaymentExtension.term_id, PaymentExtension.until)
        .join(Term, Term.id == PaymentExtension.term_id)
        .where(Term.membership_id.in_(ids))
        .order_by(PaymentExtension.id)
    )
    return {term_id: until for term_id, until in rows}  # noqa: C416 - rows are typed so


def _endings(owner: dict[int, int]) -> dict[int, list[EndingFact]]:
    endings: dict[int, list[EndingFact]] = defaultdict(list)
    for one in db.session.scalars(select(Ending).where(Ending.term_id.in_(owner))):
        endings[owner[one.term_id]].append(
            EndingFact(
                id=one.id, term_id=one.term_id, on=one.on, cause=one.cause, barred_until=one.barred_until,
                bar_for_good=one.bar_for_good, recorded_at=one.recorded_at,
            )
        )  # fmt: skip
    return endings


def _holds(ids: list[int]) -> dict[int, list[HoldFact]]:
    holds: dict[int, list[HoldFact]] = defaultdict(list)
    for one in db.session.scalars(select(Hold).where(Hold.membership_id.in_(ids))):
        holds[one.membership_id].append(
            HoldFact(id=one.id, start=one.start, end=one.end, cause=one.cause, recorded_at=one.recorded_at)
        )
    return holds


def _reversals(ids: list[int]) -> dict[int, list[ReversalFact]]:
    reversals: dict[int, list[ReversalFact]] = defaultdict(list)
    for one in db.session.scalars(select(Reversal).where(Reversal.membership_id.in_(ids))):
        reversals[one.membership_id].append(
            ReversalFact(
                id=one.id, undoes_kind="hold" if one.undoes_kind == "hold" else "ending",
                undoes_id=one.undoes_id, from_day=one.from_day, recorded_at=one.recorded_at,
            )
        )  # fmt: skip
    return reversals


def _applications(orgs: dict[int, int]) -> dict[int, list[ApplicationFact]]:
    asked: dict[int, list[ApplicationFact]] = defaultdict(list)
    for row in db.session.scalars(select(Application).where(Application.org_id.in_(orgs))):
        if row.submitted_at is not None:
            asked[orgs[row.org_id]].append(_application_fact(row))
    return asked


def _application_fact(row: Application) -> ApplicationFact:
    decided: datetime | None = row.decided_at
    approved = row.state in {S.APPROVED, S.COMPLETED, S.CLOSED} and decided is not None
    return ApplicationFact(
        submitted=clock.day_of(row.submitted_at or row.created_at),
        approved=clock.day_of(decided) if approved and decided else None,
        closed=row.closed_on,
    )
