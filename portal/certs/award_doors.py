"""Awards, certificates and continuing education as `wiring.py` lets them in: pages, operations, rails, words, what holders' data are for."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from flask_openapi3.blueprint import APIBlueprint

from portal.accounts import erasure_plan
from portal.accounts.events import PersonErased
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.certs import (
    award_privacy,
    award_proposals,
    awards_office,
    badge_views,
    batch_office,
    certificates_api,
    holder_views,
    levels,
    verify_views,
)
from portal.certs import papers as _papers  # noqa: F401 - its outbox handlers
from portal.certs.education import doors as education_doors
from portal.certs.models.award import AwardVerb, RevokeCause
from portal.certs.naming import Shown
from portal.core import events, labels, nav, personal, story
from portal.core.nav import Entry

BLUEPRINTS: list[Blueprint] = [
    verify_views.verify, badge_views.badge_pages, holder_views.holder, awards_office.awards, batch_office.batch_desk,
    *education_doors.BLUEPRINTS,
]  # fmt: skip
APIS: list[APIBlueprint] = [certificates_api.certificates_api]


def install() -> None:
    """Let the domain say what it keeps, name its verbs, and stand on the rails."""
    events.on(PersonErased, award_privacy.on_erased)
    erasure_plan.ask("awards", award_privacy.lines)
    personal.collects("awards", award_privacy.sheets)
    award_privacy.install()
    _words()
    education_doors.install()
    nav.add(
        Entry("member", 60, "holder.certificates", _l("Certificates"), "patch-check", lambda _r: True),
        Entry(
            "office", 37, "awards.roll", _l("Awards"), "patch-check", staff_who_may(May.READ_EXAMS),
            award_proposals.count_waiting,
        ),
        Entry("office", 38, "batch_desk.roll", _l("Batches and keys"), "collection", staff_who_may(May.READ_EXAMS)),
    )  # fmt: skip


def _words() -> None:
    story.words(
        {
            "award.granted": (_l("Award granted"), "patch-check"),
            "award.proposed": (_l("Proposed to a second person"), "pencil-square"),
            "award.confirmed": (_l("Confirmed by a second person"), "check2-all"),
            "award.declined": (_l("Declined by a second person"), "x-circle"),
            "award.suspended": (_l("Award put on hold"), "pause-circle"),
            "award.hold_confirmed": (_l("Urgent hold confirmed"), "check2-all"),
            "award.hold_lapsed": (_l("Hold fell away: nobody confirmed it in time"), "play-circle"),
            "award.lifted": (_l("Hold lifted"), "play-circle"),
            "award.revoked": (_l("Award revoked"), "slash-circle"),
            "award.heard": (_l("Holder answered"), "chat-left-text"),
            "award.expired": (_l("Award ended"), "calendar-x"),
            "award.shown": (_l("Public name changed"), "eye"),
            "certificate.issued": (_l("Certificate issued"), "file-earmark-check"),
            "certificate.superseded": (_l("Certificate replaced"), "files"),
            "share_link.made": (_l("Link given away"), "link"),
            "share_link.ended": (_l("Link ended"), "link"),
            "batch.opened": (_l("Batch opened"), "collection"),
            "batch.confirmed": (_l("Batch confirmed"), "check2-all"),
            "batch.declined": (_l("Batch declined"), "x-circle"),
            "batch.retried": (_l("Failed rows tried again"), "arrow-repeat"),
            "key.made": (_l("Key made"), "key"),
            "key.rotated": (_l("Key in use from now on"), "key"),
            "key.retired": (_l("Key retired"), "key"),
            "key.compromised": (_l("Key declared compromised"), "exclamation-triangle"),
        },
        {"level": _l("Level"), "decision": _l("Ground of the award"), "urgent": _l("Urgent"), "number": _l("Number"), "kid": _l("Signing key")},
    )  # fmt: skip
    _named("what", AwardVerb, "award.proposed", "award.confirmed", "award.declined")
    _named("cause", RevokeCause, "award.revoked")
    for key in ("old", "new"):
        _named(key, Shown, "award.shown")
    story.values({f"{verb}/level": levels.name_of for verb in ("award.granted", "award.expired")})
    story.values({"award.granted/decision": awards_office.ground})


def _named(key: str, kind: type[AwardVerb] | type[RevokeCause] | type[Shown], *verbs: str) -> None:
    known = {one.value: one for one in kind}

    def said(value: object) -> str:
        return labels.label(known[str(value)]) if str(value) in known else str(value)

    story.values({f"{verb}/{key}": said for verb in verbs})
