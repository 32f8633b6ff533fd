"""The revenue report: five bases side by side over a period, as known on a day; every figure read from the journal."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.billing import ledger, months
from portal.core import heap
from portal.core.errors import Refused
from portal.reports import measures, outlook
from portal.reports.facts import gather, party_names
from portal.reports.flows import Flows, Sums
from portal.reports.income import payers
from portal.reports.journal import CASH, RECEIVABLE
from portal.reports.lists import Lists, in_force

INVOICED = ("invoice", "void")
SETTLED = ("allocation", "credited", "revaluation")


def revenue(start: date, last: date, known: date) -> dict[str, Any]:
    """Return the report over the months from `start`'s to `last`'s, as known at the end of a day, under its fixed keys."""
    start, end = months.first_of(start), months.last_of(last)
    if end < start:
        raise Refused(_l("The period ends before it begins."), status=422)
    with heap.filling():
        return _body(start, end, known)


def _body(start: date, end: date, known: date) -> dict[str, Any]:
    flows = Flows(gather(known, start, end), in_force(known))
    return figures(flows) | outlook.outlook(flows, flows.recognised()) | _payers(flows)


def figures(flows: Flows) -> dict[str, Any]:
    """Return the report's figures of what was, without its payers and what is to come, under its fixed keys."""
    start, end, known, lists = flows.start, flows.end, flows.facts.known, flows.lists
    by_month = flows.recognised()
    by_stream = _by_stream(flows, by_month)
    totals = {name: sum(amounts.values()) for name, amounts in by_stream.items()}
    body: dict[str, Any] = {
        "period": [f"{start:%Y-%m}", f"{end:%Y-%m}"],
        "as_known": str(known),
        "by_stream": by_stream,
        "recognised_by_month": {f"{month:%Y-%m}": amounts for month, amounts in by_month.items()},
        "recognised_by_month_total": {f"{m:%Y-%m}": sum(amounts.values()) for m, amounts in by_month.items()},
        "totals": totals,
        "net_invoiced": totals["invoiced_net"] - totals["credited_net"],
    }
    body |= _rolls(flows, totals)
    body |= _money(flows, totals)
    return body | _diversity(lists, by_stream)


def _stock(flows: Flows, sign: int) -> Sums:
    return flows.add((flows.facts.stream(line), max(0, sign * left)) for line, left in flows.contract)


def _by_stream(flows: Flows, by_month: dict[date, Sums]) -> dict[str, Sums]:
    invoiced, credited = flows.invoiced(), flows.credited()
    recognised = flows.add(pair for amounts in by_month.values() for pair in amounts.items())
    to_date = flows.to_date()
    signed = flows.booked(date.min, flows.end)
    owed = [part for invoice, amount in flows.facts.owed.items() for part in flows.by_stream(invoice, amount)]
    return {
        "booked": flows.booked(flows.start, flows.end),
        "invoiced_net": invoiced[0],
        "invoiced_tax": invoiced[1],
        "credited_net": credited[0],
        "credited_tax": credited[1],
        "collected_gross": flows.money(flows.paid, "gross"),
        "collected_net": flows.money(flows.paid, "net"),
        "refunded_gross": flows.money(flows.back, "gross"),
        "refunded_net": flows.money(flows.back, "net"),
        "recognised": recognised,
        "deferred": _stock(flows, 1),
        "deferred_uncollected": flows.unpaid(),
        "contract_asset": _stock(flows, -1),
        "rpo": {stream: signed.get(stream, 0) - to_date.get(stream, 0) for stream in {**signed, **to_date}},
        "ar": flows.add(owed),
    }


def _rolls(flows: Flows, totals: dict[str, int]) -> dict[str, Any]:
    """Return opening + movements = closing, of contract balances and of receivables."""
    opening = flows.opened()
    closing = opening + totals["invoiced_net"] - totals["credited_net"] - totals["recognised"]
    return {
        "rollforward": {
            "opening_contract_balance": opening,
            "plus_invoiced_net": totals["invoiced_net"],
            "minus_credited_net": totals["credited_net"],
            "minus_recognised": totals["recognised"],
            "closing_contract_balance": closing,
            "check_deferred_minus_asset": totals["deferred"] - totals["contract_asset"],
        },
        "ar_rollforward": _receivables(flows),
    }


def _receivables(flows: Flows) -> dict[str, int]:
    """Return how receivables moved, by the kinds of entries that touch them: it ends where the account does.

    What of a credit note became the payer's credit or a refund goes back onto the account that the note took it off.
    """

    def moved(*kinds: str) -> int:
        return flows.account(*RECEIVABLE, kinds=kinds)

    opening = flows.facts.owed_before
    invoiced, noted = moved(*INVOICED), -moved("credit_note")
    collected = flows.account(ledger.CREDIT, kinds=("allocation",))
    released = -flows.account(ledger.CREDIT, kinds=("credited",))
    fx = moved(*SETTLED) + collected - released
    rest = flows.account(*RECEIVABLE) - moved(*INVOICED, "credit_note", *SETTLED)
    found = {
        "opening": opening,
        "plus_invoiced_gross": invoiced,
        "minus_credit_notes_gross": noted,
        "minus_collected_gross": collected,
        "plus_refunds": released,
        "fx": fx,
        "closing": opening + invoiced - noted - collected + released + fx + rest,
    }
    return found | ({"write_offs_and_other": rest} if rest else {})


def _money(flows: Flows, totals: dict[str, int]) -> dict[str, Any]:
    aging = {"not_due": 0, "1_30": 0, "31_60": 0, "61_90": 0, "over_90": 0}
    for invoice, amount in flows.facts.owed.items():
        due = flows.facts.bills[invoice].due_on or flows.end
        aging[measures.bucket((flows.end - due).days)] += amount
    return {
        "aging_net30": aging,
        "bank_movement": flows.account(*CASH),
        "payment_fees": flows.account(ledger.FEES),
        "fx_unrealised": -flows.account(ledger.EXCHANGE, kinds=("revaluation",)),
        "fx_realised": -flows.account(ledger.EXCHANGE, kinds=("allocation", "credited")),
        "vat_output": totals["invoiced_tax"] - totals["credited_tax"],
        "waived_list_value": flows.waived(),
    }


def _diversity(lists: Lists, by_stream: dict[str, Sums]) -> dict[str, Any]:
    recognised = by_stream["recognised"]
    invoiced = {
        stream: amount - by_stream["credited_net"].get(stream, 0)
        for stream, amount in by_stream["invoiced_net"].items()
    }
    groups = lists.by_group(recognised)
    parts = {
        "recognised_streams": recognised,
        "recognised_groups": groups,
        "invoiced_streams": invoiced,
        "invoiced_groups": lists.by_group(invoiced),
    }
    body: dict[str, Any] = {
        f"diversity_{name}": measures.diversity(amounts, lists.limit).body()
        for name, amounts in parts.items()
    }
    total = sum(max(0, amount) for amount in groups.values())
    dues = measures.share(max(0, groups.get("dues", 0)), total)
    body["group_recognised"] = groups
    body["dues_share"] = measures.digits(dues)
    gap = None if dues is None else (dues - lists.dues) * 100
    body["dues_share_minus_target_pp"] = measures.digits(gap, 4)
    return body


def _payers(flows: Flows) -> dict[str, Any]:
    """Return recognised income by payer, a corporate group as one, the greatest first, and how much hangs on few of them."""
    names, heads, sums = party_names(), payers.heads(flows.facts.known), defaultdict[int, int](int)
    for party, amount in flows.by_party().items():
        sums[heads.get(party, party)] += amount
    amounts = {party: amount for party, amount in sums.items() if amount}
    total = sum(max(0, amount) for amount in amounts.values())
    # Equals in the order in which they first bought: equal questions give equal bytes.
    order = sorted(amounts, key=lambda party: (-amounts[party], party))
    others = payers.named(party for party in order if party not in names)
    ranked = [(names.get(party) or others[party].name, amounts[party]) for party in order]
    shares = [Fraction(max(0, amount), total) for _name, amount in ranked] if total else []
    return {
        "payers": [
            [name, amount, measures.digits(measures.share(max(0, amount), total))] for name, amount in ranked
        ],
        "payer_hhi": measures.digits(measures.hhi(shares) if total else None),
        "payer_cr3": measures.digits(sum(shares[:3], Fraction(0)) if total else None),
    }
