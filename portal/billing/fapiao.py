"""Fapiao by their verbs: asked for within what was paid, issued outside, recorded here, taken back by red letter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing import fapiao_letters, ledger, receipt_papers
from portal.billing.events import CreditNoteIssued, InvoiceReversed
from portal.billing.fapiao_models import COUNTS, Fapiao, FapiaoKind, FapiaoPart, FapiaoState
from portal.billing.issuing import allocated, locked, owed
from portal.billing.models import Invoice, InvoiceState, Party
from portal.billing.profile_checks import FAPIAO_FIELDS, missing_for, number_for
from portal.core import audit, catalogue, clock, labels
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.files import Content, StoredFile
from portal.core.money import Money
from portal.core.states import move

NONE = Money(0)
F = FapiaoState


@dataclass(frozen=True, slots=True)
class Issued:
    """What the tax system gave: number, day, and the file if there is one."""

    number: str
    day: date
    content: Content | None = None
    name: str = ""


def worth(invoice: Invoice) -> Money:
    """Return what an invoice stands for after its credit notes: what is owed and what was paid."""
    return owed(invoice) + allocated(invoice)


def taken(invoice: Invoice, *states: FapiaoState) -> Money:
    """Return for how much of an invoice there are fapiaos, asked for or issued."""
    total = db.session.scalar(
        select(func.coalesce(func.sum(FapiaoPart.amount), 0))
        .join(Fapiao)
        .where(FapiaoPart.invoice_id == invoice.id, Fapiao.state.in_(states or COUNTS))
    )
    return total if isinstance(total, Money) else Money(int(total or 0))


def limit_of(invoice: Invoice) -> Money:
    """Return for how much of an invoice a fapiao can still be asked: settled − already issued, never below zero."""
    if invoice.state in {InvoiceState.DRAFT, InvoiceState.VOID}:
        return NONE
    return max(_most(invoice) - taken(invoice), NONE)


def _most(invoice: Invoice) -> Money:
    early = bool(catalogue.policy("fapiao.before_payment"))
    most, cap = worth(invoice) if early else allocated(invoice), receipt_papers.fapiao_cap(invoice)
    return most if cap is None else min(most, cap)


def of_invoice(invoice: Invoice) -> list[Fapiao]:
    """Return the fapiaos that name an invoice, the newest first."""
    statement = select(Fapiao).join(FapiaoPart).where(FapiaoPart.invoice_id == invoice.id)
    return list(db.session.scalars(statement.order_by(Fapiao.id.desc())))


def outstanding(invoice: Invoice) -> bool:
    """Whether a fapiao, or a red letter, of an invoice is still to be issued: the payer waits for it."""
    statement = (
        select(FapiaoPart.id)
        .join(Fapiao)
        .where(FapiaoPart.invoice_id == invoice.id, Fapiao.state.in_([F.REQUESTED, F.RED_REQUESTED]))
    )
    return db.session.scalar(statement.limit(1)) is not None


def request_fapiao(
    party: Party, parts: Mapping[int, Money], *, kind: FapiaoKind, by: Person, note: str = ""
) -> Fapiao:
    """Ask for one fapiao over parts of a party's invoices (by id); the profile of today is kept with it.

    `Refused` when a part is more than its invoice's limit, or the profile lacks what the kind needs.
    """
    if not parts or any(part <= NONE for part in parts.values()):
        raise Refused(_l("Please give at least one sum above zero."), status=422)
    said = _details(party, kind)
    row = Fapiao(
        party=party, kind=kind, title=said["title"], tax_number=said["tax_number"], address=said["address"],
        telephone=said["telephone"], bank=said["bank"], bank_account=said["bank_account"],
        amount=sum(parts.values(), NONE), by=by, note=note,
    )  # fmt: skip
    db.session.add(row)
    for number in sorted(parts):  # in one order for everybody, so that two requests never wait for each other
        invoice = locked(number)
        if invoice.party_id != party.id:
            raise Refused(_l("These invoices belong to different payers."), status=422)
        _yields_one(invoice)
        if parts[number] > limit_of(invoice):
            raise Refused(
                _l("The fapiao would be more than was paid and has none yet: %(number)s.", number=invoice.number),
                status=422,
            )  # fmt: skip
        db.session.add(FapiaoPart(fapiao=row, invoice=invoice, amount=parts[number]))
        db.session.flush()
    numbers = [part.invoice.number for part in row.parts]
    _note("fapiao.requested", row, by, amount=row.amount, kind=kind, invoices=numbers)
    return row


def _yields_one(invoice: Invoice) -> None:
    """Refuse an invoice whose payer gets a receipt instead, by the price of what was sold."""
    paper = receipt_papers.receipt_of(invoice)
    if paper is not None and receipt_papers.fapiao_cap(invoice) == NONE:
        raise Refused(
            _l(
                "For invoice %(number)s you get this paper instead of a fapiao: %(paper)s. You find it on the invoice's page.",
                number=invoice.number, paper=labels.label(paper),
            ),
            status=422,
        )  # fmt: skip


def _details(party: Party, kind: FapiaoKind) -> dict[str, str]:
    details = {name: str(getattr(party, name)).strip() for name in FAPIAO_FIELDS}
    if missing := missing_for(party, special=kind is FapiaoKind.SPECIAL):
        words = ", ".join(str(one) for one in missing)
        raise Refused(_l("The invoice details lack: %(fields)s.", fields=words), status=422)
    details["tax_number"] = number_for(party, details["tax_number"])
    return details


def _held(row: Fapiao) -> Fapiao:
    return db.session.scalars(
        select(Fapiao)
        .where(Fapiao.id == row.id)
        .with_for_update(of=Fapiao)
        .execution_options(populate_existing=True)
    ).one()


def _note(verb: str, row: Fapiao, by: Person | str, **detail: object) -> None:
    """Note a deed on the fapiao, and on each invoice it names."""
    org_id = row.party.org_id
    audit.record(verb, row, by=by, org_id=org_id, **detail)
    for part in row.parts:
        more = {name: value for name, value in detail.items() if name != "invoices"}
        audit.record(verb, part.invoice, by=by, org_id=org_id, **{**more, "amount": part.amount})


def withdraw(fapiao: Fapiao, *, by: Person) -> None:
    """Take one's own request back while it waits."""
    row = _held(fapiao)
    move(row, F.WITHDRAWN)
    _note("fapiao.withdrawn", row, by, amount=row.amount)


def reject(fapiao: Fapiao, *, by: Person | str, reason: str) -> None:
    """Decline a request with the reason, which its payer reads."""
    row = _held(fapiao)
    move(row, F.REJECTED)
    row.reason = reason
    _note("fapiao.rejected", row, by, amount=row.amount, reason=reason)
    fapiao_letters.rejected(row)


def _stored(given: Issued, party: Party) -> StoredFile | None:
    if given.content is None:
        return None
    return StoredFile(
        sha256=given.content.sha256, name=given.name, media_type=given.content.media_type,
        size=given.content.size, purpose="fapiao", org_id=party.org_id, person_id=party.person_id,
    )  # fmt: skip


def _new_number(number: str) -> str:
    clean = "".join(number.split())
    same = select(Fapiao.id).where((Fapiao.number == clean) | (Fapiao.red_number == clean))
    if db.session.scalar(same) is not None:
        raise Refused(_l("This fapiao number is recorded already."), field="number", status=422)
    return clean


def record_issue(fapiao: Fapiao, given: Issued, *, by: Person) -> None:
    """Record what the tax system issued for a request; the payer gets a mail. Checks the limit once more."""
    ledger.refuse_future(given.day)
    row = _held(fapiao)
    number = _new_number(given.number)
    move(row, F.ISSUED)
    for part in sorted(row.parts, key=lambda one: one.invoice_id):
        if _over(locked(part.invoice_id)):
            raise Refused(_l("The money for this fapiao is gone again. Decline the request instead."))
    row.number, row.issued_on, row.file = number, given.day, _stored(given, row.party)
    db.session.flush()
    _note("fapiao.issued", row, by, amount=row.amount, fapiao_number=number)
    fapiao_letters.issued(row)


def _over(invoice: Invoice) -> bool:
    """Whether the fapiaos of an invoice are more than they may be by now."""
    return taken(invoice) > _most(invoice)


def record_red(fapiao: Fapiao, given: Issued, *, by: Person) -> None:
    """Record the red letter that takes an issued fapiao back; its sum can be asked for anew."""
    ledger.refuse_future(given.day)
    row = _held(fapiao)
    number = _new_number(given.number)
    move(row, F.RED_ISSUED)
    row.red_number, row.red_on, row.red_file = number, given.day, _stored(given, row.party)
    db.session.flush()
    _note("fapiao.red_issued", row, by, amount=row.amount, fapiao_number=number)
    fapiao_letters.taken_back(row)


def ask_red(fapiao: Fapiao, *, by: Person | str, reason: str) -> None:
    """Open the task of taking an issued fapiao back by red letter."""
    row = _held(fapiao)
    move(row, F.RED_REQUESTED)
    row.red_reason, row.red_since = reason, clock.now()
    _note("fapiao.red_requested", row, by, amount=row.amount, reason=reason)


def red_letter_due(invoice: Invoice, *, by: Person | str, reason: str) -> list[Fapiao]:
    """After a credit note: call back as many fapiaos of an invoice, newest first, as stand for more than is left.

    A request that still waits is declined, an issued one becomes a red-letter task. Returns what was called back.
    """
    row = locked(invoice.id)
    left, called = worth(row), []
    for state, call in ((F.REQUESTED, reject), (F.ISSUED, ask_red)):
        for fapiao in of_invoice(row):
            if fapiao.state is state and taken(row, F.REQUESTED, F.ISSUED) > left:
                call(fapiao, by=by, reason=reason)
                db.session.flush()
                called.append(fapiao)
    return called


def on_credit_note(event: CreditNoteIssued) -> None:
    """A credit note took something back: whatever fapiao stood for it is called back too."""
    words = _l("Credit note %(number)s", number=event.note.number)
    for one in event.note.shares:
        red_letter_due(one.invoice, by="credit note", reason=str(words))


def on_reversed(event: InvoiceReversed) -> None:
    """An invoice was voided: requests fall away; once a fapiao is issued it takes a credit note instead."""
    if event.invoice.state is not InvoiceState.VOID:
        return
    found = of_invoice(event.invoice)
    if any(one.state in {F.ISSUED, F.RED_REQUESTED} for one in found):
        raise Refused(_l("A fapiao was issued for this invoice: it takes a credit note and a red letter."))
    for one in found:
        if one.state is F.REQUESTED:
            reject(one, by="voiding", reason=str(_l("The invoice was voided.")))


def mark_exported(rows: Iterable[Fapiao], *, by: Person) -> None:
    """Note that requests went into a file for the tax system."""
    for row in rows:
        row.exported_at = clock.now()
        audit.record("fapiao.exported", row, by=by, org_id=row.party.org_id)
