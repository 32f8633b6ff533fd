"""The mails about awards: ready, on hold, lifted, asked to answer, revoked, ending soon."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts import grants
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.certs import levels
from portal.certs.models.award import Award, AwardProposal, Suspension
from portal.certs.models.document import Certificate
from portal.certs.spans import DAY
from portal.core import labels, mail, web
from portal.core.mail import Letter
from portal.core.words import day, moment


def _to(key: str, person: Person, letter: Callable[[], Letter], award: Award) -> None:
    if person.erased_at is None:
        mail.send(
            f"{key}:{person.uid}", person.email, person.name, person.language, letter, topic=award.subject
        )


def ready(certificate: Certificate) -> None:
    """Tell the holder that the certificate is there; once per document."""
    award = certificate.award

    def letter() -> Letter:
        return Letter(
            _("Your certificate is ready: %(level)s", level=levels.name_of(award.level)),
            (
                _("Certificate %(number)s, valid to the end of %(day)s.", number=certificate.number, day=day(award.end - DAY)),
                _("You can download it with its badge, show it to others, and decide how much of your name the public check shows."),
            ),
            button=(_("Open your certificates"), web.absolute("holder.certificates")),
        )  # fmt: skip

    _to(f"certificate-ready:{certificate.uid}", award.person, letter, award)


def suspended(suspension: Suspension) -> None:
    """Tell the holder that an award is on hold, and why."""
    award = suspension.award

    def letter() -> Letter:
        return Letter(
            _("Your award is on hold: %(level)s", level=levels.name_of(award.level)),
            (
                _("Reason: %(reason)s", reason=suspension.reason),
                _("The public check says so until the hold is lifted. Please answer this mail if you see it otherwise."),
            ),
            button=(_("Open your certificates"), web.absolute("holder.certificates")),
        )  # fmt: skip

    _to(f"award-suspended:{suspension.id}", award.person, letter, award)


def lifted(award: Award, key: str) -> None:
    """Tell the holder that an award counts again."""

    def letter() -> Letter:
        return Letter(
            _("The hold is lifted: %(level)s", level=levels.name_of(award.level)),
            (_("Your award counts again, and the public check says so."),),
            button=(_("Open your certificates"), web.absolute("holder.certificates")),
        )

    _to(f"award-lifted:{key}", award.person, letter, award)


def hearing(proposal: AwardProposal) -> None:
    """Ask the holder to answer before an award is revoked."""
    award, until = proposal.award, proposal.not_before

    def letter() -> Letter:
        return Letter(
            _("Please answer: revocation of %(level)s", level=levels.name_of(award.level)),
            (
                _("It was proposed to revoke your award. Reason: %(reason)s", reason=proposal.reason),
                _("You can answer until %(moment)s; nothing is decided before that.", moment=moment(until) if until else ""),
            ),
            button=(_("Read and answer"), web.absolute("holder.award", uid=award.uid)),
        )  # fmt: skip

    _to(f"award-hearing:{proposal.uid}", award.person, letter, award)


def revoked(award: Award) -> None:
    """Tell the holder that an award is revoked."""

    def letter() -> Letter:
        return Letter(
            _("Your award is revoked: %(level)s", level=levels.name_of(award.level)),
            (
                _("Cause: %(cause)s.", cause=labels.label(award.cause) if award.cause else ""),
                _("Its certificates and badges say so from now on, and the public check does."),
            ),
            button=(_("Open your certificates"), web.absolute("holder.certificates")),
        )

    _to(f"award-revoked:{award.uid}", award.person, letter, award)


def proposed(proposal: AwardProposal) -> None:
    """Tell those who may confirm it that a proposal waits."""
    award = proposal.award

    def letter() -> Letter:
        return Letter(
            _("To be confirmed: %(verb)s, %(level)s", verb=labels.label(proposal.verb), level=levels.name_of(award.level)),
            (_("Proposed by %(name)s. Reason: %(reason)s", name=proposal.by.name, reason=proposal.reason),),
            button=(_("Open the award"), web.absolute("awards.award", uid=award.uid)),
        )  # fmt: skip

    for person in grants.holders(May.DECIDE_AWARDS):
        if person.id != proposal.by_id:
            _to(f"award-proposed:{proposal.uid}", person, letter, award)


def ending(award: Award, step: int) -> None:
    """Remind the holder that an award ends soon, ends today or has ended: what can be done, and until when."""
    left = abs(step)

    def letter() -> Letter:
        level = levels.name_of(award.level)
        if step > 0:
            title = ngettext(
                "%(level)s ends in %(num)s day", "%(level)s ends in %(num)s days", left, level=level
            )
        elif step == 0:
            title = _("%(level)s ended yesterday", level=level)
        else:
            title = _("%(level)s has ended: it can still be renewed", level=level)
        return Letter(
            title,
            (
                _("Its last day is %(day)s.", day=day(award.end - DAY)),
                _("Renew it by the renewal exam, by the level above, or by points for continuing education. Who renews early loses no day."),
                _("Your points and what is missing: %(address)s", address=web.absolute("education.mine")),
            ),
            button=(_("Open your certificates"), web.absolute("holder.certificates")),
        )  # fmt: skip

    _to(f"award-ending:{award.uid}:{step}", award.person, letter, award)
