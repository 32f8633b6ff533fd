"""The verbs of a membership, row by row of members.md 1.3 and 8: who, guard, effect, and what the books say."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation
from portal.billing import crediting, issuing, passing, settling
from portal.billing.models import Invoice, InvoiceState
from portal.billing.note_models import CreditNote, NoteKind
from portal.billing.verify import verify_books
from portal.core import audit, clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.mail import MailMessage
from portal.core.money import Money
from portal.core.periods import unused
from portal.members import chores, deeds, endings, giving, leaving, reports, terms, wall
from portal.members.belonging import Agreement, AgreementState, Ending, Hold, Membership, Term, TermKind
from portal.members.deed_models import DeedState, DeedVerb
from portal.members.models import Application, ApplicationState, Kind
from portal.members.standing import Answer, EndingCause, Right, Standing
from portal.members.verify import verify_deeds
from tests import membership as m

D, S = DeedVerb, Standing
JAN, NEXT = date(2026, 1, 1), date(2027, 1, 1)


def at(text: str) -> datetime:
    """Return noon of a day in the office, as an instant."""
    return clock.start_of(date.fromisoformat(text)) + timedelta(hours=12)


def standings(row: Membership, *days: str) -> list[str]:
    return [terms.standing(row, on=date.fromisoformat(one)).value for one in days]


def clean() -> None:
    assert verify_books()[1] == []
    assert reports.verify_memberships()[1] == []
    assert verify_deeds()[1] == []


@pytest.fixture
def galaxy(app: Flask) -> Any:
    """A house and a gold member since 2026-01-01, with a signed agreement."""
    m.house(app)
    with m.inside(app), clock.stopped_at(JAN), transaction():
        org = m.company("Galaxy Ltd", "chen@galaxy.example")
        row = m.member(org, start=JAN)
        asked = Application(
            kind=Kind.JOIN, org=org, applicant=m.person("chen"), language="en", form_version=1, catalogue_day=JAN,
            tier="gold", state=ApplicationState.COMPLETED, closed_on=JAN,
        )  # fmt: skip
        db.session.add_all(
            [
                asked,
                Agreement(
                    number="MA-2026-00001", application=asked, template_version=1, party_name="Galaxy Ltd", tier="gold",
                    state=AgreementState.EXECUTED,
                ),
            ]
        )  # fmt: skip
        uid = row.uid
    with m.inside(app):
        yield lambda: db.session.query(Membership).filter_by(uid=uid).one()


def agreement_state() -> AgreementState:
    return db.session.scalars(select(Agreement.state)).one()


def mails_to(who: str) -> list[str]:
    found = select(MailMessage.title).where(MailMessage.address.startswith(f"{who}@"))
    return list(db.session.scalars(found.order_by(MailMessage.id)))


def test_back_dating_takes_two_and_both_times_are_kept(app: Flask) -> None:
    """Recorded 10 May, start 1 March: on 1 April absent as known then, present as known now."""
    m.house(app)
    with m.inside(app), clock.stopped_at(date(2026, 5, 10)):
        with transaction():
            org = m.company("Late Ltd", "li@late.example")
            row, rui = terms.found_membership(org), m.person("rui")
            asked = {
                "kind": "new",
                "tier": "silver",
                "start": "2026-03-01",
                "months": 12,
                "charged": 2_000_000,
            }
            with pytest.raises(Refused, match="second person"):
                giving.open_by_hand(
                    row, kind=TermKind.NEW, tier="silver", start=date(2026, 3, 1), months=12, charged=Money(2_000_000),
                    by=rui, reason="from the old books",
                )  # fmt: skip
        with transaction():
            deed = m.propose(org, D.OPEN_TERM, asked)
        with pytest.raises(Forbidden), transaction():
            deeds.confirm(deed, by=m.person("rui"))
        with transaction():
            deeds.confirm(deed, by=m.person("dai"))
        with reading():
            row = db.session.query(Membership).one()
            day = date(2026, 4, 1)
            assert terms.standing(row, on=day, known=at("2026-04-01")) is S.NONE
            assert terms.standing(row, on=day) is S.ACTIVE
            term = m.only_term(row)
            assert (term.by_name, term.second_name, term.cover) == ("Rui", "Dai", "elsewhere")
            assert (term.period_price, term.charged) == (Money(2_000_000), Money(2_000_000))
            assert mails_to("li")[-2:] != []
            clean()


@pytest.mark.parametrize(("back", "two"), [(0, False), (30, False), (31, True)])
def test_up_to_thirty_days_back_one_reviewer_is_enough(sqlite_app: Flask, back: int, two: bool) -> None:
    with m.inside(sqlite_app):
        start = clock.today() - timedelta(days=back)
        assert giving.takes_two(TermKind.RENEWAL, start) is two
        assert giving.takes_two(TermKind.COMPLIMENTARY, clock.today())
        assert giving.takes_two(TermKind.LIFETIME, clock.today())


def test_lifetime_and_complimentary_count_as_logos_and_cost_nothing(app: Flask) -> None:
    m.house(app)
    with m.inside(app), clock.stopped_at(date(2026, 6, 1)):
        with transaction():
            for kind, name in (("lifetime", "Ever"), ("complimentary", "Guest")):
                org = m.company(f"{name} Ltd", f"{name.lower()}@x.example")
                m.together(
                    org,
                    D.OPEN_TERM,
                    {"kind": kind, "tier": "silver", "start": "2026-06-01", "months": 12, "charged": 0},
                )
        with reading():
            rows = {row.org.legal_name: row for row in db.session.query(Membership)}
            ever, guest = rows["Ever Ltd"], rows["Guest Ltd"]
            assert (m.only_term(ever).end, m.only_term(guest).end) == (None, date(2027, 6, 1))
            assert standings(ever, "2026-06-01", "2099-01-01") == ["active", "active"]
            assert standings(guest, "2026-06-01", "2027-06-01", "2027-07-02") == ["active", "grace", "lapsed"]
            assert {m.only_term(row).charged for row in rows.values()} == {Money(0)}
            assert reports.members_on(date(2026, 7, 1)) == {"Silver": 2}
            assert [title for title in mails_to("ever") if "Welcome" in title]
            clean()


def test_terms_of_one_membership_never_overlap_and_two_holders_may(galaxy: Any) -> None:
    """Overlap: refused inside one membership; person and employer are two holders."""
    with clock.stopped_at(date(2026, 6, 1)):
        with transaction():
            row = galaxy()
            with pytest.raises(Refused, match="covers these days"):
                terms.open_term(
                    row, kind=TermKind.RENEWAL, tier="gold", start=date(2026, 12, 31), months=12, price=Money(1),
                    charged=Money(1), cover="elsewhere", invoice=None, by="test",
                )  # fmt: skip
            first = m.member(row.org, start=NEXT, kind=TermKind.RENEWAL)
            with pytest.raises(Refused, match="covers these days"):
                terms.open_term(
                    row, kind=TermKind.RENEWAL, tier="gold", start=NEXT, months=12, price=Money(1), charged=Money(1),
                    cover="elsewhere", invoice=None, by="test",
                )  # fmt: skip
            assert first.id == row.id
        with transaction():
            other = m.company("Wei herself", "wei@galaxy.example")
            m.member(other, tier="silver", start=date(2026, 6, 1))
        with reading():
            assert [row.standing for row in db.session.query(Membership)] == [S.ACTIVE, S.ACTIVE]
            clean()


def test_resigning_keeps_the_rights_to_the_last_day_and_ends_the_agreement(galaxy: Any) -> None:
    with clock.stopped_at(date(2026, 5, 1)):
        with transaction():
            leaving.resign(galaxy(), by=m.person("chen"), reason="budget")
        with pytest.raises(Refused, match="on record already"), transaction():
            leaving.resign(galaxy(), by=m.person("chen"))
        with reading():
            row = galaxy()
            assert standings(row, "2026-05-01", "2026-12-31", "2027-01-01", "2027-01-15") == [
                "active", "active", "resigned", "resigned"
            ]  # fmt: skip
            assert agreement_state() is AgreementState.EXECUTED
            assert mails_to("chen")[-1].startswith("Galaxy Ltd leaves")
            assert mails_to("rui")[-1] == "Resigned: Galaxy Ltd"
    with clock.stopped_at(NEXT):
        assert [chores.announce_standings() for _ in range(3)] == [1, 0, 0]
        with reading():
            assert (galaxy().standing, agreement_state()) == (S.RESIGNED, AgreementState.TERMINATED)
            assert [row.id for row in db.session.scalars(wall.shown())] == []
            assert db.session.query(CreditNote).count() == 0
            clean()


def test_a_resignation_on_an_earlier_day_ends_all_terms_beyond_it(galaxy: Any) -> None:
    with clock.stopped_at(date(2026, 6, 1)):
        with transaction():
            row = m.member(galaxy().org, start=NEXT, kind=TermKind.RENEWAL, paid=False)
            unpaid = db.session.query(Invoice).filter_by(state=InvoiceState.OPEN).one()
            for wrong in (date(2026, 5, 31), date(2028, 2, 1)):
                with pytest.raises(Refused):
                    leaving.resign(row, by=m.person("chen"), on=wrong)
            said = leaving.resign(row, by=m.person("chen"), on=date(2026, 9, 1))
            assert [one.on for one in said] == [date(2026, 9, 1)] * 2
            assert unpaid.state is InvoiceState.VOID  # what never begins is not owed
        with reading():
            assert standings(galaxy(), "2026-08-31", "2026-09-01", "2027-06-01") == [
                "active",
                "resigned",
                "resigned",
            ]
            clean()


def test_a_resignation_is_taken_back_as_if_never_said(galaxy: Any) -> None:
    with clock.stopped_at(date(2026, 5, 1)), transaction():
        leaving.resign(galaxy(), by=m.person("chen"), on=date(2026, 7, 1))
    with clock.stopped_at(date(2026, 6, 30)):
        with transaction():
            leaving.undo_resignation(galaxy(), by=m.person("chen"))
        with reading():
            assert standings(galaxy(), "2026-07-01", "2026-12-31", "2027-01-01") == [
                "active",
                "active",
                "grace",
            ]
            assert terms.standing(galaxy(), on=date(2026, 8, 1), known=at("2026-06-01")) is S.RESIGNED
            clean()
        with pytest.raises(Refused, match="no resignation"), transaction():
            leaving.undo_resignation(galaxy(), by=m.person("chen"))
        with transaction():
            leaving.resign(galaxy(), by=m.person("chen"), on=date(2026, 7, 1))
        with reading():
            assert standings(galaxy(), "2026-06-30", "2026-07-01") == ["active", "resigned"]


@pytest.mark.parametrize(("day", "done"), [(date(2026, 7, 31), True), (date(2026, 8, 1), False)])
def test_after_the_day_only_a_reviewer_takes_it_back_and_for_thirty_days(
    galaxy: Any, day: date, done: bool
) -> None:
    with clock.stopped_at(date(2026, 5, 1)), transaction():
        leaving.resign(galaxy(), by=m.person("chen"), on=date(2026, 7, 1))
    with clock.stopped_at(day):
        chores.announce_standings()
        with pytest.raises(Refused, match="The day has come"), transaction():
            leaving.undo_resignation(galaxy(), by=m.person("chen"))
        if not done:
            with pytest.raises(Refused, match="is over"), transaction():
                leaving.undo_resignation(galaxy(), by=m.person("rui"), staff=True)
            return
        with transaction():
            leaving.undo_resignation(galaxy(), by=m.person("rui"), staff=True, reason="asked by mail")
        with reading():
            assert (galaxy().standing, agreement_state()) == (S.ACTIVE, AgreementState.EXECUTED)
            clean()


def test_no_resignation_is_undone_under_a_later_term(galaxy: Any) -> None:
    with clock.stopped_at(date(2026, 5, 1)), transaction():
        leaving.resign(galaxy(), by=m.person("chen"), on=date(2026, 6, 1))
    with clock.stopped_at(date(2026, 6, 10)):
        with transaction():
            m.member(galaxy().org, start=date(2026, 6, 10), kind=TermKind.REINSTATEMENT)
        with pytest.raises(Refused), transaction():
            leaving.undo_resignation(galaxy(), by=m.person("rui"), staff=True)
        with reading():
            assert standings(galaxy(), "2026-06-05", "2026-06-10") == ["pending", "active"]
            clean()


def test_in_grace_one_may_still_say_that_one_leaves(galaxy: Any) -> None:
    with clock.stopped_at(date(2027, 1, 10)):
        chores.announce_standings()
        with transaction():
            leaving.resign(galaxy(), by=m.person("chen"))
        with reading():
            assert standings(galaxy(), "2026-12-31", "2027-01-10") == ["active", "resigned"]
            assert terms.standing(galaxy(), on=date(2027, 1, 5), known=at("2027-01-05")) is S.GRACE
            clean()


def test_suspension_and_its_lifting_take_two_and_a_reason_of_the_list(galaxy: Any) -> None:
    with clock.stopped_at(date(2026, 4, 1)):
        asked = {"code": "conduct", "start": "2026-04-01", "end": None}
        with pytest.raises(Refused, match="choose a reason"), transaction():
            m.propose(galaxy().org, D.SUSPEND, {**asked, "code": "whim"})
        with transaction():
            deed = m.propose(galaxy().org, D.SUSPEND, asked)
            verbs = [one["verb"] for one in deed.preview]
            assert [one for one in verbs if one != "licence.suspended"] == [
                "membership.suspended", "membership.standing_changed"
            ]  # fmt: skip
            assert verbs.count("licence.suspended") == 2  # what came with the membership stops with it
        for wrong in ("rui", "rong", "fang"):
            with pytest.raises(Forbidden), transaction():
                deeds.confirm(deed, by=m.person(wrong))
        with reading():
            assert galaxy().standing is S.ACTIVE
            assert db.session.query(Hold).count() == 0
        with transaction():
            deeds.confirm(deed, by=m.person("dai"))
        with pytest.raises(Refused) as twice, transaction():
            deeds.confirm(deed, by=m.person("dong"))
        assert twice.value.status == 409
        with reading():
            assert galaxy().standing is S.SUSPENDED
            assert (db.session.query(Hold).one().by_name, db.session.query(Hold).one().second_name) == (
                "Rui",
                "Dai",
            )
            assert list(db.session.scalars(wall.shown())) == []
            assert mails_to("chen")[-1].startswith("The membership of Galaxy Ltd is suspended")
    with clock.stopped_at(date(2026, 5, 1)):
        with transaction():
            hold = db.session.query(Hold).one()
            lift = {"hold": str(hold.id), "code": "resolved", "from_day": "2026-05-01"}
            with pytest.raises(Refused, match="within the suspension"):
                m.propose(galaxy().org, D.LIFT, {**lift, "from_day": "2026-03-31"})
        with transaction():
            m.together(galaxy().org, D.LIFT, lift)
        with reading():
            assert standings(galaxy(), "2026-03-31", "2026-04-01", "2026-04-30", "2026-05-01") == [
                "active", "suspended", "suspended", "active"
            ]  # fmt: skip
            clean()


def test_a_credit_note_after_payment_uncovers_the_term_until_staff_choose_its_end(galaxy: Any) -> None:
    """Note of 1 May: April active, 1 May active_unpaid, 2 May at_risk; then cancelled on the day chosen."""
    with clock.stopped_at(date(2026, 5, 1)):
        asked = {"term": m.only_term(galaxy()).uid, "on": "2026-05-01"}
        with pytest.raises(Refused, match="First a credit note"), transaction():
            m.propose(galaxy().org, D.CANCEL_TERM, asked, by="fang")
        with transaction():
            invoice = db.session.query(Invoice).one()
            note = crediting.propose_note(
                invoice, NoteKind.CANCELLATION, by=m.person("fang"), reason="agreed"
            )
            crediting.issue_note(note, by=m.person("feng"))
            terms.refresh([galaxy()])
        with reading():
            assert standings(galaxy(), "2026-04-30", "2026-05-01", "2026-05-02", "2026-06-30") == [
                "active", "active_unpaid", "at_risk", "suspended"
            ]  # fmt: skip
        with pytest.raises(Refused, match="within the term"), transaction():
            m.propose(galaxy().org, D.CANCEL_TERM, {**asked, "on": "2025-12-31"}, by="fang")
        with pytest.raises(Forbidden), transaction():
            deeds.confirm(m.propose(galaxy().org, D.CANCEL_TERM, asked, by="fang"), by=m.person("dai"))
        with transaction():
            m.together(galaxy().org, D.CANCEL_TERM, asked, by="fang", second="rui")
        with reading():
            assert standings(galaxy(), "2026-04-30", "2026-05-01", "2026-05-20") == [
                "active",
                "lapsed",
                "lapsed",
            ]
            assert passing.credit_of(issuing.party_of(galaxy().org)) == Money(16_000_000)
            clean()


def test_expulsion_needs_the_minute_and_what_is_paid_later_is_held(galaxy: Any) -> None:
    """Expelled, then pays: standing stays `expelled`, finance sees the credit."""
    asked = {"on": "2026-06-01", "barred_until": "2028-06-01"}
    with clock.stopped_at(date(2026, 6, 1)):
        with pytest.raises(Refused, match="attach the paper"), transaction():
            m.propose(galaxy().org, D.EXPEL, asked, by="sun")
        with transaction():
            m.together(galaxy().org, D.EXPEL, asked, by="sun", paper=True)
        with transaction():
            m.pay(galaxy().org, Money(16_000_000), ref="after")
        with reading():
            row = galaxy()
            assert (row.standing, agreement_state()) == (S.EXPELLED, AgreementState.TERMINATED)
            assert standings(row, "2026-05-31", "2026-06-01", "2028-05-31", "2028-06-01") == [
                "active", "expelled", "expelled", "lapsed"
            ]  # fmt: skip
            assert passing.credit_of(issuing.party_of(row.org)) == Money(16_000_000)
            assert db.session.query(Term).count() == 1
            assert "The board has expelled Galaxy Ltd" in mails_to("chen")[-1]
            clean()
        with pytest.raises(Refused, match="expelled"), transaction():
            m.propose(
                galaxy().org, D.OPEN_TERM,
                {"kind": "complimentary", "tier": "gold", "start": "2026-06-01", "months": 12, "charged": 0},
            )  # fmt: skip


def test_the_founding_badge_is_given_and_taken_by_two(galaxy: Any) -> None:
    with clock.stopped_at(date(2026, 6, 1)):
        with transaction():
            m.together(galaxy().org, D.SET_FOUNDING, {"founding": True})
        with pytest.raises(Refused, match="so already"), transaction():
            m.propose(galaxy().org, D.SET_FOUNDING, {"founding": True})
        with reading():
            assert galaxy().founding
            assert galaxy().tier == "gold"


def two_companies() -> tuple[Organisation, Organisation]:
    with clock.stopped_at(JAN), transaction():
        small = m.company("Small Ltd", "xiao@small.example")
        m.member(small, tier="silver", start=JAN)
        return db.session.query(Organisation).filter_by(legal_name="Galaxy Ltd").one(), small


def test_a_bought_companys_unused_dues_become_the_survivors_credit(galaxy: Any) -> None:
    with clock.stopped_at(date(2026, 7, 2)):
        big, small = two_companies()
        asked = {"on": "2026-07-02"}
        rest = Money(unused(2_000_000, JAN, NEXT, date(2026, 7, 2)))
        assert rest == Money(1_002_740)
        with pytest.raises(Refused, match="attach the paper"), transaction():
            m.propose(big, D.ABSORB, asked, other=small)
        with transaction():
            deed = m.propose(small, D.ABSORB, asked, other=big, paper=True)
            assert [
                one["detail"].get("amount") for one in deed.preview if one["verb"] == "membership.absorbed"
            ] == [str(rest)]
        with transaction():
            deeds.confirm(deed, by=m.person("rong"))
        with reading():
            ours, theirs = galaxy(), terms.membership_of(small)
            assert theirs is not None
            assert (ours.standing, theirs.standing) == (S.ACTIVE, S.LAPSED)
            assert db.session.query(Ending).one().cause is EndingCause.ABSORBED
            assert passing.credit_of(issuing.party_of(big)) == rest
            assert passing.credit_of(issuing.party_of(small)) == Money(0)
            assert db.session.query(CreditNote).one().gross == rest
            assert (
                mails_to("chen")[-1]
                == mails_to("xiao")[-1]
                == "The memberships of Galaxy Ltd and Small Ltd are one"
            )
            clean()
        with transaction():
            bill = m.bill(big, "next", "silver")
            assert settling.use_credit(bill, by=m.person("fang")) == rest
            with pytest.raises(Refused, match="another payer"):
                receipt = db.session.scalars(passing.receipts_with_credit(issuing.party_of(small))).first()
                assert receipt is not None
                settling.put_on(receipt, bill, by="test")
        with reading():
            assert passing.credit_of(issuing.party_of(big)) == Money(0)
            clean()


def test_an_unpaid_smaller_term_leaves_no_credit_and_no_debt_beyond_its_days(galaxy: Any) -> None:
    with clock.stopped_at(JAN), transaction():
        small = m.company("Small Ltd", "xiao@small.example")
        m.member(small, tier="silver", start=JAN, paid=False)
    with clock.stopped_at(date(2026, 7, 2)):
        with transaction():
            m.together(galaxy().org, D.ABSORB, {"on": "2026-07-02"}, other=small, paper=True, second="rong")
        with reading():
            bill = db.session.query(Invoice).filter_by(state=InvoiceState.OPEN).one()
            assert issuing.owed(bill) == Money(2_000_000 - 1_002_740)
            assert passing.credit_of(issuing.party_of(galaxy().org)) == Money(0)
            clean()


def test_the_money_of_a_joined_membership_can_be_sent_back_only_by_whom_it_belongs_to(galaxy: Any) -> None:
    from portal.billing import refunds

    with clock.stopped_at(date(2026, 7, 2)):
        big, small = two_companies()
        with transaction():
            m.together(big, D.ABSORB, {"on": "2026-07-02"}, other=small, paper=True, second="rong")
        with pytest.raises(Refused, match="At most the unused credit"), transaction():
            receipt = db.session.scalars(passing.receipts_with_credit(issuing.party_of(small))).first()
            assert receipt is not None
            refunds.request_refund(
                receipt, Money(1), by=m.person("fang"), reason="x", payee=refunds.Payee("Small", "B", "1")
            )


def test_nobody_decides_about_a_company_for_which_he_acts(galaxy: Any) -> None:
    from portal.accounts import contacts

    with clock.stopped_at(date(2026, 4, 1)):
        with transaction():
            contacts.appoint(m.person("dai"), galaxy().org, ContactRole.ALTERNATE, by=m.person("chen"))
        with transaction():
            deed = m.propose(galaxy().org, D.SUSPEND, {"code": "conduct", "start": "2026-04-01", "end": None})
        with pytest.raises(Forbidden, match="act for this organisation"), transaction():
            deeds.confirm(deed, by=m.person("dai"))


def test_a_proposal_that_is_no_longer_what_it_was_is_refused(galaxy: Any) -> None:
    """Two staff acting on one member: whoever comes second looks again."""
    asked = {"code": "conduct", "start": "2026-04-01", "end": None}
    with clock.stopped_at(date(2026, 4, 1)):
        with transaction():
            deed = m.propose(galaxy().org, D.SUSPEND, asked)
        with pytest.raises(Refused, match="waits already"), transaction():
            m.propose(galaxy().org, D.SET_FOUNDING, {"founding": True}, by="rong")
        with transaction():
            leaving.resign(galaxy(), by=m.person("chen"))
        with pytest.raises(Refused) as moved, transaction():
            deeds.confirm(deed, by=m.person("dai"))
        assert (moved.value.status, deed.state) == (409, DeedState.PROPOSED)
        with transaction():
            deeds.decline(deed, by=m.person("rui"), reason="they leave anyway")
        with pytest.raises(Refused) as stale, transaction():
            deeds.refuse_moved(0, galaxy().org)
        assert stale.value.status == 409
        with reading():
            assert db.session.query(Hold).count() == 0
            assert deeds.open_deed(galaxy().org) is None
            verbs = [one.verb for one in db.session.scalars(audit.of_subject(galaxy().org.subject))]
            assert [verb for verb in verbs if verb.startswith("deed.")] == ["deed.proposed", "deed.declined"]


def test_an_electorate_is_frozen_as_known_that_day(galaxy: Any) -> None:
    """15 January in grace, paid on the 20th: no vote in that ballot, though standing(15 January) is now active."""
    ballot = date(2027, 1, 15)
    with clock.stopped_at(ballot), reading():
        assert terms.may(galaxy(), Right.VOTE, on=ballot) is Answer.NO
    with clock.stopped_at(date(2027, 1, 20)):
        with transaction():
            m.member(galaxy().org, start=NEXT, kind=TermKind.RENEWAL)
        with reading():
            assert terms.may(galaxy(), Right.VOTE, on=ballot) is Answer.YES
            assert terms.may(galaxy(), Right.VOTE, on=ballot, known=at("2027-01-15")) is Answer.NO
            clean()


def test_facts_cannot_be_changed_in_the_database(galaxy: Any) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    with clock.stopped_at(date(2026, 4, 1)), transaction():
        m.together(galaxy().org, D.SUSPEND, {"code": "conduct", "start": "2026-04-01", "end": None})
    for attack in (
        "UPDATE term SET tier = 'platinum'", "UPDATE membership_hold SET reason = ''", "DELETE FROM membership_hold",
        "UPDATE membership_deed SET reason = 'x'", "DELETE FROM membership_deed", "DELETE FROM term",
    ):  # fmt: skip
        with pytest.raises(DBAPIError), transaction():
            db.session.execute(text(attack))


def test_the_longest_term_is_what_a_resignation_goes_by(galaxy: Any) -> None:
    with clock.stopped_at(date(2026, 6, 1)), transaction():
        row = m.member(galaxy().org, start=NEXT, kind=TermKind.RENEWAL)
        assert leaving.last_day_of_membership(row) == date(2028, 1, 1)
        assert endings.reach(row).start == NEXT
