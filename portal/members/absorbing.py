"""One company has bought another: the smaller of the two terms ends, its unused dues become the survivor's credit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import lazy_gettext as _l

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import crediting, issuing, note_figures, note_shares, passing
from portal.billing.models import Invoice
from portal.billing.note_models import NoteKind
from portal.core import audit, catalogue
from portal.core.errors import Refused
from portal.core.money import Money
from portal.members import endings, leaving_letters, terms, wall
from portal.members.belonging import Membership, Term
from portal.members.facts import facts_of
from portal.members.standing import EndingCause, TermFact, in_force

NONE = Money(0)


@dataclass(frozen=True, slots=True)
class Sides:
    """Whose membership goes on and whose ends, with the term that ends."""

    survivor: Membership
    absorbed: Membership
    term: Term


def sides(one: Organisation, other: Organisation, on: date) -> Sides:
    """Return which of two memberships ends: that of the lower tier, of two alike the one that ends sooner."""
    found: list[tuple[tuple[int, int, int], Membership, TermFact]] = []
    ranks = {code: place for place, code in enumerate(wall.tier_order())}
    for org in (one, other):
        row = terms.membership_of(org)
        term = in_force(facts_of([row])[row.id], on) if row is not None else None
        if row is None or term is None:
            raise Refused(
                _l("%(org)s has no term in force on that day.", org=org.name), field="on", status=422
            )
        # The lower tier has the higher place; of two alike the sooner end, then the younger membership.
        left = (term.end or date.max).toordinal()
        found.append(((ranks.get(term.tier, len(ranks)), -left, row.id), row, term))
    (_key, survivor, _term), (_other, absorbed, fact) = sorted(found, key=lambda side: side[0])
    ends = next(row for row, _stop in endings.terms_of(absorbed) if row.id == fact.id)
    return Sides(survivor, absorbed, ends)


def absorb(
    one: Organisation, other: Organisation, *, on: date, by: Person, second: Person, reason: str
) -> Sides:
    """Let one of two memberships end on a day; what its credit note frees becomes the credit of the other's payer."""
    if one.id == other.id:
        raise Refused(_l("A company cannot buy itself."), field="other", status=422)
    found = sides(one, other, on)
    endings.lock(found.survivor, found.absorbed)
    invoice = found.term.invoice
    rest = invoice is not None and _has_rest(invoice, on)
    freed = _credit(invoice, on, by, second, reason) if invoice is not None and rest else NONE
    passed = _pass(found, freed, by, reason)
    endings.end(found.absorbed, on=on, cause=EndingCause.ABSORBED, by=by, reason=reason, second=second.name)
    audit.record(
        "membership.absorbed", found.survivor, by=by, org_id=found.survivor.org_id, other=found.absorbed.org.legal_name,
        start=on, tier=found.term.tier, amount=passed, reason=reason, second=second.name,
    )  # fmt: skip
    leaving_letters.absorbed(found.survivor, found.absorbed, on, passed)
    return found


def _has_rest(invoice: Invoice, on: date) -> bool:
    """Whether a credit note after the last day before `on` would take anything back."""
    if crediting.why_not(invoice):
        return False
    try:
        return bool(note_figures.wanted(invoice, NoteKind.TERMINATION, last_day=on - timedelta(days=1)))
    except Refused:
        return False


def _credit(invoice: Invoice, on: date, by: Person, second: Person, reason: str) -> Money:
    """Take the unused days of an invoice back, proposed by the one, issued by the other; return what came free of it."""
    note_shares.lock(invoice)
    before = passing.credit_of(invoice.party)
    note = crediting.propose_note(
        invoice, NoteKind.TERMINATION, by=by, reason=reason[:300], last_day=on - timedelta(days=1)
    )
    crediting.issue_note(note, by=second)
    return passing.credit_of(invoice.party) - before


def _pass(found: Sides, freed: Money, by: Person, reason: str) -> Money:
    """Pass what the note has freed on to the survivor's payer, unless the catalogue says it stays."""
    if freed <= NONE or found.term.invoice is None or catalogue.policy("absorb.credit") != "survivor":
        return NONE
    to = issuing.party_of(found.survivor.org)
    return passing.pass_credit(found.term.invoice.party, to, freed, by=by, reason=reason[:300])
