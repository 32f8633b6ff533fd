"""The scratch foundation: its catalogue with what is tried, its staff, and when each organisation comes."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy import select

from portal.accounts.people import Grant
from portal.core import catalogue, clock, files, pdf
from portal.core.catalogue import CatalogueEntry
from portal.core.db import db, let_go, transaction
from portal.core.errors import Refused
from portal.core.periods import nth
from portal.members import form
from portal.simulation import habits, joining
from portal.simulation.cast import STAFF, Firm, named
from portal.simulation.scenario import Scenario, Trial
from portal.simulation.world import World


def try_catalogue(scenario: Scenario) -> None:
    """Load what the scenario tries over the present catalogue; `Refused` if it cannot be."""
    with transaction():
        if scenario.catalogue is not None:
            folder = scenario.folder / scenario.catalogue
            if not folder.is_dir():
                raise Refused(f"catalogue: there is no folder {scenario.catalogue} beside the scenario")
            catalogue.load_folder(folder)
        for n, one in enumerate(scenario.policies):
            _put("policy", f"policies.{n}", one, "value", scenario.start)
        for n, one in enumerate(scenario.prices):
            _put("price", f"prices.{n}", one, "amount", scenario.start)


def _put(kind: str, where: str, trial: Trial, key: str, start: date) -> None:
    """Take one row of the catalogue again with another value, of the kind that stands there now."""
    last = db.session.scalars(
        select(CatalogueEntry.body)
        .where(CatalogueEntry.kind == kind, CatalogueEntry.code == trial.code)
        .order_by(CatalogueEntry.valid_from.desc(), CatalogueEntry.version.desc())
    ).first()
    if last is None or key not in last:
        raise Refused(f"{where}.code: the catalogue has no {kind} {trial.code}")
    wanted = _kind(last[key])
    if _kind(trial.value) != wanted or (wanted == "a whole number" and trial.value < 0):
        raise Refused(f"{where}.value: {trial.code} is {wanted}, like {last[key]!r}")
    catalogue.take(kind, {**last, key: trial.value}, trial.valid_from or start)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a whole number"
    named: dict[type, str] = {str: "a word", list: "a list", dict: "a table"}
    return named.get(type(value), "a value")


def found(scenario: Scenario) -> World:
    """Return the world on its first morning: staff hired, every organisation with the day on which it applies."""
    tiers = _check(scenario)
    let_go()
    paper = files.put(pdf.BLANK, files.PDF)
    staff: dict[str, int] = {}
    with transaction():
        for part, (name, role) in STAFF.items():
            person = joining.person(f"{part}@house.example", name, "en")
            db.session.add(Grant(person=person, role=role, by_name="simulation", start=clock.today()))
            staff[part] = person.id
    world = World(scenario, paper, staff, tiers)
    for n in range(1, scenario.organisations + 1):
        _invent(world, n)
    habits.look_at_the_wall(world, scenario.start)
    return world


def _check(scenario: Scenario) -> list[str]:
    """Return the tiers that organisations apply for, the highest first; `Refused` for unknown names and early days."""
    known = {
        "tiers": [code for code in catalogue.entries("tier") if form.fits(code)],
        "categories": [
            code
            for code, body in catalogue.entries("category").items()
            if body.get("holder", form.ORGANISATION) == form.ORGANISATION
        ],
    }
    for where, codes in known.items():
        if not codes:
            raise Refused(f"start: the catalogue is not in force on {scenario.start}")
        for code in getattr(scenario, where):
            if code not in codes:
                raise Refused(f"{where}.{code}: not one of {', '.join(codes)}")
    return known["tiers"]


def _invent(world: World, n: int) -> None:
    en, zh = named(n)
    scenario = world.scenario
    chance = Random(f"{scenario.seed}:{n}:firm")
    firm = Firm(n, scenario.seed, en, zh, _drawn(chance, scenario.categories), _drawn(chance, scenario.tiers))
    world.firms[n] = firm
    world.plan(_arrival(scenario, chance), lambda: joining.arrive(world, firm))


def _drawn(chance: Random, weights: dict[str, float]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _arrival(scenario: Scenario, chance: Random) -> date:
    """Return the day on which an organisation applies: a year by the weights, any day of it."""
    year = chance.choices(range(len(scenario.by_year)), scenario.by_year)[0]
    first, then = nth(scenario.start, 12, year), nth(scenario.start, 12, year + 1)
    return first + timedelta(days=chance.randrange((then - first).days))
