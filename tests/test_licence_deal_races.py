"""Purchases, memberships, money and chores at the same instant, in real processes, on both databases."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.services.licences import buying
from portal.services.licences.models.deal import LicenceQuote
from portal.services.licences.models.licence import Licence, LicenceTerm, LicenceTool
from tests import dealt, membership
from tests.test_races import run

pytestmark = pytest.mark.race
ORGS = 4

# At each race one process buys, one approves the membership, one settles what is to be paid, one gives it up.
RACER = """
import sys, time
from pathlib import Path
from portal.app import create_app
from portal.accounts.organisations import Organisation
from portal.billing import issuing
from portal.billing.models import Invoice
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
from portal.services.licences import buying, deal_chores
from portal.services.licences.denial import Denied
from portal.services.licences.models.deal import LicenceQuote
from tests import membership
home, me, many, deed, first, last = sys.argv[1:]
def together(race):
    (Path(home) / f"{race}-{me}").touch()
    while len(list(Path(home).glob(f"{race}-*"))) < int(many):
        time.sleep(0.005)
def once(number):
    with transaction():
        org = db.session.get_one(Organisation, number)
        if deed == "buy":
            buying.order(org, "flagscale-node", 300, by="race")
        elif deed == "join":
            membership.member(org, start=clock.today())
        else:
            quote = db.session.query(LicenceQuote).join(LicenceQuote.licence).filter_by(org_id=number).one()
            if deed == "pay":
                invoice = issuing.locked(quote.invoice_id)
                membership.pay(org, issuing.owed(invoice), ref=f"P{number}-{me}", invoice=invoice)
            else:
                buying.cancel(quote, by="race")
    return "done"
with create_app().app_context():
    for race in range(int(first), int(last) + 1):
        together(f"{deed in ('pay', 'cancel')}{race}")
        try:
            print(race, patiently(lambda: once(race)))
        except Denied as denied:
            print(race, denied.code.value)
        except Refused:
            print(race, "refused")
        except Exception as error:  # the others wait for this one at the next race
            print(race, type(error).__name__, str(error)[:300].replace(chr(10), " "))
"""


def said(app: Flask, home: Path, *deeds: str, orgs: list[int]) -> dict[str, list[str]]:
    """Let a process for each deed run at the same companies; return what each was told, company by company."""
    words = (
        (str(home), str(n), str(len(deeds)), deed, str(orgs[0]), str(orgs[-1]))
        for n, deed in enumerate(deeds)
    )
    told = run(app, home, RACER, *words)
    return {
        f"{deed}{n}": [line.split(" ", 1)[1] for line in text.splitlines() if line[:1].isdigit()]
        for n, (deed, text) in enumerate(zip(deeds, told, strict=True))
    }


def test_a_purchase_and_an_approved_membership_at_once_give_one_live_licence(
    app: Flask, tmp_path: Path
) -> None:
    """Invariant 16."""
    with app.app_context(), transaction():
        orgs = [membership.company(f"Race {n} Ltd", f"r{n}@race{n}.example").id for n in range(ORGS)]
    told = said(app, tmp_path, "buy", "join", "buy", orgs=orgs)
    assert told["join1"] == ["done"] * ORGS, told
    with app.app_context(), reading():
        live = (
            select(LicenceTool.org_id, LicenceTool.tool, func.count(LicenceTool.id))
            .where(LicenceTool.ended_at.is_(None))
            .group_by(LicenceTool.org_id, LicenceTool.tool)
            .order_by(LicenceTool.org_id, LicenceTool.tool)
        )
        assert [tuple(row) for row in db.session.execute(live)] == [
            (org, tool, 1) for org in orgs for tool in ("flagscale", "triton-copilot")
        ]
        assert told["join1"] == ["done"] * ORGS
        for pair in zip(told["buy0"], told["buy2"], strict=True):
            assert sorted(pair) == ["LICENCE_EXISTS", "done"]
        assert dealt.count(LicenceQuote) == ORGS
        assert db.session.scalar(select(func.count(LicenceTerm.id))) == 2 * ORGS
        assert {one.nodes for one in db.session.scalars(select(LicenceTerm))} == {200}
    dealt.in_order(app)


def test_money_and_a_cancellation_at_once_end_as_one_of_the_two(app: Flask, tmp_path: Path) -> None:
    with app.app_context(), transaction():
        rows = [membership.company(f"Race {n} Ltd", f"r{n}@race{n}.example") for n in range(ORGS)]
        for one in rows:
            buying.order(one, dealt.PLAN, 10, by="test")
        orgs = [one.id for one in rows]
    told = said(app, tmp_path, "pay", "cancel", "pay", orgs=orgs)
    with app.app_context(), reading():
        for n, org in enumerate(orgs):
            row = db.session.scalars(select(Licence).where(Licence.org_id == org)).one()
            paid = row.state == "active"
            assert told["cancel1"][n] == ("refused" if paid else "done")
            assert db.session.scalar(
                select(func.count(LicenceTerm.id)).where(LicenceTerm.licence_id == row.id)
            ) == int(paid)
    dealt.in_order(app)
    assert clock.today() > date(2020, 1, 1)
