"""A believable foundation, dated relative to today: made by the real verbs, in order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import select

from portal.accounts import contacts, passwords, tickets
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.people import Grant, Person, TicketKind
from portal.billing import settling
from portal.billing.money_models import ReceiptEntry
from portal.core import clock, flags, outbox
from portal.core.db import db, let_go, transaction
from portal.core.errors import Refused
from portal.demo import awards as demo_awards
from portal.demo import bank as demo_bank
from portal.demo import candidates as demo_candidates
from portal.demo import closed as demo_closed
from portal.demo import desk as demo_desk
from portal.demo import exam_now as demo_exam_now
from portal.demo import exam_past as demo_exam_past
from portal.demo import exams as demo_exams
from portal.demo import items as demo_items
from portal.demo import jobs as demo_jobs
from portal.demo import licence_cases as demo_licence_cases
from portal.demo import licences as demo_licences
from portal.demo import members as demo_members
from portal.demo import money as demo_money
from portal.demo import outlook as demo_outlook
from portal.demo import perks as demo_perks
from portal.demo import places as demo_places
from portal.demo import prices as demo_prices
from portal.demo import services as demo_services
from portal.demo import wall as demo_wall
from portal.demo.cast import FIRMS, NEWCOMERS, PASSWORD, STAFF, Firm, credit_code
from portal.demo.scans import scan
from portal.members import agreements, drafting, quorum, review
from portal.members.belonging import Agreement
from portal.members.models import Application


@contextmanager
def at(day: date) -> Iterator[None]:
    """Hold the clock at noon of a day."""
    with clock.stopped_at(day):
        yield


def _person(key: str, name: str, language: str, hashed: str) -> Person:
    person = Person(
        email=f"{key}.example".lower() if "@" in key else f"{key}@flagos.example",
        name=name,
        language=language,
    )
    person.password_hash, person.demo, person.verified_at = hashed, True, clock.now()
    db.session.add(person)
    db.session.flush()
    return person


class Demo:
    """The cast of the demo, and the steps that build it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.hashed = passwords.hashed(PASSWORD)
        self.ids: dict[str, int] = {}

    def who(self, key: str) -> Person:
        """Return somebody of the cast."""
        return db.session.get_one(Person, self.ids[key])

    def cast(self, day: date) -> None:
        """Hire the staff."""
        with at(day), transaction():
            db.session.add(flags.Flag(name=flags.DEMO))
            self.hire(STAFF, day)

    def hire(self, people: list[tuple[str, str, StaffRole, str]], day: date) -> None:
        """Make accounts for people who work here from a day on; call inside a transaction."""
        for key, name, role, language in people:
            person = _person(key, name, language, self.hashed)
            self.ids[key] = person.id
            db.session.add(Grant(person=person, role=role, by_name="demo", start=day))

    def holder(self, email: str, name: str, language: str) -> Person:
        """Make an account for somebody who was certified."""
        return _person(email.removesuffix(".example"), name, language, self.hashed)

    def apply(self, firm: Firm, n: int, day: date) -> int:
        """Let a firm fill in its form and send it."""
        content = scan(firm.en)
        with at(day), transaction():
            language = "zh_Hans_CN" if n % 3 else "en"
            owner = _person(
                f"owner@{firm.site}",
                f"{firm.en} Owner" if language == "en" else f"{firm.zh[:2]}负责人",
                language,
                self.hashed,
            )
            self.ids[firm.site] = owner.id
            row = drafting.start(None, by=owner, name=firm.zh, tier=firm.tier, language=language)
            drafting.save(row, self._answers(firm, n, owner), by=owner)
            drafting.attach(row, "licence", content, "licence.png", by=owner)
            drafting.submit(row, by=owner)
            return row.id

    def _answers(self, firm: Firm, n: int, owner: Person) -> dict[str, Any]:
        return {
            "legal_name": firm.zh, "legal_name_en": f"{firm.en} Ltd", "country": "CN", "registration": credit_code(n),
            "category": firm.category, "homepage": f"https://www.{firm.site}.example", "address": f"北京市示例区示例路 {n} 号",
            "tier": firm.tier, "why": "希望让模型在更多芯片上高效运行，并参与共建。", "chips": "第一代与第二代加速卡",
            "department": "计算机学院", "strategy": "由首席技术官参与技术治理。", "founded": "2024",
            "display_name_zh": firm.zh.removesuffix("有限公司").removesuffix("科技"), "display_name_en": firm.en, "listing": "yes",
            "signatory_name": owner.name, "signatory_email": owner.email,
            "billing_name": owner.name, "billing_email": owner.email,
        }  # fmt: skip

    def do(self, day: date, key: str, verb: Any, application_id: int, **more: Any) -> None:
        """Let somebody do one verb on a case."""
        with at(day), transaction():
            verb(db.session.get_one(Application, application_id), by=self.who(key), **more)

    def recommend(self, day: date, case: int, tier: str) -> None:
        """Give the recommendations a tier asks for."""
        voices = (
            [("legal", StaffRole.LEGAL), ("finance", StaffRole.FINANCE)]
            if tier in {"platinum", "gold"}
            else [("legal", StaffRole.LEGAL)]
        )
        for key, role in voices:
            self.do(
                day, key, review.recommend, case, role=role, in_favour=True, reason="材料齐全，符合要求。"
            )

    def sign(self, day: date, case: int, firm: Firm) -> None:
        """Send, sign and counter-sign the agreement."""
        with at(day):
            outbox.drain("demo")
        uid = select(Agreement).where(Agreement.application_id == case)
        with at(day), transaction():
            agreements.send(db.session.scalars(uid).one(), by=self.who("legal"))
        with at(day), transaction():
            row = db.session.scalars(uid).one()
            owner = self.who(firm.site)
            agreements.sign_by_click(
                row, by=owner, typed_name=owner.name, sha256=row.document.sha256 if row.document else ""
            )
        with at(day), transaction():
            agreements.countersign(db.session.scalars(uid).one(), by=self.who("signer"))

    def pay(self, day: date, case: int, n: int, *, confirm: bool = True) -> None:
        """Let the firm's transfer arrive, written down by one of finance and confirmed by the other."""
        with at(day), transaction():
            invoice = db.session.get_one(Application, case).invoice
            if invoice is None or not invoice.gross:
                return
            entry = settling.propose_receipt(
                bank_ref=f"20{n:08d}", amount=invoice.gross, received_on=day, payer=invoice.buyer_name,
                text=f"会费 {invoice.reference}", by=self.who("finance"),
            )  # fmt: skip
            number = entry.id
        if confirm:
            with at(day), transaction():
                settling.confirm_receipt(db.session.get_one(ReceiptEntry, number), by=self.who("finance2"))

    def prepare(self, day: date, case: int, firm: Firm) -> None:
        """Bring what the tier or kind asks for beside the voices: the minute of the board, a second check."""
        if firm.tier == "platinum":
            content = scan("Minute of the board")
            with at(day), transaction():
                row = db.session.get_one(Application, case)
                quorum.attach_minute(row, content, "minute.png", by=self.who("secretary"))
        if firm.category == "university":
            self.do(day, "rui2", quorum.check_papers, case)

    def live(self, firm: Firm, n: int, today: date) -> None:
        """Take one firm as far along the road as its stage says."""
        start = today - timedelta(days=firm.days_ago)
        case = self.apply(firm, n, start)
        if firm.stage == "submitted":
            return
        self.do(start, "rui", review.take, case)
        if firm.stage == "returned":
            questions = {
                "why": "请具体说明计划适配哪些模型。",
                "licence": "扫描件右下角不清晰，请重新上传。",
            }
            self.do(start, "rui", review.ask, case, comments=questions)
            return
        self.recommend(start, case, firm.tier)
        if firm.stage == "recommended":
            return
        if firm.stage == "rejected":
            words = {
                "zh": "提交的材料暂不能证明机构成立年限。",
                "en": "The papers do not yet prove the year of foundation.",
            }
            self.do(start, "director", review.reject, case, code="papers", reason=words)
            return
        self.prepare(start, case, firm)
        founder = firm.stage == "founder"
        if founder:
            self.do(start, "rui", review.propose_waiver, case, reason="首批受邀的创始会员，首年会费豁免。")
        self.do(start, "director", review.approve, case, founding=founder)
        if firm.stage == "approved":
            return
        self.sign(start, case, firm)
        if firm.site in demo_money.ONLINE:
            demo_money.pay_online(start, case)
            return
        self.pay(start, case, n, confirm=firm.stage != "signed")


def build(app: Flask) -> None:
    """Fill an empty database with the demo; `Refused` if anybody is in it already."""
    if db.session.scalar(select(Person.id).limit(1)) is not None:
        raise Refused("The demo goes into an empty database; this one has people in it.")
    let_go()
    today = clock.today()
    demo = Demo(app)
    with app.test_request_context("/", method="POST"):
        demo.cast(today - timedelta(days=320))
        for _ago, happens in _timeline(demo, today):
            happens()
        _complete_contacts(demo, today)
        for part in (demo_desk, demo_money, demo_prices, demo_bank, demo_members, demo_perks, demo_wall):
            part.fill(demo.who, today)
        demo_items.fill(demo.who, today)
        demo_awards.keys(today)
        demo_exam_past.fill(demo.who, today)
        demo_exams.fill(demo.who, today)
        demo_exam_now.fill(demo.who)
        with at(today), transaction():
            demo.hire(NEWCOMERS, today)
        demo_awards.fill(demo.who, today, demo.holder)
        for part in (
            demo_services, demo_licences, demo_licence_cases, demo_places, demo_outlook, demo_jobs, demo_candidates,
        ):  # fmt: skip
            part.fill(demo.who, today)
        demo_closed.fill(demo.who, today)


def _timeline(demo: Demo, today: date) -> list[tuple[int, Callable[[], None]]]:
    """Return what happened before today, the oldest first: numbers of invoices and their days rise together."""
    happened: list[tuple[int, Callable[[], None]]] = [
        (firm.days_ago, partial(demo.live, firm, n, today)) for n, firm in enumerate(FIRMS, 1)
    ]
    happened += [
        *demo_desk.sales(demo.who, today),
        *demo_prices.sales(today),
        *demo_exams.sales(demo.holder, today),
        *demo_licences.sales(demo.who, demo.holder, today),
        *demo_services.sales(demo.who, today),
    ]
    return sorted(happened, key=lambda one: -one[0])


def _complete_contacts(demo: Demo, today: date) -> None:
    """Give the first member a full set of contacts, so that its checklist shows progress."""
    with at(today), transaction():
        owner = demo.who(FIRMS[0].site)
        first = db.session.scalars(select(Application).where(Application.applicant_id == owner.id)).one().org
        for role in (ContactRole.REPRESENTATIVE, ContactRole.TECHNICAL, ContactRole.MARKETING):
            contacts.appoint(owner, first, role, by=owner)


class SignIn(NamedTuple):
    """How to come in as somebody of the demo."""

    role: str
    name: str
    email: str
    path: str


def sign_ins() -> list[SignIn]:
    """Return one way in for each role: fresh links that skip the second factor, for the demo only."""
    found = []
    people = [(role.value, f"{key}@flagos.example") for key, _name, role, _lang in (*STAFF, *NEWCOMERS)]
    people += [("member", f"owner@{FIRMS[0].site}.example"), ("applicant", f"owner@{FIRMS[11].site}.example")]
    people += [("certified", "holder@certs.example"), ("candidate", demo_exams.CANDIDATE)]
    people += [(role, f"{key}@exams.example") for role, key in demo_exams.LATELY]
    with transaction():
        for role, email in people:
            person = db.session.scalars(select(Person).where(Person.email == email)).first()
            if person is not None:
                secret = tickets.give(TicketKind.DEMO, person)
                found.append(SignIn(role, person.name, email, f"/demo/{secret}"))
    return found
