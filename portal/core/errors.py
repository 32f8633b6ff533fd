"""Refusals: what the house says no to, as sentences for the reader."""

from __future__ import annotations

from flask_babel import LazyString


class Refused(Exception):
    """An action that is not possible now; carries the sentence the person sees.

    `field` names the form field it belongs to, `status` the HTTP status of the page or problem document.
    """

    status = 409

    def __init__(
        self, words: str | LazyString, *, field: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(str(words) if isinstance(words, str) else "refused")
        self.words = words
        self.field = field
        if status is not None:
            self.status = status

    def __str__(self) -> str:
        return str(self.words)


class Forbidden(Refused):
    """The person may not do this, whatever the state of the row."""

    status = 403


class Missing(Refused):
    """The row is not there, or not this reader's: both look alike."""

    status = 404
