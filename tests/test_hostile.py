"""Hostile input: names through every form, page, mail and paper; any query on any list; headers that cannot be split."""

from __future__ import annotations

import html
import os
import re
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.core import mail, outbox, web
from portal.core.db import db, reading, transaction
from portal.core.mail import Letter, MailMessage
from tests import road
from tests.people import browser, last_mail, make_person, post, token
from tests.test_doors import world  # noqa: F401 - the fixture
from tests.world import OMNI, World, methods, rules

NAMES = [
    '<script>alert("x1y")</script>',
    '"><img src=x onerror=alert(1)>',
    "\u202egnp.exe\u202c \u2066isolated\u2069",
    "zero\u200bwidth\u200d\ufeffjoiner",
    "👩‍👩‍👧‍👦 family of 🏳️‍🌈",
    "x" * 20_000,
    "nul\x00inside",
    "line\r\nBcc: victim@evil.example\r\n\r\nbody",
    "=cmd|' /C calc'!A0",
    "{{7*7}} ${7*7} {% raw %}",
    "Donaudampfschifffahrtsgesellschaft" * 6,
    "'; DROP TABLE person; --",
    "../../etc/passwd",
    "Ω≈ç√ 中文 العربية עברית",
]
LIVE = re.compile(r"<script>alert|<img src=x|onerror=alert\(1\)>")
FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.S)
NAMED = re.compile(r"<(input|textarea|select)\b[^>]*\bname=\"([^\"]+)\"[^>]*>", re.S)
ACTION = re.compile(r"<form\b[^>]*\baction=\"([^\"]*)\"")


def escaped(page: str) -> bool:
    """Whether nothing hostile is alive in a page, and no template was run."""
    return not LIVE.search(page) and "49 $" not in page


def forms(client: FlaskClient, path: str) -> list[tuple[str, list[str]]]:
    """Return the forms of a page that change something: where each goes, and its fields."""
    found = []
    for form in FORM.findall(client.get(path).text):
        if 'method="post"' not in form.split(">", 1)[0]:
            continue
        action = ACTION.search(form)
        fields = [name for _tag, name in NAMED.findall(form) if name != "csrf_token"]
        found.append((html.unescape(action.group(1)) if action and action.group(1) else path, fields))
    return found


# Forms that end the browser's own session or take its rights away are left out of the loop.
LEFT = re.compile(r"/sign-out|/end$|/withdrawal|/removal|/recovery-codes|/test-gateway|/language")
PAGES = ["/register", "/sign-in", "/reset", "/apply", "/account", "/account/mail", "/people", "/home", "/membership",
         "/office/staff/", "/office/accounts/", "/office/money/receipts/new"]  # fmt: skip


def test_every_form_takes_hostile_text_and_shows_it_escaped(world: World) -> None:  # noqa: F811
    client, sent, wrong = world.browsers[OMNI], 0, []
    form_token = world.token(OMNI)
    pages = [*PAGES, f"/office/applications/{world.rows['application']}"]
    pages += [f"/agreements/{world.rows['agreement']}", f"/office/accounts/{world.rows['person']}"]
    for page in pages:
        for action, fields in forms(client, page):
            if LEFT.search(action):
                continue
            for name in NAMES:
                data = {"csrf_token": form_token, **dict.fromkeys(fields, name)}
                answer = client.post(action, data=data)
                sent += 1
                if answer.status_code >= 500 or not escaped(answer.text):
                    wrong.append((page, action, name[:30], answer.status_code))
    assert wrong == []
    assert sent > 14 * 10
    for rule in rules(world.app):
        if not rule.arguments and "GET" in methods(rule):
            shown = client.get(rule.rule, buffered=True)
            assert shown.status_code < 500, rule.rule
            assert shown.mimetype != "text/html" or escaped(shown.text), rule.rule


def drafted(app: Flask) -> tuple[FlaskClient, str]:
    client = road.company(app)
    started = post(client, "/apply", organisation="new", tier="silver")
    return client, str(started.location.split("/")[2])


def test_the_application_keeps_hostile_answers_and_shows_them_escaped(app: Flask) -> None:
    client, uid = drafted(app)
    for name in NAMES:
        for page in road.ANSWERS:
            answer = post(
                client, f"/applications/{uid}/form/{page}", **dict.fromkeys(road.ANSWERS[page], name)
            )
            assert answer.status_code in {303, 422}
            assert escaped(answer.text)
            typed = " ".join(name.replace("\0", "").split())[:20]
            again = html.unescape(client.get(f"/applications/{uid}/form/{page}").text)
            assert typed in " ".join(again.split())
        assert escaped(client.get(f"/applications/{uid}/check").text)
        assert post(client, f"/applications/{uid}/submission").status_code < 500


def test_hostile_names_go_through_the_whole_road_mails_and_papers(app: Flask) -> None:
    """One application with hostile names in every free field: every page, mail and PDF of it is made and is escaped."""
    hostile = '<script>alert("x1y")</script> \u202e{{7*7}} =cmd| 👩‍👩‍👧 &amp; "q"'
    house, client = road.staff(app), road.company(app, name=hostile)
    names = dict.fromkeys(
        ("legal_name", "legal_name_en", "address", "why", "display_name_zh", "display_name_en"), hostile
    )
    uid = road.apply(client, tier="silver", signatory_name=hostile, billing_name=hostile, **names)
    assert post(house["rui"], road.case(uid, "ownership")).status_code == 303
    assert (
        post(house["lena"], road.case(uid, "recommendations"), in_favour="yes", reason=hostile).status_code
        == 303
    )
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303
    road.work(app)
    with app.app_context(), reading():
        dead = db.session.query(outbox.OutboxItem).filter(outbox.OutboxItem.error.is_not(None)).all()
        assert [(item.kind, item.error) for item in dead] == []
    invoice = road.invoice_of(app, uid)
    for who, path in (
        (client, f"/applications/{uid}"), (client, f"/invoices/{invoice.uid}"), (client, "/home"), (client, "/people"),
        (client, "/account"), (house["rui"], f"/office/applications/{uid}"), (house["rui"], "/office/applications/?state=all"),
        (house["fang"], f"/office/money/invoices/{invoice.uid}"), (house["fang"], "/office/money/invoices"),
        (client, f"/invoices/{invoice.uid}/pdf"), (house["lena"], road.case(uid, "agreement/document")),
    ):  # fmt: skip
        answer = who.get(path)
        assert answer.status_code == 200, path
        if answer.mimetype == "text/html":
            assert escaped(answer.text), path
            assert "&lt;script&gt;" in answer.text or "x1y" not in answer.text, path
        else:
            assert answer.data.startswith(b"%PDF-"), path
    with app.app_context(), reading():
        for row in db.session.query(MailMessage).all():
            assert escaped(row.html), row.title
            assert "\n" not in row.title
            parsed = message_from_bytes(mail._message(row).as_bytes(), policy=policy.default)
            assert set(parsed.keys()) == {
                "Subject", "From", "To", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
            }  # fmt: skip


def test_headers_of_mail_cannot_be_split(app: Flask) -> None:
    with app.app_context():
        for number, name in enumerate(NAMES):
            kept = name.replace("\0", "")
            with transaction():
                said = Letter(kept, (kept,))
                mail.send(f"hostile:{number}", "bill@chips.example", kept, "en", lambda said=said: said)  # type: ignore[misc]
            row = db.session.query(MailMessage).filter_by(key=f"hostile:{number}").one()
            parsed = message_from_bytes(mail._message(row).as_bytes(), policy=policy.default)
            assert parsed["To"] == "bill@chips.example"
            assert parsed["Bcc"] is None
            assert len(parsed.keys()) == 7
            db.session.rollback()


def test_addresses_in_mail_come_from_the_settings_and_never_from_the_request(app: Flask) -> None:
    client = app.test_client()
    data = {"csrf_token": token(client, "/reset"), "email": "nobody@chips.example"}
    client.post(
        "/reset", data=data, headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    )
    assert client.post("/reset", data=data, headers={"Host": "evil.example"}).status_code == 400
    row = last_mail(app, "nobody@chips.example")
    assert "evil.example" not in row.text + row.html
    assert "http://127.0.0.1:8000/" in row.text


FOREIGN = [
    "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
    "/\n/evil.example", "javascript:alert(1)", "http:evil.example", "/\r\nSet-Cookie: a=b", "https:///evil.example", "\x00/",
    "//[::1", "http://[", " //evil.example", "/%0d%0aLocation: x", "/\u2028/evil",
]  # fmt: skip


def test_no_redirect_leads_elsewhere(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("chen@chips.example")
    client = browser(app, "chen@chips.example")
    form = token(client, "/account")
    for target in FOREIGN:
        if target != "/%0d%0aLocation: x":
            assert web.safe_next(target, "/safe") == "/safe", target
        for answer in (
            client.get("/arrive?" + urlencode({"next": target})),
            client.get("/sign-in?" + urlencode({"next": target})),
            client.post("/language", data={"csrf_token": form, "language": "en", "next": target}),
        ):
            assert answer.status_code == 303
            assert answer.location.startswith("/"), (target, answer.location)
            assert not answer.location.startswith(("//", "/\\")), (target, answer.location)
            assert "Set-Cookie: a" not in str(answer.headers)


KEYS = st.sampled_from(
    ["q", "page", "size", "sort", "state", "tier", "category", "standing", "mine", "format", "next", "way", "from", "to", "on",
     "endpoint", "_external", "_scheme", "_anchor", "_method", "uid", "values", "self", "lang", "since", "person", "verb", "kind"]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["-1", "0", "999999", "abc", "１２", "٣", "1e9", "-name", "name; DROP", "%", "_", "\\", "\x00", "9" * 40, "all", "open",
         "-", "--", "gold", "true", "2026-02-30", "2026-01-01", "'", '"', "\ud83d", "NaN", "[]", "a" * 500]
    ),
    st.text(max_size=20),
)  # fmt: skip
PAIRS = st.lists(st.tuples(st.one_of(KEYS, st.text(min_size=1, max_size=8)), VALUES), max_size=6)


@settings(
    max_examples=6 if os.environ.get("PROOFS") else 3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(pairs=PAIRS)
def test_no_query_on_any_list_is_a_fault(world: World, pairs: list[tuple[str, str]]) -> None:  # noqa: F811
    words = "&".join(f"{_quoted(key)}={_quoted(value)}" for key, value in pairs)
    faults = []
    for rule in rules(world.app):
        if rule.arguments or "GET" not in methods(rule):
            continue
        answer = world.browsers[OMNI].get(f"{rule.rule}?{words}", buffered=True)
        if answer.status_code >= 500 and rule.endpoint != "public.readyz":
            faults.append((rule.rule, words, answer.status_code))
    assert faults == []


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.mark.parametrize(
    "sort", ["", "nonsense", "-nonsense", "name", "-name", "id", "person.password_hash", "1"]
)
def test_an_unknown_sort_is_the_usual_one(world: World, sort: str) -> None:  # noqa: F811
    for path in ("/office/members/", "/invoices", "/office/money/invoices", "/members"):
        assert world.browsers[OMNI].get(path, query_string={"sort": sort}).status_code == 200


def test_a_query_stays_in_the_links_of_a_list(world: World) -> None:  # noqa: F811
    page: Any = world.browsers[OMNI].get(
        "/office/members/?tier=gold&_scheme=x&endpoint=y&q=%22%3E%3Cscript%3Ealert(1)"
    )
    assert page.status_code == 200
    assert "tier=gold" in html.unescape(page.text)
    assert "<script>alert" not in page.text
