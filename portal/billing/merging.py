"""Who pays when two entries of one organisation become one: the payer moves along, unless the kept entry has one already."""

from __future__ import annotations

from portal.accounts.merging import OrganisationsMerged, move
from portal.billing.issuing import known_party


def on_merged(event: OrganisationsMerged) -> None:
    """Let the duplicate's payer belong to the kept entry; with two payers each keeps its books, seen through the signpost."""
    merge = event.merge
    theirs, ours = known_party(merge.duplicate), known_party(merge.kept)
    if theirs is not None and ours is None:
        move(merge, theirs, "org_id", merge.kept_id)
