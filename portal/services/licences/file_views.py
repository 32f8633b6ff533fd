"""Offline files: which machines, for how many days; what the file would hold, shown before it is signed; the files in force."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from sqlalchemy import select
from wtforms import ValidationError

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import clock
from portal.core.db import transaction
from portal.core.errors import Refused
from portal.core.paging import page_of
from portal.core.settings import settings
from portal.core.web import go
from portal.services.licences import access, door, files, foreseeing, plans
from portal.services.licences import forms as f
from portal.services.licences.denial import Not
from portal.services.licences.kinds import Code
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.record import LicenceFile
from portal.services.licences.pages import licences, page
from portal.services.licences.parts import found

READS = (May.SEE_ORG, May.READ_LICENCES)
ACTS = (May.MANAGE_LICENCES, May.RUN_LICENCES)


def _page(row: Licence, form: f.NewFile, status: int = 200, **more: Any) -> Any:
    now = clock.now()
    over = select(LicenceFile).where(LicenceFile.licence_id == row.id).order_by(LicenceFile.id.desc())
    in_force = files.in_force(row.id, now)
    return page(
        "licences/files.html", row, "files", status, form=form, now=now, in_force=in_force, files=page_of(over),
        most=plans.read(row.sold).offline_days, seats=len({one for file in in_force for one in file.fingerprints}), code_said=_code_said, **more,
    )  # fmt: skip


def _code_said(code: str) -> str:
    return door.said(next(one for one in (*Code, *Not) if one.value == code))


@licences.get("/<uid>/files")
@allow(*READS)
def files_page(uid: str) -> Any:
    """Show the files in force, and the form for another."""
    row = access.seen(uid)
    return _page(row, f.NewFile(formdata=None, days=min(30, plans.read(row.sold).offline_days)))


@licences.post("/<uid>/files")
@allow(*ACTS)
def sign(uid: str) -> Any:
    """Show what a file would hold; asked again with “sure”, sign it."""
    row, form = access.managed(uid), f.NewFile()
    if not form.validate_on_submit():
        return _page(row, form, 422)
    try:
        named = form.named()
        if not named:
            raise Refused(_("Please name at least one machine."), field="fingerprints", status=422)
        if not _sure():
            seen = foreseeing.file(row.id, named, form.days.data, by=me().person)
            return page(
                "licences/file_check.html", access.managed(uid), "files", seen=seen, days=form.days.data
            )
        with transaction():
            made = files.issue(row.id, named, form.days.data, by=me().person)
    except ValidationError as fault:
        form.upload.errors = [str(fault)]
        return _page(access.managed(uid), form, 422)
    except Refused as refusal:
        form.refused(refusal)
        return _page(
            access.managed(uid),
            form,
            refusal.status,
            refused=getattr(refusal, "facts", {}).get("refused", []),
        )
    return go(
        "licences.file",
        _("Signed. It cannot be recalled: its seats are held until it ends."),
        uid=uid,
        file=made.jti,
    )


def _sure() -> bool:
    return request.form.get("sure") == "yes"


@licences.get("/<uid>/files/<file>")
@allow(*READS)
def file(uid: str, file: str) -> Any:
    """Show a file: its machines, until when it holds their seats, how to take it along."""
    row = access.seen(uid)
    one = found(row, LicenceFile, file)
    return page("licences/file.html", row, "files", file=one, now=clock.now(), base=settings().public_url)


@licences.get("/<uid>/files/<file>/lic")
@allow(*ACTS)
def file_lic(uid: str, file: str) -> Response:
    """Hand out the signed file."""
    one = found(access.managed(uid), LicenceFile, file)
    made = Response(one.token, content_type="application/jwt")
    made.headers["Content-Disposition"] = f'attachment; filename="{one.jti}.lic"'
    return made
