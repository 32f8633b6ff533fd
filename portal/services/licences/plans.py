"""Plans: what is sold, as dated rows of the catalogue. A licence keeps the plan as it was sold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.core import catalogue
from portal.core.errors import Missing, Refused
from portal.services.licences.kinds import Policy

KIND, TOOL = "licence_plan", "licence_tool"
SHORTEST, LONGEST = 300, 2_592_000
FLOATING = (300, 86_400)
LONGEST_FILE = 400


@dataclass(frozen=True, slots=True)
class Overage:
    """How far over its limit a licence may go: so many percent, for so many days, once a contract year."""

    percent: int
    days: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan: its tools, policy, price, and how generous it is."""

    code: str
    name: dict[str, str]
    price: str
    policy: Policy
    tools: tuple[dict[str, Any], ...]
    lease_seconds: int
    grace_days: int
    offline_days: int
    overage: Overage | None

    @property
    def words(self) -> str:
        """Return what it is called, in the reader's language."""
        return catalogue.in_words(self.name)


def read(body: dict[str, Any]) -> Plan:
    """Return a plan from its row, or from what a licence keeps of it."""
    over = body.get("overage")
    return Plan(
        body["code"], body["name"], body["price"], Policy(body["policy"]), tuple(body["tools"]), body["lease_seconds"],
        body["grace_days"], body["offline_days"], None if over is None else Overage(over["percent"], over["days"]),
    )  # fmt: skip


def sold(code: str) -> dict[str, Any]:
    """Return the plan as a licence keeps it."""
    found = catalogue.entries(KIND).get(code)
    if found is None:
        raise Missing(_l("There is no such plan."))
    return {key: value for key, value in found.items() if key != "order"}


def every() -> list[Plan]:
    """Return the plans of today, in the order of the files."""
    return [read(body) for body in catalogue.entries(KIND).values()]


def tool_name(code: str) -> str:
    """Return what a tool is called; its code if the catalogue has none."""
    known = catalogue.entries(TOOL).get(code)
    return catalogue.in_words(known["name"]) if known else code


def check(body: dict[str, Any]) -> None:
    """Look at a plan before it enters the catalogue."""
    try:
        plan = read(body)
    except (KeyError, ValueError, TypeError) as error:
        raise Refused(f"plan {body.get('code')}: {error} is missing or unknown") from error
    low, high = (SHORTEST, LONGEST) if plan.policy is Policy.NODE_LOCKED else FLOATING
    if not low <= plan.lease_seconds <= high:
        raise Refused(_("plan %(code)s: a lease lasts 5 minutes to a day", code=plan.code))
    if not plan.tools or any(not one.get("tool") for one in plan.tools):
        raise Refused(_("plan %(code)s: it entitles to no tool", code=plan.code))
    if plan.grace_days < 0 or not 0 < plan.offline_days <= LONGEST_FILE:
        raise Refused(_("plan %(code)s: days out of their range", code=plan.code))


def rule(name: str) -> int:
    """Return a number of the catalogue's policies of licences."""
    return int(catalogue.policy(f"licence.{name}"))


def prefix() -> str:
    """Return the brand that stands before a key."""
    return str(catalogue.policy("licence.key_prefix"))
