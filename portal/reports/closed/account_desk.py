"""The office's pages of the public half-yearly account: draft, use of funds, propose, release, correct."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse
from wtforms import TextAreaField

from portal.accounts.access import Reader, allow, me
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import Form, clean, most
from portal.core.money import Money
from portal.core.paging import page_of
from portal.core.waiting import Task, task
from portal.core.web import go
from portal.reports.closed import half_years
from portal.reports.closed.account_shown import shown
from portal.reports.closed.doors import account_desk, tabs
from portal.reports.closed.half_years import Words
from portal.reports.closed.models import AccountState, HalfYear

USES = range(8)
LONGEST = 120


def _area(label: Any, longest: int = 2000) -> TextAreaField:
    return TextAreaField(label, validators=[most(longest)], filters=[clean], render_kw={"rows": 3})


class AccountForm(Form):
    """What people write into an account, in both languages; the use of funds is rows of its own."""

    words_zh = _area(_l("Words of the account, in Chinese"))
    words_en = _area(_l("Words of the account, in English"))
    reason_zh = _area(_l("What this edition corrects, in Chinese"), 500)
    reason_en = _area(_l("What this edition corrects, in English"), 500)

    def words(self) -> Words:
        """Return what was typed; `Refused` in words if an amount cannot be read."""
        return Words(
            _uses(), self.words_zh.data or "", self.words_en.data or "", self.reason_zh.data or "",
            self.reason_en.data or "",
        )  # fmt: skip


def _uses() -> list[tuple[str, str, int]]:
    found = []
    for n in USES:
        zh, en, text = (
            str(clean(request.form.get(f"use_{name}_{n}", ""))) for name in ("zh", "en", "amount")
        )
        if not (zh or en or text):
            continue
        if not (zh and en and text) or max(len(zh), len(en)) > LONGEST:
            raise Refused(_("Each use of funds needs its name in both languages and an amount."), status=422)
        try:
            amount = Money.parse(text)
        except ValueError:
            raise Refused(_("Please write the amount like 12,000.00."), status=422) from None
        if amount < Money(0):
            raise Refused(_("A use of funds is not below zero."), status=422)
        found.append((zh, en, amount.minor))
    return found


@account_desk.get("/", endpoint="listed")
@allow(May.READ_MONEY)
def listed() -> str:
    """List the editions, the newest first, and say which half year is due."""
    page = page_of(
        select(HalfYear).order_by(HalfYear.year.desc(), HalfYear.half.desc(), HalfYear.edition.desc())
    )
    today = clock.today()
    owed = half_years.owed(today)
    return render_template(
        "office/closed/accounts.html", tabs=tabs(), page=page, owed=owed, last=half_years.last_half(today),
        due=half_years.due_on(*owed) if owed else None, today=today, may=me().staff_may(May.PUBLISH_ACCOUNT),
    )  # fmt: skip


@account_desk.post("/")
@allow(May.PUBLISH_ACCOUNT)
def draft() -> BaseResponse:
    """Draft the account of a half year, or a correction of one that is released."""
    try:
        year, half = int(request.form.get("year", "")), int(request.form.get("half", ""))
    except ValueError:
        raise Refused(_("There is no such half year."), status=422) from None
    with transaction():
        row = half_years.draft(year, half, by=me().person)
    return go(
        "account_desk.account", _("Drafted from the closed months. Enter the use of funds next."), uid=row.uid
    )


def _row(uid: str) -> HalfYear:
    row = db.session.scalars(select(HalfYear).where(HalfYear.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such account."))
    return row


@account_desk.route("/<uid>", methods=["GET", "POST"])
@allow(May.READ_MONEY)
def account(uid: str) -> Any:
    """Show one edition as the public would read it; take what is written into a draft."""
    row, reader = _row(uid), me()
    form = AccountForm(obj=row if request.method == "GET" else None)
    status = 200
    if request.method == "POST":
        status = _save(row, form, reader)
        if not status:
            return go("account_desk.account", _("Saved."), uid=uid)
    return render_template(
        "office/closed/account.html", tabs=tabs(), row=row, form=form, shown=shown(row), uses=USES,
        typed=_typed(row), mine=reader.person.id, may=reader.staff_may(May.PUBLISH_ACCOUNT),
        before=half_years.released(row.year, row.half),
        history=db.session.scalars(audit.of_subject(row.subject)).all(),
    ), status or 200  # fmt: skip


def _save(row: HalfYear, form: AccountForm, reader: Reader) -> int:
    if not reader.staff_may(May.PUBLISH_ACCOUNT):
        raise Missing(_("There is no such account."))

    def deed() -> None:
        locked = half_years.locked(row.uid)
        if locked is not None:
            half_years.save(locked, form.words(), by=reader.person)

    return form.carry_out(deed)


def _typed(row: HalfYear) -> list[tuple[str, str, str]]:
    """Return the rows of the use of funds as typed, or as kept."""
    if request.method == "POST":
        return [
            (request.form.get(f"use_zh_{n}", ""), request.form.get(f"use_en_{n}", ""), request.form.get(f"use_amount_{n}", ""))
            for n in USES
        ]  # fmt: skip
    kept = [(one["zh"], one["en"], f"{Money(one['amount']).decimal:,.2f}") for one in row.uses]
    return [*kept, *[("", "", "")] * (len(USES) - len(kept))]


DEEDS: dict[str, tuple[Callable[..., None], Any]] = {
    "proposal": (half_years.propose, _l("Proposed. A second person releases it.")),
    "return": (half_years.give_back, _l("Given back to be changed.")),
    "refusal": (half_years.drop, _l("The draft is dropped.")),
    "release": (half_years.release, _l("Released: the public reads it from now on.")),
}


@account_desk.post("/<uid>/<deed>")
@allow(May.PUBLISH_ACCOUNT)
def act(uid: str, deed: str) -> BaseResponse:
    """Propose, give back, drop or release an edition."""
    if deed not in DEEDS:
        raise Missing(_("There is no such account."))
    what, words = DEEDS[deed]
    by: Person = me().person
    with transaction():
        row = half_years.locked(uid)
        if row is None:
            raise Missing(_("There is no such account."))
        what(row, by=by)
    if deed == "refusal":
        return go("account_desk.listed", str(words))
    return go("account_desk.account", str(words), uid=uid)


def tasks(reader: Reader) -> list[Task]:
    """Return what the account asks of those who may publish it: a release that waits, or a half year that is due."""
    if not reader.staff_may(May.PUBLISH_ACCOUNT):
        return []
    today = clock.today()
    waiting = db.session.scalars(
        select(HalfYear).where(HalfYear.state == AccountState.PROPOSED).order_by(HalfYear.id)
    )
    found = [
        task(
            _("Release the public account of %(period)s", period=f"{row.year}/{row.half}"), _("Look"),
            _href(row.uid), since=row.created_at,
        )
        for row in waiting
        if row.proposed_by_id != reader.person.id
    ]  # fmt: skip
    owed = half_years.owed(today)
    if owed is not None and not any(half_years.editions(*owed)):
        due = half_years.due_on(*owed)
        found.append(
            task(
                _("Draft the public account of %(period)s", period=f"{owed[0]}/{owed[1]}"), _("Draft it"), _href(),
                detail=_("Due on %(day)s", day=due), overdue=due < today,
            )
        )  # fmt: skip
    return found


def _href(uid: str = "") -> str:
    return f"{account_desk.url_prefix}/{uid}"
