"""The rest of the moderators' pages: employers to confirm, partners who read the feeds, and the figures."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import audit, clock, files
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.web import absolute, go
from portal.jobs import access, desk, employers, modes, partners
from portal.jobs import office_forms as of
from portal.jobs.board_models import EmployerCheck
from portal.jobs.doors import jobs_office

QUEUE, EMPLOYER, PARTNERS = "jobs_office.queue", "jobs_office.employer", "jobs_office.partner_list"


def _employer(row: EmployerCheck, form: of.Declined, status: int = 200) -> Any:
    g.nav = QUEUE
    earlier = select(EmployerCheck).where(EmployerCheck.org_id == row.org_id, EmployerCheck.id != row.id)
    return render_template(
        "office/jobs/employer.html", row=row, form=form, domains=employers.domains(row.org),
        legal=(row.org.legal_key or "").split(":")[-1], same=row.mail_domain == row.domain,
        earlier=list(db.session.scalars(earlier.order_by(EmployerCheck.id.desc()))),
        may_moderate=me().staff_may(May.MODERATE_JOBS),
    ), status  # fmt: skip


@jobs_office.get("/employers/<uid>")
@allow(May.READ_JOBS)
def employer(uid: str) -> Any:
    """Show what an employer handed in, beside what is on record."""
    return _employer(access.office_check(uid), of.Declined(formdata=None))


@jobs_office.get("/employers/<uid>/file")
@allow(May.READ_JOBS)
def employer_file(uid: str) -> Response:
    """Hand out the registration document of an employer; whoever takes it stands in the audit."""
    row = access.office_check(uid)
    if row.file is None:
        raise Missing(_("There is no such file."))
    audit.trace("employer.file_read", row.subject, by=me().person, org_id=row.org_id)
    return files.send(row.file)


@jobs_office.post("/employers/<uid>/confirmation")
@allow(May.MODERATE_JOBS)
def confirm(uid: str) -> BaseResponse:
    """Confirm an employer for a year."""
    with transaction():
        employers.confirm(access.office_check(uid), by=me().person)
    return go(QUEUE, _("Confirmed for a year. The employer is told."))


@jobs_office.post("/employers/<uid>/refusal")
@allow(May.MODERATE_JOBS)
def decline(uid: str) -> Any:
    """Say why an employer is not confirmed."""
    row, form = access.office_check(uid), of.Declined()
    status = form.carry_out(lambda: employers.decline(row, by=me().person, words=str(form.words.data)))
    if not status:
        return go(QUEUE, _("Declined. The employer reads why and may ask again."))
    return _employer(access.office_check(uid), form, status)


def _partners(form: of.Partner, status: int = 200, made: str = "") -> Any:
    g.nav = PARTNERS
    return render_template(
        "office/jobs/partners.html", rows=partners.keys(), form=form, made=made,
        address=absolute("jobs.json_feed", key=made) if made else "",
        may_moderate=me().staff_may(May.MODERATE_JOBS),
    ), status  # fmt: skip


@jobs_office.get("/partners")
@allow(May.READ_JOBS)
def partner_list() -> Any:
    """List the partners who read the feeds."""
    return _partners(of.Partner(formdata=None))


@jobs_office.post("/partners")
@allow(May.MODERATE_JOBS)
def new_partner() -> Any:
    """Give a partner a key; it is shown once."""
    form, made = of.Partner(), list[str]()
    status = form.carry_out(lambda: made.append(partners.give(str(form.partner.data), by=me().person)))
    if status:
        return _partners(form, status)
    return _partners(of.Partner(formdata=None), made=made[0])


@jobs_office.post("/partners/<uid>/end")
@allow(May.MODERATE_JOBS)
def end_partner(uid: str) -> BaseResponse:
    """Cut a partner off."""
    with transaction():
        partners.end(uid, by=me().person)
    return go(PARTNERS, _("The key is ended: whoever uses it is refused from now on."))


@jobs_office.get("/figures")
@allow(May.READ_JOBS)
def figures() -> str:
    """Show what the board does."""
    g.nav = "jobs_office.figures"
    return render_template(
        "office/jobs/figures.html", figures=desk.figures(), mode=modes.mode(), licence=modes.licence(),
        today=clock.today(),
    )  # fmt: skip
