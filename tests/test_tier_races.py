"""A change of tier confirmed in two tabs at once, and paid while it is confirmed, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.billing.models import Invoice
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.members.belonging import Term
from portal.members.tier_models import TierQuote, TierQuoteState
from tests import tiers
from tests.test_races import run, soon

pytestmark = pytest.mark.race

CONFIRMER = """
import sys, time
from portal.app import create_app
from portal.accounts.people import Person
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
from portal.members import tier_changes
from portal.members.tier_models import TierQuote
def confirm():
    with transaction():
        who = db.session.query(Person).filter(Person.email.startswith("chen@")).one()
        tier_changes.change_tier(db.session.query(TierQuote).one(), by=who)
with create_app().app_context():
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    try:
        patiently(confirm)
        print("confirmed")
    except Refused:
        print("refused")
"""


def test_two_tabs_confirm_one_change_and_make_one_invoice(app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        with transaction():
            tiers.house()
            tiers.member("gold", clock.today())
        with transaction():
            number = tiers.approved("platinum").id
    start = soon()
    said = run(app, tmp_path, CONFIRMER, *((str(n), start) for n in range(3)))
    assert sorted(word.strip() for word in said) == ["confirmed", "refused", "refused"]
    with app.app_context():
        with reading():
            assert db.session.scalar(select(func.count(Invoice.id))) == 2
            assert db.session.get_one(TierQuote, number).state is TierQuoteState.CONFIRMED
        with transaction():
            tiers.money(tiers.bill(number))
        with reading():
            assert db.session.scalar(select(func.count(Term.id))) == 2
        assert tiers.clean() == []
