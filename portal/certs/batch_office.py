"""The office's pages of batches and keys: progress that can be left and found again, errors by row, retry, files as ZIP."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, g, render_template, stream_with_context
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.certs import batches, issuing, key_traces, levels, numbers
from portal.certs.awards_forms import BatchForm
from portal.certs.documents import readiness
from portal.certs.models.award import Award
from portal.certs.models.document import Batch, BatchKind
from portal.core import certifying, clock, signing
from portal.core.db import transaction
from portal.core.errors import Refused
from portal.core.paging import asked, page_of
from portal.core.web import go

batch_desk = Blueprint("batch_desk", __name__, url_prefix="/office/certificate-batches")
PAGE = "batch_desk.batch"


@batch_desk.get("/")
@allow(May.READ_EXAMS)
def roll() -> str:
    """List the batches, the newest first, each with how far it is."""
    page = page_of(select(Batch).order_by(Batch.id.desc()))
    far = {row.id: batches.progress(row) for row in page.items}
    return render_template("office/certificate_batches.html", page=page, far=far, shown=batches.shown_state)


@batch_desk.get("/new")
@allow(May.ISSUE_CERTIFICATES)
def begin() -> Any:
    """Ask which documents are to be issued anew; where a key is named, those that rest on it are filled in."""
    g.nav, kid = "batch_desk.roll", asked("key", most=40)
    form = BatchForm(formdata=None)
    if kid:
        form.label.data = _("What %(key)s signed", key=kid)
        form.numbers.data = "\n".join(key_traces.numbers_of(signing.found(kid), since=_since()))
    return render_template("office/certificate_batch_new.html", form=form)


def _since() -> datetime | None:
    """Return the moment from which a key is in doubt, as the query says it."""
    try:
        return clock.start_of(date.fromisoformat(asked("since", most=10)))
    except (ValueError, OverflowError):
        return None


def _awards(text: str) -> list[Award]:
    """Return the awards of numbers; `Refused` naming the first line that is none of ours or was replaced."""
    found: list[Award] = []
    for place, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        number = numbers.normalise(line)
        row = issuing.by_number(number) if number else None
        if row is None or row.superseded_at is not None:
            raise Refused(
                _("Line %(line)s: %(number)s is no present certificate.", line=place, number=line.strip()[:40]),
                field="numbers", status=422,
            )  # fmt: skip
        found.append(row.award)
    return found


@batch_desk.post("/new")
@allow(May.ISSUE_CERTIFICATES)
def propose() -> Any:
    """Propose to issue many documents anew; somebody else lets it begin."""
    form, g.nav = BatchForm(), "batch_desk.roll"
    if not form.validate_on_submit():
        return render_template("office/certificate_batch_new.html", form=form), 422
    try:
        with transaction():
            made = batches.open_batch(
                _awards(str(form.numbers.data)), kind=BatchKind.REISSUE, label=str(form.label.data),
                reason=str(form.reason.data), by=me().person,
            )  # fmt: skip
    except Refused as refusal:
        form.refused(refusal)
        return render_template("office/certificate_batch_new.html", form=form), refusal.status
    return go(PAGE, _("Proposed. Somebody else lets it begin."), uid=made.uid)


@batch_desk.get("/<uid>")
@allow(May.READ_EXAMS)
def batch(uid: str) -> str:
    """Show how far a batch is, and its rows, those in trouble first."""
    row, reader, g.nav = batches.found(uid), me(), "batch_desk.roll"
    far = batches.progress(row)
    return render_template(
        "office/certificate_batch.html", batch=row, far=far, page=page_of(batches.rows_of(row), total=far.total),
        title=levels.name_of, may_issue=reader.staff_may(May.ISSUE_CERTIFICATES), own=row.by_id == reader.person.id,
        shown=batches.shown_state(row, far),
    )  # fmt: skip


@batch_desk.post("/<uid>/confirmation")
@allow(May.ISSUE_CERTIFICATES, May.DECIDE_AWARDS)
def confirm(uid: str) -> BaseResponse:
    """Let a reissue begin that somebody else proposed."""
    with transaction():
        batches.confirm(batches.found(uid), by=me().person)
    return go(PAGE, _("It runs. You can leave this page and come back."), uid=uid)


@batch_desk.post("/<uid>/refusal")
@allow(May.ISSUE_CERTIFICATES, May.DECIDE_AWARDS)
def decline(uid: str) -> BaseResponse:
    """Lay a reissue aside."""
    with transaction():
        batches.decline(batches.found(uid), by=me().person)
    return go(PAGE, _("Declined. Everything stays as it is."), uid=uid)


@batch_desk.post("/<uid>/retry")
@allow(May.ISSUE_CERTIFICATES)
def retry(uid: str) -> BaseResponse:
    """Try the rows that failed once more."""
    with transaction():
        batches.retry(batches.found(uid), by=me().person)
    return go(PAGE, _("It is in the queue again."), uid=uid)


@batch_desk.get("/<uid>/archive")
@allow(May.ISSUE_CERTIFICATES)
def archive(uid: str) -> Response:
    """Hand out the files of a batch as a ZIP, streamed."""
    row = batches.found(uid)
    made = Response(stream_with_context(batches.archive(row)), mimetype="application/zip")
    made.headers["Content-Disposition"] = f'attachment; filename="certificates-{row.id}.zip"'
    return made


@batch_desk.get("/keys")
@allow(May.KEEP_KEYS, May.READ_EXAMS)
def key_list() -> str:
    """List the keys the house signs with, their days and fingerprints; they are made and rotated by command alone."""
    g.nav = "batch_desk.roll"
    rows = signing.every()
    prints = {row.id: certifying.fingerprint(row) for row in rows}
    return render_template(
        "office/signing_keys.html", keys=rows, prints=prints, now=clock.now(), lacking=readiness.lacking()
    )


@batch_desk.get("/keys/<kid>")
@allow(May.KEEP_KEYS, May.READ_EXAMS)
def key(kid: str) -> str:
    """Show a key with the documents that rest on it, which are in doubt once it has leaked."""
    row, reader, g.nav, since = signing.found(kid), me(), "batch_desk.roll", _since()
    return render_template(
        "office/signing_key.html", key=row, print=certifying.fingerprint(row), since=since, title=levels.name_of,
        page=page_of(key_traces.signed(row, since=since)), may_issue=reader.staff_may(May.ISSUE_CERTIFICATES),
    )  # fmt: skip
