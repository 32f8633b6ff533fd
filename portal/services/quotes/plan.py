"""What a line of a quote promises beside its sum: stages of the work and the parts in which it is paid. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.billing.splitting import Share
from portal.billing.subscription_models import DueRule
from portal.core.errors import Refused

CODE = re.compile(r"[a-z0-9-]{1,40}")
MOST = 20


@dataclass(frozen=True, slots=True)
class Criterion:
    """What must hold for a stage to be accepted."""

    code: str
    words: dict[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """A milestone: its share of the line in per cent, its criteria, the planned day and the planned person-days."""

    code: str
    title: dict[str, str]
    percent: int
    criteria: tuple[Criterion, ...] = ()
    on: date | None = None
    days: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """A part of the sum in per cent, and when it is invoiced: at once, on a day, or when a stage is accepted."""

    percent: int
    rule: DueRule = DueRule.ISSUE
    on: date | None = None
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Stages and parts of one line; both empty for what is delivered and paid at once."""

    stages: tuple[Stage, ...] = ()
    dues: tuple[Due, ...] = ()
    warranty_days: int = 0

    @property
    def shares(self) -> list[Share]:
        """Return the parts as billing divides a line; one at once where none is agreed."""
        dues = self.dues or (Due(100),)
        return [Share(one.percent, one.rule, one.on, one.stage) for one in dues]


NONE = Plan()


def check(plan: Plan) -> Plan:
    """Return a plan whose percentages make 100 each and whose parts wait for stages that exist; else `Refused`."""
    stages, dues = plan.stages, plan.dues
    codes = [one.code for one in stages]
    if len(stages) > MOST or len(dues) > MOST:
        raise Refused(_l("These are too many parts."), status=422)
    if any(CODE.fullmatch(code) is None for code in codes) or len(set(codes)) != len(codes):
        raise Refused(_l("Each milestone has a short name of its own."), status=422)
    if stages and (any(one.percent < 1 for one in stages) or sum(one.percent for one in stages) != 100):
        raise Refused(_l("The milestones must make 100 %, each at least 1 %."), field="stages", status=422)
    if dues and (any(one.percent < 1 for one in dues) or sum(one.percent for one in dues) != 100):
        raise Refused(
            _l("The parts of payment must make 100 %, each at least 1 %."), field="dues", status=422
        )
    for one in dues:
        if one.rule is DueRule.MILESTONE and one.stage not in codes:
            raise Refused(_l("A part waits for a milestone that is not there."), field="dues", status=422)
        if one.rule is DueRule.DATE and one.on is None:
            raise Refused(_l("Please say on which day the part falls due."), field="dues", status=422)
    if any(not one.title.get("zh") and not one.title.get("en") for one in stages):
        raise Refused(_l("Each milestone needs a title."), field="stages", status=422)
    if any(one.days < 0 for one in stages) or plan.warranty_days < 0:
        raise Refused(_l("Days are not negative."), status=422)
    return plan


def _day(text: Any) -> date | None:
    return date.fromisoformat(text) if text else None


def read(body: dict[str, Any]) -> Plan:
    """Return a plan from JSON, or from a template of the catalogue."""
    stages = tuple(
        Stage(
            one["code"], dict(one["title"]), int(one["percent"]),
            tuple(Criterion(each["code"], dict(each["words"])) for each in one.get("criteria", ())),
            _day(one.get("on")), int(one.get("days", 0)),
        )
        for one in body.get("stages", ())
    )  # fmt: skip
    dues = tuple(
        Due(
            int(one["percent"]),
            DueRule(one.get("rule", "issue")),
            _day(one.get("on")),
            str(one.get("stage", "")),
        )
        for one in body.get("dues", ())
    )
    return Plan(stages, dues, int(body.get("warranty_days", 0)))


def written(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON."""
    return {
        "stages": [
            {
                "code": one.code, "title": one.title, "percent": one.percent, "on": one.on and str(one.on), "days": one.days,
                "criteria": [{"code": each.code, "words": each.words} for each in one.criteria],
            }
            for one in plan.stages
        ],
        "dues": [
            {"percent": one.percent, "rule": one.rule.value, "on": one.on and str(one.on), "stage": one.stage}
            for one in plan.dues
        ],
        "warranty_days": plan.warranty_days,
    }  # fmt: skip


def cumulative(percents: Sequence[int], accepted: Sequence[bool]) -> int:
    """Return how many per cent of a line are accepted in all."""
    return sum(percent for percent, done in zip(percents, accepted, strict=True) if done)
