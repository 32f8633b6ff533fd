"""Renewal by points: asked for by the holder, decided by somebody uninvolved; the points it takes count for nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select

from portal.accounts.named_consents import locked as lock
from portal.accounts.people import Person
from portal.certs import awarding, conflicts, levels
from portal.certs.award_events import AwardRevoked
from portal.certs.education import counting, entries, letters, rules
from portal.certs.education.counting import Piece, Tally
from portal.certs.models.award import Award, AwardState
from portal.certs.models.education import EducationEntry, EducationRenewal, EducationState, RenewalState
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.states import move
from portal.core.words import day

E, R = EducationState, RenewalState


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a holder is with an award: what counts today, from which day on, when one may ask, and why one may not."""

    award: Award
    tally: Tally
    first_day: date
    opens: date
    closes: date
    waits: int
    open: EducationRenewal | None
    why_not: LazyString | None

    @property
    def last(self) -> date:
        """The last day on which one may ask."""
        return self.closes - timedelta(days=1)


def standing(award: Award, mine: list[EducationEntry], on: date) -> Standing:
    """Return how far a holder is with an award: what counts for asking on a day, or on the first day one may."""
    first, last = levels.renewal_window(on=on)
    opens, closes = award.end + timedelta(days=first), award.end + timedelta(days=last)
    since, until = counting.days(max(on, opens), rules.months(on=on), award.start)
    pieces = [
        Piece(one.id, one.kind, one.done_on, one.points)
        for one in mine
        if one.state is E.ACCEPTED and one.points is not None and since <= one.done_on <= until
    ]
    tally = counting.tally(pieces, rules.caps(on=on), rules.needed(on=on))
    waits = sum(one.claimed for one in mine if one.state in entries.OPEN and since <= one.done_on <= until)
    return Standing(
        award, tally, since, opens, closes, waits, open_for(award), _why_not(award, tally, on, opens, closes)
    )


def _why_not(award: Award, tally: Tally, on: date, opens: date, closes: date) -> LazyString | None:
    if award.state is AwardState.REVOKED:
        return _l("This award is revoked: it cannot be renewed.")
    if award.state is AwardState.SUSPENDED:
        return _l("The award of this level is on hold: that is decided first.")
    if on < opens:
        return _l("It is too early: you can ask from %(day)s on.", day=day(opens))
    if on >= closes:
        return _l("The time to renew this award is over. The exam leads to a new one.")
    if not tally.enough:
        return _l("%(missing)s of %(needed)s points are still missing.", missing=tally.missing, needed=tally.needed)  # fmt: skip
    return None


def open_for(award: Award) -> EducationRenewal | None:
    """Return the renewal of an award that is asked for or was granted."""
    rows = select(EducationRenewal).where(
        EducationRenewal.award_id == award.id, EducationRenewal.state.in_((R.ASKED, R.GRANTED))
    )
    return db.session.scalars(rows).first()


def of_person(person: Person) -> list[EducationRenewal]:
    """Return the renewals somebody asked for, the newest first."""
    rows = select(EducationRenewal).join(Award).where(Award.person_id == person.id)
    return list(db.session.scalars(rows.order_by(EducationRenewal.id.desc())))


def found(uid: str) -> EducationRenewal:
    """Return one renewal."""
    row = db.session.scalars(select(EducationRenewal).where(EducationRenewal.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such renewal."))
    return row


def counted(row: EducationRenewal) -> list[EducationEntry]:
    """Return the entries that a renewal uses, the oldest first."""
    rows = select(EducationEntry).where(EducationEntry.renewal_id == row.id)
    return list(db.session.scalars(rows.order_by(EducationEntry.done_on, EducationEntry.id)))


def _entries(person: Person) -> list[EducationEntry]:
    rows = select(EducationEntry).where(EducationEntry.person_id == person.id).order_by(EducationEntry.id)
    return list(db.session.scalars(rows.execution_options(populate_existing=True)))


def ask(award: Award, *, by: Person) -> EducationRenewal:
    """Ask to have an award renewed: the points it needs are taken now, the oldest first, and count for this alone."""
    lock(by)
    row = awarding.locked(award)
    if row.person_id != by.id:
        raise Missing(_l("There is no such award."))
    mine = {one.id: one for one in _entries(by)}
    seen = standing(row, list(mine.values()), clock.today())
    if seen.open is not None:
        raise Refused(_l("You have asked for this renewal already."))
    if awarding.newest(by, row.level) is not row and row.state is not AwardState.REVOKED:
        raise Refused(_l("This award has been renewed already."))
    if seen.why_not is not None:
        raise Refused(seen.why_not)
    made = EducationRenewal(
        award=row, needed=seen.tally.needed, points=seen.tally.used, first_day=seen.first_day, last_day=clock.today()
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    for number, points in seen.tally.taken:
        entry = mine[number]
        move(entry, E.COUNTED)
        entry.renewal, entry.counted = made, points
    db.session.flush()
    audit.record("education.asked", made, by=by, level=row.level, credit=made.points, needed=made.needed)
    letters.to_decide(made)
    return made


def _fresh(row: EducationRenewal) -> EducationRenewal:
    """Lock a holder's points, and return a renewal as it stands; refuse what is decided already."""
    lock(row.award.person)
    again = (
        select(EducationRenewal)
        .where(EducationRenewal.id == row.id)
        .execution_options(populate_existing=True)
    )
    found = db.session.scalars(again).one()
    if found.state is not R.ASKED:
        raise Refused(_l("This renewal was decided or taken back meanwhile."))
    return found


def _close(row: EducationRenewal, to: RenewalState) -> None:
    """End a renewal that came to nothing: its entries are free again."""
    for entry in counted(row):
        entry.renewal, entry.counted = None, None
        move(entry, E.ACCEPTED)
    row.decided_at = clock.now()
    move(row, to)
    db.session.flush()


def withdraw(row: EducationRenewal, *, by: Person) -> None:
    """Take a renewal back before it is decided; its points are free again."""
    if row.award.person_id != by.id:
        raise Missing(_l("There is no such renewal."))
    row = _fresh(row)
    _close(row, R.WITHDRAWN)
    audit.record("education.taken_back", row, by=by)


def involved(row: EducationRenewal) -> set[int]:
    """Return who checked what a renewal rests on."""
    return {who for one in counted(row) for who in (one.first_id, one.second_id) if who is not None}


def independent(row: EducationRenewal, by: Person) -> bool:
    """Whether somebody may decide: no tie to the holder, and no part in checking his points."""
    return by.id not in conflicts.barred(row.award.person) and by.id not in involved(row)


def why_no_grant(row: EducationRenewal) -> LazyString | None:
    """Return why a renewal can only be refused; None if it can be granted."""
    award = row.award
    if award.state is AwardState.SUSPENDED:
        return _l("The award of this level is on hold: that is decided first.")
    if award.state is AwardState.REVOKED:
        return _l("This award is revoked: it cannot be renewed.")
    newest = awarding.newest(award.person, award.level)
    if newest is None or newest.id != award.id:
        return _l("The level was renewed by another way meanwhile: this can only be refused, and the points are free again.")  # fmt: skip
    return None


def decide(row: EducationRenewal, *, granted: bool, by: Person, reason: str) -> EducationRenewal:
    """Grant or refuse a renewal; granted, a new award with its own number is there at once and renews the old one."""
    row = _fresh(row)
    if not independent(row, by):
        raise Forbidden(_l("You checked these points, or have a tie to the holder: somebody else decides."))
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    award = awarding.locked(row.award)
    if granted and (why := why_no_grant(row)) is not None:
        raise Refused(why)
    row.reason, row.decided_by = reason.strip()[:1000], by
    if not granted:
        _close(row, R.REFUSED)
    else:
        row.decided_at = clock.now()
        move(row, R.GRANTED)
        db.session.flush()
    audit.record("education.decided", row, by=by, renewed_so=granted, reason=row.reason)
    made = None
    if granted:
        made = awarding.grant(
            award.person, level=award.level, names=award.names, decision=row.subject, decided_on=clock.today(), by=by
        )  # fmt: skip
    letters.decided(row, made)
    return row


def award_of(row: EducationRenewal) -> Award | None:
    """Return the award that a renewal led to."""
    rows = select(Award).where(Award.decision == row.subject, Award.level == row.award.level)
    return db.session.scalars(rows).first()


def on_revoked(event: AwardRevoked) -> None:
    """Let a renewal fall away whose award is revoked: there is nothing to renew, and its points are free again."""
    lock(event.award.person)
    row = open_for(event.award)
    if row is not None and row.state is R.ASKED:
        _close(row, R.LAPSED)
        audit.record("education.lapsed", row, by="standing")


def waiting() -> Select[EducationRenewal]:
    """Select the renewals that wait for a decision, the oldest first."""
    return select(EducationRenewal).where(EducationRenewal.state == R.ASKED).order_by(EducationRenewal.id)


def count_waiting() -> int:
    """Return how many renewals wait."""
    asked = select(func.count(EducationRenewal.id)).where(EducationRenewal.state == R.ASKED)
    return int(db.session.scalar(asked) or 0)
