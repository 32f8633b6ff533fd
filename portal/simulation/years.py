"""What members do in a membership year: change their tier, resign and think again, get suspended; and come back later."""

from __future__ import annotations

from datetime import date, timedelta

from portal.core import clock
from portal.core.db import db, reading
from portal.members import deeds, drafting, holding, leaving, tier_apply, tier_changes, tier_quotes
from portal.members.belonging import Membership, Term
from portal.members.deed_models import DeedVerb
from portal.members.deed_steps import Given
from portal.members.models import Application, ApplicationState
from portal.members.standing import Standing
from portal.simulation import joining
from portal.simulation.cast import Firm
from portal.simulation.world import Act, World

OUT = (Standing.LAPSED, Standing.RESIGNED)


def plan(world: World, firm: Firm, term: Term) -> None:
    """Decide, when a membership year opens, what else happens in it."""
    chance, now = firm.next("year"), world.scenario
    roll, day, other = chance.random(), chance.randint(40, 250), chance.random()
    start = max(term.start, clock.today())
    changes, leaves = now.changes, now.leaving
    if roll < leaves.resign:
        _later(world, start, day, lambda: _resign(world, firm))
    elif roll < leaves.resign + changes.up:
        _later(world, start, day, lambda: _ask(world, firm, -1))
    elif roll < leaves.resign + changes.up + changes.down:
        _later(world, start, day, lambda: _ask(world, firm, 1))
    if other < now.suspensions.share:
        _later(world, start, chance.randint(20, 200), lambda: _suspend(world, firm))


def _later(world: World, start: date, days: int, act: Act) -> None:
    world.soon(start + timedelta(days=days), act)


def _member(firm: Firm) -> Membership:
    return db.session.get_one(Membership, firm.membership_id)


def _resign(world: World, firm: Firm) -> None:
    chance = firm.next("resigning")

    def act() -> bool:
        leaving.resign(_member(firm), by=world.owner(firm), reason="Other plans.")
        return True

    if world.attempt(firm, "resign", act) and chance.random() < world.scenario.leaving.taken_back:
        world.after(chance.randint(3, 25), lambda: _stay(world, firm))


def _stay(world: World, firm: Firm) -> None:
    world.attempt(
        firm,
        "take the resignation back",
        lambda: leaving.undo_resignation(_member(firm), by=world.owner(firm)),
    )


def _ask(world: World, firm: Firm, step: int) -> None:
    """Ask for the tier next above (-1) or below (1); who has none stays where it is."""
    chance = firm.next("changing")

    def act() -> int | None:
        row = _member(firm)
        at = world.tiers.index(row.tier) + step
        if not 0 <= at < len(world.tiers):
            return None
        owner = world.owner(firm)
        case = tier_apply.ask(row.org, world.tiers[at], by=owner, language=owner.language)
        told = {key: value for key, value in joining.told(world.tiers[at]).items() if key != "tier"}
        drafting.save(case, told, by=owner)
        drafting.submit(case, by=owner)
        return case.id

    case = world.attempt(firm, "ask for a tier", act)
    if case is None:
        return
    days = chance.randint(*world.scenario.review.days)
    world.after(days, lambda: joining.decide(world, firm, case))
    if chance.random() < world.scenario.changes.confirmed:
        # Decided or not by then: what was not cannot be confirmed, and is told as refused.
        world.after(max(days, 1) + chance.randint(1, 10), lambda: _confirm(world, firm, case))


def _confirm(world: World, firm: Firm, case: int) -> None:
    """Confirm the figures shown; if they moved since, those of today."""

    def act() -> None:
        row, owner = db.session.get_one(Application, case), world.owner(firm)
        quote = tier_quotes.last_quote(row)
        if row.state is not ApplicationState.APPROVED or quote is None:
            return
        try:
            tier_changes.change_tier(quote, by=owner)
        except tier_quotes.Outdated:
            tier_changes.change_tier(tier_apply.again(row, by=owner), by=owner)

    world.attempt(firm, "confirm a change of tier", act)


def _suspend(world: World, firm: Firm) -> None:
    """Suspend a member until further notice, by two of staff; the cause is gone after some time."""
    chance = firm.next("suspending")

    def act() -> bool:
        row = _member(firm)
        if row.standing not in {Standing.ACTIVE, Standing.ACTIVE_UNPAID, Standing.AT_RISK}:
            return False
        _by_two(
            world, row, DeedVerb.SUSPEND, {"code": "registration", "start": str(clock.today()), "end": None}
        )
        return True

    if world.attempt(firm, "suspend", act):
        world.after(chance.randint(*world.scenario.suspensions.days), lambda: _lift(world, firm))


def _lift(world: World, firm: Firm) -> None:
    def act() -> None:
        row = _member(firm)
        for hold in holding.running(row):
            detail = {"hold": hold.id, "code": "resolved", "from_day": str(clock.today())}
            _by_two(world, row, DeedVerb.LIFT, detail)

    world.attempt(firm, "lift", act)


def _by_two(world: World, row: Membership, verb: DeedVerb, detail: dict[str, object]) -> None:
    given = Given(row.org, detail, "The registration is being renewed.")
    deed = deeds.propose(given, verb, by=world.who("reviewer"), version=deeds.version_of(row.org))
    deeds.confirm(deed, by=world.who("director"))


def think_again(world: World, firm: Firm) -> None:
    """Let some of those whose membership ended apply anew after a while."""
    chance = firm.next("returning")
    if chance.random() < world.scenario.returns.share:
        days = chance.randint(*world.scenario.returns.days)
        world.after(days, lambda: _come_back(world, firm))


def _come_back(world: World, firm: Firm) -> None:
    with reading():
        out = _member(firm).standing in OUT
    if out:
        joining.apply(world, firm)
