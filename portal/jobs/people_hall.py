"""The candidates' half of recruitment as it is let in: pages, operations, rails, words, and what it hears of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from flask_openapi3.blueprint import APIBlueprint

from portal.accounts.access import Reader
from portal.accounts.events import PersonErased
from portal.accounts.may import May
from portal.accounts.merging import OrganisationsMerged
from portal.core import labels, nav, story
from portal.core.nav import Entry
from portal.jobs import (  # noqa: F401 - their routes
    applying_views,
    candidate_views,
    hires_office,
    hiring_views,
    leaving,
    people_hearing,
    people_keeping,
    pool_views,
    referred_views,
)
from portal.jobs.applications_api import job_applications_api
from portal.jobs.events import PostClosed
from portal.jobs.people_doors import candidates, hiring, referred
from portal.jobs.people_doors import hires_office as office
from portal.jobs.stages import JobApplicationState

BLUEPRINTS: list[Blueprint] = [candidates, hiring, referred, office]
APIS: list[APIBlueprint] = [job_applications_api]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    (PersonErased, leaving.on_erased),
    (PostClosed, people_hearing.on_post_closed),
    (OrganisationsMerged, people_hearing.on_merged),
)


def recruits(reader: Reader) -> bool:
    """Whether a reader recruits for some organisation."""
    return bool(reader.orgs(May.RECRUIT))


def install() -> None:
    """Say what is kept of candidates, name the verbs and stand on the rails."""
    people_keeping.install()
    story.words(_VERBS, _DETAILS)
    known = {one.value: one for one in JobApplicationState}
    story.values({"job_application.moved/state": lambda value: labels.label(known.get(str(value), value))})
    nav.add(
        Entry("member", 50, "hiring.posts", _l("Applicants"), "person-lines-fill", recruits),
        Entry("member", 50, "hiring.pool_page", _l("Talent pool"), "people", recruits),
        Entry("member", 61, "candidates.mine", _l("My job search"), "briefcase", lambda _r: True),
    )  # fmt: skip


_DETAILS = {"fields": _l("Fields"), "text_version": _l("Version of the text")}
_VERBS = {
    "job_profile.saved": (_l("Profile for employers saved"), "person-lines-fill"),
    "job_profile.resume": (_l("Résumé kept"), "file-earmark-person"),
    "job_profile.resume_deleted": (_l("Résumé deleted"), "trash"),
    "job_profile.shut_out": (_l("Employer shut out"), "slash-circle"),
    "job_profile.erased": (_l("Profile for employers erased"), "eraser"),
    "job_application.sent": (_l("Application to a post sent"), "send"),
    "job_application.shown": (_l("What the employer may see was changed"), "eye"),
    "job_application.moved": (_l("Next step of an application"), "arrow-right-circle"),
    "job_application.withdrawn": (_l("Application to a post withdrawn"), "x-circle"),
    "job_application.erased": (_l("Application to a post erased"), "eraser"),
    "job_pool.searched": (_l("Talent pool searched"), "search"),
    "job_contact.asked": (_l("Contact asked for"), "chat-left-text"),
    "job_contact.agreed": (_l("Contact agreed to"), "check2-circle"),
    "job_contact.declined": (_l("Contact declined"), "x-circle"),
    "job_referral.sent": (_l("Somebody referred"), "person-plus"),
    "job_referral.accepted": (_l("Referral led to an application"), "check2-circle"),
    "job_referral.declined": (_l("Referral declined, address erased"), "eraser"),
    "job_referral.silent": (_l("Referral unanswered, address erased"), "eraser"),
    "job_traces.erased": (_l("Old looks and searches erased"), "eraser"),
}  # fmt: skip
