"""The mails of marking and deciding: to graders, reviewers, deciders and panels by code alone, to candidates by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask_babel import gettext as _

from portal.accounts import grants
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.certs import guards, levels, said
from portal.certs.models.deciding import ExamAppeal, ExamDecision, Remedy, Review, ReviewState, Verdict
from portal.certs.models.grading import Assignment, ExamCase, ExamWork
from portal.certs.models.watching import ResultHold
from portal.core import catalogue, clock, labels, mail, web
from portal.core.mail import Letter
from portal.core.words import day, moment


def _send(key: str, people: Iterable[Person], letter: Callable[[], Letter], topic: str) -> None:
    for person in people:
        if person.erased_at is None:
            mail.send(f"{key}:{person.uid}", person.email, person.name, person.language, letter, topic=topic)


# ---- To those who examine: no name, no language, nothing that tells whose it is


def offered(row: Assignment) -> None:
    """Tell a grader that a work waits."""

    def letter() -> Letter:
        return Letter(
            _("A work to mark: %(code)s", code=row.code),
            (
                _("Please mark it by %(moment)s. If you know whose it is, give it back at once.", moment=moment(row.due_at)),
            ),
            button=(_("Open the work"), web.absolute("marking.work", uid=row.uid)),
        )  # fmt: skip

    _send(f"assignment-offered:{row.uid}", [row.grader], letter, row.subject)


def late(row: Assignment) -> None:
    """Remind a grader before a work is given to somebody else."""

    def letter() -> Letter:
        return Letter(
            _("Please mark soon: %(code)s", code=row.code),
            (_("It is due at %(moment)s; after that somebody else marks it.", moment=moment(row.due_at)),),
            button=(_("Open the work"), web.absolute("marking.work", uid=row.uid)),
        )

    _send(f"assignment-late:{row.uid}", [row.grader], letter, row.subject)


def taken(row: Assignment) -> None:
    """Tell a grader that somebody else marks the work."""

    def letter() -> Letter:
        return Letter(
            _("Somebody else marks %(code)s", code=row.code),
            (
                _("Reason: %(reason)s", reason=said.taken(row.reason)),
                _("Nothing is left for you to do on it."),
            ),
            button=(_("Open your works"), web.absolute("marking.listed")),
        )

    _send(f"assignment-taken:{row.uid}", [row.grader], letter, row.subject)


def nobody_left(case: ExamCase, work: ExamWork) -> None:
    """Tell the chief examiners that nobody is left to mark a work."""

    def letter() -> Letter:
        return Letter(
            _("Nobody is left to mark a work of %(level)s", level=levels.name_of(case.level)),
            (_("Every grader is tied to the candidate or has had the work. Please name more graders."),),
            button=(_("Open the result"), web.absolute("exam_cases.case", uid=case.uid)),
        )

    _send(f"nobody-left:{work.uid}:{clock.today()}", grants.holders(May.LEAD_EXAMS), letter, case.subject)


def to_review(row: Review, people: Iterable[Person]) -> None:
    """Ask reviewers for their votes; whoever was appointed for this one work reads it outside the office."""
    office = {one.id for one in grants.holders(May.VOTE_ON_WORK)}

    def letter(page: str, *before: str) -> Letter:
        return Letter(
            _("A work to review for the community: %(level)s", level=levels.name_of(row.case.level)),
            (
                *before,
                _("Your vote is open until %(moment)s. Step aside if you are not independent.", moment=moment(row.closes_at)),
            ),
            button=(_("Read and vote"), web.absolute(page, uid=row.uid)),
        )  # fmt: skip

    def here() -> Letter:
        return letter("exam_reviews.review")

    def outside() -> Letter:
        return letter("reviews.review", _("You hold this level or one above it, and we ask you by name."))

    for person in people:
        said = here if person.id in office else outside
        _send(f"review-open:{row.uid}:{row.turn}:{row.extended}", [person], said, row.subject)


def short_of_votes(row: Review) -> None:
    """Tell the chief examiners that a review has too few votes although it was extended."""

    def letter() -> Letter:
        return Letter(
            _("Too few votes on a work of %(level)s", level=levels.name_of(row.case.level)),
            (
                _(
                    "The review was extended once and still lacks votes. Please appoint holders of this level or of one above it."
                ),
            ),
            button=(_("Open the result"), web.absolute("exam_cases.case", uid=row.case.uid)),
        )

    _send(
        f"review-short:{row.uid}:{row.turn}:{clock.today()}",
        grants.holders(May.LEAD_EXAMS),
        letter,
        row.subject,
    )


# ---- To candidates


def _to_candidate(key: str, case: ExamCase, letter: Callable[[], Letter]) -> None:
    _send(key, [case.person], letter, case.subject)


def released(case: ExamCase, *, passed: bool) -> None:
    """Tell a candidate that a result is there; the mail itself says no more than whether."""
    days = int(catalogue.policy("appeal.days"))

    def again() -> list[str]:
        start = None if passed else guards.open_again(case.attempt.person_id, case.level)
        return (
            []
            if start is None
            else [_("Your next session may start from %(day)s on.", day=day(clock.day_of(start)))]
        )

    def letter() -> Letter:
        level = levels.name_of(case.level)
        return Letter(
            _("You passed: %(level)s", level=level) if passed else _("Not passed this time: %(level)s", level=level),
            (
                _("Your report shows how you did, part by part, and what comes next."),
                *again(),
                _("You can appeal within %(days)s days.", days=days),
            ),
            button=(_("Open your report"), web.absolute("results.result", uid=case.uid)),
        )  # fmt: skip

    _to_candidate(f"result:{case.uid}:{passed}", case, letter)


def held(case: ExamCase, hold: ResultHold) -> None:
    """Tell a candidate that a result is held, and why."""

    def letter() -> Letter:
        return Letter(
            _("Your result is held: %(level)s", level=levels.name_of(case.level)),
            (_("Reason: %(reason)s", reason=hold.reason), _("We write again as soon as it is settled.")),
            button=(_("Open your results"), web.absolute("results.listed")),
        )

    _to_candidate(f"result-held:{hold.id}", case, letter)


def review_over(row: Review) -> None:
    """Tell a candidate what the community said."""

    def letter() -> Letter:
        level = levels.name_of(row.case.level)
        if row.state is ReviewState.RETURNED:
            text = _("You may hand in one revision within 30 days; the same reviewers look at it.")
        elif row.state is ReviewState.APPROVED:
            text = _("Somebody who had no part in it decides now about your certificate.")
        else:
            text = _("The votes and their reasons stand in your report. You can appeal.")
        return Letter(
            _("%(state)s: %(level)s", state=labels.label(row.state), level=level),
            (text,),
            button=(_("Open your report"), web.absolute("results.result", uid=row.case.uid)),
        )

    _to_candidate(f"review-over:{row.uid}:{row.turn}:{row.state}", row.case, letter)


def decided(row: ExamDecision) -> None:
    """Tell a candidate that the certificate is refused; one that is granted has a mail of its own."""
    if row.verdict is Verdict.GRANTED:
        return

    def letter() -> Letter:
        return Letter(
            _("Certificate refused: %(level)s", level=levels.name_of(row.case.level)),
            (
                _("Reason: %(reason)s", reason=row.reason),
                _("You can appeal; two people who had no part in it judge."),
            ),
            button=(_("Open your report"), web.absolute("results.result", uid=row.case.uid)),
        )

    _to_candidate(f"exam-decision:{row.id}", row.case, letter)


def appeal_received(row: ExamAppeal) -> None:
    """Tell a candidate that an appeal is with the panel, or came too late; and tell the panel."""
    late = row.state.value == "too_late"

    def letter() -> Letter:
        said = _("It came after the last day for appeals, so it is not judged. You may still write to us.") if late else _(
            "Two people who had no part in your case judge it. You hear from us by %(moment)s.", moment=moment(row.due_at)
        )  # fmt: skip
        return Letter(
            _("Your appeal: %(level)s", level=levels.name_of(row.case.level)),
            (said,),
            button=(_("Open your report"), web.absolute("results.result", uid=row.case.uid)),
        )

    _to_candidate(f"appeal:{row.uid}", row.case, letter)
    if not late:
        appeal_waits(row, grants.holders(May.DECIDE_EXAM_APPEALS))


def appeal_waits(row: ExamAppeal, people: Iterable[Person], *, again: str = "") -> None:
    """Tell the panel that an appeal waits."""

    def letter() -> Letter:
        return Letter(
            _("An appeal to judge: %(level)s", level=levels.name_of(row.case.level)),
            (_("Please judge it by %(moment)s.", moment=moment(row.due_at)),),
            button=(_("Open the appeal"), web.absolute("exam_appeals.appeal", uid=row.uid)),
        )

    _send(f"appeal-waits:{row.uid}:{again}", people, letter, row.subject)


def appeal_judged(row: ExamAppeal) -> None:
    """Tell a candidate what the panel decided, with its reasons."""

    def letter() -> Letter:
        remedy = labels.label(row.remedy or Remedy.DISMISS)
        return Letter(
            _("%(state)s: %(level)s", state=labels.label(row.state), level=levels.name_of(row.case.level)),
            (_("What follows: %(remedy)s.", remedy=remedy), row.answer),
            button=(_("Open your report"), web.absolute("results.result", uid=row.case.uid)),
        )

    _to_candidate(f"appeal-judged:{row.uid}", row.case, letter)
