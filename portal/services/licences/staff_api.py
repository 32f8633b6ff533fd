"""Operations of staff: suspend and lift, propose to revoke and decide, take a file back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.scopes import Scope
from portal.core.api import WRITE_PROBLEMS, told
from portal.core.idempotency import WriteHeaders, once
from portal.services.licences import access, files, granting, holding, life, shapes
from portal.services.licences.door import answers
from portal.services.licences.kinds import HoldReason
from portal.services.licences.licences_api import ONE, TOKEN, licences_api
from portal.services.licences.models.licence import Hold
from portal.services.licences.models.record import LicenceFile, LicenceProposal
from portal.services.licences.parts import found
from portal.services.licences.shapes import OneLicence, OneOfLicence


@licences_api.post(
    f"{ONE}/holds", operation_id="suspend_licence", summary=str(_l("Suspend a licence (staff)")),
    responses=answers(*WRITE_PROBLEMS, created=shapes.HoldAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def open_hold(path: OneLicence, body: shapes.NewHold, header: WriteHeaders) -> Any:
    """In force after the days of notice, at once for abuse. Nodes keep their seats."""
    row, person = access.run(path.uid), me().person
    holding.check(me(), HoldReason(body.reason))
    notice = None if body.notice_days is None else timedelta(days=body.notice_days)
    reason = HoldReason(body.reason)
    words, source = (body.words_en, body.words_zh), f"staff:{reason.value}"
    made = life.suspend(row.id, reason, words=words, source=source, by=person, notice=notice)
    hold = made or next(one for one in life.open_holds(row.id) if one.source == source)
    return told(_hold(hold), 201)


@licences_api.delete(
    f"{ONE}/holds/<row>", operation_id="lift_hold", summary=str(_l("Lift a suspension (staff)")),
    responses=answers(*WRITE_PROBLEMS, ok=shapes.HoldAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def lift_hold(path: OneOfLicence, header: WriteHeaders) -> Any:
    """With the last one every node goes on without a new claim."""
    hold = found(access.run(path.uid), Hold, path.row)
    holding.check(me(), hold.reason)
    life.lift(hold, by=me().person)
    return told(_hold(hold))


def _hold(row: Hold) -> shapes.HoldAnswer:
    return shapes.HoldAnswer(id=row.uid, reason=row.reason, starts_at=row.starts_at, lifted_at=row.lifted_at)


@licences_api.post(
    f"{ONE}/revocation", operation_id="propose_revocation", summary=str(_l("Propose to revoke a licence (staff)")),
    responses=answers(*WRITE_PROBLEMS, created=shapes.ProposalAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def propose_revocation(path: OneLicence, body: shapes.Reason, header: WriteHeaders) -> Any:
    """Nothing happens before another of staff confirms it."""
    row = access.run(path.uid)
    return told(shapes.proposal(granting.propose_revocation(row, reason=body.reason, by=me().person)), 201)


@licences_api.post(
    f"{ONE}/proposals/<row>/decision", operation_id="decide_licence_proposal",
    summary=str(_l("Confirm or decline what was proposed (staff)")),
    responses=answers(*WRITE_PROBLEMS, ok=shapes.ProposalAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def decide_proposal(path: OneOfLicence, body: shapes.Decision, header: WriteHeaders) -> Any:
    """Somebody else than who proposed it confirms; what was confirmed happens at once."""
    row = found(access.run(path.uid), LicenceProposal, path.row)
    return told(shapes.proposal(granting.decide(row, confirmed=body.confirmed, by=me().person)))


@licences_api.post(
    f"{ONE}/files/<row>/return", operation_id="return_licence_file", summary=str(_l("Take an offline file back (staff)")),
    responses=answers(*WRITE_PROBLEMS, ok=shapes.FileAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def return_file(path: OneOfLicence, body: shapes.Reason, header: WriteHeaders) -> Any:
    """Its seats are free at once. Seldom, and with a reason: the file itself goes on working where it lies."""
    file = found(access.run(path.uid), LicenceFile, path.row)
    files.give_back(file, reason=body.reason, by=me().person)
    return told(shapes.file(file))
