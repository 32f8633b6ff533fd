"""What two of staff do together to an award: proposed by one, with the holder heard where it ends, confirmed by another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts import grants
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.certs import award_letters, award_steps, awarding, issuing, naming
from portal.certs.documents import faces
from portal.certs.models.award import (
    Award,
    AwardProposal,
    AwardState,
    AwardVerb,
    ProposalState,
    RevokeCause,
)
from portal.certs.naming import Names
from portal.core import audit, catalogue, clock, files
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.states import move

V, A = AwardVerb, AwardState
FITS = {
    V.SUSPEND: {A.GRANTED}, V.CONFIRM: {A.SUSPENDED}, V.LIFT: {A.SUSPENDED}, V.REVOKE: {A.GRANTED, A.SUSPENDED},
    V.REISSUE: {A.GRANTED, A.SUSPENDED}, V.REGRANT: {A.REVOKED},
}  # fmt: skip
# A new document needs two of staff, all else a decider.
SECOND = dict.fromkeys(AwardVerb, (May.DECIDE_AWARDS,)) | {
    V.REISSUE: (May.ISSUE_CERTIFICATES, May.DECIDE_AWARDS)
}
LONGEST_ANSWER = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is proposed: why, and what the verb needs."""

    reason: str
    urgent: bool = False
    cause: RevokeCause | None = None
    names: Names | None = None

    def detail(self) -> dict[str, Any]:
        """Return it as the row keeps it."""
        found: dict[str, Any] = {"cause": self.cause.value} if self.cause else {}
        if self.names is not None:
            found["names"] = {"zh": self.names.zh, "latin": self.names.latin}
        return found


def open_for(award: Award) -> list[AwardProposal]:
    """Return the proposals about an award that wait, the oldest first."""
    waits = select(AwardProposal).where(
        AwardProposal.award_id == award.id, AwardProposal.state == ProposalState.PROPOSED
    )
    return list(db.session.scalars(waits.order_by(AwardProposal.id)))


def count_waiting() -> Any:
    """Select how many proposals wait for a second person."""
    return select(func.count(AwardProposal.id)).where(AwardProposal.state == ProposalState.PROPOSED)


def found(uid: str) -> AwardProposal:
    """Return one proposal."""
    row = db.session.scalars(select(AwardProposal).where(AwardProposal.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such proposal."))
    return row


def _refuse_own(award: Award, by: Person) -> None:
    if award.person_id == by.id:
        raise Forbidden(_l("This is your own award: somebody else must do this."))


def propose(
    award: Award,
    verb: AwardVerb,
    wanted: Wanted,
    *,
    by: Person,
    paper: tuple[files.Content, str] | None = None,
) -> AwardProposal:
    """Propose a step; an urgent hold takes effect at once and waits for its confirmation."""
    row = awarding.locked(award)
    _refuse_own(row, by)
    award_steps.settle(row)
    if row.state not in FITS[verb]:
        raise Refused(_l("This award has moved on: the step is not possible any more. Please look again."))
    if any(one.verb is verb for one in open_for(row)):
        raise Refused(_l("The same was proposed already and waits: that is decided first."))
    _check(row, verb, wanted, paper)
    proposal = AwardProposal(
        award=row, verb=verb, detail=wanted.detail(), reason=wanted.reason[:300], by=by,
        paper=None if paper is None else _kept(row, *paper),
    )  # fmt: skip
    if verb is V.SUSPEND and wanted.urgent:
        award_steps.suspend(row, reason=wanted.reason, by=by, urgent=True)
        proposal.verb = V.CONFIRM
    if verb is V.REVOKE:
        proposal.not_before = clock.now() + timedelta(days=int(catalogue.policy("revocation.hearing_days")))
    db.session.add(proposal)
    db.session.flush()
    audit.record("award.proposed", row, by=by, what=proposal.verb, reason=wanted.reason)
    award_letters.proposed(proposal)
    if verb is V.REVOKE:
        award_letters.hearing(proposal)
    return proposal


def _check(row: Award, verb: AwardVerb, wanted: Wanted, paper: object) -> None:
    if not wanted.reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    if verb is V.REVOKE and wanted.cause is None:
        raise Refused(_l("Please choose the cause."), field="cause", status=422)
    if verb is V.REVOKE and wanted.cause is RevokeCause.PAYMENT and row.state is not A.SUSPENDED:
        raise Refused(
            _l("Where a payment was taken back the award is put on hold first: it may still come."),
            field="cause",
            status=422,
        )
    if verb is V.REISSUE:
        if issuing.current(row) is None:
            raise Refused(_l("This award has no document yet."))
        if wanted.names is not None:
            if paper is None:
                raise Refused(_l("Please attach what shows the new name."), field="paper", status=422)
            names = Names(naming.tidy(wanted.names.zh), naming.tidy(wanted.names.latin))
            awarding.check_names(names)
            faces.refuse_unprintable(names)


def _kept(award: Award, content: files.Content, name: str) -> files.StoredFile:
    row = files.StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose="award",
        person_id=award.person_id,
    )  # fmt: skip
    db.session.add(row)
    return row


def hear(proposal: AwardProposal, *, by: Person, words: str) -> None:
    """Take down what the holder says to a revocation; said once, and kept with the proposal."""
    row = _locked(proposal)
    if row.award.person_id != by.id or row.verb is not V.REVOKE:
        raise Missing(_l("There is no such proposal."))
    if row.state is not ProposalState.PROPOSED:
        raise Refused(_l("This proposal was decided already."))
    if row.heard_at is not None:
        raise Refused(_l("You have answered already. Please write to us if something is to be added."))
    if not words.strip() or len(words) > LONGEST_ANSWER:
        raise Refused(_l("Please write your answer in up to 2000 characters."), field="words", status=422)
    row.heard, row.heard_at = words.strip(), clock.now()
    audit.record("award.heard", row.award, by=by)


def _locked(proposal: AwardProposal) -> AwardProposal:
    return db.session.scalars(
        select(AwardProposal)
        .where(AwardProposal.id == proposal.id)
        .with_for_update(of=AwardProposal)
        .execution_options(populate_existing=True)
    ).one()


def may_confirm(proposal: AwardProposal, by: Person) -> bool:
    """Whether a person may be the second one of a proposal."""
    if by.id in {proposal.by_id, proposal.award.person_id}:
        return False
    return by.id in {person.id for person in grants.holders(*SECOND[proposal.verb])}


def _second(proposal: AwardProposal, by: Person) -> AwardProposal:
    row = _locked(proposal)
    if row.state is not ProposalState.PROPOSED:
        raise Refused(_l("This proposal was decided already."))
    _refuse_own(row.award, by)
    return row


def confirm(proposal: AwardProposal, *, by: Person) -> AwardProposal:
    """Do what another proposed; a revocation only once its holder had time to answer."""
    row = _second(proposal, by)
    if row.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: somebody else confirms it."))
    if not may_confirm(row, by):
        raise Forbidden(_l("This step belongs to somebody else."))
    if row.not_before is not None and clock.now() < row.not_before and row.heard_at is None:
        raise Refused(_l("The holder still has time to answer: nothing is decided before that."))
    _do(row, by)
    _decided(row, ProposalState.CONFIRMED, by)
    return row


def _do(row: AwardProposal, second: Person) -> None:
    award, reason, first = row.award, row.reason, row.by
    if row.verb is V.SUSPEND:
        award_steps.suspend(award, reason=reason, by=first, second=second.name)
    elif row.verb is V.CONFIRM:
        award_steps.confirm(award, by=first, second=second)
    elif row.verb is V.LIFT:
        award_steps.lift(award, by=first, second=second.name, reason=reason)
    elif row.verb is V.REVOKE:
        cause = RevokeCause(row.detail["cause"])
        award_steps.revoke(award, cause=cause, by=first, second=second.name, reason=reason)
    elif row.verb is V.REISSUE:
        names = Names(**row.detail["names"]) if "names" in row.detail else None
        award_steps.reissue(award, by=first, second=second.name, names=names)
    else:
        award_steps.regrant(award, by=first, second=second.name, reason=reason)


def decline(proposal: AwardProposal, *, by: Person, reason: str) -> AwardProposal:
    """Leave everything as it is; whoever proposed may take it back. Declined, an urgent hold ends at once."""
    row = _second(proposal, by)
    if row.by_id != by.id and not may_confirm(row, by):
        raise Forbidden(_l("This step belongs to somebody else."))
    if row.verb is V.CONFIRM and award_steps.running(row.award) is not None:
        award_steps.lift(row.award, by=by, second=row.by.name, reason=reason)
    row.answer = reason[:300]
    _decided(row, ProposalState.DECLINED, by)
    return row


def _decided(row: AwardProposal, to: ProposalState, by: Person) -> None:
    row.second, row.decided_at = by, clock.now()
    move(row, to)
    db.session.flush()
    verb = "award.confirmed" if to is ProposalState.CONFIRMED else "award.declined"
    audit.record(verb, row.award, by=by, what=row.verb, reason=row.answer or row.reason)


def give_back(award: Award, *, by: Person, reason: str) -> None:
    """Revoke an award at its holder's own wish: the holder alone decides it."""
    if award.person_id != by.id:
        raise Missing(_l("There is no such award."))
    award_steps.revoke(award, cause=RevokeCause.WISH, by=by, reason=reason)
    for proposal in open_for(award):
        proposal.decided_at = clock.now()
        move(proposal, ProposalState.LAPSED)
