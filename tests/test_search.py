"""The office's search: each kind for whoever may read it, names in either script."""

from __future__ import annotations

import re

from flask import Flask

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Organisation
from portal.billing.models import Party
from portal.billing.money_models import Receipt, Way
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.money import Money
from portal.members import names
from portal.members.belonging import Membership
from portal.members.standing import Standing
from tests import road
from tests.people import make_org, make_person, post
from tests.test_office import someone


def heads(page: str) -> list[str]:
    """Return the kinds found."""
    return re.findall(r'<h2 id="(?:bar-)?found-(\w+)"', page)


def test_each_kind_is_found_by_whoever_may_read_it(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    road.review(house, uid)
    post(house["dai"], road.case(uid, "approval"))
    invoice = road.invoice_of(app, uid)
    road.sign(app, house, client, uid)
    road.pay(app, house, "400,000.00", f"会费 {invoice.reference}")
    money, reviewer = someone(app, StaffRole.AUDITOR), house["rui"]
    everything = ["members", "people", "applications", "invoices", "receipts"]
    assert heads(money.get("/office/search/?q=星河").text) == everything
    assert heads(reviewer.get("/office/search/?q=星河").text) == everything[:3]
    assert heads(money.get("/office/search/?q=GALAXY").text) == everything
    for q in ("galaxy", "ＧＡＬＡＸＹ", "Galaxy  Chips".replace("  ", " ")):
        assert heads(reviewer.get(f"/office/search/?q={q}").text) == everything[:3]
    assert heads(money.get(f"/office/search/?q={invoice.number}").text) == ["invoices"]
    assert heads(money.get(f"/office/search/?q={invoice.reference.lower()}").text) == ["invoices"]
    assert heads(reviewer.get(f"/office/search/?q={invoice.number}").text) == []
    assert heads(reviewer.get("/office/search/?q=chen@galaxy").text) == ["people"]
    assert heads(reviewer.get(f"/office/search/?q={road.USCC}").text) == ["members", "applications"]
    page = reviewer.get("/office/search/?q=chen wei").text
    link = re.search(r'href="(/office/audit/about/organisation:\d+)"', page)
    assert link is not None
    opened = reviewer.get(link.group(1))
    assert opened.status_code == 303
    assert reviewer.get(opened.location).status_code == 200


def test_at_most_ten_of_a_kind_with_the_way_to_the_list(app: Flask) -> None:
    client = someone(app, StaffRole.FINANCE)
    with app.app_context(), transaction():
        for n in range(12):
            person = make_person(f"p{n}@x.example", f"Wanted {n}")
            org = make_org(f"寻找公司{n}", (person, ContactRole.OWNER))
            names.index(org)
            party = Party(org=org)
            db.session.add_all([party, Membership(org=org, tier="gold", standing=Standing.ACTIVE)])
            db.session.add(Receipt(way=Way.BANK, provider="b", provider_ref=f"R{n}", amount=Money(9), received_on=clock.today(), payer=f"寻找公司{n}", party=party))  # fmt: skip
    page = client.get("/office/search/?q=寻找").text
    assert heads(page) == ["members", "people", "receipts"]
    assert page.count("data-hit>") == 3 * 11
    assert page.count("More in the list") == 3
    for href in re.findall(r'<p class="hits-all"><a href="([^"]+)"', page):
        assert client.get(href.replace("&amp;", "&")).status_code == 200


def test_nothing_found_and_odd_questions_are_answered(app: Flask) -> None:
    client = someone(app, StaffRole.REVIEWER)
    with app.app_context(), transaction():
        org = Organisation(legal_name="<script>alert(1)</script>")
        db.session.add(org)
        db.session.flush()
        names.index(org)
        db.session.add(Membership(org=org, tier="gold", standing=Standing.ACTIVE))
    assert "Nothing is called" in client.get("/office/search/?q=zzz").text
    assert "What are you looking for?" in client.get("/office/search/?q=").text
    assert heads(client.get("/office/search/?q=%25").text) == []
    found = client.get("/office/search/?q=<script").text
    assert heads(found) == ["members"]
    assert "<script>alert" not in found
    assert client.get("/office/search/?q=" + "x" * 3000).status_code == 200
    for path in ("search", "people", "applications", "members", "mailbox"):
        assert client.get(f"/office/{path}/?q=%00x&org=%00&about=%00").status_code == 200
    part = client.get("/office/search/?q=script&part=1").text
    assert heads(part) == ["members"]
    assert "<html" not in part


def test_the_field_stands_in_the_bar_of_those_who_may_search(app: Flask) -> None:
    for role, there in (
        (StaffRole.REVIEWER, True),
        (StaffRole.FINANCE, True),
        (StaffRole.ADMINISTRATOR, False),
    ):
        page = someone(app, role).get("/office/").text
        assert ('aria-keyshortcuts="/ Control+K"' in page) is there


def test_the_list_of_people_leads_to_their_organisation_whatever_it_is(app: Flask) -> None:
    client = someone(app, StaffRole.LEGAL)
    assert "Nobody yet" in client.get("/office/people/").text
    with app.app_context(), transaction():
        person = make_person("new@x.example", "Newcomer")
        make_org("Only A Draft", (person, ContactRole.OWNER), (person, ContactRole.SIGNATORY))
    page = client.get("/office/people/?q=only a").text
    assert "Owner, Signatory" in page
    link = re.search(r'href="(/office/audit/about/organisation:\d+)"', page)
    assert link is not None
    opened = client.get(link.group(1), follow_redirects=True)
    assert opened.status_code == 200
    assert "Newcomer" in opened.text
    assert "Nobody matches" in client.get("/office/people/?q=zzz").text
    for odd in ("organisation:999", "nothing:1", "person:x", "x", "application:99999999999999999999"):
        assert client.get(f"/office/audit/about/{odd}").status_code == 404
