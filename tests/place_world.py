"""Rows of statements, places, slots and copies for the walk through every door."""

from __future__ import annotations

from datetime import date, timedelta

from portal.accounts.may import StaffRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing.months import first_of
from portal.core import clock
from portal.core.db import db
from portal.core.files import Content
from portal.core.money import Money
from portal.services.slots import giving
from portal.services.slots.kinds import WorkKind
from portal.services.sponsors import editions, fulfilling, taking
from portal.services.sponsors.kinds import PromiseKind, Scope
from portal.services.statements import reporting, sellers
from portal.services.statements.models import ComputeFile, ComputeSeller
from portal.services.statements.reading import Told
from portal.services.statements.reporting import Attached
from tests.people import make_person

KNOWN: dict[tuple[str, str], str] = {
    ("compute", "uid"): "statement",
    ("compute", "file"): "statement_file",
    ("compute_office", "uid"): "statement",
    ("compute_office", "file"): "statement_file",
    ("compute_office.seller", "uid"): "compute_seller",
    ("compute_office.set_rate", "uid"): "compute_seller",
    ("compute_office.end", "uid"): "compute_seller",
    ("api_statements", "uid"): "statement",
    ("sponsors", "uid"): "sponsor_place",
    ("sponsors", "item"): "sponsor_item",
    ("sponsors_office", "uid"): "sponsor_place",
    ("sponsors_office", "item"): "sponsor_item",
    ("sponsors_office", "deed"): "word:keeping",
    ("sponsors_office.edition", "uid"): "sponsor_edition",
    ("sponsors_office.offer", "uid"): "sponsor_edition",
    ("sponsors_office.hold", "uid"): "sponsor_edition",
    ("sponsors_office.promise", "uid"): "sponsor_package",
    ("slots", "uid"): "slot_request",
    ("slots", "deed"): "word:withdrawal",
    ("slots_office", "uid"): "slot_request",
    ("slots_office", "code"): "word:2999Q1",
}


def rows(org: Organisation, content: Content) -> dict[str, str]:
    """Let a company sell compute and report a month with a file; call inside a transaction."""
    staff = make_person("walkplaces@house.example", "Walk Places", staff=(StaffRole.SERVICE_MANAGER,))
    month = first_of(first_of(clock.today()) - timedelta(days=1))
    seller = ComputeSeller(org=org, since=month, contract="C-walk")
    db.session.add(seller)
    db.session.flush()
    statement = sellers.expect(seller, month)
    assert statement is not None
    told = Told(month, "Quokka hours", 1000, 100, 100, "")
    reporting.report(statement, [told], by=staff, files=[Attached(content, "evidence.txt")])
    file = db.session.query(ComputeFile).one().file
    return {
        "statement": statement.uid, "statement_file": file.uid, "compute_seller": seller.uid,
        **_sponsor(org, content, staff), "slot_request": _slot(org, staff),
    }  # fmt: skip


def _sponsor(org: Organisation, content: Content, staff: Person) -> dict[str, str]:
    today = clock.today()
    edition = editions.announce(
        event="quokka", year=today.year, names={"zh": "袋鼠", "en": "Quokka summit"}, city="Perth",
        first_day=today + timedelta(days=100), last_day=today + timedelta(days=101), by=staff,
    )  # fmt: skip
    package = editions.offer(
        edition, names={"zh": "展位", "en": "Quokka booth"}, product="sponsorship.partner", price=Money(5_000_000),
        quantity=2, scope=Scope.NONE, title=False, by=staff,
    )  # fmt: skip
    editions.promise(
        package, kind=PromiseKind.ASSET, words={"zh": "标志", "en": "Quokka logo"}, days=0, by=staff
    )
    place = taking.hold(package, org, by=staff)
    taking.sign(place, contract="SP-walk", by=staff)
    (item,) = fulfilling.items(place)
    fulfilling.hand_in(item, by=staff, words="here", file=(content, "logo.txt"))
    return {
        "sponsor_edition": edition.uid, "sponsor_package": package.uid, "sponsor_place": place.uid,
        "sponsor_item": item.uid,
    }  # fmt: skip


def _slot(org: Organisation, staff: Person) -> str:
    giving.set_capacity(date(2999, 1, 1), slots=1, person_days=20, by=staff)
    return giving.ask(org, kind=WorkKind.CHIP, wish="Quokka card", by=staff).uid
