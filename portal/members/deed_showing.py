"""What staff see of a membership's life: its facts as a timeline, what each verb would do, and what waits for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import exists, select

from portal.accounts.access import Reader
from portal.accounts.merge_models import Merge
from portal.accounts.merging import merges_into, undo_until
from portal.accounts.organisations import Organisation
from portal.core import clock, labels, story
from portal.core.acting import actor
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.words import day, last_day, moment, money
from portal.members import deeds, leaving, wall
from portal.members.belonging import Ending, Hold, Membership, Reversal, Term
from portal.members.deed_models import Deed, DeedState, DeedVerb
from portal.members.standing import EndingCause, Standing

D = DeedVerb
Line = dict[str, Any]


def _line(
    what: str, at: date, icon: str, who: str, second: str, known: datetime, *detail: tuple[str, str]
) -> Line:
    said = [(label, None, words) for label, words in detail if words]
    if second:
        said.append((_("Confirmed by"), None, second))
    return {
        "what": what, "at": at, "icon": icon, "who": actor(who),
        "detail": [*said, (_("Recorded"), None, moment(known))],
    }  # fmt: skip


class TermFacts(Protocol):
    """What a line about a term needs: the term itself, or these columns of it."""

    kind: Any
    tier: Any
    start: Any
    end: Any
    charged: Any
    by_name: Any
    second_name: Any
    reason: Any
    recorded_at: Any


@dataclass(frozen=True, slots=True)
class Life:
    """What is on record of a membership, and whether a proposal waits and a merge is on record."""

    terms: list[TermFacts]
    ended: list[Ending]
    holds: list[Hold]
    undone: list[Reversal]
    proposed: bool
    merged: bool

    @property
    def version(self) -> int:
        """How many facts there are, as `deeds.version_of` counts them."""
        return len(self.terms) + len(self.ended) + len(self.holds) + len(self.undone)

    @property
    def taken(self) -> set[tuple[str, int]]:
        """Which endings and holds were undone."""
        return {(one.undoes_kind, one.undoes_id) for one in self.undone}


# Which kinds of facts a membership has beside terms: columns for the one statement that asks for the member.
MARKS = (
    exists().where(Ending.term_id == Term.id, Term.membership_id == Membership.id),
    exists().where(Hold.membership_id == Membership.id),
    exists().where(Reversal.membership_id == Membership.id),
    exists().where(
        (Deed.org_id == Membership.org_id) | (Deed.other_id == Membership.org_id),
        Deed.state == DeedState.PROPOSED,
    ),
    exists().where(Merge.kept_id == Membership.org_id, Merge.undone_at.is_(None)),
)


def life_of(row: Membership, terms: Sequence[TermFacts], marks: Sequence[bool]) -> Life:
    """Read what is on record beside the terms: most members have nothing, and nothing more is asked for them."""

    def rows(there: bool, kind: type[Any], *joins: Any) -> list[Any]:
        asked = select(kind)
        for one in joins:
            asked = asked.join(one)
        mine = (joins[0] if joins else kind).membership_id == row.id
        return list(db.session.scalars(asked.where(mine))) if there else []

    ended, held, undone, proposed, merged = marks
    return Life(
        list(terms),
        rows(ended, Ending, Term),
        rows(held, Hold),
        rows(undone, Reversal),
        bool(proposed),
        bool(merged),
    )


def timeline(life: Life) -> list[Line]:
    """Return every fact of a membership, the latest first day first; what was undone says so."""
    causes = {one.id: one.cause for one in life.ended}
    lines = [
        *(_term(one) for one in life.terms),
        *(_ending(one, ("ending", one.id) in life.taken) for one in life.ended),
        *(_hold(one, ("hold", one.id) in life.taken) for one in life.holds),
        *(_reversal(one, causes) for one in life.undone),
    ]
    return sorted(lines, key=lambda one: one["at"], reverse=True)


def _term(row: TermFacts) -> Line:
    span = (
        _("%(first)s to %(last)s", first=day(row.start), last=last_day(row.end))
        if row.end
        else _("from %(first)s, without end", first=day(row.start))
    )
    charged = money(row.charged) if row.charged else _("nothing")
    return _line(
        _("%(kind)s at %(tier)s: %(span)s", kind=labels.label(row.kind), tier=wall.tier_name(row.tier), span=span),
        row.start, "calendar-check", row.by_name, row.second_name, row.recorded_at, (_("Charged"), charged),
        (_("Reason"), row.reason),
    )  # fmt: skip


def _ending(row: Ending, undone: bool) -> Line:
    bar = _("for good") if row.bar_for_good else day(row.barred_until) if row.barred_until else ""
    words = _("%(cause)s: the last day is %(day)s", cause=labels.label(row.cause), day=last_day(row.on))
    return _line(
        _("%(what)s (taken back)", what=words) if undone else words, row.on, "calendar-x", row.by_name,
        row.second_name, row.recorded_at, (_("Reason"), row.reason), (_("Barred until"), bar),
    )  # fmt: skip


def _hold(row: Hold, lifted: bool) -> Line:
    words = _("Suspended: %(cause)s", cause=labels.label(row.cause))
    return _line(
        _("%(what)s (lifted)", what=words) if lifted else words, row.start, "pause-circle", row.by_name,
        row.second_name, row.recorded_at, (_("Reason"), row.reason),
        (_("Until"), last_day(row.end) if row.end else ""),
    )  # fmt: skip


def _reversal(row: Reversal, causes: dict[int, EndingCause]) -> Line:
    if row.undoes_kind == "hold":
        words = _("Suspension lifted from this day on")
    else:
        words = _("Taken back: %(cause)s", cause=labels.label(causes[row.undoes_id]))
    return _line(
        words, row.from_day, "arrow-counterclockwise", row.by_name, row.second_name, row.recorded_at,
        (_("Reason"), row.reason),
    )  # fmt: skip


def said(preview: deeds.Preview) -> list[Line]:
    """Return what a dry run recorded, as lines people read."""
    found = []
    for one in preview:
        if one["verb"] in story.verbs():
            entry = AuditEntry(
                id=0, at=clock.now(), actor="", actor_id=None, verb=one["verb"], subject="", org_id=None,
                detail=one["detail"], address="", request_id="", prev="", mac="",
            )  # fmt: skip
            found.append(
                {
                    "what": story.line(entry)["what"],
                    "icon": story.line(entry)["icon"],
                    "detail": story.details(entry),
                }
            )
    return found


def buttons(row: Membership, life: Life, reader: Reader) -> list[tuple[DeedVerb, str]]:
    """Return the verbs that this reader may begin with this member now, with the address of each."""
    today, standing = clock.today(), row.standing
    member = standing not in {Standing.NONE, Standing.APPLICANT}
    fits = {
        D.OPEN_TERM: standing is not Standing.EXPELLED,
        D.SUSPEND: member and standing is not Standing.EXPELLED,
        D.LIFT: any(
            ("hold", one.id) not in life.taken and (one.end is None or one.end > today) for one in life.holds
        ),
        D.CANCEL_TERM: member,
        D.EXPEL: member and standing is not Standing.EXPELLED,
        D.SET_FOUNDING: member,
        D.ABSORB: member,
        D.MERGE: row.org.person_id is None,
        D.UNMERGE: life.merged and any(undo_until(one) >= today for one in merges_into(row.org)),
    }
    return [
        (verb, url_for("deeds.begin", uid=row.org.uid, verb=verb.value))
        for verb, fit in fits.items()
        if fit and any(reader.staff_may(may) for may in deeds.verb_of(verb).may)
    ]


def shown(
    row: Membership, reader: Reader, *, terms: Sequence[TermFacts], marks: Sequence[bool]
) -> dict[str, Any]:
    """Return what the page of a member shows of its life; `marks` are the values of `MARKS`."""
    life = life_of(row, terms, marks)
    waiting = deeds.open_deed(row.org) if life.proposed else None
    leaves = leaving.announced(row) if life.ended else None
    ahead = leaves is not None and leaves > clock.today()
    return {
        **(
            {"next": _("The member leaves: the last day is %(day)s.", day=last_day(leaves))}
            if leaves and ahead
            else {}
        ),
        "life": timeline(life),
        "waiting": waiting,
        "verbs": [] if waiting is not None else buttons(row, life, reader),
        "may_undo": leaves is not None and leaving.why_not_undo(row, staff=True) is None,
        "version": life.version,
    }


def waiting_for(reader: Reader) -> list[tuple[str, str, datetime, str]]:
    """Return the proposals that wait for this reader: title, action, since when, and where."""
    mine = [one for one in DeedVerb if any(reader.staff_may(may) for may in deeds.verb_of(one).second)]
    if not mine:
        return []
    rows = db.session.scalars(
        select(Deed)
        .where(Deed.state == DeedState.PROPOSED, Deed.verb.in_(mine), Deed.by_id != reader.person.id)
        .order_by(Deed.id)
        .limit(200)
    )
    return [
        (_("%(what)s: %(org)s", what=labels.label(row.verb), org=row.org.name), _("Decide"), row.created_at,
         url_for("deeds.deed", uid=row.uid))
        for row in rows
    ]  # fmt: skip


def merged_of(org: Organisation) -> list[tuple[str, str]]:
    """Return the entries that were merged into an organisation and can still be taken apart: uid and name."""
    return [
        (one.duplicate.uid, one.duplicate.name)
        for one in merges_into(org)
        if undo_until(one) >= clock.today()
    ]
