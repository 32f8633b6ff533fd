"""A line agreed in parts: each falls due at once, on a day or at a milestone, and those of one payer are invoiced together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing.instalments import falling_due, issue_instalments, share_discount, sum_up
from portal.billing.models import Instalment, InvoiceLine, OrderLine, Party
from portal.billing.pricing import Taxed, add_tax, split
from portal.billing.subscription_models import DueRule, InstalmentTerm
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
    there = select(Instalment.id).where(Instalment.order_line_id == line.id)
    invoiced = select(InvoiceLine.id).where(InvoiceLine.order_line_id == line.id)
    if any(db.session.scalar(found.limit(1)) for found in (there, invoiced)) or line.printed:
        raise Refused(_l("The parts of this line are agreed already."))
    total = (line.gross if inclusive else line.net).minor
    made = parts_of(total, [share.weight for share in shares], line.tax_bp, inclusive=inclusive)
    rows = []
    for n, (share, part) in enumerate(zip(shares, made, strict=True), 1):
        due = clock.today() if share.rule is DueRule.ISSUE else share.due_on
        if share.rule is DueRule.DATE and due is None:
            raise Refused(_l("Please say on which day the part falls due."), status=422)
        row = Instalment(
            order_line=line,
            n=n,
            gross=Money(part.gross),
            net=Money(part.net),
            tax=Money(part.tax),
            due_on=due,
        )
        db.session.add_all([row, InstalmentTerm(instalment=row, rule=share.rule, milestone=share.milestone)])
        rows.append(row)
    share_discount(line, rows)
    sum_up(line, rows)
    return rows


def reach(row: Instalment, *, on: date, by: Person | str) -> None:
    """Note that the milestone of a part is reached: it falls due that day."""
    term = db.session.scalars(select(InstalmentTerm).where(InstalmentTerm.instalment_id == row.id)).first()
    if term is None or term.rule is not DueRule.MILESTONE or row.due_on is not None:
        raise Refused(_l("This part does not wait for a milestone."))
    row.due_on = on
    audit.record("instalment.reached", row, by=by, milestone=term.milestone, on=on)


def of_line(line: OrderLine) -> list[Instalment]:
    """Return the parts of a line in order."""
    rows = select(Instalment).where(Instalment.order_line_id == line.id).order_by(Instalment.n)
    return list(db.session.scalars(rows))


def _collect(party_id: int) -> int:
    with transaction():
        party = db.session.scalars(select(Party).where(Party.id == party_id).with_for_update(of=Party)).one()
        rows = falling_due(clock.today()).get(party.id, [])
        if rows:
            language = party.person.language if party.person is not None else "zh_Hans_CN"
            issue_instalments(rows, language=language, by="instalments")
        return len(rows)


def sweep() -> int:
    """Invoice what is due, the parts of one payer together; return how many parts were invoiced."""
    with reading():
        parties = sorted(falling_due(clock.today()))
    return sum(patiently(partial(_collect, party)) for party in parties)
