"""How the history of posts, employers and partners reads, and what follows when companies merge."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import audit_office, merging
from portal.accounts.merging import OrganisationsMerged
from portal.core import catalogue, labels, story
from portal.core.db import db
from portal.jobs import employers
from portal.jobs.board_models import EmployerCheck, EmployerDomain
from portal.jobs.kinds import CheckState, PausedBy, PostState
from portal.jobs.models import Post


def _post(number: int) -> str | None:
    row = db.session.get(Post, number)
    return url_for("jobs_office.case", uid=row.uid) if row and row.state is not PostState.DRAFT else None


def _check(number: int) -> str | None:
    row = db.session.get(EmployerCheck, number)
    return url_for("jobs_office.employer", uid=row.uid) if row else None


def _named(kind: str) -> Any:
    def said(value: Any) -> str:
        codes = value if isinstance(value, list) else [value]
        rows = catalogue.entries(kind)
        return " · ".join(
            catalogue.in_words(rows[code]["name"]) if code in rows else str(code) for code in codes
        )

    return said


def _paused(value: Any) -> str:
    known = {one.value for one in PausedBy}
    return labels.label(PausedBy(value)) if value in known else str(value)


def install() -> None:
    """Name the verbs, their details, and the page that an entry opens."""
    audit_office.opens("job_post", _post)
    audit_office.opens("job_employer_check", _check)
    story.words(_VERBS, _DETAILS)
    story.values(
        {"why_paused": _paused, "report_reason": _named("job_report"), **{f"post.{one}/reasons": _named("job_reason") for one in ("returned", "removed")}}
    )  # fmt: skip


def on_merged(event: OrganisationsMerged) -> None:
    """Let posts, confirmations and domains of a merged company belong to the one that is kept."""
    merge = event.merge
    for kind in (Post, EmployerCheck):
        rows = select(kind).where(kind.org_id == merge.duplicate.id).order_by(kind.id)
        for row in db.session.scalars(rows).all():
            if not (
                isinstance(row, EmployerCheck) and row.state is CheckState.ASKED and _asks(merge.kept.id)
            ):
                merging.move(merge, row, "org_id", merge.kept.id)
    kept = set(employers.domains(merge.kept))
    found = (
        select(EmployerDomain).where(EmployerDomain.org_id == merge.duplicate.id).order_by(EmployerDomain.id)
    )
    for domain in db.session.scalars(found).all():
        if domain.domain not in kept:
            merging.move(merge, domain, "org_id", merge.kept.id)


def _asks(org_id: int) -> bool:
    asked = select(EmployerCheck.id).where(
        EmployerCheck.org_id == org_id, EmployerCheck.state == CheckState.ASKED
    )
    return db.session.scalar(asked.limit(1)) is not None


_DETAILS = {
    "n": _l("Version"), "marks": _l("Marks"), "reasons": _l("Reasons"), "why_paused": _l("Why it was paused"),
    "by_certificate": _l("Hired with a certificate"), "by_board": _l("Found through the board"),
    "places": _l("Places left"), "posts": _l("Posts out"), "most": _l("At most so many"),
    "versions": _l("Versions"), "decisions": _l("Decisions"), "job_applications": _l("Applications to it"), "closed_on": _l("Post closed on"),
    "report_reason": _l("Reason"), "domain": _l("Domain"), "partner": _l("Partner"), "rhythm": _l("How often by mail"),
}  # fmt: skip
_VERBS = {
    "post.begun": (_l("Post begun"), "pencil"),
    "post.written": (_l("Post written on"), "pencil"),
    "post.submitted": (_l("Post sent for review"), "send"),
    "post.taken_back": (_l("Version taken back"), "arrow-counterclockwise"),
    "post.approved": (_l("Post approved"), "check-circle"),
    "post.returned": (_l("Post returned"), "reply"),
    "post.removed": (_l("Post taken down"), "x-octagon"),
    "post.restored": (_l("Appeal granted"), "arrow-up-circle"),
    "post.upheld": (_l("Appeal turned down"), "x-circle"),
    "post.dismissed": (_l("Reports looked into"), "check2"),
    "post.appealed": (_l("Appeal made"), "megaphone"),
    "post.reported": (_l("Reported by a reader"), "flag"),
    "post.paused": (_l("Post paused"), "pause-circle"),
    "post.resumed": (_l("Post back on the board"), "play-circle"),
    "post.filled": (_l("Post filled"), "person-check"),
    "post.expired": (_l("Days of the post over"), "hourglass-bottom"),
    "post.open": (_l("Said to be still open"), "hand-thumbs-up"),
    "post.asked": (_l("Asked whether it is still open"), "question-circle"),
    "post.places": (_l("Fewer places left"), "dash-circle"),
    "post.escalated": (_l("Review is late"), "alarm"),
    "posts.to_choose": (_l("More posts than the tier has"), "list-check"),
    "post.deleted": (_l("Post deleted when its time was over"), "trash"),
    "employer.asked": (_l("Asked to be confirmed as an employer"), "building"),
    "employer.confirmed": (_l("Employer confirmed"), "building-check"),
    "employer.reminded": (_l("Reminded that the confirmation ends"), "bell"),
    "employer.declined": (_l("Employer not confirmed"), "building-x"),
    "employer.domain": (_l("Domain of an employer confirmed"), "globe"),
    "employer.file_read": (_l("Registration document read"), "eye"),
    "search.kept": (_l("Search of jobs kept"), "bookmark"),
    "search.ended": (_l("Search of jobs ended"), "bookmark-x"),
    "feed_key.made": (_l("Key of a partner made"), "key"),
    "feed_key.ended": (_l("Key of a partner ended"), "slash-circle"),
}  # fmt: skip
