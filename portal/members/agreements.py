"""Agreements: drafted at the approval, sent by legal, signed by click or chop, counter-signed by another."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.people import Person
from portal.billing.numbers import next_number
from portal.core import audit, catalogue, clock, files, outbox
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.states import move
from portal.members import eyes, signing_letters
from portal.members.belonging import Agreement, AgreementState
from portal.members.events import AgreementExecuted, AgreementSigned
from portal.members.models import Application, ApplicationState

S = AgreementState
CLICK, CHOP = "click", "chop"
ALIVE = (S.DRAFTED, S.SENT, S.MEMBER_SIGNED, S.EXECUTED)
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


def template_of(tier: str) -> str:
    """Return the code of the template that a tier's agreement is made from."""
    return str(catalogue.entry("tier", tier).get("agreement", "membership"))


def beforehand(agreement: Agreement) -> dict[str, Any] | None:
    """Return who signed this template for the foundation beforehand, and when; None if nobody did."""
    body: dict[str, Any] = catalogue.entry("agreement", agreement.template)
    return body.get("signed_beforehand")


def draft(application: Application, *, by: Person | str = "approval") -> Agreement:
    """Draft the agreement of an approved application; its PDF follows."""
    year = clock.today().year
    template = template_of(application.tier)
    row = Agreement(
        number=f"MA-{year}-{next_number(f'MA-{year}'):05d}", application=application, template=template,
        template_version=int(catalogue.entry("agreement", template)["version"]),
        party_name=application.org.legal_name, tier=application.tier,
    )  # fmt: skip
    signers = contacts.holders(application.org, ContactRole.SIGNATORY)
    row.asked = signers[0] if signers else None
    db.session.add(row)
    db.session.flush()
    audit.record("agreement.drafted", row, by=by, org_id=application.org_id, number=row.number)
    outbox.queue("agreement_paper", f"agreement_paper:{row.uid}", {"uid": row.uid})
    return row


def draft_again(application: Application, *, by: Person) -> Agreement:
    """Draft anew after the last agreement was voided, while the approval still stands."""
    last = of_application(application)
    if application.state is not ApplicationState.APPROVED:
        raise Refused(_l("Only an approved application gets an agreement."))
    if last is not None and last.state in ALIVE:
        raise Refused(_l("There is a live agreement already; void it first."))
    return draft(application, by=by)


def send(agreement: Agreement, *, by: Person | None) -> None:
    """Send the agreement to the signatory; from here its document is frozen. Sending again finds it sent.

    Without `by` the portal sends it, which it does for templates signed beforehand.
    """
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
    audit.record(
        "agreement.sent", row, by=by or "approval", org_id=row.application.org_id, to=signers[0].name
    )
    signing_letters.to_sign(row)


def readdress(agreement: Agreement, *, to: Person, by: Person) -> None:
    """Ask another signatory to sign the same agreement; it has accepted that role before."""
    row = locked(agreement.id)
    if row.state is not S.SENT:
        raise Refused(_l("Only an agreement that waits for its signature can go to somebody else."))
    if to.id not in {person.id for person in contacts.holders(row.application.org, ContactRole.SIGNATORY)}:
        raise Refused(_l("Please choose a signatory who has accepted that role."), status=422)
    if row.asked_id == to.id:
        raise Refused(_l("This person is asked to sign already."), status=422)
    row.asked = to
    audit.record("agreement.readdressed", row, by=by, org_id=row.application.org_id, to=to.name)
    signing_letters.to_sign(row)


def decline(agreement: Agreement, *, by: Person, reason: str) -> None:
    """Say, as a signatory, that one does not sign; the agreement is void and legal may draft anew."""
    row = locked(agreement.id)
    _refuse_unless_signatory(row, by)
    if row.state is not S.SENT:
        raise Refused(_l("Only an agreement that waits for its signature can be declined."))
    void(row, by=by, reason=reason)


def _refuse_unless_signatory(agreement: Agreement, by: Person) -> None:
    signers = contacts.holders(agreement.application.org, ContactRole.SIGNATORY)
    if by.id not in {person.id for person in signers}:
        raise Forbidden(_l("Only a signatory of the organisation can sign."))


def _signing(agreement: Agreement, by: Person) -> Agreement:
    row = locked(agreement.id)
    _refuse_unless_signatory(row, by)
    move(row, S.MEMBER_SIGNED)
    row.signed_at, row.signed_by = clock.now(), by
    row.signed_from = (request.remote_addr or "")[:64]
    row.checked_by = row.scan_by = None
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
    publish(AgreementSigned(row))


def sign_by_chop(agreement: Agreement, content: files.Content, name: str, *, by: Person) -> None:
    """Hand in the scan of the chopped document; a second staff member compares it before the counter-signature."""
    _refuse_chop(agreement)
    row = _signing(agreement, by)
    row.signed_name = by.name
    _keep_scan(row, content, name, by=by)


def bring_scan(
    agreement: Agreement, content: files.Content, name: str, *, by: Person, signed_name: str
) -> None:
    """Hand in, as staff, a chopped document that came on paper; somebody else compares it."""
    _refuse_chop(agreement)
    row = locked(agreement.id)
    if not signed_name.strip():
        raise Refused(_l("Please say who signed the document."), status=422)
    move(row, S.MEMBER_SIGNED)
    row.signed_at, row.signed_by, row.signed_from = clock.now(), None, ""
    row.checked_by, row.scan_by = None, by
    row.signed_name = signed_name.strip()[:120]
    _keep_scan(row, content, name, by=by)


def _refuse_chop(agreement: Agreement) -> None:
    if beforehand(agreement) is not None:
        raise Refused(_l("This agreement is signed online."))


def _keep_scan(row: Agreement, content: files.Content, name: str, *, by: Person) -> None:
    row.way = CHOP
    row.scan = files.StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size,
        purpose="agreement", org_id=row.application.org_id,
    )  # fmt: skip
    audit.record(
        "agreement.signed", row, by=by, org_id=row.application.org_id, way=CHOP, sha256=content.sha256
    )
    publish(AgreementSigned(row))


def check_scan(agreement: Agreement, *, by: Person) -> None:
    """Say that the chopped scan is the document that was sent."""
    row = locked(agreement.id)
    if row.state is not S.MEMBER_SIGNED or row.way != CHOP:
        raise Refused(_l("There is no scan to compare."))
    eyes.refuse("scan_checker", by, row.application, row)
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
    row.signed_by = row.signed_at = row.checked_by = row.scan_by = None
    row.sent_at = clock.now()
    audit.record(
        "agreement.scan_returned", row, by=by, org_id=row.application.org_id, reason=reason, words=text
    )
    signing_letters.to_sign(row, returned=lambda: scan_fault(reason, text))


def countersign(agreement: Agreement, *, by: Person) -> None:
    """Sign for the foundation: by somebody who did not send it nor check its scan."""
    row = locked(agreement.id)
    eyes.refuse("counter_signer", by, row.application, row)
    if row.way == CHOP and row.checked_by_id is None:
        raise Refused(_l("A second colleague compares the scan first."))
    _execute(row, by=by)


def on_signed(event: AgreementSigned) -> None:
    """Execute what the foundation signed beforehand, else ask for the counter-signature."""
    row = event.agreement
    if beforehand(row) is not None and row.way == CLICK:
        _execute(row, by=None)
    else:
        signing_letters.to_countersign(row)


def _execute(row: Agreement, *, by: Person | None) -> None:
    move(row, S.EXECUTED)
    row.countersigned_at, row.countersigned_by = clock.now(), by
    db.session.flush()
    audit.record(
        "agreement.executed",
        row,
        by=by or "signed beforehand",
        org_id=row.application.org_id,
        number=row.number,
    )
    outbox.queue("agreement_sealed", f"agreement_sealed:{row.uid}", {"uid": row.uid})
    publish(AgreementExecuted(row))


def void(agreement: Agreement, *, by: Person | str, reason: str, tell: bool = True) -> None:
    """End an agreement that was not executed; while the approval stands a new draft may follow."""
    row = locked(agreement.id)
    move(row, S.VOIDED)
    audit.record("agreement.voided", row, by=by, org_id=row.application.org_id, reason=reason)
    if tell:
        signing_letters.voided(row, reason)
