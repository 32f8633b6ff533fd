"""Referrals (内推): an address, one letter, and the answer of whoever got it; nothing else is kept of anybody."""

from __future__ import annotations

import hmac
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, or_, select, update

from portal.accounts import door, named_consents
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock, vault
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.mail import MailMessage
from portal.core.outbox import OutboxItem
from portal.core.states import move
from portal.jobs import application_letters as letters
from portal.jobs import applying, consents, modes, quotas
from portal.jobs.application_models import NO_REFERRAL, JobApplication, Referral
from portal.jobs.models import Post
from portal.jobs.people_models import ShutOut
from portal.jobs.stages import Purpose, ReferralState

R = ReferralState
NOT_NOW = _l(
    "This letter cannot be sent: perhaps the person was written to about this post already, or wants no such letters."
)
SPENT = _l("You have referred as many people this quarter as your membership allows.")


def quarter_start(day: date) -> date:
    """Return the first day of a day's quarter."""
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def member_of(person: Person) -> tuple[Organisation | None, int]:
    """Return the membership by which a person may refer, with how many a quarter: the one that gives the most."""
    orgs = (
        select(Organisation)
        .outerjoin(Contact, (Contact.org_id == Organisation.id) & Contact.ended_at.is_(None))
        .where(or_(Contact.person_id == person.id, Organisation.person_id == person.id))
        .distinct()
        .order_by(Organisation.id)
    )
    found = [(quotas.of(org).referrals_a_quarter, org) for org in db.session.scalars(orgs)]
    best = max(found, key=lambda one: one[0], default=(0, None))
    return (best[1], best[0]) if best[0] else (None, 0)


def spent(person: Person) -> int:
    """Return how many people a person has referred this quarter."""
    since = clock.start_of(quarter_start(clock.today()))
    mine = (Referral.by_id == person.id, Referral.asked_at >= since)
    return int(db.session.scalar(select(func.count(Referral.id)).where(*mine)) or 0)


def mark(address: str) -> str:
    """Return the keyed hash by which an address is recognised and cannot be read."""
    return hmac.new(vault.derived("referral"), door.normal(address).encode(), "sha256").hexdigest()


def refer(post: Post, address: str, *, by: Person) -> Referral:
    """Refer somebody to a post: the one letter goes out; who it cannot go to is not told apart from the others."""
    named_consents.locked(by)
    modes.full_only()
    if not applying.takes(post):
        raise Refused(applying.CLOSED)
    org, most = member_of(by)
    if spent(by) >= most:
        raise Refused(SPENT, status=429)
    email = door.normal(address)
    if email == by.email:
        raise Refused(
            _l("You can apply yourself: the form is on the page of the post."), field="address", status=422
        )
    known = door.by_email(email)
    if _written_to(post, email) or (known is not None and not _open_to(known, post)):
        raise Refused(NOT_NOW, field="address")
    token = vault.token()
    hashed = vault.digest(token)
    row = Referral(
        post=post, by=by, org=org, token_hash=hashed, address_sealed=vault.seal(email, bound_to=_bound(hashed)),
        address_mark=mark(email), answer_by=clock.today() + timedelta(days=int(catalogue.policy("jobs.referral_days"))),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("job_referral.sent", row, by=by, org_id=org.id if org else None)
    letters.referred(row, email, known.language if known else by.language, token)
    return row


def _bound(token_hash: str) -> str:
    return f"job_referral:{token_hash}"


def address_of(row: Referral) -> str | None:
    """Return the address of a referral; None once it was erased."""
    if row.address_sealed is None:
        return None
    return vault.unseal(row.address_sealed, bound_to=_bound(row.token_hash))


def _written_to(post: Post, email: str) -> bool:
    same = select(Referral.id).where(Referral.post_id == post.id, Referral.address_mark == mark(email))
    return db.session.scalar(same.limit(1)) is not None


def _open_to(person: Person, post: Post) -> bool:
    out = select(ShutOut.id).where(ShutOut.person_id == person.id, ShutOut.org_id == post.org_id)
    return applying.first(post, person) is None and db.session.scalar(out.limit(1)) is None


def found(token: str) -> Referral:
    """Return the referral that a letter's link opens, while it waits for an answer."""
    row = db.session.scalars(select(Referral).where(Referral.token_hash == vault.digest(token))).first()
    if row is None or row.state is not R.ASKED or clock.today() > row.answer_by:
        raise Missing(NO_REFERRAL)
    return row


def _lock(row: Referral) -> Referral:
    taken = (
        update(Referral)
        .where(Referral.id == row.id)
        .values(edition=Referral.edition + 1)
        .returning(Referral)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return db.session.scalars(taken).one()


def _close(row: Referral, to: ReferralState) -> None:
    """Let a referral end: the address goes, out of the row and out of the letter."""
    move(row, to)
    row.answered_at = clock.now()
    row.address_sealed = row.address_mark = None
    db.session.flush()
    key = letters.referral_key(row)
    sent = MailMessage.key == key
    db.session.execute(
        update(MailMessage).where(sent).values(address="", name="", title="", text="", html="")
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    db.session.execute(
        update(OutboxItem).where(OutboxItem.key == f"mail:{key}", OutboxItem.done_at.is_(None))
        .values(done_at=clock.now(), error=None).execution_options(synchronize_session=False)
    )  # fmt: skip


def decline(row: Referral) -> None:
    """Say no: the address is erased at once."""
    row = _lock(row)
    _close(row, R.DECLINED)
    audit.record("job_referral.declined", row, by=named_consents.CANDIDATE)


def accept(row: Referral, application: JobApplication, *, outcome: bool, by: Person) -> None:
    """Say yes by applying; the referrer hears what becomes of it only where the candidate ticked that."""
    row = _lock(row)
    _close(row, R.APPLIED)
    row.application = application
    if outcome:
        consents.give(by, Purpose.OUTCOME, row, row.by.name, ["outcome"])
    audit.record("job_referral.accepted", row, by=named_consents.CANDIDATE)


def fall_silent(row: Referral) -> None:
    """Nobody answered in time: the address is erased, that there was a letter stays."""
    row = _lock(row)
    if row.state is R.ASKED:
        _close(row, R.SILENT)
        audit.record("job_referral.silent", row, by="drop_silent_referrals")


def silent_since(day: date) -> Select[Any]:
    """Select the ids of the referrals whose time to answer was over before a day."""
    over = (Referral.state == R.ASKED, Referral.answer_by < day)
    return select(Referral.id).where(*over).order_by(Referral.id)


def of_person(person: Person) -> list[Referral]:
    """Return the referrals that a person made, the newest first."""
    rows = select(Referral).where(Referral.by_id == person.id)
    return list(db.session.scalars(rows.order_by(Referral.id.desc())))


def outcome(row: Referral) -> JobApplication | None:
    """Return the application that a referral led to, if the candidate lets its referrer know; None else."""
    made = row.application
    if made is None or made.person is None:
        return None
    return made if consents.allowed(made.person, Purpose.OUTCOME, row, "outcome") else None


def forget_address(email: str) -> int:
    """Close whatever waits for an answer from an address; return how many letters that took."""
    rows = select(Referral).where(Referral.address_mark == mark(email), Referral.state == R.ASKED)
    found = list(db.session.scalars(rows.order_by(Referral.id)))
    for row in found:
        decline(row)
    return len(found)
