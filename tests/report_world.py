"""What stands in the addresses of the reports, for the walk through every door."""

from __future__ import annotations

KNOWN: dict[tuple[str, str], str] = {
    ("reports", "number"): "word:1",
}
