"""The mails of continuing education: an entry accepted or refused, a renewal to decide, a renewal decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts import grants
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.certs import levels
from portal.certs.education import rules
from portal.certs.models.award import Award
from portal.certs.models.education import EducationEntry, EducationRenewal, RenewalState
from portal.certs.spans import DAY
from portal.core import clock, mail, web
from portal.core.mail import Letter
from portal.core.words import day


def _send(key: str, people: Iterable[Person], letter: Callable[[], Letter], topic: str) -> None:
    for person in people:
        if person.erased_at is None:
            mail.send(f"{key}:{person.uid}", person.email, person.name, person.language, letter, topic=topic)


def _page() -> tuple[str, str]:
    return _("Open your continuing education"), web.absolute("education.mine")


def accepted(row: EducationEntry) -> None:
    """Tell a holder that an entry is accepted, and with how many points."""

    def letter() -> Letter:
        points = row.points or 0
        return Letter(
            ngettext("Accepted: %(num)s point for %(kind)s", "Accepted: %(num)s points for %(kind)s", points, kind=rules.name_of(row.kind)),
            (
                _("Your entry of %(day)s: %(what)s", day=day(row.done_on), what=row.what),
                _("Your page shows what counts so far, and when you can ask for the renewal."),
            ),
            button=_page(),
        )  # fmt: skip

    _send(f"education-accepted:{row.uid}", [row.person], letter, row.subject)


def refused(row: EducationEntry) -> None:
    """Tell a holder that an entry is refused, and why."""

    def letter() -> Letter:
        return Letter(
            _("Not accepted: your entry of %(day)s", day=day(row.done_on)),
            (
                _("Your entry of %(day)s: %(what)s", day=day(row.done_on), what=row.what),
                _("Reason: %(reason)s", reason=row.reason),
                _("You can write it down anew with what was missing, or answer this mail if you see it otherwise."),
            ),
            button=_page(),
        )  # fmt: skip

    _send(f"education-refused:{row.uid}", [row.person], letter, row.subject)


def to_decide(row: EducationRenewal) -> None:
    """Tell deciders that renewals wait: one mail a day, however many there are."""

    def letter() -> Letter:
        return Letter(
            _("Renewals by continuing education wait for a decision"),
            (_("Whoever checked none of the points, and has no tie to the holder, decides."),),
            button=(_("Open the renewals"), web.absolute("education_office.renewals")),
        )

    _send(f"education-to-decide:{clock.today()}", grants.holders(May.DECIDE_AWARDS), letter, row.subject)


def decided(row: EducationRenewal, made: Award | None) -> None:
    """Tell a holder how a renewal was decided."""
    granted = row.state is RenewalState.GRANTED

    def letter() -> Letter:
        level = levels.name_of(row.award.level)
        if granted and made is not None:
            title = _("Renewed by continuing education: %(level)s", level=level)
            lines = [
                _(
                    "Your new award is valid to the end of %(day)s. Its certificate follows.",
                    day=day(made.end - DAY),
                )
            ]
        else:
            title = _("Renewal not granted: %(level)s", level=level)
            lines = [
                _("Reason: %(reason)s", reason=row.reason),
                _("Your points are free again: nothing of them is lost. Please answer this mail if you see it otherwise."),
            ]  # fmt: skip
        return Letter(title, tuple(lines), button=_page())

    _send(f"education-decided:{row.uid}", [row.award.person], letter, row.subject)
