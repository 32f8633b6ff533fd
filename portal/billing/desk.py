"""What waits at the finance desk, as tasks with their next step: derived from what is, never stored."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import Select, func, select

from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.billing import bank_queries, fapiao_access, ladder, queries
from portal.billing.book_models import HandEntry, HandState
from portal.billing.dunning_office import proposals
from portal.billing.fapiao_models import FapiaoState
from portal.billing.money_models import Receipt, RefundState, Way
from portal.billing.note_models import CreditNote, NoteState, WriteOff, WriteOffState
from portal.billing.words import trouble
from portal.core import labels
from portal.core.db import db
from portal.core.words import money

R = RefundState
MOST = 50
FROM_STATEMENT = "bank:"


def _task(title: str, detail: str, action: str, since: Any, href: str) -> dict[str, Any]:
    return {
        "title": title,
        "detail": detail,
        "action": action,
        "since": since,
        "href": href,
        "overdue": False,
    }


def _rows(statement: Select[Any]) -> Any:
    return db.session.scalars(statement.limit(MOST)).all()


def _entries(mine: int) -> list[dict[str, Any]]:
    return [
        _task(
            _("Transfer to confirm: %(payer)s", payer=row.payer), money(row.amount), _("Confirm"),
            row.created_at, url_for("money.desk") + "#waiting",
        )
        for row in _rows(queries.entries_waiting())
        if row.by_id != mine
    ]  # fmt: skip


def _refunds(mine: int) -> list[dict[str, Any]]:
    found = []
    for row in _rows(queries.refunds(R.REQUESTED, R.APPROVED, R.SENDING)):
        who, href = row.receipt.payer or "–", url_for("money.refund", uid=row.uid)
        bank = row.receipt.way is Way.BANK
        if row.by_id == mine or (row.state is not R.REQUESTED and not bank):
            continue
        title = {
            R.REQUESTED: _("Refund to approve: %(payer)s", payer=who),
            R.APPROVED: _("Transfer to send: %(payer)s", payer=who),
            R.SENDING: _("Transfer under way: %(payer)s", payer=who),
        }[row.state]
        found.append(_task(title, money(row.amount), _("View"), row.created_at, href))
    for row in _rows(queries.failed_refunds()):
        said = _("Refund failed: %(payer)s", payer=row.receipt.payer or "–")
        href = url_for("money.refund", uid=row.uid)
        found.append(_task(said, row.failure, _("View"), row.sent_at or row.created_at, href))
    return found


def _money() -> list[dict[str, Any]]:
    found = []
    twice = {row.id for row in _rows(queries.paid_twice())}
    for row in _rows(queries.unapplied()):
        who, href = row.payer or "–", url_for("money.receipt", uid=row.uid)
        if row.party_id is None and row.provider.startswith(FROM_STATEMENT):
            continue  # those are cleared on the bank's page, and are a task there after some days
        if row.party_id is None:
            title = _("Unidentified money: %(payer)s", payer=who)
        elif row.id in twice:
            title = _("Paid twice: %(payer)s", payer=who)
        else:
            continue  # credit that is its payer's own is no task: it may stay
        found.append(_task(title, money(row.amount), _("View"), row.recorded_at, href))
    return found


def _bank() -> list[dict[str, Any]]:
    """Return the lines whose payer nobody found for days, each a task of its own."""
    late = [
        _task(
            _("Unidentified money: %(payer)s", payer=row.payer or "–"), money(row.amount), _("View"), row.file.at,
            url_for("money.bank", account=row.account, line=row.uid),
        )
        for row in _rows(bank_queries.overdue())
    ]  # fmt: skip
    return [{**task, "overdue": True} for task in late]


def _others(mine: int) -> list[dict[str, Any]]:
    found = [
        _task(
            _("Invoice to void: %(number)s", number=row.invoice.number), row.reason, _("View"), row.created_at,
            url_for("money.invoice", uid=row.invoice.uid),
        )
        for row in _rows(queries.voidings())
        if row.by_id != mine
    ]  # fmt: skip
    for row in _rows(queries.alerts()):
        found.append(
            _task(
                labels.label(row.trouble),
                trouble(row.detail),
                _("View"),
                row.at,
                url_for("money.alert", uid=row.uid),
            )
        )
    return found


def _second_look(mine: int) -> list[dict[str, Any]]:
    """Credit notes, write-offs and entries by hand that wait for a second person."""
    notes = select(CreditNote).where(CreditNote.state == NoteState.DRAFT).order_by(CreditNote.id)
    offs = select(WriteOff).where(WriteOff.state == WriteOffState.PROPOSED).order_by(WriteOff.id)
    hands = select(HandEntry).where(HandEntry.state == HandState.PROPOSED).order_by(HandEntry.id)
    found = [
        _task(
            _("Credit note to issue: %(number)s", number=row.invoice.number), money(row.gross), _("View"),
            row.created_at, url_for("money.note", uid=row.uid),
        )
        for row in _rows(notes)
        if row.by_id != mine
    ] + [
        _task(
            _("Invoice to write off: %(number)s", number=row.invoice.number), row.reason, _("View"), row.created_at,
            url_for("money.invoice", uid=row.invoice.uid),
        )
        for row in _rows(offs)
        if row.by_id != mine
    ]  # fmt: skip
    return found + [
        _task(
            _("Entry by hand to confirm"),
            row.reason,
            _("View"),
            row.created_at,
            url_for("money.hand_entry", uid=row.uid),
        )
        for row in _rows(hands)
        if row.by_id != mine
    ]


def _fapiaos() -> list[dict[str, Any]]:
    found = []
    for row in _rows(fapiao_access.waiting()):
        red = row.state is FapiaoState.RED_REQUESTED
        title = (
            _("Red letter to issue: %(who)s", who=row.title)
            if red
            else _("Fapiao to issue: %(who)s", who=row.title)
        )
        since, href = row.red_since or row.created_at, url_for("fapiao_desk.one", uid=row.uid)
        found.append(_task(title, money(row.amount), _("View"), since, href))
    return found


def _proposals() -> list[dict[str, Any]]:
    return [
        _task(
            _("To decide: %(number)s", number=row.notice.invoice.number),
            _("Block the service") if row.notice.action == ladder.PROPOSE_BLOCK else _("Write it off"),
            _("View"), row.created_at, url_for("chasing.one", uid=row.notice.invoice.uid),
        )
        for row in proposals()
    ]  # fmt: skip


def tasks(reader: Reader) -> list[dict[str, Any]]:
    """Return what waits for this person of finance, oldest first; nothing for others."""
    if not reader.staff_may(May.RECORD_RECEIPTS):
        return []
    mine = reader.person.id
    found = [*_entries(mine), *_refunds(mine), *_money(), *_bank(), *_others(mine), *_second_look(mine)]
    found += [*_fapiaos(), *_proposals()]
    return sorted(found, key=lambda task: task["since"])


def _count(statement: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0


def figures() -> list[dict[str, Any]]:
    """Return the few figures of the desk, each opening its rows."""
    count, total = db.session.execute(queries.open_total()).one()
    credit = queries.unapplied().where(Receipt.party_id.is_not(None))
    unknown = queries.unidentified()

    def summed(statement: Select[Any]) -> str:
        part = statement.with_only_columns(
            queries.fen(func.sum(queries.credit_sql())), maintain_column_froms=True
        )
        return money(db.session.scalar(part.order_by(None)) or queries.NONE)

    return [
        {"label": _("Open invoices"), "value": count, "note": money(total), "href": url_for("money.invoices", state="open")},
        {"label": _("Bank lines to clear"), "value": _count(bank_queries.waiting()), "href": url_for("money.bank")},
        {"label": _("Unidentified money"), "value": _count(unknown), "note": summed(unknown), "href": url_for("money.receipts", show="unidentified")},
        {"label": _("Credit of payers"), "value": _count(credit), "note": summed(credit), "href": url_for("money.receipts", show="credit")},
        {"label": _("Refunds under way"), "value": _count(queries.refunds(R.REQUESTED, R.APPROVED, R.SENDING)), "href": url_for("money.refunds", state="open")},
        {"label": _("Failed refunds"), "value": _count(queries.failed_refunds()), "href": url_for("money.refunds", state="failed")},
        {"label": _("Disputed payments"), "value": _count(queries.disputes()), "href": url_for("money.online", show="disputes")},
        {"label": _("Payments being processed"), "value": _count(queries.processing()), "href": url_for("money.online", show="attempts")},
    ]  # fmt: skip
