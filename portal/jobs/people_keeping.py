"""What recruitment keeps of candidates: the register, the lines of an erasure, and what a person takes along."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts import erasure_plan
from portal.accounts.erasure_plan import Fate, Line
from portal.accounts.people import Person
from portal.core import labels, periods, personal
from portal.core.db import db
from portal.core.personal import Keeping, Purpose, Sheet
from portal.jobs import applying, contacting, looks, naming, profiles, referring
from portal.jobs.application_models import ContactRequest, JobApplication, Referral
from portal.jobs.people_models import Look
from portal.jobs.stages import ReferralState


def install() -> None:
    """Put the columns into the register, and say what goes at an erasure and what a person takes along."""
    personal.holds(
        Purpose.JOBS, Keeping.JOB_PROFILE, "job_profile.person_id", "job_profile.city", "job_profile.skills",
        "job_profile.kinds", "job_profile.languages", "job_profile.reach", "job_profile.resume_id",
        "job_shut_out.person_id", "job_look.person_id", "job_look.by_id", "job_pool_search.asked",
        "job_pool_search.by_id",
    )  # fmt: skip
    personal.holds(
        Purpose.JOBS, Keeping.JOB_APPLICATION, "job_application.person_id", "job_application.letter",
        "job_application.resume_id", "job_application_step.words", "job_contact.person_id", "job_contact.reason",
        "job_referral.address_sealed", "job_referral.address_mark", "job_referral.by_id",
    )  # fmt: skip
    personal.holds(Purpose.CONSENT, Keeping.AUDIT, "consent.about", "consent.receiver")
    erasure_plan.ask("candidates", lines)
    erasure_plan.say(
        {
            "job_profile": _l("Profile for employers, with its résumé, and employers you shut out"),
            "job_applications": _l("Applications to posts: words, résumés and whose they are"),
            "job_looks": _l("Who looked at what of you"),
            "job_contacts": _l("Requests for contact you got"),
            "job_referrals": _l("People you referred: that there was a letter"),
            "because_figures": _l("only counts and days are left"),
        }
    )
    personal.collects("candidates", sheets)


def _count(kind: Any, *conditions: Any) -> int:
    return int(db.session.scalar(select(func.count()).select_from(kind).where(*conditions)) or 0)


def lines(person: Person) -> list[Line]:
    """Return what becomes of each item of a candidate."""
    profile = int(profiles.of(person) is not None) + len(profiles.shut_outs(person))
    return [
        Line("job_profile", Fate.ERASED, profile),
        Line("job_applications", Fate.ERASED, _count(JobApplication, JobApplication.person_id == person.id)),
        Line("job_contacts", Fate.ERASED, _count(ContactRequest, ContactRequest.person_id == person.id)),
        Line("job_looks", Fate.ERASED, _count(Look, Look.person_id == person.id)),
        Line("job_referrals", Fate.ANONYMISED, _count(Referral, Referral.by_id == person.id), "because_figures"),
    ]  # fmt: skip


def sheets(person: Person) -> list[Sheet]:
    """Return all that is kept of a candidate, as he takes it along."""
    return [_profile(person), _shut_out(person), _sent(person), _steps(person), _asked(person), _seen(person), _referred(person)]  # fmt: skip


def _profile(person: Person) -> Sheet:
    row = profiles.of(person)
    return Sheet(
        "job_profile", _l("Profile for employers"),
        (
            ("city", _l("City")), ("skills", _l("Skills")), ("kinds", _l("Kinds of work")),
            ("languages", _l("Languages")), ("reach", _l("How to reach you")), ("resume", _l("Résumé")),
            ("used", _l("Last used")),
        ),
        [
            {
                "city": naming.city(row.city), "skills": row.skills, "kinds": row.kinds,
                "languages": row.languages, "reach": row.reach, "resume": row.resume.name if row.resume else None,
                "used": row.used_at,
            }
        ]
        if row is not None
        else [],
    )  # fmt: skip


def _shut_out(person: Person) -> Sheet:
    return Sheet(
        "job_shut_out", _l("Employers you shut out"), (("employer", _l("Employer")), ("since", _l("Since"))),
        [{"employer": row.org.name, "since": row.at} for row in profiles.shut_outs(person)],
    )  # fmt: skip


def _sent(person: Person) -> Sheet:
    return Sheet(
        "job_applications", _l("Your job applications"),
        (
            ("post", _l("Post")), ("employer", _l("Employer")), ("sent", _l("Sent")), ("state", _l("State")),
            ("letter", _l("Your words")), ("resume", _l("Résumé")),
        ),
        [
            {
                "post": naming.title_of(row.post), "employer": row.post.org.name, "sent": row.sent_at,
                "state": labels.label(row.state), "letter": row.letter,
                "resume": row.resume.name if row.resume else None,
            }
            for row in reversed(applying.of_person(person))
        ],
    )  # fmt: skip


def _steps(person: Person) -> Sheet:
    return Sheet(
        "job_application_steps", _l("Steps of your applications"),
        (("post", _l("Post")), ("state", _l("State")), ("at", _l("When")), ("words", _l("Words"))),
        [
            {"post": naming.title_of(row.post), "state": labels.label(step.state), "at": step.at, "words": step.words}
            for row in reversed(applying.of_person(person))
            for step in applying.steps_of(row)
        ],
    )  # fmt: skip


def _asked(person: Person) -> Sheet:
    return Sheet(
        "job_contacts", _l("Requests for contact"),
        (
            ("employer", _l("Employer")), ("post", _l("Post")), ("reason", _l("Reason")), ("asked", _l("Asked")),
            ("state", _l("State")), ("until", _l("Shown until")),
        ),
        [
            {
                "employer": row.org.name, "post": naming.title_of(row.post), "reason": row.reason,
                "asked": row.asked_at, "state": labels.label(row.state), "until": periods.last(row.shown_until),
            }
            for row in reversed(contacting.of_person(person))
        ],
    )  # fmt: skip


def _seen(person: Person) -> Sheet:
    return Sheet(
        "job_looks", _l("Who saw what of you"),
        (("at", _l("When")), ("employer", _l("Employer")), ("who", _l("Who looked")), ("what", _l("What"))),
        [
            {
                "at": row.at, "employer": row.org.name, "who": row.by.name,
                "what": [labels.label(one) for one in row.seen],
            }
            for row in db.session.scalars(looks.of_candidate(person))
        ],
    )  # fmt: skip


def _referred(person: Person) -> Sheet:
    return Sheet(
        "job_referrals", _l("People you referred"), (("post", _l("Post")), ("at", _l("When")), ("state", _l("State"))),
        [
            {"post": naming.title_of(row.post), "at": row.asked_at, "state": labels.label(ReferralState.ASKED)}
            for row in reversed(referring.of_person(person))
        ],
    )  # fmt: skip
