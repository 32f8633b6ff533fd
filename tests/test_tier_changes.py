"""Changes of tier on rows: one document each, the split at the quoted day, the way back, and nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from portal.billing import crediting, issuing, ledger, recognising, settling
from portal.billing.catalogue import price_of
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Receipt, Way
from portal.billing.note_models import CreditNote
from portal.core import audit, catalogue, clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.members import (
    closing,
    granting,
    papers,
    review,
    terms,
    tier_apply,
    tier_changes,
    tier_plan,
    tier_quotes,
    tier_terms,
)
from portal.members.belonging import Membership, Term, TermKind
from portal.members.models import Application, ApplicationState
from portal.members.standing import Standing
from portal.members.tier_models import TierQuote, TierQuoteState
from portal.members.tier_quotes import Outdated
from portal.members.tier_terms import Renewals
from tests import tiers
from tests.people import make_org
from tests.test_prices import publish
from tests.undone import lives, undone

S, T = ApplicationState, TierQuoteState
JULY, END = date(2026, 7, 2), date(2027, 1, 1)
NONE = Money(0)


def begin(tier: str = "gold", day: date = tiers.NEW_YEAR, *, waived: bool = False, paid: bool = True) -> None:
    """Make the house and its one member, on a day."""
    with clock.stopped_at(day), transaction():
        tiers.house()
        tiers.member(tier, day, waived=waived, paid=paid)


def test_up_is_one_invoice_with_two_lines_and_holds_from_the_quoted_day_once_paid(app: Flask) -> None:
    with app.app_context():
        begin()
        quote = tiers.change("platinum", JULY, paid=False)
        assert tiers.bills()[1:] == [([-8_021_918, 20_054_795], 12_032_877)]
        assert quote.state is T.CONFIRMED
        with clock.stopped_at(JULY + timedelta(days=20)):
            assert tiers.facts() == [("new", "gold", "2026-01-01", "2027-01-01", 16_000_000)]
            assert (tiers.one().tier, terms.standing(tiers.one())) == ("gold", Standing.ACTIVE)
            with transaction():
                tiers.money(tiers.bill(quote.id))
            assert tiers.facts() == [
                ("new", "gold", "2026-01-01", "2026-07-02", 16_000_000),
                ("upgrade", "platinum", "2026-07-02", "2027-01-01", 20_054_795),
            ]
            assert (tiers.one().tier, terms.standing(tiers.one())) == ("platinum", Standing.ACTIVE)
            row = tiers.again(quote.id)
            assert (row.state, row.application.state) == (T.DONE, S.COMPLETED)
        with clock.stopped_at(date(2027, 1, 2)):
            recognising.recognise()
            assert ledger.balance(ledger.income("dues")) == -Money(16_000_000 + 12_032_877)
            assert tiers.clean() == []


def test_the_benefits_of_the_old_tier_end_where_the_new_ones_begin(app: Flask) -> None:
    with app.app_context():
        begin()
        tiers.change("platinum", JULY)
        of = {(str(one.grant.start), str(one.until)) for one in granting.held_by([tiers.one()])}
        assert of == {("2026-01-01", "2026-07-02"), ("2026-07-02", "2027-01-01")}
        with clock.stopped_at(JULY):
            assert {row.start for row in papers.granted(tiers.one())} == {JULY}
        verbs = [one.verb for one in db.session.scalars(audit.of_subject(tiers.one().subject))]
        assert verbs.count("membership.tier_changed") == 1
        outbox.drain()


def test_a_waiver_stays_visible_as_a_discount(app: Flask) -> None:
    with app.app_context():
        begin(waived=True)
        quote = tiers.change("platinum", JULY)
        line = tiers.bill(quote.id).lines[0]
        assert (line.list_amount, line.discount, line.gross) == (
            Money(20_054_795), Money(8_021_918), Money(12_032_877)
        )  # fmt: skip
        assert line.discount_words == {"en": "Waiver kept, for Gold", "zh": "沿用黄金会员会费豁免"}
        assert tiers.facts()[1] == ("upgrade", "platinum", "2026-07-02", "2027-01-01", 12_032_877)
        assert tiers.clean() == []


def test_a_waiver_may_be_dropped_by_the_catalogue(app: Flask) -> None:
    with app.app_context():
        begin(waived=True)
        with transaction():
            catalogue.put(
                "policy", "waiver.on_upgrade", {"code": "waiver.on_upgrade", "value": "drop"}, tiers.NEW_YEAR
            )
        tiers.change("platinum", JULY)
        assert tiers.bills()[1:] == [([20_054_795], 20_054_795)]


def test_a_founder_may_change_twice_and_pays_differences_only(app: Flask) -> None:
    with app.app_context():
        begin("silver", waived=True)
        tiers.change("gold", date(2026, 4, 1))
        tiers.change("platinum", date(2026, 10, 1))
        assert [total for _lines, total in tiers.bills()] == [0, 10_547_946, 6_049_316]
        assert tiers.clean() == []


def test_twice_is_counted_from_the_whole_charge(app: Flask) -> None:
    with app.app_context():
        begin("silver")
        tiers.change("gold", date(2026, 4, 1))
        tiers.change("platinum", date(2026, 10, 1))
        assert [total for _lines, total in tiers.bills()] == [2_000_000, 10_547_946, 6_049_315]
        assert tiers.charged() == Money(18_597_261)
        assert [one[4] for one in tiers.facts()] == [2_000_000, 12_054_795, 10_082_192]
        with clock.stopped_at(date(2027, 1, 2)):
            recognising.recognise()
            assert ledger.balance(ledger.income("dues")) == -Money(18_597_261)
            assert tiers.clean() == []


def test_a_renewal_already_paid_adds_its_whole_difference_on_the_same_invoice(app: Flask) -> None:
    with app.app_context():
        begin()
        with clock.stopped_at(date(2026, 11, 20)), transaction():
            tiers.year(tiers.one(), "gold", END, kind=TermKind.RENEWAL, anchor=tiers.NEW_YEAR, k=1)
        tiers.change("platinum", date(2026, 12, 1))
        assert tiers.bills()[2:] == [([-1_358_904, 3_397_260, -16_000_000, 40_000_000], 26_038_356)]
        assert tiers.facts() == [
            ("new", "gold", "2026-01-01", "2026-12-01", 16_000_000),
            ("upgrade", "platinum", "2026-12-01", "2027-01-01", 3_397_260),
            ("renewal", "gold", "2027-01-01", "2027-01-01", 16_000_000),
            ("upgrade", "platinum", "2027-01-01", "2028-01-01", 40_000_000),
        ]
        with clock.stopped_at(date(2028, 1, 2)):
            recognising.recognise()
            assert tiers.clean() == []


@dataclass
class Offer:
    """An offer as changes of tier know it."""

    invoice: Invoice | None


class Offers:
    """Renewals as a test needs them: one open invoice, issued anew at the tier that follows a term."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []

    def offer(self, membership: Membership) -> Offer | None:
        found = db.session.scalars(
            select(Invoice).where(
                Invoice.billed_subject == f"renewal:{membership.id}",
                Invoice.state == InvoiceState.OPEN,
                ~Invoice.reversed,
            )
        ).first()
        return Offer(found) if found is not None else None

    def again(self, membership: Membership, term: Term, *, by: object) -> None:
        there = self.offer(membership)
        if there is not None and there.invoice is not None:
            crediting.reverse_invoice(there.invoice, by=str(by), reason="another tier")
        self.issue(membership, tier_terms.tier_after(term))

    def issue(self, membership: Membership, tier: str) -> None:
        price = price_of(catalogue.entry("tier", tier)["product"])
        order = issuing.place_order(
            issuing.party_of(membership.org), f"renewal:{membership.id}", [issuing.Item(price)]
        )
        issuing.issue_invoice(order, language="en", by="test")
        self.made.append((str(clock.today()), tier))


@pytest.fixture
def offers() -> Iterator[Offers]:
    """Let the test answer for renewals."""
    made = Offers()
    tier_terms.ask_renewals(Renewals(made.offer, made.again))
    yield made
    tier_terms.ask_renewals(None)


def open_sums() -> list[int]:
    return [
        row.gross.minor
        for row in db.session.scalars(
            select(Invoice).where(Invoice.state == InvoiceState.OPEN).order_by(Invoice.id)
        )
    ]


def test_an_open_renewal_is_issued_anew_once_with_the_split_however_often_it_is_confirmed(
    app: Flask, offers: Offers
) -> None:
    with app.app_context():
        begin()
        with clock.stopped_at(date(2026, 11, 2)), transaction():
            offers.issue(tiers.one(), "gold")
        with clock.stopped_at(date(2026, 12, 1)):
            with transaction():
                number = tiers.approved("platinum").id
            refused = 0
            for _tab in range(3):
                try:
                    with transaction():
                        tiers.confirm(number)
                except Refused:
                    refused += 1
            assert (refused, open_sums()) == (2, [16_000_000, 2_038_356])
            with transaction():
                tiers.money(tiers.bill(number))
            assert offers.made == [("2026-11-02", "gold"), ("2026-12-01", "platinum")]
            assert open_sums() == [40_000_000]
            assert tiers.clean() == []


def test_a_dropped_change_leaves_the_renewal_as_it_is(app: Flask, offers: Offers) -> None:
    with app.app_context():
        begin()
        with clock.stopped_at(date(2026, 11, 2)), transaction():
            offers.issue(tiers.one(), "gold")
        quote = tiers.change("platinum", date(2026, 12, 1), paid=False)
        with clock.stopped_at(date(2026, 12, 20)), transaction():
            closing.close(quote.application, by="test", reason="changed our mind")
        assert offers.made == [("2026-11-02", "gold")]
        assert tiers.clean() == []


def test_a_choice_for_the_next_year_makes_the_open_renewal_anew_at_once(app: Flask, offers: Offers) -> None:
    with app.app_context():
        begin("platinum")
        with clock.stopped_at(date(2026, 11, 2)), transaction():
            offers.issue(tiers.one(), "platinum")
        quote = tiers.change("gold", date(2026, 12, 1))
        assert open_sums() == [16_000_000]
        with clock.stopped_at(date(2026, 12, 2)), transaction():
            tier_changes.keep_tier(tiers.again(quote.id), by=tiers.chen())
        assert [tier for _day, tier in offers.made] == ["platinum", "gold", "platinum"]
        assert open_sums() == [40_000_000]


def test_a_year_paid_ahead_between_confirmation_and_payment_is_asked_for_next(app: Flask) -> None:
    with app.app_context():
        begin()
        quote = tiers.change("platinum", date(2026, 12, 1), paid=False)
        with clock.stopped_at(date(2026, 12, 5)):
            with transaction():
                tiers.year(tiers.one(), "gold", END, kind=TermKind.RENEWAL, anchor=tiers.NEW_YEAR, k=1)
            with transaction():
                tiers.money(tiers.bill(quote.id))
            second = db.session.scalars(select(TierQuote).order_by(TierQuote.id.desc())).first()
            assert second is not None
            assert (second.state, second.gross, second.effective_on) == (T.OFFERED, Money(24_000_000), END)
            assert second.application.state is S.APPROVED
            with transaction():
                tier_changes.change_tier(second, by=tiers.chen())
            with transaction():
                tiers.money(tiers.bill(second.id))
            assert tiers.facts()[-1] == ("upgrade", "platinum", "2027-01-01", "2028-01-01", 40_000_000)
            assert tiers.again(second.id).application.state.value == "completed"
            assert tiers.clean() == []


def test_down_takes_effect_with_the_next_term_and_can_be_taken_back(app: Flask) -> None:
    with app.app_context():
        begin("platinum")
        quote = tiers.change("gold", JULY)
        term = db.session.scalars(select(Term)).one()
        assert (quote.gross, quote.effective_on, len(quote.lines)) == (NONE, END, 0)
        assert (tier_terms.tier_after(term), quote.application.state) == ("gold", S.COMPLETED)
        assert len(tiers.bills()) == 1
        with clock.stopped_at(JULY), transaction():
            tier_changes.keep_tier(tiers.again(quote.id), by=tiers.chen())
        assert tier_terms.tier_after(db.session.scalars(select(Term)).one()) == "platinum"
        with pytest.raises(Refused), transaction():
            tier_changes.keep_tier(tiers.again(quote.id), by=tiers.chen())
        again = tiers.change("silver", date(2026, 8, 1))
        third = tiers.change("gold", date(2026, 9, 1))
        states = {one.id: one.state for one in db.session.scalars(select(TierQuote))}
        assert (states[again.id], states[third.id]) == (T.DROPPED, T.CONFIRMED)
        with clock.stopped_at(END), transaction():
            tiers.year(tiers.one(), "gold", END, kind=TermKind.DOWNGRADE, anchor=tiers.NEW_YEAR, k=1)
        assert tiers.again(third.id).state is T.DONE
        changed = [
            one.detail["new"]
            for one in db.session.scalars(audit.of_subject(tiers.one().subject))
            if one.verb == "membership.tier_changed"
        ]
        assert changed == ["gold"]
        assert tiers.clean() == []


def test_down_with_the_next_year_already_paid_is_a_credit_note_and_no_negative_invoice(app: Flask) -> None:
    with app.app_context():
        begin("platinum")
        with clock.stopped_at(date(2026, 11, 20)), transaction():
            tiers.year(tiers.one(), "platinum", END, kind=TermKind.RENEWAL, anchor=tiers.NEW_YEAR, k=1)
        quote = tiers.change("gold", date(2026, 12, 1))
        note = db.session.scalars(select(CreditNote)).one()
        assert (quote.state, quote.credit_note_number, note.gross) == (T.DONE, note.number, Money(24_000_000))
        assert [line.gross.minor for line in note.lines] == [40_000_000, -16_000_000]
        assert ledger.balance(ledger.CREDIT) == -Money(24_000_000)
        assert tiers.facts()[1:] == [
            ("renewal", "platinum", "2027-01-01", "2027-01-01", 40_000_000),
            ("downgrade", "gold", "2027-01-01", "2028-01-01", 16_000_000),
        ]
        with clock.stopped_at(date(2028, 1, 2)):
            recognising.recognise()
            assert ledger.balance(ledger.income("dues")) == -Money(56_000_000)
            assert tiers.clean() == []


def test_down_at_once_where_the_catalogue_says_so(app: Flask) -> None:
    with app.app_context():
        begin("platinum")
        with transaction():
            catalogue.put(
                "policy", "tier_change.down", {"code": "tier_change.down", "value": "now"}, tiers.NEW_YEAR
            )
        quote = tiers.change("gold", JULY)
        assert (quote.state, quote.invoice_id, quote.gross) == (T.DONE, None, Money(-12_032_877))
        assert tiers.charged() == Money(40_000_000 - 12_032_877)
        up = tiers.change("platinum", date(2026, 9, 1))
        assert up.state is T.DONE
        with clock.stopped_at(date(2027, 1, 2)):
            recognising.recognise()
            assert tiers.clean() == []


def test_a_tier_that_is_neither_higher_nor_lower_is_a_reclassification(app: Flask) -> None:
    with app.app_context():
        begin("silver")
        with transaction():
            body = catalogue.entry("tier", "silver")
            catalogue.put("tier", "silver", {**body, "rank": 2}, tiers.NEW_YEAR)
            body = catalogue.entry("tier", "startup")
            catalogue.put("tier", "startup", {**body, "rank": 2, "product": "dues.silver"}, tiers.NEW_YEAR)
        quote = tiers.change("startup", JULY)
        assert (quote.kind, quote.gross, quote.state) == (TermKind.RECLASS, NONE, T.DONE)
        assert tiers.facts()[1][:2] == ("reclass", "startup")
        assert tiers.bills()[1][1] == 0
        assert tiers.clean() == []


def test_from_an_imported_tier_what_was_paid_elsewhere_counts(app: Flask) -> None:
    with app.app_context():
        begin()
        with clock.stopped_at(tiers.NEW_YEAR), transaction():
            catalogue.put(
                "imported_tier",
                "academic",
                {"code": "academic", "name": {"en": "Academic", "zh": "学术"}},
                tiers.NEW_YEAR,
            )
            other = terms.found_membership(make_org("Old College"))
            terms.open_term(
                other, kind=TermKind.IMPORTED, tier="academic", start=tiers.NEW_YEAR, months=12, price=NONE,
                charged=Money(1_000_000), cover="elsewhere", invoice=None, by="import",
            )  # fmt: skip
        with clock.stopped_at(JULY), reading():
            found = tier_plan.plan(db.session.get_one(Membership, other.id), "silver")
        assert found.kind is TermKind.RECLASS
        left = 1_000_000 - (1_000_000 * 182 * 2 + 365) // 730
        assert [(one.list, one.discount) for one in found.lines] == [(1_002_740, left)]


@pytest.mark.parametrize("moved", ["price", "seats", "term"])
def test_what_moved_since_is_answered_with_a_new_preview(app: Flask, moved: str) -> None:
    with app.app_context():
        begin()
        with clock.stopped_at(JULY), transaction():
            number = tiers.approved("platinum").id
        with clock.stopped_at(date(2026, 7, 9)):
            with transaction():
                _move(moved)
            with pytest.raises(Outdated), transaction():
                tiers.confirm(number)
            row = tiers.again(number)
            assert (row.state, len(tiers.bills())) == (T.OFFERED, 2 if moved == "term" else 1)
            if moved == "term":
                return
            with transaction():
                fresh = tier_apply.again(row.application, by=tiers.chen())
            assert (row.state, row.replaced_by, str(fresh.effective_on)) == (
                T.SUPERSEDED,
                fresh.uid,
                "2026-07-09",
            )
            with transaction():
                tier_changes.change_tier(fresh, by=tiers.chen())
            assert fresh.state is T.CONFIRMED


def _move(what: str) -> None:
    today = clock.today()
    if what == "price":
        publish("dues.platinum", 41_000_000, today)
    elif what == "seats":
        body = catalogue.entry("contacts", "platinum")
        catalogue.put(
            "contacts", "platinum", {**body, "roles": {**body["roles"], "alternate": [0, 3]}}, today
        )
    else:
        tiers.year(tiers.one(), "gold", END, kind=TermKind.RENEWAL, anchor=tiers.NEW_YEAR, k=1)


def test_a_preview_holds_thirty_days_and_is_then_laid_aside(app: Flask) -> None:
    with app.app_context():
        begin()
        with clock.stopped_at(JULY), transaction():
            number = tiers.approved("platinum").id
        with clock.stopped_at(JULY + timedelta(days=30)):
            assert tier_quotes.sweep() == 0
        with clock.stopped_at(JULY + timedelta(days=31)):
            with pytest.raises(Outdated), transaction():
                tiers.confirm(number)
            assert [tier_quotes.sweep(), tier_quotes.sweep()] == [1, 0]
            row = tiers.again(number)
            assert row.state is T.LATE
            with transaction():
                fresh = tier_apply.again(row.application, by=tiers.chen())
            assert fresh.state is T.OFFERED


def test_confirmed_late_in_its_time_it_still_holds_from_the_quoted_day(app: Flask) -> None:
    with app.app_context():
        begin()
        with clock.stopped_at(JULY), transaction():
            number = tiers.approved("platinum").id
        with clock.stopped_at(JULY + timedelta(days=29)):
            with transaction():
                tiers.confirm(number)
            with transaction():
                tiers.money(tiers.bill(number))
        assert tiers.facts()[1] == ("upgrade", "platinum", "2026-07-02", "2027-01-01", 20_054_795)
        assert tiers.clean() == []


def test_an_unpaid_change_is_dropped_and_the_old_year_earns_as_before(app: Flask) -> None:
    with app.app_context():
        begin()
        quote = tiers.change("platinum", JULY, paid=False)
        with clock.stopped_at(date(2026, 8, 15)), transaction():
            recognising.recognise()
            receipt, _new = settling.record_receipt(
                Way.TEST, "test", "pi_part", Money(1_000), clock.today(), payer="Galaxy Ltd",
                party=tiers.bill(quote.id).party, by="payment page",
            )  # fmt: skip
            settling.put_on(receipt, tiers.bill(quote.id), by="test")
            freed = closing.close(quote.application, by="test", reason="not paid")
        assert freed == Money(1_000)
        bill = db.session.get_one(Invoice, quote.invoice_id)
        assert (bill.reversed, issuing.owed(bill)) == (True, NONE)
        assert settling.credit_of(db.session.get_one(Receipt, receipt.id)) == Money(1_000)
        assert tiers.again(quote.id).state is T.DROPPED
        assert tiers.charged() == Money(16_000_000)
        assert tiers.facts() == [("new", "gold", "2026-01-01", "2027-01-01", 16_000_000)]
        tiers.change("platinum", date(2026, 10, 1))
        assert tiers.bills()[2] == ([-4_032_877, 10_082_192], 6_049_315)
        with clock.stopped_at(date(2027, 1, 2)):
            recognising.recognise()
            assert ledger.balance(ledger.income("dues")) == -Money(16_000_000 + 6_049_315)
            assert tiers.clean() == []


def test_finance_takes_the_invoice_of_a_change_back(app: Flask) -> None:
    with app.app_context():
        begin()
        quote = tiers.change("platinum", JULY, paid=False)
        with clock.stopped_at(JULY), transaction():
            crediting.reverse_invoice(tiers.bill(quote.id), by="test", reason="a mistake")
        row = tiers.again(quote.id)
        assert (row.state, row.application.state) == (T.DROPPED, S.CLOSED)


def test_money_that_comes_after_the_membership_ended_changes_nothing(app: Flask) -> None:
    from portal.members.belonging import Ending
    from portal.members.standing import EndingCause

    with app.app_context():
        begin()
        quote = tiers.change("platinum", JULY, paid=False)
        with clock.stopped_at(JULY), transaction():
            term = db.session.scalars(select(Term)).one()
            db.session.add(Ending(term=term, on=JULY, cause=EndingCause.EXPELLED, reason="x", by_name="test"))
        with clock.stopped_at(date(2026, 7, 8)), transaction():
            tiers.money(tiers.bill(quote.id))
        row = tiers.again(quote.id)
        assert (row.state, row.application.state) == (T.DROPPED, S.CLOSED)
        assert ledger.balance(ledger.CREDIT) == -Money(12_032_877)
        assert len(tiers.facts()) == 1


def test_what_cannot_be_changed_says_why(app: Flask) -> None:
    with app.app_context():
        begin(paid=False)
        with clock.stopped_at(date(2026, 1, 20)), reading(), force_locale("en"):
            for tier, words in (
                ("platinum", "is still open"),
                ("gold", "another tier"),
                ("individual", "another tier"),
                ("nothing", "another tier"),
            ):
                with pytest.raises(Refused) as refused:
                    tier_apply.ask(tiers.one().org, tier, by=tiers.chen(), language="en")
                assert words in str(refused.value)
        with clock.stopped_at(date(2028, 1, 1)), reading(), pytest.raises(Refused):
            tier_plan.plan(tiers.one(), "platinum")
        with transaction():
            tiers.money(db.session.scalars(select(Invoice)).one())
        with clock.stopped_at(JULY), transaction():
            quote = tiers.approved("platinum")
            with pytest.raises(Refused):
                tier_apply.ask(tiers.one().org, "silver", by=tiers.chen(), language="en")
            with pytest.raises(Refused):
                review.propose_waiver(quote.application, by=tiers.chen(), reason="x")


def test_figures_of_a_preview_never_change(app: Flask) -> None:
    with app.app_context():
        begin()
        with clock.stopped_at(JULY), transaction():
            tiers.approved("platinum")
        for statement in (
            "UPDATE tier_quote SET gross = gross + 1, net = net + 1",
            "UPDATE tier_line SET starts = ends",
            "DELETE FROM tier_line",
            "DELETE FROM tier_quote",
        ):
            with pytest.raises(DatabaseError), transaction():
                db.session.execute(text(statement))


def test_the_day_of_a_preview_shown_with_the_request_is_not_charged_after_a_week_of_review(
    app: Flask,
) -> None:
    with app.app_context():
        begin()
        with clock.stopped_at(JULY), transaction():
            row = tier_apply.ask(tiers.one().org, "platinum", by=tiers.chen(), language="en")
            shown = tier_quotes.last_quote(row)
        with clock.stopped_at(date(2026, 7, 9)), transaction():
            offered = tiers.approve(db.session.get_one(Application, row.id))
        assert shown is not None
        assert (shown.state, offered.state, str(offered.effective_on)) == (
            T.SUPERSEDED,
            T.OFFERED,
            "2026-07-09",
        )


# --- Chains on rows

ROWS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = ("silver", "gold", "platinum")
YEARLY = {"silver": 2_000_000, "gold": 16_000_000, "platinum": 40_000_000}
STEPS = st.lists(st.tuples(st.integers(0, 60), st.sampled_from(NAMES)), min_size=1, max_size=3)


@pytest.fixture
def year_of_silver(app: Flask) -> Flask:
    """A house with one silver member, where a lower tier takes effect at once too."""
    with app.app_context():
        begin("silver")
        with transaction():
            catalogue.put(
                "policy", "tier_change.down", {"code": "tier_change.down", "value": "now"}, tiers.NEW_YEAR
            )
    return app


def test_any_chain_of_changes_on_rows_is_exact(year_of_silver: Flask) -> None:
    app = year_of_silver

    @settings(ROWS, max_examples=lives(app, one_in=12))
    @given(STEPS)
    def live(steps: list[tuple[int, str]]) -> None:
        with app.app_context(), undone(app):
            day, tier, exact, done = tiers.NEW_YEAR, "silver", 0, 0
            for after, new in steps:
                if new == tier:
                    continue
                later = min(day + timedelta(days=after), END - timedelta(days=1))
                exact += YEARLY[tier] * (later - day).days
                quote = tiers.change(new, later)
                assert quote.state is T.DONE
                day, tier, done = later, new, done + 1
            exact += YEARLY[tier] * (END - day).days
            assert abs(tiers.charged().minor * 365 - exact) <= done * 365
            assert db.session.scalar(select(func.count(Term.id))) == done + 1
            with clock.stopped_at(date(2027, 1, 2)):
                recognising.recognise()
                assert tiers.clean() == []

    live()
