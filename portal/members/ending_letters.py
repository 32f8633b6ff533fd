"""The mails about applications that end before their time: reminders, expiry, withdrawal, closing."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _

from portal.accounts import grants
from portal.accounts.may import May
from portal.core import catalogue, web
from portal.core.mail import Letter
from portal.core.money import Money
from portal.core.words import day, money
from portal.members.letters import applicants, page_of, send_all
from portal.members.models import Application


def remind(application: Application, step: int, last: date | None) -> None:
    """Remind the applicant of our open questions."""

    def letter() -> Letter:
        return Letter(
            _("Reminder: %(org)s has questions to answer", org=application.org.name),
            (
                _("We asked %(days)s days ago and have no answer yet.", days=step),
                _("Please answer until %(day)s; after that the application expires.", day=day(last))
                if last
                else "",
            ),
            button=(_("Answer the questions"), page_of(application)),
        )

    since = application.asked_at.isoformat() if application.asked_at else ""
    send_all(
        f"application-reminder:{application.uid}:{since}:{step}",
        applicants(application),
        letter,
        application.subject,
    )


def expired(application: Application) -> None:
    """Tell the applicant that the time to answer is over."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s: your application has expired", org=application.org.name),
            (
                _(
                    "We had no answer to our questions for %(days)s days.",
                    days=catalogue.policy("review.answer_days"),
                ),
                _(
                    "Write to us if you want to go on: it can be reopened once. Or begin a new application at any time."
                ),
            ),
            button=(_("Open the application"), page_of(application)),
        )

    send_all(
        f"application-expired:{application.uid}:{application.version}",
        applicants(application),
        letter,
        application.subject,
    )


def reopened(application: Application) -> None:
    """Tell the applicant that he may answer again."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s: your application is open again", org=application.org.name),
            (_("Please answer our questions now; they stand beside the fields."),),
            button=(_("Answer the questions"), page_of(application)),
        )

    send_all(f"application-reopened:{application.uid}", applicants(application), letter, application.subject)


def withdrawn(application: Application) -> None:
    """Tell the applicant's people and the case owner that the application was taken back."""

    def theirs() -> Letter:
        return Letter(
            _("%(org)s: the application is withdrawn", org=application.org.name),
            (_("Nothing is to be signed or paid. You may begin a new application at any time."),),
            button=(_("Open the application"), page_of(application)),
        )

    def ours() -> Letter:
        return Letter(
            _("Withdrawn: %(org)s", org=application.org.name),
            (_("The applicant took the application back. There is nothing to do."),),
            button=(_("Open the case"), web.absolute("cases.case", uid=application.uid)),
        )

    key = f"application-withdrawn:{application.uid}"
    send_all(key, applicants(application), theirs, application.subject)
    if application.case_owner is not None:
        send_all(f"{key}:staff", [application.case_owner], ours, application.subject)


def close_proposed(application: Application) -> None:
    """Ask the directors to confirm the closing of an application."""

    def letter() -> Letter:
        return Letter(
            _("To be closed: %(org)s", org=application.org.name),
            (
                _(
                    "A reviewer proposes to close this approved application: %(why)s",
                    why=application.close_reason,
                ),
            ),
            button=(_("Open the case"), web.absolute("cases.case", uid=application.uid)),
        )

    send_all(
        f"application-close-proposed:{application.uid}:{application.version}",
        grants.holders(May.DECIDE),
        letter,
        application.subject,
    )


def closed(application: Application, freed: Money) -> None:
    """Tell the applicant that an approved application was closed, and what becomes of money received."""

    def letter() -> Letter:
        lines = [
            _("The membership did not begin. Agreement and invoice are void; please do not pay any more."),
        ]
        if freed:
            lines.append(
                _(
                    "%(sum)s that you paid stays yours as a credit; write to us to have it back.",
                    sum=money(freed),
                )
            )
        lines.append(_("You may begin a new application at any time."))
        return Letter(
            _("%(org)s: the application is closed", org=application.org.name),
            tuple(lines),
            button=(_("Open the application"), page_of(application)),
        )

    send_all(f"application-closed:{application.uid}", applicants(application), letter, application.subject)
