"""Benefits on rows: grants, claims, capacity, queues, changes of tier, lapse, early leave, ends that are announced."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select, text

from portal.accounts.may import StaffRole
from portal.accounts.people import Person
from portal.billing import issuing, settling
from portal.billing.catalogue import price_of
from portal.billing.issuing import Item
from portal.billing.money_models import Way
from portal.core import chores, clock
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.mail import MailMessage
from portal.members import benefit_verify, claiming, granting, seating, terms, value
from portal.members.belonging import Grant, Hold, Membership
from portal.members.benefit_models import Claim, ClaimState, ExpiryNotice, Round
from portal.members.standing import EndingCause, HoldCause, Right, Standing
from tests import perks, road
from tests.people import post
from tests.undone import lives, undone

C = ClaimState
DAY = date(2026, 3, 2)
NEXT = date(2027, 1, 1)
REVIEWER = frozenset({StaffRole.REVIEWER})


def refused(act: Callable[[], Any]) -> str:
    """Return the sentence with which something is refused."""
    with force_locale("en"):
        with pytest.raises(Refused) as found:
            act()
        return str(found.value)


def verified() -> None:
    """Assert that nothing is wrong with the claims."""
    db.session.flush()
    assert benefit_verify.verify_claims()[1] == []


def test_a_term_grants_by_tier_and_category_and_never_changes(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("visit", tiers={"gold": 3}, categories={"chip": 2}, claim_days=31)
        perks.define("seatless", tiers={"platinum": 1})
        row = perks.member("acme", "gold")
        one = perks.grant(row, "visit")
        assert (one.quantity, one.start, one.end, one.claim_by) == (5, perks.BEGIN, NEXT, date(2026, 1, 31))
        assert one.source == f"term:{one.term_id}"
        codes = set(db.session.scalars(select(Grant.benefit)))
        assert "seatless" not in codes
        assert codes == set(granting.given("gold", "chip", on=perks.BEGIN))
    with app.app_context(), pytest.raises(Exception, match="on record"), transaction():
        db.session.execute(text("UPDATE benefit_grant SET quantity = 9"))


def test_a_claim_is_made_confirmed_and_used(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("visit")
        rui, row = perks.reviewer(), perks.member("acme", "gold")
        made = perks.claim(row, "visit", 3)
        assert (made.state, perks.left(row, "visit")) == (C.CLAIMED, 1)
        claiming.confirm(made, by=rui, roles=REVIEWER)
        assert made.state is C.CONFIRMED
        claiming.use(made, by=rui, roles=REVIEWER, on=DAY)
        assert (made.state, made.used_on, made.decided_by, perks.left(row, "visit")) == (
            C.USED,
            DAY,
            "Rui",
            1,
        )
        verified()
    with app.app_context(), reading():
        verbs = [
            one
            for one in db.session.scalars(select(AuditEntry.verb).order_by(AuditEntry.id))
            if one.startswith("benefit.")
        ]
        assert verbs == ["benefit.claimed", "benefit.confirmed", "benefit.used"]
        titles = db.session.scalars(
            select(MailMessage.title).where(MailMessage.topic.startswith("benefit_claim:"))
        ).all()
        assert titles == ["Confirmed for Acme Ltd: Visit"]


def test_automatic_claims_are_confirmed_at_once_and_flags_count_as_one(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("code", confirmed_by="automatic")
        perks.define("access", tiers={"gold": None})
        row = perks.member("acme", "gold")
        assert perks.claim(row, "code").state is C.CONFIRMED
        assert perks.left(row, "access") == 1
        assert "at least one" in refused(lambda: perks.claim(row, "access", 2))
        perks.claim(row, "access")
        assert "Nothing of this is left" in refused(lambda: perks.claim(row, "access"))
        verified()


def test_every_refusal_of_a_claim(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("visit", claim_by="2026-06-30")
        perks.define("other", exclusive_with=["visit"])
        perks.define("silent", confirmed_by=None)
        perks.define("rare", capacity={"quantity": 3, "per": "year", "beyond": "refuse"})
        row = perks.member("acme", "gold")
        assert "at least one" in refused(lambda: perks.claim(row, "visit", 0))
        assert "Only 4" in refused(lambda: perks.claim(row, "visit", 5))
        assert "have 3 of this" in refused(lambda: perks.claim(row, "rare", 4))
        perks.claim(row, "rare", 2)
        assert "All places" in refused(lambda: perks.claim(row, "rare", 2))
        made = perks.claim(row, "visit")
        assert "together with “Visit”" in refused(lambda: perks.claim(row, "other"))
        claiming.withdraw(made, by=perks.of(row))
        perks.claim(row, "other")
        assert "together with “Other”" in refused(lambda: perks.claim(row, "visit"))
        assert perks.left(row, "visit", date(2026, 6, 30)) == 4
        assert perks.left(row, "visit", date(2026, 7, 1)) == 0
        with clock.stopped_at(date(2026, 7, 1)):
            assert "last day to claim" in refused(lambda: perks.claim(row, "visit"))
        with clock.stopped_at(NEXT):
            assert "no new claims" in refused(lambda: perks.claim(row, "rare"))


def test_what_needs_no_claim_cannot_be_claimed(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        row = perks.member("acme", "gold")
        assert "needs no claim" in refused(lambda: perks.claim(row, "documents"))


def test_every_refusal_of_a_decision(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("visit")
        rui, row = perks.reviewer(), perks.member("acme", "gold")
        made = perks.claim(row, "visit")

        def decide(verb: Any, **more: Any) -> str:
            return refused(lambda: verb(made, **{"by": rui, "roles": REVIEWER, **more}))

        assert "another role" in decide(claiming.confirm, roles=frozenset({StaffRole.DIRECTOR}))
        assert "You act for this member" in decide(claiming.confirm, by=perks.of(row))
        assert "lies ahead" in decide(claiming.use, on=DAY + timedelta(days=1))
        assert "not claimed yet" in decide(claiming.use, on=DAY - timedelta(days=1))
        assert "moved on" in decide(claiming.use, on=DAY)
        claiming.confirm(made, by=rui, roles=REVIEWER)
        assert "moved on" in decide(claiming.confirm)
        assert "moved on" in decide(claiming.decline, reason="late")
        assert "moved on" in refused(lambda: claiming.withdraw(made, by=rui))
        claiming.release(made, by=rui, reason="not needed")
        assert "moved on" in refused(lambda: claiming.release(made, by=rui, reason="again"))
        with pytest.raises(Forbidden):
            claiming.decline(perks.claim(row, "visit"), by=rui, roles=frozenset(), reason="x")


@pytest.mark.parametrize(("cause", "standing"), [(HoldCause.CONDUCT, Standing.SUSPENDED)])
def test_a_suspended_member_claims_and_uses_nothing(app: Flask, cause: HoldCause, standing: Standing) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("visit")
        rui, row = perks.reviewer(), perks.member("acme", "gold")
        ready, waits = perks.claim(row, "visit"), perks.claim(row, "visit")
        claiming.confirm(ready, by=rui, roles=REVIEWER)
        db.session.add(Hold(membership=row, start=DAY, cause=cause, reason="test", by_name="test"))
        terms.refresh([row])
        assert row.standing is standing
        assert "no new claims" in refused(lambda: perks.claim(row, "visit"))
        assert "nothing new can be confirmed" in refused(
            lambda: claiming.confirm(waits, by=rui, roles=REVIEWER)
        )
        assert "no right to use" in refused(lambda: claiming.use(ready, by=rui, roles=REVIEWER, on=DAY))
        assert (ready.state, waits.state) == (C.CONFIRMED, C.CLAIMED)
        verified()


def test_capacity_is_shared_and_beyond_it_claims_wait_in_order(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("slot", capacity={"quantity": 3, "per": "quarter", "beyond": "wait"})
        rui = perks.reviewer()
        a, b, c = (perks.member(name, "gold") for name in ("acme", "beta", "cosmo"))
        first, second, third = perks.claim(a, "slot", 2), perks.claim(b, "slot", 2), perks.claim(c, "slot", 1)
        # The one place left is too little for the second; the third does not overtake it.
        assert [one.state for one in (first, second, third)] == [C.CLAIMED, C.WAITING, C.WAITING]
        assert [seating.number_in_line(one) for one in (first, second, third)] == [None, 1, 2]
        assert perks.left(b, "slot") == 2
        assert "waiting list" in refused(lambda: claiming.confirm(second, by=rui, roles=REVIEWER))
        claiming.decline(first, by=rui, roles=REVIEWER, reason="no time")
        assert [second.state, third.state] == [C.CLAIMED, C.CLAIMED]
        claiming.confirm(second, by=rui, roles=REVIEWER)
        waits = perks.claim(a, "slot", 1)
        assert [one.state for one in (waits,)] == [C.WAITING]
        claiming.release(second, by=rui, reason="not needed")
        assert waits.state is C.CLAIMED
        verified()
    with app.app_context(), reading():
        titles = db.session.scalars(
            select(MailMessage.title).where(MailMessage.key.startswith("benefit-place"))
        ).all()
        assert sorted(titles) == [
            "A place for Acme Ltd: Slot",
            "A place for Beta Ltd: Slot",
            "A place for Cosmo Ltd: Slot",
        ]


def test_a_fair_queue_serves_tiers_and_kinds_by_their_weight(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        shares = {"tiers": {"platinum": 3}, "categories": {"chip": 2}}
        perks.define("slot", capacity={"quantity": 1, "per": "year"}, shares=shares)
        rui = perks.reviewer()
        holder = perks.claim(perks.member("holder", "silver", "model"), "slot")
        queue = [
            perks.claim(perks.member(f"{tier}{n}", tier, kind), "slot")
            for n, (tier, kind) in enumerate(
                [("silver", "model"), ("silver", "chip"), ("platinum", "chip"), ("platinum", "model")]
            )
        ]
        served, now = [], holder
        for _ in queue:
            claiming.decline(now, by=rui, roles=REVIEWER, reason="next")
            now = next(one for one in queue if one.state is C.CLAIMED)
            served.append(f"{now.tier} {now.category}")
        assert served == ["platinum chip", "platinum model", "silver chip", "silver model"]
        verified()


def test_a_suspended_member_keeps_its_rank_and_is_passed_over(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("slot", capacity={"quantity": 1, "per": "year"})
        rui = perks.reviewer()
        a, b, c = (perks.member(name, "gold") for name in ("acme", "beta", "cosmo"))
        first, second, third = (perks.claim(row, "slot") for row in (a, b, c))
        hold = Hold(
            membership=b,
            start=DAY,
            end=DAY + timedelta(days=1),
            cause=HoldCause.CONDUCT,
            reason="test",
            by_name="test",
        )
        db.session.add(hold)
        claiming.withdraw(first, by=perks.of(a))
        assert (second.state, third.state) == (C.WAITING, C.CLAIMED)
        with clock.stopped_at(DAY + timedelta(days=1)):
            claiming.decline(third, by=rui, roles=REVIEWER, reason="no")
        assert second.state is C.CLAIMED


def test_who_waits_is_carried_into_the_next_period_before_newcomers(app: Flask) -> None:
    with app.test_request_context("/", method="POST"):
        with clock.stopped_at(DAY), transaction():
            perks.define("slot", capacity={"quantity": 1, "per": "quarter"})
            a, b, c = (perks.member(name, "gold") for name in ("acme", "beta", "cosmo"))
            perks.claim(a, "slot")
            waits = perks.claim(b, "slot")
        with clock.stopped_at(date(2026, 4, 1)):
            with transaction():
                late = perks.claim(c, "slot")
                assert (waits.state, late.state) == (C.CLAIMED, C.WAITING)
            assert chores.run("serve_benefit_queues") == 0
        with clock.stopped_at(date(2026, 7, 1)):
            assert [chores.run("serve_benefit_queues") for _ in range(3)] == [1, 0, 0]
            with reading():
                assert [one.state for one in db.session.scalars(select(Claim).order_by(Claim.id))] == [
                    C.CLAIMED
                ] * 3
                periods = db.session.scalars(select(Round.start).order_by(Round.start)).all()
                assert periods == [date(2026, 1, 1), date(2026, 4, 1), date(2026, 7, 1)]
                verified()


def test_more_capacity_and_none_at_all_serve_who_waits(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY):
        with transaction():
            perks.define("slot", capacity={"quantity": 1, "per": "year"})
            rows = [perks.member(name, "gold") for name in ("acme", "beta", "cosmo", "delta")]
            claims = [perks.claim(row, "slot") for row in rows]
        with transaction():
            perks.define("slot", capacity={"quantity": 2, "per": "quarter"}, start=DAY)
        assert chores.run("serve_benefit_queues") == 2
        with transaction():
            perks.define("slot", start=DAY)
        assert [chores.run("serve_benefit_queues") for _ in range(2)] == [1, 0]
        with reading():
            assert [db.session.get_one(Claim, one.id).state for one in claims] == [C.CLAIMED] * 4
            verified()


def test_a_lower_tier_leaves_what_is_confirmed_and_takes_back_the_newest_unconfirmed(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("visit")
        perks.define("feast", tiers={"platinum": 5})
        rui, row = perks.reviewer(), perks.member("acme", "platinum")
        kept, old, new = (
            perks.claim(row, "visit", 3),
            perks.claim(row, "visit", 1),
            perks.claim(row, "visit", 1),
        )
        gone = perks.claim(row, "feast")
        claiming.confirm(kept, by=rui, roles=REVIEWER)
        perks.change_tier(row, "gold", DAY)
        assert [one.state for one in (kept, old, new, gone)] == [
            C.CONFIRMED,
            C.CLAIMED,
            C.WITHDRAWN,
            C.WITHDRAWN,
        ]
        assert (perks.grant(row, "visit").quantity, perks.left(row, "visit")) == (4, 0)
        claiming.confirm(old, by=rui, roles=REVIEWER)
        perks.change_tier(row, "silver", DAY + timedelta(days=10))
        with clock.stopped_at(DAY + timedelta(days=10)):
            assert perks.left(row, "visit") == 0
            claiming.use(kept, by=rui, roles=REVIEWER, on=clock.today())
        verified()


def test_a_higher_tier_gives_the_difference(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("visit")
        row = perks.member("acme", "gold")
        made = perks.claim(row, "visit", 3)
        perks.change_tier(row, "platinum", DAY)
        assert (made.state, perks.left(row, "visit")) == (C.CLAIMED, 7)
        renewed = perks.open_term(row, "platinum", date(2027, 3, 2))
        assert perks.left(row, "visit", renewed.start) == 10
        verified()


def test_a_lapse_withdraws_the_unconfirmed_and_honours_the_rest_for_ninety_days(app: Flask) -> None:
    with app.test_request_context("/", method="POST"):
        with clock.stopped_at(DAY), transaction():
            perks.define("visit")
            perks.define("slot", capacity={"quantity": 2, "per": "year"})
            rui, row, other = (
                perks.reviewer(),
                perks.member("acme", "gold"),
                perks.member("beta", "gold", start=DAY),
            )
            used, kept, open_one = (perks.claim(row, "visit") for _ in range(3))
            for one in (used, kept):
                claiming.confirm(one, by=rui, roles=REVIEWER)
        with clock.stopped_at(NEXT), transaction():
            terms.refresh([row])
            assert (row.standing, open_one.state) == (Standing.GRACE, C.CLAIMED)
            assert "nothing new" in refused(lambda: claiming.confirm(open_one, by=rui, roles=REVIEWER))
        with clock.stopped_at(NEXT + timedelta(days=30)), transaction():
            terms.refresh([row, other])
            assert (row.standing, used.state, kept.state, open_one.state) == (
                Standing.LAPSED,
                C.CONFIRMED,
                C.CONFIRMED,
                C.WITHDRAWN,
            )
        with clock.stopped_at(NEXT + timedelta(days=89)):
            assert chores.run("serve_benefit_queues") == 0
            with transaction():
                claiming.use(used, by=rui, roles=REVIEWER, on=clock.today())
        with clock.stopped_at(NEXT + timedelta(days=90)):
            with transaction():
                said = refused(lambda: claiming.use(kept, by=rui, roles=REVIEWER, on=clock.today()))
                assert "no right to use" in said
            assert [chores.run("serve_benefit_queues") for _ in range(2)] == [1, 0]
            with reading():
                assert db.session.get_one(Claim, kept.id).state is C.RELEASED
                verified()
                said = db.session.scalars(
                    select(MailMessage.text).where(MailMessage.key.startswith("benefit-back"))
                ).one()
                assert "honoured for some time" in said


def test_an_expulsion_ends_every_claim_and_frees_capacity(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("slot", capacity={"quantity": 2, "per": "year"})
        rui, a, b = perks.reviewer(), perks.member("acme", "gold"), perks.member("beta", "gold")
        ready, open_one, waits = perks.claim(a, "slot"), perks.claim(a, "slot"), perks.claim(b, "slot", 2)
        claiming.confirm(ready, by=rui, roles=REVIEWER)
        perks.end_term(a, DAY, EndingCause.EXPELLED, bar_for_good=True)
        terms.refresh([a])
        assert (a.standing, ready.state, open_one.state, waits.state) == (
            Standing.EXPELLED,
            C.RELEASED,
            C.WITHDRAWN,
            C.CLAIMED,
        )
        verified()


def test_early_claims_hold_capacity_and_become_claims_when_the_term_opens(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    with app.app_context(), transaction():
        perks.define("slot", capacity={"quantity": 1, "per": "year"}, start=date(2020, 1, 1))
    uid = road.approved(app, house, client)
    assert (
        post(house["rui"], road.case(uid, "early-claims"), reason="They start on Monday.").status_code == 403
    )
    assert post(house["dai"], road.case(uid, "early-claims")).status_code == 422
    assert (
        post(house["dai"], road.case(uid, "early-claims"), reason="They start on Monday.").status_code == 303
    )
    assert post(house["dong"], road.case(uid, "early-claims"), reason="Again.").status_code == 409
    with app.test_request_context("/", method="POST"), transaction():
        early = db.session.scalars(select(Grant).where(Grant.benefit == "slot")).one()
        chen = db.session.scalars(select(Person).where(Person.email == "chen@galaxy-chips.example")).one()
        made = claiming.claim(early, 1, by=chen)
        assert (made.state, made.provisional, made.tier) == (C.CLAIMED, True, "platinum")
        rui = db.session.scalars(select(Person).where(Person.email == "rui@house.example")).one()
        assert "provisional" in refused(lambda: claiming.confirm(made, by=rui, roles=REVIEWER))
        assert perks.claim(perks.member("beta", "gold", start=clock.today()), "slot").state is C.WAITING
        verified()
    road.sign(app, house, client, uid)
    road.pay(app, house, "400,000.00", road.invoice_of(app, uid).reference)
    with app.test_request_context("/", method="POST"), transaction():
        row = db.session.get_one(Claim, made.id)
        assert (row.state, row.provisional) == (C.CLAIMED, False)
        mine = db.session.scalars(select(Membership).where(Membership.id == row.grant.membership_id)).one()
        assert (perks.grant(mine, "slot").follows_id, perks.left(mine, "slot")) == (early.id, 9)
        claiming.confirm(row, by=db.session.get_one(Person, rui.id), roles=REVIEWER)
        verified()


def test_early_claims_fall_away_when_the_application_is_closed(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    with app.app_context(), transaction():
        perks.define("slot", capacity={"quantity": 1, "per": "year"}, start=date(2020, 1, 1))
        perks.define("code", confirmed_by="automatic", start=date(2020, 1, 1))
    uid = road.approved(app, house, client)
    post(house["dai"], road.case(uid, "early-claims"), reason="They start on Monday.")
    with app.test_request_context("/", method="POST"), transaction():
        row = road.membership()
        chen = db.session.scalars(select(Person).where(Person.email == "chen@galaxy-chips.example")).one()
        made, code = (claiming.claim(perks.grant(row, name), 1, by=chen) for name in ("slot", "code"))
        assert code.state is C.CLAIMED
        waits = perks.claim(perks.member("beta", "gold", start=clock.today()), "slot")
        assert waits.state is C.WAITING
    assert post(client, f"/applications/{uid}/closing").status_code == 303
    with app.app_context(), reading():
        states = [db.session.get_one(Claim, one.id).state for one in (made, code, waits)]
        assert states == [C.WITHDRAWN, C.WITHDRAWN, C.CLAIMED]
        assert granting.available(db.session.get_one(Grant, made.grant_id)) == 0
        verified()


def test_a_purchase_grants_once_and_only_while_it_is_paid(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("days", tiers={}, purchases={"support.gold": 10})
        row = perks.member("acme", "gold")
        order = issuing.place_order(issuing.party_of(row.org), "test:1", [Item(price_of("support.gold"))])
        invoice = issuing.issue_invoice(order, language="en", by="test")
        assert granting.grant_bought(invoice)[0].quantity == 10
        assert granting.grant_bought(invoice) == []
        assert perks.left(row, "days") == 0
        assert "not in force" in refused(lambda: perks.claim(row, "days"))
        receipt, _new = settling.record_receipt(
            Way.BANK, "bank", "days-1", invoice.gross, DAY, payer="Acme", party=invoice.party, by="test"
        )
        settling.put_on(receipt, invoice, by="test")
        assert perks.left(row, "days") == 10
        assert perks.claim(row, "days", 10).state is C.CLAIMED
        verified()


def test_ends_are_announced_thirty_days_before_and_on_the_day_once_after_any_outage(app: Flask) -> None:
    with app.test_request_context("/", method="POST"):
        with clock.stopped_at(DAY), transaction():
            perks.define("visit")
            perks.define("early", claim_days=100)
            row = perks.member("acme", "silver", "software")
            perks.claim(row, "visit", 1)
            perks.member("beta", "silver", "software", start=date(2026, 2, 1))

        def run(*days: date) -> list[int]:
            return [chores.run("announce_benefit_expiry", as_of=day) for day in days]

        by, last = date(2026, 4, 10), NEXT - timedelta(days=1)
        assert run(by - timedelta(days=31), by - timedelta(days=30), by, by) == [0, 1, 0, 0]
        # The last day of one to claim is over; that of the other, a month later, comes near.
        assert run(by + timedelta(days=1), by + timedelta(days=1)) == [2, 0]
        assert run(last - timedelta(days=31), last - timedelta(days=20), last - timedelta(days=20), last) == [
            0,
            1,
            0,
            0,
        ]
        assert run(NEXT + timedelta(days=2), NEXT + timedelta(days=2)) == [2, 0]
        assert run(date(2027, 6, 1), date(2030, 1, 1)) == [0, 0]
        with reading():
            notices = select(ExpiryNotice.step, ExpiryNotice.sent).join(
                Grant, ExpiryNotice.grant_id == Grant.id
            )
            mine = notices.where(Grant.benefit == "visit", Grant.membership_id == row.id).order_by(
                ExpiryNotice.id
            )
            assert [tuple(one) for one in db.session.execute(mine)] == [(30, True), (0, True)]
            mails = select(MailMessage.title).where(MailMessage.key.startswith("benefit-expiry"))
            titles = db.session.scalars(
                mails.where(MailMessage.address == "acme@acme.example").order_by(MailMessage.id)
            )
            assert titles.all() == [
                "Acme Ltd: benefits to use until 10 Apr 2026", "Acme Ltd: benefits that ended on 10 Apr 2026",
                "Acme Ltd: benefits to use until 31 Dec 2026", "Acme Ltd: benefits that ended on 31 Dec 2026",
            ]  # fmt: skip


def test_an_outage_skips_the_word_that_is_too_late_and_an_old_end_is_never_spoken_of(app: Flask) -> None:
    with app.test_request_context("/", method="POST"):
        with clock.stopped_at(DAY), transaction():
            perks.define("visit")
            row = perks.member("acme", "silver", "software")
            perks.member("past", "silver", "software", start=date(2020, 1, 1))
        assert chores.run("announce_benefit_expiry", as_of=DAY) == 0
        assert chores.run("announce_benefit_expiry", as_of=NEXT) == 1
        with reading():
            notices = select(ExpiryNotice.step, ExpiryNotice.sent).order_by(ExpiryNotice.step)
            assert [tuple(one) for one in db.session.execute(notices)] == [(0, True), (30, False)]
            assert row.org.legal_name == "Acme Ltd"


def test_value_delivered_over_a_change_of_tier(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("visit", list_value={"amount": 1_000_000})
        perks.define("talk")
        rui, row = perks.reviewer(), perks.member("acme", "gold")
        made, talk, _open = (
            perks.claim(row, "visit", 2),
            perks.claim(row, "talk", 1),
            perks.claim(row, "visit", 1),
        )
        for one in (made, talk):
            claiming.confirm(one, by=rui, roles=REVIEWER)
            claiming.use(one, by=rui, roles=REVIEWER, on=DAY)
        before = value.delivered(row)
        assert before is not None
        assert (before.dues.minor, before.worth.minor, before.percent) == (40_000_000, 2_000_000, 5)
        lines = {one.benefit: (one.granted, one.used, one.open, one.left, one.worth) for one in before.lines}
        assert lines["talk"] == (4, 1, 0, 3, None)
        visit = lines["visit"]
        assert (visit[:4], visit[4].minor if visit[4] else None) == ((4, 2, 1, 1), 2_000_000)
        perks.change_tier(row, "platinum", DAY)
        after = value.delivered(row)
        assert after is not None
        # 60 of 365 days of gold were used: half_up(40 000 000 × 60 / 365) beside the new term's charge.
        assert (after.dues.minor, after.worth.minor) == (40_000_000 + 6_575_342, 2_000_000)
        assert {one.benefit: one.granted for one in after.lines}["visit"] == 10
        assert value.delivered(row, on=date(2025, 12, 31)) is None


def test_a_waived_year_has_no_ratio(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        row = perks.member("acme", "gold", start=date(2025, 1, 1))
        perks.open_term(row, "gold", perks.BEGIN, charged=0)
        found = value.delivered(row)
        assert found is not None
        assert (found.percent, found.dues.minor) == (None, 0)


def _step(dice: random.Random, rows: list[Membership], rui: Person, claims: list[Claim]) -> None:
    """Take one step of a storm; what is refused changes nothing."""
    what = dice.choice(
        ["claim", "claim", "claim", "confirm", "decline", "withdraw", "release", "use", "tier", "expel"]
    )
    row = dice.choice(rows)
    one = dice.choice(claims) if claims else None
    try:
        if what == "claim":
            claims.append(perks.claim(row, dice.choice(["slot", "visit"]), dice.randint(1, 4)))
        elif what == "tier":
            perks.change_tier(row, dice.choice(["gold", "silver", "platinum"]), clock.today())
        elif what == "expel" and dice.random() < 0.2:
            perks.end_term(row, clock.today(), EndingCause.EXPELLED, bar_for_good=True)
            terms.refresh([row])
        elif one is not None and what in {"withdraw", "release"}:
            getattr(claiming, what)(one, by=rui, **({"reason": "x"} if what == "release" else {}))
        elif one is not None and what != "expel":
            given: dict[str, dict[str, Any]] = {"decline": {"reason": "x"}, "use": {"on": clock.today()}}
            more = given.get(what, {})
            getattr(claiming, what)(one, by=rui, roles=REVIEWER, **more)
    except Refused:
        db.session.flush()


def test_any_storm_of_steps_keeps_quantity_and_capacity(app: Flask) -> None:
    with app.test_request_context("/", method="POST"):
        for seed in range(lives(app, one_in=25)):
            dice = random.Random(seed)
            with undone(app), clock.stopped_at(DAY), transaction():
                perks.define(
                    "slot",
                    capacity={"quantity": dice.randint(1, 5), "per": "month"},
                    shares={"tiers": {"platinum": 2}},
                )
                perks.define("visit")
                rui = perks.reviewer()
                rows = [
                    perks.member(f"firm{n}", dice.choice(["platinum", "gold", "silver"])) for n in range(3)
                ]
                claims: list[Claim] = []
                for n in range(14):
                    with clock.stopped_at(DAY + timedelta(days=5 * n)):
                        _step(dice, rows, rui, claims)
                        db.session.flush()
                        assert benefit_verify.verify_claims()[1] == [], seed
                        for row in rows:
                            assert terms.may(row, Right.NEW_CLAIMS) is not None
                            held = [one for one in granting.held_by([row]) if one.runs(clock.today())]
                            assert all(one.left(clock.today()) >= 0 for one in held), seed


def test_verify_finds_what_is_wrong(app: Flask) -> None:
    with app.test_request_context("/", method="POST"), clock.stopped_at(DAY), transaction():
        perks.define("visit")
        perks.define("slot", capacity={"quantity": 1, "per": "year"})
        row = perks.member("acme", "gold")
        many, place = perks.claim(row, "visit", 4), perks.claim(row, "slot")
        verified()
        db.session.execute(
            text("UPDATE benefit_claim SET quantity = 9 WHERE id IN (:a, :b)"), {"a": many.id, "b": place.id}
        )
        db.session.execute(
            text("UPDATE benefit_claim SET provisional = true, state = 'confirmed' WHERE id = :a"),
            {"a": many.id},
        )
        found = benefit_verify.verify_claims()[1]
        assert [line.split(": ")[1].split(" ")[0] for line in found] == ["9", "9", "9", "claim"]
        db.session.execute(text("UPDATE benefit_claim SET quantity = 1, provisional = false"))
