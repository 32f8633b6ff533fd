"""Past books for tests of the reports, who reads them, and what stands in their addresses for the walk through every door."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from portal.accounts.may import StaffRole
from portal.billing import past_books, past_file
from portal.core import clock
from portal.core.db import transaction
from portal.reports.income import asked
from portal.reports.income.asked import Question
from tests.people import make_person

DATA = Path(__file__).parent / "data"
NOW = date(2026, 7, 8)
KNOWN: dict[tuple[str, str], str] = {
    ("reports", "number"): "word:1",
    ("reports", "key"): "word:overview",
    ("reports", "form"): "word:csv",
    ("reports", "uid"): "word:none",
}


def bring_in(name: str, *, renamed: dict[str, str] | None = None) -> None:
    """Take past books of the test data in, with some payers called otherwise."""
    text = (DATA / name).read_text("utf-8")
    for old, new in (renamed or {}).items():
        text = text.replace(f'"party": {json.dumps(old)}', f'"party": {json.dumps(new)}')
    take(json.loads(text))


def take(body: dict[str, Any]) -> None:
    """Take books in."""
    with transaction():
        past_books.bring_in(past_file.parse(json.dumps(body)), by="test")


def staff() -> None:
    """Add one of finance, the secretary of the board, and one who reads no reports."""
    with transaction():
        make_person("fang@house.example", "Fang", staff=(StaffRole.FINANCE,))
        make_person("sun@house.example", "Sun", staff=(StaffRole.SECRETARY,))
        make_person("lena@house.example", "Lena", staff=(StaffRole.LEGAL,))


def question(**given: str) -> Question:
    """Return a question about the first half of 2026."""
    return asked.read({"from": "2026-01", "to": "2026-06", **given}, clock.today())
