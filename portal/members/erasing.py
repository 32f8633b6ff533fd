"""What the members' domain keeps of a person and what becomes of it at an erasure: applications, papers, the own membership."""

from __future__ import annotations

from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select, update

from portal.accounts.erasure_plan import Fate, Line, say
from portal.accounts.events import PersonErased
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import clock, files
from portal.core.db import db
from portal.members import names
from portal.members.belonging import Agreement, Membership, Term
from portal.members.models import LIVE, Application, Recommendation, Submission, Upload

F = Fate
# Fields of the form that name a person, with the mail address that says whom.
NAMED = {"signatory_email": "signatory_name", "billing_email": "billing_name"}


def install() -> None:
    """Name the items and reasons of this domain."""
    say(
        {
            "own_application": _l("Your own applications: answers"),
            "own_papers": _l("Papers of your own applications and your certificate"),
            "named_in": _l("Applications of organisations that name you"),
            "own_membership": _l("Your entry as an individual member"),
            "terms": _l("Periods of your membership"),
            "agreements": _l("Agreements you signed"),
            "reviews": _l("Your recommendations about applications"),
            "because_agreement": _l("a signed contract is kept as long as the law asks; it names who signed"),
            "because_reports": _l("the reports count them, without your name"),
            "because_decision": _l("a decision keeps its reasons; your name is taken out"),
        }
    )


def _holder(person: Person) -> Organisation | None:
    return db.session.scalars(select(Organisation).where(Organisation.person_id == person.id)).first()


def _applications(holder: Organisation | None) -> list[Application]:
    if holder is None:
        return []
    return list(db.session.scalars(select(Application).where(Application.org_id == holder.id)))


def _named(email: str) -> list[Application]:
    """Return the applications of organisations whose answers carry an address."""
    found = [func.lower(Application.answers[field].as_string()) == email for field in NAMED]
    rows = select(Application).join(Organisation).where(Organisation.person_id.is_(None), or_(*found))
    return list(db.session.scalars(rows.order_by(Application.id)))


def _papers(rows: list[Application]) -> list[Upload]:
    ids = [row.id for row in rows]
    asked = select(Upload).where(Upload.application_id.in_(ids))
    return [one for one in db.session.scalars(asked.order_by(Upload.id)) if one.file.erased_at is None]


def _certificate(holder: Organisation | None) -> Membership | None:
    if holder is None:
        return None
    row = db.session.scalars(select(Membership).where(Membership.org_id == holder.id)).first()
    return row if row is not None and row.certificate is not None else None


def _count(model: Any, *conditions: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def lines(person: Person) -> list[Line]:
    """Return what becomes of each item of this domain."""
    holder = _holder(person)
    own = _applications(holder)
    certificate = _certificate(holder)
    whole = bool(certificate and certificate.certificate and certificate.certificate.erased_at is None)
    terms = _count(Term, Term.membership.has(Membership.org_id == holder.id)) if holder else 0
    return [
        Line("own_application", F.ERASED, len(own)),
        Line("own_papers", F.ERASED, len(_papers(own)) + whole),
        Line("own_membership", F.ANONYMISED, 1 if holder else 0),
        Line("terms", F.KEPT, terms, "because_reports"),
        Line("named_in", F.ANONYMISED, len(_named(person.email))),
        Line("agreements", F.KEPT, _count(Agreement, Agreement.signed_by_id == person.id), "because_agreement"),
        Line("reviews", F.ANONYMISED, _count(Recommendation, Recommendation.person_id == person.id), "because_decision"),
    ]  # fmt: skip


def obstacles(person: Person) -> list[LazyString]:
    """Return what must be settled first: an own application under way."""
    holder = _holder(person)
    live = holder is not None and _count(
        Application, Application.org_id == holder.id, Application.state.in_(LIVE)
    )
    return (
        [_l("An application of the person is still open; it is withdrawn or decided first.")] if live else []
    )


def on_erased(event: PersonErased) -> None:
    """Take a person out of what this domain keeps."""
    for row in _named(event.email):
        _take_out(row, event)
    holder = _holder(event.person)
    if holder is None:
        return
    own = _applications(holder)
    for row in own:
        row.answers = {}
        _blank(row, event.token, {})
    for upload in _papers(own):
        files.forget(upload.file)
        upload.by_name = event.token
    certificate = _certificate(holder)
    if certificate is not None and certificate.certificate is not None:
        files.forget(certificate.certificate)
    holder.legal_name = event.token
    holder.legal_name_en = holder.display_name_zh = holder.display_name_en = ""
    holder.homepage = holder.address = holder.about = ""
    holder.listing_consent = False
    names.index(holder)


def _take_out(row: Application, event: PersonErased) -> None:
    """Put the token where an organisation's answers name the person."""
    row.answers = without(row.answers, event.email, event.token)
    for sent in db.session.scalars(select(Submission).where(Submission.application_id == row.id)):
        _blank(row, event.token, without(sent.answers, event.email, event.token), sent.id)


def without(answers: dict[str, Any], email: str, token: str) -> dict[str, Any]:
    """Return answers in which a token stands for whoever has an address."""
    found = dict(answers)
    for field, name in NAMED.items():
        if str(found.get(field, "")).strip().lower() == email:
            found[field], found[name] = token, token
    return found


def _blank(row: Application, token: str, answers: dict[str, Any], submission_id: int | None = None) -> None:
    """Change what was submitted, which only loses personal data, and says when."""
    which = Submission.application_id == row.id
    if submission_id is not None:
        which = Submission.id == submission_id
    values: dict[str, Any] = {"answers": answers, "erased_at": clock.now()}
    if submission_id is None:
        values |= {"files": {}, "by_name": token}
    db.session.execute(
        update(Submission).where(which).values(**values).execution_options(synchronize_session=False)
    )
