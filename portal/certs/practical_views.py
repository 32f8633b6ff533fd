"""The candidate's practical part: opened, its material, files with receipts, handed in; and his answer where an attempt is in doubt."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in
from portal.certs import handing, invalidating, sitting, tasks
from portal.certs import sitting_forms as f
from portal.certs.doors import exams
from portal.certs.models.delivery import Attempt
from portal.certs.sitting_access import own_attempt, own_proposal, own_upload
from portal.certs.sitting_views import page
from portal.core import clock, files
from portal.core.db import let_go, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go
from portal.members import work_files


@exams.post("/sittings/<uid>/next")
@signed_in
def open_part(uid: str) -> BaseResponse:
    """Open the part that comes next: its clock runs from now on."""
    row = own_attempt(uid)
    with transaction():
        sitting.open_next(row, by=me().person)
    return go("exams.sitting", _("Opened. The clock runs from now on."), uid=uid)


@exams.get("/sittings/<uid>/material/<file>")
@signed_in
def material(uid: str, file: str) -> Response:
    """Hand out a file of the task, while its part runs."""
    row = own_attempt(uid)
    part = handing.practical(row)
    task = tasks.of(part.form) if part is not None and sitting.in_time(part, clock.now()) else None
    found = next((one for one in (tasks.files_of(task) if task else []) if one.uid == file), None)
    if found is None:
        raise Missing(_("There is no such entry, or it is not yours."))
    return files.send(found.file)


@exams.post("/sittings/<uid>/files")
@signed_in
def upload_work(uid: str) -> Any:
    """Take a file in, and give its receipt."""
    row, form = own_attempt(uid), f.WorkFile()
    if not form.validate_on_submit():
        return page(row, status=422, file=form)
    try:
        taken = work_files.check(form.file.data)
        let_go()
        content = files.put(taken.data, taken.media_type)
        with transaction():
            made = handing.add(row, content, name=taken.name, by=me().person)
    except Refused as refusal:
        form.refused(refusal)
        return page(own_attempt(uid), status=refusal.status, file=form)
    said = _(
        "Received: %(name)s, SHA-256 %(sha256)s. It counts once you hand in.",
        name=made.name,
        sha256=made.sha256,
    )
    return go("exams.sitting", said, uid=uid)


@exams.get("/sittings/<uid>/files/<file>")
@signed_in
def work_file(uid: str, file: str) -> Response:
    """Give a candidate his own file back."""
    return files.send(own_upload(own_attempt(uid), file).file)


@exams.post("/sittings/<uid>/files/<file>/removal")
@signed_in
def remove_work(uid: str, file: str) -> BaseResponse:
    """Leave a file out of what is handed in next."""
    upload = own_upload(own_attempt(uid), file)
    with transaction():
        handing.remove(upload, by=me().person)
    return go("exams.sitting", _("Taken out. What you handed in before is unchanged."), uid=uid)


@exams.post("/sittings/<uid>/submissions")
@signed_in
def hand_in_work(uid: str) -> Any:
    """Hand in the files that are there; again until the deadline."""
    row, form = own_attempt(uid), f.Work()
    if status := form.carry_out(
        lambda: handing.hand_in(
            row,
            text=form.text.data or "",
            repository=form.repository.data or "",
            commit=form.commit.data or "",
            by=me().person,
        )
    ):
        return page(own_attempt(uid), status=status, work=form)
    return go("exams.sitting", _("Handed in. You may hand in again until the deadline; the last one counts."), uid=uid)  # fmt: skip


def _proposal_page(row: Attempt, form: f.Words, status: int) -> Any:
    return page(row, status=status, words=form)


@exams.post("/sittings/doubts/<uid>/answer")
@signed_in
def answer_doubt(uid: str) -> Any:
    """Take down what the candidate says before anything is decided."""
    row, form = own_proposal(uid), f.Words()
    if status := form.carry_out(lambda: invalidating.hear(row, words=form.words.data, by=me().person)):
        return _proposal_page(own_proposal(uid).attempt, form, status)
    return go("exams.sitting", _("Thank you. Whoever decides reads your answer."), uid=row.attempt.uid)
