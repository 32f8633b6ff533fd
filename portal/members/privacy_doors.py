"""Privacy and the wall's editions, as `wiring.py` lets them in: what each domain keeps, who reacts, which pages there are."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from flask_openapi3.blueprint import APIBlueprint

from portal.accounts import consents, erased_rows, erasure_plan, my_data, privacy_api, privacy_office
from portal.accounts import keeping as account_keeping
from portal.accounts import privacy_views as _own_page  # noqa: F401 - its routes
from portal.accounts.events import ConsentChanged, PersonErased
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.billing import erasing as billing_erasing
from portal.billing import keeping as billing_keeping
from portal.billing import my_data as billing_data
from portal.core import events, nav, personal, story
from portal.core.nav import Entry
from portal.members import checklist, erasing, keeping, wall_office
from portal.members import my_data as member_data
from portal.members import name_office as _names  # noqa: F401 - its routes

BLUEPRINTS: list[Blueprint] = [privacy_office.privacy_desk, wall_office.walls]
APIS: list[APIBlueprint] = [privacy_api.privacy_api]


def install() -> None:
    """Let each domain say what it keeps of people, take them out when they are erased, and act on consents."""
    events.on(ConsentChanged, checklist.on_consent_changed)
    events.on(PersonErased, erasing.on_erased)
    events.on(PersonErased, billing_erasing.on_erased)
    erasure_plan.ask("accounts", erased_rows.lines, erased_rows.obstacles)
    erasure_plan.ask("members", erasing.lines, erasing.obstacles)
    erasure_plan.ask("billing", billing_erasing.lines)
    personal.collects("accounts", my_data.sheets)
    personal.collects("members", member_data.sheets)
    personal.collects("billing", billing_data.sheets)
    for domain in (erased_rows, erasing, billing_erasing, account_keeping, keeping, billing_keeping):
        domain.install()
    _words()
    nav.add(
        Entry(
            "office", 36, "walls.desk", _l("Member wall"), "grid-3x3-gap", staff_who_may(May.READ_MEMBERS),
            wall_office.count_waiting,
        ),
        Entry(
            "office", 83, "privacy_desk.requests", _l("Privacy requests"), "incognito", staff_who_may(May.ERASE_PEOPLE),
            privacy_office.count_waiting,
        ),
    )  # fmt: skip


def _words() -> None:
    """Name the verbs of the audit chain."""
    story.words(
        {
            "consent.given": (_l("Consent given"), "check-circle"),
            "consent.withdrawn": (_l("Consent taken back"), "x-circle"),
            "erasure.asked": (_l("Erasure asked for"), "eraser"),
            "erasure.withdrawn": (_l("Request to be erased taken back"), "arrow-return-left"),
            "erasure.proposed": (_l("Erasure proposed"), "eraser"),
            "erasure.declined": (_l("Erasure declined"), "x-circle"),
            "erasure.done": (_l("Erased"), "eraser-fill"),
            "person.data_taken": (_l("Took the own data along"), "download"),
            "wall.published": (_l("Edition of the wall published"), "grid-3x3-gap"),
            "wall.released": (_l("Removals from the wall released"), "check2-all"),
            "organisation.renamed": (_l("Registered name changed"), "pencil"),
            "organisation.name_corrected": (_l("Registered name corrected"), "pencil"),
            "application.files_deleted": (_l("Papers deleted, their time was over"), "trash"),
            "files.checked": (_l("Stored files checked"), "shield-check"),
            "retention.asked": (_l("Deletion of what is due started by hand"), "trash"),
        },
        {
            "purpose": _l("Purpose"), "since": _l("Since"), "edition": _l("Edition"),
            "added": _l("Added"), "removed": _l("Removed"), "held": _l("Removal waits"),
            "restored": _l("Stays after all"), "damaged": _l("Damaged"), "read": _l("Files read"), "token": _l("Token"),
        },
    )  # fmt: skip
    story.values({"purpose": consents.purpose_name})
