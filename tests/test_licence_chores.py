"""Invariant 7: with every chore of licensing off for a year, each answer to a node is the same as with all of them.

Not in it: small increases that are collected and then unpaid for a month, whose terms a chore closes: that is a debt.
"""

from __future__ import annotations

import os
import random
from contextlib import suppress
from datetime import date, datetime, timedelta

import pytest
from flask import Flask

from portal.core import chores, clock, signing
from portal.core.db import let_go, transaction
from portal.core.errors import Refused
from portal.core.signing import KeyUse
from portal.services.licences import buying, changing, files, keyring
from portal.services.licences.denial import Denied
from portal.services.licences.models.licence import Licence
from tests import dealt, licences, membership
from tests.dealt import buyer, only
from tests.test_licence_money import taking_invoice

FIRST = date(2026, 1, 1)
EVERY = 1 if os.environ.get("PROOFS") else 5  # days
LICENSING = (
    "announce_licences",
    "offer_licence_renewals",
    "cancel_pending_licences",
    "close_licence_changes",
)
NODES = tuple(f"node-{n}" for n in range(5))


@pytest.fixture
def house(app: Flask) -> Flask:
    membership.house(app)
    with app.app_context(), clock.stopped_at(FIRST), transaction():
        signing.create(KeyUse.LICENCE, by="One", second="Other", months=60)
    return app


def year(app: Flask, name: str, *, with_chores: bool) -> list[tuple[str, str, str]]:
    """Let a company's nodes live for a year and a month; return every answer that they got, by the hour and the node."""
    with app.app_context(), clock.stopped_at(FIRST), transaction():
        buyer(name, f"it@{name.split()[0].lower()}.example")
    with app.app_context(), clock.stopped_at(FIRST), transaction():
        row = _buys(name)
        key = keyring.make(row.id, label="cluster", by="test", most_nodes=2)[1]
    chance, told = random.Random(7), list[tuple[str, str, str]]()
    for day in range(396):
        moment = clock.start_of(FIRST + timedelta(days=day)) + timedelta(hours=9)
        if with_chores and day % EVERY == 0:
            for chore in LICENSING:
                with app.app_context():
                    chores.run(chore, as_of=FIRST + timedelta(days=day))
                    let_go()
        if chance.random() < 0.12 or day in {364, 365, 366, 379, 380, 381}:
            told += _asked(app, name, key, moment, chance)
    return told


def _buys(name: str) -> Licence:
    row = buying.order(dealt.org(name), dealt.PLAN, 100, by="test", language="en")
    dealt.pay(taking_invoice(row))
    return row


def _asked(
    app: Flask, name: str, key: str, start: datetime, chance: random.Random
) -> list[tuple[str, str, str]]:
    """Let nodes do what nodes do within two hours of a day, and a person now and then."""
    found = []
    for step in range(6):
        node, act, at = chance.choice(NODES), chance.choice("vvpppgb"), start + timedelta(minutes=17 * step)
        with app.app_context(), clock.stopped_at(at):
            found.append((f"{at:%m-%d %H:%M}", node, _answer(name, key, node, act)))
            found.append((f"{at:%m-%d %H:%M}", "limit", str(dealt.limit(only(name=name), at))))
    if (
        chance.random() < 0.1 and start.month < 12
    ):  # more nodes are asked for and never paid: a chore closes what nobody pays
        with (
            app.app_context(),
            clock.stopped_at(start + timedelta(hours=3)),
            suppress(Refused),
            transaction(),
        ):
            # One may be open already, or the year be over.
            changing.accept(changing.quote(only(name=name), 400, by="test"), by="test")
    return found


def _answer(name: str, key: str, node: str, act: str) -> str:
    try:
        if act == "v":
            return licences.code_of(key, node)
        if act == "p":
            seated = licences.claim(key, node)
            return f"{seated.code} until {seated.lease_until:%m-%d %H:%M}"
        if act == "g":
            licences.goodbye(key, node)
            return "gone"
        with transaction():
            file = files.issue(only(name=name).id, [node], 3, by="test")
            return f"file until {file.expires_at:%m-%d %H:%M}"
    except Denied as denied:
        return f"{denied.code} {sorted((k, str(v)) for k, v in denied.facts.items() if k != 'refused')}"


def test_a_year_without_chores_answers_as_a_year_with_them(house: Flask) -> None:
    without = year(house, "Galaxy Ltd", with_chores=False)
    beside = year(house, "Nebula Ltd", with_chores=True)
    assert without == beside
    heard = {answer.split(" ")[0] for _at, _node, answer in without}
    assert heard >= {
        "VALID",
        "VALID_GRACE",
        "EXPIRED",
        "NODE_UNKNOWN",
        "LEASE_LAPSED",
        "KEY_LIMIT_REACHED",
        "gone",
        "file",
    }
