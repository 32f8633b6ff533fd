"""What members do when two entries of one organisation become one: terms, cases and names go over, and can go back."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import merging
from portal.accounts.merge_models import Merge
from portal.accounts.merging import MergeUndone, OrganisationsMerged
from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.members import endings, names, terms
from portal.members.belonging import Grant, Hold, Reversal, Term
from portal.members.counting import count_of
from portal.members.models import LIVE, Application, Pair, PairAnswer
from portal.members.renewal_models import WAITING, CreditTerms, LadderPause, LateMoney, RenewalOffer
from portal.members.tier_models import TierQuote

# Every kind of fact that belongs to a membership and goes over with it.
MOVED: list[Any] = [Term, Hold, Reversal, Grant, RenewalOffer, LadderPause, LateMoney, CreditTerms, TierQuote]


def overlapping(duplicate: Organisation, kept: Organisation) -> object | None:
    """Say that both were members on some day: whose term it was nobody can decide by merging."""
    spans = []
    for org in (duplicate, kept):
        row = terms.membership_of(org)
        rows = endings.terms_of(row) if row is not None else []
        spans.append([(one.start, stop) for one, (stop, _ending) in rows if stop is None or one.start < stop])
    for start, stop in spans[0]:
        for begins, ends in spans[1]:
            if (ends is None or start < ends) and (stop is None or begins < stop):
                return _l(
                    "Both have terms on the same days. If one company bought the other, join the memberships instead."
                )
    return None


def two_cases(duplicate: Organisation, kept: Organisation) -> object | None:
    """Say that both have an application of one kind under way."""
    live = [
        set(
            db.session.scalars(
                select(Application.kind).where(Application.org_id == org.id, Application.state.in_(LIVE))
            )
        )
        for org in (duplicate, kept)
    ]
    if live[0] & live[1]:
        return _l("Both have an application under way: close or withdraw one of them first.")
    return None


def two_sums(duplicate: Organisation, kept: Organisation) -> object | None:
    """Say that late money of both waits for somebody to decide on it: one sum at a time is asked about."""
    rows = [row.id for org in (duplicate, kept) if (row := terms.membership_of(org)) is not None]
    waits = select(LateMoney.id).where(LateMoney.membership_id.in_(rows), LateMoney.state.in_(WAITING))
    if len(db.session.scalars(waits).all()) > 1:
        return _l("Late money of both waits for a decision: decide on one of them first.")
    return None


def on_merged(event: OrganisationsMerged) -> None:
    """Move memberships or their facts, applications and names to the entry that is kept."""
    merge = event.merge
    duplicate, kept = merge.duplicate, merge.kept
    for row in db.session.scalars(_of(Application, duplicate)).all():
        merging.move(merge, row, "org_id", kept.id)
    _memberships(merge)
    _pairs(merge)
    _names(merge)


def _of(kind: Any, org: Organisation) -> Any:
    return select(kind).where(kind.org_id == org.id).order_by(kind.id)


def _memberships(merge: Merge) -> None:
    theirs, ours = terms.membership_of(merge.duplicate), terms.membership_of(merge.kept)
    if theirs is None:
        return
    if ours is None:
        merging.move(merge, theirs, "org_id", merge.kept_id)
        terms.refresh([terms.locked(theirs)])
        return
    for row in sorted((theirs, ours), key=lambda one: one.id):
        terms.locked(row)
    for kind in MOVED:
        found = select(kind).where(kind.membership_id == theirs.id).order_by(kind.id)
        for fact in db.session.scalars(found).all():
            merging.move(merge, fact, "membership_id", ours.id)
    if theirs.founding:
        merging.move(merge, ours, "founding", True)
    for column in ("listed_tier", "stated_joined"):
        if getattr(theirs, column) and not getattr(ours, column):
            merging.move(merge, ours, column, getattr(theirs, column))
    terms.refresh([theirs, ours])


def _pairs(merge: Merge) -> None:
    """Answer the question whether these two are one, if nobody has."""
    both = (merge.duplicate_id, merge.kept_id)
    asked = select(Pair).where(Pair.org_id.in_(both), Pair.other_id.in_(both), Pair.answer.is_(None))
    for pair in db.session.scalars(asked).all():
        merging.move(merge, pair, "answer", PairAnswer.SAME)


def _names(merge: Merge) -> None:
    """Let every name of the signpost lead to the kept entry, and none to the signpost."""
    names.index(merge.kept)
    names.index(merge.duplicate)


def on_undone(event: MergeUndone) -> None:
    """Write anew what is derived from facts and names on both sides."""
    merge = event.merge
    rows = [row for org in (merge.duplicate, merge.kept) if (row := terms.membership_of(org)) is not None]
    for row in rows:
        db.session.refresh(row)
    terms.refresh(rows)
    names.index(merge.kept)
    names.index(merge.duplicate)


def facts_since(merge: Merge) -> object | None:
    """Say that the kept membership has got further facts since the merge: they would belong to nobody."""
    row = terms.membership_of(merge.kept)
    if row is not None and count_of(row, since=merge.at):
        return _l("The membership has gone on since: the merge cannot be undone any more.")
    return None


def install() -> None:
    """Say what stands in the way of merges, and of undoing one."""
    for ask in (overlapping, two_cases, two_sums):
        if ask not in merging.OBSTACLES:
            merging.OBSTACLES.append(ask)
    if facts_since not in merging.TOUCHED:
        merging.TOUCHED.append(facts_since)
