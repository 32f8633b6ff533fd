"""The employer's and the public half of recruitment as it is let in: pages, rails, words, and what it hears of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from flask_openapi3.blueprint import APIBlueprint

from portal.accounts.access import Reader
from portal.accounts.events import PersonErased
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.accounts.merging import OrganisationsMerged
from portal.core import mail, nav, waiting
from portal.core.nav import Entry
from portal.jobs import (  # noqa: F401 - their routes
    confirm_views,
    desk,
    employer_views,
    feed_views,
    keeping,
    modes,
    office,
    office_desk,
    saved_views,
    saving,
    standing,
    views,
    words,
)
from portal.jobs.api import jobs_api
from portal.jobs.doors import jobs, jobs_employer, jobs_office
from portal.members.events import StandingChanged, TermOpened, TierChanged

BLUEPRINTS: list[Blueprint] = [jobs, jobs_employer, jobs_office]
APIS: list[APIBlueprint] = [jobs_api]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    (StandingChanged, standing.on_standing_changed),
    (TermOpened, standing.on_term_opened),
    (TierChanged, standing.on_tier_changed),
    (OrganisationsMerged, words.on_merged),
    (PersonErased, keeping.on_erased),
)


def recruits(reader: Reader) -> bool:
    """Whether a reader recruits for some organisation."""
    return bool(reader.orgs(May.RECRUIT))


def install() -> None:
    """Check the catalogue's rows, name the verbs, say what is kept of people, and stand on the rails."""
    modes.install()
    keeping.install()
    words.install()
    waiting.add("jobs", desk.tasks)
    mail.ends_by_click("job_saved_search", saving.way_out)
    reads = staff_who_may(May.READ_JOBS)
    nav.add(
        Entry("member", 50, "jobs_employer.listed", _l("Recruiting posts"), "person-workspace", recruits),
        Entry("office", 36, "jobs_office.queue", _l("Job posts"), "person-workspace", reads, desk.count_waiting),
    )  # fmt: skip
