"""The board's pages, feeds and data while the clock moves (jobs.md): every reader of `visible` changes at the same instant."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import feedparser
import jsonschema
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from portal.accounts.events import PersonErased
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact
from portal.core import clock
from portal.core.audit import AuditEntry
from portal.core.db import db, reading
from portal.core.errors import Refused
from portal.core.mail import _message
from portal.jobs import keeping, moderating, partners, reporting, running, saving, searching
from portal.jobs.board_models import SavedSearch
from portal.jobs.kinds import ApplyBy, Employment, Need, PayPer, Remote, Rhythm
from tests import jobs_scene as s
from tests.jobs_scene import NO, OWNER, SILVER, at, house, on, person
from tests.people import browser, last_mail, link_in, make_person, post

TEXT = {"type": "string", "minLength": 1}
PLACE = {
    "type": "object", "required": ["@type", "address"],
    "properties": {
        "@type": {"const": "Place"},
        "address": {
            "type": "object", "required": ["@type", "addressLocality", "addressCountry"],
            "properties": {"@type": {"const": "PostalAddress"}, "addressCountry": {"pattern": "^[A-Z]{2}$"}},
        },
    },
}  # fmt: skip
POSTING = {
    "type": "object", "additionalProperties": False,
    "required": [
        "@context", "@type", "title", "description", "datePosted", "validThrough", "employmentType", "hiringOrganization",
        "baseSalary", "directApply", "identifier",
    ],
    "properties": {
        "@context": {"const": "https://schema.org/"}, "@type": {"const": "JobPosting"}, "title": TEXT, "description": TEXT,
        "datePosted": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
        "validThrough": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT00:00:00\+08:00$"},
        "employmentType": {"enum": ["FULL_TIME", "PART_TIME", "CONTRACTOR", "INTERN"]},
        "hiringOrganization": {"type": "object", "required": ["@type", "name"], "properties": {"sameAs": {"pattern": "^https://"}}},
        "jobLocation": PLACE, "jobLocationType": {"const": "TELECOMMUTE"},
        "applicantLocationRequirements": {"type": "array", "minItems": 1, "items": {"required": ["@type", "name"]}},
        "baseSalary": {
            "type": "object", "required": ["@type", "currency", "value"],
            "properties": {
                "currency": {"pattern": "^[A-Z]{3}$"},
                "value": {
                    "required": ["minValue", "maxValue", "unitText"],
                    "properties": {"minValue": {"type": "number"}, "unitText": {"enum": ["MONTH", "YEAR"]}},
                },
            },
        },
        "directApply": {"type": "boolean"},
        "identifier": {"required": ["@type", "name", "value"], "properties": {"value": {"pattern": "^[0-9a-f]{32}$"}}},
        "qualifications": {
            "required": ["@type", "name", "credentialCategory", "recognizedBy", "url"],
            "properties": {
                "@type": {"const": "EducationalOccupationalCredential"}, "credentialCategory": {"const": "certificate"},
            },
        },
    },
    "oneOf": [{"required": ["jobLocation"]}, {"required": ["jobLocationType", "applicantLocationRequirements"]}],
}  # fmt: skip
LD = re.compile(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', re.S)


def posting(client: FlaskClient, path: str) -> dict[str, Any]:
    """Return the one JobPosting of a page, which fits its schema."""
    (found,) = LD.findall(client.get(path).text)
    body: dict[str, Any] = json.loads(found)
    jsonschema.validate(body, POSTING)
    return body


def test_all_readers_change_in_the_same_instant(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.live(begins_on=date(2026, 3, 10), need=Need.REQUIRED, level="OPDEV").uid
    client = app.test_client()
    path = f"/jobs/{uid}"

    def seen() -> tuple[int, bool, int, int, bool, int, int]:
        listed = client.get("/jobs/").text
        return (
            client.get(path).status_code, path in listed, len(feedparser.parse(client.get("/jobs/feed.atom").data).entries),
            len(client.get("/jobs/feed.json").get_json()["items"]), uid in client.get("/jobs/sitemap.xml").text,
            len(client.get("/api/v1/jobs").get_json()["items"]), client.get(f"/api/v1/jobs/{uid}").status_code,
        )  # fmt: skip

    yes, no, gone = (
        (200, True, 1, 1, True, 1, 200),
        (404, False, 0, 0, False, 0, 404),
        (410, False, 0, 0, False, 0, 404),
    )
    for moment, what in (
        ("2026-03-09T23:59:59", no), ("2026-03-10T00:00:00", yes), ("2026-05-01T23:59:59", yes), ("2026-05-02T00:00:00", gone),
    ):  # fmt: skip
        with on(moment):
            assert seen() == what, moment
            page = client.get(path)
            assert bool(LD.search(page.text)) is (what is yes)
            if what is yes:
                body = posting(client, path)
                assert body["validThrough"] == "2026-05-02T00:00:00+08:00"
                assert body["datePosted"] == "2026-03-03"
                assert body["qualifications"]["url"].endswith("/exams/OPDEV/path")
            elif what is gone:
                assert "noindex" in page.text
                assert page.headers["X-Robots-Tag"] == "noindex"
    with at(app, "2026-03-20T10:00"):
        running.pause(s.the(uid), by=person("hr"))
    with on("2026-03-20T11:00"):
        assert seen() == no
    with at(app, "2026-03-20T12:00"):
        running.resume(s.the(uid), by=person("hr"))
        other = s.live(SILVER).uid
        running.fill(s.the(uid), by=person("hr"), certificate=False, board=True)
    with on("2026-03-20T13:00"):
        assert client.get(path).status_code == 410
        assert f"/jobs/{other}" in client.get(path).text  # of the same city
        assert client.get("/jobs/" + "0" * 32).status_code == 404


def test_what_search_engines_read_is_what_stands_on_the_page(app: Flask) -> None:
    house(app)
    evil = "Use </script><script>alert(1)</script> & <!-- this --> [x](https://galaxy.example) ![p](https://galaxy.example/p.png)"
    with at(app, "2026-03-03T10:00"):
        evil_uid = s.live(text_en=evil, title_en="A <b>bold</b> & cunning post").uid
        far = s.live(
            SILVER, remote=Remote.REMOTE, city="", remote_from=("SG", "DE"), currency="EUR", pay_low=6_000_000,
            pay_high=9_000_050, pay_per=PayPer.YEAR, need=Need.PREFERRED, level="ADAPT", title_zh="", text_zh="",
            duties_zh="", requirements_zh="",
        ).uid  # fmt: skip
        inside = s.live(apply_by=ApplyBy.PORTAL, link="", title_en="Inside").uid
    client = app.test_client()
    with on("2026-03-04T10:00"):
        page = client.get(f"/jobs/{evil_uid}?lang=en").text
        body = posting(client, f"/jobs/{evil_uid}?lang=en")
        assert body["title"] == "A <b>bold</b> & cunning post"
        assert "alert(1)" in body["description"]
        assert "<script>alert" not in page
        assert "<img" not in body["description"]
        assert 'rel="nofollow ugc noopener"' in body["description"]
        assert page.count("application/ld+json") == 1
        for said in (
            "A &lt;b&gt;bold&lt;/b&gt; &amp; cunning post",
            "Galaxy Chips Ltd",
            "Beijing",
            "25,000",
            "45,000",
            evil_uid,
        ):
            assert said in page
        assert body["baseSalary"]["value"] == {
            "@type": "QuantitativeValue",
            "minValue": 25000,
            "maxValue": 45000,
            "unitText": "MONTH",
        }
        assert 'hreflang="zh-CN"' in page
        remote = posting(client, f"/jobs/{far}?lang=en")
        assert [one["name"] for one in remote["applicantLocationRequirements"]] == ["Singapore", "Germany"]
        assert remote["baseSalary"]["value"]["maxValue"] == 90000.5
        assert "qualifications" not in remote
        chinese = client.get(f"/jobs/{far}?lang=zh").text
        assert "该职位仅有英文内容" in chinese
        assert 'lang="en"' in chinese
        assert posting(client, f"/jobs/{inside}")["directApply"] is True
        assert LD.search(client.get("/jobs/").text) is None


def test_the_licence_stands_on_every_page_and_modes_shut_doors(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.live().uid
        make_person("guest@else.example", "Guest")
    client, guest, member = (
        app.test_client(),
        browser(app, "guest@else.example"),
        browser(app, "hr@galaxy.example"),
    )
    pages = ["/jobs/", f"/jobs/{uid}"]
    own = [
        "/recruiting/",
        "/recruiting/new",
        f"/recruiting/{uid}",
        f"/recruiting/{uid}/text",
        "/recruiting/confirmation",
    ]
    with on("2026-03-04T10:00"):
        assert all("DEMO-2026" in client.get(page).text for page in pages)
        assert all("DEMO-2026" in member.get(page).text for page in [*own, "/jobs/saved"])
    for mode in ("link_out", "notices", "off"):
        with at(app, "2026-03-04T10:00"):
            s.mode(mode)
        with on("2026-03-04T11:00"):
            assert "DEMO-2026" not in client.get("/jobs/").text
            codes = [
                client.get(page).status_code
                for page in (*pages, "/jobs/feed.atom", "/jobs/sitemap.xml", "/api/v1/jobs")
            ]
            wanted = {"link_out": [200] * 5, "notices": [303, 404, 404, 404, 404], "off": [404] * 5}[mode]
            assert codes == wanted, mode
            if mode == "notices":
                assert guest.get("/jobs/").status_code == 404
                notice = member.get("/jobs/").text
                assert "https://jobs.galaxy.example/1" in notice
                assert "2.5" not in notice
            if mode == "off":
                assert member.get("/recruiting/").status_code == 404


def test_feeds_for_readers_and_partners(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        first = s.live(text_en="A & B <script>alert(1)</script> \ufffe\uffff\x85").uid
        second = s.live(SILVER, city="shanghai", employment=Employment.INTERN).uid
        key = partners.give("智联招聘", by=person("mo"))
    client = app.test_client()
    with on("2026-03-04T10:00"):
        answer = client.get("/jobs/feed.atom?lang=en")
        feed = feedparser.parse(answer.data)
        assert not feed.bozo
        assert [one.title for one in feed.entries] == ["Operator developer"] * 2
        assert feed.entries[0].id.endswith(second)
        assert "<script" not in feed.entries[1].content[0].value
        again = client.get("/jobs/feed.atom?lang=en", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
        chinese = feedparser.parse(client.get("/jobs/feed.atom?lang=zh&city=shanghai").data)
        assert [one.title for one in chinese.entries] == ["算子开发工程师"]
        body = client.get("/jobs/feed.json?lang=en&city=beijing").get_json()
        assert body["version"] == "https://jsonfeed.org/version/1.1"
        (item,) = body["items"]
        assert item["id"].endswith(first)
        assert item["_job"]["ends"] == "2026-05-02T00:00:00+08:00"
        assert item["_job"]["pay"] == {
            "currency": "CNY",
            "low": 2_500_000,
            "high": 4_500_000,
            "per": "month",
            "months": 14,
        }
        assert client.get(f"/jobs/feed.json?key={key}").status_code == 200
        assert client.get("/jobs/feed.json?key=guessed").status_code == 403
    with at(app, "2026-03-04T11:00"):
        (row,) = partners.keys()
        assert row.read_on == date(2026, 3, 4)
        partners.end(row.uid, by=person("mo"))
    with on("2026-03-04T12:00"):
        assert client.get(f"/jobs/feed.json?key={key}").status_code == 403
        assert client.get("/jobs/feed.json").status_code == 200
    with at(app, "2026-03-05T10:00"):
        moderating.remove(s.the(first), by=person("mo"), reasons=["untrue"], words=NO)
    with on("2026-03-05T11:00"):
        changed = client.get("/jobs/feed.atom?lang=en", headers={"If-None-Match": answer.headers["ETag"]})
        assert changed.status_code == 200
        assert first not in changed.text
        assert first not in client.get("/jobs/sitemap.xml").text


SEARCHES = [
    ("", 3), ("q=Triton", 3), ("q=triton+operator", 3), ("q=算子", 3), ("q=子开发", 3), ("q=芯", 3), ("q=量化", 1),
    ("q=quantum", 0), ("q=c%2B%2B", 3), ("q=ＣＰＵ", 1), ("q=%27%3B--", 3), ("city=beijing", 2), ("city=remote", 1),
    ("city=atlantis", 3), ("kind=intern", 1), ("kind=slave", 3), ("level=OPDEV", 1), ("pay=40000", 2), ("pay=60000", 1),
    ("pay=-1", 3), ("pay=99999999", 0), ("city=beijing&q=量化", 0), ("q=" + "x" * 500, 0), ("page=99", 3), ("q=Spruce", 1),
]  # fmt: skip


def test_searching_is_alike_on_both_databases(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        s.live()
        s.live(need=Need.REQUIRED, level="OPDEV", pay_high=8_000_000, pay_months=12)
        s.live(
            SILVER, remote=Remote.REMOTE, city="", remote_from=("CN",), employment=Employment.INTERN,
            text_zh="模型量化与 CPU 推理，多种芯片", pay_high=2_600_000, pay_months=12,
        )  # fmt: skip
    client = app.test_client()
    with on("2026-03-04T10:00"):
        for query, number in SEARCHES:
            page = client.get(f"/jobs/?{query}").text
            assert page.count('class="panel job-row"') == number, query


def test_a_page_of_the_board_takes_few_statements(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        for n in range(3):
            s.live(title_en=f"Post {n}")
    client = app.test_client()
    with on("2026-03-04T10:00"):
        client.get("/jobs/")
        said: list[str] = []
        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", lambda *given: said.append(given[2]))
        client.get("/jobs/?kind=full_time")
        assert len(said) <= 16, said


def test_saved_searches_name_each_post_once_and_end_by_one_click(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        s.live()
        reader = make_person("lin@else.example", "Lin")
        row = saving.keep(searching.Asked(q="triton"), Rhythm.DAILY, by=reader)
        uid = row.uid
        with pytest.raises(Refused, match="already"):
            saving.keep(searching.Asked(q="triton"), Rhythm.WEEKLY, by=reader)
        with pytest.raises(Refused, match="filter or a word"):
            saving.keep(searching.Asked(), Rhythm.DAILY, by=reader)
    with app.app_context(), on("2026-03-04T07:20"):
        assert saving.mail_saved_searches() == 0
    with at(app, "2026-03-04T10:00"):
        s.live(SILVER, title_en="New one")
        gone = s.live(title_en="Gone at once").uid
        running.pause(s.the(gone), by=person("hr"))
    with app.app_context(), on("2026-03-05T07:20"):
        assert saving.mail_saved_searches() == 1
        assert saving.mail_saved_searches() == 0
    mail = last_mail(app, "lin@else.example")
    assert "New one" in mail.text
    assert "Gone at once" not in mail.text
    assert link_in(mail).startswith("/jobs/")
    client, way_out = app.test_client(), f"/jobs/stop/{uid}"
    with app.app_context(), reading():
        sent = _message(mail)
    assert (sent["List-Unsubscribe"], sent["List-Unsubscribe-Post"]) == (
        f"<http://127.0.0.1:8000{way_out}>", "List-Unsubscribe=One-Click",
    )  # fmt: skip
    with at(app, "2026-03-05T09:00"):
        s.mode("off")
    with on("2026-03-05T10:00"):  # the way out of a mail is open even while the board is not
        assert client.get("/jobs/").status_code == 404
        page = client.get(way_out)
        assert "triton" in page.text
        assert "搜索已停止" not in page.text  # a program that looks into links ends nothing
        assert client.post(way_out).status_code == 400  # nor does anything but the words of the standard
        assert client.post(f"{way_out}/end").status_code == 400  # the page's own button brings its token
        for _twice in range(2):
            answer = client.post(way_out, data={"List-Unsubscribe": "One-Click"})
            assert (answer.status_code, answer.headers.get("Set-Cookie")) == (200, None)
        assert "搜索已停止" in client.get(way_out).text
        assert client.get("/jobs/stop/unknown").status_code == 404
        assert client.post("/jobs/stop/unknown", data={"List-Unsubscribe": "One-Click"}).status_code == 404
    with app.app_context(), reading():
        assert db.session.query(SavedSearch).one().ended_at is not None
        ended = select(AuditEntry.actor).where(AuditEntry.verb == "search.ended")
        assert len(db.session.scalars(ended).all()) == 1
    with at(app, "2026-03-05T10:30"):
        s.mode("full", **s.DEMO)
    with on("2026-03-05T10:40"):
        assert post(client, f"{way_out}/end", page="/register").status_code == 200
    browser(app, "lin@else.example")
    with on("2026-03-05T11:00"):
        mine = browser(app, "lin@else.example")
        assert post(mine, "/jobs/saved", "/jobs/saved", q="算子", rhythm="weekly").status_code == 303
        assert "算子" in mine.get("/jobs/saved").text
        assert post(mine, "/jobs/saved", "/jobs/saved", rhythm="hourly").status_code == 409
        other = browser(app, SILVER)
        with app.app_context(), reading():
            (own,) = db.session.query(SavedSearch.uid).filter(SavedSearch.ended_at.is_(None)).one()
        assert post(other, f"/jobs/saved/{own}/end").status_code == 404
        assert post(mine, f"/jobs/saved/{own}/end").status_code == 303


FORM = {
    "title_en": "Operator developer", "text_en": "Write **operators**.", "remote": "onsite", "city": "beijing",
    "employment": "full_time", "places": "2", "currency": "CNY", "pay_low": "25000", "pay_high": "45000",
    "pay_per": "month", "pay_months": "14", "skills": "Triton，C++, Triton", "need": "none", "apply_by": "link",
    "link": "https://jobs.galaxy.example/1",
}  # fmt: skip


def test_an_employer_writes_checks_sends_and_a_moderator_decides(app: Flask) -> None:
    house(app)
    mine, mod = browser(app, OWNER), browser(app, "mo@house.example")
    with on("2026-03-04T10:00"):
        wrong = post(mine, "/recruiting/new", **{**FORM, "pay_low": "50000", "city": "atlantis"})
        assert wrong.status_code == 422
        assert "Write **operators**." in wrong.text
        assert "lower end" in post(mine, "/recruiting/new", **{**FORM, "pay_low": "50000"}).text
        made = post(mine, "/recruiting/new", **FORM)
        assert made.status_code == 303
        uid = made.headers["Location"].split("/")[2]
        check = mine.get(made.headers["Location"]).text
        assert "<strong>operators</strong>" in check
        assert "Nothing stands out" in check
        assert "Draft" in mine.get("/recruiting/").text
        assert mod.get(f"/office/jobs/posts/{uid}").status_code == 404
        assert post(mine, f"/recruiting/{uid}/submission").status_code == 303
        again = post(mine, f"/recruiting/{uid}/submission")
        assert (again.status_code, "nothing new to send" in again.text) == (409, True)
        assert "Operator developer" in mod.get("/office/jobs/").text
        case = mod.get(f"/office/jobs/posts/{uid}").text
        assert "Approve version 1" in case
        bad = post(mod, f"/office/jobs/posts/{uid}/return", words_en="Kept words", words_zh="")
        assert (bad.status_code, "Kept words" in bad.text) == (422, True)
        back = post(
            mod,
            f"/office/jobs/posts/{uid}/return",
            reasons="unclear",
            words_en="Which chips?",
            words_zh="哪些芯片？",
            n="1",
        )
        assert back.status_code == 303
        read = mine.get(f"/recruiting/{uid}").text
        assert "Which chips?" in read
        assert "哪些芯片？" in read
        assert (
            post(mine, f"/recruiting/{uid}/text", **{**FORM, "text_en": "For G3 chips."}).status_code == 303
        )
        assert post(mine, f"/recruiting/{uid}/submission").status_code == 303
        assert post(mod, f"/office/jobs/posts/{uid}/approval/2").status_code == 303
        assert "For G3 chips." in app.test_client().get(f"/jobs/{uid}").text
        edit = {**FORM, "text_en": "For G3 chips.", "pay_high": "50000", "city": "shanghai"}
        assert post(mine, f"/recruiting/{uid}/text", **edit).status_code == 303
        assert post(mine, f"/recruiting/{uid}/submission").status_code == 303
        shown = app.test_client().get(f"/jobs/{uid}?lang=en").text
        assert "Beijing" in shown  # the approved text, until the edit is
        assert "50,000" not in shown
        asks = mod.get(f"/office/jobs/posts/{uid}").text.split('class="changes">')[1].split("</dl>")[0]
        changed = " ".join(re.sub("<[^>]+>", " ", asks).split())
        assert changed.startswith(
            "City before: Beijing → now: Shanghai Pay up to before: CN¥45,000 → now: CN¥50,000"
        )
        assert post(mod, f"/office/jobs/posts/{uid}/approval/3").status_code == 303
        assert "50,000" in app.test_client().get(f"/jobs/{uid}?lang=en").text
        assert post(mine, f"/recruiting/{uid}/places", places="1").status_code == 303
        assert post(mine, f"/recruiting/{uid}/places", places="5").status_code == 422
        for deed in ("pause", "continuation"):
            assert post(mine, f"/recruiting/{uid}/{deed}").status_code == 303
        assert post(mine, f"/recruiting/{uid}/renewal").status_code == 409
        assert post(mine, f"/recruiting/{uid}/fill").status_code == 422
        assert post(mine, f"/recruiting/{uid}/fill", certificate="yes", board="yes").status_code == 303
        assert app.test_client().get(f"/jobs/{uid}").status_code == 410
        figures = mod.get("/office/jobs/figures").text
        assert "1 through the board, 1 with a certificate" in figures
        assert browser(app, SILVER).get(f"/recruiting/{uid}").status_code == 404


def test_a_reader_reports_and_guests_need_no_account(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.live().uid
    client = app.test_client()
    with on("2026-03-04T10:00"):
        assert (
            post(
                client, f"/jobs/{uid}/reports", f"/jobs/{uid}", reason="fees", words="asks for money"
            ).status_code
            == 303
        )
        assert post(client, f"/jobs/{uid}/reports", f"/jobs/{uid}", reason="nonsense").status_code == 422
        mod = browser(app, "mo@house.example")
        assert "asks for money" in mod.get(f"/office/jobs/posts/{uid}").text
        assert post(mod, f"/office/jobs/posts/{uid}/reports").status_code == 303
        assert "asks for money" not in browser(app, OWNER).get(f"/recruiting/{uid}").text


def test_a_person_of_another_role_does_not_recruit(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        tech = make_person("tech@galaxy.example", "Tech")
        db.session.add(
            Contact(person=tech, org=s.org_of(OWNER), role=ContactRole.TECHNICAL, start=clock.today())
        )
        uid = s.draft().uid
    with on("2026-03-04T10:00"):
        assert browser(app, "tech@galaxy.example").get("/recruiting/").status_code == 403
        assert browser(app, "eva@house.example").get("/office/jobs/").status_code == 200
        assert (
            post(browser(app, "eva@house.example"), f"/office/jobs/posts/{uid}/approval/1").status_code == 403
        )


def test_what_is_kept_of_a_reader_goes_along_and_goes_away(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.live().uid
        reader = make_person("lin@else.example", "Lin")
        saving.keep(searching.Asked(q="triton", city="beijing"), Rhythm.DAILY, by=reader)
        reporting.report(s.the(uid), reason="other", words="I was there", person=reader, address="")
        found = {sheet.code: sheet.rows for sheet in keeping.sheets(reader)}
        assert [row["search"] for row in found["job_searches"]] == ["triton · Beijing"]
        assert [row["words"] for row in found["job_reports"]] == ["I was there"]
        assert {line.item: line.count for line in keeping.lines(reader)} == {
            "job_searches": 1,
            "job_reports": 1,
        }
        keeping.on_erased(PersonErased(reader, "token", "Lin", "lin@else.example"))
        assert {sheet.code: sheet.rows for sheet in keeping.sheets(reader)} == {
            "job_searches": [],
            "job_reports": [],
        }
        (kept,) = reporting.reports_of(s.the(uid))
        assert (kept.words, kept.person_id, kept.reason) == ("", None, "other")
