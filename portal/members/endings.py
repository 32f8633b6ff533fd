"""How terms end before their time: every ending is written here, under the membership's lock, and told to whoever reacts."""

from __future__ import annotations

from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import issuing
from portal.billing.crediting import reverse_invoice
from portal.billing.models import Invoice, InvoiceState
from portal.core import audit
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.states import move
from portal.members import agreements, terms
from portal.members.belonging import Agreement, AgreementState, Ending, Membership, Reversal, Term
from portal.members.events import StandingChanged, TermEnded
from portal.members.facts import facts_of
from portal.members.models import Application
from portal.members.standing import EndingCause, EndingFact, Standing, stops

DAY = timedelta(days=1)
OVER = {Standing.RESIGNED: "resigned", Standing.EXPELLED: "expelled"}
Stop = tuple[date | None, EndingFact | None]


def terms_of(membership: Membership) -> list[tuple[Term, Stop]]:
    """Return a membership's terms in order, each with the first day without it and the ending that counts."""
    until = stops(facts_of([membership])[membership.id])
    rows = db.session.scalars(
        select(Term).where(Term.membership_id == membership.id).order_by(Term.start, Term.id)
    )
    return [(row, until[row.id]) for row in rows]


def reach(membership: Membership) -> Term:
    """Return the term that lasts the longest; `Refused` where there is none."""
    rows = [(row, stop) for row, (stop, _ending) in terms_of(membership)]
    if not rows:
        raise Refused(_l("This organisation was never a member: there is no term."))
    return max(rows, key=lambda pair: (pair[1] or date.max, pair[0].start, pair[0].id))[0]


def beyond(membership: Membership, on: date) -> list[Term]:
    """Return the terms that an ending on a day cuts: those that reach beyond it, else the last one."""
    cut = [row for row, (stop, _ending) in terms_of(membership) if stop is None or stop > on]
    return cut or [reach(membership)]


def lock(*memberships: Membership) -> None:
    """Lock the invoices of memberships' terms, then the memberships: payments come in this order, too."""
    ids = [row.id for row in memberships]
    bills = (
        select(Term.invoice_id).where(Term.membership_id.in_(ids), Term.invoice_id.is_not(None)).distinct()
    )
    for number in sorted(one for one in db.session.scalars(bills) if one is not None):
        issuing.locked(number)
    for row in sorted(memberships, key=lambda one: one.id):
        terms.locked(row)


def end(
    membership: Membership, *, on: date, cause: EndingCause, by: Person, reason: str, second: str = "",
    only: Term | None = None, barred_until: date | None = None, for_good: bool = False,
) -> list[Ending]:  # fmt: skip
    """End every term that reaches beyond a day, or one alone; what never began is not owed either."""
    lock(membership)
    row = membership
    until = {term.id: stop for term, (stop, _ending) in terms_of(row)}
    made = []
    for term in [only] if only is not None else beyond(row, on):
        day = min(on, until[term.id] or on)
        ending = Ending(
            term=term, on=day, cause=cause, reason=reason[:300], by_name=by.name, second_name=second,
            barred_until=barred_until, bar_for_good=for_good,
        )  # fmt: skip
        db.session.add(ending)
        made.append(ending)
    db.session.flush()
    for ending in made:
        _told(row, ending, by, second)
    terms.refresh([row])
    return made


def _told(membership: Membership, ending: Ending, by: Person, second: str) -> None:
    term = ending.term
    audit.record(
        "membership.term_ended", membership, by=by, org_id=membership.org_id, cause=ending.cause, last=ending.on - DAY,
        tier=term.tier, reason=ending.reason, second=second, barred_until=ending.barred_until,
        **({"bar_for_good": True} if ending.bar_for_good else {}),
    )  # fmt: skip
    publish(TermEnded(ending))
    invoice = term.invoice
    if ending.on <= term.start and invoice is not None and _unpaid(invoice):
        reverse_invoice(invoice, by=by, reason=ending.reason)


def _unpaid(invoice: Invoice) -> bool:
    return invoice.state is InvoiceState.OPEN and issuing.owed(invoice) == invoice.gross


def undo(membership: Membership, rows: list[Ending], *, by: Person, reason: str, second: str = "") -> None:
    """Undo endings, as if they had never been said; the caller holds the lock and has asked whether it may be."""
    for ending in rows:
        db.session.add(
            Reversal(
                membership=membership, undoes_kind="ending", undoes_id=ending.id, from_day=ending.on,
                reason=reason[:300], by_name=by.name, second_name=second,
            )
        )  # fmt: skip
    db.session.flush()
    last = min(ending.on for ending in rows) - DAY
    audit.record(
        "membership.ending_undone", membership, by=by, org_id=membership.org_id, cause=rows[0].cause, last=last,
        reason=reason, second=second,
    )  # fmt: skip
    terms.refresh([membership])


def standing_endings(membership: Membership, cause: EndingCause) -> list[Ending]:
    """Return the endings of a cause that nothing has undone, oldest first."""
    undone = select(Reversal.undoes_id).where(
        Reversal.membership_id == membership.id, Reversal.undoes_kind == "ending"
    )
    mine = (
        select(Ending)
        .join(Term)
        .where(Term.membership_id == membership.id, Ending.cause == cause, Ending.id.not_in(undone))
    )
    return list(db.session.scalars(mine.order_by(Ending.id)))


def on_standing_changed(event: StandingChanged) -> None:
    """End the agreement with a membership that is over by resignation or expulsion; take it up again if that is undone."""
    over = event.new in OVER and event.old not in OVER
    back = event.old in OVER and event.new not in OVER
    if over:
        _agreements(event.membership, AgreementState.EXECUTED, AgreementState.TERMINATED, "terminated")
    elif back:
        _agreements(event.membership, AgreementState.TERMINATED, AgreementState.EXECUTED, "revived")


def _agreements(membership: Membership, old: AgreementState, new: AgreementState, verb: str) -> None:
    """Move the newest agreement of a member from one state to the other."""
    newest = (
        select(Agreement)
        .join(Application)
        .where(Application.org_id == membership.org_id, Application.closed_on.is_not(None))
        .order_by(Agreement.id.desc())
        .limit(1)
    )
    found = db.session.scalars(newest).first()
    if found is not None and found.state is old:
        row = agreements.locked(found.id)
        if row.state is old:
            move(row, new)
            audit.record(f"agreement.{verb}", row, by="standing", org_id=membership.org_id)
