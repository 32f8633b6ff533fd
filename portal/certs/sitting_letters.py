"""The mails about an attempt: its next part, what was handed in, a proposal to declare it invalid and the decision; to proctors about their report."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _

from portal.certs import levels
from portal.certs.models.booking import ExamSession
from portal.certs.models.delivery import Attempt, AttemptPart
from portal.certs.models.watching import Invalidation, InvalidationState
from portal.certs.said import there
from portal.core import mail, web
from portal.core.mail import Letter


def _send(row: Attempt, what: str, letter: Callable[[], Letter]) -> None:
    person = row.person
    mail.send(
        f"attempt-{what}:{row.uid}", person.email, person.name, person.language, letter, topic=row.subject
    )


def _page(row: Attempt) -> tuple[str, str]:
    return _("Open your exam"), web.absolute("exams.sitting", uid=row.uid)


def part_over(row: Attempt, after: AttemptPart) -> None:
    """Tell the candidate that a part is over, and until when the next one can be opened."""

    def letter() -> Letter:
        until = there(after.open_until, row.booking.session.tz) if after.open_until else ""
        hours = after.minutes * row.factor // 6000
        return Letter(
            _("The practical part is waiting for you: %(level)s", level=levels.name_of(row.level)),
            (
                _("Open it before %(time)s, whatever the result of the part before.", time=until),
                _("From then on you have %(hours)s hours. The clock does not stop.", hours=hours),
                _("A part that is not opened in time counts as handed in empty."),
            ),
            button=_page(row),
        )

    _send(row, f"next-{after.place}", letter)


def handed_in(row: Attempt) -> None:
    """Tell the candidate that the exam is handed in, and what comes next."""

    def letter() -> Letter:
        days = levels.number("release.days")
        return Letter(
            _("Your exam is handed in: %(level)s", level=levels.name_of(row.level)),
            (
                _("Two people mark your work without knowing whose it is."),
                _("We write to you when the result is released, within %(days)s working days.", days=days),
            ),
            button=_page(row),
        )

    _send(row, "handed-in", letter)


def heard(proposal: Invalidation) -> None:
    """Tell the candidate why his attempt may be declared invalid, and until when he is heard."""
    row = proposal.attempt

    def letter() -> Letter:
        until = there(proposal.not_before, row.booking.session.tz)
        return Letter(
            _("Please answer: an attempt of yours may be declared invalid"),
            (
                _("Exam: %(level)s", level=levels.name_of(row.level)),
                _("Reason: %(reason)s", reason=proposal.reason),
                _("Please tell us your view before %(time)s. Nothing is decided before that, unless you have answered.", time=until),
            ),
            button=_page(row),
        )  # fmt: skip

    _send(row, f"heard-{proposal.id}", letter)


def decided(proposal: Invalidation) -> None:
    """Tell the candidate what was decided about his attempt."""
    row = proposal.attempt

    def letter() -> Letter:
        if proposal.state is InvalidationState.CONFIRMED:
            said = _("Your attempt was declared invalid. It counts as used. You may appeal against this.")
        else:
            said = _("Your attempt stands. Reason: %(reason)s", reason=proposal.answer)
        return Letter(
            _("Decided about your attempt: %(level)s", level=levels.name_of(row.level)), (said,), button=_page(row)
        )  # fmt: skip

    _send(row, f"decided-{proposal.id}", letter)


def report_due(session: ExamSession) -> bool:
    """Ask the proctors of a session for their report, once each; say whether anybody was asked."""

    def letter() -> Letter:
        level, at = levels.name_of(session.level), there(session.starts_at, session.tz)
        return Letter(
            _("Please sign the session report: %(level)s", level=level),
            (_("The session of %(time)s is over for a day, and its report is not signed yet.", time=at),),
            button=(_("Open the console"), web.absolute("exam_office.console", uid=session.uid)),
        )

    asked = [
        mail.send(
            f"session-report:{session.uid}:{one.person.uid}", one.person.email, one.person.name, one.person.language, letter,
            topic=session.subject,
        )
        for one in session.proctors
        if one.person.erased_at is None
    ]  # fmt: skip
    return any(asked)
