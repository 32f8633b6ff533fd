"""Mails about fapiao: issued with where to get it, declined with the reason, taken back."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _

from portal.accounts.people import Person
from portal.billing.fapiao_models import Fapiao
from portal.billing.letters import payers
from portal.core import mail, web
from portal.core.mail import Letter
from portal.core.words import money


def _receivers(row: Fapiao) -> list[Person]:
    """Return who asked, and who hears about the payer's money; each once."""
    found = {person.id: person for person in [row.by, *payers(row.party)]}
    return list(found.values())


def _tell(row: Fapiao, what: str, letter: Callable[[], Letter]) -> None:
    for person in _receivers(row):
        mail.send(
            f"fapiao:{row.uid}:{what}:{person.uid}", person.email, person.name, person.language, letter,
            topic=row.subject,
        )  # fmt: skip


def _button(row: Fapiao) -> tuple[str, str]:
    return _("See the fapiao"), web.absolute("fapiao.one", uid=row.uid)


def issued(row: Fapiao) -> None:
    """Tell that the fapiao is there."""

    def letter() -> Letter:
        return Letter(
            _("Your fapiao over %(sum)s is issued", sum=money(row.amount)),
            (
                _("Fapiao %(number)s is issued to %(who)s.", number=row.number, who=row.title),
                _("You can download its file on the page below.")
                if row.file is not None
                else _("The tax system delivers it to you; its number and day stand on the page below."),
            ),
            button=_button(row),
        )

    _tell(row, "issued", letter)


def rejected(row: Fapiao) -> None:
    """Tell that a request was declined, and why."""

    def letter() -> Letter:
        return Letter(
            _("Your fapiao request over %(sum)s was declined", sum=money(row.amount)),
            (
                _("The reason: %(reason)s", reason=row.reason),
                _("You can ask again once that is put right."),
            ),
            button=_button(row),
        )

    _tell(row, "rejected", letter)


def taken_back(row: Fapiao) -> None:
    """Tell that a red letter took a fapiao back."""

    def letter() -> Letter:
        return Letter(
            _("Fapiao %(number)s was taken back by red letter", number=row.number),
            (
                _("The red letter has the number %(number)s.", number=row.red_number),
                _("For what is left of the invoice you can ask for a new fapiao."),
            ),
            button=_button(row),
        )

    _tell(row, "red", letter)
