"""A licence goes to another organisation: both owners want it, one of staff checks it, another does it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.states import move
from portal.services.licences import contracts, deal_letters, documents, following, life
from portal.services.licences.contracts import Contract
from portal.services.licences.kinds import ClosedWhy, TermKind
from portal.services.licences.locking import lock
from portal.services.licences.models.deal import (
    DealKind,
    DealState,
    LicenceQuote,
    LicenceTransfer,
    TransferState,
)
from portal.services.licences.models.licence import Licence, LicenceState, LicenceTerm

T = TransferState
STAYS = (TermKind.BENEFIT, TermKind.TRIAL, TermKind.COURTESY, TermKind.OVERAGE)
BOTH = (LicenceState.ACTIVE, LicenceState.SUSPENDED)


def ask(licence: Licence, to_org: Organisation, *, reason: str, by: Person) -> LicenceTransfer:
    """Ask, as an owner, that a licence goes to another organisation, whose owners are written to."""
    row = lock(licence.id)
    if row.state not in BOTH:
        raise Refused(_l("Only an active licence can go to another organisation."))
    if to_org.id == row.org_id:
        raise Refused(_l("The licence is theirs already."), field="to", status=422)
    if contracts.open_deal(row.id) is not None or contracts.open_deal(row.id, renewal=True) is not None:
        raise Refused(_l("An order or renewal waits for its payment: please settle or cancel it first."))
    if open_for(row) is not None:
        raise Refused(_l("Somebody has asked for this already."))
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    made = LicenceTransfer(licence=row, to_org=to_org, reason=reason.strip()[:300], given_by=by)
    db.session.add(made)
    db.session.flush()
    audit.record(
        "licence.transfer_asked", row, by=by, org_id=row.org_id, taker=to_org.legal_name, reason=made.reason
    )
    deal_letters.transfer(made)
    return made


def open_for(licence: Licence) -> LicenceTransfer | None:
    """Return the transfer of a licence that is under way."""
    rows = select(LicenceTransfer).where(
        LicenceTransfer.licence_id == licence.id, LicenceTransfer.state.not_in([T.DONE, T.DECLINED])
    )
    return db.session.scalars(rows).first()


def under_way(*states: TransferState) -> list[LicenceTransfer]:
    """Return the transfers in some states (default: those that are not decided), the oldest first."""
    wanted = states or (T.ASKED, T.AGREED, T.CHECKED)
    rows = select(LicenceTransfer).where(LicenceTransfer.state.in_(wanted)).order_by(LicenceTransfer.id)
    return list(db.session.scalars(rows))


def coming_to(org: Organisation) -> list[LicenceTransfer]:
    """Return the transfers that an organisation is asked to agree to, the oldest first."""
    rows = select(LicenceTransfer).where(
        LicenceTransfer.to_org_id == org.id, LicenceTransfer.state.in_([T.ASKED, T.AGREED, T.CHECKED])
    )
    return list(db.session.scalars(rows.order_by(LicenceTransfer.id)))


def _fresh(transfer: LicenceTransfer) -> LicenceTransfer:
    lock(transfer.licence_id)
    return db.session.get_one(LicenceTransfer, transfer.id, populate_existing=True)


def agree(transfer: LicenceTransfer, *, by: Person) -> None:
    """Take the licence over, as an owner of the other organisation."""
    row = _fresh(transfer)
    move(row, T.AGREED)
    row.taken_by = by
    audit.record("licence.transfer_agreed", row.licence, by=by, org_id=row.to_org_id)


def check(transfer: LicenceTransfer, *, by: Person) -> None:
    """Look at a transfer as the first of staff."""
    row = _fresh(transfer)
    move(row, T.CHECKED)
    row.first = by
    audit.record("licence.transfer_checked", row.licence, by=by, org_id=row.licence.org_id)


def decline(transfer: LicenceTransfer, *, by: Person, reason: str) -> None:
    """Leave the licence where it is: either organisation, or staff."""
    row = _fresh(transfer)
    move(row, T.DECLINED)
    audit.record("licence.transfer_declined", row.licence, by=by, org_id=row.licence.org_id, reason=reason)


def do(transfer: LicenceTransfer, *, by: Person) -> Licence:
    """Let the licence go over, as the second of staff: its terms with their remaining days; keys and nodes stay behind."""
    row = _fresh(transfer)
    if row.first_id == by.id:
        raise Forbidden(_l("You checked this yourself: a second person lets it go over."))
    old = row.licence
    if old.state not in BOTH:
        raise Refused(_l("Only an active licence can go to another organisation."))
    move(row, T.DONE)
    row.second, row.done_at = by, clock.now()
    paid = contracts.contracts(old.id, clock.today())
    tools = [one.tool for one in old.tools]
    there = following.live_of(row.to_org, tools)
    new = there if there is not None else life.order(row.to_org, old.plan, by=by)
    if there is None:
        new.sold, new.policy, new.lease_seconds, new.warn_days = (
            old.sold,
            old.policy,
            old.lease_seconds,
            old.warn_days,
        )
    elif contracts.current(there.id) is not None and paid:
        raise Refused(_l("The other organisation has a paid year for this tool already."))
    _terms(old, new, by)
    for one in paid:
        _contract(one, new, by)
    life.supersede(old.id, new, by=by)
    deal_letters.transferred(row, new)
    audit.record(
        "licence.transferred",
        new,
        by=by,
        org_id=new.org_id,
        other=old.org.legal_name,
        first=row.first.name if row.first else "",
    )
    following.look_again(new)
    return new


def _terms(old: Licence, new: Licence, by: Person) -> None:
    now = clock.now()
    rows = db.session.scalars(
        select(LicenceTerm).where(LicenceTerm.licence_id == old.id).order_by(LicenceTerm.id)
    ).all()
    left = [one for one in rows if one.closed_at is None and one.ends_at > now]
    for one in left:
        life.close_term(one, now, ClosedWhy.TRANSFER, by=by)
    for one in left:
        if one.kind in STAYS:
            continue
        life.add_term(
            new.id, one.kind, one.nodes, start=max(now, one.starts_at), end=one.ends_at, source=f"transfer:{one.source}"[:120],
            by=by, grace_days=one.grace_days,
        )  # fmt: skip


def _contract(one: Contract, new: Licence, by: Person) -> None:
    """Write a paid year down for its new holder, with the lines that pay for it: changes and renewals rest on it."""
    of = one.quote
    copy = LicenceQuote(
        licence=new, kind=DealKind.TRANSFERRED, nodes=one.below + one.paid, included=of.included, share_bp=of.share_bp,
        paid=one.paid, adds=one.paid, price=of.price, gross=of.gross, net=of.net, tax=of.tax, fingerprint=of.fingerprint,
        inputs=of.inputs, language=of.language, by_name=by.name[:120], expires_on=of.expires_on, state=DealState.DONE,
        starts_on=of.starts_on, ends_on=of.ends_on, anchor=of.anchor, k=of.k,
    )  # fmt: skip
    db.session.add(copy)
    copy.accepted_at = copy.done_at = clock.now()
    lines = [
        {"role": "charge", "words": line.words, "adds": line.quantity, "starts": of.starts_on, "ends": of.ends_on,
         "figures": documents.figures(line), "order_line": line}
        for line in one.lines
    ]  # fmt: skip
    documents.write_lines(copy, lines)
