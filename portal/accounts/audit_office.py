"""The audit chain for those who may read it: searched, checked anew, taken out as a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, redirect, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core import audit, clock, export, outbox, story, web
from portal.core.audit import AuditEntry
from portal.core.db import transaction
from portal.core.errors import Missing
from portal.core.paging import asked, folded, page_of
from portal.core.web import go
from portal.core.words import day

chain = Blueprint("chain", __name__, url_prefix="/office/audit")
FIELDS = ("verb", "person", "subject", "org", "from", "until")
Opener = Callable[[int], str | None]
_openers: dict[str, Opener] = {}


def opens(table: str, where: Opener) -> None:
    """Let a domain say which page shows a row of its table, for links from the chain; None if there is none."""
    _openers[table] = where


def _day(name: str) -> date | None:
    try:
        found = date.fromisoformat(asked(name))
    except ValueError:
        return None
    return found if 1970 < found.year < 9000 else None


def _verbs(text: str) -> ColumnElement[bool]:
    """Return the test for a verb by its code or by its words in the reader's language."""
    wanted = folded(text)
    coded = [code for code, said in story.verbs().items() if wanted in folded(said)]
    return or_(AuditEntry.verb.in_(coded), AuditEntry.verb.contains(wanted, autoescape=True))


def _tests() -> list[ColumnElement[bool]]:
    """Return the conditions that the address asks for."""
    found: list[ColumnElement[bool]] = []
    if verb := asked("verb"):
        found.append(_verbs(verb))
    if person := asked("person"):
        found.append(AuditEntry.actor.icontains(person, autoescape=True))
    if subject := asked("subject"):
        exact = subject[-1:].isdigit() and ":" in subject
        found.append(
            AuditEntry.subject == subject
            if exact
            else AuditEntry.subject.startswith(subject, autoescape=True)
        )
    if org := asked("org"):
        named = select(Organisation.id).where(
            or_(Organisation.search_text.contains(folded(org), autoescape=True), Organisation.uid == org)
        )
        found.append(AuditEntry.org_id.in_(named))
    if start := _day("from"):
        found.append(AuditEntry.at >= clock.start_of(start))
    if end := _day("until"):
        found.append(AuditEntry.at < clock.start_of(end + timedelta(days=1)))
    return found


def _found() -> tuple[Any, bool]:
    """Select the entries asked for with their organisations, newest first; and say whether anything narrows them."""
    tests = _tests()
    statement: Any = (
        select(AuditEntry, Organisation)
        .outerjoin(Organisation, Organisation.id == AuditEntry.org_id)
        .where(*tests)
        .order_by(AuditEntry.id.desc())
    )
    return statement, bool(tests)


def _chips() -> list[dict[str, Any]]:
    """Return what narrows the list, each with the address without it."""
    names = {
        "verb": _("What"), "person": _("Who"), "subject": _("Subject of the entry"), "org": _("Organisation"),
        "from": _("Day from"), "until": _("Day until"),
    }  # fmt: skip
    return [
        {
            "label": _("%(name)s: %(value)s", name=names[key], value=asked(key)),
            "href": web.url_with(**{key: None, "page": None}),
            "active": True,
        }
        for key in FIELDS
        if asked(key)
    ]


def shown(entry: AuditEntry, org: Organisation | None) -> dict[str, Any]:
    """Return an entry as a row of the list, with everything that was recorded."""
    table = entry.subject.split(":", 1)[0]
    return {
        **story.line(entry, every=True),
        "entry": entry,
        "org": org,
        "opens": table in _openers,
    }


@chain.get("/")
@allow(May.READ_AUDIT)
def entries() -> str:
    """List what happened, newest first: searched by verb, person, subject, organisation and day."""
    statement, narrowed = _found()
    head, check = audit.how_far()
    page = page_of(statement, total=None if narrowed else head, rows=True)
    return render_template(
        "office/audit.html",
        page=page,
        lines=[shown(*row) for row in page.items],
        chips=_chips(),
        head=head,
        check=check,
        verbs=sorted(story.verbs().values()),
    )


@chain.get("/file")
@allow(May.READ_AUDIT)
def file() -> Response:
    """Hand out the entries asked for as CSV."""
    statement, _narrowed = _found()
    heads = (
        "id", _("When"), _("Who"), _("Verb"), _("What"), _("Subject of the entry"), _("Organisation"), _("Details"),
        _("Address"), _("Request"), "mac",
    )  # fmt: skip
    return export.csv_of("audit", heads, statement, lambda row: _cells(*row), by=me().person, rows=True)


def _cells(entry: AuditEntry, org: Organisation | None) -> tuple[Any, ...]:
    line = story.line(entry, every=True)
    told = "; ".join(
        f"{label}: {old} → {new}" if old else f"{label}: {new}" for label, old, new in line["detail"]
    )
    return (
        entry.id, entry.at, entry.actor, entry.verb, line["what"], entry.subject, org.name if org else "",
        told, entry.address, entry.request_id, entry.mac,
    )  # fmt: skip


@chain.post("/checks")
@allow(May.READ_AUDIT)
def check() -> BaseResponse:
    """Have the whole chain checked anew, in the background."""
    with transaction():
        key = f"audit_check:{clock.now().strftime('%Y-%m-%dT%H:%M')}"
        outbox.queue("audit_check", key, {"by": me().person.name})
    return go("chain.entries", _("The whole chain is being checked; the result stands here in a moment."))


@outbox.handles("audit_check", _l("Check of the audit chain"))
def _check(item: outbox.Claim) -> None:
    audit.check(by=str(item.payload["by"]))


@chain.get("/about/<subject>")
@allow(May.ENTER_OFFICE)
def about(subject: str) -> BaseResponse:
    """Go to the page of what an entry is about; that page asks again who may see it."""
    table, _colon, number = subject.partition(":")
    opener = _openers.get(table)
    where = (
        opener(int(number)) if opener and number.isascii() and number.isdigit() and len(number) < 18 else None
    )
    if where is None:
        raise Missing(_("There is no page for %(subject)s.", subject=subject[:80]))
    return redirect(where, code=303)


def state() -> str:
    """Return in one line how far the chain was checked, and with what result."""
    found = audit.last_check()
    if found is None:
        return _("never checked")
    if found.detail.get("breaks"):
        return _("broken")
    return _("sound on %(day)s", day=day(clock.day_of(found.at)))
