"""Help: every guide in both languages, the one that fits each page, and Markdown that can do no harm."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts.may import ContactRole, StaffRole
from portal.core.db import transaction
from portal.public import help as guides
from portal.public.fits import FITS
from tests.people import browser, make_org, make_person

ROOT = Path(__file__).resolve().parents[1]


def help_link(page: str) -> str:
    found = re.search(r'<a[^>]*href="([^"]+)"[^>]*data-help', page)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("name", guides.GUIDES)
def test_a_guide_is_read_in_the_readers_language(client: FlaskClient, name: str) -> None:
    for language, said in (("en", "When the portal says no"), ("zh", "系统拒绝时")):
        page = client.get(f"/help/{name}", headers={"Accept-Language": language})
        assert page.status_code == 200
        assert said in page.text
        assert 'id="when-the-portal-says-no"' in page.text
        assert "**" not in page.text
        assert not re.search(r"[\u4e00-\u9fff] <strong>[\u4e00-\u9fff]", page.text)


def test_the_list_names_every_guide_and_an_unknown_one_is_not_there(client: FlaskClient) -> None:
    page = client.get("/help", headers={"Accept-Language": "zh"}).text
    assert {f"/help/{name}" for name in guides.GUIDES} <= set(re.findall(r'href="([^"]+)"', page))
    for foreign in ("nobody", "..%2f..%2fconfig", "account.md"):
        assert client.get(f"/help/{foreign}").status_code == 404


def test_links_between_guides_open_guides(client: FlaskClient) -> None:
    page = client.get("/help/applicant", headers={"Accept-Language": "en"}).text
    assert 'href="/help/account"' in page
    assert ".md" not in page


def test_each_page_leads_to_its_own_section(app: Flask, client: FlaskClient) -> None:
    assert help_link(client.get("/tiers").text) == "/help/public"
    assert help_link(client.get("/sign-in").text) == "/help/account#sign-in"
    assert help_link(client.get("/nowhere").text) == "/help"
    with app.app_context(), transaction():
        owner = make_person("owner@firm.example")
        make_org("Firm", (owner, ContactRole.OWNER))
        for role, key in guides.BY_ROLE.items():
            make_person(f"{role}@flagos.example", key, staff=(role,))
    member = browser(app, "owner@firm.example")
    assert help_link(member.get("/home").text) == "/help/applicant#as-a-member"
    assert help_link(member.get("/people").text) == "/help/applicant#your-colleagues"
    assert help_link(member.get("/invoices").text) == "/help/billing#pay-by-bank-transfer"
    for role, name in guides.BY_ROLE.items():
        assert help_link(browser(app, f"{role}@flagos.example").get("/office/").text) == f"/help/{name}"
    clerk = browser(app, f"{StaffRole.FINANCE}@flagos.example")
    assert help_link(clerk.get("/office/money/receipts/new").text) == "/help/finance#record-a-transfer"


def test_every_beginning_in_the_table_fits_some_page(app: Flask) -> None:
    endpoints = list(app.view_functions)
    unused = [start for start in FITS if not any(endpoint.startswith(start) for endpoint in endpoints)]
    assert unused == []


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("billing.md#pay-online", "/help/billing#pay-online"),
        ("javascript:alert(1)", "#"),
        ("//evil.example/x", "#"),
        ("../../config.py", "#"),
        ("data:text/html,x", "#"),
        ("https://example.org/", "https://example.org/"),
    ],
)
def test_a_link_goes_to_a_guide_or_the_web_and_nowhere_else(target: str, address: str) -> None:
    assert guides._address(target) == address


def test_html_and_pictures_in_a_guide_stay_text() -> None:
    hostile = (
        "<script>x</script>\n\na <b onclick=x>b</b> ![p](https://e.example/p.png) [x](javascript:alert(1))"
    )
    html = guides._reader().render(hostile)
    assert re.findall(r"<(?!/?(?:p|a)\b)", html) == []
    assert re.findall(r'href="([^"]*)"', html) == ["https://e.example/p.png"]


def test_the_guides_come_with_the_installed_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]["docs"] == "portal/docs"
