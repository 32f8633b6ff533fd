"""Licences that come with a membership, holds of arrears, and two stories through years; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.may import ContactRole
from portal.billing import dunning
from portal.billing.dunning_models import DecisionState, DunningDecision
from portal.billing.models import Invoice
from portal.core import chores, clock
from portal.core.db import db, let_go, transaction
from portal.core.mail import MailMessage
from portal.core.money import Money
from portal.members import credit_terms, terms
from portal.members.belonging import Term, TermKind
from portal.members.leaving import resign
from portal.members.standing import Standing
from portal.services.licences import buying, changing, following, included, keyring, life
from portal.services.licences.kinds import Stage
from portal.services.licences.models.licence import Hold, Licence, LicenceState
from tests import dealt, membership
from tests.dealt import PLAN, buyer, limit, nightly, on, only, pay, spans_of, stands
from tests.licences import claim, code_of

NEW_YEAR, NEXT = date(2026, 1, 1), date(2027, 1, 1)


@pytest.fixture
def house(app: Flask) -> Iterator[Flask]:
    membership.house(app)
    yield app
    dealt.in_order(app)


def joined(app: Flask, tier: str = "gold", day: date = NEW_YEAR) -> None:
    with on(app, day):
        membership.member(buyer(), tier=tier, start=day)


def standings(app: Flask, day: date) -> Standing:
    """Let a night pass in which standings are brought up to date."""
    with app.app_context():
        chores.run("announce_standings", as_of=day)
        let_go()
        with clock.stopped_at(day):
            row = terms.membership_of(dealt.org())
            assert row is not None
            return row.standing


def renewed(
    app: Flask, day: date, *, start: date, tier: str = "gold", kind: TermKind = TermKind.RENEWAL
) -> None:
    with on(app, day):
        membership.member(dealt.org(), tier=tier, start=start, kind=kind)


def test_a_membership_opens_its_licences_once_and_free_of_charge(house: Flask) -> None:
    joined(house)
    with on(house, date(2026, 2, 1)):
        row = only()
        assert (row.state, limit(row, date(2026, 2, 1))) == (LicenceState.ACTIVE, 200)
        assert limit(only("triton-copilot"), date(2026, 2, 1)) == 200
        found = terms.membership_of(dealt.org())
        assert found is not None
        following.follow(found)
        assert spans_of(row) == [("benefit", 200, "2026-01-01", "2027-01-01")]
        assert dealt.count(Licence) == 2
        assert len(dealt.invoices()) == 1  # the dues


def test_a_startup_buys_one_tool_at_half_the_first_band(house: Flask) -> None:
    joined(house, "startup")
    with on(house, date(2026, 2, 1)):
        assert dealt.count(Licence) == 0
        row = buying.order(dealt.org(), PLAN, 5, by="test")
        quote = buying.waiting(row)
        assert quote is not None
        assert quote.gross == Money(2_500_000)
        pay(quote.invoice)
        assert limit(row, date(2026, 2, 1)) == 5
        assert buying.cost(dealt.org(), "triton-node", 5).gross == Money(5_000_000)
    with on(house, date(2026, 6, 1)):
        quote = changing.accept(changing.quote(only(), 120, by="test"), by="test")
        pay(quote.invoice)
        assert limit(only(), date(2026, 6, 1)) == 120


def test_a_lapsed_membership_leaves_grace_and_its_return_wakes_the_same_licence(house: Flask) -> None:
    """The story: a gold member's free licence is in grace after its term, runs out, and wakes with the next term."""
    joined(house)
    with on(house, date(2026, 2, 1)):
        row, key = only(), keyring.make(only().id, label="cluster", by="test")[1]
    with house.app_context():
        with clock.stopped_at(date(2026, 12, 31)):
            claim(key, "node-1")
        assert standings(house, NEXT) is Standing.GRACE
        with clock.stopped_at(date(2027, 1, 10)):
            claim(key, "node-1")
            assert code_of(key, "node-1") == "VALID_GRACE"
        assert standings(house, date(2027, 1, 31)) is Standing.LAPSED
    with on(house, date(2027, 1, 31)):
        assert code_of(key, "node-1") == "EXPIRED"
        assert (stands(only(), date(2027, 1, 31)), only().state) == (Stage.EXPIRED, LicenceState.ACTIVE)
    renewed(house, date(2027, 5, 1), start=date(2027, 5, 1), kind=TermKind.REINSTATEMENT)
    with on(house, date(2027, 5, 1)):
        assert only().id == row.id
        assert spans_of(only())[-1] == ("benefit", 200, "2027-05-01", "2028-05-01")
    with house.app_context(), clock.stopped_at(date(2027, 5, 1)):
        claim(key, "node-1")  # the same key, the same node
        assert code_of(key, "node-1") == "VALID"


def test_more_than_the_cap_is_paid_and_stays_when_the_membership_ends(house: Flask) -> None:
    """The story: a gold member with 300 nodes shrinks to the hundred it paid for, after its grace."""
    joined(house)
    with on(house, date(2026, 6, 1)):
        row = buying.order(dealt.org(), PLAN, 300, by="test")
        quote = buying.waiting(row)
        assert quote is not None
        assert quote.gross == Money(4_000_000)
        pay(quote.invoice)
        assert limit(row, date(2026, 6, 1)) == 300
    assert standings(house, NEXT) is Standing.GRACE
    with on(house, NEXT):
        assert [limit(only(), day) for day in (NEXT, date(2027, 1, 30), date(2027, 1, 31))] == [300, 300, 100]
        assert spans_of(only())[-1] == ("courtesy", 200, "2027-01-01", "2027-01-31")
    assert standings(house, date(2027, 2, 1)) is Standing.LAPSED
    nightly(house, date(2027, 4, 2))
    with on(house, date(2027, 4, 2)):
        assert (only().state, limit(only(), date(2027, 4, 2))) == (LicenceState.ACTIVE, 100)
        assert dealt.deals(only())[-1] == (
            "renewal",
            "ordered",
            100,
            5_000_000,
        )  # the list price of the hundred


def test_a_continuous_renewal_in_grace_takes_the_lent_nodes_back(house: Flask) -> None:
    joined(house)
    with on(house, date(2026, 6, 1)):
        row = buying.order(dealt.org(), PLAN, 300, by="test")
        pay(buying.waiting(row).invoice)  # type: ignore[union-attr]
    standings(house, NEXT)
    renewed(house, date(2027, 1, 20), start=NEXT)
    with on(house, date(2027, 1, 20)):
        assert [limit(only(), day) for day in (date(2026, 12, 31), date(2027, 1, 21), date(2027, 3, 1))] == [
            300
        ] * 3


def test_a_change_of_tier_closes_one_term_and_opens_another_that_day(house: Flask) -> None:
    joined(house)
    with on(house, date(2026, 7, 2)):
        from portal.members.belonging import Ending
        from portal.members.standing import EndingCause

        old = db.session.scalars(select(Term)).one()
        db.session.add(
            Ending(term=old, on=date(2026, 7, 2), cause=EndingCause.TIER_CHANGE, reason="up", by_name="test")
        )
        db.session.flush()
        terms.open_term(
            old.membership, kind=TermKind.UPGRADE, tier="platinum", start=date(2026, 7, 2), months=12, price=Money(40_000_000),
            charged=Money(0), cover="waiver", invoice=None, by="test", anchor=old.anchor, k=old.k, end=old.end,
        )  # fmt: skip
        assert spans_of(only()) == [
            ("benefit", 200, "2026-01-01", "2026-07-02"), ("benefit", 1000, "2026-07-02", "2027-01-01"),
        ]  # fmt: skip
        assert [limit(only(), day) for day in (date(2026, 7, 1), date(2026, 7, 3))] == [200, 1000]
        assert included.included(dealt.org(), PLAN).nodes == 1000


def test_a_membership_without_the_right_is_a_hold_that_lifts_itself(house: Flask) -> None:
    with on(house, NEW_YEAR):
        membership.member(buyer(), start=NEW_YEAR, paid=False)
    assert standings(house, date(2026, 4, 5)) is Standing.SUSPENDED
    with on(house, date(2026, 4, 5)):
        hold = db.session.scalars(select(Hold).order_by(Hold.id)).first()
        assert hold is not None
        assert (hold.reason.value, clock.day_of(hold.starts_at)) == ("membership", date(2026, 4, 12))
        assert only().state is LicenceState.SUSPENDED
    standings(house, date(2026, 4, 6))
    with on(house, date(2026, 4, 20)):
        assert dealt.count(Hold) == 2  # one a tool, however often it is looked at
        pay(db.session.scalars(select(Invoice)).one())
    assert standings(house, date(2026, 4, 21)) is Standing.ACTIVE
    with on(house, date(2026, 4, 21)):
        assert only().state is LicenceState.ACTIVE
        assert limit(only(), date(2026, 4, 21)) == 200


def test_a_suspended_member_keeps_what_it_paid_for(house: Flask) -> None:
    with on(house, NEW_YEAR):
        membership.member(buyer(), start=NEW_YEAR, paid=False)
        row = buying.order(dealt.org(), PLAN, 300, by="test")
        pay(buying.waiting(row).invoice)  # type: ignore[union-attr]
    standings(house, date(2026, 4, 5))
    with on(house, date(2026, 4, 6)):
        assert (only().state, limit(only(), date(2026, 4, 6))) == (LicenceState.ACTIVE, 100)
        pay(db.session.scalars(select(Invoice).order_by(Invoice.id)).first())
    standings(house, date(2026, 4, 7))
    with on(house, date(2026, 4, 8)):
        assert limit(only(), date(2026, 4, 8)) == 300


def test_who_resigns_keeps_the_nodes_to_the_last_day(house: Flask) -> None:
    joined(house)
    with on(house, date(2026, 5, 1)):
        found = terms.membership_of(dealt.org())
        assert found is not None
        resign(found, by=membership.person("wei"), on=date(2026, 6, 30), reason="enough")
        assert spans_of(only()) == [("benefit", 200, "2026-01-01", "2026-06-30")]


def test_credit_terms_let_an_order_begin_before_its_money(house: Flask) -> None:
    joined(house, "silver")
    with on(house, date(2026, 2, 1)):
        row = buying.order(dealt.org(), PLAN, 10, by="test")
        assert row.state is LicenceState.PENDING
        found = terms.membership_of(dealt.org())
        assert found is not None
        credit_terms.give(found, by=membership.person("fang"), reason="trusted")
        assert (row.state, limit(row, date(2026, 2, 1))) == (LicenceState.ACTIVE, 10)
        quote = changing.accept(changing.quote(row, 200, by="test"), by="test")
        assert limit(row, date(2026, 2, 1)) == 200
        assert quote.invoice is not None
        pay(quote.invoice)
        assert limit(row, date(2026, 2, 1)) == 200
    nightly(house, date(2026, 6, 1))
    with on(house, date(2026, 6, 1)):
        assert limit(only(), date(2026, 6, 1)) == 200


def _climb(app: Flask, first: date, days: int) -> None:
    with app.app_context():
        for n in range(days):
            chores.run("remind_debtors", as_of=first + timedelta(days=n))
        let_go()


def test_a_company_buys_grows_is_suspended_for_arrears_pays_and_renews_with_less(house: Flask) -> None:
    """The story: 80 nodes, 140 in mid-term, money taken back by the bank, suspended by a person, paid, renewed at 90."""
    from portal.billing import reversing
    from portal.billing.money_models import Receipt

    with on(house, NEW_YEAR):
        row = buying.order(buyer(), PLAN, 80, by="test")
        pay(buying.waiting(row).invoice)  # type: ignore[union-attr]
        key = keyring.make(row.id, label="cluster", by="test")[1]
    with house.app_context(), clock.stopped_at(NEW_YEAR):
        claim(key, "node-1")
    with on(house, date(2026, 6, 24)):
        quote = changing.quote(only(), 140, by="test")
        assert quote.gross == Money(806_575)  # 16 000 over 184 of 365 days
        changing.accept(quote, by="test")
        pay(quote.invoice)
        assert limit(only(), date(2026, 6, 25)) == 140
    with on(house, date(2026, 7, 10)):  # the bank takes the second transfer back
        receipt = db.session.scalars(select(Receipt).order_by(Receipt.id.desc())).first()
        assert receipt is not None
        reversing.reverse_receipt(receipt, amount=receipt.amount, reason="returned", by="test", key="bank:1")
        bill = db.session.scalars(select(Invoice).order_by(Invoice.id.desc())).first()
        assert bill is not None
        bill_id = bill.id
        assert dunning.blocked(bill.party) == frozenset()
    _climb(house, date(2026, 9, 20), 4)
    with on(house, date(2026, 9, 25)):
        assert only().state is LicenceState.ACTIVE  # nothing is suspended by a date alone
        waits = db.session.scalars(
            select(DunningDecision).where(DunningDecision.state == DecisionState.PROPOSED)
        ).all()
        assert len(waits) == 1
        dunning.decide(waits[0], confirmed=True, by=membership.person("fang"), reason="no answer")
        assert only().state is LicenceState.SUSPENDED
        hold = db.session.scalars(select(Hold)).one()
        assert (hold.reason.value, clock.day_of(hold.starts_at)) == ("payment", date(2026, 10, 2))
        begins = hold.starts_at
        told = db.session.scalars(select(MailMessage.title).where(MailMessage.topic == only().subject)).all()
        assert any("suspension" in one or "暂停" in one for one in told)
    with house.app_context():
        assert code_of(key, "node-1", at=begins - timedelta(seconds=1)) == "LEASE_LAPSED"
        assert code_of(key, "node-1", at=begins) == "SUSPENDED"
    with on(house, date(2026, 10, 10)):
        pay(db.session.get_one(Invoice, bill_id))
        assert only().state is LicenceState.ACTIVE
        changing.ask_for_next(only(), 90, by="test")
    nightly(house, date(2026, 11, 2))
    with on(house, date(2026, 12, 1)):
        found = changing.history(only())[0]
        assert (found.kind.value, found.nodes, found.gross) == ("renewal", 90, Money(5_000_000))
        pay(found.invoice)
        days = [date(2026, 12, 31), NEXT, date(2027, 1, 14), date(2027, 1, 15), date(2027, 12, 31)]
        assert [limit(only(), day) for day in days] == [140, 140, 140, 90, 90]
    with house.app_context(), clock.stopped_at(date(2027, 2, 1)):
        claim(key, "node-1")
        assert code_of(key, "node-1") == "VALID"


def test_overdue_payers_order_nothing_new(house: Flask) -> None:
    with on(house, NEW_YEAR):
        membership.bill(buyer(), "other:1")
    with on(house, date(2026, 6, 1)), pytest.raises(Exception, match=r"overdue|逾期") as caught:
        from portal.billing.dunning_models import DunningNotice, NoticeState

        bill = db.session.scalars(select(Invoice)).one()
        db.session.add(
            DunningNotice(
                invoice=bill, step="x", place=1, action="block_changes", due_on=NEW_YEAR, reached_on=NEW_YEAR,
                state=NoticeState.QUIET,
            )
        )  # fmt: skip
        db.session.flush()
        buying.order(dealt.org(), PLAN, 5, by="test")
    assert caught.value is not None


def test_owners_signatories_and_payers_accept_up_to_their_sums() -> None:
    from types import SimpleNamespace

    from portal.accounts.access import Reader
    from portal.services.licences import plans
    from portal.services.licences.access import may_accept, may_buy

    most = {"owner_accepts": 20_000_000, "billing_accepts": 2_000_000}
    kept, plans.rule = plans.rule, lambda name: most[name]
    try:
        found = {}
        for role in ContactRole:
            reader = Reader(SimpleNamespace(id=1), SimpleNamespace(), frozenset(), ((7, role),), True)  # type: ignore[arg-type]
            sums = [may_accept(reader, 7, Money(fen)) for fen in (2_000_000, 20_000_000, 20_000_001)]
            found[role] = (may_buy(reader, 7), *sums)
            assert not may_buy(reader, 8)
        assert found[ContactRole.SIGNATORY] == (True, True, True, True)
        assert found[ContactRole.OWNER] == (True, True, True, False)
        assert found[ContactRole.BILLING] == (False, True, False, False)
        assert found[ContactRole.TECHNICAL] == (False, False, False, False)
    finally:
        plans.rule = kept


def test_live_licences_are_found_by_tool(house: Flask) -> None:
    joined(house)
    with house.app_context(), transaction():
        assert life.live_for(dealt.org(), "nothing") is None
