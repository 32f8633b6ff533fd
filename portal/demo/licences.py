"""What the demo shows of licences: one that was bought and grew, one with a membership, nodes that run, what waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from sqlalchemy import select

from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.billing import issuing, settling
from portal.billing.models import Invoice
from portal.billing.money_models import Way
from portal.core import clock, signing
from portal.core.db import db, reading, transaction
from portal.core.signing import KeyUse
from portal.members import names
from portal.services.licences import (
    buying,
    changing,
    files,
    following,
    granting,
    keyring,
    keys,
    life,
    putting,
)
from portal.services.licences.judge import Ask
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.record import Verb
from portal.services.licences.seats import Report

Who = Callable[[str], Person]
Holder = Callable[[str, str, str], Person]
PLAN, TOOL = "flagscale-node", "flagscale"
BUYER, MEMBER, WAITS, SCHOOL = "赤杨云计算有限公司", "qinghe-models", "seachart-ai", "example-tech-edu"
BOUGHT, GREW, SMALL, OPEN = 205, 62, 9, 4  # days ago
ROLES = (ContactRole.OWNER, ContactRole.SIGNATORY, ContactRole.BILLING, ContactRole.TECHNICAL)
CHIPS = ("Ascend 910B", "MLU590", "BW1000", "NVIDIA H20")


def sales(who: Who, holder: Holder, today: date) -> list[tuple[int, Callable[[], None]]]:
    """Return what a company that is no member bought, and a member's order that is open, with how many days ago, to be done in order of time."""

    def buy() -> None:
        with clock.stopped_at(today - timedelta(days=BOUGHT)), transaction():
            owner = holder("owner@alder-cloud.example", "赤杨云负责人", "zh_Hans_CN")
            org = Organisation(legal_name=BUYER, category="server")
            org.legal_name_en, org.homepage = "Alder Cloud Ltd", "https://www.alder-cloud.example"
            db.session.add(org)
            db.session.add_all(
                Contact(person=owner, org=org, role=role, start=clock.today()) for role in ROLES
            )
            db.session.flush()
            names.index(org)
            row = buying.order(org, PLAN, 80, by=owner)
            waits = buying.waiting(row)
            _pay(waits.invoice if waits is not None else None)

    def grow() -> None:
        with clock.stopped_at(today - timedelta(days=GREW)), transaction():
            row = _bought()
            quote = changing.accept(changing.quote(row, 140, by="demo"), by="demo")
            _pay(quote.invoice)

    def a_few_more() -> None:
        with clock.stopped_at(today - timedelta(days=SMALL)), transaction():
            changing.accept(changing.quote(_bought(), 144, by="demo"), by="demo")

    def leave_open() -> None:
        with clock.stopped_at(today - timedelta(days=OPEN)), transaction():
            buying.order(_org(who(WAITS)), "triton-node", 12, by=who(WAITS))

    return [(BOUGHT, buy), (GREW, grow), (SMALL, a_few_more), (OPEN, leave_open)]


def _bought() -> Licence:
    org = db.session.scalars(select(Organisation).where(Organisation.legal_name == BUYER)).one()
    found = life.live_for(org, TOOL)
    if found is None:
        raise ValueError("the demo bought no licence")
    return found


def _pay(invoice: Invoice | None) -> None:
    if invoice is None:
        return
    receipt, _new = settling.record_receipt(
        Way.BANK, "bank", f"LICENCE-{invoice.number}", issuing.owed(invoice), clock.today(), payer=invoice.buyer_name,
        party=invoice.party, by="demo",
    )  # fmt: skip
    settling.put_on(receipt, invoice, by="demo")


def _org(owner: Person) -> Organisation:
    return db.session.scalars(
        select(Organisation)
        .join(Contact, Contact.org_id == Organisation.id)
        .where(Contact.person_id == owner.id, Contact.role == ContactRole.OWNER)
    ).one()


def fill(who: Who, today: date) -> None:
    """Let nodes run, a file hold two of them, and something wait for its money and for a second person."""
    with clock.stopped_at(today - timedelta(days=BOUGHT - 1)), transaction():
        bought = _bought()
        life.change(bought, name="生产集群", lease_seconds=86_400, by="demo")
        key = keyring.make(bought.id, label="prod-1", by="demo")[1]
    with clock.stopped_at(today - timedelta(days=40)), transaction():
        live = following.live_of(_org(who(MEMBER)), [TOOL])
        second = None
        if live is not None:
            life.change(live, name="训练集群", lease_seconds=86_400, by="demo")
            second = keyring.make(live.id, label="train-a", by="demo")[1]
    now = clock.now() - timedelta(minutes=20)
    _grow(key, "gpu", [(BOUGHT - 1, 22), (150, 24), (100, 20), (GREW - 1, 30), (20, 12)], now)
    _run(key, "gpu", 97, now)
    if second is not None:
        _grow(second, "train", [(39, 16), (12, 20)], now)
        _run(second, "train", 33, now)
    _file(bought.id, today)
    _waits(who, today)


def _grow(key: str, stem: str, steps: list[tuple[int, int]], now: datetime) -> None:
    """Let nodes come in waves, some of which left again."""
    made = 0
    for ago, many in steps:
        with clock.stopped_at(now - timedelta(days=ago)):
            for n in range(made, made + many):
                _claim(key, stem, n)
            for n in range(made, made + many, 11):
                putting.drop(_digests(key), _name(stem, n), "")
        made += many


def _run(key: str, stem: str, many: int, now: datetime) -> None:
    """Let the first so many report just now; the others are silent."""
    with clock.stopped_at(now):
        for n in range(many):
            if n % 11:
                _claim(key, stem, n)


def _digests(key: str) -> tuple[str, ...]:
    body = keys.read(key)
    return keys.digests(body) if body is not None else ()


def _name(stem: str, n: int) -> str:
    return f"k8s:prod-1.{stem}-{n:03d}"


def _claim(key: str, stem: str, n: int) -> None:
    said = Report(
        name=f"{stem}-{n:03d}", platform="linux/arm64" if n % 3 else "linux/amd64", accelerator=CHIPS[n % len(CHIPS)],
        tool_version="2.1.0" if n % 5 else "2.0.3",
    )  # fmt: skip
    putting.put(_digests(key), Ask(_name(stem, n), TOOL), said)


def _file(licence_id: int, today: date) -> None:
    with reading():
        ready = signing.current(KeyUse.LICENCE) is not None
    if ready:
        with clock.stopped_at(today - timedelta(days=3)), transaction():
            files.issue(licence_id, [_name("gpu", 1), _name("gpu", 2)], 30, by="demo")


def _waits(who: Who, today: date) -> None:
    """Leave a grant to be decided by a second of staff."""
    with clock.stopped_at(today - timedelta(days=1)), transaction():
        granting.propose_nodes(
            _org(who(SCHOOL)),
            PLAN,
            Verb.GRANT,
            nodes=16,
            days=180,
            reason="操作系统课程实验",
            by=who("agent"),
        )
