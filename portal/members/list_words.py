"""Why a row of a list cannot be taken, and what its columns are called, in the reader's language."""

from __future__ import annotations

from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.core import catalogue, story

KINDS: dict[str, LazyString] = {
    "create": _l("New"),
    "change": _l("Changes"),
    "same": _l("Same"),
    "conflict": _l("Conflict"),
    "refused": _l("Refused"),
}
TONES = {"create": "good", "change": "wait", "same": "mute", "conflict": "warn", "refused": "bad"}
WHY: dict[str, LazyString] = {
    "formula": _l("This cell holds a formula. Please put its result in as text."),
    "number": _l("“%(what)s” arrived as a number, so digits may be lost. Please format the column as text."),
    "unknown_id": _l("No organisation has the id %(what)s. Leave the cell blank for a new one."),
    "not_cleared": _l("This cannot be cleared by a list."),
    "too_long": _l("At most %(what)s characters."),
    "one_line": _l("Only one line is possible here."),
    "no_address": _l("“%(what)s” is no whole web address, such as https://www.company.com."),
    "not_listed": _l("“%(what)s” is not one of those we have."),
    "no_number": _l("“%(what)s” is no registration number."),
    "no_uscc": _l("This is no credit code: format or check characters do not fit. %(what)s"),
    "missing": _l("A new organisation needs a legal name."),
    "twice": _l("Row %(what)s is about the same organisation."),
    "tier_by_verb": _l("This member's tier is changed by a change of tier on its own page, not by a list."),
    "two_organisations": _l("This registration belongs to %(what)s."),
    "other_entity": _l("Another registration is on record (%(what)s): this would be another legal entity."),
    "name_alone": _l("%(what)s has this name. A name alone does not tell: please add the id or the registration."),
    "domain_alone": _l("%(what)s has this domain. A domain alone does not tell: please add the id or the registration."),
}  # fmt: skip
OWN: dict[str, LazyString] = {"id": _l("Id"), "about": _l("What it says of itself"), "tier": _l("Tier")}


def why(step: dict[str, Any]) -> str:
    """Return why a row cannot be taken."""
    return (str(WHY[step["why"]]) % {"what": step["what"]}).strip() if step["why"] else ""


def column(name: str) -> str:
    """Return what a column is called."""
    if name in OWN:
        return str(OWN[name])
    body = catalogue.entries("form").get(name)
    return catalogue.in_words(body["label"]) if body else name


def said(counts: dict[str, int]) -> str:
    """Return in a sentence what a list does."""
    return _(
        "%(create)s new, %(change)s changed, %(same)s same, %(conflict)s in conflict, %(refused)s refused.",
        **counts,
    )


def install() -> None:
    """Say how files of members read on a timeline."""
    story.words(
        {
            "members.list_taken": (_l("List of members taken in"), "file-earmark-arrow-up"),
            "members.list_applied": (_l("List of members applied"), "check2-all"),
            "members.list_undone": (_l("List of members undone"), "arrow-counterclockwise"),
            "members.list_dropped": (_l("List of members dropped"), "x-circle"),
            "organisation.created_by_list": (_l("Organisation written by a list"), "building-add"),
            "organisation.changed_by_list": (_l("Changed by a list"), "pencil"),
            "history.imported": (_l("Membership history imported"), "clock-history"),
        }
    )
