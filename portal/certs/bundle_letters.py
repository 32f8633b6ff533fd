"""The mails about bought exams: an eligibility that opens, seats of a company, a bundle that is paid."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.people import Person
from portal.certs import levels
from portal.certs.events import EligibilityOpened
from portal.certs.models.care import Accommodation, AccommodationState
from portal.certs.models.eligibility import Bundle, BundleSeat
from portal.core import i18n, mail, web
from portal.core.db import db
from portal.core.mail import Letter
from portal.core.words import last_day


def on_opened(event: EligibilityOpened) -> None:
    """Tell a candidate that he may book, and until when a session may start."""
    row = event.eligibility

    def letter() -> Letter:
        return Letter(
            _("You may book your exam: %(level)s", level=levels.name_of(row.level)),
            (
                _("Please choose a session that starts until %(day)s.", day=last_day(row.ends_on)),
                *((_("If you fail, one more attempt within this time is free."),) if row.free_retakes else ()),
            ),
            button=(_("Choose a session"), web.absolute("exams.sessions", level=row.level)),
        )  # fmt: skip

    mail.send(
        f"exam-opened:{row.uid}",
        row.person.email,
        row.person.name,
        row.person.language,
        letter,
        topic=row.subject,
    )


def opened(row: Bundle) -> None:
    """Tell the buyer that seats can be assigned."""
    people = contacts.holders(row.org, ContactRole.OWNER, ContactRole.HR) or [row.by]
    for person in people:

        def letter() -> Letter:
            return Letter(
                _("Exam seats of %(org)s can be assigned", org=row.org.name),
                (
                    _("%(level)s: %(seats)s seats, until %(day)s.", level=levels.name_of(row.level), seats=row.seats, day=last_day(row.ends_on)),
                ),
                button=(_("Assign seats"), web.absolute("exams.bundle", uid=row.uid)),
            )  # fmt: skip

        mail.send(
            f"bundle-opened:{row.uid}:{person.uid}",
            person.email,
            person.name,
            person.language,
            letter,
            topic=row.subject,
        )


def assigned(row: BundleSeat) -> None:
    """Tell whoever has the address that a company gives him a seat, and what the company will see."""
    known = db.session.query(Person).filter(Person.email == row.email).first()
    language = known.language if known is not None else row.bundle.by.language

    def letter() -> Letter:
        return Letter(
            _("%(org)s gives you an exam: %(level)s", org=row.bundle.org.name, level=levels.name_of(row.bundle.level)),
            (
                _("Please register or sign in with this address and accept the seat; a session may start until %(day)s.", day=last_day(row.bundle.ends_on)),
                _("Your company sees whether you have booked and sat the exam. It sees your result only if you agree."),
            ),
            button=(_("Accept the seat"), web.absolute("exams.mine")),
        )  # fmt: skip

    mail.send(
        f"seat-assigned:{row.uid}", row.email, known.name if known is not None else "", language or i18n.language(),
        letter, topic=row.subject,
    )  # fmt: skip


def aided(row: Accommodation) -> None:
    """Tell a candidate what was granted to him, or why nothing was."""
    granted = row.state is AccommodationState.GRANTED

    def letter() -> Letter:
        said = (
            _("What we granted holds for every session you book. Those who mark your work do not see it.")
            if granted
            else _("We could not grant what you asked for: %(reason)s", reason=row.reason)
        )
        title = (
            _("Your accommodations are granted") if granted else _("About your request for accommodations")
        )
        return Letter(title, (said,), button=(_("See your exams"), web.absolute("exams.mine")))

    mail.send(
        f"exam-aid:{row.uid}",
        row.person.email,
        row.person.name,
        row.person.language,
        letter,
        topic=row.subject,
    )
