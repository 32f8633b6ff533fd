"""How the options of an item fare: who chose them, how strong those are elsewhere, and the curve over ability."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from portal.certs.psychometrics import Mark, Row


@dataclass(frozen=True, slots=True)
class OptionFigures:
    """One option of an item: how many chose it, which share of all, and their mean total on the other items."""

    option: str | None
    chosen: int
    share: Fraction | None
    mean_rest: Fraction | None


def rests(rows: Sequence[Row], i: int) -> list[Fraction]:
    """Return each candidate's total on all items but the i-th."""
    return [sum((Fraction(m or 0) for j, m in enumerate(row) if j != i), Fraction(0)) for row in rows]


def distractors(
    options: Sequence[str], chosen: Sequence[Iterable[str]], rest: Sequence[Mark]
) -> list[OptionFigures]:
    """Return share and mean rest score per option, in the options' order, and last (None) of who chose nothing.

    A good distractor is chosen by some, and by weaker candidates than the key.
    """
    if len(chosen) != len(rest):
        raise ValueError("every candidate has one choice and one rest score")
    picked = [frozenset(one) for one in chosen]
    made = []
    for option in [*options, None]:
        scores = [
            Fraction(r)
            for one, r in zip(picked, rest, strict=True)
            if (option in one if option is not None else not one)
        ]
        share = Fraction(len(scores), len(picked)) if picked else None
        made.append(
            OptionFigures(
                option, len(scores), share, sum(scores, Fraction(0)) / len(scores) if scores else None
            )
        )
    return made


def curve(chose: Sequence[bool], rest: Sequence[Mark], groups: int = 5) -> list[tuple[Fraction, Fraction]]:
    """Return (mean rest score, share that chose) per group of candidates of like rest score, weakest first.

    Groups are as equal as ties allow: candidates of one rest score are never parted.
    """
    ranked = sorted(zip((Fraction(r) for r in rest), chose, strict=True), key=lambda pair: pair[0])
    n, made, held = len(ranked), list[tuple[Fraction, Fraction]](), list[tuple[Fraction, bool]]()
    for at, pair in enumerate(ranked, 1):
        held.append(pair)
        apart = at == n or ranked[at][0] != pair[0]
        if apart and (at == n or at * groups >= n * (len(made) + 1)):
            made.append(
                (
                    sum((r for r, _ in held), Fraction(0)) / len(held),
                    Fraction(sum(c for _, c in held), len(held)),
                )
            )
            held = []
    return made
