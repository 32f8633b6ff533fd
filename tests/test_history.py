"""Membership histories: seven years in one go against an independent replay, the same file twice, files that are refused."""

from __future__ import annotations

import csv
import io
import json
import os
import random
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.organisations import FormerName, Organisation
from portal.cli import cli
from portal.core import audit
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.members import histories, history, names, reports, standing, terms, wall
from portal.members.belonging import Ending, Membership, Term, TermKind
from portal.members.facts import facts_of
from portal.members.models import MatchKey, NameGram, Pair
from portal.members.past_models import HistoryEvent
from portal.members.spans import place
from portal.reports import retention

HEAD = "month,event,org_id,name,from_tier,to_tier,joined"
SMALL = """\
2024-01,join,a1,Orion Chips,,Platinum,2023-11-01
2024-01,join,a2,长庚智算,,Silver,
2024-01,join,a3,Deneb Systems,,Silver,2024-01-01
2024-04,upgrade,a2,长庚智算,Silver,Gold,
2024-06,leave,a3,Deneb Systems,Silver,,
2024-06,reclass,a1,Orion Chips,Platinum,Academic,
2024-09,rejoin,a3,Deneb Systems GmbH,,Silver,
2024-09,rename,a1,Orion Institute,,,
2025-01,downgrade,a2,长庚智算,Gold,Silver,
2025-01,leave,a1,Orion Institute,Academic,,
"""
TIERS = ["Platinum", "Gold", "Silver", "Academic"]


def file(rows: str) -> str:
    return f"{HEAD}\n{rows}"


def take(app: Flask, text: str) -> history.Outcome:
    with app.app_context(), transaction():
        return history.bring_in(text)


def invented(seed: int, count: int = 2_000) -> str:
    """Return a history over seven years: whoever is in may leave, move or be renamed; whoever is out may come back."""
    dice, out = random.Random(seed), io.StringIO()
    now: dict[str, str] = {}
    names: dict[str, str] = {}
    left: list[str] = []
    write = csv.writer(out)
    write.writerow(HEAD.split(","))
    months = sorted(dice.randrange(84) for _ in range(count))
    for number in months:
        month = f"{2019 + number // 12}-{number % 12 + 1:02d}"
        deed = dice.choices(["join", "leave", "rejoin", "move", "rename"], [40, 15, 10, 25, 10])[0]
        if deed == "rejoin" and left:
            one = left.pop(dice.randrange(len(left)))
            now[one] = dice.choice(TIERS)
            write.writerow([month, "rejoin", one, names[one], "", now[one], ""])
        elif deed in ("join", "rejoin") or not now:
            one = f"src-{len(names)}"
            names[one], now[one] = f"{dice.choice(['North', '北方', 'Ÿ'])} {one}", dice.choice(TIERS)
            write.writerow(
                [month, "join", one, names[one], "", now[one], f"{dice.randrange(1990, 2030)}-05-01"]
            )
        elif deed == "leave":
            one = dice.choice(sorted(now))
            write.writerow([month, "leave", one, names[one], now.pop(one), "", ""])
            left.append(one)
        elif deed == "rename":
            one = dice.choice(sorted(now))
            names[one] = f"{names[one][:60]} {dice.randrange(10**6)}"
            write.writerow([month, "rename", one, names[one], "", "", ""])
        else:
            one = dice.choice(sorted(now))
            old, new = now[one], dice.choice([tier for tier in TIERS if tier != now[one]])
            now[one] = new
            event = "reclass" if "Academic" in (old, new) else "upgrade" if TIERS.index(new) < TIERS.index(old) else "downgrade"  # fmt: skip
            write.writerow([month, event, one, names[one], old, new, ""])
    return out.getvalue()


def replay(text: str, month: str) -> dict[str, int]:
    """Say who is in force in a month: the program of a few lines that knows nothing of ours."""
    tier: dict[str, str] = {}
    for row in csv.DictReader(io.StringIO(text)):
        if row["month"] <= month and row["event"] == "leave":
            del tier[row["org_id"]]
        elif row["month"] <= month and row["event"] != "rename":
            tier[row["org_id"]] = row["to_tier"]
    return dict(Counter(tier.values()))


def test_two_thousand_events_of_seven_years_equal_a_replay_in_every_month(app: Flask) -> None:
    # The whole history on one database, and a shorter one on the other: `make proofs` has it whole on both.
    with app.app_context():
        one = db.engine.dialect.name == "sqlite"
    count = 2_000 if one or os.environ.get("PROOFS") else 600
    text = invented(4, count)
    outcome = take(app, text)
    assert (outcome.new, outcome.same) == (count, 0)
    with app.app_context(), reading():
        for number in range(84):
            month = f"{2019 + number // 12}-{number % 12 + 1:02d}"
            day = date.fromisoformat(f"{month}-{(1, 15, 28)[number % 3]:02d}")
            assert reports.members_on(day) == replay(text, month)
        assert reports.members_on(date(2018, 12, 31)) == {}
        assert reports.verify_memberships()[1] == []
        assert audit.verify()[1] == []


def test_the_same_history_again_changes_nothing_and_a_longer_one_adds_what_is_new(app: Flask) -> None:
    text = invented(5, 300)
    lines = text.splitlines(keepends=True)
    first = take(app, "".join(lines[:201]))
    assert (first.new, first.same) == (200, 0)
    whole = take(app, text)
    assert (whole.new, whole.same) == (100, 200)
    with app.app_context(), reading():
        before = counted()
        assert reports.members_on(date(2026, 6, 1)) == replay(text, "2026-06")
    again = take(app, text)
    assert (again.new, again.same, again.organisations) == (0, 300, 0)
    with app.app_context(), reading():
        assert counted() == before


def counted() -> list[int | None]:
    tables = (Organisation, Membership, Term, Ending, FormerName, HistoryEvent, audit.AuditEntry)
    return [db.session.scalar(select(func.count()).select_from(table)) for table in tables]


def test_only_new_events_of_a_later_file_go_on_where_the_former_ended(app: Flask) -> None:
    text = invented(6, 300)
    lines = text.splitlines(keepends=True)
    take(app, "".join(lines[:181]))
    rest = take(app, lines[0] + "".join(lines[181:]))
    assert (rest.new, rest.same) == (120, 0)
    with app.app_context(), reading():
        for month in ("2019-06", "2022-01", "2025-12"):
            assert reports.members_on(date.fromisoformat(f"{month}-20")) == replay(text, month)


def test_events_become_the_facts_their_verbs_would_have_written(app: Flask) -> None:
    outcome = take(app, file(SMALL))
    assert (outcome.new, outcome.organisations) == (10, 3)
    assert any("Academic" in note for note in outcome.notes)
    with app.app_context(), reading():
        by_day = {
            date(2024, 5, 15): {"Platinum": 1, "Gold": 1, "Silver": 1},
            date(2024, 7, 15): {"Gold": 1, "Academic": 1},
            date(2024, 10, 15): {"Gold": 1, "Silver": 1, "Academic": 1},
            date(2025, 2, 15): {"Silver": 2},
        }
        assert {day: reports.members_on(day) for day in by_day} == by_day
        org = db.session.scalars(select(Organisation).where(Organisation.source_key == "history:a1")).one()
        facts = [
            (t.kind, t.tier, str(t.start), t.end, e and str(e.on), e and e.cause)
            for t, e in db.session.execute(
                select(Term, Ending).outerjoin(Ending, Ending.term_id == Term.id).join(Membership)
                .where(Membership.org_id == org.id).order_by(Term.start)
            )
        ]  # fmt: skip
        assert facts == [
            (TermKind.IMPORTED, "platinum", "2024-01-01", None, "2024-06-01", standing.EndingCause.TIER_CHANGE),
            (TermKind.IMPORTED, "academic", "2024-06-01", None, "2025-01-01", standing.EndingCause.RESIGNED),
        ]  # fmt: skip
        former = db.session.execute(
            select(FormerName.name, FormerName.until).where(FormerName.org_id == org.id)
        )
        assert (org.legal_name, [tuple(row) for row in former]) == (
            "Orion Institute", [("Orion Chips", date(2024, 9, 1))],
        )  # fmt: skip
        membership = terms.membership_of(org)
        assert membership is not None
        assert (membership.member_since, membership.stated_joined) == (date(2024, 1, 1), date(2023, 11, 1))
        assert membership.standing is standing.Standing.RESIGNED
        assert db.session.scalars(wall.shown()).all() == []  # nobody consented to be shown
        body = retention.body(retention.look(date(2024, 1, 1), date(2024, 12, 1)))
        told = {key: body[key] for key in ("opening", "new", "returned", "departures", "upgrades", "reclasses", "closing")}  # fmt: skip
        assert told == {
            "opening": 0, "new": 3, "returned": 1, "departures": 1, "upgrades": 1, "reclasses": 1, "closing": 3,
        }  # fmt: skip
        assert [(one["cohort"], one["size"]) for one in body["cohorts"]] == [("2024", 3)]


def test_spans_say_the_same_as_the_standing(app: Flask) -> None:
    take(app, invented(7, 200))
    with app.app_context(), reading():
        rows = db.session.scalars(select(Membership)).all()
        facts, spans = facts_of(rows), histories.spans()
        for day in (date(2019, 3, 3), date(2021, 8, 1), date(2024, 2, 29), date(2026, 1, 1)):
            for row in rows:
                term, held = standing.in_force(facts[row.id], day), place(spans[row.id], day, {})
                assert (term and term.tier) == (held and held.tier)


def test_names_that_differ_only_in_width_or_case_are_one_name_of_one_key_and_a_pair_of_two(
    app: Flask,
) -> None:
    rows = "2024-01,join,a,Deneb Systems,,Silver,\n2024-02,upgrade,a,ＤＥＮＥＢ Systems,Silver,Gold,\n2024-03,join,b,deneb　systems,,Silver,\n"  # fmt: skip
    take(app, file(rows))
    with app.app_context(), reading():
        assert db.session.scalars(select(FormerName)).all() == []
        assert sorted(db.session.scalars(select(Organisation.legal_name))) == [
            "Deneb Systems",
            "deneb systems",
        ]
        assert db.session.scalar(select(func.count(Pair.id))) == 1


def test_names_written_at_once_are_those_written_one_by_one(app: Flask) -> None:
    take(app, invented(8, 150) + "2026-01,join,twin,北方 src-0,,Gold,\n")
    with app.app_context(), transaction():
        once = derived()
        names.rebuild()
        assert derived() == once
        for org in db.session.scalars(select(Organisation)):
            names.find_pairs(org)
        assert derived() == once


def derived() -> list[list[Any]]:
    keys = select(MatchKey.org_id, MatchKey.kind, MatchKey.value).order_by(MatchKey.org_id, MatchKey.value)
    texts = select(Organisation.id, Organisation.search_text, Organisation.sort_zh, Organisation.sort_en)
    pieces = select(NameGram.org_id, NameGram.gram).order_by(NameGram.org_id, NameGram.gram)
    both = select(Pair.org_id, Pair.other_id, Pair.hits).order_by(Pair.id)
    return [list(db.session.execute(one)) for one in (keys, texts.order_by(Organisation.id), pieces, both)]


def test_several_events_of_one_month_hold_no_day_between_them(app: Flask) -> None:
    rows = (
        "2024-01,join,a,A,,Silver,\n2024-01,upgrade,a,A,Silver,Gold,\n2024-01,downgrade,a,A,Gold,Silver,\n"
        "2024-01,upgrade,a,A,Silver,Gold,\n2024-01,leave,a,A,Gold,,\n2024-01,rejoin,a,A,,Platinum,\n"
    )
    take(app, file(rows))
    with app.app_context(), reading():
        assert reports.members_on(date(2024, 1, 1)) == {"Platinum": 1}
        assert reports.verify_memberships()[1] == []
    assert take(app, file(rows)).same == 6


J = "2024-01,join,a,A,,Gold,\n"
BAD = {
    "nothing": ("", "line 1: the header must be month,event"),
    "no events": (file(""), "the file has no events"),
    "no header": ("2024-01,join,a,A,,Gold,", "line 1: the header must be month,event"),
    "no month": (file("2024-1,join,a,A,,Gold,"), "line 2 (2024-1 join a): month: '2024-1' is no month"),
    "month 13": (file("2024-13,join,a,A,,Gold,"), "month: '2024-13' is no month"),
    "year nought": (file("0000-01,join,a,A,,Gold,"), "is no month"),
    "shuffled": (file("2024-02,join,a,A,,Gold,\n2024-01,join,b,B,,Gold,"), "line 3 (2024-01 join b): month: stands after 2024-02"),
    "unknown event": (file("2024-01,marry,a,A,,Gold,"), "event: 'marry' is none of join"),
    "no key": (file("2024-01,join,,A,,Gold,"), "org_id: is missing"),
    "no name": (file("2024-01,join,a,,,Gold,"), "name: is missing"),
    "no tier": (file("2024-01,join,a,A,,,"), "to_tier: is missing"),
    "a tier of marks": (file("2024-01,join,a,A,,!!!,"), "to_tier: '!!!' is no name of a tier"),
    "joined": (file("2024-01,join,a,A,,Gold,yesterday"), "joined: 'yesterday' is no day"),
    "twice": (file(J + J), "line 3 (2024-01 join a): event: a is a member already, at gold"),
    "in two tiers": (file(J + "2024-01,join,a,A,,Silver,"), "a is a member already, at gold"),
    "out of nowhere": (file("2024-01,leave,a,A,Gold,,"), "event: a has not joined before"),
    "leaves twice": (file(J + "2024-02,leave,a,A,Gold,,\n2024-03,leave,a,A,Gold,,"), "a is no member then"),
    "back without leaving": (file(J + "2024-02,rejoin,a,A,,Gold,"), "is a member already"),
    "joins twice": (file(J + "2024-02,leave,a,A,Gold,,\n2024-03,join,a,A,,Gold,"), "this is a rejoin"),
    "another tier": (file(J + "2024-02,upgrade,a,A,Silver,Platinum,"), "from_tier: a is at gold then, not at Silver"),
    "to the same tier": (file(J + "2024-02,reclass,a,A,Gold,黄金,"), "to_tier: a is at 黄金 already"),
    "leaves to a tier": (file(J + "2024-02,leave,a,A,Gold,Silver,"), "to_tier: a leave goes to no tier"),
    "joins from a tier": (file("2024-01,join,a,A,Silver,Gold,"), "from_tier: a join comes from no tier"),
    "renamed to itself": (file(J + "2024-02,rename,a,A,,,"), "name: a is called that already"),
    "a name of 201": (file(f"2024-01,join,a,{'名' * 201},,Gold,"), "name: is longer than 200 characters"),
    "unseen": (file("2024-01,join,a,A\x07,,Gold,"), "name: holds characters that cannot be shown"),
    "few cells": (file("2024-01,join,a,A"), "line 2: 4 cells where the header has 7"),
    "broken quotes": (file('2024-01,join,a,"A"x,,Gold,'), "the file is not CSV"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_names_row_and_field_and_leaves_nothing(app: Flask, name: str) -> None:
    text, words = BAD[name]
    with pytest.raises(Refused) as told:
        take(app, text)
    assert words in str(told.value)
    with app.app_context(), reading():
        assert counted()[:6] == [0] * 6


def test_a_row_on_record_with_other_content_is_refused(app: Flask) -> None:
    take(app, file(J))
    with pytest.raises(
        Refused, match=r"line 2 \(2024-01 join a\): to_tier: is on record with other content: 'Gold'"
    ):
        take(app, file("2024-01,join,a,A,,Silver,\n"))
    with pytest.raises(Refused, match="month: a has an event of 2024-01 on record"):
        take(app, file("2023-12,leave,a,A,Gold,,\n"))


def test_blank_rows_and_a_name_of_200_characters_are_taken(app: Flask) -> None:
    name = "名" * 200
    rows = f"\n2024-01,join,a,{name},,gold member,\n,,,,,,\n\n2024-02,rename,a,{name[:-1]}字,,,\n"
    assert take(app, "\ufeff" + file(rows)).new == 2
    with app.app_context(), reading():
        assert reports.members_on(date(2024, 1, 9)) == {"Gold": 1}


def test_the_command_takes_it_whole_or_only_looks(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.cli.past.prepared", lambda: app)
    monkeypatch.setattr("portal.cli.doors.prepared", lambda: app)
    path = tmp_path / "history.csv"
    path.write_text(file(SMALL), "utf-8")
    run = CliRunner()

    def said(*words: str) -> Any:
        done = run.invoke(cli, [*words, "--format", "json"], catch_exceptions=False)
        return json.loads(done.stdout)

    dry = said("import", "history", str(path), "--dry-run")
    assert (dry["new"], dry["organisations"]) == (10, 3)
    assert said("report", "members", "--on", "2024-05-15")["total"] == 0
    assert said("import", "history", str(path)) == dry
    assert said("import", "history", str(path))["same"] == 10
    assert said("report", "members", "--on", "2024-05-15") == {
        "on": "2024-05-15", "by_tier": {"Platinum": 1, "Gold": 1, "Silver": 1}, "total": 3,
    }  # fmt: skip
    body = said("report", "retention", "--from", "2024-06", "--to", "2025-01")
    assert (body["opening"], body["arrivals"], body["departures"], body["closing"]) == (3, 1, 2, 2)
    assert (body["downgrades"], body["reclasses"], body["kept_share"]) == (1, 1, "0.666667")
    text = run.invoke(cli, ["report", "retention", "--from", "2024-06", "--to", "2025-01"])
    assert "departures\t2" in text.stdout
    path.write_text(file("2024-13,join,a,A,,Gold,\n"), "utf-8")
    with pytest.raises(Refused, match=r"history\.csv: line 2 \(2024-13 join a\): month:"):
        run.invoke(cli, ["import", "history", str(path)], catch_exceptions=False)
