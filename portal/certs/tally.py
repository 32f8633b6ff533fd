"""What the community's votes come to; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction

from portal.certs.models.deciding import Ballot, ReviewState

COUNTED = (Ballot.APPROVE, Ballot.RETURN, Ballot.REJECT)


def counted(votes: Mapping[int, Ballot]) -> Counter[Ballot]:
    """Return the votes that count, by what they say; who abstains or steps aside does not count."""
    return Counter(one for one in votes.values() if one in COUNTED)


def enough(votes: Mapping[int, Ballot], quorum: int) -> bool:
    """Whether so many votes as are needed are in."""
    return sum(counted(votes).values()) >= quorum


def outcome(votes: Mapping[int, Ballot], *, share: Fraction, turn: int) -> ReviewState:
    """Return what the votes come to: approved, returned once, or rejected."""
    found = counted(votes)
    whole = sum(found.values())
    if found[Ballot.APPROVE] >= share * whole > 0:
        return ReviewState.APPROVED
    if turn == 1 and found[Ballot.APPROVE] + found[Ballot.RETURN] >= share * whole > 0:
        return ReviewState.RETURNED
    return ReviewState.REJECTED
