"""How an organisation comes in, and comes back: the form, the review by those it takes, the agreement signed by both."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import force_locale

from portal.accounts import contacts
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import clock
from portal.core.db import db, transaction
from portal.members import agreements, credit_terms, drafting, names, quorum, review, terms
from portal.members.models import Application, Kind, PairAnswer
from portal.simulation.cast import Firm, credit_code
from portal.simulation.world import World

PLACES = (ContactRole.REPRESENTATIVE, ContactRole.TECHNICAL, ContactRole.MARKETING)
REFUSAL = {"en": "The papers do not yet prove what was said.", "zh": "材料暂不足以证明所述情况。"}


def person(email: str, name: str, language: str) -> Person:
    """Add a person with a verified mail; call inside a transaction."""
    row = Person(email=email, name=name, language=language)
    row.verified_at = clock.now()
    db.session.add(row)
    db.session.flush()
    return row


def arrive(world: World, firm: Firm) -> None:
    """Let an organisation come for the first time: its owner registers and applies."""
    with transaction():
        firm.owner_id = person(f"owner@{firm.site}", f"{firm.en} Owner", firm.language).id
    apply(world, firm)


def apply(world: World, firm: Firm) -> None:
    """Let an organisation fill in its form and send it; the review follows."""

    def act() -> tuple[int, int]:
        owner = world.owner(firm)
        org = db.session.get_one(Organisation, firm.org_id) if firm.org_id else None
        row = drafting.start(org, by=owner, name=firm.zh, tier=firm.tier, language=owner.language)
        drafting.save(row, answers(firm, owner), by=owner)
        drafting.attach(row, "licence", world.paper, "licence.pdf", by=owner)
        drafting.submit(row, by=owner)
        return row.id, row.org_id

    found = world.attempt(firm, "apply", act)
    if found is None:
        return
    if not firm.org_id:
        firm.org_id = found[1]
        world.by_org[firm.org_id] = firm
    days = firm.next("review").randint(*world.scenario.review.days)
    world.after(days, lambda: decide(world, firm, found[0]))


def answers(firm: Firm, owner: Person) -> dict[str, Any]:
    """Return what an organisation writes into the form, for any tier and category."""
    return {
        "legal_name": f"{firm.zh}有限公司", "legal_name_en": f"{firm.en} Ltd", "country": "CN",
        "registration": credit_code(firm.n), "category": firm.category, "homepage": f"https://www.{firm.site}",
        "address": f"北京市示例区模拟路 {firm.n} 号", "display_name_zh": firm.zh, "display_name_en": firm.en,
        "listing": "yes" if firm.dice("listing").random() < 0.9 else "", "why": "Our software should run on every chip.",
        "signatory_name": owner.name, "signatory_email": owner.email, "billing_name": owner.name,
        "billing_email": owner.email, **told(firm.tier),
    }  # fmt: skip


def told(tier: str) -> dict[str, Any]:
    """Return the answers that some tiers and categories ask for beside the others."""
    return {
        "tier": tier, "chips": "First and second generation", "department": "School of Computing",
        "strategy": "Our head of technology takes part.", "founded": "2024", "why_change": "Our plans have changed.",
    }  # fmt: skip


def decide(world: World, firm: Firm, case: int) -> None:
    """Let the case be taken, recommended and decided by those whom its tier asks for."""
    scenario = world.scenario

    def act() -> bool | None:
        row = db.session.get_one(Application, case)
        review.take(row, by=world.who("reviewer"))
        for part, role in (("legal", StaffRole.LEGAL), ("finance", StaffRole.FINANCE)):
            review.recommend(row, by=world.who(part), role=role, in_favour=True, reason="Complete and sound.")
        rejected = firm.next("decision").random() < scenario.review.rejected
        if rejected and row.kind is Kind.JOIN:
            review.reject(row, by=world.who("director"), code="papers", reason=REFUSAL)
            return None
        _prepare(world, row)
        review.approve(row, by=world.who("director"))
        return row.kind is Kind.TIER_CHANGE

    changes = world.attempt(firm, "decide", act)
    if changes is False:
        _follow(world, firm, case)


def _prepare(world: World, row: Application) -> None:
    """Bring what beside the voices is missing: answers on similar names, a minute, a second look at the papers."""
    for pair in names.open_pairs(row.org):
        if pair.answer is None:
            review.answer_pair(pair, PairAnswer.DIFFERENT, by=world.who("reviewer"))
    if quorum.needs_minute(row):
        quorum.attach_minute(row, world.paper, "minute.pdf", by=world.who("secretary"))
    if quorum.needs_second_check(row):
        quorum.check_papers(row, by=world.who("checker"))


def _follow(world: World, firm: Firm, case: int) -> None:
    """Let the agreement be signed in its time, or never; let finance trust some to pay later."""
    chance, scenario = firm.next("signing"), world.scenario
    days = chance.randint(*scenario.signing.days)
    if firm.dice("credit").random() < scenario.payments.on_credit:
        world.after(1, lambda: _trust(world, firm))
    if chance.random() >= scenario.signing.never:
        world.after(days, lambda: _sign(world, firm, case))


def _trust(world: World, firm: Firm) -> None:
    def act() -> None:
        org = db.session.get_one(Organisation, firm.org_id)
        row = terms.found_membership(org)
        if credit_terms.in_force(row) is None:
            credit_terms.give(row, by=world.who("finance"), reason="A known payer.")

    world.attempt(firm, "give credit terms", act)


def _sign(world: World, firm: Firm, case: int) -> None:
    """Send, sign and counter-sign; signing notes where the request came from, so there is one."""

    def act() -> None:
        row = agreements.of_application(db.session.get_one(Application, case))
        if row is None or row.state not in {agreements.S.DRAFTED, agreements.S.SENT}:
            return
        agreements.send(row, by=world.who("legal"))
        owner = world.owner(firm)
        agreements.sign_by_click(
            row, by=owner, typed_name=owner.name, sha256=row.document.sha256 if row.document else ""
        )
        agreements.countersign(row, by=world.who("signer"))

    with current_app.test_request_context("/", method="POST"), force_locale("en"):
        world.attempt(firm, "sign", act)


def settle_in(world: World, firm: Firm) -> None:
    """Let a new member name its people; whoever owns it does it all."""

    def act() -> None:
        org, owner = db.session.get_one(Organisation, firm.org_id), world.owner(firm)
        bounds = contacts.bounds(contacts.tier_of(org))
        for role in PLACES:
            if bounds.get(role, (0, 0))[1] > 0:
                contacts.appoint(owner, org, role, by=owner, tell=False)

    world.attempt(firm, "name people", act)
