"""Entries as their holder keeps them: written down with what shows them, taken back while nobody has checked them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.named_consents import locked as lock
from portal.accounts.people import Person
from portal.certs import awarding, levels
from portal.certs.education import counting, rules
from portal.certs.models.award import Award
from portal.certs.models.education import EducationEntry, EducationState
from portal.core import audit, clock, files, words
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.states import move

E = EducationState
OPEN = (E.SUBMITTED, E.SECOND_LOOK)
GONE = (E.REFUSED, E.WITHDRAWN)
MOST_OPEN = 50


@dataclass(frozen=True, slots=True)
class Claim:
    """What a holder says: which kind of work, when, what it was, the link that shows it, the points as typed."""

    kind: str
    done_on: date | None
    what: str
    link: str
    points: str


def of_person(person: Person) -> list[EducationEntry]:
    """Return a holder's entries, the newest day first."""
    rows = select(EducationEntry).where(EducationEntry.person_id == person.id)
    return list(db.session.scalars(rows.order_by(EducationEntry.done_on.desc(), EducationEntry.id.desc())))


def found(uid: str) -> EducationEntry:
    """Return one entry."""
    row = db.session.scalars(select(EducationEntry).where(EducationEntry.uid == uid)).first()
    if row is None:
        raise Missing(_l("This entry is not there."))
    return row


def fresh(row: EducationEntry) -> EducationEntry:
    """Return an entry as it stands once its holder's row is locked: every verb about points takes that lock first."""
    lock(row.person)
    return db.session.scalars(
        select(EducationEntry).where(EducationEntry.id == row.id).execution_options(populate_existing=True)
    ).one()


def renewable(person: Person) -> list[Award]:
    """Return the award of each level that lasts the longest and can be renewed now or later, the highest level first."""
    after, found = timedelta(days=levels.renewal_window()[1]), []
    for one in reversed(levels.levels()):
        row = awarding.newest(person, one.code)
        if row is not None and clock.today() < row.end + after:
            found.append(row)
    return found


def first_day(award: Award, on: date) -> date:
    """Return the first day whose work can still count for an award: for asking now, or on the first day one may."""
    asked = max(on, award.end + timedelta(days=levels.renewal_window(on=on)[0]))
    return counting.days(asked, rules.months(on=on), award.start)[0]


def submit(
    person: Person, claim: Claim, *, by: Person, paper: tuple[files.Content, str] | None = None
) -> EducationEntry:
    """Write down what was done, with the link or file that shows it; staff check it."""
    lock(person)
    points = _check(person, claim, paper)
    row = EducationEntry(
        person=person, kind=claim.kind, done_on=claim.done_on or clock.today(), what=claim.what.strip(),
        link=claim.link.strip(), link_key=key_of(claim.link), claimed=points,
        file=None if paper is None else _kept(person, *paper), file_key="" if paper is None else paper[0].sha256,
    )  # fmt: skip
    _refuse_twice(row)
    db.session.add(row)
    db.session.flush()
    audit.record("education.submitted", row, by=by, work=row.kind, done_on=row.done_on, claimed=points)
    return row


def _check(person: Person, claim: Claim, paper: object) -> int:
    """Refuse what cannot be an entry, at the field it stands in; return the points claimed."""
    if claim.kind not in {one.code for one in rules.kinds()}:
        raise Refused(_l("Please choose the kind of work."), field="kind", status=422)
    _check_day(person, claim.done_on)
    if not claim.what.strip() or len(claim.what.strip()) > 500:
        raise Refused(_l("Please say in up to 500 characters what it was."), field="what", status=422)
    link = claim.link.strip()
    if link and not (link.startswith("https://") and urlsplit(link).hostname and len(link) <= 300):
        raise Refused(_l("Please give a whole address that begins with https://"), field="link", status=422)
    if not link and paper is None:
        raise Refused(_l("Please show it: by a link, or by a file."), field="link", status=422)
    points = rules.whole(claim.points)
    if points is None:
        raise Refused(rules.no_whole_number(), field="points", status=422)
    if not 1 <= points <= rules.MOST_POINTS:
        raise Refused(_l("An entry has at least 1 point and at most %(most)s.", most=rules.MOST_POINTS), field="points", status=422)  # fmt: skip
    return points


def _check_day(person: Person, day: date | None) -> None:
    today, awards = clock.today(), renewable(person)
    if not awards:
        raise Refused(_l("You hold no certificate that points could renew."))
    if day is None:
        raise Refused(_l("Please say on which day it was done."), field="done_on", status=422)
    if day > today:
        raise Refused(_l("This day has not come yet."), field="done_on", status=422)
    first = min(first_day(one, today) for one in awards)
    if day < first:
        raise Refused(_l("This was too long ago: what counts was done on %(day)s or later.", day=words.day(first)), field="done_on", status=422)  # fmt: skip


def key_of(link: str) -> str:
    """Return what two spellings of the same address have in common, as a digest; nothing for no address."""
    parts = urlsplit(link.strip())
    if not parts.hostname:
        return ""
    same = f"{parts.hostname}:{parts.port or 443}{parts.path.rstrip('/')}?{parts.query}"
    return hashlib.sha256(same.encode()).hexdigest()


def _refuse_twice(row: EducationEntry) -> None:
    """Refuse what shows another entry of the holder already; what was refused or taken back may be shown again."""
    mine = select(EducationEntry.id).where(
        EducationEntry.person_id == row.person.id, EducationEntry.state.not_in(GONE)
    )
    if row.link_key and db.session.scalar(mine.where(EducationEntry.link_key == row.link_key).limit(1)):
        raise Refused(_l("This link shows another entry of yours already."), field="link", status=422)
    if row.file_key and db.session.scalar(mine.where(EducationEntry.file_key == row.file_key).limit(1)):
        raise Refused(_l("This file shows another entry of yours already."), field="file", status=422)
    waits = select(func.count(EducationEntry.id)).where(
        EducationEntry.person_id == row.person.id, EducationEntry.state.in_(OPEN)
    )
    if (db.session.scalar(waits) or 0) >= MOST_OPEN:
        raise Refused(_l("So many entries of yours are being checked. Please wait until some of them are."))


def _kept(person: Person, content: files.Content, name: str) -> files.StoredFile:
    row = files.StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose="education",
        person_id=person.id,
    )  # fmt: skip
    db.session.add(row)
    return row


def withdraw(row: EducationEntry, *, by: Person) -> None:
    """Take an entry back that nobody has checked yet."""
    row = fresh(row)
    if row.person_id != by.id:
        raise Missing(_l("This entry is not there."))
    if row.state is not E.SUBMITTED:
        raise Refused(_l("This entry was checked already and stays."))
    move(row, E.WITHDRAWN)
    row.closed_at = clock.now()
    audit.record("education.withdrawn", row, by=by)
