"""The mails about erasure: asked for, declined, and what was done with each item."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.accounts import grants
from portal.accounts.erasure_plan import Fate, said
from portal.accounts.may import May
from portal.accounts.privacy_models import Erasure
from portal.core import labels, mail, web, words
from portal.core.catalogue import brand
from portal.core.mail import Letter


def asked(row: Erasure) -> None:
    """Confirm the request, and tell the staff who work on it until when it is answered."""

    def theirs() -> Letter:
        return Letter(
            _("You asked %(brand)s to erase your data", brand=brand().short),
            (
                _(
                    "We answer by %(day)s. Until then you can take the request back.",
                    day=words.day(row.due_on),
                ),
                _("If you did not ask for this, take it back now and change your password."),
            ),
            button=(_("Open the page"), web.absolute("accounts.privacy")),
        )

    def ours() -> Letter:
        return Letter(
            _("A person asks to be erased"),
            (_("The answer is due by %(day)s.", day=words.day(row.due_on)),),
            button=(_("See the dry run"), web.absolute("privacy_desk.person", uid=row.person.uid)),
        )

    person = row.person
    mail.send(
        f"erasure-asked:{row.uid}", person.email, person.name, person.language, theirs, topic=person.subject
    )
    for one in grants.holders(May.ERASE_PEOPLE):
        mail.send(
            f"erasure-ours:{row.uid}:{one.uid}", one.email, one.name, one.language, ours, topic=row.subject
        )


def declined(row: Erasure) -> None:
    """Say that and why nothing is erased."""
    person = row.person

    def letter() -> Letter:
        return Letter(
            _("Your request to %(brand)s to erase your data", brand=brand().short),
            (
                _("We cannot erase your data now: %(reason)s", reason=row.reason),
                _("You may answer this mail, or turn to the authority for the protection of data."),
            ),
        )

    mail.send(
        f"erasure-declined:{row.uid}", person.email, person.name, person.language, letter,
        topic=person.subject,
    )  # fmt: skip


def done(row: Erasure) -> None:
    """Tell the person in writing what became of each item; it is the last mail to the address."""
    person = row.person

    def letter() -> Letter:
        return Letter(
            _("Your data at %(brand)s are erased", brand=brand().short),
            (
                _("This is what became of them. It is the last mail to this address."),
                *(_line(one) for one in row.plan),
                _("Where your name stood, the token %(token)s stands now.", token=row.token),
            ),
        )

    mail.send(
        f"erasure-done:{row.uid}", person.email, person.name, person.language, letter, topic=row.subject
    )


def _line(one: dict[str, object]) -> str:
    """Return one line of the plan as a sentence."""
    fate = labels.label(Fate(str(one["fate"])))
    if one["because"]:
        return _(
            "%(item)s (%(count)s): %(fate)s – %(because)s",
            item=said(str(one["item"])), count=one["count"], fate=fate, because=said(str(one["because"])),
        )  # fmt: skip
    return _("%(item)s (%(count)s): %(fate)s", item=said(str(one["item"])), count=one["count"], fate=fate)
