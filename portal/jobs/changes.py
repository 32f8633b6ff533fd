"""What an edit of a post changes, field by field, in the words of the form on which it was written."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from portal.core.money import Money
from portal.core.words import price
from portal.jobs.forms import PostForm
from portal.jobs.said import NAMES, Said


def between(old: Said, new: Said) -> list[tuple[str, str, str]]:
    """Return each text or figure that differs: its label, as it is shown and as it is asked for."""
    form = PostForm(formdata=None).offer()
    return [
        (str(form[name].label.text), _plain(form, old, name), _plain(form, new, name))
        for name in NAMES
        if getattr(old, name) != getattr(new, name)
    ]


def _plain(form: PostForm, said: Said, name: str) -> str:
    value, field = getattr(said, name), form[name]
    if name in {"pay_low", "pay_high"}:
        return price(Money(value, said.currency)) if value else ""
    known: dict[str, Any] = {one.value: one.label for one in getattr(field, "choices", None) or ()}
    if isinstance(value, tuple):
        return _(", ").join(str(known.get(one, one)) for one in value)
    return str(known.get(str(value), value))
