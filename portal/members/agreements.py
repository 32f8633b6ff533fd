"""Agreements: drafted at the approval, sent by legal, signed by click or chop, counter-signed by another."""

from __future__ import annotations

from flask import request
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.people import Person
from portal.billing.issuing import next_number
from portal.core import audit, catalogue, clock, files, outbox
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.states import move
from portal.members import letters
from portal.members.belonging import Agreement, AgreementState
from portal.members.events import AgreementExecuted
from portal.members.models import Application

S = AgreementState
CLICK, CHOP = "click", "chop"
OTHER = "other"
SCAN_FAULTS = {
    "page_missing": _l("a page is missing"),
    "chop_illegible": _l("the chop cannot be read"),
    "name_differs": _l("the name on the chop differs from the party's"),
    OTHER: _l("another reason"),
}


def scan_fault(code: str, text: str = "") -> str:
    """Return why a scan was returned, in the reader's language; the words of another reason as they were typed."""
    if code == OTHER and text:
        return text
    return str(SCAN_FAULTS.get(code, code))


def locked(agreement_id: int) -> Agreement:
    """Return an agreement under its row lock, fresh from the database."""
    return db.session.scalars(
        select(Agreement)
        .where(Agreement.id == agreement_id)
        .with_for_update(of=Agreement)
        .execution_options(populate_existing=True)
    ).one()


def of_application(application: Application) -> Agreement | None:
    """Return the newest agreement of an application."""
    return db.session.scalars(
        select(Agreement).where(Agreement.application_id == application.id).order_by(Agreement.id.desc())
    ).first()


def draft(application: Application) -> Agreement:
    """Draft the agreement of an approved application; its PDF follows."""
    year = clock.today().year
    body = catalogue.entry("agreement", "membership")
    row = Agreement(
        number=f"MA-{year}-{next_number(f'MA-{year}'):05d}", application=application,
        template_version=int(body["version"]), party_name=application.org.legal_name, tier=application.tier,
    )  # fmt: skip
    signers = contacts.holders(application.org, ContactRole.SIGNATORY)
    row.asked = signers[0] if signers else None
    db.session.add(row)
    db.session.flush()
    audit.record("agreement.drafted", row, by="approval", org_id=application.org_id, number=row.number)
    outbox.queue("agreement_paper", f"agreement_paper:{row.uid}", {"uid": row.uid})
    return row


def send(agreement: Agreement, *, by: Person) -> None:
    """Send the agreement to the signatory; from here its document is frozen. Sending again finds it sent."""
    row = locked(agreement.id)
    if row.state is S.SENT:
        return
    if row.document is None:
        raise Refused(_l("The PDF is being made. Please try again in a minute."))
    signers = contacts.holders(row.application.org, ContactRole.SIGNATORY)
    if not signers:
        raise Refused(
            _l("Nobody may sign for this organisation yet: the invitation of the signatory is still open.")
        )
    move(row, S.SENT)
    row.sent_at, row.sent_by, row.asked = clock.now(), by, signers[0]
    audit.record("agreement.sent", row, by=by, org_id=row.application.org_id, to=signers[0].name)
    letters.to_sign(row)


def _signing(agreement: Agreement, by: Person) -> Agreement:
    row = locked(agreement.id)
    if by.id not in {person.id for person in contacts.holders(row.application.org, ContactRole.SIGNATORY)}:
        raise Forbidden(_l("Only a signatory of the organisation can sign."))
    move(row, S.MEMBER_SIGNED)
    row.signed_at, row.signed_by = clock.now(), by
    row.signed_from = (request.remote_addr or "")[:64]
    row.checked_by = None
    return row


def sign_by_click(agreement: Agreement, *, by: Person, typed_name: str, sha256: str) -> None:
    """Sign by typing one's name under the very document that was shown."""
    if agreement.document is None or agreement.document.sha256 != sha256:
        raise Refused(_l("The document changed since you opened it. Please read it again."))
    if typed_name.strip().casefold() != by.name.strip().casefold():
        raise Refused(
            _l("Please type your name as it stands in your account: %(name)s.", name=by.name),
            field="name",
            status=422,
        )
    row = _signing(agreement, by)
    row.way, row.signed_name = CLICK, typed_name.strip()
    audit.record("agreement.signed", row, by=by, org_id=row.application.org_id, way=CLICK, sha256=sha256)
    letters.to_countersign(row)


def sign_by_chop(agreement: Agreement, content: files.Content, name: str, *, by: Person) -> None:
    """Hand in the scan of the chopped document; a second staff member compares it before the counter-signature."""
    row = _signing(agreement, by)
    row.scan = files.StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size,
        purpose="agreement", org_id=row.application.org_id,
    )  # fmt: skip
    row.way, row.signed_name = CHOP, by.name
    audit.record(
        "agreement.signed", row, by=by, org_id=row.application.org_id, way=CHOP, sha256=content.sha256
    )
    letters.to_countersign(row)


def check_scan(agreement: Agreement, *, by: Person) -> None:
    """Say that the chopped scan is the document that was sent."""
    row = locked(agreement.id)
    if row.state is not S.MEMBER_SIGNED or row.way != CHOP:
        raise Refused(_l("There is no scan to compare."))
    row.checked_by = by
    audit.record("agreement.scan_checked", row, by=by, org_id=row.application.org_id)


def return_scan(agreement: Agreement, *, by: Person, reason: str, text: str = "") -> None:
    """Send a scan back for one of `SCAN_FAULTS`, `other` with words of its own; the signatory signs again."""
    if reason not in SCAN_FAULTS:
        raise Refused(_l("Please choose what is wrong with the scan."), field="reason", status=422)
    if reason == OTHER and not text.strip():
        raise Refused(_l("Please write what is wrong with the scan."), field="text", status=422)
    text = text.strip().rstrip(".。") if reason == OTHER else ""
    row = locked(agreement.id)
    if row.way != CHOP:
        raise Refused(_l("There is no scan to compare."))
    move(row, S.SENT)
    row.signed_by = row.signed_at = None
    row.sent_at = clock.now()
    audit.record(
        "agreement.scan_returned", row, by=by, org_id=row.application.org_id, reason=reason, words=text
    )
    letters.scan_returned(row, lambda: scan_fault(reason, text))


def countersign(agreement: Agreement, *, by: Person) -> None:
    """Sign for the foundation: by somebody who did not send it nor check its scan."""
    row = locked(agreement.id)
    if row.sent_by_id == by.id or row.checked_by_id == by.id:
        raise Forbidden(_l("Whoever sent the agreement or checked its scan does not counter-sign it."))
    if row.way == CHOP and row.checked_by_id is None:
        raise Refused(_l("A second colleague compares the scan first."))
    move(row, S.EXECUTED)
    row.countersigned_at, row.countersigned_by = clock.now(), by
    db.session.flush()
    audit.record("agreement.executed", row, by=by, org_id=row.application.org_id, number=row.number)
    outbox.queue("agreement_sealed", f"agreement_sealed:{row.uid}", {"uid": row.uid})
    publish(AgreementExecuted(row))


def void(agreement: Agreement, *, by: Person | str, reason: str) -> None:
    """End an agreement that was not executed."""
    row = locked(agreement.id)
    move(row, S.VOIDED)
    audit.record("agreement.voided", row, by=by, org_id=row.application.org_id, reason=reason)
