"""A licence as pages show it: where it stands, what comes next and when, what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select

from portal.billing.models import Invoice, InvoiceLine
from portal.core import clock, i18n
from portal.core.db import db
from portal.core.words import moment
from portal.services.licences import plans
from portal.services.licences.judge import Ask, Verdict, judge, limit_at
from portal.services.licences.kinds import BORROWED, Code, Stage
from portal.services.licences.locking import facts_of
from portal.services.licences.models.licence import Hold, Licence, LicenceState, LicenceTerm
from portal.services.licences.models.node import Node
from portal.services.licences.seats import NEAR

S = LicenceState


@dataclass(frozen=True, slots=True)
class Shown:
    """A licence with its judgement at an instant, and the sentence of what comes next."""

    row: Licence
    verdict: Verdict
    lasting: int
    next_at: datetime | None
    next_words: str
    alert: bool = False

    @property
    def mark(self) -> Stage | LicenceState:
        """Return what its badge says: its stage while it is active, else what is stored."""
        return self.verdict.stage if self.row.state is S.ACTIVE else self.row.state

    @property
    def near(self) -> bool:
        """Whether most of its nodes are live."""
        return bool(self.verdict.limit) and self.row.live_nodes * 100 >= NEAR * self.verdict.limit

    @property
    def over(self) -> bool:
        """Whether more nodes are live than was bought."""
        return self.row.live_nodes > self.lasting

    @property
    def free(self) -> int:
        """How many nodes may still come."""
        return max(0, self.verdict.limit - self.row.live_nodes)

    @property
    def name(self) -> str:
        """What its owner calls it, else what its plan is called."""
        return self.row.name or plan_name(self.row)


def plan_name(row: Licence) -> str:
    """Return what the plan was called when it was sold."""
    return plans.read(row.sold).words


def shown(row: Licence, now: datetime | None = None) -> Shown:
    """Return a licence as pages show it."""
    at = now or clock.now()
    facts = facts_of(row)
    verdict = judge(facts, Ask(), at)
    lasting = limit_at(facts.terms, at, lasting=True)
    when, words, alert = _next(
        row, verdict, at, [one.start for one in facts.terms if one.kind not in BORROWED]
    )
    return Shown(row, verdict, lasting, when, words, alert)


def _next(
    row: Licence, verdict: Verdict, now: datetime, starts: Sequence[datetime]
) -> tuple[datetime | None, str, bool]:
    """Return when something changes by itself, what, and whether that asks for somebody."""
    if row.final:
        return None, "", False
    if row.state is S.PENDING or verdict.stage is Stage.PENDING:
        return None, _("Begins when its invoice is paid"), False
    if verdict.stage is Stage.NOT_STARTED:
        return min(starts), _("Begins"), False
    if verdict.stage is Stage.GRACE:
        return verdict.over_at, _("Days of grace end: nodes stop then"), True
    if verdict.stage is Stage.EXPIRED:
        return verdict.ends_at, _("Expired"), True
    return verdict.ends_at, _("Ends"), verdict.stage is Stage.EXPIRING


def advice(one: Shown, holds: Sequence[Hold]) -> list[tuple[str, str]]:
    """Return what a person should know at once: a tone and a sentence each."""
    found = [*_of_holds(holds), *_of_stage(one)]
    live, limit = one.row.live_nodes, one.verdict.limit
    if one.row.final or one.verdict.stage in (Stage.PENDING, Stage.NOT_STARTED, Stage.EXPIRED):
        return found
    if limit and live > limit:
        found.append(("bad", _("%(live)s nodes are live and %(limit)s are allowed: those beyond the limit are told to stop. Release some, or tick those that must stay.", live=live, limit=limit)))  # fmt: skip
    elif one.over:
        found.append(("warn", _("More nodes are live than you bought: %(live)s of %(limit)s. They go on for now.", live=live, limit=one.lasting)))  # fmt: skip
    elif live == limit:
        found.append(("warn", _("All %(limit)s nodes are live: the next one is refused.", limit=limit)))
    elif one.near:
        found.append(("info", _("%(live)s of %(limit)s nodes are live.", live=live, limit=limit)))
    return found


def _of_holds(holds: Sequence[Hold]) -> Iterable[tuple[str, str]]:
    chinese, now = i18n.language().startswith("zh"), clock.now()
    for hold in holds:
        words = hold.words_zh if chinese else hold.words_en
        if hold.starts_at > now:
            yield "warn", _("Suspended from %(moment)s unless it is settled before: %(words)s", moment=moment(hold.starts_at), words=words)  # fmt: skip
        else:
            yield "bad", _("Suspended: %(words)s Nodes keep their seats and go on by themselves once this is lifted.", words=words)  # fmt: skip


def _of_stage(one: Shown) -> Iterable[tuple[str, str]]:
    stage, verdict = one.verdict.stage, one.verdict
    if one.row.final:
        return
    if stage is Stage.EXPIRED:
        yield (
            "bad",
            _(
                "The licence has expired: no node may run. Bought again, it wakes with the same keys and nodes."
            ),
        )
    elif stage is Stage.GRACE and verdict.over_at is not None:
        yield "warn", _("The licence has ended. Nodes with a seat go on until %(moment)s; nobody new comes in.", moment=moment(verdict.over_at))  # fmt: skip


def valid(one: Shown) -> bool:
    """Whether its nodes may run at all."""
    return one.verdict.code is Code.NODE_REQUIRED


def is_new(row: Licence) -> bool:
    """Whether no node ever came."""
    return db.session.scalar(select(Node.id).where(Node.licence_id == row.id).limit(1)) is None


def terms_of(row: Licence) -> list[LicenceTerm]:
    """Return the terms of a licence, the newest first."""
    found = select(LicenceTerm).where(LicenceTerm.licence_id == row.id)
    return list(db.session.scalars(found.order_by(LicenceTerm.starts_at.desc(), LicenceTerm.id.desc())))


def invoice_of(term: LicenceTerm) -> Invoice | None:
    """Return the invoice that pays for a term, if the reader may see it; None where nothing was paid."""
    kind, _colon, number = term.source.removeprefix("transfer:").removesuffix(":again").partition(":")
    if kind != "order_line" or not number.isdigit():
        return None
    line = db.session.scalars(select(InvoiceLine).where(InvoiceLine.order_line_id == int(number))).first()
    return None if line is None else line.invoice


def shared_recently(row: Licence) -> int:
    """Return how many live nodes were seen on two machines in the last 30 days."""
    since = clock.now() - timedelta(days=30)
    asked = select(func.count(Node.id)).where(
        Node.licence_id == row.id, Node.released_at.is_(None), Node.shared_at > since
    )
    return db.session.scalar(asked) or 0
