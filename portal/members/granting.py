"""Grants: what a term, a purchase or a director's leave gives, written once and never edited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import exists, select

from portal.billing.models import Invoice, InvoiceState
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.periods import nth
from portal.members import allotment
from portal.members.belonging import Ending, Grant, Membership, Reversal, Term
from portal.members.benefit_models import TAKEN, Claim
from portal.members.facts import facts_of
from portal.members.models import Application, ApplicationState
from portal.members.standing import EndingCause

BOUGHT_MONTHS = 12


def given(tier: str, category: str, *, on: date | None = None) -> dict[str, int | None]:
    """Return what a tier gives to a category on a day, by benefit: how many, None for a flag."""
    found = {
        code: allotment.given(body, tier, category)
        for code, body in catalogue.entries("benefit", on=on).items()
    }
    return {code: quantity for code, quantity in found.items() if quantity != allotment.NOTHING}


def grant(term: Term) -> list[Grant]:
    """Write what a term gives. After a change of tier, or early leave, it goes on from what was taken before."""
    earlier = {**_early(term.membership), **before(term)}
    bodies = catalogue.entries("benefit", on=term.start)
    rows = [
        Grant(
            membership=term.membership, term=term, benefit=code, quantity=quantity, start=term.start, end=term.end,
            source=term.subject, claim_by=allotment.last_claim_day(bodies[code], term.start),
            follows=earlier.get(code),
        )
        for code, quantity in given(term.tier, term.category, on=term.start).items()
    ]  # fmt: skip
    db.session.add_all(rows)
    db.session.flush()
    return rows


def before(term: Term) -> dict[str, Grant]:
    """Return the grants of the term that a change of tier ended on the day this one starts."""
    undone = select(Reversal.undoes_id).where(Reversal.undoes_kind == "ending")
    ended = (
        select(Ending.term_id)
        .join(Term, Ending.term_id == Term.id)
        .where(
            Term.membership_id == term.membership_id,
            Ending.on == term.start,
            Ending.cause == EndingCause.TIER_CHANGE,
            Ending.id.not_in(undone),
        )
    )
    rows = db.session.scalars(select(Grant).where(Grant.term_id.in_(ended)).order_by(Grant.id))
    return {row.benefit: row for row in rows}


def unended(today: Any) -> Any:
    """Return the condition that no ending of a grant's term has come by a day: grants are never cut themselves."""
    undone = select(Reversal.id).where(Reversal.undoes_kind == "ending", Reversal.undoes_id == Ending.id)
    return ~exists().where(Ending.term_id == Grant.term_id, Ending.on <= today, ~undone.exists())


def _early(membership: Membership) -> dict[str, Grant]:
    """Return what a director allowed before the term, where nothing goes on from it yet."""
    after = select(Grant.follows_id).where(Grant.follows_id.is_not(None))
    rows = db.session.scalars(
        select(Grant)
        .join(Application, Grant.application_id == Application.id)
        .where(
            Grant.membership_id == membership.id,
            Grant.id.not_in(after),
            Application.state.in_([ApplicationState.APPROVED, ApplicationState.COMPLETED]),
            Application.closed_on.is_(None) | (Application.closed_on == clock.today()),
        )
        .order_by(Grant.id)
    )
    return {row.benefit: row for row in rows}


def grant_early(application: Application, membership: Membership) -> list[Grant]:
    """Write what an approved application will give, open until its term begins or it is closed."""
    today, org = clock.today(), application.org
    rows = [
        Grant(
            membership=membership, application=application, benefit=code, quantity=quantity, start=today, end=None,
            source=application.subject,
        )
        for code, quantity in given(application.tier, org.category, on=today).items()
    ]  # fmt: skip
    db.session.add_all(rows)
    db.session.flush()
    return rows


def grant_bought(invoice: Invoice) -> list[Grant]:
    """Write what the things on a settled invoice give to a member, once per line and benefit."""
    org = invoice.party.org_id
    membership = db.session.scalars(select(Membership).where(Membership.org_id == org)).first()
    if membership is None:
        return []
    today, rows = clock.today(), []
    for code, body in catalogue.entries("benefit").items():
        for line in invoice.lines:
            each = body.get("purchases", {}).get(line.order_line.product)
            source = line.order_line.subject
            if each is None or _known(source, code):
                continue
            start = line.order_line.period_start or today
            end = line.order_line.period_end or nth(start, BOUGHT_MONTHS, 1)
            rows.append(
                Grant(
                    membership=membership, invoice=invoice, benefit=code, quantity=int(each) * line.quantity,
                    start=start, end=end, source=source, claim_by=allotment.last_claim_day(body, start),
                )
            )  # fmt: skip
    db.session.add_all(rows)
    db.session.flush()
    for row in rows:
        audit.record(
            "benefit.bought",
            membership,
            by="purchase",
            org_id=org,
            benefit=row.benefit,
            quantity=row.quantity,
        )
    return rows


def _known(source: str, benefit: str) -> bool:
    found = select(Grant.id).where(Grant.source == source, Grant.benefit == benefit)
    return db.session.scalar(found) is not None


@dataclass(slots=True)
class Held:
    """A grant with its definition, the first day without it, and the claims on it and on what it follows."""

    grant: Grant
    body: Mapping[str, Any]
    until: date | None
    claims: list[Claim] = field(default_factory=list)
    superseded: bool = False

    @property
    def taken(self) -> int:
        """How many are claimed, confirmed, used or waited for."""
        return sum(one.quantity for one in self.claims if one.state in TAKEN)

    @property
    def claim_until(self) -> date | None:
        """The first day on which nothing may be claimed any more."""
        days = [day for day in (self.until, allotment_end(self.grant)) if day is not None]
        return min(days, default=None)

    def left(self, on: date) -> int:
        """Return how many may still be claimed on a day."""
        if self.superseded:
            return 0
        return allotment.available(
            self.grant.quantity, taken=self.taken, start=self.grant.start, until=self.until, on=on,
            claim_by=self.grant.claim_by,
        )  # fmt: skip

    def runs(self, on: date) -> bool:
        """Whether the grant is in force on a day."""
        return not self.superseded and self.grant.start <= on and (self.until is None or on < self.until)


def allotment_end(row: Grant) -> date | None:
    """Return the first day after a grant's last day for claims."""
    return None if row.claim_by is None else date.fromordinal(row.claim_by.toordinal() + 1)


def available(grant: Grant, on: date | None = None) -> int:
    """Return how many of a grant may still be claimed on a day: its quantity less what is taken, else 0."""
    return next(one for one in held_by([grant.membership]) if one.grant.id == grant.id).left(
        on or clock.today()
    )


def held_by(memberships: Iterable[Membership]) -> list[Held]:
    """Return every grant of some memberships with its claims, in a handful of statements, oldest first."""
    rows = {row.id: row for row in memberships}
    grants = list(
        db.session.scalars(select(Grant).where(Grant.membership_id.in_(rows)).order_by(Grant.start, Grant.id))
    )
    claims: dict[int, list[Claim]] = defaultdict(list)
    asked = select(Claim).where(Claim.grant_id.in_([row.id for row in grants])).order_by(Claim.id)
    # Read anew: whoever holds the member's lock must see what others wrote before he got it.
    for claim in db.session.scalars(asked.execution_options(populate_existing=True)):
        claims[claim.grant_id].append(claim)
    ends = _ends(grants, list(rows.values()))
    by_id = {row.id: row for row in grants}
    followed = {row.follows_id for row in grants if row.follows_id is not None}
    return [
        Held(
            row, catalogue.entries("benefit", on=row.start).get(row.benefit, {}), ends[row.id],
            [one for number in _chain(row, by_id) for one in claims[number]],
            superseded=row.term_id is None and row.id in followed,
        )
        for row in grants
    ]  # fmt: skip


def _chain(row: Grant, by_id: Mapping[int, Grant]) -> list[int]:
    """Return the ids of a grant and of all it follows, the first one first."""
    found = [row.id]
    while (before := by_id[found[0]].follows_id) is not None and before in by_id:
        found.insert(0, before)
    return found


def _ends(grants: list[Grant], memberships: list[Membership]) -> dict[int, date | None]:
    """Return the first day without each grant, by what it hangs on: term, invoice or application."""
    if not grants:
        return {}
    cut: dict[int, date | None] = {}
    for facts in facts_of(memberships).values():
        cut.update(allotment.stops(facts))
    invoices = {row.invoice_id for row in grants if row.invoice_id is not None}
    paid = set(
        db.session.scalars(
            select(Invoice.id).where(Invoice.id.in_(invoices), Invoice.state == InvoiceState.PAID)
        )
    )
    cases = {row.application_id for row in grants if row.application_id is not None}
    approved = set(
        db.session.scalars(
            select(Application.id).where(
                Application.id.in_(cases), Application.state == ApplicationState.APPROVED
            )
        )
    )
    found: dict[int, date | None] = {}
    for row in grants:
        if row.term_id is not None:
            found[row.id] = cut[row.term_id]
        elif row.application_id is not None:
            found[row.id] = None if row.application_id in approved else row.start
        else:
            found[row.id] = row.end if row.invoice_id in paid else row.start
    return found


def benefit_name(code: str) -> str:
    """Return what a benefit is called in the reader's language; its code if the catalogue lost it."""
    body = catalogue.entries("benefit").get(code)
    return catalogue.in_words(body["name"]) if body else code
