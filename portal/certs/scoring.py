"""From answers and marks to a score: sections, minima, critical criteria, two graders, adjudication; pure and exact.

`score(facts, policy)` is the whole of it. Points are `Decimal` at the door and fractions within, because a third has no
decimal: what meets the cut exactly passes. Rounding is for showing alone. Order never matters, two graders may change
places, and a higher mark never makes a lower total.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from portal.certs import rubric
from portal.certs.marking import ONE, ZERO, Answer, Item, mark
from portal.certs.rubric import Rule, Task


@dataclass(frozen=True, slots=True)
class Answered:
    """An item of the form, what was answered, and what fraction a person gave where the key could not say."""

    item: Item
    answer: Answer = None
    by_hand: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the exam with its items and tasks."""

    code: str
    answers: tuple[Answered, ...] = ()
    tasks: tuple[Task, ...] = ()


Facts = Sequence[Section]


@dataclass(frozen=True, slots=True)
class Policy:
    """What the scheme says, as it was frozen when the attempt started: weights of sections, minima, cut, graders."""

    weights: Mapping[str, Fraction]
    cut: Fraction
    minimum: Fraction = Fraction(1, 2)
    minima: Mapping[str, Fraction] = field(default_factory=dict)
    graders: int = 2
    rule: Rule = Rule.MEDIAN

    def __post_init__(self) -> None:
        if sum(self.weights.values()) != 1 or any(weight < 0 for weight in self.weights.values()):
            raise ValueError("the weights of the sections make one whole")
        if self.graders < 1:
            raise ValueError("somebody has to mark")


@dataclass(frozen=True, slots=True)
class SectionScore:
    """What a section came to; None while something of it waits."""

    code: str
    weight: Fraction
    minimum: Fraction
    fraction: Fraction | None

    @property
    def enough(self) -> bool | None:
        """Whether it reaches its minimum."""
        return None if self.fraction is None else self.fraction >= self.minimum


@dataclass(frozen=True, slots=True)
class Score:
    """The outcome. `waits` says what is missing; as long as anything is, nobody has passed and nobody failed."""

    sections: tuple[SectionScore, ...]
    total: Fraction | None
    cut: Fraction
    critical_failed: tuple[str, ...]
    waits: tuple[str, ...]

    @property
    def passed(self) -> bool | None:
        """Total ≥ cut, every section ≥ its minimum, no critical criterion failed; None while something waits."""
        if self.waits or self.total is None:
            return None
        return (
            self.total >= self.cut and all(one.enough for one in self.sections) and not self.critical_failed
        )

    def body(self) -> dict[str, Any]:
        """Return the score as it is stored and compared: fractions as text."""
        return {
            "sections": {
                one.code: {"weight": str(one.weight), "minimum": str(one.minimum), "fraction": _text(one.fraction)}
                for one in self.sections
            },
            "total": _text(self.total), "cut": str(self.cut), "critical_failed": list(self.critical_failed),
            "waits": list(self.waits), "passed": self.passed,
        }  # fmt: skip


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def shown(value: Fraction) -> str:
    """Return a share in percent with two decimals, half up: for eyes alone, never compared."""
    hundredths = (value.numerator * 20_000 + value.denominator) // (2 * value.denominator)
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def score(facts: Facts, policy: Policy) -> Score:
    """Return the score of an attempt: Σ section weight × section fraction, and what still waits.

    Raises ValueError for facts that no form can hold: unknown or missing sections, or a section without points.
    """
    if sorted(one.code for one in facts) != sorted(policy.weights):
        raise ValueError("the sections are those of the policy, each once")
    sections = tuple(_scored(one, policy) for one in sorted(facts, key=lambda one: one.code))
    waits = [wait for one in facts for wait in _waits(one, policy)]
    waits += [f"adjudication of {code}" for code in disputed(facts, policy)]
    failed = [
        f"{task.code}.{criterion.code}"
        for task in _tasks(facts) if complete(task, policy)
        for criterion in task.rubric if criterion.fails(rubric.final(task, criterion, policy.rule))
    ]  # fmt: skip
    return Score(sections, _total(sections), policy.cut, tuple(sorted(failed)), tuple(sorted(waits)))


def _tasks(facts: Facts) -> list[Task]:
    return [task for section in facts for task in section.tasks]


def _scored(section: Section, policy: Policy) -> SectionScore:
    minimum = policy.minima.get(section.code, policy.minimum)
    fraction = _fraction(section, lambda task: _done(task, policy))
    return SectionScore(section.code, policy.weights[section.code], minimum, fraction)


def _total(sections: Iterable[SectionScore]) -> Fraction | None:
    total = ZERO
    for one in sections:
        if one.fraction is None:
            return None
        total += one.weight * one.fraction
    return total


def _fraction(section: Section, done: Callable[[Task], Fraction | None]) -> Fraction | None:
    """Return a section's points of all it has, or None while some are not known."""
    parts = [(Fraction(one.item.points), earned(one)) for one in section.answers if one.item.scored]
    parts += [(Fraction(task.points), done(task)) for task in section.tasks]
    whole = sum((points for points, _got in parts), ZERO)
    if whole <= 0 or any(points < 0 for points, _got in parts):
        raise ValueError(f"section {section.code} has no points")
    if any(got is None for _points, got in parts):
        return None
    return sum((points * (got or ZERO) for points, got in parts), ZERO) / whole


def _waits(section: Section, policy: Policy) -> list[str]:
    """Return what a section waits for: a person's word on an answer, or a grader's marks."""
    answers = [
        f"answer to {one.item.code}" for one in section.answers if one.item.scored and earned(one) is None
    ]
    return answers + [f"marks of {task.code}" for task in section.tasks if not complete(task, policy)]


def earned(one: Answered) -> Fraction | None:
    """Return the fraction of an item's points: what the key says, else what a person gave, else None."""
    found = mark(one.item, one.answer).fraction
    if found is not None or one.by_hand is None:
        return found
    return min(max(Fraction(one.by_hand), ZERO), ONE)


# ---- Graders


def complete(task: Task, policy: Policy) -> bool:
    """Whether the blind marks are all in."""
    return len(task.marks) >= policy.graders


def _done(task: Task, policy: Policy) -> Fraction | None:
    return rubric.fraction_of(task, policy.rule) if complete(task, policy) else None


def disputed(facts: Facts, policy: Policy) -> list[str]:
    """Return the tasks that need a third blind mark and have none.

    Because a criterion differs by more than its tolerance, a critical one differs at all, or the total would lie on
    different sides of the cut by one grader's marks or another's, all else as it stands.
    """
    asked = [task for task in _tasks(facts) if complete(task, policy) and task.adjudication is None]
    return sorted(task.code for task in asked if rubric.differs(task) or _parted(task, facts, policy))


def _parted(task: Task, facts: Facts, policy: Policy) -> bool:
    totals = []
    for one in task.marks:
        alone = rubric.fraction_by(task, one)
        total = _total_with(task, alone, facts, policy)
        if total is None:  # something else waits: asked again when it is in
            return False
        totals.append(total)
    return len({total >= policy.cut for total in totals}) > 1


def _total_with(task: Task, fraction: Fraction, facts: Facts, policy: Policy) -> Fraction | None:
    """Return the total if one task came to a fraction."""
    total = ZERO
    for section in facts:
        found = _fraction(section, lambda one: fraction if one is task else _done(one, policy))
        if found is None:
            return None
        total += policy.weights[section.code] * found
    return total


# ---- Scored again


def no_worse(before: Score, after: Score) -> Score:
    """Return which score counts when an attempt is marked anew after an appeal: never the lower one."""
    if after.total is None or before.total is None or after.waits:
        return before
    return after if (bool(after.passed), after.total) >= (bool(before.passed), before.total) else before


def passes_still(before: Score, after: Score) -> bool:
    """Whether an attempt passes after a key was put right: nobody loses a pass, and who now reaches it gains one."""
    return bool(before.passed) or bool(after.passed)
