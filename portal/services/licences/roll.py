"""All licences as staff look through them: where each stands now, and what about it asks for somebody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from portal.accounts.organisations import Organisation
from portal.core import clock
from portal.core.db import db
from portal.services.licences.judge import Ask as Asked
from portal.services.licences.judge import Facts, Span, Verdict, judge, limit_at
from portal.services.licences.kinds import Stage
from portal.services.licences.locking import span
from portal.services.licences.models.licence import Licence, LicenceState, LicenceTerm
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceFile
from portal.services.licences.seats import NEAR

SHARED_WITHIN = timedelta(days=30)
FLAGS = ("near", "over", "shared", "beyond")


@dataclass(frozen=True, slots=True)
class Line:
    """A licence on the list: its judgement, live nodes on two machines, the end of its last file."""

    row: Licence
    verdict: Verdict
    lasting: int
    shared: int
    last_file: datetime | None
    now: datetime

    @property
    def mark(self) -> Stage | LicenceState:
        """Return what its badge says."""
        return self.verdict.stage if self.row.state is LicenceState.ACTIVE else self.row.state

    @property
    def near(self) -> bool:
        """Whether most of its nodes are live."""
        return bool(self.verdict.limit) and self.row.live_nodes * 100 >= NEAR * self.verdict.limit

    @property
    def over(self) -> bool:
        """Whether more nodes are live than was bought."""
        return self.row.live_nodes > self.lasting

    @property
    def beyond(self) -> bool:
        """Whether a file runs on though the licence does not: after its end, suspended, or revoked."""
        if self.last_file is None or self.last_file <= self.now:
            return False
        stopped = self.row.state is not LicenceState.ACTIVE or self.verdict.stage is Stage.EXPIRED
        return stopped or (self.verdict.ends_at is not None and self.last_file > self.verdict.ends_at)

    def has(self, flag: str) -> bool:
        """Whether one of the flags of the list holds."""
        return {"near": self.near, "over": self.over, "shared": self.shared > 0, "beyond": self.beyond}[flag]


def lines(*, q: str = "", plan: str = "", now: datetime | None = None) -> list[Line]:
    """Return every licence whose organisation, name or id has these words, the newest first, in four statements."""
    at = now or clock.now()
    found = select(Licence).join(Organisation, Licence.org_id == Organisation.id)
    if q:
        words = (Organisation.legal_name, Licence.name, Licence.uid)
        found = found.where(or_(*(one.icontains(q, autoescape=True) for one in words)))
    if plan:
        found = found.where(Licence.plan == plan)
    rows = list(db.session.scalars(found.order_by(Licence.id.desc())))
    terms, shared, files = _terms(), _shared(at), _last_files(at)
    return [_line(row, terms.get(row.id, ()), shared.get(row.id, 0), files.get(row.id), at) for row in rows]


def _line(row: Licence, terms: Sequence[Span], shared: int, last: datetime | None, at: datetime) -> Line:
    facts = Facts(row.state.value, row.policy, row.warn_days, row.live_nodes, terms=tuple(terms))
    return Line(row, judge(facts, Asked(), at), limit_at(terms, at, lasting=True), shared, last, at)


def _terms() -> dict[int, list[Span]]:
    found: dict[int, list[Span]] = defaultdict(list)
    for term in db.session.scalars(select(LicenceTerm).order_by(LicenceTerm.id)):
        found[term.licence_id].append(span(term))
    return found


def _shared(at: datetime) -> dict[int, int]:
    seen = select(Node.licence_id, func.count(Node.id)).where(
        Node.released_at.is_(None), Node.shared_at > at - SHARED_WITHIN
    )
    return dict(db.session.execute(seen.group_by(Node.licence_id)).all())


def _last_files(at: datetime) -> dict[int, datetime]:
    last = select(LicenceFile.licence_id, func.max(LicenceFile.expires_at)).where(
        LicenceFile.returned_at.is_(None), LicenceFile.expires_at > at
    )
    return dict(db.session.execute(last.group_by(LicenceFile.licence_id)).all())


def narrowed(rows: Iterable[Line], *, mark: str, flag: str) -> list[Line]:
    """Return the lines with one badge and one flag; an empty one is not asked."""
    return [
        one for one in rows if (not mark or one.mark.value == mark) and (flag not in FLAGS or one.has(flag))
    ]
