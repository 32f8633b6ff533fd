"""The rules that an attempt is scored by, frozen with it: weights, minima, cut, graders, and what a third mark does."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from portal.certs import cuts, rubrics, schemes
from portal.certs.models.delivery import Attempt, AttemptPart
from portal.certs.rubric import Rule
from portal.certs.schemes import Part, Scheme
from portal.certs.scoring import Policy
from portal.certs.standard import exam_cut
from portal.core import catalogue, clock


def began_on(attempt: Attempt) -> date:
    """Return the day on which an attempt was started: what stood then counts."""
    return clock.day_of(attempt.started_at or attempt.created_at)


def scheme_of(attempt: Attempt) -> Scheme:
    """Return the scheme that an attempt was let in by, as it was sold."""
    return schemes.pinned(attempt.level, attempt.scheme, sold=attempt.booking.eligibility.bought_on)


def parts_of(attempt: Attempt) -> tuple[Part, ...]:
    """Return the parts of the scheme that an attempt was let in by."""
    return scheme_of(attempt).parts


def part_name(part: AttemptPart) -> str:
    """Return what a part of an attempt is called in the reader's language."""
    names = {one.code: one.names for one in parts_of(part.attempt)}
    return catalogue.in_words(names[part.code]) if part.code in names else part.code


def freeze(attempt: Attempt) -> dict[str, Any]:
    """Return the rules of an attempt as they are kept from its start: every share as an exact fraction in text."""
    on, parts = began_on(attempt), parts_of(attempt)
    forms = {one.code: one.form for one in attempt.parts if one.written}
    found = {one.code: cuts.cut_of(attempt.level, one.code, forms.get(one.code), on) for one in parts}
    weights = {one.code: Fraction(one.weight, 100) for one in parts}
    return {
        "weights": {code: str(weight) for code, weight in weights.items()},
        "minima": {one.code: str(Fraction(one.minimum, 100)) for one in parts},
        "cut": str(exam_cut(weights, {code: one.share for code, one in found.items()})),
        "provisional": any(one.provisional for one in found.values()),
        "graders": int(catalogue.policy("marking.graders", on=on)),
        "rule": str(catalogue.policy("marking.rule", on=on)),
        "rubrics": rubrics.of_level(attempt.level, on=on),
    }


def kept(attempt: Attempt) -> dict[str, Any]:
    """Return the rules of an attempt as its case keeps them; of one that was brought in from elsewhere, as of its start."""
    return {key: said for key, said in (attempt.frozen or freeze(attempt)).items() if key != "rubrics"}


def rubric_of(attempt: Attempt, key: str) -> dict[str, Any]:
    """Return the rubric of a task of an attempt, as it stood at the start."""
    return rubrics.chosen(attempt.level, key, (attempt.frozen or freeze(attempt))["rubrics"])


def policy(rules: dict[str, Any]) -> Policy:
    """Return frozen rules as the scoring takes them."""
    return Policy(
        weights={code: Fraction(one) for code, one in rules["weights"].items()}, cut=Fraction(rules["cut"]),
        minima={code: Fraction(one) for code, one in rules["minima"].items()}, graders=int(rules["graders"]),
        rule=Rule(rules["rule"]),
    )  # fmt: skip
