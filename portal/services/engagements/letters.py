"""The mails of engagements: to who leads them, to who accepts the work, to who decides for the customer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask_babel import gettext as _

from portal.accounts import contacts, grants
from portal.accounts.may import ContactRole, May
from portal.accounts.people import Person
from portal.core import mail, web
from portal.core.catalogue import in_words
from portal.core.mail import Letter
from portal.core.words import day
from portal.services.engagements import times
from portal.services.engagements.models import Engagement, Milestone
from portal.services.engagements.work_models import WorkSubmission


def _send(key: str, row: Engagement, people: Iterable[Person], letter: Callable[[], Letter]) -> int:
    sent = 0
    for person in people:
        sent += mail.send(
            f"{key}:{person.uid}", person.email, person.name, person.language, letter, topic=row.subject
        )
    return sent


def _ours(row: Engagement) -> tuple[str, str]:
    return (_("Open the project"), web.absolute("engagement_office.engagement", uid=row.uid))


def _theirs(row: Engagement) -> tuple[str, str]:
    return (_("Open the project"), web.absolute("engagements.engagement", uid=row.uid))


def acceptors(row: Engagement) -> list[Person]:
    """Return who accepts the work for the customer: the one named and the deputy, else the owners."""
    named = [one for one in (row.acceptor, row.deputy) if one is not None]
    return named or contacts.holders(row.org, ContactRole.OWNER)


def deciders(row: Engagement) -> list[Person]:
    """Return who names acceptors and consents for the customer."""
    return contacts.holders(row.org, ContactRole.SIGNATORY, ContactRole.OWNER)


def opened(row: Engagement) -> None:
    """Tell both sides that work was ordered and what it waits for."""

    def ours() -> Letter:
        return Letter(
            _("New project %(number)s for %(org)s", number=row.number, org=row.org.name),
            (_("It starts once contract, first payment, team and acceptor are there."),),
            button=_ours(row),
        )

    def theirs() -> Letter:
        return Letter(
            _("Your project %(number)s: please say who accepts the work", number=row.number),
            (_("Work begins once the contract is signed, the first part is paid and you have named who accepts it."),),
            button=_theirs(row),
        )  # fmt: skip

    _send(f"engagement:{row.uid}:ours", row, grants.holders(May.MANAGE_WORK), ours)
    _send(f"engagement:{row.uid}:theirs", row, deciders(row), theirs)


def submitted(row: WorkSubmission) -> None:
    """Ask the customer to look at what was handed in, and say until when."""
    of, milestone = row.milestone.engagement, row.milestone

    def letter() -> Letter:
        until = times.last_day(row)
        last = (
            _("If nothing is said until the end of %(day)s, it counts as accepted.", day=day(until))
            if of.deemed
            else _("Please look at it soon: the work goes on from there.")
        )
        return Letter(
            _("Please look at “%(milestone)s” of %(number)s", milestone=in_words(milestone.title), number=of.number),
            (_("It is handed in, with the evidence for each criterion. Accept it, or say what is missing."), last),
            button=_theirs(of),
        )  # fmt: skip

    _send(f"submission:{row.uid}", of, acceptors(of), letter)


def reminded(row: WorkSubmission, step: int) -> int:
    """Remind the customer on a working day; return how many people were written to."""
    of, milestone = row.milestone.engagement, row.milestone

    def letter() -> Letter:
        return Letter(
            _("“%(milestone)s” of %(number)s waits for you", milestone=in_words(milestone.title), number=of.number),
            (
                _("It was handed in %(days)s working days ago. Please accept it, or say what is missing.", days=step),
                _("If nothing is said until the end of %(day)s, it counts as accepted.", day=day(times.last_day(row))),
            ),
            button=_theirs(of),
        )  # fmt: skip

    return _send(f"submission:{row.uid}:{step}", of, acceptors(of), letter)


def accepted(milestone: Milestone, *, deemed: bool, n: int) -> None:
    """Tell both sides that a milestone is accepted, and if it is only deemed so."""
    of = milestone.engagement

    def said(button: tuple[str, str]) -> Callable[[], Letter]:
        def letter() -> Letter:
            title = (
                _("Deemed accepted: “%(milestone)s” of %(number)s", milestone=in_words(milestone.title), number=of.number)
                if deemed
                else _("Accepted: “%(milestone)s” of %(number)s", milestone=in_words(milestone.title), number=of.number)
            )  # fmt: skip
            why = (
                _("Nothing was said within the days agreed, in spite of reminders.")
                if deemed
                else _("The protocol stands on the project's page.")
            )
            return Letter(title, (why,), button=button)

        return letter

    _send(f"milestone:{milestone.uid}:{n}:theirs", of, acceptors(of), said(_theirs(of)))
    _send(f"milestone:{milestone.uid}:{n}:ours", of, [of.lead] if of.lead else [], said(_ours(of)))


def rejected(row: WorkSubmission) -> None:
    """Tell the lead what is missing; the second time the managers too."""
    of, milestone = row.milestone.engagement, row.milestone

    def letter() -> Letter:
        return Letter(
            _("Given back: “%(milestone)s” of %(number)s", milestone=in_words(milestone.title), number=of.number),
            (
                _("The findings stand on the project's page."),
                *([_("It is the second time: both leads meet now.")] if row.n >= 2 else []),
            ),
            button=_ours(of),
        )  # fmt: skip

    people = [of.lead] if of.lead is not None else []
    if row.n >= 2:
        people = [*people, *grants.holders(May.MANAGE_WORK)]
    _send(f"rejected:{row.uid}", of, {one.id: one for one in people}.values(), letter)
