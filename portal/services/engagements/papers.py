"""The protocol of acceptance as PDF in both languages: what was handed in, criterion by criterion, and who accepted it."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing.papers import CSS
from portal.core import catalogue, clock, files, outbox, pdf
from portal.core.db import db, let_go
from portal.services.engagements import delivering
from portal.services.engagements.work_models import Outcome, WorkSubmission

WAYS = {
    "click": {"zh": "在线验收", "en": "accepted online"},
    "chop": {"zh": "盖章验收单", "en": "chopped protocol"},
    "silence": {"zh": "视为验收：约定期限内未提出异议", "en": "deemed accepted: nothing was said within the days agreed"},
}  # fmt: skip


def words_of(handed: WorkSubmission) -> dict[str, Any]:
    """Return what the protocol says, as plain values."""
    milestone, of = handed.milestone, handed.milestone.engagement
    body = catalogue.entry("brand", "foundation")
    files_ = [
        {"name": one.name, "version": one.version, "sha256": one.file.sha256}
        for one in delivering.files_of(milestone)
        if one.at <= handed.submitted_at
    ]
    return {
        "number": f"{of.number}-{milestone.n:02d}", "project": of.number, "title": of.title, "quote": of.quote.name,
        "seller": body["name"], "buyer": of.org.legal_name, "milestone": milestone.title, "n": milestone.n,
        "percent": milestone.percent, "files": files_,
        "criteria": [{"words": one["words"], "evidence": handed.evidence.get(one["code"], "")} for one in milestone.criteria],
        "submitted": _at(handed), "by": handed.by.name, "accepted_on": str(milestone.accepted_on),
        "who": handed.decided_by.name if handed.decided_by else "", "way": WAYS.get(handed.way, {"zh": "", "en": ""}),
        "deemed": handed.outcome is Outcome.DEEMED, "scan": handed.scan.sha256 if handed.scan else "",
    }  # fmt: skip


def _at(handed: WorkSubmission) -> str:
    return handed.submitted_at.astimezone(clock.OFFICE).strftime("%Y-%m-%d %H:%M %z")


@outbox.handles("acceptance_paper", _l("Protocol of acceptance"))
def _paper(item: outbox.Claim) -> outbox.Finish:
    found = select(WorkSubmission).where(WorkSubmission.uid == item.payload["uid"])
    row = db.session.scalars(found).one()
    words, org_id = words_of(row), row.milestone.engagement.org_id
    let_go()
    html = current_app.jinja_env.get_template("papers/acceptance.html").render(words)
    content = files.put(pdf.render(html, css=CSS), files.PDF)

    def finish() -> None:
        fresh = db.session.scalars(found).one()
        if fresh.protocol is None:
            fresh.protocol = files.StoredFile(
                sha256=content.sha256, name=f"{words['number']}.pdf", media_type=content.media_type, size=content.size,
                purpose="acceptance", org_id=org_id,
            )  # fmt: skip

    return finish
