"""The mails of applications, requests for contact and referrals; none to an employer names a candidate."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts.people import Person
from portal.core import labels, mail, web
from portal.core.mail import Letter
from portal.core.words import day, last_day
from portal.jobs import hirers, naming
from portal.jobs.application_models import ContactRequest, JobApplication, Referral
from portal.jobs.models import Post
from portal.jobs.stages import JobApplicationState

A = JobApplicationState


def _tell(key: str, person: Person | None, letter: Callable[[], Letter], *, topic: str) -> None:
    if person is not None and person.erased_at is None:
        mail.send(key, person.email, person.name, person.language, letter, topic=topic)


def _mine(row: JobApplication) -> tuple[str, str]:
    return _("Open the application"), web.absolute("candidates.application", uid=row.uid)


def _list_of(post: Post) -> tuple[str, str]:
    return _("Open the applications"), web.absolute("hiring.listed", uid=post.uid)


def arrived(row: JobApplication) -> None:
    """Confirm an application to whoever sent it, and tell the employer that there is one."""

    def sent() -> Letter:
        return Letter(
            _("Your application is sent: %(post)s", post=naming.title_of(row.post)),
            (
                _("%(org)s sees what you ticked, and nothing else. You can change that, or withdraw, at any time.", org=row.post.org.name),
                _("We write to you when it is opened and at each step."),
            ),
            button=_mine(row),
        )  # fmt: skip

    def came() -> Letter:
        return Letter(
            _("A new application: %(post)s", post=naming.title_of(row.post)),
            (_("Please open it in the portal: what its sender shows you is shown there, and only there."),),
            button=_list_of(row.post),
        )

    _tell(f"job-sent:{row.uid}", row.person, sent, topic=row.subject)
    hirers.write(f"job-came:{row.uid}", row.post.org, came, topic=row.post.subject)


def withdrawn(row: JobApplication) -> None:
    """Tell an employer that an application was withdrawn, in neutral words."""

    def letter() -> Letter:
        return Letter(
            _("An application was withdrawn: %(post)s", post=naming.title_of(row.post)),
            (_("Its sender took it back. Nothing of it is shown any more."),),
            button=_list_of(row.post),
        )

    hirers.write(f"job-withdrawn:{row.uid}", row.post.org, letter, topic=row.post.subject)


_NEWS = {
    A.INTERVIEW: lambda org: _("%(org)s would like to talk with you.", org=org),
    A.OFFER: lambda org: _("%(org)s would like to make you an offer.", org=org),
    A.HIRED: lambda org: _("%(org)s says that you are hired. Congratulations!", org=org),
    A.DECLINED: lambda org: _("%(org)s does not go on with your application. Thank you for your interest.", org=org),
}  # fmt: skip


def moved(row: JobApplication, words: str) -> None:
    """Tell a candidate of the next step, with the employer's own words."""

    def letter() -> Letter:
        said = (_NEWS[row.state](row.post.org.name),)
        own = (_("Their words: %(words)s", words=words),) if words else ()
        return Letter(
            _("%(state)s: %(post)s", state=labels.label(row.state), post=naming.title_of(row.post)),
            (*said, *own),
            button=_mine(row),
        )

    _tell(f"job-moved:{row.uid}:{row.state.value}", row.person, letter, topic=row.subject)


def closed(row: JobApplication) -> None:
    """Tell a candidate that the portal closed an application, and why."""

    def letter() -> Letter:
        return Letter(
            _("Your application is closed: %(post)s", post=naming.title_of(row.post)),
            (
                _("%(why)s. No application to it is open any more.", why=labels.label(row.closing)),
                _("What you sent is erased when its time is over, unless you let the employer keep it."),
            ),
            button=_mine(row),
        )

    _tell(f"job-closed:{row.uid}", row.person, letter, topic=row.subject)


def certificate_ended(row: JobApplication, level: str, award: str) -> None:
    """Tell an employer once, in neutral words, that a certificate behind an open application is not in force any more."""

    def letter() -> Letter:
        return Letter(
            _("A certificate behind an application is not in force any more: %(post)s", post=naming.title_of(row.post)),
            (
                _("It is one of the level %(level)s. The page of the application shows what it is worth now, and the order of the list follows.", level=naming.level(level)),
                _("This says nothing about the person. The application itself stands as before."),
            ),
            button=_list_of(row.post),
        )  # fmt: skip

    hirers.write(f"job-award:{row.uid}:{award}", row.post.org, letter, topic=row.post.subject)


def nudge(post: Post, count: int, on: str) -> None:
    """Remind an employer of applications that have waited for long."""

    def letter() -> Letter:
        said = ngettext(
            "%(num)s application to this post has waited for two weeks or longer.",
            "%(num)s applications to this post have waited for two weeks or longer.",
            count,
        )
        return Letter(
            _("Somebody waits for an answer: %(post)s", post=naming.title_of(post)),
            (said, _("A word to each, also a no, is worth more than silence.")),
            button=_list_of(post),
        )

    hirers.write(f"job-nudge:{post.uid}:{on}", post.org, letter, topic=post.subject)


# ---- Requests for contact


def asked(row: ContactRequest) -> None:
    """Tell a candidate that an employer asks for contact; who he is, it does not know."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s asks for contact", org=row.org.name),
            (
                _("It is about the post %(post)s.", post=naming.title_of(row.post)),
                _("Their reason: %(reason)s", reason=row.reason),
                _("They found you in the talent pool and do not know who you are. They learn it only if you say yes, and only what you tick."),
                _("You can answer to the end of %(day)s. No answer is a no.", day=day(row.answer_by)),
            ),
            button=(_("Answer the request"), web.absolute("candidates.request_page", uid=row.uid)),
        )  # fmt: skip

    _tell(f"job-contact:{row.uid}", row.person, letter, topic=row.subject)


def answered(row: ContactRequest, *, agreed: bool) -> None:
    """Tell an employer how a request for contact was answered."""

    def letter() -> Letter:
        if agreed:
            said = _(
                "The answer is yes. What is shown to you stands in the portal until %(day)s.",
                day=last_day(row.shown_until) if row.shown_until else "",
            )
        else:
            said = _("The answer is no. Who it was stays hidden.")
        return Letter(
            _("Your request for contact was answered: %(post)s", post=naming.title_of(row.post)),
            (said,),
            button=(_("Open your requests"), web.absolute("hiring.requests")),
        )  # fmt: skip

    hirers.write(f"job-contact-answer:{row.uid}", row.org, letter, topic=row.subject)


# ---- Referrals


def referral_key(row: Referral) -> str:
    """Return the key of the one letter of a referral."""
    return f"job-referral:{row.uid}"


def referred(row: Referral, address: str, language: str, token: str) -> None:
    """Write the one letter to somebody who was referred: by whom, for what, what is shared, and when the address goes."""

    def letter() -> Letter:
        return Letter(
            _("%(name)s thinks of you for a post at %(org)s", name=row.by.name, org=row.post.org.name),
            (
                _("The post is %(post)s.", post=naming.title_of(row.post)),
                _("%(name)s gave us your address for this one letter. Nobody at %(org)s knows of it, and nothing is shared unless you apply yourself.", name=row.by.name, org=row.post.org.name),
                _("If you say yes you see a form: you tick what the employer may see, and whether %(name)s hears what becomes of it. If you say no, or nothing until %(day)s, we erase your address.", name=row.by.name, day=day(row.answer_by)),
            ),
            button=(_("See the post and answer"), web.absolute("referred.letter", token=token)),
            secret=True,
        )  # fmt: skip

    mail.send(referral_key(row), address, "", language, letter, topic=row.subject)
