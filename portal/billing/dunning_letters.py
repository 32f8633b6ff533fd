"""The words of reminders: one mail per payer with all that is owed, read from the books in the moment of sending."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import ladder
from portal.billing.dunning import held_by, last_place
from portal.billing.dunning_models import DunningNotice, NoticeState
from portal.billing.issuing import locked, owed
from portal.billing.letters import payers
from portal.billing.models import Invoice, Party
from portal.core import clock, mail, outbox, web, words
from portal.core.db import db
from portal.core.mail import Letter
from portal.core.money import Money
from portal.core.states import move


@dataclass(frozen=True, slots=True)
class Debt:
    """One line of a reminder."""

    number: str
    uid: str
    owed: Money
    due_on: date
    action: str


@outbox.handles("dunning", _l("Payment reminder"))
def _words(item: outbox.Claim) -> outbox.Finish:
    def finish() -> None:
        send(int(item.payload["party"]), key=item.key)

    return finish


def send(party_id: int, *, key: str) -> None:
    """Mail one payer what still waits to be said, in the present transaction; what was paid meanwhile falls away."""
    waiting = select(DunningNotice.id, DunningNotice.invoice_id).join(
        Invoice, Invoice.id == DunningNotice.invoice_id
    )
    rows = db.session.execute(
        waiting.where(
            Invoice.party_id == party_id,
            DunningNotice.state == NoticeState.WAITING,
            DunningNotice.words_on <= clock.today(),
        ).order_by(DunningNotice.invoice_id, DunningNotice.place)
    ).all()
    debts = [debt for number, invoice_id in rows if (debt := _debt(number, locked(invoice_id))) is not None]
    if not debts:
        return
    party = db.session.get_one(Party, party_id)
    for person in payers(party):
        mail.send(
            f"{key}:{person.uid}", person.email, person.name, person.language, lambda: letter(debts),
            topic=party.subject,
        )  # fmt: skip


def _debt(number: int, invoice: Invoice) -> Debt | None:
    """Settle what becomes of one notice: mailed with the balance of this moment, or dropped."""
    notice = db.session.get_one(DunningNotice, number, populate_existing=True)
    if notice.state is not NoticeState.WAITING:
        return None
    balance = owed(invoice)
    if not balance or held_by(invoice) is not None or last_place(invoice) > notice.place:
        move(notice, NoticeState.DROPPED)
        return None
    move(notice, NoticeState.SENT)
    notice.balance, notice.sent_at = balance, clock.now()
    return Debt(
        str(invoice.number), invoice.uid, balance, invoice.due_on or clock.today(), notice.action
    )  # fmt: skip


def letter(debts: list[Debt]) -> Letter:
    """Return the reminder: what is owed in all, each invoice with its due day, and what follows."""
    total = sum((debt.owed for debt in debts), Money(0))
    late = any(debt.due_on < clock.today() for debt in debts)
    title = (
        _("Reminder: %(sum)s is overdue", sum=words.money(total))
        if late
        else _("Soon due: %(sum)s", sum=words.money(total))
    )
    lines = [
        _("%(number)s: %(sum)s, due %(day)s", number=debt.number, sum=words.money(debt.owed), day=words.day(debt.due_on))
        for debt in debts
    ]  # fmt: skip
    first = (
        _("Please pay the following; if you have done so already, nothing is left for you to do.")
        if late
        else _("The following is due soon. Nothing is wrong; this is only a notice.")
    )
    if len(debts) > 1:
        lines.append(_("Together: %(sum)s", sum=words.money(total)))
    one = debts[0].uid if len(debts) == 1 else None
    where = (
        web.absolute("billing.invoice", uid=one) if one else web.absolute("billing.invoices", state="open")
    )
    button = (_("See and pay the invoice") if one else _("See the open invoices"), where)
    return Letter(title, (first, *lines, *_follows(debts)), button=button)


def _follows(debts: list[Debt]) -> list[str]:
    actions = {debt.action for debt in debts}
    if ladder.PROPOSE_BLOCK in actions:
        return [
            _(
                "If nothing arrives we may have to pause your service. Please write to us if something is unclear."
            )
        ]
    if ladder.BLOCK_CHANGES in actions:
        return [_("Until it is paid, changes such as upgrades and new orders have to wait.")]
    return []
