"""Landscape files: real member lists in, the wall out, the same file twice, and files that are refused."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.cli import cli
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.members import landscape, reports, wall
from portal.members.belonging import Membership, Term
from portal.members.landscape_file import parse

SHARED = Path(__file__).resolve().parents[2] / "shared"
REAL = ["openssf-members.yml", "cdf-members.yml", "lf-energy-members.yml"]
SMALL = """
landscape:
  - name: Example Foundation Members
    subcategories:
      - name: Platinum
        items:
          - {name: Orion Chips (member), homepage_url: "https://orion-chips.example/", joined: "2024-03-01"}
          - {name: 长庚智算, homepage_url: "https://changgeng.example/"}
      - name: 白银
        items:
          - {name: "Deneb Systems GmbH & Co. KG", joined: 2025-11-01}
          - {name: 长庚智算}
          - {name: A secret one, unnamed_organization: true}
      - name: Premier ISV
        items: [{name: "<b>Bold</b> & Söhne"}]
  - name: Runtime
    subcategories:
      - name: Schedulers
        items: [{name: Not a member}]
"""


def real(name: str) -> str:
    """Return a real member list, or skip where the folder of them is absent."""
    file = SHARED / "data" / name
    if not file.exists():
        pytest.skip("the real member lists are not beside this checkout")
    return file.read_text("utf-8")


def counted(text: str) -> dict[str, int]:
    """Count a file's members by tier, straight from the YAML."""
    found: Counter[str] = Counter()
    for category in yaml.safe_load(text)["landscape"]:
        for sub in category["subcategories"]:
            found[sub["name"]] += len({item["name"].casefold() for item in sub["items"]})
    return dict(found)


def shown_on_the_wall() -> list[tuple[str, str, str, str]]:
    """Return what the wall says of each member, in its order."""
    return [
        (row.tier, row.org.display_name_en, row.org.display_name_zh, str(wall.joined(row)))
        for row in db.session.scalars(wall.shown().order_by(wall.ranked(), Membership.id))
    ]


@pytest.mark.parametrize("name", REAL)
def test_a_real_list_comes_in_whole_and_only_once(app: Flask, name: str) -> None:
    text, start, end = real(name), date(2026, 1, 1), date(2027, 1, 1)
    with app.app_context(), transaction():
        outcome = landscape.bring_in(text, start=start, end=end)
    with app.app_context(), reading():
        assert reports.members_on(date(2026, 6, 1)) == counted(text)
        assert outcome.new == sum(counted(text).values())
        rows = db.session.scalar(select(func.count(Membership.id)))
    with app.app_context(), transaction():
        again = landscape.bring_in(text, start=start, end=end)
    assert (again.new, again.changed, again.same) == (0, 0, outcome.new)
    with app.app_context(), reading():
        assert db.session.scalar(select(func.count(Membership.id))) == rows
        assert db.session.scalar(select(func.count(Term.id))) == rows


def test_real_names_are_shown_and_found(app: Flask) -> None:
    text = real("openssf-members.yml")
    with app.app_context(), transaction():
        landscape.bring_in(text)
    client = app.test_client()
    page = client.get("/members?tier=premier", headers={"Accept-Language": "en"}).text
    for name in ("Amazon Web Services, Inc.", "Red Hat LLC", "Morgan Stanley"):
        assert name in page
    found = client.get("/members?q=HUAWEI", headers={"Accept-Language": "zh"}).text
    assert "Huawei Technologies Co., Ltd" in found
    assert "Red Hat LLC" not in found


@pytest.mark.parametrize("name", REAL)
def test_our_export_gives_the_same_wall_elsewhere(app: Flask, tmp_path: Path, name: str) -> None:
    text = real(name)
    with app.app_context(), transaction():
        landscape.bring_in(text)
    with app.app_context(), reading():
        written, before = landscape.document(), shown_on_the_wall()
    assert {sub["name"]: len(sub["items"]) for sub in written["landscape"][0]["subcategories"]} == counted(
        text
    )
    from tests.conftest import build

    other = build(tmp_path / "other", f"sqlite:///{tmp_path / 'other.sqlite3'}")
    from portal.cli import migrate_now

    with other.app_context():
        migrate_now()
        with transaction():
            landscape.bring_in(yaml.safe_dump(written, allow_unicode=True))
        with reading():
            assert sorted(shown_on_the_wall()) == sorted(before)
            assert landscape.document() == written
        db.engine.dispose()


def test_suffixes_higher_tiers_and_unknown_tiers(app: Flask) -> None:
    with app.app_context(), transaction():
        outcome = landscape.bring_in(SMALL)
        names = {
            row.org.legal_name: (row.tier, row.stated_joined)
            for row in db.session.scalars(select(Membership))
        }
        assert names == {
            "Orion Chips": ("platinum", date(2024, 3, 1)),
            "长庚智算": ("platinum", None),
            "Deneb Systems GmbH & Co. KG": ("silver", date(2025, 11, 1)),
            "<b>Bold</b> & Söhne": ("premier_isv", None),
        }
        assert wall.tier_name("premier_isv") == "Premier ISV"
    assert outcome.skipped == 1
    assert any("the higher counts" in note for note in outcome.notes)
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; Söhne" in app.test_client().get("/members").text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("landscape: [", "not YAML"),
        ("a: 1", "no list under landscape"),
        ("landscape: [{name: Tools}]", "no category whose name contains"),
        ("landscape: [{name: Members, subcategories: {a: 1}}]", "subcategories must be a list"),
        ("landscape: [{name: Members, subcategories: [{name: Gold, items: [5]}]}]", "Gold, item 1"),
        ("landscape: [{name: Members, subcategories: [{name: Gold, items: [{}]}]}]", "name is missing"),
        (
            "landscape: [{name: Members, subcategories: [{name: Gold, items: [{name: A, joined: soon}]}]}]",
            "Gold, item 1: joined must be a day",
        ),
        (
            "landscape: [{name: Members, subcategories: [{name: Gold, items: [{name: A, homepage_url: 'javascript:x'}]}]}]",
            "homepage_url must begin with http",
        ),
        (
            f"landscape: [{{name: Members, subcategories: [{{name: Gold, items: [{{name: {'x' * 201}}}]}}]}}]",
            "longer than 200",
        ),
        ("landscape: [{name: Members, subcategories: [{name: ' ', items: []}]}]", "a tier has no name"),
    ],
)
def test_a_wrong_file_is_refused_with_record_and_field(app: Flask, text: str, said: str) -> None:
    with app.app_context():
        with pytest.raises(Refused, match=said), transaction():
            landscape.bring_in(text)
        assert db.session.scalar(select(func.count(Membership.id))) == 0


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "subcategories", "items", "homepage_url", "joined", "extra", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(body=JSONISH, members=st.booleans())
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
def test_any_file_is_read_or_refused(app: Flask, body: Any, members: bool) -> None:
    given_ = {"landscape": [{"name": "Members", "subcategories": body}] if members else body}
    with app.app_context(), contextlib.suppress(Refused):
        assert all(item.name for item in parse(yaml.safe_dump(given_)).items.values())


def test_the_commands_say_what_they_did(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.cli.create_app", lambda: app)
    monkeypatch.setattr("portal.cli.doors.prepared", lambda: app)
    file = tmp_path / "small.yml"
    file.write_text(SMALL, "utf-8")
    run = CliRunner()
    dry = run.invoke(cli, ["import", "landscape", str(file), "--dry-run", "--format", "json"])
    assert json.loads(dry.stdout)["new"] == 4
    real_ = run.invoke(
        cli,
        [
            "import",
            "landscape",
            str(file),
            "--from",
            "2026-01-01",
            "--until",
            "2027-01-01",
            "--format",
            "json",
        ],
    )
    assert json.loads(real_.stdout)["new"] == 4
    said = run.invoke(cli, ["report", "members", "--on", "2026-12-31", "--format", "json"])
    assert json.loads(said.stdout) == {
        "on": "2026-12-31",
        "by_tier": {"Platinum": 2, "Silver": 1, "Premier ISV": 1},
        "total": 4,
    }
    after = run.invoke(cli, ["report", "members", "--on", "2027-01-01", "--format", "json"])
    assert json.loads(after.stdout)["total"] == 0
    out = yaml.safe_load(run.invoke(cli, ["export", "landscape"]).stdout)
    assert [sub["name"] for sub in out["landscape"][0]["subcategories"]] == [
        "Platinum",
        "Silver",
        "Premier ISV",
    ]
    file.write_bytes(b"\xff\xfe bad")
    wrong = run.invoke(cli, ["import", "landscape", str(file)])
    assert isinstance(wrong.exception, Refused)
