"""Setting a target: proposed by one, set by another; from then on the catalogue holds it from its day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.core import audit, catalogue, clock, story
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.states import move
from portal.reports.goals import pace
from portal.reports.goals.models import TargetProposal, TargetState
from portal.reports.goals.targets import (
    FIRST_ANSWERS,
    INCOME,
    KIND,
    MEASURES,
    WHOLE_BP,
    code_of,
    read,
)

BASES: dict[str, LazyString] = {
    "recognised": _l("Recognised"),
    "invoiced": _l("Invoiced less credited"),
    "collected": _l("Collected"),
    "booked": _l("Bookings"),
}
MOST = 10**14


def scopes(groups: Sequence[str], streams: Sequence[str]) -> list[str]:
    """Return the scopes that a target of income may have."""
    return ["total", *(f"group:{code}" for code in groups), *(f"stream:{code}" for code in streams)]


def propose(
    measure: str, scope: str, year: int, amount: int, *, basis: str, profile: Sequence[int], reason: str, valid_from: date,
    by: Person,
) -> TargetProposal:  # fmt: skip
    """Propose a target from a day on; a second person sets it."""
    _check(measure, year, amount, profile, valid_from)
    waiting = select(TargetProposal.id).where(
        TargetProposal.measure == measure, TargetProposal.scope == scope, TargetProposal.year == year,
        TargetProposal.state == TargetState.PROPOSED,
    )  # fmt: skip
    if db.session.scalar(waiting.limit(1)) is not None:
        raise Refused(
            _l("A proposal for this target waits already: set it or decline it first."), field="measure"
        )
    row = TargetProposal(
        measure=measure, scope=scope, year=year, amount=amount, basis=basis, profile=list(profile), reason=reason,
        valid_from=valid_from, by=by,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("target.proposed", row, by=by, **_facts(row))
    return row


def _check(measure: str, year: int, amount: int, profile: Sequence[int], valid_from: date) -> None:
    if measure not in MEASURES:
        raise Refused(_l("There is no such measure."), field="measure", status=422)
    most = WHOLE_BP if measure == FIRST_ANSWERS else MOST
    if not 0 < amount <= most:
        raise Refused(_l("Please give a goal above nothing."), field="amount", status=422)
    if profile and not pace.fits(profile):
        raise Refused(
            _l("A profile is twelve whole numbers that sum to 10,000."), field="profile", status=422
        )
    if valid_from < clock.today():
        raise Refused(
            _l("A target cannot begin in the past: reports of then would change."),
            field="valid_from",
            status=422,
        )
    if not clock.today().year <= year <= clock.today().year + 10:
        raise Refused(_l("Please give this year or one of the next ten."), field="year", status=422)


def _facts(row: TargetProposal) -> dict[str, Any]:
    return {
        "measure": row.measure, "scope": row.scope, "year": row.year, "amount": row.amount, "basis": row.basis,
        "valid_from": row.valid_from, "reason": row.reason,
    }  # fmt: skip


def put(row: TargetProposal, *, by: Person) -> None:
    """Stand for another's proposal: the target is in force from its day, or from today if that is over."""
    _another(row, by)
    move(row, TargetState.SET)
    row.second, row.decided_at = by, clock.now()
    db.session.flush()
    audit.record("target.set", row, by=by, **_facts(row))
    names = f"{row.by.name} / {by.name}"
    body: dict[str, Any] = {
        "code": code_of(row.year, row.measure, row.scope), "measure": row.measure, "scope": row.scope, "year": row.year,
        "amount" if row.measure == INCOME else "goal": row.amount, "basis": row.basis, "profile": row.profile, "set_by": {"en": names, "zh": names},
        "order": _order(row),
    }  # fmt: skip
    catalogue.put(KIND, body["code"], body, max(row.valid_from, clock.today()))


def _order(row: TargetProposal) -> int:
    """Return the place of a target among others: that of the row it takes the place of, else behind all."""
    rows = catalogue.entries(KIND)
    if (found := rows.get(code_of(row.year, row.measure, row.scope))) is not None:
        return int(found.get("order", 0))
    return max((int(body.get("order", 0)) for body in rows.values()), default=0) + 1


def decline(row: TargetProposal, *, reason: str, by: Person) -> None:
    """Leave the target as it is, with the reason."""
    _another(row, by)
    move(row, TargetState.DECLINED)
    row.second, row.decided_at, row.words = by, clock.now(), reason
    audit.record("target.declined", row, by=by, **_facts(row) | {"reason": reason})


def _another(row: TargetProposal, by: Person) -> None:
    if row.state is not TargetState.PROPOSED:
        raise Refused(_l("This has moved on meanwhile: the step is no longer possible. Please look again."))
    if row.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person sets the target."))


def from_file(body: dict[str, Any]) -> None:
    """Check a target of a catalogue file; `Refused` says what is wrong with it."""
    try:
        one = read(body)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise Refused(f"target {body.get('code')}: {error!r}") from None
    if one.measure not in MEASURES or one.amount <= 0 or (one.profile and not pace.fits(one.profile)):
        raise Refused(
            f"target {one.code}: a known measure, an amount above 0 and a profile that sums to 10000"
        )
    if one.measure == INCOME and one.basis not in BASES:
        raise Refused(f"target {one.code}: no such basis: {one.basis}")


def install() -> None:
    """Let the catalogue look at targets before it takes them, and say how their history reads."""
    catalogue.checked(KIND, from_file)
    story.words(
        {
            "target.proposed": (_l("Target proposed"), "hourglass-split"),
            "target.set": (_l("Target set"), "check-circle"),
            "target.declined": (_l("Target not set"), "x-circle"),
        },
        {
            "measure": _l("Measure"), "scope": _l("Of which income"), "basis": _l("Basis"),
        },
    )  # fmt: skip
