"""Renewals on screen: the member's page, the office's list and page, many at once, the API, and who may do what."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from portal.accounts.scopes import Scope
from portal.billing.dunning_models import PurchaseOrder
from portal.billing.models import InvoiceState
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.members.renewal_models import LateState, OfferState
from portal.members.standing import Standing
from tests import renewals as r
from tests.counting import counted
from tests.people import browser, post
from tests.test_api import give
from tests.test_late_money import the_money


def near(app: Flask, *, ends_in: int, names: tuple[str, ...] = ("Galaxy",)) -> date:
    """Have members whose terms end in so many days from the real today; return the day of the end."""
    end = clock.today() + timedelta(days=ends_in)
    with app.app_context(), transaction():
        r.staff()
        for name in names:
            join(name, end)
    return end


def join(name: str, end: date) -> None:
    """Add a member whose term ends on a day, as it was on record since the catalogue began."""
    with clock.stopped_at(date(2026, 1, 2)):
        r.member(name, start=end.replace(year=end.year - 1))


def uid_of(app: Flask, name: str = "Galaxy") -> str:
    """Return the uid of an organisation."""
    with app.app_context(), reading():
        return r.only(name).org.uid


def test_an_owner_asks_for_the_offer_confirms_it_and_pays(app: Flask) -> None:
    near(app, ends_in=80)
    owner, billing = browser(app, "owner@galaxy.example"), browser(app, "billing@galaxy.example")
    assert "You can renew now." in owner.get("/membership/renewal").text
    assert post(billing, "/membership/renewal/offer").status_code == 403
    assert post(owner, "/membership/renewal/offer").status_code == 303
    assert "Renew the membership" in owner.get("/home").text
    page = owner.get("/membership/renewal").text
    assert "CN¥160,000.00" in page
    assert post(owner, "/membership/renewal/confirmation", number="PO " + "x" * 90).status_code == 422
    assert post(owner, "/membership/renewal/confirmation", number="PO-7").status_code == 303
    assert "Confirmed by Galaxy owner" in owner.get("/membership/renewal").text
    assert "Renew the membership" not in owner.get("/home").text
    billed = post(billing, "/membership/renewal/invoice")
    assert (billed.status_code, billed.location.startswith("/invoices/")) == (303, True)
    with app.app_context(), reading():
        numbers = db.session.scalars(select(PurchaseOrder.number).where(PurchaseOrder.at_issue)).all()
        assert numbers == ["PO-7"]
        reference = str(r.paper(r.only()).reference)
    with app.app_context(), transaction():
        r.transfer("B-1", r.GOLD, reference)
    assert "Renewed until" in owner.get("/membership/renewal").text
    with app.app_context(), reading():
        assert ("owner", "Galaxy Ltd: the membership is renewed") in r.mails(r.only().subject)


def test_who_may_not_see_money_sees_no_sum_and_strangers_see_nothing(app: Flask) -> None:
    near(app, ends_in=20, names=("Galaxy", "Orion"))
    with app.app_context():
        r.pass_days([clock.today()])
    speaker = browser(app, "representative@galaxy.example")
    page = speaker.get("/membership/renewal").text
    assert ("The next term" in page, "160,000" in page, "Pay " in page) == (True, False, False)
    assert post(speaker, "/membership/renewal/invoice").status_code == 403
    assert (
        post(browser(app, "owner@galaxy.example"), "/membership/renewal/choice", how="fresh").status_code
        == 422
    )
    assert "Orion" not in page


def test_late_money_is_chosen_on_the_page(app: Flask) -> None:
    end = near(app, ends_in=-45)
    with app.app_context():
        r.pass_days([end - timedelta(days=60), end, end + timedelta(days=30)])
        with reading():
            reference = str(r.paper(r.only()).reference)
    with app.app_context(), transaction():
        r.transfer("B-1", r.GOLD, reference)
    owner = browser(app, "owner@galaxy.example")
    page = owner.get("/membership/renewal").text
    assert ("Without a gap" in page, "Begin anew" in page) == (True, True)
    assert "Choose how the membership goes on" in owner.get("/home").text
    assert post(owner, "/membership/renewal/choice", how="never").status_code == 422
    assert post(owner, "/membership/renewal/choice", how="continuous").status_code == 303
    with app.app_context(), reading():
        assert (r.only().standing, r.terms_of(r.only())[1][2]) == (Standing.ACTIVE, end)


def test_the_office_sees_every_renewal_and_invoices_those_ticked(app: Flask) -> None:
    names = tuple(f"Firm{n}" for n in range(4))
    near(app, ends_in=80, names=names)
    fang, rui = browser(app, "fang@house.example"), browser(app, "rui@house.example")
    page = fang.get("/office/renewals/").text
    assert [name for name in names if f"{name} Ltd" in page] == list(names)
    uids = [uid_of(app, name) for name in names[:2]]
    assert post(rui, "/office/renewals/invoices", uid=uids[0]).status_code == 403
    assert post(fang, "/office/renewals/invoices").status_code == 422
    assert post(fang, "/office/renewals/invoices", uid=uids).status_code == 303
    with app.app_context(), reading():
        assert [bool(r.offers_of(r.only(name))) for name in names] == [True, True, False, False]
        assert r.paper(r.only("Firm0")).state is InvoiceState.OPEN
    shown = {
        state: fang.get(f"/office/renewals/?state={state}").text for state in ("waits", "billed", "renewed")
    }
    assert {state: [n for n in names if f"{n} Ltd" in text] for state, text in shown.items()} == {
        "waits": list(names[2:]), "billed": list(names[:2]), "renewed": [],
    }  # fmt: skip
    assert [n for n in names if f"{n} Ltd" in fang.get("/office/renewals/?step=offer").text] == list(names)
    assert [n for n in names if f"{n} Ltd" in fang.get("/office/renewals/?step=remind_7").text] == []


def test_the_list_costs_the_same_however_long_it_is(app: Flask) -> None:
    counts: list[int] = []
    for names in (("Firm0",), tuple(f"Firm{n}" for n in range(1, 12))):
        if not counts:
            near(app, ends_in=40, names=names)
        else:
            with app.app_context(), transaction():
                for name in names:
                    join(name, clock.today() + timedelta(days=40))
        with app.app_context():
            r.pass_days([clock.today()])
        client = browser(app, "rui@house.example")
        client.get("/office/renewals/")
        with counted(app) as statements:
            client.get("/office/renewals/")
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_staff_pause_and_resume_and_give_credit_terms(app: Flask) -> None:
    near(app, ends_in=20)
    with app.app_context():
        r.pass_days([clock.today()])
    rui, fang, uid = browser(app, "rui@house.example"), browser(app, "fang@house.example"), uid_of(app)
    path, later = f"/office/renewals/{uid}", str(clock.today() + timedelta(days=9))
    assert "Steps so far" in rui.get(path).text
    assert post(rui, f"{path}/pause", until="", reason="").status_code == 422
    assert post(rui, f"{path}/pause", until=str(clock.today()), reason="x").status_code == 422
    assert post(rui, f"{path}/pause", until=later, reason="They asked.").status_code == 303
    assert "The reminders rest until" in rui.get(path).text
    assert post(rui, f"{path}/resumption").status_code == 303
    assert post(rui, f"{path}/resumption").status_code == 409
    assert post(rui, f"{path}/credit-terms", reason="x").status_code == 403
    assert post(fang, f"{path}/credit-terms").status_code == 422
    assert post(fang, f"{path}/credit-terms", reason="A ministry.").status_code == 303
    assert post(fang, f"{path}/extension", **{"more-until": later, "more-reason": "x"}).status_code == 409
    assert post(fang, f"{path}/credit-terms/end").status_code == 303
    assert rui.get("/office/renewals/" + "0" * 32).status_code == 404


def test_an_unpaid_term_on_credit_gets_more_time(app: Flask) -> None:
    near(app, ends_in=20)
    fang, uid = browser(app, "fang@house.example"), uid_of(app)
    path = f"/office/renewals/{uid}"
    assert post(fang, f"{path}/credit-terms", reason="A ministry.").status_code == 303
    assert post(fang, f"{path}/invoice").status_code == 303
    later = str(clock.today() + timedelta(days=100))
    assert post(fang, f"{path}/extension", **{"more-until": "", "more-reason": "x"}).status_code == 422
    assert post(fang, f"{path}/extension", **{"more-until": later, "more-reason": "x"}).status_code == 303
    with app.app_context(), reading():
        assert [one.state for one in r.offers_of(r.only())] == [OfferState.RENEWED]


def test_a_reviewer_decides_about_very_late_money(app: Flask) -> None:
    end = near(app, ends_in=-100)
    with app.app_context():
        r.pass_days([end - timedelta(days=60), end + timedelta(days=30)])
        with reading():
            reference = str(r.paper(r.only()).reference)
    with app.app_context(), transaction():
        r.transfer("B-1", r.GOLD, reference)
    rui, path = browser(app, "rui@house.example"), f"/office/renewals/{uid_of(app)}"
    assert "Late money: Galaxy Ltd" in rui.get("/office/").text
    assert "Let the member choose" in rui.get(path).text
    assert post(rui, f"{path}/late-money/decision", good="yes").status_code == 422
    assert post(rui, f"{path}/late-money/decision", good="yes", reason="Their bank.").status_code == 303
    assert post(browser(app, "sun@house.example"), f"{path}/late-money/end", reason="x").status_code == 409
    with app.app_context(), reading():
        assert the_money().state is LateState.ASKED


def test_a_program_reads_what_comes_after_the_term(app: Flask) -> None:
    end = near(app, ends_in=20)
    with app.app_context():
        r.pass_days([clock.today()])
    uid = uid_of(app)
    key = give(app, "owner@galaxy.example", Scope.PROFILE_READ)
    headers = {"Authorization": f"Bearer {key}"}
    answer = app.test_client().get(f"/api/v1/organisations/{uid}/renewal", headers=headers)
    body: dict[str, Any] = answer.get_json()
    assert answer.status_code == 200
    assert (body["standing"], body["term_end"], body["offer"]["state"]) == ("active", str(end), "open")
    assert body["offer"]["pay_before"] == str(end + timedelta(days=30))
