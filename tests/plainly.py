"""Random past books, and what they come to worked out plainly: day by day, from the file alone, without the portal."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

DAY = timedelta(days=1)
FIRST = date(2025, 9, 1)
STREAMS = {
    "dues": "dues", "support": "service", "adaptation": "service", "certification": "service", "licence": "service",
    "sponsorship": "ecosystem", "report": "ecosystem", "commission": "ecosystem",
}  # fmt: skip
Sums = dict[Any, int]


def half_up(n: int, d: int) -> int:
    size = (2 * abs(n) + d) // (2 * d)
    return size if n >= 0 else -size


def first_of(day: date) -> date:
    return day.replace(day=1)


def following(month: date) -> date:
    return first_of(month.replace(day=1) + timedelta(days=32))


def random_books(seed: int, *, until: date, size: int = 36, mark: str = "") -> dict[str, Any]:
    """Return a file of books whose facts lie between autumn 2025 and a day; `mark` keeps two files' names apart."""
    dice = random.Random(seed)
    span = (until - FIRST).days

    def day(least: date = FIRST, most: date = until) -> date:
        return least + timedelta(days=dice.randint(0, max(0, (most - least).days)))

    body: dict[str, Any] = {
        "functional_currency": "CNY", "commission_vat": "0.06", "orders": [], "invoices": [], "credit_notes": [],
        "payments": [], "commission": [], "period_closed_on": {},
        "streams": [{"code": code, "zh": code, "group": group} for code, group in STREAMS.items()],
    }  # fmt: skip
    month = FIRST
    for _n in range(dice.randint(3, 8)):
        body["period_closed_on"][f"{month:%Y-%m}"] = str(
            following(month) + timedelta(days=dice.randint(3, 25))
        )
        month = following(month)
    for n in range(size):
        method = dice.choice(["daily", "daily", "daily", "point", "units", "milestone"])
        issued, net = (
            day(most=until - 2 * DAY),
            dice.choice([1, 7, 99_999, 3_650_000, dice.randint(1, 9_000_000)]),
        )
        bill: dict[str, Any] = {
            "id": f"I{mark}-{n}", "party": f"P{dice.randint(1, 6)}", "stream": dice.choice(list(STREAMS)[:-1]), "issued": str(issued),
            "net": net, "tax": half_up(net * 6, 100), "method": method,
        }  # fmt: skip
        if method == "daily":
            start = issued + timedelta(days=dice.randint(-90, 60))
            bill |= {
                "start": str(start),
                "end": str(start + timedelta(days=dice.choice([0, 29, 212, 364, 365]))),
            }
        elif method == "point":
            bill["delivered"] = str(day(issued - 20 * DAY)) if dice.random() < 0.8 else None
            if not bill["delivered"]:
                del bill["delivered"]
        elif method == "units":
            units = dice.randint(1, 12)
            bill |= {
                "unit_net": net,
                "units": units,
                "net": net * units,
                "tax": half_up(net * units * 6, 100),
            }
            days = sorted(day(issued) for _u in range(dice.randint(0, units)))
            bill["used"] = [{"on": str(one), "units": 1} for one in days]
        else:
            days = sorted(day(issued - 30 * DAY) for _m in range(dice.randint(0, 2)))
            stones = [{"pct": 30, "accepted": str(one)} for one in days]
            bill |= {"contract_net": net * 2, "milestones": [*stones, {"pct": 40, "accepted": None}]}
        if method == "milestone" or dice.random() < 0.7:
            signed = day(issued - 40 * DAY, issued)
            whole = bill.get("contract_net", bill["net"])
            order = {
                "id": f"O{mark}-{n}",
                "party": bill["party"],
                "stream": bill["stream"],
                "signed": str(signed),
                "net": whole,
            }
            if dice.random() < 0.2:
                order["list"] = whole + dice.randint(1, 500_000)
            body["orders"].append(order)
            bill["order"] = order["id"]
        body["invoices"].append(bill)
        _note_and_pay(dice, body, bill, until)
    for n in range(4):
        month = first_of(FIRST + timedelta(days=dice.randint(0, max(1, span - 60))))
        if any(one["month"] == f"{month:%Y-%m}" for one in body["commission"]):
            continue
        known = following(month) + timedelta(days=dice.randint(1, 40))
        if known >= until - DAY:
            continue
        body["commission"].append(
            {"month": f"{month:%Y-%m}", "party": f"P{mark}{n}", "gmv": dice.randint(1, 90_000_000), "rate": "0.0375",
             "known": str(known), "invoiced": str(known + DAY), "invoice": f"C{mark}-{n}"}
        )  # fmt: skip
    return body


def _note_and_pay(dice: random.Random, body: dict[str, Any], bill: dict[str, Any], until: date) -> None:
    issued, gross, taken = date.fromisoformat(bill["issued"]), bill["net"] + bill["tax"], 0
    if bill["method"] == "daily" and dice.random() < 0.5:
        noted = issued + timedelta(days=dice.randint(1, max(1, min(200, (until - issued).days))))
        note: dict[str, Any] = {"id": f"N-{bill['id']}", "invoice": bill["id"], "issued": str(noted)}
        if dice.random() < 0.5:
            cut = dice.randint(1, bill["net"])
            note |= {"reason": "price_adjustment", "net": cut, "tax": half_up(bill["tax"] * cut, bill["net"])}
        else:
            note |= {
                "reason": "termination",
                "effective_end": str(noted + timedelta(days=dice.randint(-40, 40))),
            }
        if noted <= until:
            body["credit_notes"].append(note)
            taken = gross  # what is paid beyond the note would come free: another test has that
    if taken:
        return
    left = gross
    for n in range(dice.randint(0, 2)):
        amount = left if dice.random() < 0.5 else dice.randint(1, left)
        on = issued + timedelta(days=dice.randint(-10, 60))
        if on <= until and amount:
            body["payments"].append(
                {"id": f"R-{bill['id']}-{n}", "invoice": bill["id"], "on": str(on), "amount": amount}
            )
            left -= amount
        if not left:
            break


@dataclass
class Line:
    """One contract line of the file: what it was sold as, and its facts in fen by day."""

    stream: str
    party: str
    signed: date | None
    agreed: list[tuple[date, int]] = field(default_factory=list)  # what was booked, and taken back
    invoiced: list[tuple[date, int, int]] = field(default_factory=list)
    credited: list[tuple[date, int, int]] = field(default_factory=list)
    paid: list[tuple[date, date, int, int]] = field(default_factory=list)  # value date, allocated, gross, net
    waived: int = 0
    # What was earned: day of service, posting month, fen.
    earned: list[tuple[date, date, int]] = field(default_factory=list)


class Plainly:
    """The books of a file to the end of a day, as known on a day."""

    def __init__(self, body: dict[str, Any], end: date, known: date) -> None:
        self.body, self.end, self.known = body, end, known
        self.closed = {
            date.fromisoformat(f"{m}-01"): date.fromisoformat(d) for m, d in body["period_closed_on"].items()
        }
        self.lines: dict[str, Line] = {}
        self.bills: dict[str, tuple[str, date, int, int]] = {}
        for one in body["orders"]:
            signed = date.fromisoformat(one["signed"])
            if signed <= known:
                line = self.line(f"order {one['id']}", one, signed)
                line.agreed.append((signed, one["net"]))
                line.waived = one.get("list", one["net"]) - one["net"]
        for one in body["invoices"]:
            self.invoice(one)
        for one in body["commission"]:
            self.commission(one)
        for one in body["payments"]:
            self.payment(one)

    def line(self, key: str, one: dict[str, Any], signed: date | None = None) -> Line:
        return self.lines.setdefault(key, Line(one["stream"], one["party"], signed))

    def key(self, one: dict[str, Any]) -> str:
        return f"order {one['order']}" if one.get("order") else f"invoice {one['id']}"

    def post(self, line: Line, service: date, recorded: date, fen: int, over: date | None = None) -> None:
        """Earn on a day: posted in the first month from that day's on which was open when the entry was posted."""
        if service > min(self.end, self.known) or recorded > self.known or not fen:
            return
        posted, month = max(recorded, over or service), first_of(service)
        while month in self.closed and posted > self.closed[month]:
            month = following(month)
        line.earned.append((service, month, fen))

    def invoice(self, one: dict[str, Any]) -> None:
        issued, line = date.fromisoformat(one["issued"]), self.line(self.key(one), one)
        note = next((n for n in self.body["credit_notes"] if n["invoice"] == one["id"]), None)
        if issued <= self.known:
            line.invoiced.append((issued, one["net"], one["tax"]))
            self.bills[one["id"]] = (self.key(one), issued, one["net"], one["tax"])
        if one["method"] == "daily":
            self.daily(line, one, issued, note)
        elif one["method"] == "point" and one.get("delivered"):
            day = date.fromisoformat(one["delivered"])
            self.post(line, day, day, one["net"])
        elif one["method"] == "units":
            used = 0
            for use in one["used"]:
                day, was = date.fromisoformat(use["on"]), used
                used += use["units"]
                self.post(
                    line,
                    day,
                    day,
                    half_up(one["net"] * used, one["units"]) - half_up(one["net"] * was, one["units"]),
                )
        elif one["method"] == "milestone":
            done = 0
            for stone in sorted(
                (s for s in one["milestones"] if s["accepted"]), key=lambda s: str(s["accepted"])
            ):
                day, was = date.fromisoformat(stone["accepted"]), done
                done += stone["pct"]
                whole = one["contract_net"]
                self.post(line, day, day, half_up(whole * done, 100) - half_up(whole * was, 100))

    def daily(self, line: Line, one: dict[str, Any], issued: date, note: dict[str, Any] | None) -> None:
        start, last = date.fromisoformat(one["start"]), date.fromisoformat(one["end"])
        net, days = one["net"], (last - start).days + 1
        noted = date.fromisoformat(note["issued"]) if note else None
        if note is not None and noted is not None and noted > self.known:
            note = noted = None

        def whole(day: date) -> int:
            return half_up(net * max(0, min((day - start).days + 1, days)), days)

        cut, stays, rest_days = 0, 0, 1
        if note is not None and noted is not None:
            if note["reason"] == "termination":
                until = date.fromisoformat(note["effective_end"])
                cut, tax = net - whole(until), 0
                tax = half_up(one["tax"] * cut, net)
            else:
                cut, tax = note["net"], note["tax"]
                stays, rest_days = net - whole(noted - DAY), (last - max(noted, start)).days + 1
            line.credited.append((noted, cut, tax))
            if line.signed is not None:
                line.agreed.append((noted, -cut))

        def earned(day: date) -> int:
            """Return what is earned when a day has ended."""
            if note is None or noted is None or day < noted:
                return whole(day)
            if note["reason"] == "termination":
                return min(whole(day), whole(date.fromisoformat(note["effective_end"])))
            left = max(0, stays - cut)
            served = max(0, min((day - max(noted, start)).days + 1, rest_days))
            return (
                whole(noted - DAY) - max(0, cut - stays) + (half_up(left * served, rest_days) if left else 0)
            )

        day, stop = min(start, issued, noted or start), min(self.end, self.known)
        while day <= stop:
            over = min(following(day) - DAY, self.known)
            self.post(
                line, day, issued, earned(day) - earned(day - DAY), over=over if over <= self.end else day
            )
            day += DAY

    def commission(self, one: dict[str, Any]) -> None:
        month, known = date.fromisoformat(f"{one['month']}-01"), date.fromisoformat(one["known"])
        share = half_up(one["gmv"] * 375, 10_000)
        line, last = (
            self.line(f"commission {one['month']}", {"stream": "commission", **one}),
            following(month) - DAY,
        )
        if known <= self.known:
            line.agreed.append((last, share))
            self.post(line, last, known, share)
        issued = date.fromisoformat(one["invoiced"])
        if issued <= self.known:
            line.invoiced.append((issued, share, half_up(share * 6, 100)))

    def payment(self, one: dict[str, Any]) -> None:
        on = date.fromisoformat(one["on"])
        if one["invoice"] not in self.bills:
            return
        key, issued, net, tax = self.bills[one["invoice"]]
        at = max(on, issued)
        if at <= self.known:
            self.lines[key].paid.append(
                (on, at, one["amount"], one["amount"] - half_up(tax * one["amount"], net + tax))
            )

    def flows(self, start: date) -> dict[str, Sums]:
        """Return what moved from a day on, by stream and month."""
        found: dict[str, Sums] = defaultdict(lambda: defaultdict(int))

        def add(code: str, line: Line, day: date, fen: int) -> None:
            if start <= day <= self.end:
                found[code][line.stream, first_of(day)] += fen

        for line in self.lines.values():
            for day, fen in line.agreed:
                add("booked", line, day, fen)
            if line.signed and line.waived > 0:
                add("waived", line, line.signed, line.waived)
            for day, net, tax in line.invoiced:
                add("invoiced_net", line, day, net)
                add("invoiced_tax", line, day, tax)
                add("net_invoiced", line, day, net)
            for day, net, tax in line.credited:
                add("credited_net", line, day, net)
                add("credited_tax", line, day, tax)
                add("net_invoiced", line, day, -net)
            for day, _at, gross, net in line.paid:
                add("collected_gross", line, day, gross)
                add("collected_net", line, day, net)
            for _day, month, fen in line.earned:
                add("recognised", line, month, fen)
        return found

    def stocks(self) -> dict[str, Sums]:
        """Return what stands at the end, by stream."""
        found: dict[str, Sums] = defaultdict(lambda: defaultdict(int))
        for line in self.lines.values():
            income = sum(fen for _day, month, fen in line.earned if month <= self.end)
            billed = sum(net for day, net, _tax in line.invoiced if day <= self.end)
            billed -= sum(net for day, net, _tax in line.credited if day <= self.end)
            stands, paid = billed - income, sum(net for day, _at, _gross, net in line.paid if day <= self.end)
            booked = sum(fen for day, fen in line.agreed if day <= self.end)
            owed = sum(net + tax for day, net, tax in line.invoiced if day <= self.end)
            owed -= sum(net + tax for day, net, tax in line.credited if day <= self.end)
            owed -= sum(gross for _day, at, gross, _net in line.paid if at <= self.end)
            found["deferred"][line.stream] += max(0, stands)
            found["contract_asset"][line.stream] += max(0, -stands)
            found["unpaid"][line.stream] += max(0, max(0, stands) - max(0, paid - income))
            found["rpo"][line.stream] += booked - income
            found["ar"][line.stream] += owed
        return found

    def corrections(self, start: date) -> Sums:
        """Return what was posted after its month, by stream, month of service and posting month."""
        found: Sums = defaultdict(int)
        for line in self.lines.values():
            for day, month, fen in line.earned:
                if first_of(day) < month and start <= month <= self.end:
                    found[line.stream, first_of(day), month] += fen
        return found
