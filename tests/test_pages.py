"""The public pages: both languages, headers, refusals."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from portal.core.db import db, transaction
from portal.core.web import safe_next


@pytest.mark.parametrize(
    ("asked", "lang", "said"),
    [
        ("zh-HK,zh;q=0.9", "zh-Hans-CN", "所有 AI 芯片"),
        ("zh-Hans-CN", "zh-Hans-CN", "白金会员"),
        ("en-GB", "en", "every AI chip"),
        ("fr, en;q=0.5", "en", "Platinum"),
        ("fr", "zh-Hans-CN", "如何成为会员"),
        ("", "zh-Hans-CN", "¥400,000"),
    ],
)
def test_the_home_page_speaks_the_readers_language(
    client: FlaskClient, asked: str, lang: str, said: str
) -> None:
    page = client.get("/", headers={"Accept-Language": asked})
    assert page.status_code == 200
    assert f'<html lang="{lang}">' in page.text
    assert said in page.text


def test_the_home_page_says_so_when_no_tier_is_published(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), transaction():
        db.session.execute(text("DELETE FROM catalogue_entry"))
    assert "会员墙" in client.get("/").text


def token(client: FlaskClient) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/").text)
    assert found is not None
    return found.group(1)


def test_a_chosen_language_is_kept(client: FlaskClient) -> None:
    form = {"csrf_token": token(client), "language": "en", "next": "/"}
    answer = client.post("/language", data=form)
    assert (answer.status_code, answer.location) == (303, "/")
    assert '<html lang="en">' in client.get("/", headers={"Accept-Language": "zh"}).text


def test_a_form_without_token_or_with_a_foreign_language_is_refused(client: FlaskClient) -> None:
    without = client.post("/language", data={"language": "en"}, headers={"Accept-Language": "en"})
    assert without.status_code == 400
    assert "Please go back, reload and send it again." in without.text
    assert client.post("/language", data={"csrf_token": token(client), "language": "xx"}).status_code == 400


def test_errors_are_sentences_with_a_reference_and_a_way_on(client: FlaskClient) -> None:
    page = client.get("/nothing/here", headers={"Accept-Language": "zh"})
    assert page.status_code == 404
    assert "页面不存在" in page.text
    assert re.search(r"<code>[0-9a-f]{12}</code>", page.text)
    wrong = client.post("/", data={"csrf_token": token(client)})
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("path", ["/", "/nothing", "/healthz", "/readyz", "/static/portal.css"])
def test_security_headers_stand_on_every_answer(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_the_next_page_is_a_path_of_ours() -> None:
    for foreign in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        None,
    ):
        assert safe_next(foreign, "/") == "/"
    assert safe_next("/members?q=a", "/") == "/members?q=a"


def test_files_of_a_page_are_kept_by_browsers_until_they_change(client: FlaskClient) -> None:
    page = client.get("/").text
    files = set(re.findall(r'(?:href|src)="(/(?:static|bootstrap/static)/[^"#]+)', page))
    assert len(files) > 4
    for address in files:
        assert re.search(r"\?v=[0-9a-f]{12}$", address), address
        with client.get(address) as kept:
            assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        for other in (address.split("?")[0], address[:-1] + ("0" if address[-1] != "0" else "1")):
            with client.get(other) as fresh:
                assert (fresh.status_code, fresh.headers["Cache-Control"]) == (200, "no-cache")
    with client.get("/static/nothing.js?v=") as missing:
        assert missing.status_code == 404
