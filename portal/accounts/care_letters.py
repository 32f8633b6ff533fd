"""The mails about the people of an organisation: vacancies, requests to join, and the quarterly check."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask_babel import gettext as _

from portal.accounts.care_models import ContactCheck, JoinRequest, Vacancy
from portal.accounts.people import Person
from portal.core import labels, mail, web
from portal.core.mail import Letter
from portal.core.words import day


def _all(key: str, people: Iterable[Person], letter: Callable[[], Letter], topic: str) -> None:
    for person in people:
        mail.send(f"{key}:{person.uid}", person.email, person.name, person.language, letter, topic=topic)


def _people() -> tuple[str, str]:
    return _("Open the list of people"), web.absolute("accounts.people")


def vacancy(row: Vacancy, owners: Iterable[Person]) -> None:
    """Tell the owners that a required role is vacant, and by when it should be filled."""

    def letter() -> Letter:
        role = labels.label(row.role)
        gone = (
            [_("%(who)s no longer acts in this role; access has ended.", who=row.left_by)]
            if row.left_by
            else []
        )
        return Letter(
            _("%(org)s: nobody is %(role)s any more", org=row.org.name, role=role),
            (
                _("Please invite somebody for this role until %(day)s.", day=day(row.due_on)),
                *gone,
                _("Seats and votes stay with the organisation."),
            ),
            button=_people(),
        )

    _all(f"vacancy:{row.uid}", owners, letter, row.org.subject)


def overdue(row: Vacancy, owners: Iterable[Person]) -> None:
    """Tell the owners that a role should be filled by now."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s: still nobody is %(role)s", org=row.org.name, role=labels.label(row.role)),
            (_("This role should be filled by today. Please invite somebody."),),
            button=_people(),
        )

    _all(f"vacancy-due:{row.uid}", owners, letter, row.org.subject)


def asked(row: JoinRequest, owners: Iterable[Person]) -> None:
    """Tell the owners that somebody of their domain asks to join them."""

    def letter() -> Letter:
        return Letter(
            _("%(who)s asks to act for %(org)s", who=row.person.name, org=row.org.name),
            (
                _("%(who)s (%(email)s) asks for the role %(role)s. Please accept or decline.",
                  who=row.person.name, email=row.person.email, role=labels.label(row.role)),
                *([row.note] if row.note else []),
            ),
            button=_people(),
        )  # fmt: skip

    _all(f"join:{row.uid}", owners, letter, row.org.subject)


def declined(row: JoinRequest) -> None:
    """Tell whoever asked that the owners said no."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s declined your request", org=row.org.name),
            (_("An owner decided not to give you the role %(role)s. Please talk to them if this surprises you.", role=labels.label(row.role)),),
            button=(_("Open the portal"), web.absolute("public.home")),
        )  # fmt: skip

    _all(f"join-declined:{row.uid}", [row.person], letter, row.org.subject)


def check(row: ContactCheck, owners: Iterable[Person], step: int) -> None:
    """Ask the owners to look over the list of their people; `step` counts the days since they were asked first."""

    def letter() -> Letter:
        title = (
            _("Reminder: are these still the people of %(org)s?", org=row.org.name)
            if step
            else _("Are these still the people of %(org)s?", org=row.org.name)
        )
        return Letter(
            title,
            (
                _("Please look over the list of people who act for you and confirm it. It takes a minute."),
                _("Whoever has left should lose access; whoever is new should have it."),
            ),
            button=_people(),
        )

    _all(f"contact-check:{row.org.uid}:{row.quarter}:{step}", owners, letter, row.org.subject)
