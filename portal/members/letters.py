"""The mails on the road in, each in its receiver's language and sent once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts import contacts, grants
from portal.accounts.may import ContactRole, May
from portal.accounts.people import Person
from portal.core import catalogue, mail, web
from portal.core.catalogue import brand
from portal.core.mail import Letter
from portal.core.words import day
from portal.members import wall
from portal.members.belonging import Agreement
from portal.members.models import Application


def send_all(key: str, people: Iterable[Person], letter: Callable[[], Letter], topic: str) -> None:
    """Send a letter to several people, each in his own language and once per key."""
    for person in people:
        mail.send(f"{key}:{person.uid}", person.email, person.name, person.language, letter, topic=topic)


def applicants(application: Application) -> list[Person]:
    """Return who hears about an application: owners and signatories, before there are any the applicant."""
    found = contacts.holders(application.org, ContactRole.OWNER, ContactRole.SIGNATORY)
    return found or [application.applicant]


def page_of(application: Application) -> str:
    """Return the address of an application for its applicant."""
    return web.absolute("apply.case", uid=application.uid)


def submitted(application: Application) -> None:
    """Tell the applicant what comes next, and the reviewers that something waits."""

    def theirs() -> Letter:
        return Letter(
            _(
                "We have your application to %(brand)s: %(org)s",
                brand=brand().short,
                org=application.org.name,
            ),
            (
                ngettext(
                    "A reviewer takes it up now. We answer within %(num)s working day.",
                    "A reviewer takes it up now. We answer within %(num)s working days.",
                    int(catalogue.policy("review.promise_days")),
                ),
                _(
                    "You see on its page at any time who has it and what is missing. Nothing is to be paid before the decision."
                ),
            ),
            button=(_("Open the application"), page_of(application)),
        )

    def ours() -> Letter:
        return Letter(
            _("New application: %(org)s", org=application.org.name),
            (
                _(
                    "%(org)s asks for the tier %(tier)s. Nobody has the case yet.",
                    org=application.org.name,
                    tier=wall.tier_name(application.tier),
                ),
            ),
            button=(_("Open the case"), web.absolute("cases.case", uid=application.uid)),
        )

    key = f"application-submitted:{application.uid}:{application.round}"
    send_all(key, applicants(application), theirs, application.subject)
    send_all(f"{key}:staff", grants.holders(May.REVIEW), ours, application.subject)


def asked(application: Application, questions: dict[str, str]) -> None:
    """Ask the applicant for the missing answers."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s: your application needs a few more answers", org=application.org.name),
            (
                ngettext(
                    "Please look at %(num)s field; our question stands beside it. The clock is stopped meanwhile.",
                    "Please look at %(num)s fields; our questions stand beside them. The clock is stopped meanwhile.",
                    len(questions),
                ),
                *(f"“{text}”" for text in questions.values()),
            ),
            button=(_("Answer the questions"), page_of(application)),
        )

    send_all(
        f"application-asked:{application.uid}:{application.round}",
        applicants(application),
        letter,
        application.subject,
    )


def answered(application: Application) -> None:
    """Tell the case owner that the answers came, and the applicant that we have them."""

    def ours() -> Letter:
        return Letter(
            _("%(org)s has answered", org=application.org.name),
            (_("The answers stand beside the old ones on the case page."),),
            button=(_("Open the case"), web.absolute("cases.case", uid=application.uid)),
        )

    def theirs() -> Letter:
        return Letter(
            _("%(org)s: we have your answers", org=application.org.name),
            (
                _(
                    "Your application is in review again, and the clock runs on. There is nothing to do for you."
                ),
            ),
            button=(_("Open the application"), page_of(application)),
        )

    key = f"application-answered:{application.uid}:{application.round}"
    people = [application.case_owner] if application.case_owner else grants.holders(May.REVIEW)
    send_all(key, applicants(application), theirs, application.subject)
    send_all(f"{key}:staff", people, ours, application.subject)


def started_for(application: Application, by: Person) -> None:
    """Tell somebody that the foundation began an application for him."""

    def letter() -> Letter:
        return Letter(
            _("%(who)s has begun an application for %(org)s", who=by.name, org=application.org.name),
            (
                _(
                    "Accept the invitation that comes in a mail of its own, then finish and send the application."
                ),
                _("Nothing is sent or paid before you do."),
            ),
        )

    send_all(
        f"application-started-for:{application.uid}", [application.applicant], letter, application.subject
    )


def approved(application: Application, agreement: Agreement) -> None:
    """Tell the applicant the good news, and what is to be signed and paid."""

    def letter() -> Letter:
        lines = [
            _("Two things are left, in any order: the agreement is signed, and the dues are paid."),
            _(
                "The agreement waits for %(who)s.",
                who=agreement.asked.name if agreement.asked else _("your signatory"),
            ),
        ]
        if application.founding:
            lines.append(
                _("As a founding member you pay nothing for the first year; the invoice shows the waiver.")
            )
        return Letter(
            _(
                "%(org)s: your application to %(brand)s is approved",
                org=application.org.name,
                brand=brand().short,
            ),
            tuple(lines),
            button=(_("See what to do"), page_of(application)),
        )

    send_all(f"application-approved:{application.uid}", applicants(application), letter, application.subject)


def rejected(application: Application) -> None:
    """Tell the applicant the decision, its reason, and the way to appeal."""

    def letter() -> Letter:
        again = application.apply_again_from
        lines = [catalogue.in_words(application.reason)]
        lines.append(
            _("You can apply again from %(day)s.", day=day(again))
            if again
            else _("A new application is not possible.")
        )
        lines.append(
            ngettext(
                "If you think this is wrong, an owner or the signatory can appeal once within %(num)s day.",
                "If you think this is wrong, an owner or the signatory can appeal once within %(num)s days.",
                int(catalogue.policy("review.appeal_days")),
            )
        )
        return Letter(
            _(
                "%(org)s: the decision on your application to %(brand)s",
                org=application.org.name,
                brand=brand().short,
            ),
            tuple(lines),
            button=(_("Open the application"), page_of(application)),
        )

    when = application.decided_at.isoformat() if application.decided_at else ""
    send_all(
        f"application-rejected:{application.uid}:{when}",
        applicants(application),
        letter,
        application.subject,
    )


def appealed(application: Application) -> None:
    """Tell the secretary that a decision is appealed."""

    def letter() -> Letter:
        return Letter(
            _("Appeal: %(org)s", org=application.org.name),
            (_("The applicant asks to have the rejection looked at anew."),),
            button=(_("Open the case"), web.absolute("cases.case", uid=application.uid)),
        )

    send_all(
        f"application-appealed:{application.uid}",
        grants.holders(May.DECIDE_APPEALS),
        letter,
        application.subject,
    )


def appeal_heard(application: Application) -> None:
    """Tell the applicant that other people look at the case anew."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s: your appeal is heard", org=application.org.name),
            (
                _(
                    "Your application is in review again. Nobody who had a part in the first decision takes part now."
                ),
            ),
            button=(_("Open the application"), page_of(application)),
        )

    send_all(
        f"application-appeal-heard:{application.uid}", applicants(application), letter, application.subject
    )
