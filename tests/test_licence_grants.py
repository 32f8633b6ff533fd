"""Trials, grants, long files and transfers: what is had once, and what takes two of staff; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts import merging
from portal.accounts.may import StaffRole
from portal.core import clock, signing
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.money import Money
from portal.core.signing import KeyUse
from portal.services.licences import buying, changing, granting, keyring, life, transferring, undecided
from portal.services.licences.denial import Denied
from portal.services.licences.models.licence import Licence, LicenceState
from portal.services.licences.models.record import LicenceFile, LicenceProposal, Verb
from tests import dealt, membership
from tests.dealt import PLAN, TOOL, buyer, limit, nightly, on, only, pay, spans_of
from tests.licences import claim, code_of
from tests.people import make_person
from tests.test_licence_money import bought

NEW_YEAR, JUNE = date(2026, 1, 1), date(2026, 6, 1)


@pytest.fixture
def house(app: Flask) -> Iterator[Flask]:
    membership.house(app)
    yield app
    dealt.in_order(app)


def test_a_trial_is_had_once_and_gives_no_grace(house: Flask) -> None:
    with on(house, NEW_YEAR):
        row = granting.start_trial(buyer(), PLAN, by="test")
        assert (row.state, limit(row, NEW_YEAR)) == (LicenceState.ACTIVE, 5)
        assert spans_of(row) == [("trial", 5, "2026-01-01", "2026-01-31")]
        assert limit(row, date(2026, 2, 1)) == 0
        with pytest.raises(Refused):
            granting.start_trial(dealt.org(), PLAN, by="test")
        offer = next(one for one in buying.offered(dealt.org()) if one.plan.code == PLAN)
        assert (offer.can, offer.trial) == ("buy", False)
        other = next(one for one in buying.offered(dealt.org()) if one.plan.code != PLAN)
        assert other.trial
    with on(house, date(2026, 1, 20)):
        bought_now = buying.order(dealt.org(), PLAN, 10, by="test")
        assert bought_now.id == only().id  # the same licence goes on
        pay(buying.waiting(bought_now).invoice)  # type: ignore[union-attr]
        assert limit(only(), date(2026, 1, 21)) == 15
        assert limit(only(), date(2026, 2, 1)) == 10


def test_a_grant_takes_two_of_staff_and_a_declined_one_leaves_nothing(house: Flask) -> None:
    with on(house, NEW_YEAR):
        fang, feng = membership.person("fang"), membership.person("feng")
        with pytest.raises(Refused):
            granting.propose_nodes(buyer(), PLAN, Verb.GRANT, nodes=50, days=90, reason=" ", by=fang)
        made = granting.propose_nodes(
            dealt.org(), PLAN, Verb.GRANT, nodes=50, days=90, reason="research", by=fang
        )
        assert only().state is LicenceState.PENDING
        with pytest.raises(Refused):
            granting.propose_nodes(dealt.org(), PLAN, Verb.GRANT, nodes=9, days=9, reason="twice", by=feng)
        with pytest.raises(Forbidden):
            granting.decide(made, confirmed=True, by=fang)
        granting.decide(made, confirmed=False, by=fang)  # taken back by whoever proposed it
        assert dealt.count(Licence) == 1
        assert life.live_for(dealt.org(), TOOL) is None
        made = granting.propose_nodes(
            dealt.org(), PLAN, Verb.GRANT, nodes=50, days=90, reason="research", by=fang
        )
        granting.decide(made, confirmed=True, by=feng)
        assert limit(only(), date(2026, 1, 2)) == 50
        with pytest.raises(Refused):
            granting.decide(made, confirmed=True, by=feng)


def test_a_longer_trial_and_a_revocation_take_two(house: Flask) -> None:
    with on(house, NEW_YEAR):
        fang, feng = membership.person("fang"), membership.person("feng")
        made = granting.propose_nodes(
            buyer(), PLAN, Verb.TRIAL, nodes=20, days=60, reason="large cluster", by=fang
        )
        granting.decide(made, confirmed=True, by=feng)
        assert spans_of(only()) == [("trial", 20, "2026-01-01", "2026-03-02")]
        end = granting.propose_revocation(only(), reason="abuse", by=fang)
        granting.decide(end, confirmed=True, by=feng)
        assert end.licence.state is LicenceState.REVOKED
        assert life.live_for(dealt.org(), TOOL) is None


def test_a_file_beyond_the_plans_days_takes_two(house: Flask) -> None:
    bought(house, 5)
    with on(house, JUNE):
        signing.create(KeyUse.LICENCE, by="One", second="Other")
        fang, feng = membership.person("fang"), membership.person("feng")
        for days in (35, 401):
            with pytest.raises(Denied):
                granting.propose_file(only(), ["node-1"], days, reason="island", by=fang)
        made = granting.propose_file(only(), ["node-1", "node-1", "node-2"], 200, reason="island", by=fang)
        granting.decide(made, confirmed=True, by=feng)
        file = db.session.scalars(select(LicenceFile)).one()
        assert file.fingerprints == ["node-1", "node-2"]
        assert file.expires_at == clock.now().replace(microsecond=0) + timedelta(days=200)


def test_what_waits_is_shown_to_who_may_decide(house: Flask) -> None:
    from types import SimpleNamespace

    from portal.accounts.access import Reader

    def reader(name: str, *roles: StaffRole) -> Reader:
        return Reader(membership.person(name), SimpleNamespace(), frozenset(roles), (), True)  # type: ignore[arg-type]

    with on(house, NEW_YEAR):
        granting.propose_nodes(
            buyer(), PLAN, Verb.GRANT, nodes=5, days=9, reason="why", by=membership.person("fang")
        )
        (one,) = undecided.undecided(reader("feng", StaffRole.FINANCE))
        assert (one.mine, one.reason, one.by) == (True, "why", "Fang")
        (one,) = undecided.undecided(reader("fang", StaffRole.FINANCE))
        assert not one.mine
        assert undecided.undecided(reader("rui", StaffRole.REVIEWER)) == []
        assert dealt.count(LicenceProposal) == 1


def test_a_licence_goes_to_another_organisation_with_its_remaining_days(house: Flask) -> None:
    bought(house, 100)
    with on(house, NEW_YEAR):
        key = keyring.make(only().id, label="cluster", by="test")[1]
        membership.company("Nebula Ltd", "na@nebula.example")
    with house.app_context(), clock.stopped_at(JUNE):
        claim(key, "node-1")
    with on(house, JUNE):
        wei, na, fang, feng = (membership.person(one) for one in ("wei", "na", "fang", "feng"))
        other = dealt.org("Nebula Ltd")
        asked = transferring.ask(only(), other, reason="spin-off", by=wei)
        with pytest.raises(Refused):
            transferring.ask(only(), other, reason="again", by=wei)
        with pytest.raises(Refused):
            transferring.check(asked, by=fang)  # the other side has not agreed
        transferring.agree(asked, by=na)
        transferring.check(asked, by=fang)
        with pytest.raises(Forbidden):
            transferring.do(asked, by=fang)
        new = transferring.do(asked, by=feng)
        old = asked.licence
        assert (old.state, old.replaced_by_id, old.live_nodes) == (LicenceState.SUPERSEDED, new.id, 0)
        assert spans_of(new) == [("base", 100, "2026-06-01", "2027-01-01")]
        assert (new.state, limit(new, JUNE)) == (LicenceState.ACTIVE, 100)
        assert changing.preview(new, 150, on=date(2026, 7, 2)).gross == Money(1_002_740)
        quote = changing.accept(changing.quote(new, 150, by="test", on=date(2026, 7, 2)), by="test")
        assert quote.invoice is not None
        assert quote.invoice.party.org_id == other.id
        pay(quote.invoice)
        assert limit(new, date(2026, 6, 2)) == 150
    with house.app_context():
        assert code_of(key, "node-1") == "SUPERSEDED"
    nightly(house, date(2026, 11, 2))
    with on(house, date(2026, 11, 2)):
        assert dealt.deals(only(name="Nebula Ltd"))[-1] == ("renewal", "ordered", 150, 7_000_000)
        assert life.live_for(dealt.org(), TOOL) is None


def test_a_transfer_is_declined_and_the_licence_stays(house: Flask) -> None:
    bought(house, 10)
    with on(house, JUNE):
        other = membership.company("Nebula Ltd", "na@nebula.example")
        asked = transferring.ask(only(), other, reason="spin-off", by=membership.person("wei"))
        transferring.decline(asked, by=membership.person("na"), reason="no")
        assert limit(only(), JUNE) == 10
        assert transferring.open_for(only()) is None
        with pytest.raises(Refused):
            transferring.agree(asked, by=membership.person("na"))


def test_the_licences_of_a_duplicate_go_to_the_entry_that_is_kept(house: Flask) -> None:
    bought(house, 10)
    with on(house, JUNE):
        kept = membership.company("Galaxy Technology", "gt@galaxy.example")
        one, two = membership.person("fang"), membership.person("feng")
        merge = merging.merge(dealt.org(), into=kept, by=one, second=two, reason="the same")
        row = life.live_for(kept, TOOL)
        assert row is not None
        assert limit(row, JUNE) == 10
        merging.undo(merge, by=one, second=two, reason="no")
        assert limit(only(), JUNE) == 10
        buying.order(kept, PLAN, 5, by="test")
        with pytest.raises(Refused):
            merging.merge(dealt.org(), into=kept, by=one, second=two, reason="both have one")


def test_an_early_return_is_seldom(house: Flask) -> None:
    from portal.services.licences import files

    bought(house, 5)
    with on(house, JUNE):
        signing.create(KeyUse.LICENCE, by="One", second="Other")
        make_person("x@house.example", "X")
        for _ in range(2):
            file = files.issue(only().id, ["node-1"], 30, by="test")
            files.give_back(file, reason="lost", by="test")
        file = files.issue(only().id, ["node-1"], 30, by="test")
        with pytest.raises(Refused):
            files.give_back(file, reason="lost", by="test")
