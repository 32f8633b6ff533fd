"""The pages of targets beside the report: who proposes and who sets one, every version, and the rows that a count counts."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import g, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse
from wtforms import DateField, IntegerField, StringField
from wtforms.validators import InputRequired, NumberRange

from portal.accounts.access import Reader, allow, me
from portal.accounts.may import May
from portal.core import audit, catalogue, clock, waiting
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import REQUIRED, Form, choice_field, clean, options, text_field
from portal.core.money import Money
from portal.core.paging import asked as word_asked
from portal.core.web import go
from portal.reports.goals import count_tables, counts, setting, targets
from portal.reports.goals.counts import Counted
from portal.reports.goals.models import TargetProposal, TargetState
from portal.reports.goals.targets import FIRST_ANSWERS, INCOME, MEASURES, Target, read
from portal.reports.income import asked
from portal.reports.income.asked import Question
from portal.reports.income.blueprint import reports
from portal.reports.income.doors import HOME
from portal.reports.lists import group_name

COUNTED = ("organisations", "universities", "certified", "first_answers", "conversion", "at_risk")
ROWS = 500


class TargetForm(Form):
    """A new amount for a target: of what, of which year, how much, on which basis, from which day, and why."""

    measure = choice_field(_l("What is aimed at"))
    scope = choice_field(_l("Of which income"), required=False)
    year = IntegerField(
        _l("Fiscal year"), validators=[InputRequired(_l("Please fill this in.")), NumberRange(2000, 2199)]
    )
    amount = text_field(_l("Goal"), longest=30, description=_l("Income in CNY, net; people and organisations as a number; first answers in per cent."))  # fmt: skip
    basis = choice_field(_l("Basis"), required=False)
    profile = StringField(
        _l("Profile of the months"), filters=[clean],
        description=_l("Twelve whole numbers that sum to 10,000, January first; without them every day counts alike."),
    )  # fmt: skip
    valid_from = DateField(_l("In force from"), validators=[REQUIRED])
    reason = text_field(_l("Reason for it"), longest=300)


class DeclineForm(Form):
    """Why a target stays as it is."""

    reason = text_field(_l("Why it is not set"), longest=300)


def _form(said: Question) -> TargetForm:
    form = TargetForm()
    form.measure.choices = options(
        [(INCOME, _("Income")), *((one, str(count_tables.NAMES[one])) for one in MEASURES[1:])]
    )
    groups = list(dict.fromkeys(said.lists.groups.values()))
    form.scope.choices = options(
        [(one, _scope(said, one)) for one in setting.scopes(groups, said.lists.streams)]
    )
    form.basis.choices = options([(code, str(name)) for code, name in setting.BASES.items()])
    if form.year.data is None and not form.is_submitted():
        form.year.data = clock.today().year
        form.valid_from.data = clock.today()
    return form


def _scope(said: Question, scope: str) -> str:
    kind, _colon, code = scope.partition(":")
    if kind == "group":
        return _("Group: %(name)s", name=group_name(code))
    return _("Stream: %(name)s", name=said.lists.called(code)) if kind == "stream" else _("All income")


def _amount(form: TargetForm) -> int:
    """Return the goal in the measure's own unit: fen, a number, or basis points."""
    measure, text = str(form.measure.data), str(form.amount.data)
    try:
        if measure in (INCOME, FIRST_ANSWERS):
            return Money.parse(text.removesuffix("%")).minor
        return int(text.replace(",", ""))
    except ValueError:
        raise Refused(_l("Please give a number."), field="amount", status=422) from None


def _profile(form: TargetForm) -> list[int]:
    text = str(form.profile.data or "").replace("，", ",").replace(",", " ")
    try:
        return [int(part) for part in text.split()]
    except ValueError:
        raise Refused(
            _l("A profile is twelve whole numbers that sum to 10,000."), field="profile", status=422
        ) from None


def said_of(measure: str, amount: int) -> str:
    """Return a goal in words, in its own unit."""
    if measure == INCOME:
        return f"{Money(amount).decimal:,.2f}"
    return f"{amount / 100:g} %" if measure == FIRST_ANSWERS else f"{amount:,}"


def _page(form: TargetForm, status: int = 200) -> Any:
    g.nav, reader = HOME, me()
    said = asked.read({}, clock.today())
    rows = db.session.scalars(select(TargetProposal).order_by(TargetProposal.id.desc()).limit(ROWS)).all()
    versions = [(row, read(row.body)) for row in targets.versions()]
    return render_template(
        "office/reports/target_setting.html", form=form, rows=rows, versions=versions, mine=reader.person.id,
        may_set=reader.staff_may(May.SET_TARGETS), why=DeclineForm(formdata=None), said_of=said_of,
        name_of=lambda one: count_tables.name_of(said, one), proposed=_as_target,
        history=db.session.scalars(audit.of_subject(*(row.subject for row in rows))).all(),
    ), status  # fmt: skip


def _as_target(row: TargetProposal) -> Target:
    return Target("", row.measure, row.scope, row.year, row.amount, row.basis, tuple(row.profile), "", False)


@reports.get("/targets/setting")
@allow(May.READ_INCOME)
def target_setting() -> Any:
    """Show what waits to be set, every version of every target, and the form."""
    return _page(_form(asked.read({}, clock.today())))


@reports.post("/targets/setting")
@allow(May.SET_TARGETS)
def propose_target() -> Any:
    """Propose a target; a second person sets it."""
    form = _form(asked.read({}, clock.today()))

    def deed() -> None:
        measure = str(form.measure.data)
        income = measure == INCOME
        setting.propose(
            measure, str(form.scope.data or "total") if income else "count", int(form.year.data or 0), _amount(form),
            basis=str(form.basis.data or "recognised") if income else "", profile=_profile(form),
            reason=str(form.reason.data), valid_from=form.valid_from.data, by=me().person,
        )  # fmt: skip

    if status := form.carry_out(deed):
        return _page(form, status)
    return go("reports.target_setting", _("Proposed. A second person sets the target."))


def _row(uid: str) -> TargetProposal:
    row = db.session.scalars(select(TargetProposal).where(TargetProposal.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such proposal."))
    return row


@reports.post("/targets/setting/<uid>/approval")
@allow(May.SET_TARGETS)
def set_target(uid: str) -> BaseResponse:
    """Stand for another's target: it is in force from its day."""
    row = _row(uid)
    with transaction():
        setting.put(row, by=me().person)
    return go("reports.target_setting", _("The target is set and stands in the catalogue."))


@reports.post("/targets/setting/<uid>/refusal")
@allow(May.SET_TARGETS)
def decline_target(uid: str) -> Any:
    """Leave the target as it is, with the reason."""
    row, form = _row(uid), DeclineForm()
    if status := form.carry_out(lambda: setting.decline(row, reason=str(form.reason.data), by=me().person)):
        return _page(_form(asked.read({}, clock.today())), status)
    return go("reports.target_setting", _("The target stays as it is."))


def _waiting(reader: Reader) -> list[waiting.Task]:
    """Return the proposals that wait for this reader."""
    if not reader.staff_may(May.SET_TARGETS):
        return []
    statement = select(TargetProposal).where(
        TargetProposal.state == TargetState.PROPOSED, TargetProposal.by_id != reader.person.id
    )
    return [
        waiting.task(
            _("Target to be set: %(year)s", year=row.year), _("Look"), url_for("reports.target_setting"),
            since=row.created_at, detail=row.reason,
        )
        for row in db.session.scalars(statement.order_by(TargetProposal.id))
    ]  # fmt: skip


def install() -> None:
    """Tell who may set targets what waits."""
    waiting.add("targets", _waiting)


def _day() -> date:
    text = word_asked("day", most=10)
    try:
        found = date.fromisoformat(text) if text else clock.today()
    except ValueError:
        raise asked.unreadable(text) from None
    if not asked.EARLIEST <= found.year <= asked.LATEST or found > clock.today():
        raise asked.unreadable(text)
    return found


@reports.get("/counts/<code>")
@allow(May.READ_INCOME)
def counted(code: str) -> str:
    """Show the rows that a number counts."""
    if code not in COUNTED:
        raise Missing(_("There is no such figure."))
    g.nav, day, reader = HOME, _day(), me()
    found, parts = _counted(code, day)
    names = found.rows if code != "conversion" or reader.staff_may(May.READ_MONEY) else ()
    return render_template(
        "office/reports/counted.html", code=code, name=count_tables.NAMES[code], day=day, found=found, rows=names, parts=parts,
        opens=reader.staff_may(May.READ_MEMBERS), hidden=bool(found.rows) and not names,
    )  # fmt: skip


def _counted(code: str, day: date) -> tuple[Counted, list[tuple[str, str]]]:
    """Return a count with its rows, or with the parts that sum to it where rows would name people."""
    if code == "certified":
        return counts.people(day), [(_level(level), f"{number:,}") for level, number in counts.levels(day)]
    if code == "at_risk":
        return counts.at_risk(), [(_tier(tier), f"{number:,}") for tier, number in counts.tiers_at_risk()]
    if code == "first_answers":
        start = date(day.year, 1, 1)
        rows = counts.answers_by_month(start, day + counts.DAY, day)
        said = [
            (f"{month:%Y-%m}", _("%(part)s of %(whole)s", part=good, whole=total))
            for month, good, total in rows
        ]
        return counts.first_answers(start, day + counts.DAY, day), said
    if code == "conversion":
        return counts.conversion(day), []
    return counts.organisations(day, category=counts.UNIVERSITY if code == "universities" else ""), []


def _tier(code: str) -> str:
    return catalogue.in_words(catalogue.entries("tier").get(code, {}).get("name", code or "–"))


def _level(code: str) -> str:
    return catalogue.in_words(catalogue.entries("level").get(code, {}).get("name", code))
