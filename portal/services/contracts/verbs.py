"""Contracts of services: drafted at acceptance, sent by legal, signed by click or chop, counter-signed by another."""

from __future__ import annotations

from typing import Any

from flask import has_request_context, request
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.people import Person
from portal.billing.numbers import next_number
from portal.core import audit, catalogue, clock, files, outbox
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.events import publish
from portal.core.states import move
from portal.members.agreements import ALIVE, CHOP, CLICK, OTHER, SCAN_FAULTS, scan_fault
from portal.members.belonging import AgreementState
from portal.services.contracts import letters
from portal.services.contracts.events import ContractExecuted
from portal.services.contracts.models import ServiceContract
from portal.services.quotes.events import QuoteAccepted
from portal.services.quotes.models import ServiceQuote

S = AgreementState
KIND, TEMPLATE = "service_contract", "services"


def locked(contract_id: int) -> ServiceContract:
    """Take a contract for a change, and return it as it is now."""
    taken = (
        update(ServiceContract)
        .where(ServiceContract.id == contract_id)
        .values(edition=ServiceContract.edition + 1)
        .returning(ServiceContract)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    row = db.session.scalars(taken).first()
    if row is None:
        raise Missing(_l("There is no such contract."))
    return row


def of_quote(quote: ServiceQuote) -> ServiceContract | None:
    """Return the newest contract of a quote."""
    rows = select(ServiceContract).where(ServiceContract.quote_id == quote.id)
    return db.session.scalars(rows.order_by(ServiceContract.id.desc()).limit(1)).first()


def signed(quote: ServiceQuote) -> bool:
    """Whether what a quote needs of a contract is there: none, or one that both sides signed."""
    row = of_quote(quote)
    return not quote.needs_contract or (row is not None and row.state is S.EXECUTED)


def signers(row: ServiceContract) -> list[Person]:
    """Return who may sign for the buyer."""
    org = row.quote.party.org
    return contacts.holders(org, ContactRole.SIGNATORY) if org is not None else []


def on_accepted(event: QuoteAccepted) -> None:
    """Draft the contract of what was ordered, where one is needed: with its figures, in the same transaction."""
    if event.quote.needs_contract:
        draft(event.quote, by=event.quote.accepted_by or "services")


def draft(quote: ServiceQuote, *, by: Person | str) -> ServiceContract:
    """Draft the contract of an accepted quote; its PDF follows."""
    year, party = clock.today().year, quote.party
    row = ServiceContract(
        number=f"SC-{year}-{next_number(f'SC-{year}'):05d}", quote=quote, template=TEMPLATE,
        template_version=int(catalogue.entry(KIND, TEMPLATE)["version"]), party_name=party.title or party.name,
        gross=quote.gross, net=quote.net, tax=quote.tax,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("service_contract.drafted", row, by=by, org_id=party.org_id, number=row.number, gross=row.gross)  # fmt: skip
    outbox.queue("service_contract_paper", f"service_contract_paper:{row.uid}", {"uid": row.uid})
    return row


def draft_again(quote: ServiceQuote, *, by: Person) -> ServiceContract:
    """Draft anew after the last one was voided."""
    last = of_quote(quote)
    if last is not None and last.state in ALIVE:
        raise Refused(_l("There is a live contract already; void it first."))
    return draft(quote, by=by)


def send(contract: ServiceContract, *, by: Person) -> None:
    """Send the contract to the signatory; from here its document is frozen. Sending again finds it sent."""
    row = locked(contract.id)
    if row.state is S.SENT:
        return
    if row.document is None:
        raise Refused(_l("The PDF is being made. Please try again in a minute."))
    found = signers(row)
    if not found:
        raise Refused(
            _l("Nobody may sign for this organisation yet: the invitation of the signatory is still open.")
        )
    move(row, S.SENT)
    row.sent_at, row.sent_by, row.asked = clock.now(), by, found[0]
    audit.record("service_contract.sent", row, by=by, org_id=row.quote.party.org_id, to=found[0].name)
    letters.to_sign(row)


def _signing(contract: ServiceContract, by: Person) -> ServiceContract:
    row = locked(contract.id)
    if by.id not in {one.id for one in signers(row)}:
        raise Forbidden(_l("Only a signatory of the organisation can sign."))
    move(row, S.MEMBER_SIGNED)
    row.signed_at, row.signed_by, row.checked_by = clock.now(), by, None
    row.signed_from = (request.remote_addr or "")[:64] if has_request_context() else ""
    return row


def sign_by_click(contract: ServiceContract, *, by: Person, typed_name: str, sha256: str) -> None:
    """Sign by typing one's name under the very document that was shown."""
    if contract.document is None or contract.document.sha256 != sha256:
        raise Refused(_l("The document changed since you opened it. Please read it again."))
    if typed_name.strip().casefold() != by.name.strip().casefold():
        raise Refused(
            _l("Please type your name as it stands in your account: %(name)s.", name=by.name), field="name", status=422
        )  # fmt: skip
    row = _signing(contract, by)
    row.way, row.signed_name = CLICK, typed_name.strip()
    _told_signed(row, by, sha256)


def sign_by_chop(contract: ServiceContract, content: files.Content, name: str, *, by: Person) -> None:
    """Hand in the scan of the chopped document; a second member of staff compares it before the counter-signature."""
    row = _signing(contract, by)
    row.way, row.signed_name = CHOP, by.name
    row.scan = files.StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size,
        purpose="service_contract", org_id=row.quote.party.org_id,
    )  # fmt: skip
    _told_signed(row, by, content.sha256)


def _told_signed(row: ServiceContract, by: Person, sha256: str) -> None:
    audit.record("service_contract.signed", row, by=by, org_id=row.quote.party.org_id, way=row.way, sha256=sha256)  # fmt: skip
    letters.to_countersign(row)


def check_scan(contract: ServiceContract, *, by: Person) -> None:
    """Say that the chopped scan is the document that was sent."""
    row = locked(contract.id)
    if row.state is not S.MEMBER_SIGNED or row.way != CHOP:
        raise Refused(_l("There is no scan to compare."))
    row.checked_by = by
    audit.record("service_contract.scan_checked", row, by=by, org_id=row.quote.party.org_id)


def return_scan(contract: ServiceContract, *, by: Person, reason: str, text: str = "") -> None:
    """Send a scan back for a fault of the list; the signatory signs again."""
    if reason not in SCAN_FAULTS or (reason == OTHER and not text.strip()):
        raise Refused(_l("Please choose what is wrong with the scan."), field="reason", status=422)
    row = locked(contract.id)
    if row.way != CHOP:
        raise Refused(_l("There is no scan to compare."))
    move(row, S.SENT)
    row.signed_by = row.signed_at = row.checked_by = None
    row.sent_at = clock.now()
    audit.record(
        "service_contract.scan_returned", row, by=by, org_id=row.quote.party.org_id, reason=scan_fault(reason, text)
    )  # fmt: skip
    letters.to_sign(row, returned=lambda: scan_fault(reason, text))


def countersign(contract: ServiceContract, *, by: Person) -> None:
    """Sign for the foundation: by somebody who did not send it, check its scan, or write the quote."""
    row = locked(contract.id)
    if by.id in {row.sent_by_id, row.checked_by_id, row.quote.by_id}:
        raise Forbidden(_l("You had a part in this contract: somebody else counter-signs it."))
    if row.way == CHOP and row.checked_by_id is None:
        raise Refused(_l("A second colleague compares the scan first."))
    move(row, S.EXECUTED)
    row.countersigned_at, row.countersigned_by = clock.now(), by
    db.session.flush()
    audit.record("service_contract.executed", row, by=by, org_id=row.quote.party.org_id, number=row.number)
    outbox.queue("service_contract_sealed", f"service_contract_sealed:{row.uid}", {"uid": row.uid})
    publish(ContractExecuted(row))


def decline(contract: ServiceContract, *, by: Person, reason: str) -> None:
    """Say, as a signatory, that one does not sign; the contract is void and legal may draft anew."""
    row = locked(contract.id)
    if by.id not in {one.id for one in signers(row)}:
        raise Forbidden(_l("Only a signatory of the organisation can sign."))
    if row.state is not S.SENT:
        raise Refused(_l("Only a contract that waits for its signature can be declined."))
    void(row, by=by, reason=reason)


def void(contract: ServiceContract, *, by: Person, reason: str) -> None:
    """End a contract that was not executed; a new draft may follow."""
    row = locked(contract.id)
    move(row, S.VOIDED)
    audit.record("service_contract.voided", row, by=by, org_id=row.quote.party.org_id, reason=reason)
    letters.voided(row, reason)


def words_of(row: ServiceContract) -> dict[str, Any]:
    """Return the title and clauses of the template that a contract was made from."""
    body = catalogue.nth_version(KIND, row.template, row.template_version) or catalogue.entry(KIND, row.template)  # fmt: skip
    return {"title": body["title"], "clauses": body["clauses"]}
