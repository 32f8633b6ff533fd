"""Gathers the forecast of a year: what is earned, planned, signed, may be renewed, and is under way, as known on a day."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from portal.billing import months
from portal.billing.catalogue import price_of
from portal.billing.price_models import MONTHS
from portal.billing.quote_models import QuoteState
from portal.core import catalogue
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import half_up
from portal.core.periods import nth
from portal.members.models import Application, ApplicationState, Kind
from portal.reports import holders
from portal.reports import known as catalogue_of
from portal.reports.goals.forecast import (
    DAY,
    Forecast,
    Item,
    items,
    of_year,
    probability,
    slices,
)
from portal.reports.income.books import Books
from portal.reports.movement import Window, renewals
from portal.reports.recurring import running
from portal.services.engagements.models import DONE, Milestone
from portal.services.quotes.models import QuoteFor, ServiceQuote, ServiceQuoteLine

FIRST = date(2000, 1, 1)
JOINING = timedelta(days=30)  # from where an application stands to the day its dues begin
A = ApplicationState
STAGES = {
    A.SUBMITTED: "application.submitted", A.IN_REVIEW: "application.in_review", A.INFO_REQUESTED: "application.in_review",
    A.APPROVED: "application.approved",
}  # fmt: skip


class Gatherer:
    """Puts the items of one year together; everything lies within `[since, until)` but what is earned already."""

    def __init__(self, books: Books, year: int) -> None:
        self.books, self.facts, self.known = books, books.facts, books.said.known
        self.first, self.until = date(year, 1, 1), date(year + 1, 1, 1)
        self.through = min(self.known, self.until - DAY)
        self.since = max(self.through + DAY, self.first)
        self.made = Forecast(year, self.through)

    def _month(self, day: date) -> date | None:
        """Return the month of the year in which something of a day falls; what is late falls into the running one."""
        month = months.first_of(max(day, self.through))
        return month if self.first <= month < self.until else None

    def earned(self) -> None:
        """Take what is recognised, by month and stream."""
        for (month, stream), amount in sorted(
            self.books.by("recognised", lambda one: (one.month, one.stream)).items()
        ):
            self.made.items += items("recognised", stream, [(month, amount)])

    def planned(self) -> None:
        """Take what plans of invoiced lines date into the rest of the year."""
        for line, plan in sorted(self.facts.plans.items()):
            parts, month = [], months.first_of(self.since)
            while month < self.until:
                first, last = max(month, self.since) - DAY, months.last_of(month)
                amount = sum(part.earned_by(last) - part.earned_by(first) for part in plan)
                parts.append((month, amount))
                month = months.following(month)
            self.made.items += self._of_line("scheduled", line, parts)

    def _of_line(
        self, band: str, line: int, parts: list[tuple[date, int]], *, percent: int = 100
    ) -> list[Item]:
        sold = self.facts.sold[line]
        return items(band, sold.stream, parts, percent=percent, line=line, party=sold.party_id)

    def signed(self) -> None:
        """Take what was signed and is dated, and neither planned nor earned: milestones, periods not invoiced, units with an end."""
        taken: dict[int, int] = defaultdict(int)
        for one in self.books.flows.agreed(date.min, self.known):
            taken[one.line_id] += one.amount
        dated = self._milestones()
        for line in sorted(taken):
            sold = self.facts.sold[line]
            left = taken[line] - sum(part.earned_by(date.max) for part in self.facts.plans.get(line, ()))
            if left <= 0:
                continue
            parts: list[tuple[date, int]] = []
            if sold.method == "milestone":
                parts = _held(dated.get(line, []), left)
            elif sold.method == "daily" and sold.period is not None:
                start, end = sold.period
                parts = (
                    slices(left, max(start, self.since), end, self.since, self.until)
                    if end > self.since
                    else []
                )
            elif sold.period is not None and (month := self._month(sold.period[1] - DAY)) is not None:
                parts = [(month, left)]
            self.made.items += self._of_line("committed", line, parts)

    def _milestones(self) -> dict[int, list[tuple[date, int]]]:
        """Return the milestones not accepted with a day, by line: in which month, and how much."""
        found: dict[int, list[tuple[date, int]]] = defaultdict(list)
        rows = db.session.execute(
            select(Milestone.order_line_id, Milestone.percent, Milestone.planned_on, Milestone.promised_on)
            .where(Milestone.state.not_in(DONE))
            .order_by(Milestone.id)
        )
        for line, percent, planned, promised in rows:
            day = planned or promised
            month = self._month(day) if day is not None else None
            if month is not None and line in self.facts.sold:
                found[line].append((month, half_up(self.facts.sold[line].net * percent, 100)))
        return found

    def renewed(self, percent: int) -> None:
        """Take the terms that end within the rest of the year and are not followed yet, at what they are worth a year."""
        runs = running.runs(self.known)
        for one in runs:
            if one.last is not None or not self.since < one.end < self.until:
                continue
            if any(
                other.customer == one.customer and other.stream == one.stream and other.covers(one.end)
                for other in runs
            ):
                continue
            # A founder's next term is no longer waived: it counts at its list price.
            worth = one.yearly or self.facts.sold[one.line].waived
            parts = of_year(worth, one.end, self.since, self.until)
            self.made.items += self._of_line("renewals", one.line, parts, percent=percent)

    def under_way(self) -> None:
        """Take quotes and applications at the probability of their stage."""
        for line in db.session.scalars(_open_lines()):
            quote, price = line.quote, line.price
            signed = max(quote.expires_on or self.known, self.since)
            length = MONTHS[price.interval]
            if price.product.recognition == "daily" and length:
                parts = of_year(line.net.minor, line.starts or signed, self.since, self.until, months=length)
            else:
                month = self._month(signed)
                parts = [(month, line.net.minor)] if month is not None else []
            self._pipe(
                f"quote.{quote.state.value}",
                price.product.stream,
                parts,
                party=quote.party_id,
                words=quote.number,
            )
        statement = select(Application).where(
            Application.kind == Kind.JOIN, Application.state.in_(list(STAGES)), ~Application.founding
        )
        for row in db.session.scalars(statement.order_by(Application.id)):
            if (worth := _dues(row.tier)) is not None:
                parts = of_year(worth, max(self.known + JOINING, self.since), self.since, self.until)
                self._pipe(STAGES[row.state], "dues", parts, words=row.org.name)

    def _pipe(
        self, stage: str, stream: str, parts: list[tuple[date, int]], *, party: int = 0, words: str = ""
    ) -> None:
        body = catalogue_of.entries("pipeline_stage", self.known).get(stage)
        if body is not None and int(body["percent"]) > 0:
            said = f"{catalogue.in_words(body['name'])}: {words}"
            self.made.items += items(
                "pipeline", stream, parts, percent=int(body["percent"]), party=party, words=said
            )


def _held(parts: list[tuple[date, int]], most: int) -> list[tuple[date, int]]:
    """Return parts in order of their months that come to no more than what is left of the line."""
    found = []
    for month, amount in sorted(parts):
        took = min(amount, most)
        most -= took
        found.append((month, took))
    return found


def _open_lines() -> Select[ServiceQuoteLine]:
    open_states = (QuoteState.DRAFT, QuoteState.IN_APPROVAL, QuoteState.SENT)
    return (
        select(ServiceQuoteLine)
        .join(ServiceQuote, ServiceQuote.id == ServiceQuoteLine.quote_id)
        .where(ServiceQuote.state.in_(open_states), ServiceQuote.kind != QuoteFor.RENEWAL)
        .options(joinedload(ServiceQuoteLine.quote), joinedload(ServiceQuoteLine.price))
        .order_by(ServiceQuoteLine.id)
    )


def _dues(tier: str) -> int | None:
    """Return the dues of a tier for a year, net; None where it has no price."""
    body = catalogue.entries("tier").get(tier)
    if body is None or not body.get("product"):
        return None
    try:
        price = price_of(str(body["product"]))
    except Refused:
        return None
    worth = price.figures(price.amount).net
    return half_up(worth * 12, price.months) if price.months else worth


def renewal_percent(known: date) -> tuple[int, bool, int]:
    """Return the probability of a renewal in per cent, whether it is our own, and from how many renewals it would be."""
    found = holders.holders(known=months.end_of(known))
    window = Window(FIRST, known + DAY, 0, known, {})
    due, followed = renewals(found, window)
    least = int(catalogue_of.policy("forecast.own_renewals", known))
    percent, own = probability(
        len(followed),
        len(due),
        least=least,
        otherwise=int(catalogue_of.policy("forecast.renewal_percent", known)),
    )
    return percent, own, len(due)


def forecast(books: Books, year: int, percent: int) -> Forecast:
    """Return the forecast of a year; `books` are those of the whole year."""
    made = Gatherer(books, year)
    made.earned()
    if made.since < made.until:
        made.planned()
        made.signed()
        made.renewed(percent)
        made.under_way()
    return made.made


def year_of(books_of: date) -> tuple[date, date]:
    """Return the fiscal year `[start, end)` of a day: the calendar year."""
    start = books_of.replace(month=1, day=1)
    return start, nth(start, 12, 1)
