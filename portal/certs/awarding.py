"""Awards: granted by a decision, renewed early without losing a day, with the levels below renewed along."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, and_, case, exists, or_, select

from portal.accounts.people import Person
from portal.certs import issuing, levels, naming, schemes, spans
from portal.certs.models.award import Award, AwardState, Suspension
from portal.certs.naming import Names, Shown
from portal.certs.schemes import Scheme
from portal.certs.spans import Span
from portal.certs.standing import CertificateState, Facts
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused


def locked(award: Award) -> Award:
    """Return an award under its row lock, fresh from the database."""
    return db.session.scalars(
        select(Award)
        .where(Award.id == award.id)
        .with_for_update(of=Award)
        .execution_options(populate_existing=True)
    ).one()


def found(uid: str) -> Award:
    """Return one award."""
    row = db.session.scalars(select(Award).where(Award.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such award."))
    return row


def of_person(person: Person) -> list[Award]:
    """Return a person's awards, the newest first."""
    return list(
        db.session.scalars(select(Award).where(Award.person_id == person.id).order_by(Award.id.desc()))
    )


def newest(person: Person, level: str) -> Award | None:
    """Return the award of a person and level that lasts the longest, without those that are revoked."""
    return db.session.scalars(
        select(Award)
        .where(Award.person_id == person.id, Award.level == level, Award.state != AwardState.REVOKED)
        .order_by(Award.end.desc(), Award.id.desc())
        .limit(1)
    ).first()


def renewable(award: Award, on: date) -> bool:
    """Whether a day lies in an award's renewal window."""
    return spans.in_window(on, award.end, levels.renewal_window(on=on))


def grant(
    person: Person, *, level: str, names: Names, decision: str, decided_on: date, by: Person, scheme: Scheme | None = None,
    issue: bool = True,
) -> Award:  # fmt: skip
    """Grant a level to a person by a decision (its subject, such as `decision:7`); asked again it is the same award.

    The caller has seen to the released pass, the review, the prerequisite and that `by` is uninvolved. An award of the
    level in its renewal window is renewed; the levels below are renewed to the same end. It lasts as the scheme says that
    was bought, else as that of the day of decision. `issue=False` leaves the documents to a batch.
    """
    db.session.scalars(select(Person).where(Person.id == person.id).with_for_update(of=Person)).one()
    made = db.session.scalars(select(Award).where(Award.decision == decision, Award.level == level)).first()
    if made is not None:
        return made
    named = Names(naming.tidy(names.zh), naming.tidy(names.latin))
    check_names(named)
    known, old = levels.level(level, on=decided_on), newest(person, level)
    months = scheme.validity_months if scheme else schemes.validity(level, decided_on)
    span = _span(old, decided_on, months)
    row = _award(person, level, named, decision, span, scheme.version if scheme else known.scheme, old, by)
    rows = [row, *_lower(row, by=by)]
    if issue:
        for one in rows:
            issuing.issue(one, by=by)
    return row


def check_names(names: Names) -> None:
    """Refuse a name that no document can carry: none at all, or longer than a page."""
    if not names.zh and not names.latin:
        raise Refused(_l("A name is needed, in Chinese or in Latin letters."), field="name_zh", status=422)
    if max(len(names.zh), len(names.latin)) > naming.LONGEST:
        raise Refused(_l("This name is too long for a document: at most 80 characters."), status=422)


def _span(old: Award | None, decided: date, months: int) -> Span:
    if old is None or decided >= old.end:
        return spans.granted(decided, months)
    if old.state is AwardState.SUSPENDED:
        raise Refused(_l("The award of this level is on hold: that is decided first."))
    if not renewable(old, decided):
        raise Refused(_l("This person holds the level already, and it is too early to renew it."))
    return spans.renewed(decided, months, old.end)


def _award(
    person: Person,
    level: str,
    names: Names,
    decision: str,
    span: Span,
    scheme: int,
    old: Award | None,
    by: Any,
) -> Award:
    row = Award(
        level=level, scheme_version=scheme, person=person, name_zh=names.zh, name_latin=names.latin, decision=decision,
        decided_on=span.start, start=span.start, end=span.end, renews=old, shown=old.shown if old else Shown.MASKED,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record(
        "award.granted", row, by=by, level=level, decision=decision, last=span.last, renewed=old is not None
    )
    return row


def _lower(award: Award, *, by: Person) -> list[Award]:
    """Renew the levels below to the new award's end: those in force, and those that ended not long ago."""
    on = award.decided_on
    if not catalogue.policy("renewal.lower_levels", on=on):
        return []
    (_first, after), made = levels.renewal_window(on=on), []
    for code in levels.below(award.level, on=on):
        old = newest(award.person, code)
        if old is None or old.state is AwardState.SUSPENDED or old.end >= award.end:
            continue
        if not spans.in_window(on, old.end, ((old.start - old.end).days, after)):
            continue
        span = Span(on, award.end)
        made.append(
            _award(award.person, code, award.names, award.decision, span, old.scheme_version, old, by)
        )
    return made


def state_on(award: Award, on: date) -> AwardState | CertificateState:
    """Return the state of an award as its readers see it on a day: that it has expired is derived from time."""
    ended = award.state is AwardState.GRANTED and award.end <= on
    return CertificateState.EXPIRED if ended else award.state


def suspensions(awards: Iterable[Award]) -> dict[int, list[Suspension]]:
    """Return the suspensions of awards, by award, the oldest first."""
    ids = [row.id for row in awards]
    found: dict[int, list[Suspension]] = {number: [] for number in ids}
    rows = select(Suspension).where(Suspension.award_id.in_(ids)).order_by(Suspension.id)
    for row in db.session.scalars(rows) if ids else ():
        found[row.award_id].append(row)
    return found


def facts_of(award: Award, held: Sequence[Suspension], superseded_at: datetime | None = None) -> Facts:
    """Return what decides the standing of an award, or of one of its documents."""
    return Facts(
        valid_from=clock.start_of(award.start),
        valid_until=clock.start_of(award.end),
        revoked_at=award.revoked_at,
        superseded_at=superseded_at,
        suspensions=tuple((one.start, one.end) for one in held),
    )


def in_force(at: datetime) -> Any:
    """Return the condition that an award counts at an instant: as `standing` says it, for whole lists."""
    day = clock.day_of(at)
    falls = and_(Suspension.confirmed_at.is_(None), Suspension.confirm_by.is_not(None))
    held = exists().where(
        Suspension.award_id == Award.id,
        Suspension.start <= at,
        or_(Suspension.lifted_at.is_(None), Suspension.lifted_at > at),
        or_(~falls, Suspension.confirm_by > at),
    )
    gone = and_(Award.revoked_at.is_not(None), Award.revoked_at <= at)
    return and_(Award.start <= day, Award.end > day, ~gone, ~held)


def credentials(people: Sequence[Person], *, on: date | None = None) -> dict[int, list[Award]]:
    """Return the awards in force of some people on a day (at its end; today: now), by person, the highest first."""
    at = _moment(on)
    found: dict[int, list[Award]] = {person.id: [] for person in people}
    rows = select(Award).where(Award.person_id.in_(found), in_force(at)).order_by(_rank(on).desc(), Award.id)
    for row in db.session.scalars(rows) if found else ():
        found[row.person_id].append(row)
    return found


def levels_in_force(*, on: date | None = None, rank: int | None = None) -> Select[Any]:
    """Select (person_id, rank) of every award in force on a day, or of those of one rank; the lowest level has rank 1."""
    found = select(Award.person_id, _rank(on).label("rank")).where(in_force(_moment(on)))
    if rank is None:
        return found
    return found.where(Award.level.in_([one.code for one in levels.levels(on=on) if one.rank == rank]))


def _moment(on: date | None) -> datetime:
    return clock.now() if on is None or on == clock.today() else clock.start_of(on + spans.DAY) - spans.TICK


def _rank(on: date | None) -> Any:
    ranks = {one.code: one.rank for one in levels.levels(on=on)}
    return case(ranks, value=Award.level, else_=0)
