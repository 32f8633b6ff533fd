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
from portal.members.belonging import Agreement, Membership
from portal.members.models import Application


def _send(key: str, people: Iterable[Person], letter: Callable[[], Letter], topic: str) -> None:
    for person in people:
        mail.send(f"{key}:{person.uid}", person.email, person.name, person.language, letter, topic=topic)


def _applicants(application: Application) -> list[Person]:
    found = contacts.holders(application.org, ContactRole.OWNER, ContactRole.SIGNATORY)
    return found or [application.applicant]


def _page(application: Application) -> str:
    return web.absolute("apply.case", uid=application.uid)


def submitted(application: Application) -> None:
    """Tell the applicant what comes next, and the reviewers that something waits."""

    def theirs() -> Letter:
        return Letter(
            _("We have your application to %(brand)s", brand=brand().short),
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
            button=(_("Open the application"), _page(application)),
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
    _send(key, _applicants(application), theirs, application.subject)
    _send(f"{key}:staff", grants.holders(May.REVIEW), ours, application.subject)


def asked(application: Application, questions: dict[str, str]) -> None:
    """Ask the applicant for the missing answers."""

    def letter() -> Letter:
        return Letter(
            _("Your application needs a few more answers"),
            (
                ngettext(
                    "Please look at %(num)s field; our question stands beside it. The clock is stopped meanwhile.",
                    "Please look at %(num)s fields; our questions stand beside them. The clock is stopped meanwhile.",
                    len(questions),
                ),
                *(f"“{text}”" for text in questions.values()),
            ),
            button=(_("Answer the questions"), _page(application)),
        )

    _send(
        f"application-asked:{application.uid}:{application.round}",
        _applicants(application),
        letter,
        application.subject,
    )


def answered(application: Application) -> None:
    """Tell the case owner that the answers came."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s has answered", org=application.org.name),
            (_("The answers stand beside the old ones on the case page."),),
            button=(_("Open the case"), web.absolute("cases.case", uid=application.uid)),
        )

    people = [application.case_owner] if application.case_owner else grants.holders(May.REVIEW)
    _send(f"application-answered:{application.uid}:{application.round}", people, letter, application.subject)


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
            _("Welcome: your application to %(brand)s is approved", brand=brand().short),
            tuple(lines),
            button=(_("See what to do"), _page(application)),
        )

    _send(f"application-approved:{application.uid}", _applicants(application), letter, application.subject)


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
                "If you think this is wrong, your signatory can appeal once within %(num)s day.",
                "If you think this is wrong, your signatory can appeal once within %(num)s days.",
                int(catalogue.policy("review.appeal_days")),
            )
        )
        return Letter(
            _("The decision on your application to %(brand)s", brand=brand().short),
            tuple(lines),
            button=(_("Open the application"), _page(application)),
        )

    when = application.decided_at.isoformat() if application.decided_at else ""
    _send(
        f"application-rejected:{application.uid}:{when}",
        _applicants(application),
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

    _send(
        f"application-appealed:{application.uid}",
        grants.holders(May.DECIDE_APPEALS),
        letter,
        application.subject,
    )


def appeal_heard(application: Application) -> None:
    """Tell the applicant that other people look at the case anew."""

    def letter() -> Letter:
        return Letter(
            _("Your appeal is heard"),
            (
                _(
                    "Your application is in review again. Nobody who had a part in the first decision takes part now."
                ),
            ),
            button=(_("Open the application"), _page(application)),
        )

    _send(
        f"application-appeal-heard:{application.uid}", _applicants(application), letter, application.subject
    )


def to_sign(agreement: Agreement) -> None:
    """Ask the signatory to sign."""
    asked_person = agreement.asked
    if asked_person is None:
        return

    def letter() -> Letter:
        return Letter(
            _("Please sign the membership agreement of %(org)s", org=agreement.party_name),
            (
                _(
                    "You can sign it online by typing your name, or print it, put the company chop on it and upload the scan."
                ),
                _("Agreement %(number)s, Chinese and English in one document.", number=agreement.number),
            ),
            button=(_("Read and sign"), web.absolute("apply.agreement", uid=agreement.uid)),
        )

    sent = agreement.sent_at.isoformat() if agreement.sent_at else ""
    _send(f"agreement-sign:{agreement.uid}:{sent}", [asked_person], letter, agreement.subject)


def scan_returned(agreement: Agreement, reason: Callable[[], str]) -> None:
    """Tell the signatory why the scan does not do, and ask to sign again; the reason is said in his language."""
    asked_person = agreement.asked
    if asked_person is None:
        return

    def letter() -> Letter:
        return Letter(
            _("The scan of the agreement of %(org)s does not do yet", org=agreement.party_name),
            (
                _("What is wrong: %(reason)s.", reason=reason()),
                _("Please chop and scan it again, or sign online by typing your name."),
                _("Agreement %(number)s, Chinese and English in one document.", number=agreement.number),
            ),
            button=(_("Read and sign"), web.absolute("apply.agreement", uid=agreement.uid)),
        )

    sent = agreement.sent_at.isoformat() if agreement.sent_at else ""
    _send(f"agreement-scan-returned:{agreement.uid}:{sent}", [asked_person], letter, agreement.subject)


def to_countersign(agreement: Agreement) -> None:
    """Tell the counter-signers that a signed agreement waits."""

    def letter() -> Letter:
        return Letter(
            _("To be counter-signed: %(org)s", org=agreement.party_name),
            (_("Agreement %(number)s is signed by the member.", number=agreement.number),),
            button=(_("Open the case"), web.absolute("cases.case", uid=agreement.application.uid)),
        )

    _send(
        f"agreement-countersign:{agreement.uid}", grants.holders(May.COUNTERSIGN), letter, agreement.subject
    )


def executed(agreement: Agreement) -> None:
    """Tell the member that both sides have signed."""

    def letter() -> Letter:
        sha = agreement.final.sha256 if agreement.final else ""
        return Letter(
            _("The membership agreement is signed by both sides"),
            (
                _("You find the sealed document on its page."),
                _("Its SHA-256 is %(sha)s.", sha=sha),
            ),
            button=(_("Open the agreement"), web.absolute("apply.agreement", uid=agreement.uid)),
        )

    _send(
        f"agreement-executed:{agreement.uid}", _applicants(agreement.application), letter, agreement.subject
    )


def welcome(membership: Membership, tier: str) -> None:
    """Welcome a new member to its home."""

    def letter() -> Letter:
        return Letter(
            _("Welcome to %(brand)s", brand=brand().short),
            (
                _("%(org)s is now a member. Your benefits are open.", org=membership.org.name),
                _("A short checklist on your home page leads you through the rest."),
            ),
            button=(_("Open your home page"), web.absolute("member.home")),
        )

    people = contacts.holders(membership.org, *ContactRole)
    _send(f"welcome:{membership.uid}", people, letter, membership.subject)
