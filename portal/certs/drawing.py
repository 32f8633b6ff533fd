"""Drawing a form from a blueprint: at random among the least shown, no enemies together, nothing seen before. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

MOST_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that may stand in a form: of which item and topic, how often shown, whether seen before, whether an anchor."""

    version: int
    item: int
    topic: str
    shown: int = 0
    seen: bool = False
    anchor: bool = False


@dataclass(frozen=True, slots=True)
class Short:
    """A topic that cannot be filled: how many items it needs, and how many fit."""

    topic: str
    need: int
    have: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn, by topic in the blueprint's order; or the topics that are short."""

    chosen: tuple[Candidate, ...]
    short: tuple[Short, ...] = ()


def topic_of(tag: str, topics: Iterable[str]) -> str | None:
    """Return the topic of a blueprint that a tag belongs to: the longest that it is or lies below (`a/b` below `a`)."""
    fitting = [one for one in topics if tag == one or tag.startswith(f"{one}/")]
    return max(fitting, key=len, default=None)


def _order(rows: Iterable[Candidate], random: Random, anchors: int) -> list[Candidate]:
    """Return candidates as they are tried: so many unseen anchors first, then unseen before seen, least shown first.

    Equals come at random.
    """
    mixed = list(rows)
    random.shuffle(mixed)
    mixed.sort(key=lambda one: (one.seen, one.shown))
    first = [one for one in mixed if one.anchor and not one.seen][:anchors]
    return first + [one for one in mixed if one not in first]


def counted(blueprint: Mapping[str, int], bank: Iterable[Candidate]) -> list[Short]:
    """Return the topics for which there are fewer items than the blueprint asks for."""
    have: dict[str, set[int]] = {topic: set() for topic in blueprint}
    for one in bank:
        if one.topic in have:
            have[one.topic].add(one.item)
    return [
        Short(topic, need, len(have[topic])) for topic, need in blueprint.items() if len(have[topic]) < need
    ]


class _Search:
    """A search through the topics, one place after the other, that turns back where enemies leave no choice."""

    def __init__(
        self, enemies: Mapping[int, Collection[int]], slots: Sequence[tuple[str, list[Candidate]]]
    ) -> None:
        self.enemies, self.slots = enemies, slots
        self.steps, self.best = 0, 0

    def fits(self, one: Candidate, chosen: Sequence[Candidate]) -> bool:
        """Whether an item may join those chosen."""
        foes = self.enemies.get(one.item, ())
        return all(one.item != other.item and other.item not in foes for other in chosen)

    def fill(self, at: int, start: int, chosen: list[Candidate]) -> bool:
        """Fill the places from `at` on; places of one topic take candidates in order, so each set is tried once."""
        self.best = max(self.best, at)
        if at == len(self.slots):
            return True
        topic, rows = self.slots[at]
        for n in range(start, len(rows)):
            self.steps += 1
            if self.steps > MOST_STEPS:
                return False
            if not self.fits(rows[n], chosen):
                continue
            chosen.append(rows[n])
            same = at + 1 < len(self.slots) and self.slots[at + 1][0] == topic
            if self.fill(at + 1, n + 1 if same else 0, chosen):
                return True
            chosen.pop()
        return False


def draw(
    blueprint: Mapping[str, int],
    bank: Sequence[Candidate],
    enemies: Mapping[int, Collection[int]],
    random: Random,
    *,
    anchor_share: int = 0,
) -> Drawn:
    """Return a form for a blueprint (topic → count), or the topics that cannot be filled.

    `enemies` names for each item those it never meets, from both sides. Topics with the least choice are filled first;
    of each one, so many per cent of the places are offered to anchors before other items.
    """
    if short := counted(blueprint, bank):
        return Drawn((), tuple(short))
    rows = {
        topic: _order((one for one in bank if one.topic == topic), random, -(-count * anchor_share // 100))
        for topic, count in blueprint.items()
    }
    tight = sorted(blueprint, key=lambda topic: len(rows[topic]) - blueprint[topic])
    slots = [(topic, rows[topic]) for topic in tight for _n in range(blueprint[topic])]
    search, chosen = _Search(enemies, slots), list[Candidate]()
    if not search.fill(0, 0, chosen):
        topic = slots[min(search.best, len(slots) - 1)][0]
        filled = sum(1 for one, _rows in slots[: search.best] if one == topic)
        return Drawn((), (Short(topic, blueprint[topic], filled),))
    place = {topic: n for n, topic in enumerate(blueprint)}
    return Drawn(tuple(sorted(chosen, key=lambda one: place[one.topic])))


def shuffled(options: Sequence[tuple[str, bool]], random: Random) -> list[str]:
    """Return the codes of options in a drawn order; pinned ones (“none of these”) stay last, in their own."""
    free = [code for code, pinned in options if not pinned]
    random.shuffle(free)
    return [*free, *(code for code, pinned in options if pinned)]
