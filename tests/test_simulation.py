"""Simulated years: verified clean, the same bytes for the same seed, figures that an independent replay of the lines gives."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from portal import simulation
from portal.cli import cli, migrate_now
from portal.cli import simulate as command
from portal.core import pdf, pdf_check
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.settings import settings
from portal.simulation import scenario
from tests import replay
from tests.replay import Lines, of, report

ROOT = Path(__file__).resolve().parents[1]
SMALL: dict[str, Any] = {
    "seed": 11, "start": date(2026, 1, 1), "years": 3, "organisations": 7, "arrivals": [1],
    "tiers": {"platinum": 1, "gold": 2, "silver": 4, "startup": 2}, "categories": {"chip": 1, "software": 2, "university": 1},
    "review": {"days": [1, 9], "rejected": 0.05}, "signing": {"days": [1, 9]},
    "payments": {
        "days": [3, 85], "never": 0.05, "late": 0.08, "late_days": [1, 60], "in_parts": 0.1, "twice": 0.05,
        "on_credit": 0.1,
    },
    "changes": {"up": 0.2, "down": 0.2}, "leaving": {"resign": 0.15, "taken_back": 0.4},
    "suspensions": {"share": 0.15, "days": [20, 60]}, "returns": {"share": 0.7, "days": [30, 200]},
    "chores": {"every": 10},  # what is due is caught up: ten days take no longer than a night
}  # fmt: skip


def written(folder: Path, body: dict[str, Any]) -> Path:
    file = folder / "scenario.yml"
    file.write_text(yaml.safe_dump(body), "utf-8")
    return file


def lived(folder: Path, body: dict[str, Any]) -> Lines:
    """Live through a scenario in this process; return its lines."""
    found = CliRunner().invoke(cli, ["simulate", str(written(folder, body)), "--format", "json"])
    assert found.exit_code == 0, (found.stdout[-2000:], found.stderr[-4000:], found.exception)
    return [json.loads(line) for line in found.stdout.splitlines()]


@pytest.fixture(scope="module", autouse=True)
def migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Migrate one scratch database, and give a copy of it to each run of this process: the catalogue is the same."""
    folder = tmp_path_factory.mktemp("migrated")
    asked = scenario.read(written(folder, SMALL))
    kept = folder / "portal.sqlite3"
    with command.scratch(asked) as app, app.app_context():
        db.engine.dispose()  # what lies beside the file is written into it
        shutil.copy(settings().home / "portal.sqlite3", kept)

    def copied() -> None:
        db.engine.dispose()
        shutil.copy(kept, settings().home / "portal.sqlite3")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "migrate_now", copied)
        yield
    assert vars(command)["migrate_now"] is migrate_now


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    return lived(tmp_path_factory.mktemp("small"), SMALL)


def test_three_years_are_lived_through_and_everything_verifies(small: Lines) -> None:
    assert report(small, "verify")["found"] == []
    kinds = {line["event"] for line in small if "event" in line}
    assert kinds >= {
        "applied",
        "approved",
        "signed",
        "invoice",
        "money",
        "term",
        "ending",
        "standing",
        "offered",
    }
    assert {line["kind"] for line in of(small, "term")} >= {"new", "renewal", "upgrade"}
    days = [line["day"] for line in small if "event" in line]
    assert days == sorted(days)


def test_the_reports_equal_a_replay_of_the_lines(small: Lines) -> None:
    told = replay.members(small)
    assert told == replay.report_of_members(small)
    assert told["total"] > 0
    told = replay.retention(small)
    assert told == replay.report_of_retention(small)
    assert told["departed"]
    assert told["upgrades"]
    assert report(small, "retention")["value_opening"] == 0
    invoiced = replay.invoiced(small)
    assert report(small, "revenue")["net_invoiced"] == invoiced
    assert 0 < report(small, "revenue")["totals"]["recognised"] <= invoiced


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    file = written(tmp_path, {**SMALL, "years": 1, "organisations": 3})
    here = CliRunner().invoke(cli, ["simulate", str(file)])
    env = {**os.environ, "PYTHONHASHSEED": "77", "PORTAL_HOME": str(tmp_path / "untouched")}
    done = subprocess.run(
        [sys.executable, "-m", "portal.cli", "simulate", str(file)],
        capture_output=True,
        env=env,
        cwd=ROOT,
        check=False,
    )
    assert (here.exit_code, done.returncode) == (0, 0), done.stderr.decode()
    assert b"seconds" in done.stderr
    assert here.stdout_bytes == done.stdout
    assert not (tmp_path / "untouched").exists()


@pytest.mark.slow
def test_a_longer_grace_keeps_those_who_pay_within_it(tmp_path: Path) -> None:
    habits = {"payments": {"days": [61, 110]}, "tiers": {"silver": 1}, "categories": {"software": 1}}
    body = {
        "seed": 3,
        "start": date(2026, 1, 1),
        "years": 2,
        "organisations": 3,
        "chores": {"every": 10},
        **habits,
    }
    kept: dict[int, set[str]] = {}
    for grace in (10, 60):
        lines = lived(tmp_path, {**body, "policies": [{"code": "term.grace_days", "value": grace}]})
        kept[grace] = {line["name"] for line in of(lines, "term") if line["kind"] == "renewal"}
        assert {line["name"] for line in of(lines, "term") if line["kind"] == "new"}
    assert kept[10] < kept[60]


def facts(lines: Lines) -> list[tuple[Any, ...]]:
    """Return what every day's standing is made of: terms, endings and holds, whenever they were recorded."""
    return sorted(
        (
            line["name"],
            line["event"],
            *(str(line.get(key)) for key in ("kind", "tier", "start", "end", "on", "cause", "charged")),
        )
        for line in lines
        if line.get("event") in {"term", "ending", "hold"}
    )


@pytest.mark.slow
def test_chores_that_run_thrice_or_not_at_all_for_weeks_give_the_same_facts(tmp_path: Path) -> None:
    body = {
        **SMALL, "years": 2, "organisations": 3, "review": {"days": [1, 9]},
        "payments": {"days": [35, 50], "in_parts": 0.2},
        "changes": {"up": 0.2, "down": 0.2}, "returns": {"share": 0},
    }  # fmt: skip
    outage = {"start": date(2026, 12, 1), "until": date(2026, 12, 20)}
    ways: list[dict[str, Any]] = [{}, {"times": 3, "outages": [outage]}]
    found = [facts(lived(tmp_path, {**body, "chores": {"every": 14, **way}})) for way in ways]
    assert found[0]
    assert found[1] == found[0]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"years": 0}, "years: Input should be greater than or equal to 1"),
    ({"organisations": "many"}, "organisations: Input should be a valid integer"),
    ({"weather": 1}, "weather: there is no such field"),
    ({"tiers": {}}, "tiers: "),
    ({"tiers": {"gold": 0}}, "tiers: at least one weight must be greater than 0"),
    ({"payments": {"days": [9, 3]}}, "payments.days: the first number of days must not be greater"),
    ({"payments": {"never": 1.5}}, "payments.never: "),
    ({"payments": {"never": 0.7, "late": 0.5}}, "payments.late: together with never"),
    ({"arrivals": [1, 1, 1, 1]}, "arrivals: 4 weights for 3 years"),
    ({"chores": {"outages": [{"start": date(2027, 1, 2), "until": date(2027, 1, 2)}]}}, "chores.outages.0: it ends"),
    ({"start": "soon"}, "start: Input should be a valid date"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), WRONG)
def test_a_scenario_that_makes_no_sense_is_refused_by_field_and_reason(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused) as refusal:
        scenario.read(written(tmp_path, {**SMALL, **change}))
    assert f"scenario.yml: {words}" in str(refusal.value)


def test_a_file_that_is_no_scenario_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yml"
    for text, words in (
        ("- 1", "a table of fields"),
        ("a: [", "this is not YAML"),
        ("seed: 1", "start: Field required"),
    ):
        file.write_text(text, "utf-8")
        with pytest.raises(Refused, match=words):
            scenario.read(file)


UNKNOWN: list[tuple[dict[str, Any], str]] = [
    ({"tiers": {"diamond": 1}}, "tiers.diamond: not one of platinum"),
    ({"tiers": {"individual": 1}}, "tiers.individual: not one of"),
    ({"categories": {"bakery": 1}}, "categories.bakery: not one of chip"),
    ({"start": date(2001, 1, 1)}, "the catalogue is not in force on 2001-01-01"),
    ({"policies": [{"code": "term.grace", "value": 1}]}, "policies.0.code: the catalogue has no policy term.grace"),
    ({"policies": [{"code": "term.grace_days", "value": "long"}]}, "policies.0.value: term.grace_days is a whole number"),
    ({"prices": [{"code": "dues.gold", "value": -1}]}, "prices.0.value: dues.gold is a whole number"),
    ({"catalogue": "nowhere"}, "catalogue: there is no folder nowhere"),
]  # fmt: skip


def test_what_the_catalogue_does_not_know_is_refused(tmp_path: Path) -> None:
    with command.scratch(scenario.read(written(tmp_path, SMALL))) as app, app.app_context():
        for change, words in UNKNOWN:
            asked = scenario.read(written(tmp_path, {**SMALL, **change}))
            with pytest.raises(Refused) as refusal:
                simulation.prepare(asked)
            assert words in str(refusal.value)


def test_examples_are_scenarios() -> None:
    files = sorted((ROOT / "examples" / "simulation").glob("*.yml"))
    assert [file.stem for file in files] == ["longer-grace", "ten-years"]
    assert scenario.read(files[1]).organisations == 500


def test_the_blank_page_is_a_sound_document_that_only_the_simulation_uses() -> None:
    assert pdf_check.checked(pdf.BLANK) == pdf.BLANK
    users = [
        str(file.relative_to(ROOT))
        for file in sorted((ROOT / "portal").rglob("*.py"))
        if "not_laid_out" in file.read_text("utf-8") and file.name != "pdf.py"
    ]
    assert users == ["portal/simulation/__init__.py"]
