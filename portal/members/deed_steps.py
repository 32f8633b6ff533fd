"""What each verb of two people does with what was filled in: the one place where a proposal becomes a deed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import merging
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.members import absorbing, giving, holding, leaving, leaving_letters, terms
from portal.members.belonging import Hold, Membership, Term, TermKind
from portal.members.deed_models import DeedVerb

D = DeedVerb


@dataclass(frozen=True, slots=True)
class Given:
    """About whom, what was filled in (days as ISO texts), why, and the second organisation where there is one."""

    org: Organisation
    detail: dict[str, Any]
    reason: str
    other: Organisation | None = None

    def day(self, name: str) -> date | None:
        """Return a day that was filled in."""
        value = self.detail.get(name)
        return date.fromisoformat(str(value)) if value else None

    def needed(self, name: str) -> date:
        """Return a day that must be filled in."""
        found = self.day(name)
        if found is None:
            raise Refused(_l("Please fill this in."), field=name, status=422)
        return found

    def membership(self) -> Membership:
        """Return the membership it is about."""
        row = terms.membership_of(self.org)
        if row is None:
            raise Refused(_l("This organisation was never a member: there is no term."))
        return row

    def second_org(self) -> Organisation:
        """Return the other organisation."""
        if self.other is None:
            raise Refused(_l("Please choose the other organisation."), field="other", status=422)
        return self.other


Step = Callable[[Given, Person, Person], None]


def _open_term(given: Given, by: Person, second: Person) -> None:
    giving.open_by_hand(
        terms.found_membership(given.org), kind=TermKind(given.detail["kind"]), tier=given.detail["tier"],
        start=given.needed("start"), months=int(given.detail["months"] or 0), charged=Money(int(given.detail["charged"])),
        by=by, second=second, reason=given.reason,
    )  # fmt: skip


def _suspend(given: Given, by: Person, second: Person) -> None:
    holding.suspend(
        given.membership(), code=given.detail["code"], start=given.needed("start"), end=given.day("end"), by=by,
        second=second, reason=given.reason,
    )  # fmt: skip


def _lift(given: Given, by: Person, second: Person) -> None:
    hold = db.session.get(Hold, int(given.detail["hold"]))
    if hold is None:
        raise Refused(_l("This suspension was lifted already."))
    holding.lift(
        given.membership(), hold, code=given.detail["code"], from_day=given.needed("from_day"), by=by,
        second=second, reason=given.reason,
    )  # fmt: skip


def _cancel_term(given: Given, by: Person, second: Person) -> None:
    term = db.session.scalars(select(Term).where(Term.uid == given.detail["term"])).first()
    if term is None:
        raise Refused(_l("This term is not one of this member's."), field="term", status=422)
    leaving.cancel_term(
        given.membership(), term, on=given.needed("on"), by=by, second=second, reason=given.reason
    )


def _expel(given: Given, by: Person, second: Person) -> None:
    leaving.expel(
        given.membership(), on=given.needed("on"), barred_until=given.day("barred_until"), by=by, second=second,
        reason=given.reason,
    )  # fmt: skip


def _set_founding(given: Given, by: Person, second: Person) -> None:
    leaving.set_founding(
        given.membership(), founding=bool(given.detail["founding"]), by=by, second=second, reason=given.reason
    )


def _absorb(given: Given, by: Person, second: Person) -> None:
    absorbing.absorb(
        given.org, given.second_org(), on=given.needed("on"), by=by, second=second, reason=given.reason
    )


def _merge(given: Given, by: Person, second: Person) -> None:
    merging.merge(given.second_org(), into=given.org, by=by, second=second, reason=given.reason)
    leaving_letters.merged(given.org, given.second_org())


def _unmerge(given: Given, by: Person, second: Person) -> None:
    row = merging.live_merge(given.second_org())
    if row is None or row.kept_id != given.org.id:
        raise Refused(_l("This merge was undone already."))
    merging.undo(row, by=by, second=second, reason=given.reason)


STEPS: dict[DeedVerb, Step] = {
    D.OPEN_TERM: _open_term, D.SUSPEND: _suspend, D.LIFT: _lift, D.CANCEL_TERM: _cancel_term, D.EXPEL: _expel,
    D.SET_FOUNDING: _set_founding, D.ABSORB: _absorb, D.MERGE: _merge, D.UNMERGE: _unmerge,
}  # fmt: skip
