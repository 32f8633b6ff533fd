"""What a scenario file may say: checked field by field, refused with the field and the reason."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from portal.core.errors import Refused

LONGEST_YEARS, MOST_ORGANISATIONS, LONGEST_DAYS = 30, 5_000, 2_000


def _rising(days: list[int]) -> list[int]:
    if days[0] > days[1]:
        raise ValueError("the first number of days must not be greater than the second")
    return days


def _some(weights: Any) -> Any:
    if not any(weights.values() if isinstance(weights, dict) else weights):
        raise ValueError("at least one weight must be greater than 0")
    return weights


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Weights = Annotated[dict[str, Weight], Field(min_length=1), AfterValidator(_some)]
Days = Annotated[
    list[Annotated[int, Field(ge=0, le=LONGEST_DAYS)]],
    Field(min_length=2, max_length=2),
    AfterValidator(_rising),
]


class Part(BaseModel):
    """A part of the file: nothing unknown, no text where a number is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Review(Part):
    """How long a case takes, in days from its submission, and how many are rejected."""

    days: Days = [3, 20]
    rejected: Share = 0.0


class Signing(Part):
    """How many days after the approval an agreement is signed by both sides, and how many never are."""

    days: Days = [2, 15]
    never: Share = 0.0


class Payments(Part):
    """When invoices are paid, in days after their issue, and what goes wrong.

    A renewal's days count from the ladder's day of the invoice. `late` money comes `late_days` after the lapse; what is
    paid `in_parts` is completed `part_days` later; `twice` is paid once more a few days after; `on_credit` is the
    share of members whom finance trusts to pay after the start.
    """

    days: Days = [3, 50]
    never: Share = 0.0
    late: Share = 0.0
    late_days: Days = [1, 120]
    in_parts: Share = 0.0
    part_days: Days = [3, 15]
    twice: Share = 0.0
    on_credit: Share = 0.0


class Changes(Part):
    """Which share of members asks for the next higher or lower tier in a membership year, and confirms what is shown."""

    up: Share = 0.0
    down: Share = 0.0
    confirmed: Share = 1.0


class Leaving(Part):
    """Which share resigns in a membership year, and how many take it back."""

    resign: Share = 0.0
    taken_back: Share = 0.0


class Suspensions(Part):
    """Which share is suspended in a membership year, and for how many days."""

    share: Share = 0.0
    days: Days = [20, 90]


class Returns(Part):
    """Which share of those whose membership ended applies anew, and after how many days."""

    share: Share = 0.0
    days: Days = [60, 400]


class Outage(Part):
    """Days `[start, until)` on which no chore runs."""

    start: date
    until: date


class Chores(Part):
    """How often each chore runs at its time, on every how many days, and when none does."""

    every: Annotated[int, Field(ge=1, le=31)] = 1
    times: Annotated[int, Field(ge=0, le=10)] = 1
    outages: list[Outage] = []


class Trial(Part):
    """A policy with another value, or a price with another amount (fen), from a day on; by default from the start."""

    code: str
    value: Any
    valid_from: date | None = None


class Scenario(Part):
    """A scenario: who comes, what they do, and what is tried instead of the present catalogue."""

    seed: Annotated[int, Field(ge=0)]
    start: date
    years: Annotated[int, Field(ge=1, le=LONGEST_YEARS)]
    organisations: Annotated[int, Field(ge=1, le=MOST_ORGANISATIONS)]
    tiers: Weights
    categories: Weights
    arrivals: Annotated[list[Weight], Field(min_length=1), AfterValidator(_some)] | None = None
    review: Review = Review()
    signing: Signing = Signing()
    payments: Payments = Payments()
    changes: Changes = Changes()
    leaving: Leaving = Leaving()
    suspensions: Suspensions = Suspensions()
    returns: Returns = Returns()
    chores: Chores = Chores()
    catalogue: str | None = None
    policies: list[Trial] = []
    prices: list[Trial] = []
    folder: Path = Field(default=Path(), exclude=True)

    @property
    def by_year(self) -> list[float]:
        """Return the weight of each year in which organisations come: those given, else all years alike."""
        return self.arrivals or [1.0] * self.years


def read(file: Path) -> Scenario:
    """Return the scenario of a YAML file; `Refused` names each field that is wrong, and why."""
    try:
        body = yaml.safe_load(file.read_text("utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{file.name}: this is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(body, dict):
        raise Refused(f"{file.name}: a scenario is a table of fields with their values")
    if "folder" in body:
        raise Refused(f"{file.name}: folder: there is no such field")
    try:
        found = Scenario.model_validate({**body, "folder": file.resolve().parent})
    except ValidationError as error:
        lines = [f"{file.name}: {_place(one['loc'])}: {_reason(one)}" for one in error.errors()]
        raise Refused("\n".join(lines)) from None
    _refuse_nonsense(file.name, found)
    return found


def _place(path: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in path) or "the file"


def _reason(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such field"
    return str(error["msg"]).removeprefix("Value error, ")


def _refuse_nonsense(name: str, found: Scenario) -> None:
    """Refuse what each field allows by itself, and together makes no sense."""
    wrong = []
    if len(found.by_year) > found.years:
        wrong.append(f"arrivals: {len(found.by_year)} weights for {found.years} years")
    if found.payments.never + found.payments.late > 1:
        wrong.append("payments.late: together with never it is more than 1")
    if found.changes.up + found.changes.down + found.leaving.resign > 1:
        wrong.append("changes: up, down and leaving.resign are more than 1 together")
    wrong += [
        f"chores.outages.{n}: it ends before it begins"
        for n, one in enumerate(found.chores.outages)
        if one.until <= one.start
    ]
    if wrong:
        raise Refused("\n".join(f"{name}: {words}" for words in wrong))
