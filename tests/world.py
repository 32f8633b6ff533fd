"""A small world for walks over every door: two companies with every kind of row, everybody in every role."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Table, select
from werkzeug.routing import Rule

from portal.accounts.care_models import JoinRequest, MailDomain, OwnerLetter
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Invitation, Organisation
from portal.accounts.people import Grant, Passkey, Person, UserSession
from portal.accounts.tokens import ApiToken
from portal.billing import changing, discounting, publishing, subscribing
from portal.billing.catalogue import price_of
from portal.billing.checkout_models import CheckoutAttempt, PracticeSession
from portal.billing.crediting import propose_note
from portal.billing.dunning_models import DunningDecision, DunningNotice, NoticeState
from portal.billing.fapiao_models import Fapiao, FapiaoKind, FapiaoPart
from portal.billing.hand import propose_entry
from portal.billing.issuing import Item, issue_invoice, party_of, place_order
from portal.billing.money_models import ReceiptEntry
from portal.billing.note_models import NoteKind
from portal.billing.price_models import PriceVersion
from portal.billing.pricing import DiscountKind
from portal.certs import sittings
from portal.certs.models.marking import Sitting
from portal.core import clock
from portal.core.assets import LIBRARIES
from portal.core.db import Model, db, reading, transaction
from portal.core.files import StoredFile, put
from portal.core.mail import MailMessage
from portal.core.money import Money
from portal.members.belonging import Grant as Benefit
from portal.members.belonging import Membership
from portal.members.benefit_models import Claim
from portal.members.deed_models import Deed, DeedVerb
from portal.members.models import Application, Upload
from tests import (
    award_world,
    close_world,
    exam_world,
    grade_world,
    item_world,
    job_candidates_world,
    job_world,
    licence_world,
    outlook_world,
    place_world,
    report_world,
    road,
    service_world,
    support_world,
)
from tests.people import browser, make_person, post, token

NOBODY, OUTSIDER, OMNI = "nobody", "outsider", "omni"
MISSING = "0" * 32
SECRET_NAME = "Quokka Hidden Silicon"
BODY = {
    "reason": "because", "reason_zh": "因为", "reason_en": "because", "code": "papers", "name": "Chen Wei", "read": "y",
    "email": "x@elsewhere.example", "role": "billing", "language": "en", "in_favour": "yes", "answer": "different",
    "quantity": "1", "used_on": "2026-01-05",
    "password": "violet engine counts nine geese", "current": "wrong", "go": "stay", "amount": "1.00", "sha256": "0" * 64,
}  # fmt: skip


@dataclass
class World:
    """Browsers by role of company B, of staff, of nobody; and the values of company A's rows, by kind."""

    app: Flask
    browsers: dict[str, FlaskClient]
    rows: dict[str, str]
    own: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, who: str) -> str:
        """Return the form token of somebody's browser."""
        if who not in self.tokens:
            self.tokens[who] = token(self.browsers[who])
        return self.tokens[who]

    def ask(self, who: str, method: str, path: str, **more: Any) -> Any:
        """Send a request as somebody; changes carry the token and a plausible body."""
        if method == "GET":
            return self.browsers[who].get(path, **more)
        data = {"csrf_token": self.token(who), **BODY}
        return self.browsers[who].open(path, method=method, data=data, **more)


# What stands in an address, by the endpoint (or its blueprint) and the name of the parameter. `word:` values
# are no rows. A new endpoint with a parameter that is not here fails the walk.
KNOWN: dict[tuple[str, str], str] = {
    **item_world.KNOWN,
    **grade_world.KNOWN,
    **exam_world.KNOWN,
    **award_world.KNOWN,
    **support_world.KNOWN,
    **licence_world.KNOWN,
    **place_world.KNOWN,
    **job_candidates_world.KNOWN,
    **job_world.KNOWN,
    **service_world.KNOWN,
    **report_world.KNOWN,
    **close_world.KNOWN,
    **outlook_world.KNOWN,
    ("public", "uid"): "organisation",
    ("accounts.confirm_link", "secret"): "word:no-such-ticket",
    ("accounts.reset_link", "secret"): "word:no-such-ticket",
    ("accounts.demo_link", "secret"): "word:no-such-ticket",
    ("accounts.invitation_link", "secret"): "word:no-such-invitation",
    ("accounts.mail", "number"): "mail",
    ("accounts.demo_enter", "uid"): "person",
    ("accounts.end_contact", "uid"): "contact",
    ("accounts.withdraw_invitation", "uid"): "invitation",
    ("accounts.passkey_drop", "uid"): "passkey",
    ("accounts.end_session", "uid"): "session",
    ("staff", "number"): "grant",
    ("helpdesk", "uid"): "person",
    ("helpdesk", "answer"): "word:agreement",
    ("cases", "uid"): "application",
    ("cases", "file_uid"): "file",
    ("cases", "number"): "pair",
    ("cases", "kind"): "word:document",
    ("cases", "step"): "word:voiding",
    ("roll", "uid"): "organisation",
    ("renewals", "uid"): "organisation",
    ("roll", "item"): "word:welcome",
    ("intake", "uid"): "word:none",
    ("intake", "form"): "word:csv",
    ("figures", "what"): "word:bridge",
    ("figures", "form"): "word:csv",
    ("item_figures", "uid"): "sitting",
    ("item_figures", "number"): "word:1",
    ("item_figures", "what"): "word:items",
    ("item_figures", "form"): "word:csv",
    ("deeds", "uid"): "organisation",
    ("deeds", "verb"): "word:suspend",
    ("deeds.deed", "uid"): "deed",
    ("deeds.confirm", "uid"): "deed",
    ("deeds.decline", "uid"): "deed",
    ("deeds.paper", "uid"): "deed",
    ("apply", "uid"): "application",
    ("apply", "file_uid"): "file",
    ("apply", "page"): "word:organisation",
    ("apply.agreement", "uid"): "agreement",
    ("apply.agreement_pdf", "uid"): "agreement",
    ("apply.sign", "uid"): "agreement",
    ("apply.chop", "uid"): "agreement",
    ("billing", "uid"): "invoice",
    ("pay.begin", "uid"): "invoice",
    ("pay.back", "uid"): "attempt",
    ("pay.settlement", "uid"): "attempt",
    ("pay", "session_id"): "practice",
    ("pay", "what"): "word:leave",
    ("money", "uid"): "invoice",
    ("fapiao", "uid"): "fapiao",
    ("fapiao_desk", "uid"): "fapiao",
    ("chasing", "uid"): "invoice",
    ("chasing.decide", "uid"): "decision",
    ("account", "uid"): "party",
    ("account.give_order", "uid"): "invoice",
    ("account", "form"): "word:pdf",
    ("ageing", "form"): "word:csv",
    ("api_fapiao", "uid"): "fapiao",
    ("money.confirm", "uid"): "entry",
    ("money", "text"): "word:2026-01",
    ("money.ledger_file", "form"): "word:hledger",
    ("money.hand_entry", "uid"): "hand",
    ("money.post_hand_entry", "uid"): "hand",
    ("money.decline_hand_entry", "uid"): "hand",
    ("money.note", "uid"): "note",
    ("money.note_pdf", "uid"): "note",
    ("money.issue_note", "uid"): "note",
    ("money.decline_note", "uid"): "note",
    ("billing.note_pdf", "note"): "note",
    ("money.event", "name"): "word:evt_none",
    ("money.replay_event", "name"): "word:evt_none",
    ("money.payout", "uid"): "word:none",
    ("billing.forget_card", "uid"): "word:none",
    ("money.decline", "uid"): "entry",
    ("money.release", "number"): "word:1",
    ("shelf", "uid"): "price",
    ("shelf", "code"): "word:dues.gold",
    ("shelf.publish_tax", "uid"): "tax",
    ("shelf.drop_tax", "uid"): "tax",
    ("shelf.approve_discount", "uid"): "discount",
    ("shelf.decline_discount", "uid"): "discount",
    ("shelf.end_discount", "uid"): "discount",
    ("shelf.quote", "uid"): "quote",
    ("shelf.quote_pdf", "uid"): "quote",
    ("shelf.approve_quote", "uid"): "quote",
    ("shelf.withdraw_quote", "uid"): "quote",
    ("shelf.subscription", "uid"): "subscription",
    ("plans", "uid"): "subscription",
    ("plans.quote", "uid"): "quote",
    ("plans.quote_pdf", "uid"): "quote",
    ("plans.accept", "uid"): "quote",
    ("plans.decline", "uid"): "quote",
    ("api_plans", "uid"): "subscription",
    ("api_plans.get_quote", "uid"): "quote",
    ("api_plans.accept_quote", "uid"): "quote",
    ("member", "uid"): "benefit",
    ("member.withdraw_claim", "uid"): "claim",
    ("member.release_claim", "uid"): "claim",
    ("perks", "uid"): "claim",
    ("perks", "code"): "word:custom_support",
    ("lists", "uid"): "organisation",
    ("lists.letter_file", "uid"): "letter",
    ("lists.confirm_letter", "uid"): "letter",
    ("lists.decline_letter", "uid"): "letter",
    ("accounts.declare_vacant", "uid"): "contact",
    ("accounts.close_domain", "uid"): "domain",
    ("accounts.accept_request", "uid"): "request",
    ("accounts.decline_request", "uid"): "request",
    ("accounts.take_back_request", "uid"): "request",
    ("api_benefits", "uid"): "claim",
    ("public.help_page", "name"): "word:applicant",
    ("accounts.name_successor", "uid"): "contact",
    ("accounts.revoke_token", "uid"): "token",
    ("letterbox", "number"): "mail",
    ("chain", "subject"): "word:organisation:1",
    ("rules", "kind"): "word:tier",
    ("rules", "code"): "word:gold",
    ("privacy_desk", "uid"): "person",
    ("walls", "n"): "word:1",
    ("accounts.change_consent", "code"): "word:newsletter",
    ("accounts.data_file", "form"): "word:json",
    ("engine", "name"): "word:no_such_chore",
    ("engine", "number"): "word:999999",
    ("api_wall", "uid"): "organisation",
    ("api_profiles", "uid"): "organisation",
    ("api_applications", "uid"): "application",
    ("api_invoices", "uid"): "invoice",
    ("tiers", "uid"): "word:none",
    ("tiers.again", "uid"): "application",
    ("api_tiers", "uid"): "word:" + "0" * 32,
}
SILVER = {"tier": "silver", "category": "software"}
NUMBERS = {"mail", "grant", "pair", "job_consent"}
# Open to whoever holds the address or to everybody on purpose: no row of a company is behind a role here.
OPEN = {
    "public.member",
    "accounts.mail",
    "accounts.demo_enter",
    "pay.test_page",
    "pay.test_act",
    *award_world.OPEN,
    *support_world.OPEN,
    *job_world.OPEN,
}


def kind(rule: Rule, name: str) -> str:
    """Return the kind of row (or the word) that a parameter of a rule takes; KeyError if nobody said."""
    blueprint = rule.endpoint.rsplit(".", 1)[0]
    return KNOWN.get((rule.endpoint, name)) or KNOWN[(blueprint, name)]


def rules(app: Flask) -> list[Rule]:
    """Return every rule but those of libraries' files."""
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in LIBRARIES]


def address(app: Flask, rule: Rule, rows: dict[str, str], **other: str) -> str:
    """Return the path of a rule with the rows given; `other` replaces kinds."""
    values: dict[str, Any] = {}
    for name in rule.arguments:
        what = kind(rule, name)
        value = what.removeprefix("word:") if what.startswith("word:") else {**rows, **other}[what]
        values[name] = int(value) if what in NUMBERS else value
    return str(app.url_map.bind("localhost").build(rule.endpoint, values, method=_method(rule)))


def _method(rule: Rule) -> str:
    return "GET" if "GET" in (rule.methods or ()) else methods(rule)[0]


def methods(rule: Rule) -> list[str]:
    """Return the methods worth walking."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def dump(app: Flask) -> dict[str, str]:
    """Return a hash of every table; when a session was last seen does not count."""
    found = {}
    with app.app_context(), reading():
        for table in Model.metadata.sorted_tables:
            rows = db.session.execute(select(*_columns(table)).order_by(*table.primary_key.columns)).all()
            found[table.name] = hashlib.sha256(repr(rows).encode()).hexdigest()
    return found


def _columns(table: Table) -> list[Any]:
    return [column for column in table.columns if (table.name, column.name) != ("user_session", "seen_at")]


def build(app: Flask) -> World:
    """Fill an empty database, and return who can be asked as and what can be asked for."""
    house = road.staff(app)
    chen = road.company(app)
    names = {"legal_name": SECRET_NAME, "display_name_en": SECRET_NAME, "display_name_zh": "短尾矮袋鼠"}
    uid = road.apply(chen, **SILVER, **names)
    road.review(house, uid, voices=("lena",))
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303
    road.work(app)
    assert post(house["lena"], road.case(uid, "agreement/sending")).status_code == 303
    post(chen, "/people", email="bill@quokka.example", role="billing", language="en")
    road.work(app)
    invoice = road.invoice_of(app, uid)
    started = post(chen, f"/invoices/{invoice.uid}/payment")
    assert started.status_code == 303, started.text
    recorded = post(
        house["fang"], "/office/money/receipts/new", bank_ref="B-9", amount="12.00", received_on="2026-01-05",
        payer=SECRET_NAME, text="nothing",
    )  # fmt: skip
    assert recorded.status_code == 303
    browsers = {NOBODY: app.test_client(), **_people(app, uid)}
    rows = _rows(app, uid)
    own = {**rows, "application": road.apply_draft(browsers[ContactRole.OWNER.value])}
    return World(app, browsers, rows, own)


def _people(app: Flask, uid: str) -> dict[str, FlaskClient]:
    with app.app_context(), transaction():
        b = Organisation(legal_name="Beta Boards Ltd")
        db.session.add(b)
        for role in ContactRole:
            person = make_person(f"{role.value}@beta.example", f"Beta {role.value}")
            db.session.add(Contact(person=person, org=b, role=role, start=clock.today()))
        for staff in StaffRole:
            make_person(f"{staff.value}@walk.example", staff.value, staff=(staff,))
        make_person("outsider@else.example", "Out Sider")
        omni = make_person("omni@walk.example", "Omni", staff=tuple(StaffRole))
        a = road.application(uid).org
        for role in ContactRole:
            db.session.add(Contact(person=omni, org=a, role=role, start=clock.today()))
    found = {role.value: browser(app, f"{role.value}@beta.example") for role in ContactRole}
    found |= {f"staff {role.value}": browser(app, f"{role.value}@walk.example") for role in StaffRole}
    return {
        **found,
        OUTSIDER: browser(app, "outsider@else.example"),
        OMNI: browser(app, "omni@walk.example"),
    }


def _rows(app: Flask, uid: str) -> dict[str, str]:
    with app.app_context(), transaction():
        chen = db.session.scalars(select(Person).where(Person.email == "chen@galaxy-chips.example")).one()
        db.session.add(
            Passkey(person=chen, name="laptop", credential_id="abc", public_key="00", sign_count=0)
        )
        later = clock.now() + timedelta(days=30)
        db.session.add(
            ApiToken(
                prefix="fpt_walk1",
                token_hash="0" * 64,
                name="reporting",
                maker=chen,
                scopes=[],
                expires_at=later,
            )
        )
    sold = {**_sold(app, uid), **_care(app, uid), "sitting": _sitting(app)}
    with app.app_context():
        work = put(b"walked", "text/plain")
    with app.app_context(), transaction():
        chen = db.session.scalars(select(Person).where(Person.email == "chen@galaxy-chips.example")).one()
        sold |= item_world.rows(chen)
        omni = db.session.scalars(select(Person).where(Person.email == "omni@walk.example")).one()
        sold |= exam_world.rows(omni, road.application(uid).org, work)
        sold |= grade_world.rows(road.application(uid).org)
        sold |= support_world.rows(road.application(uid).org, work)
        sold |= licence_world.rows(road.application(uid).org)
        sold |= place_world.rows(road.application(uid).org, work)
        sold |= job_candidates_world.rows(road.application(uid).org, work)
        sold |= job_world.rows(road.application(uid).org, chen, work)
        sold |= service_world.rows(road.application(uid).org, work)
        sold |= close_world.rows(omni, chen)
        sold |= outlook_world.rows()
    with app.app_context():
        sold |= award_world.rows("omni@walk.example")
    _desk_rows(app, uid)
    with app.app_context(), reading():
        from portal.members.belonging import Agreement

        row = road.application(uid)
        one = db.session.scalars
        agreement = one(select(Agreement).where(Agreement.application_id == row.id)).one()
        upload = one(select(Upload).where(Upload.application_id == row.id)).first()
        assert row.invoice is not None
        assert upload is not None
        return {
            **sold,
            "application": uid,
            "agreement": agreement.uid,
            "organisation": row.org.uid,
            "invoice": row.invoice.uid,
            "file": upload.file.uid,
            "person": chen.uid,
            "contact": one(select(Contact).where(Contact.org_id == row.org_id)).all()[0].uid,
            "invitation": one(select(Invitation).where(Invitation.org_id == row.org_id)).one().uid,
            "passkey": one(select(Passkey).where(Passkey.person_id == chen.id)).one().uid,
            "session": one(select(UserSession).where(UserSession.person_id == chen.id)).all()[-1].uid,
            "attempt": one(select(CheckoutAttempt)).one().uid,
            "practice": one(select(PracticeSession)).one().session_id,
            "entry": one(select(ReceiptEntry)).one().uid,
            "grant": str(one(select(Grant).order_by(Grant.id)).all()[0].id),
            "mail": str(one(select(MailMessage).order_by(MailMessage.id)).all()[0].id),
            "pair": "1",
            "token": one(select(ApiToken)).one().uid,
            "fapiao": one(select(Fapiao)).one().uid,
            "decision": one(select(DunningDecision)).one().uid,
            "deed": one(select(Deed)).one().uid,
            "party": row.invoice.party.uid,
        }


def _sitting(app: Flask) -> str:
    with app.app_context(), transaction():
        sittings.bring_in("candidate,A,B\nx,1,0\ny,0,1\n", exam="OPDEV", name="walk", named=True)
        return db.session.scalars(select(Sitting)).one().uid


def _sold(app: Flask, uid: str) -> dict[str, str]:
    """Sell company A a subscription, quote it a change, and draft a price and a discount."""
    with app.app_context(), transaction():
        staff = db.session.scalars(select(Person).where(Person.email == "fang@house.example")).one()
        party = party_of(road.application(uid).org)
        sub = subscribing.subscribe(party, price_of("support.gold"), by="walk")
        quote = changing.quote_change(sub, price_of("support.platinum"), by="walk")
        gold = price_of("dues.gold")
        source = db.session.get_one(PriceVersion, gold.id)
        later = clock.today() + timedelta(days=30)
        fields = {**publishing.fields_of(source), "valid_from": later}
        price = publishing.draft_price(source.product, by=staff, fields=fields)
        tax = publishing.propose_tax(
            "services", bp=500, words={"en": "5 %", "zh": "5%"}, valid_from=later, by=staff
        )
        discount = discounting.offer_discount(
            by=staff, kind=DiscountKind.WAIVER, value=0, words={"en": "waived", "zh": "豁免"}, code=None, products=[],
            starts=clock.today(), reason="because",
        )  # fmt: skip
        invoice = issue_invoice(place_order(party, "walk:note", [Item(gold)]), language="en", by="walk")
        note = propose_note(invoice, NoteKind.CANCELLATION, by=staff, reason="because")
        hand = propose_entry(
            clock.today(), [("6602", Money(100)), ("1002", Money(-100))], by=staff, reason="because"
        )
        return {
            "subscription": sub.uid, "quote": quote.uid, "price": price.uid, "tax": tax.uid, "discount": discount.uid,
            "note": note.uid, "hand": hand.uid,
        }  # fmt: skip


def _desk_rows(app: Flask, uid: str) -> None:
    """Let a fapiao of the company wait, and a step of its reminders propose something."""
    with app.app_context(), transaction():
        invoice = road.application(uid).invoice
        assert invoice is not None
        chen = db.session.scalars(select(Person).where(Person.email == "chen@galaxy-chips.example")).one()
        fapiao = Fapiao(
            party=invoice.party, kind=FapiaoKind.NORMAL, title=SECRET_NAME, tax_number="", address="", telephone="",
            bank="", bank_account="", amount=Money(100), by=chen,
        )  # fmt: skip
        db.session.add(fapiao)
        db.session.flush()
        db.session.add(FapiaoPart(fapiao=fapiao, invoice=invoice, amount=Money(100)))
        notice = DunningNotice(
            invoice=invoice, step="service", place=4, action="propose_block", due_on=clock.today(),
            reached_on=clock.today(), state=NoticeState.DROPPED,
        )  # fmt: skip
        db.session.add(notice)
        db.session.flush()
        db.session.add(DunningDecision(notice=notice))
        rui = db.session.scalars(select(Person).where(Person.email == "rui@house.example")).one()
        paper = db.session.scalars(select(Upload)).first()
        db.session.add(
            Deed(
                org=invoice.party.org or road.application(uid).org, verb=DeedVerb.SET_FOUNDING, detail={"founding": True},
                reason="because", by=rui, seen=0, preview=[], paper=paper.file if paper else None,
            )
        )  # fmt: skip


def _care(app: Flask, uid: str) -> dict[str, str]:
    """Let company A claim a benefit before its membership, open its domain, be asked, and have a letter about it."""
    with app.app_context():
        content = put(road.picture(), "image/png")
    with app.app_context(), transaction():
        org = road.application(uid).org
        chen = db.session.scalars(select(Person).where(Person.email == "chen@galaxy-chips.example")).one()
        membership = db.session.scalars(select(Membership).where(Membership.org_id == org.id)).one()
        benefit = Benefit(
            membership=membership, benefit="custom_support", quantity=2, start=clock.today(), end=None, source="walk:1",
            application=road.application(uid),
        )  # fmt: skip
        claim = Claim(
            grant=benefit, quantity=1, tier="silver", category="software", by=chen, provisional=True
        )
        domain = MailDomain(org=org, domain="galaxy-chips.example", by=chen)
        request = JoinRequest(person=chen, org=org, role=ContactRole.HR)
        scan = StoredFile(
            sha256=content.sha256, name="letter.png", media_type=content.media_type, size=content.size, purpose="walk"
        )  # fmt: skip
        letter = OwnerLetter(
            org=org, email="x@quokka.example", language="en", reason="walk", file=scan, by=chen
        )
        db.session.add_all([benefit, claim, domain, request, scan, letter])
        db.session.flush()
        return {
            "benefit": benefit.uid, "claim": claim.uid, "domain": domain.uid, "request": request.uid, "letter": letter.uid,
        }  # fmt: skip


def missing_rows() -> dict[str, str]:
    """Return values that name nothing."""
    kinds = {what for what in KNOWN.values() if not what.startswith("word:")}
    return {what: "987654321" if what in NUMBERS else MISSING for what in kinds}


def applications_of(app: Flask, name: str) -> int:
    """Return how many applications the organisation of a legal name has."""
    with app.app_context(), reading():
        rows = select(Application).join(Organisation).where(Organisation.legal_name == name)
        return len(db.session.scalars(rows).all())
