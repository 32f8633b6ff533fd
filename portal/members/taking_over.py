"""What a submitted application writes into the holder's own record: names, legal key, contacts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import consents, contacts
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel
from portal.accounts.registration import check_uscc, legal_key
from portal.core.db import db
from portal.core.errors import Refused
from portal.members import checklist, names
from portal.members.models import Application


def take_over(application: Application) -> None:
    """Write the answers into the holder's record; a legal key that another one holds is refused."""
    if application.org.person_id is not None:
        _take_over_person(application)
    else:
        _take_over_organisation(application)
    names.index(application.org)


def _take_over_person(application: Application) -> None:
    answers, org = application.answers, application.org
    org.legal_name = str(answers["person_name"])
    org.country = str(answers["person_country"])
    org.address = str(answers["person_address"])
    org.homepage = str(answers.get("person_site") or "")
    _listing(application, bool(answers.get("person_listing")))


def _listing(application: Application, listed: bool) -> None:
    """Write the applicant's word about being shown into the ledger; a later word given elsewhere stands."""
    org, by = application.org, application.applicant
    last = (
        consents.last_word(consents.LISTING, by, org)
        if org.person is None
        else consents.last_word(consents.PERSON_SHOWN, org.person)
    )
    if last is None or last.at <= application.created_at or last.channel is Channel.APPLICATION:
        checklist.set_listing(org, listed, by=by, channel=Channel.APPLICATION)


def _take_over_organisation(application: Application) -> None:
    answers, org = application.answers, application.org
    country = str(answers.get("country", "CN"))
    checked = check_uscc(str(answers["registration"])) if country == "CN" else None
    number = checked.code if checked else str(answers["registration"])
    key = legal_key(country, "REG", number)
    holder = db.session.scalar(
        select(Organisation.id).where(Organisation.legal_key == key, Organisation.id != org.id)
    )
    if holder is not None:
        raise Refused(
            _l(
                "An organisation with this registration number is here already. Please ask its owner to invite you, or write to us."
            ),
            status=422,
        )
    org.legal_name = str(answers["legal_name"])
    org.country, org.legal_key = country, key
    org.registration_verdict = checked.verdict.value if checked else "foreign"
    for column in ("legal_name_en", "display_name_zh", "display_name_en", "category", "homepage", "address"):
        setattr(org, column, str(answers.get(column) or ""))
    _listing(application, bool(answers.get("listing")))


def call_contacts(application: Application, *, by: Person) -> None:
    """Appoint or invite who signs and who pays; an individual is all of his contacts already."""
    if application.org.person_id is not None:
        return
    for role, field in ((ContactRole.SIGNATORY, "signatory_email"), (ContactRole.BILLING, "billing_email")):
        email = str(application.answers[field]).strip().lower()
        if email == by.email:
            contacts.appoint(by, application.org, role, by=by)
        elif not any(person.email == email for person in contacts.holders(application.org, role)):
            contacts.invite(application.org, email, role, application.language, by=by, most=5)
