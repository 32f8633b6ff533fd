"""A candidate's profile: written, found by its words, given a résumé, and erased by its owner alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, insert, select
from werkzeug.datastructures import FileStorage

from portal.accounts import named_consents
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel
from portal.core import audit, catalogue, clock, files
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.paging import folded
from portal.jobs import consents, terms
from portal.jobs.people_models import Profile, ProfileTerm, ShutOut
from portal.jobs.stages import Purpose
from portal.members.uploads import Taken, safe_name

BY = named_consents.CANDIDATE
MOST_SKILLS, LONGEST_SKILL = 20, 40


@dataclass(frozen=True, slots=True)
class Written:
    """What a candidate writes of himself."""

    city: str = ""
    skills: Sequence[str] = ()
    kinds: Sequence[str] = ()
    languages: Sequence[str] = ()
    reach: str = ""


def of(person: Person) -> Profile | None:
    """Return a person's profile."""
    return db.session.scalars(select(Profile).where(Profile.person_id == person.id)).first()


def skills_in(text: str) -> list[str]:
    """Return the skills of a line of text, in order and each once; `Refused` in words if they are too many."""
    parts = [" ".join(part.split()) for part in re.split(r"[,;，；、\n]", unicodedata.normalize("NFC", text))]
    first: dict[str, str] = {}
    for part in parts:
        first.setdefault(folded(part), part)
    found = [one for one in first.values() if one]
    if len(found) > MOST_SKILLS or any(len(one) > LONGEST_SKILL for one in found):
        raise Refused(
            _l("Please name at most %(most)s skills of at most %(long)s characters.", most=MOST_SKILLS, long=LONGEST_SKILL),
            field="skills", status=422,
        )  # fmt: skip
    return found


def save(person: Person, written: Written) -> Profile:
    """Write a person's profile; it is shown to nobody by that."""
    named_consents.locked(person)
    row = of(person)
    if row is None:
        row = Profile(person=person)
        db.session.add(row)
    row.city = written.city
    row.skills, row.kinds, row.languages = list(written.skills), list(written.kinds), list(written.languages)
    row.reach, row.used_at = written.reach, clock.now()
    db.session.flush()
    _index(row)
    audit.record("job_profile.saved", row, by=BY, skills=len(row.skills))
    return row


def _index(row: Profile) -> None:
    db.session.execute(delete(ProfileTerm).where(ProfileTerm.profile_id == row.id))
    if found := sorted(terms.terms_of(row.skills)):
        db.session.execute(insert(ProfileTerm), [{"term": one, "profile_id": row.id} for one in found])


def touch(person: Person) -> None:
    """Note that a person uses the profile."""
    row = of(person)
    if row is not None:
        row.used_at = clock.now()


# ---- The résumé


def check(upload: FileStorage) -> Taken:
    """Read an uploaded résumé; `Refused` in words when it is no plain PDF, by its bytes and a real parse, or too large."""
    from portal.core import pdf_check  # noqa: PLC0415 - heavy

    name, most = safe_name(upload.filename or ""), int(catalogue.policy("jobs.resume_mb"))
    data = upload.stream.read(most * 1024 * 1024 + 1)
    if len(data) > most * 1024 * 1024:
        raise Refused(_l("The file is larger than %(most)s MB.", most=most), field="resume", status=422)
    if not data.startswith(b"%PDF-"):
        raise Refused(_l("This file is no PDF, whatever its name says."), field="resume", status=422)
    try:
        return Taken(
            pdf_check.checked(data), files.PDF, name if name.lower().endswith(".pdf") else f"{name}.pdf"
        )
    except Refused as refusal:
        raise Refused(refusal.words, field="resume", status=422) from None


def kept(person: Person, content: files.Content, name: str) -> files.StoredFile:
    """Return the row of a résumé that lies in the store."""
    return files.StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose="resume",
        person_id=person.id,
    )  # fmt: skip


def attach(person: Person, content: files.Content, name: str) -> Profile:
    """Put a résumé into the profile; the one before is deleted."""
    named_consents.locked(person)
    row = of(person) or save(person, Written())
    _drop_resume(row)
    row.resume, row.used_at = kept(person, content, name), clock.now()
    db.session.flush()
    audit.record("job_profile.resume", row, by=BY, sha256=content.sha256)
    return row


def drop_resume(person: Person) -> None:
    """Delete the résumé of the profile; what was sent with applications stays with them."""
    named_consents.locked(person)
    if (row := of(person)) is not None and row.resume is not None:
        _drop_resume(row)
        audit.record("job_profile.resume_deleted", row, by=BY)


def _drop_resume(row: Profile) -> None:
    if row.resume is not None:
        files.forget(row.resume)
        row.resume = None


# ---- Employers shut out


def shut_outs(person: Person) -> list[ShutOut]:
    """Return the employers that a person has shut out, in order of doing so."""
    rows = select(ShutOut).where(ShutOut.person_id == person.id).order_by(ShutOut.id)
    return list(db.session.scalars(rows))


def suggested(person: Person) -> list[Organisation]:
    """Return the employers worth shutting out: those the person acts for now, and is not himself."""
    acts = (
        select(Organisation)
        .join(Contact, Contact.org_id == Organisation.id)
        .where(Contact.person_id == person.id, Contact.ended_at.is_(None), Organisation.person_id.is_(None))
        .distinct()
        .order_by(Organisation.id)
    )
    out = {row.org_id for row in shut_outs(person)}
    return [org for org in db.session.scalars(acts) if org.id not in out]


def shut_out(person: Person, org: Organisation) -> None:
    """Shut an employer out: it finds this person no more, and whatever it was shown from the pool ends."""
    named_consents.locked(person)
    if any(row.org_id == org.id for row in shut_outs(person)):
        return
    row = ShutOut(person=person, org=org)
    db.session.add(row)
    db.session.flush()
    consents.take_back(person, Purpose.SHOW, org)
    audit.record("job_profile.shut_out", row, by=BY)


def let_in(person: Person, org: Organisation) -> None:
    """Let an employer in again."""
    db.session.execute(delete(ShutOut).where(ShutOut.person_id == person.id, ShutOut.org_id == org.id))


def erase(row: Profile, *, channel: Channel = Channel.ACCOUNT) -> None:
    """Erase a profile with its words and résumé, and leave the pool."""
    consents.enter_pool(row.person, False, channel=channel)
    _drop_resume(row)
    db.session.execute(delete(ProfileTerm).where(ProfileTerm.profile_id == row.id))
    db.session.delete(row)
    db.session.flush()
    audit.record("job_profile.erased", row, by=BY)
