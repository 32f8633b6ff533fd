"""What two of staff do together (grants, trials beyond the rule, long files, revocations), and the trial everybody has once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.states import move
from portal.services.licences import buying, contracts, files, following, life, plans
from portal.services.licences.denial import Denied, Not
from portal.services.licences.kinds import TermKind
from portal.services.licences.locking import lock
from portal.services.licences.models.licence import Licence, LicenceState, LicenceTerm
from portal.services.licences.models.record import LicenceProposal, ProposedState, Verb

P = ProposedState
GIVES = {Verb.GRANT: TermKind.GRANT, Verb.TRIAL: TermKind.TRIAL}
MOST_DAYS = 1096


def start_trial(org: Organisation, plan: str, *, by: Any) -> Licence:
    """Start the trial of a plan: once per organisation and tool, for the days and nodes of the catalogue."""
    read = plans.read(plans.sold(plan))
    tools = [one["tool"] for one in read.tools]
    live = following.live_of(org, tools)
    if buying.tried(org, tools):
        raise Refused(_l("This tool was on trial already: a trial is had once."))
    if live is not None and _begun(live):
        raise Denied(Not.LICENCE_EXISTS)
    row = live if live is not None else life.order(org, plan, by=by)
    now = clock.now()
    end = now + timedelta(days=plans.rule("trial_days"))
    life.add_term(
        row.id, TermKind.TRIAL, plans.rule("trial_nodes"), start=now, end=end, source=f"trial:{org.id}:{tools[0]}", by=by,
        grace_days=0,
    )  # fmt: skip
    return lock(row.id)


def _begun(row: Licence) -> bool:
    return (
        db.session.scalar(select(LicenceTerm.id).where(LicenceTerm.licence_id == row.id).limit(1)) is not None
    )


# ---- Two of staff


def propose_nodes(
    org: Organisation, plan: str, verb: Verb, *, nodes: int, days: int, reason: str, by: Person
) -> LicenceProposal:
    """Propose to give an organisation nodes for some days: a grant, or a trial beyond the rule."""
    if verb not in GIVES:
        raise Refused(_l("This is not proposed in this way."))
    if nodes < 1 or not 1 <= days <= MOST_DAYS:
        raise Refused(_l("Please say how many nodes, and for how many days."), field="nodes", status=422)
    tools = [one["tool"] for one in plans.read(plans.sold(plan)).tools]
    row = following.live_of(org, tools) or life.order(org, plan, by=by)
    return _propose(row, verb, {"nodes": nodes, "days": days}, reason=reason, by=by)


def propose_file(
    licence: Licence, fingerprints: list[str], days: int, *, reason: str, by: Person
) -> LicenceProposal:
    """Propose a file that runs longer than the plan allows."""
    most = plans.rule("offline_days_most")
    if not plans.read(licence.sold).offline_days < days <= most:
        raise Denied(Not.DAYS_TOO_LONG, most=most)
    detail = {"fingerprints": list(dict.fromkeys(fingerprints)), "days": days}
    return _propose(licence, Verb.LONG_FILE, detail, reason=reason, by=by)


def propose_revocation(licence: Licence, *, reason: str, by: Person) -> LicenceProposal:
    """Propose to end a licence for good."""
    return _propose(licence, Verb.REVOKE, {}, reason=reason, by=by)


def _propose(
    licence: Licence, verb: Verb, detail: dict[str, Any], *, reason: str, by: Person
) -> LicenceProposal:
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    row = lock(licence.id)
    if row.final:
        raise Refused(_l("The life of this licence is over."))
    there = select(LicenceProposal.id).where(
        LicenceProposal.licence_id == row.id,
        LicenceProposal.verb == verb,
        LicenceProposal.state == P.PROPOSED,
    )
    if db.session.scalar(there) is not None:
        raise Refused(_l("Somebody has proposed this already."))
    made = LicenceProposal(licence=row, verb=verb, detail=detail, reason=reason.strip()[:300], by=by)
    db.session.add(made)
    db.session.flush()
    audit.record("licence.proposed", row, by=by, org_id=row.org_id, proposed=verb, reason=made.reason)
    return made


def decide(proposal: LicenceProposal, *, confirmed: bool, by: Person) -> LicenceProposal:
    """Do what another of staff proposed, or decline it; whoever proposed it may only take it back."""
    row = lock(proposal.licence_id)
    fresh = db.session.get(LicenceProposal, proposal.id, populate_existing=True)
    if fresh is None:
        raise Missing(_l("There is no such proposal."))
    if confirmed and fresh.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person decides."))
    move(fresh, P.CONFIRMED if confirmed else P.DECLINED)
    fresh.second, fresh.decided_at = by, clock.now()
    db.session.flush()
    audit.record("licence.decided", row, by=by, org_id=row.org_id, proposed=fresh.verb, confirmed=confirmed)
    if confirmed:
        _do(fresh, row, by)
    elif row.state is LicenceState.PENDING and contracts.open_deal(row.id) is None and not _begun(row):
        life.cancel(row.id, by=by)
    return fresh


def _do(proposal: LicenceProposal, row: Licence, by: Person) -> None:
    detail, now = proposal.detail, clock.now()
    if proposal.verb in GIVES:
        end = now + timedelta(days=detail["days"])
        _give(proposal, row, now, end, by)
    elif proposal.verb is Verb.REVOKE:
        life.revoke(row.id, reason=proposal.reason, by=proposal.by, second=by.name)
    else:
        days = detail["days"]
        files.issue(row.id, detail["fingerprints"], days, by=proposal.by, most_days=days)


def _give(proposal: LicenceProposal, row: Licence, start: datetime, end: datetime, by: Person) -> None:
    life.add_term(
        row.id, GIVES[proposal.verb], proposal.detail["nodes"], start=start, end=end, source=f"proposal:{proposal.uid}",
        by=by, grace_days=0,
    )  # fmt: skip


def waiting() -> list[LicenceProposal]:
    """Return what waits for a second person, the oldest first."""
    rows = select(LicenceProposal).where(LicenceProposal.state == P.PROPOSED).order_by(LicenceProposal.id)
    return list(db.session.scalars(rows))
