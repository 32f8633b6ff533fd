"""Levels and schemes as catalogue data: what is refused, a graph of prerequisites, prices, the public page and its API."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale

from portal.certs import levels as every
from portal.certs import schemes
from portal.certs.levels import Asked
from portal.certs.models.eligibility import ExamKind
from portal.core import catalogue, clock
from portal.core.db import reading, transaction
from portal.core.errors import Missing, Refused
from tests.exam_items import english

PART: dict[str, Any] = {
    "code": "written",
    "name": {"en": "Written", "zh": "笔试"},
    "minutes": 60,
    "weight": 100,
}
DAY = date(2026, 1, 1)


def take(kind: str, **row: Any) -> None:
    with transaction():
        catalogue.take(kind, {"order": 9, **row}, DAY)


def level(code: str, asks: Any = None, **more: Any) -> None:
    take("level", code=code, name={"en": code, "zh": code}, asks=asks, **more)


def test_the_levels_that_come_with_the_portal(app: Flask) -> None:
    with app.app_context(), reading():
        levels = every.levels()
        assert [one.code for one in levels] == ["OPDEV", "ADAPT", "ARCH"]
        assert [one.asks for one in levels] == [
            (),
            (Asked("OPDEV", "in_force"),),
            (Asked("ADAPT", "in_force"),),
        ]
        assert every.below("ARCH") == ["ADAPT", "OPDEV"]
        found = schemes.scheme("ADAPT")
        assert [(one.minutes, one.weight, one.minimum) for one in found.parts] == [
            (60, 30, 50),
            (10_080, 70, 50),
        ]
        assert (found.version, found.validity_months, found.votes, found.languages) == (
            1,
            24,
            3,
            ("zh", "en"),
        )
        assert sum(topic.count for topic in schemes.scheme("OPDEV").topics) == 20
        prices = [every.listed(one.code) for one in levels]
        assert [one.amount.minor for one in prices if one] == [120_000, 240_000, 480_000]
        assert [every.listed("ARCH", kind) for kind in (ExamKind.RETAKE, ExamKind.RENEWAL)] == [
            prices[2],
            prices[2],
        ]
        with pytest.raises(Missing):
            every.level("NOPE")


def test_prerequisites_may_be_a_graph_and_never_a_circle(app: Flask) -> None:
    with english(app):
        level("A")
        level("B", mode="ever", asks="A")
        level("C", asks=["A", {"level": "B", "mode": "in_force"}], mode="ever")
        with reading():
            assert every.level("B").asks == (Asked("A", "ever"),)
            assert every.level("C").asks == (Asked("A", "ever"), Asked("B", "in_force"))
            assert every.below("C") == ["A", "B"]
        for asks, said in ((["C"], "asks for itself"), (["D"], "no level above"), (["A"], "mode")):
            with pytest.raises(Refused, match=said):
                level("A" if asks == ["C"] else "E", asks, mode="in_force" if said != "mode" else "sometimes")
        with pytest.raises(Refused, match="at most 20"):
            level("A" * 21)
        with reading():
            assert every.level("A").asks == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"parts": [{**PART, "weight": 99}]}, "100"),
        ({"parts": [{**PART, "minutes": 0}]}, "minutes or hours"),
        ({"parts": [{**PART, "minimum": 101}]}, "minimum"),
        ({"parts": [{"code": "x"}]}, "cannot be read"),
        ({"parts": None}, "cannot be read"),
        ({"validity_months": 0}, "validity_months"),
        ({"languages": []}, "languages"),
        ({"code": "NOPE"}, "no such level"),
        ({"parts": [{**PART, "topics": [{"code": "a", "name": {}, "count": 0}]}]}, "topics"),
    ],
)
def test_a_scheme_that_makes_no_sense_is_refused(
    sqlite_app: Flask, change: dict[str, Any], said: str
) -> None:
    right = {"code": "OPDEV", "validity_months": 24, "votes": 2, "languages": ["en"], "parts": [PART]}
    with sqlite_app.app_context():
        with pytest.raises(Refused, match=said):
            take("scheme", **{**right, **change})
        take("scheme", **right)
        with reading():
            assert schemes.scheme("OPDEV").version == 2


def test_what_was_in_force_stays_for_its_days(sqlite_app: Flask) -> None:
    with sqlite_app.app_context():
        with transaction():
            row = {
                "code": "OPDEV",
                "validity_months": 36,
                "votes": 2,
                "languages": ["en"],
                "parts": [PART],
                "order": 0,
            }
            catalogue.take("scheme", row, date(2027, 1, 1))
        with reading():
            assert schemes.scheme("OPDEV", date(2026, 12, 31)).validity_months == 24
            assert (
                schemes.scheme("OPDEV", date(2027, 1, 1)).version,
                schemes.scheme("OPDEV", date(2027, 1, 1)).validity_months,
            ) == (2, 36)


def test_a_folder_with_a_circle_changes_nothing(sqlite_app: Flask, tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text(
        "valid_from: 2026-01-01\nlevel:\n  - {code: A, name: {en: A, zh: A}}\n  - {code: B, name: {en: B, zh: B}, asks: A}\n"
        "  - {code: A, name: {en: A, zh: A}, asks: B}\n",
        "utf-8",
    )
    with sqlite_app.app_context():
        with pytest.raises(Refused, match="A: asks for itself"), transaction():
            catalogue.load_folder(tmp_path)
        with reading():
            assert [one.code for one in every.levels()] == ["OPDEV", "ADAPT", "ARCH"]


def test_everybody_reads_levels_and_prices_in_both_languages(client: FlaskClient) -> None:
    english = client.get("/exams", headers={"Accept-Language": "en"})
    assert english.status_code == 200
    for words in (
        "FlagOS Operator Developer",
        "1,200",
        "48 hours, 60 % of the result",
        "14 days",
        "2 votes",
        "24 months",
    ):
        assert words in english.text, words
    assert "a certificate as FlagOS Operator Developer in force" in english.text
    chinese = client.get("/exams", headers={"Accept-Language": "zh"}).text
    for words in ("算子开发工程师", "企业级训推架构师", "认证", "60 分钟"):
        assert words in chinese, words
    assert client.get("/exams/OPDEV/path").status_code == 200
    assert client.get("/exams/NOPE/path").status_code == 404


def test_programs_read_the_same(client: FlaskClient) -> None:
    answer = client.get("/api/v1/exams")
    assert answer.status_code == 200
    items = answer.get_json()["items"]
    assert [one["code"] for one in items] == ["OPDEV", "ADAPT", "ARCH"]
    assert items[1]["asks"] == [{"level": "OPDEV", "mode": "in_force"}]
    assert items[0]["title"] == {"en": "FlagOS Operator Developer", "zh": "算子开发工程师"}
    assert items[2]["price"]["amount"] == 480_000
    assert [part["minutes"] for part in items[2]["parts"]] == [90, 20_160]
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert client.get("/api/v1/exams").headers["ETag"] == answer.headers["ETag"]


def test_policies_of_section_12_are_data(app: Flask) -> None:
    with app.app_context(), reading(), clock.stopped_at(date(2026, 11, 26)):
        said = {
            name: catalogue.policy(name)
            for name in ("item.ceiling", "cut.provisional", "marking.rule", "section.minimum")
        }
        assert said == {
            "item.ceiling": 30,
            "cut.provisional": 65,
            "marking.rule": "median",
            "section.minimum": 50,
        }


def test_a_part_is_called_by_its_name_and_an_unknown_one_by_its_code(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context(), reading(), force_locale("en"):
        assert [schemes.part_name(code) for code in ("written", "gone")] == ["Written exam", "gone"]
