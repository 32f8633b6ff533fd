"""The forms of what two of staff do together, each with what it asks and how that is written into a proposal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, FileField, HiddenField, IntegerField, RadioField, StringField
from wtforms.validators import Optional

from portal.accounts.organisations import Organisation
from portal.core import catalogue, clock, labels
from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, choice_field, clean, options
from portal.core.money import Money
from portal.core.words import day, last_day
from portal.members import endings, giving, holding, leaving, terms, wall
from portal.members.belonging import Membership, TermKind
from portal.members.deed_models import DeedVerb
from portal.members.forms import area

D = DeedVerb
NEVER = "never"


def day_field(label: object, *, required: bool = True) -> DateField:
    """Return a day."""
    return DateField(label, validators=[REQUIRED] if required else [Optional()])


class DeedForm(Form):
    """What every proposal asks: why; and the version of the page it was written on."""

    reason = area(_l("Reason"), longest=300, rows=2)
    version = HiddenField()


class OpenTerm(DeedForm):
    """A term by hand."""

    kind = choice_field(_l("Kind of term"))
    tier = choice_field(_l("Tier"))
    start = day_field(_l("First day"))
    months = IntegerField(_l("Length in months"), validators=[Optional()], default=12)
    charged = StringField(_l("Dues settled elsewhere (CNY)"), filters=[clean], default="0.00")


class Suspend(DeedForm):
    """A suspension."""

    code = choice_field(_l("Reason of the list"))
    start = day_field(_l("From"))
    end = day_field(_l("First day after it, if that is known"), required=False)


class Lift(DeedForm):
    """What lifts a suspension."""

    hold = RadioField(_l("Which suspension"), validators=[REQUIRED])
    code = choice_field(_l("Reason of the list"))
    from_day = day_field(_l("Lifted from"))


class CancelTerm(DeedForm):
    """A term whose money was given back."""

    term = RadioField(_l("Which term"), validators=[REQUIRED])
    on = day_field(_l("First day without it"))


class Expel(DeedForm):
    """The board's decision."""

    on = day_field(_l("First day without membership"))
    bar = RadioField(
        _l("A new application"), choices=options([("until", _l("is possible again from a day")), (NEVER, _l("is never possible again"))]),
        validators=[REQUIRED],
    )  # fmt: skip
    barred_until = day_field(_l("Possible again from"), required=False)
    paper = FileField(_l("Minute of the board"))


class SetFounding(DeedForm):
    """The founding badge."""

    founding = RadioField(
        _l("Founding member"), choices=options([("yes", _l("Give the badge")), ("no", _l("Take the badge"))]),
        validators=[REQUIRED],
    )  # fmt: skip


class Absorb(DeedForm):
    """One company bought the other."""

    other = RadioField(_l("The other company"), validators=[REQUIRED])
    on = day_field(_l("First day on which one membership stands for both"))
    paper = FileField(_l("Evidence of the purchase"))


class Merge(DeedForm):
    """Two entries of one organisation."""

    other = RadioField(_l("The entry that goes into this one"), validators=[REQUIRED])


class Unmerge(DeedForm):
    """A merge that was wrong."""

    other = RadioField(_l("Which merge"), validators=[REQUIRED])


FORMS: dict[DeedVerb, type[DeedForm]] = {
    D.OPEN_TERM: OpenTerm, D.SUSPEND: Suspend, D.LIFT: Lift, D.CANCEL_TERM: CancelTerm, D.EXPEL: Expel,
    D.SET_FOUNDING: SetFounding, D.ABSORB: Absorb, D.MERGE: Merge, D.UNMERGE: Unmerge,
}  # fmt: skip
Pairs = list[tuple[str, Any]]


def _named(kind: str) -> Pairs:
    return [(code, catalogue.in_words(body["name"])) for code, body in catalogue.entries(kind).items()]


def _holds(row: Membership | None) -> Pairs:
    today = clock.today()
    return [
        (str(one.id), _("%(cause)s, since %(day)s", cause=labels.label(one.cause), day=day(one.start)))
        for one in (holding.running(row) if row is not None else [])
        if one.end is None or one.end > today
    ]


def _terms(row: Membership | None) -> Pairs:
    rows = endings.terms_of(row) if row is not None else []
    return [
        (one.uid, _("%(tier)s, %(first)s to %(last)s", tier=wall.tier_name(one.tier), first=day(one.start), last=last_day(stop) if stop else "–"))
        for one, (stop, _ending) in reversed(rows)
        if stop is None or stop > one.start
    ]  # fmt: skip


def choices_of(form: DeedForm, org: Organisation, others: Pairs) -> None:
    """Fill the lists of a form from what is on record."""
    row = terms.membership_of(org)
    lists: dict[str, Callable[[], Pairs]] = {
        "kind": lambda: [(one.value, labels.label(one)) for one in giving.BY_HAND],
        "tier": lambda: [(code, wall.tier_name(code)) for code in catalogue.entries("tier")],
        "code": lambda: _named("lift_reason" if isinstance(form, Lift) else "hold_reason"),
        "hold": lambda: _holds(row),
        "term": lambda: _terms(row),
        "other": lambda: others,
    }
    for name, pairs in lists.items():
        if name in form._fields:
            form._fields[name].choices = options(pairs())


def begin(form: DeedForm, org: Organisation) -> None:
    """Propose what is likely: today, the tier it has, the only one of a list."""
    row, today = terms.membership_of(org), clock.today()
    for name in ("start", "from_day", "on"):
        if name in form._fields:
            form._fields[name].data = today
    if isinstance(form, OpenTerm) and row is not None:
        form.tier.data = row.tier
        end = leaving.last_day_of_membership(row) if endings.terms_of(row) else None
        form.start.data = end or today
        form.kind.data = TermKind.RENEWAL if end else TermKind.NEW
    for name in ("hold", "term"):
        field = form._fields.get(name)
        if field is not None and len(field.choices) == 1:
            field.data = field.choices[0].value


def detail_of(form: DeedForm) -> dict[str, Any]:
    """Return what a filled-in form asks for, as a proposal keeps it."""
    found: dict[str, Any] = {}
    for name, field in form._fields.items():
        if name in {"csrf_token", "reason", "version", "other", "paper", "bar"}:
            continue
        found[name] = str(field.data) if isinstance(field.data, date) else field.data
    if isinstance(form, OpenTerm):
        found["charged"] = _fen(str(form.charged.data or "0"))
    if isinstance(form, SetFounding):
        found["founding"] = form.founding.data == "yes"
    if isinstance(form, Expel) and form.bar.data == NEVER:
        found["barred_until"] = None
    elif isinstance(form, Expel) and not form.barred_until.data:
        raise Refused(_("Please say from which day on."), field="barred_until", status=422)
    return found


def _fen(text: str) -> int:
    try:
        return Money.parse(text).minor
    except ValueError:
        raise Refused(_("Please write the amount like 12,000.00."), field="charged", status=422) from None
