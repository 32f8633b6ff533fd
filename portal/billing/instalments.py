"""A line invoiced in parts: the parts make the line, and what falls due together goes on one invoice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts.people import Person
from portal.billing.issuing import issue_invoice
from portal.billing.models import Invoice, Order, OrderLine, Party
from portal.billing.pricing import Taxed, add_tax, split
from portal.billing.selling import Part
from portal.billing.subscription_models import DueRule, Instalment
from portal.core import audit, clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money, spread
from portal.core.retry import patiently


@dataclass(frozen=True, slots=True)
class Share:
    """One part to be agreed: its weight, and when it falls due."""

    weight: int
    rule: DueRule = DueRule.ISSUE
    due_on: date | None = None
    milestone: str = ""


def parts_of(total: int, weights: Sequence[int], bp: int | None, *, inclusive: bool = True) -> list[Taxed]:
    """Divide an amount in the price's own terms; each part is taxed by itself (billing.md example 6)."""
    taxed = split if inclusive else add_tax
    return [taxed(part, bp or 0) for part in spread(total, weights)]


def in_instalments(line: OrderLine, shares: Sequence[Share], *, inclusive: bool = True) -> list[Instalment]:
    """Agree on the parts of a line that is not invoiced yet; from here on its net is the sum of theirs."""
    if not shares or any(share.weight < 1 for share in shares):
        raise Refused(_l("Each part must be something."), status=422)
    if db.session.scalar(select(Instalment.id).where(Instalment.order_line_id == line.id).limit(1)):
        raise Refused(_l("The parts of this line are agreed already."))
    total = (line.gross if inclusive else line.net).minor
    made = parts_of(total, [share.weight for share in shares], line.tax_bp, inclusive=inclusive)
    rows = [
        Instalment(
            order_line=line, n=n, rule=share.rule, gross=Money(part.gross), net=Money(part.net),
            tax=Money(part.tax), due_on=share.due_on, milestone=share.milestone,
        )
        for n, (share, part) in enumerate(zip(shares, made, strict=True), 1)
    ]  # fmt: skip
    db.session.add_all(rows)
    whole = sum(made, Taxed(0, 0, 0))
    line.list_amount = Money(whole.gross) + line.discount
    line.gross, line.net, line.tax = Money(whole.gross), Money(whole.net), Money(whole.tax)
    db.session.flush()
    return rows


def reach(row: Instalment, *, on: date, by: Person | str) -> None:
    """Note that the milestone of a part is reached: it falls due that day."""
    if row.rule is not DueRule.MILESTONE or row.due_on is not None:
        raise Refused(_l("This part does not wait for a milestone."))
    row.due_on = on
    audit.record("instalment.reached", row, by=by, milestone=row.milestone, on=on)


def _part(row: Instalment) -> Part:
    line, share = row.order_line, f" {row.n}"
    words = {"en": f"{line.words['en']}, instalment{share}", "zh": f"{line.words['zh']}（第{share} 期）"}
    discount = Money(0)
    if line.discount:
        first = [one for one in of_line(line) if one.n <= row.n]
        cuts = spread(line.discount.minor, [one.gross.minor or 1 for one in of_line(line)])
        discount = Money(cuts[len(first) - 1])
    return Part(line, row.gross, row.net, row.tax, row.gross + discount, discount, words, line.discount_words)


def of_line(line: OrderLine) -> list[Instalment]:
    """Return the parts of a line in order."""
    return list(
        db.session.scalars(
            select(Instalment).where(Instalment.order_line_id == line.id).order_by(Instalment.n)
        )
    )


def invoice_together(rows: Sequence[Instalment], *, language: str, by: Person | str) -> Invoice:
    """Put parts of one party that are due on one invoice."""
    parties = {row.order_line.order.party_id for row in rows}
    if len(parties) != 1 or any(row.invoice_id is not None for row in rows):
        raise Refused(_l("These parts do not go on one invoice."))
    order = rows[0].order_line.order
    invoice = issue_invoice(
        order, language=language, by=by, parts=[_part(row) for row in rows],
        subject=f"instalment:{rows[0].id}",
    )  # fmt: skip
    for row in rows:
        row.invoice = invoice
    db.session.flush()
    return invoice


def _due_parts() -> Select[Instalment]:
    """Select the parts that are due and not invoiced, oldest first."""
    return (
        select(Instalment)
        .join(Instalment.order_line)
        .join(OrderLine.order)
        .where(
            Instalment.invoice_id.is_(None),
            (Instalment.due_on <= clock.today()) | (Instalment.rule == DueRule.ISSUE),
        )
        .order_by(Instalment.id)
    )


def _due() -> list[int]:
    """Return the parties of which something is due."""
    statement = _due_parts().with_only_columns(Order.party_id).order_by(None).distinct()
    with reading():
        return sorted(db.session.scalars(statement))


def _collect(party_id: int) -> int:
    with transaction():
        party = db.session.scalars(select(Party).where(Party.id == party_id).with_for_update(of=Party)).one()
        rows = db.session.scalars(_due_parts().where(Order.party_id == party.id)).all()
        if rows:
            invoice_together(rows, language=_language(party), by="instalments")
        return len(rows)


def _language(party: Party) -> str:
    holder = party.person
    return holder.language if holder is not None else "zh_Hans_CN"


def sweep() -> int:
    """Invoice what is due, the parts of one party together; return how many parts were invoiced."""
    return sum(patiently(partial(_collect, party)) for party in _due())
