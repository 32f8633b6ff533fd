"""Statement files come in: chosen in the office, taken whole or refused with row and field; handed out as they came."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import bank_import, bank_queries
from portal.billing import forms as f
from portal.billing.bank_files import plain
from portal.billing.bank_import import Outcome
from portal.billing.bank_models import StatementFile
from portal.billing.bank_office import account_asked
from portal.billing.office import money
from portal.core import audit, catalogue, files, flags
from portal.core.db import db, let_go, transaction
from portal.core.errors import Missing, Refused
from portal.core.files import StoredFile
from portal.core.forms import options
from portal.core.web import go

BIGGEST = 8 * 1024 * 1024
SAMPLE = "statement_sample"


def _upload_page(form: f.TakeStatement, status: int = 200) -> Any:
    g.nav = "money.bank"
    account = form.account.data or account_asked()
    return render_template(
        "office/bank_import.html", form=form, account=account, taken=bank_queries.statement_files(account),
        may_match=me().staff_may(May.RECORD_RECEIPTS), samples=_samples(),
    ), status  # fmt: skip


def _samples() -> list[StoredFile]:
    """Return the files to try the import with; only a demo has any."""
    if not flags.demo():
        return []
    return list(
        db.session.scalars(select(StoredFile).where(StoredFile.purpose == SAMPLE).order_by(StoredFile.id))
    )


def _form() -> f.TakeStatement:
    form = f.TakeStatement()
    accounts = catalogue.entries("bank_account")
    form.account.choices = options((code, catalogue.in_words(one["name"])) for code, one in accounts.items())
    if request.method == "GET":
        form.account.data = account_asked()
    return form


@money.get("/bank/import")
@allow(May.READ_MONEY)
def bank_upload() -> Any:
    """Offer to take a statement file in, and list those taken."""
    return _upload_page(_form())


def _taken(form: f.TakeStatement) -> Outcome:
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise Refused(_("Please choose a file."), field="file", status=422)
    data = upload.stream.read(BIGGEST + 1)
    if len(data) > BIGGEST:
        raise Refused(_("The file is larger than 8 MB."), field="file", status=422)
    by, code, closing = me().person, form.account.data, form.money()
    found = bank_import.read(data, code)
    let_go()
    content = files.put(data, "application/octet-stream")
    with transaction():
        name = plain(upload.filename.replace("\\", "/").rsplit("/", 1)[-1])[-120:] or "statement"
        return bank_import.take(found, content, name=name, account=code, by=by, closing=closing)


@money.post("/bank/import")
@allow(May.RECORD_RECEIPTS)
def bank_take() -> Any:
    """Take a statement file in, whole or not at all."""
    form = _form()
    if not form.validate_on_submit():
        return _upload_page(form, 422)
    try:
        done = _taken(form)
    except Refused as refusal:
        form.refused(refusal)
        return _upload_page(form, refusal.status)
    return go("money.bank", said(done), account=done.account)


def said(done: Outcome) -> str:
    """Return in words what taking a file did."""
    if not done.fresh:
        return _("Nothing new: every line of this file is here already.")
    new = ngettext("%(num)s new line", "%(num)s new lines", done.fresh)
    return _("%(new)s of %(told)s; %(alone)s matched at once.", new=new, told=done.told, alone=done.steps[1])


@money.get("/bank/files/<uid>")
@allow(May.READ_MONEY)
def bank_file(uid: str) -> Response:
    """Hand out a statement file as it came."""
    row = db.session.scalars(select(StatementFile).where(StatementFile.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such file."))
    audit.trace("file.downloaded", row.subject, by=me().person, file=row.name)
    return files.send(row.stored)


@money.get("/bank/samples/<uid>")
@allow(May.READ_MONEY)
def bank_sample(uid: str) -> Response:
    """Hand out a file of the demo to try the import with."""
    row = next((one for one in _samples() if one.uid == uid), None)
    if row is None:
        raise Missing(_("There is no such file."))
    return files.send(row)
