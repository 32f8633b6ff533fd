"""What quotes tell the other parts of services."""

from __future__ import annotations

from dataclasses import dataclass

from portal.services.quotes.models import ServiceQuote


@dataclass(frozen=True, slots=True)
class QuoteSent:
    """A version went out to its buyer."""

    quote: ServiceQuote


@dataclass(frozen=True, slots=True)
class QuoteAccepted:
    """A quote was accepted: its order is placed; each line knows its order line. Heard in the same transaction."""

    quote: ServiceQuote


@dataclass(frozen=True, slots=True)
class QuoteClosed:
    """A version came to its end without being accepted: declined, expired, withdrawn or superseded."""

    quote: ServiceQuote
