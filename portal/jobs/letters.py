"""The mails of the job board to employers and moderators, each in the language of who reads it."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _

from portal.accounts import grants
from portal.accounts.may import May
from portal.core import catalogue, clock, labels, web
from portal.core.mail import Letter
from portal.core.words import day, last_day
from portal.jobs.board_models import EmployerCheck, QuotaChoice
from portal.jobs.kinds import CheckState, PausedBy, Verdict
from portal.jobs.models import Post, PostDecision, PostVersion
from portal.jobs.naming import title_of
from portal.jobs.people import recruiters, write


def _open(post: Post) -> tuple[str, str]:
    return _("Open the post"), web.absolute("jobs_employer.post", uid=post.uid)


def _desk(post: Post) -> tuple[str, str]:
    return _("Open the post"), web.absolute("jobs_office.case", uid=post.uid)


def decided(row: PostDecision) -> None:
    """Tell the employer what was decided, with the reasons and the sentence in both languages."""
    post = row.post

    def letter() -> Letter:
        reasons = catalogue.entries("job_reason")
        said = [
            _("Reason: %(reason)s", reason=catalogue.in_words(reasons[code]["name"]))
            for code in row.reasons
            if code in reasons
        ]
        both = [text for text in (row.words_zh, row.words_en) if text]
        return Letter(
            _("%(verdict)s: %(title)s", verdict=labels.label(row.verdict), title=title_of(post)),
            (_then(row), *said, *both),
            button=_open(post),
        )

    write(f"post-decision:{row.id}", recruiters(post.org), letter, topic=post.subject)


def _then(row: PostDecision) -> str:
    if row.verdict is Verdict.APPROVED:
        return _("It is on the board to the end of %(day)s.", day=_last(row.post.ends_on))
    if row.verdict is Verdict.RETURNED:
        return _("Please change what is named below and send it again.")
    if row.verdict is Verdict.REMOVED:
        days = int(catalogue.policy("jobs.appeal_days"))
        return _("You may appeal once, within %(days)s days; another moderator then looks at it.", days=days)
    if row.verdict is Verdict.RESTORED:
        return _("It waits for a moderator again.")
    return _("The post stays taken down.")


def _last(end: date | None) -> str:
    return last_day(end) if end is not None else ""


def paused(post: Post) -> None:
    """Tell that the portal took a post off the board, and what puts it back."""

    def letter() -> Letter:
        why = post.paused_by or PausedBy.EMPLOYER
        how = {
            PausedBy.STANDING: _("It comes back by itself once the membership is in force again."),
            PausedBy.QUOTA: _("Close another post, then let this one go on."),
            PausedBy.LINK: _("Correct the link, or let the post go on once the page is there again."),
            PausedBy.SILENCE: _("If people may still apply, let it go on; else say that it is filled."),
        }.get(why, "")
        return Letter(
            _("A post of yours is paused: %(title)s", title=title_of(post)),
            (_("Why: %(why)s.", why=labels.label(why)), how),
            button=_open(post),
        )

    write(f"post-paused:{post.uid}:{post.edition}", recruiters(post.org), letter, topic=post.subject)


def expired(post: Post) -> None:
    """Tell that the days of a post are over, and that one click sends it again."""

    def letter() -> Letter:
        return Letter(
            _("Your post has ended: %(title)s", title=title_of(post)),
            (
                _(
                    "It is off the board. Was the place filled? Or renew it: an unchanged text is quickly approved."
                ),
            ),
            button=_open(post),
        )

    write(f"post-expired:{post.uid}:{post.ends_on}", recruiters(post.org), letter, topic=post.subject)


def ending(post: Post) -> None:
    """Remind of the end of a post's days, with the link that renews it."""

    def letter() -> Letter:
        return Letter(
            _("Your post ends soon: %(title)s", title=title_of(post)),
            (
                _(
                    "Its last day is %(day)s. Renew it now and it goes on without a gap.",
                    day=_last(post.ends_on),
                ),
            ),
            button=(_("Renew the post"), web.absolute("jobs_employer.post", uid=post.uid)),
        )

    write(f"post-ending:{post.uid}:{post.ends_on}", recruiters(post.org), letter, topic=post.subject)


def still_open(post: Post, days: int) -> None:
    """Ask whether a post is still open."""

    def letter() -> Letter:
        return Letter(
            _("Still open? %(title)s", title=title_of(post)),
            (_("Nobody has touched this post for a while. Say within %(days)s days that it is open, else it is paused.", days=days),),
            button=(_("Answer with one click"), web.absolute("jobs_employer.post", uid=post.uid)),
        )  # fmt: skip

    write(f"post-open:{post.uid}:{clock.today()}", recruiters(post.org), letter, topic=post.subject)


def choose(row: QuotaChoice, count: int, most: int) -> None:
    """Tell that an employer has more posts than its tier, and until when it may choose which stay."""

    def letter() -> Letter:
        return Letter(
            _("Your tier now has %(most)s posts; %(count)s are out", most=most, count=count),
            (
                _("Please pause or close those you can do without by %(day)s.", day=day(row.choose_by)),
                _("After that the newest ones beyond the number are paused; none is removed."),
            ),
            button=(_("Choose which posts stay"), web.absolute("jobs_employer.listed")),
        )

    write(f"post-choice:{row.id}", recruiters(row.org), letter, topic=row.subject)


def employer_decided(row: EmployerCheck) -> None:
    """Tell whether an employer is confirmed."""

    def letter() -> Letter:
        if row.state is CheckState.CONFIRMED:
            lines: tuple[str, ...] = (
                _("You can send posts now. We look again after %(day)s.", day=_last(row.until)),
            )
        else:
            lines = (row.words, _("You can ask again as soon as this is settled."))
        return Letter(
            labels.label(row.state),
            lines,
            button=(_("Open the job board"), web.absolute("jobs_employer.listed")),
        )

    write(f"employer:{row.uid}:{row.state.value}", recruiters(row.org), letter, topic=row.subject)


def employer_runs_out(row: EmployerCheck) -> None:
    """Remind that the confirmation of an employer ends; what is live stays, new posts wait for a new one."""

    def letter() -> Letter:
        return Letter(
            _("Your confirmation as an employer ends after %(day)s", day=_last(row.until)),
            (
                _("Hand in your registration document again now; it takes us a day or two."),
                _("Posts that are live stay. New posts and renewals wait until you are confirmed again."),
            ),
            button=(_("Confirm the employer"), web.absolute("jobs_employer.confirmation")),
        )

    write(f"employer-ends:{row.uid}", recruiters(row.org), letter, topic=row.subject)


def appealed(post: Post) -> None:
    """Tell the moderators that somebody appeals."""

    def letter() -> Letter:
        return Letter(
            _("Appeal: %(title)s of %(org)s", title=title_of(post), org=post.org.name),
            (_("A moderator who did not take it down decides."),),
            button=_desk(post),
        )

    at = post.appealed_at
    write(f"post-appeal:{post.uid}:{at}", grants.holders(May.MODERATE_JOBS), letter, topic=post.subject)


def reported(post: Post) -> None:
    """Tell the moderators that several readers report a post."""

    def letter() -> Letter:
        return Letter(
            _("Readers report a post: %(title)s of %(org)s", title=title_of(post), org=post.org.name),
            (_("It stays on the board until a moderator decides. Please look at once."),),
            button=_desk(post),
        )

    day_ = clock.today()
    write(f"post-reports:{post.uid}:{day_}", grants.holders(May.MODERATE_JOBS), letter, topic=post.subject)


def escalated(version: PostVersion) -> None:
    """Tell all who look after the board that a version has waited too long."""
    post = version.post

    def letter() -> Letter:
        days = int(catalogue.policy("jobs.review_days"))
        return Letter(
            _(
                "A post waits for review for more than %(days)s working days: %(title)s",
                days=days,
                title=title_of(post),
            ),
            (_("%(org)s has not heard from us yet.", org=post.org.name),),
            button=_desk(post),
        )

    people = grants.holders(May.MODERATE_JOBS, May.READ_JOBS)
    write(f"post-late:{version.uid}:{version.submitted_at}", people, letter, topic=post.subject)
