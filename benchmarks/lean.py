"""The leanest SQL we know that gives the figures of the revenue report and of the ageing: what both are measured against."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from sqlalchemy import text

from portal.core.db import db

KNOWN = "journal_line l JOIN journal_entry e ON e.id = l.entry_id AND e.known_at <= :until"
INCOME = f"""SELECT l.account, e.posted_on, -SUM(l.amount) FROM {KNOWN}
  WHERE l.account LIKE '6001.%' AND e.posted_on BETWEEN :start AND :end GROUP BY 1, 2"""
INVOICED = f"""SELECT o.stream, l.account = '2221', -SUM(l.amount) FROM {KNOWN} JOIN order_line o ON o.id = l.order_line_id
  WHERE e.kind = 'invoice' AND e.posted_on BETWEEN :start AND :end GROUP BY 1, 2"""
CONTRACT = f"""SELECT o.stream, SUM(CASE WHEN c.b > 0 THEN c.b ELSE 0 END), SUM(CASE WHEN c.b < 0 THEN -c.b ELSE 0 END) FROM (
  SELECT l.order_line_id n, -SUM(l.amount) b FROM {KNOWN} WHERE l.account IN ('2203', '1125') AND e.posted_on <= :end
  GROUP BY 1) c JOIN order_line o ON o.id = c.n GROUP BY 1"""
OWED = f"""SELECT o.stream, i.due_on, SUM(c.b) FROM (
  SELECT l.invoice_id n, SUM(l.amount) b FROM {KNOWN} WHERE l.account IN ('1122', '1129') AND e.posted_on <= :end
  GROUP BY 1 HAVING SUM(l.amount) <> 0) c JOIN invoice i ON i.id = c.n JOIN invoice_line r ON r.invoice_id = i.id
  JOIN order_line o ON o.id = r.order_line_id GROUP BY 1, 2"""
PAYERS = f"""SELECT b.party_id, -SUM(l.amount) FROM {KNOWN} JOIN order_line o ON o.id = l.order_line_id
  JOIN billing_order b ON b.id = o.order_id
  WHERE l.account LIKE '6001.%' AND e.posted_on BETWEEN :start AND :end GROUP BY 1"""
BANK = f"""SELECT SUM(l.amount) FROM {KNOWN} WHERE l.account IN ('1002', '1012', '1019') AND e.posted_on BETWEEN :start AND :end"""
COLLECTED = """SELECT o.stream, SUM(a.amount), SUM(a.amount - (2 * i.tax * a.amount + i.gross) / (2 * i.gross)) FROM allocation a
  JOIN receipt c ON c.id = a.receipt_id AND c.received_on BETWEEN :start AND :end JOIN invoice i ON i.id = a.invoice_id
  JOIN invoice_line r ON r.invoice_id = i.id JOIN order_line o ON o.id = r.order_line_id GROUP BY 1"""
UNPAID = f"""SELECT o.stream, SUM(CASE WHEN p.n IS NULL THEN c.b WHEN p.net <= c.earned THEN c.b
    WHEN c.b > p.net - c.earned THEN c.b - p.net + c.earned ELSE 0 END) FROM (
  SELECT l.order_line_id n, -SUM(CASE WHEN l.account LIKE '6001.%' THEN 0 ELSE l.amount END) b,
    -SUM(CASE WHEN l.account LIKE '6001.%' THEN l.amount ELSE 0 END) earned FROM {KNOWN}
  WHERE (l.account IN ('2203', '1125') OR l.account LIKE '6001.%') AND e.posted_on <= :end GROUP BY 1
  ) c JOIN order_line o ON o.id = c.n LEFT JOIN (
  SELECT r.order_line_id n, SUM(a.amount - (2 * i.tax * a.amount + i.gross) / (2 * i.gross)) net FROM allocation a
  JOIN receipt q ON q.id = a.receipt_id AND q.received_on <= :end JOIN invoice i ON i.id = a.invoice_id
  JOIN invoice_line r ON r.invoice_id = i.id GROUP BY 1) p ON p.n = c.n WHERE c.b > 0 GROUP BY 1"""
AGED = """SELECT i.party_id, i.due_on, c.b FROM (
  SELECT l.invoice_id n, SUM(l.amount) b FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
  WHERE l.account = '1122' AND e.posted_on <= :end GROUP BY 1 HAVING SUM(l.amount) <> 0) c JOIN invoice i ON i.id = c.n"""
UNUSED = """SELECT l.party_id, -SUM(l.amount) FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
  WHERE l.account = '2205' AND e.posted_on <= :end GROUP BY 1 HAVING SUM(l.amount) <> 0"""
BUCKETS = ("not_due", "1_30", "31_60", "61_90", "over_90")


def _rows(statement: str, **asked: Any) -> list[Any]:
    named = {name: value for name, value in asked.items() if f":{name}" in statement}
    return list(db.session.connection().execute(text(statement), named))


def _late(due: object, end: date) -> int:
    days = (end - (due if isinstance(due, date) else date.fromisoformat(str(due)))).days
    return sum(days > border for border in (0, 30, 60, 90))


def revenue(start: date, end: date, until: Any) -> dict[str, Any]:
    """Return the figures of the period under the report's names; streams of nothing are left out."""
    asked = {"start": start, "end": end, "until": until}
    found: dict[str, Any] = {name: defaultdict(int) for name in (
        "recognised", "invoiced_net", "invoiced_tax", "deferred", "contract_asset", "ar", "collected_gross",
        "collected_net", "deferred_uncollected", "by_month",
    )}  # fmt: skip
    for account, day, amount in _rows(INCOME, **asked):
        found["recognised"][account[5:]] += int(amount)
        found["by_month"][str(day)[:7]] += int(amount)
    for stream, tax, amount in _rows(INVOICED, **asked):
        found["invoiced_tax" if tax else "invoiced_net"][stream] += int(amount)
    for stream, deferred, asset in _rows(CONTRACT, **asked):
        found["deferred"][stream], found["contract_asset"][stream] = int(deferred), int(asset)
    aging = dict.fromkeys(BUCKETS, 0)
    for stream, due, amount in _rows(OWED, **asked):
        found["ar"][stream] += int(amount)
        aging[BUCKETS[_late(due, end)]] += int(amount)
    for stream, gross, net in _rows(COLLECTED, **asked):
        found["collected_gross"][stream], found["collected_net"][stream] = int(gross), int(net)
    for stream, amount in _rows(UNPAID, **asked):
        found["deferred_uncollected"][stream] = int(amount)
    payers = sorted((int(amount) for _party, amount in _rows(PAYERS, **asked) if amount), reverse=True)
    return found | {"aging_net30": aging, "payers": payers, "bank_movement": int(_rows(BANK, **asked)[0][0])}


def ageing(day: date) -> tuple[dict[int, list[int]], dict[int, int]]:
    """Return what each party owed by column, and the credit of each."""
    owed: dict[int, list[int]] = defaultdict(lambda: [0] * 5)
    for party, due, amount in _rows(AGED, end=day):
        owed[party][_late(due, day)] += int(amount)
    return owed, {party: int(amount) for party, amount in _rows(UNUSED, end=day)}
