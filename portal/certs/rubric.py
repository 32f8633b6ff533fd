"""Rubrics and their marks: two blind graders, a third one where they disagree, and the points that count in the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

ZERO = Fraction(0)


class Rule(StrEnum):
    """What a third mark does: it joins a median of three, or it replaces both."""

    MEDIAN = "median"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of a rubric: its weight, the points of its levels in rising order, and how far graders may differ.

    A critical one fails the exam below `needs` points; by default whatever lies above the lowest level passes.
    """

    code: str
    levels: tuple[Decimal, ...]
    weight: Decimal = Decimal(1)
    tolerance: int = 1
    critical: bool = False
    needs: Decimal | None = None

    def __post_init__(self) -> None:
        if len(self.levels) < 2 or list(self.levels) != sorted(set(self.levels)) or self.levels[0] < 0:
            raise ValueError(f"criterion {self.code}: levels have rising points, two levels at least")
        if self.weight <= 0 or self.tolerance < 0:
            raise ValueError(
                f"criterion {self.code}: the weight lies above nothing, the tolerance not below it"
            )

    def fails(self, points: Fraction) -> bool:
        """Whether final points on it fail the exam."""
        return self.critical and points < Fraction(self.levels[1] if self.needs is None else self.needs)


@dataclass(frozen=True, slots=True)
class Marking:
    """What one grader gave: a level per criterion, counted from 0."""

    grader: str
    levels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Task:
    """A practical task: its rubric, the blind marks, and the third one if it was asked for."""

    code: str
    rubric: tuple[Criterion, ...]
    points: Decimal = Decimal(1)
    marks: tuple[Marking, ...] = ()
    adjudication: Marking | None = None

    def __post_init__(self) -> None:
        everyone = [*self.marks, *([self.adjudication] if self.adjudication else [])]
        if len({one.grader for one in everyone}) < len(everyone):
            raise ValueError(f"task {self.code}: nobody marks twice")
        rubric = {criterion.code: len(criterion.levels) for criterion in self.rubric}
        if not rubric or len(rubric) < len(self.rubric):
            raise ValueError(f"task {self.code}: a rubric has criteria, each once")
        for one in everyone:
            if one.levels.keys() != rubric.keys() or any(
                not 0 <= level < rubric[code] for code, level in one.levels.items()
            ):
                raise ValueError(f"task {self.code}: a mark gives each criterion one level of the rubric")


def given(one: Marking, criterion: Criterion) -> Fraction:
    """Return the points that a grader gave on a criterion."""
    return Fraction(criterion.levels[one.levels[criterion.code]])


def final(task: Task, criterion: Criterion, rule: Rule) -> Fraction:
    """Return the final points on a criterion: the mean of the blind marks; with a third one their median, or that one.

    A third mark that stands counts, whether or not it would be asked for by the others as they are now: so that a
    higher mark never makes a lower total.
    """
    points = sorted(given(one, criterion) for one in task.marks)
    if task.adjudication is None:
        return sum(points, ZERO) / len(points)
    third = given(task.adjudication, criterion)
    if rule is Rule.REPLACE:
        return third
    return median([*points, third])


def median(values: list[Fraction]) -> Fraction:
    """Return the middle value, or the mean of the two in the middle."""
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def fraction_of(task: Task, rule: Rule) -> Fraction:
    """Return Σ weight × final points ÷ highest points, over Σ weight."""
    parts = [(Fraction(one.weight), final(task, one, rule) / Fraction(one.levels[-1])) for one in task.rubric]
    return sum((weight * part for weight, part in parts), ZERO) / sum(
        (weight for weight, _part in parts), ZERO
    )


def fraction_by(task: Task, one: Marking) -> Fraction:
    """Return the fraction by one grader's marks alone."""
    alone = Task(task.code, task.rubric, task.points, (one,))
    return fraction_of(alone, Rule.MEDIAN)


def differs(task: Task) -> bool:
    """Whether the blind marks differ by more than a criterion's tolerance, in levels, or at all on a critical one."""
    for criterion in task.rubric:
        levels = [one.levels[criterion.code] for one in task.marks]
        if levels and max(levels) - min(levels) > (0 if criterion.critical else criterion.tolerance):
            return True
    return False
