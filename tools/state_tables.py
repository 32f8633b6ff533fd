"""Writes docs/states.md: every life of the code as a diagram, and who may take which verb in which state, from the code's tables.

usage: python tools/state_tables.py – a test compares the file with what this writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from portal import wiring
from portal.accounts.may import CONTACT, STAFF, May
from portal.billing.models import INVOICE_LIFE, InvoiceState
from portal.core.states import TABLES
from portal.members.belonging import AGREEMENT_LIFE, AgreementState
from portal.members.models import APPLICATION_LIFE, ApplicationState
from portal.members.standing import Right, Standing
from portal.members.verbs import AGREEMENT, APPLICATION, MEMBERSHIP, Fact, Verb

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "states.md"
HEAD = """# States, roles and verbs

Written by `tools/state_tables.py` from the tables in the code (`members/verbs.py`, the lives in the models,
`accounts/may.py`, `catalogue/members.yml`); a test compares. Four lives stay apart: asking (application),
promising (agreement), paying (invoice) and belonging (membership). Everything else that has a state follows below.
"""
# Lives that have a chapter of their own, with their verbs.
TOLD = (ApplicationState, AgreementState, InvoiceState)


def diagram(life: Mapping[Any, Iterable[StrEnum]], verbs: tuple[Verb, ...] = ()) -> str:
    """Return a life as a mermaid state diagram; steps carry the names of their verbs where there are any."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {next(iter(life)).value}"]
    for state, onward in life.items():
        for to in sorted(onward):
            names = [verb.name for verb in verbs if state in verb.starts and verb.to is to]
            lines.append(f"    {state.value} --> {to.value}" + (f" : {' · '.join(names)}" if names else ""))
        if not onward:
            lines.append(f"    {state.value} --> [*]")
    return "\n".join([*lines, "```"])


def roles(may: tuple[May, ...]) -> str:
    """Return which roles hold one of these: of the house, then of the member."""
    house = [role.value for role, held in STAFF.items() if held & set(may)]
    member = [f"member's {role.value}" for role, held in CONTACT.items() if held & set(may)]
    return ", ".join([*house, *member])


def table(verbs: tuple[Verb, ...]) -> str:
    """Return the verbs as a table: from, verb, to, permission, who."""
    lines = ["| from | verb | to | permission | who |", "|---|---|---|---|---|"]
    for verb in verbs:
        starts = ", ".join(state.value for state in verb.starts) or "–"
        to = verb.to.value if verb.to is not None else "(stays)"
        may = ", ".join(one.value for one in verb.may) or "–"
        who = " · ".join(part for part in (roles(verb.may), verb.by) if part)
        lines.append(f"| {starts} | `{verb.name}` | {to} | {may} | {who} |")
    return "\n".join(lines)


def facts(verbs: tuple[Fact, ...]) -> str:
    """Return the verbs of a membership as a table: verb, what it writes, who does or proposes it, who confirms."""
    lines = ["| verb | writes | who | confirmed by | paper |", "|---|---|---|---|---|"]
    for verb in verbs:
        who = " · ".join(part for part in (roles(verb.may), verb.by) if part)
        lines.append(
            f"| `{verb.name}` | {verb.fact} | {who} | {roles(verb.second) or '–'} | {'attached' if verb.paper else '–'} |"
        )
    return "\n".join(lines)


def rights(catalogue: Mapping[str, list[dict[str, str]]]) -> str:
    """Return what each standing carries; standing is derived from facts and a day, never stored."""
    signs = {"yes": "●", "keeps": "○", "no": "–"}
    lines = [
        "| standing | " + " | ".join(right.value for right in Right) + " |", "|---" * (len(Right) + 1) + "|"
    ]  # fmt: skip
    rows = {row["code"]: row for row in catalogue["rights"]}
    for standing in Standing:
        cells = [signs[rows[standing.value][right.value]] for right in Right]
        lines.append(f"| {standing.value} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def eyes(catalogue: Mapping[str, list[dict[str, object]]]) -> str:
    """Return which parts of a case one human may not play together."""
    lines = ["| part | must not be the same human as |", "|---|---|"]
    for row in catalogue["four_eyes"]:
        if row["apart"]:
            lines.append(f"| {row['code']} | {', '.join(map(str, row['apart']))} |")  # type: ignore[call-overload]
    return "\n".join(lines)


def lives() -> list[type[StrEnum]]:
    """Return every kind of state with a life that has no chapter of its own, by name.

    `life()` registers each, and the wiring has imported every domain by now: a new one cannot be forgotten.
    """
    if not wiring.BLUEPRINTS:
        raise RuntimeError("no domain is wired")
    ours = [kind for kind in TABLES if kind.__module__.startswith("portal.") and kind not in TOLD]
    return sorted(ours, key=lambda kind: (kind.__module__.split(".")[1], kind.__name__))


def chapter(kind: type[StrEnum]) -> str:
    """Return the chapter of a life: whose it is, what the code says of it, its diagram."""
    said = (kind.__doc__ or "").strip().splitlines()[0]
    name = re.split(r"[,;:.(]", said.removeprefix("The life of "))[0].strip()
    where = ".".join(kind.__module__.split(".")[1:])
    return (
        f"### {name[:1].upper()}{name[1:]}\n\n{said} (`{where}.{kind.__name__}`)\n\n{diagram(TABLES[kind])}"
    )


def page() -> str:
    """Return the whole page."""
    catalogue = yaml.safe_load((ROOT / "catalogue" / "members.yml").read_text("utf-8"))
    return "\n\n".join(
        [
            HEAD.rstrip(),
            "## Application",
            diagram(APPLICATION_LIFE, APPLICATION),
            table(APPLICATION),
            "An applicant begins without any permission but his own confirmed account. Which of these parts one human\nmay not play together:",
            eyes(catalogue),
            "## Agreement",
            diagram(AGREEMENT_LIFE, AGREEMENT),
            table(AGREEMENT),
            "## Invoice",
            diagram(INVOICE_LIFE),
            "## Membership",
            "A membership has no stored state: it is a list of facts that only grows, and its standing is a function of them\nand a day. The first line of this table that fits is the standing; ● yes, ○ keeps what it has, – no.",
            rights(catalogue),
            "Its verbs write facts. Where somebody confirms, it is another human than the one who proposed, and what\nhappens is exactly what the dry run showed.",
            facts(MEMBERSHIP),
            "## All other lives",
            *(chapter(kind) for kind in lives()),
        ]
    ) + "\n"  # fmt: skip


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
