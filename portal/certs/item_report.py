"""The analysis of a sitting's items, worked out from its responses, and under the fixed keys that programs read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from portal.certs import sittings
from portal.certs.distractors import OptionFigures, curve, distractors, rests
from portal.certs.marking import read_number
from portal.certs.models.marking import Sitting
from portal.certs.psychometrics import Analysis, ItemFigures, Limits, analyse, difficulty, language_gap, plain
from portal.certs.sittings import Answers
from portal.core import catalogue

RIGHT, WRONG = "right", "wrong"
WHOLE = ("alpha_items", "sample")
POLICIES = ("hard", "easy", "discrimination", "alpha", *WHOLE, "agreement", "languages")


@dataclass(frozen=True, slots=True)
class ItemReport:
    """A sitting with what was answered and what that says."""

    sitting: Sitting
    answers: Answers
    analysis: Analysis


def limits() -> Limits:
    """Return where a figure is worth a flag, as the catalogue says today."""
    policies, found = catalogue.entries("policy"), Limits()
    for name in POLICIES:
        if row := policies.get(f"analysis.{name}"):
            value = Fraction(str(row["value"]))
            said: dict[str, Any] = {name: int(value) if name in WHOLE else value}
            found = replace(found, **said)
    return found


def share_said(text: str) -> Fraction | None:
    """Return a share of all points from what is typed or written as a percentage, like 65 or 62.5 %; None if it is none."""
    number = read_number(text.replace("%", "").replace("％", ""))
    return Fraction(number) / 100 if number is not None and 0 <= number <= 100 else None


def provisional_cut() -> Fraction | None:
    """Return the cut that holds until a panel sat, where the catalogue names one."""
    row = catalogue.entries("policy").get("cut.provisional")
    return share_said(str(row["value"])) if row is not None else None


def look(sitting: Sitting) -> ItemReport:
    """Work out the analysis of a sitting."""
    found, bounds = sittings.answers(sitting), limits()
    made = analyse(found.items, found.marks, maxima=found.maxima, limits=bounds)
    items = tuple(_with_language(one, i, found, bounds) for i, one in enumerate(made.items))
    return ItemReport(sitting, found, replace(made, items=items))


def _with_language(one: ItemFigures, i: int, found: Answers, bounds: Limits) -> ItemFigures:
    if not any(found.languages):
        return one
    zh, en = (
        difficulty([row[i] for row in sittings.split(found, code)], found.maxima[i]) for code in ("zh", "en")
    )
    return replace(one, flags=(*one.flags, "language_gap")) if language_gap(zh, en, bounds) else one


def body(found: ItemReport) -> dict[str, Any]:
    """Return the report under its fixed keys: plain numbers rounded to 8 places, null where undefined."""
    made = found.analysis
    return {
        "exam": found.sitting.exam,
        "sitting": found.sitting.name,
        "n": made.n,
        "k": made.k,
        "items": [_of_item(one) for one in made.items],
        "kr20": plain(made.kr20),
        "alpha": plain(made.alpha),
        "mean": plain(made.mean),
        "sd": plain(made.sd),
        "sem": plain(made.sem),
        "flags": list(made.flags),
    }


def _of_item(one: ItemFigures) -> dict[str, Any]:
    return {
        "item": one.item,
        "difficulty": plain(one.difficulty),
        "corrected_item_total": plain(one.corrected_item_total),
        "alpha_if_deleted": plain(one.alpha_if_deleted),
        "omitted": one.omitted,
        "flags": list(one.flags),
    }


# ---- One item


@dataclass(frozen=True, slots=True)
class OptionReport:
    """An option with its figures and its curve: (mean rest score, share that chose it) from the weakest group on."""

    figures: OptionFigures
    points: tuple[tuple[Fraction, Fraction], ...]


def options_of(found: ItemReport, i: int) -> list[OptionReport]:
    """Return how the options of an item fared; where only marks are known the options are right and wrong."""
    chosen = _chosen(found.answers, i)
    rest = rests(found.answers.marks, i)
    codes = sorted({code for one in chosen for code in one}, key=lambda code: (code == WRONG, code))
    return [
        OptionReport(
            one,
            tuple(curve([one.option in c if one.option is not None else not c for c in chosen], rest)),
        )
        for one in distractors(codes, chosen, rest)
    ]


def _chosen(found: Answers, i: int) -> list[list[str]]:
    """Return what each candidate chose of an item, nothing for an omitted answer."""
    made: list[list[str]] = []
    for marks, chosen in zip(found.marks, found.chosen, strict=True):
        mark = marks[i]
        if mark is None:
            made.append([])
        elif chosen is not None:
            made.append(list(chosen[i]))
        else:
            made.append([RIGHT if mark == found.maxima[i] else WRONG])
    return made


@dataclass(frozen=True, slots=True)
class Past:
    """An item in one of its sittings, with its number there."""

    sitting: Sitting
    number: int
    candidates: int
    figures: ItemFigures


def history(exam: str, item: str, known: Mapping[int, ItemReport], *, most: int = 20) -> list[Past]:
    """Return how an item fared in the latest sittings of its exam, the latest first; `known` are those worked out already."""
    made = []
    for sitting in sittings.all_of(exam)[:most]:
        if all(one["code"] != item for one in sitting.items):
            continue
        report = known.get(sitting.id) or look(sitting)
        number = report.answers.items.index(item) + 1
        made.append(Past(sitting, number, report.analysis.n, report.analysis.items[number - 1]))
    return made
