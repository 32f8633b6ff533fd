"""What the pages of quotes show of a version: its lines with milestones and payments, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from portal.billing.subscription_models import DueRule
from portal.core.catalogue import in_words
from portal.core.words import day
from portal.services.offers import rows
from portal.services.quotes import plan as plans
from portal.services.quotes.models import ServiceQuote, ServiceQuoteLine


@dataclass(frozen=True, slots=True)
class Shown:
    """A line as pages show it."""

    line: ServiceQuoteLine
    words: str
    bundle: str
    stages: list[dict[str, Any]]
    dues: list[tuple[int, str]]
    warranty: int
    until: date | None


def lines_of(quote: ServiceQuote) -> list[Shown]:
    """Return the lines of a version."""
    return [_shown(line) for line in quote.lines]


def _shown(line: ServiceQuoteLine) -> Shown:
    plan = plans.read(line.plan)
    titles = {one.code: in_words(one.title) for one in plan.stages}
    stages = [
        {
            "title": in_words(one.title), "percent": one.percent, "on": one.on, "days": one.days,
            "criteria": [in_words(each.words) for each in one.criteria],
        }
        for one in plan.stages
    ]  # fmt: skip
    dues = [(one.percent, _when(one, titles)) for one in plan.dues]
    bundle = rows.title_of(line.bundle) if line.bundle else ""
    return Shown(line, in_words(line.words), bundle, stages, dues, plan.warranty_days, line.ends)


def _when(due: plans.Due, titles: dict[str, str]) -> str:
    if due.rule is DueRule.DATE and due.on is not None:
        return _("on %(day)s", day=day(due.on))
    if due.rule is DueRule.MILESTONE:
        return _("when “%(milestone)s” is accepted", milestone=titles.get(due.stage, due.stage))
    return _("when the quote is accepted")
