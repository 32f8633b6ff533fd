"""Rows of quotes, contracts and projects for the walk through every door: one of each, in a state that shows itself."""

from __future__ import annotations

from datetime import date

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.billing.issuing import party_of
from portal.core import clock
from portal.core.db import db
from portal.core.files import Content, StoredFile
from portal.core.states import move
from portal.services.contracts import verbs as contracts
from portal.services.engagements import delivering, leading, working
from portal.services.engagements.models import Engagement, EngagementState
from portal.services.engagements.work_models import NoteKind
from portal.services.quotes import accepting, customer_orders, drafting, sending, terms
from portal.services.quotes.figures import Ask
from portal.services.quotes.models import ServiceQuote
from portal.services.quotes.term_models import ServiceTerm
from tests import services_scene
from tests.people import make_person

KNOWN: dict[tuple[str, str], str] = {
    ("offers", "code"): "word:support.gold",
    ("quotes", "uid"): "service_quote",
    ("quotes.contract", "uid"): "service_contract",
    ("quotes.contract_pdf", "uid"): "service_contract",
    ("quotes.sign_contract", "uid"): "service_contract",
    ("quotes.chop_contract", "uid"): "service_contract",
    ("quotes.decline_contract", "uid"): "service_contract",
    ("quotes.order_file", "uid"): "customer_order",
    ("quotes.tick", "uid"): "service_term",
    ("quotes.leave", "uid"): "service_term",
    ("quotes.stay", "uid"): "service_term",
    ("quote_office", "uid"): "service_quote",
    ("quote_office", "n"): "word:0",
    ("quote_office.edit", "uid"): "draft_quote",
    ("quote_office.add_line", "uid"): "draft_quote",
    ("quote_office.remove_line", "uid"): "draft_quote",
    ("quote_office.plan", "uid"): "draft_quote",
    ("quote_office.contract", "uid"): "service_contract",
    ("quote_office.contract_file", "uid"): "service_contract",
    ("quote_office.contract_file", "kind"): "word:document",
    ("quote_office.send_contract", "uid"): "service_contract",
    ("quote_office.check_scan", "uid"): "service_contract",
    ("quote_office.return_scan", "uid"): "service_contract",
    ("quote_office.countersign", "uid"): "service_contract",
    ("quote_office.void", "uid"): "service_contract",
    ("quote_office.end_early", "uid"): "service_term",
    ("quote_office.confirm_ending", "uid"): "service_ending",
    ("engagements", "uid"): "engagement",
    ("engagements", "milestone"): "milestone",
    ("engagements", "file"): "deliverable",
    ("engagements", "submission"): "submission",
    ("engagements", "note"): "engagement_note",
    ("engagements", "member"): "engagement_member",
    ("engagement_office", "uid"): "engagement",
    ("engagement_office", "milestone"): "milestone",
    ("engagement_office", "file"): "deliverable",
    ("engagement_office", "submission"): "submission",
    ("engagement_office", "note"): "engagement_note",
    ("engagement_office", "member"): "engagement_member",
    ("engagement_office", "entry"): "work_entry",
    ("engagement_office", "answer"): "word:confirmation",
    ("calendars", "token"): "word:" + "0" * 43,
    ("api_services", "uid"): "service_quote",
    ("api_services.get_engagement", "uid"): "engagement",
    ("api_services.accept_work", "uid"): "engagement",
    ("api_services.reject_work", "uid"): "engagement",
    ("api_services", "milestone"): "milestone",
}


def _people(org: Organisation) -> tuple[Person, Person, Person]:
    lead = make_person("walklead@services.example", "Walk Lead", staff=(StaffRole.SERVICE_LEAD,))
    boss = make_person("walkboss@services.example", "Walk Boss", staff=(StaffRole.SERVICE_MANAGER,))
    signer = make_person("walksigner@mail.example", "Walk Signer")
    for role in (ContactRole.SIGNATORY, ContactRole.OWNER):
        db.session.add(Contact(person=signer, org=org, role=role, start=clock.today()))
    db.session.flush()
    return lead, boss, signer


def _accepted(org: Organisation, ask: Ask, lead: Person, signer: Person) -> ServiceQuote:
    row = drafting.draft(
        party_of(org), [ask], by=lead, title={"en": "Quokka work", "zh": "短尾矮袋鼠"}, language="en"
    )
    sending.send(row, by=lead)
    return accepting.accept(row, digest=row.digest, by=signer)


def rows(org: Organisation, content: Content) -> dict[str, str]:
    """Let a company buy work and a service, with everything that has an address; call inside a transaction."""
    lead, boss, signer = _people(org)
    party = party_of(org)
    order = customer_orders.give(
        party, "PO-WALK", by=signer, ordered_on=date(2026, 1, 2),
        file=StoredFile(sha256=content.sha256, name="po.pdf", media_type=content.media_type, size=content.size, purpose="customer_order", org_id=org.id),
    )  # fmt: skip
    sold = _accepted(org, services_scene.work(), lead, signer)
    contract = contracts.of_quote(sold)
    assert contract is not None
    paper = StoredFile(
        sha256=content.sha256, name="c.pdf", media_type=content.media_type, size=content.size, purpose="service_contract"
    )  # fmt: skip
    contract.document = contract.final = paper
    sold.pdf = paper
    contract.sent_at = clock.now()
    support = _accepted(org, Ask("support.gold"), lead, signer)
    term = db.session.query(ServiceTerm).filter_by(quote_id=support.id).one()
    ending = terms.propose_ending(term, last_day=clock.today(), by=boss, reason="because")
    made = drafting.draft(party, [services_scene.work()], by=lead, title={"en": "Quokka draft", "zh": "草稿"})
    row = db.session.query(Engagement).filter_by(quote_id=sold.id).one()
    return {
        "customer_order": order.uid, "service_quote": sold.uid, "service_contract": contract.uid, "draft_quote": made.uid,
        "service_term": term.uid, "service_ending": ending.uid, **_work(row, content, lead, boss, signer),
    }  # fmt: skip


def _work(row: Engagement, content: Content, lead: Person, boss: Person, signer: Person) -> dict[str, str]:
    """Let the work run with one milestone handed in; the contract and the money are let pass."""
    leading.name_lead(row, lead, by=boss)
    leading.name_acceptors(row, signer, None, by=signer)
    move(row, EngagementState.RUNNING)
    db.session.flush()
    first, second = row.milestones[0], row.milestones[1]
    delivering.begin(first, by=lead)
    file = delivering.hand_over(first, content, "quokka.txt", by=lead)
    handed = delivering.submit(first, {"plan": "there"}, by=lead)
    handed.protocol = StoredFile(
        sha256=content.sha256, name="p.pdf", media_type=content.media_type, size=content.size, purpose="acceptance"
    )  # fmt: skip
    entry = working.log(second, by=lead, day=clock.today(), hundredths=50, words="Quokka")
    note = working.note(row, NoteKind.RISK, "Quokka", by=lead)
    db.session.flush()
    return {
        "engagement": row.uid, "milestone": first.uid, "deliverable": file.file.uid, "submission": handed.uid,
        "work_entry": entry.uid, "engagement_note": note.uid, "engagement_member": leading.team(row)[0].uid,
    }  # fmt: skip
