"""The office's pages of what two of staff do together: fill in, look at what would happen, propose, confirm or decline."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core import files, labels
from portal.core.db import db, transaction
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.money import Money
from portal.core.web import go
from portal.members import deed_forms as f
from portal.members import deed_showing, deeds, giving, grams, leaving, terms, uploads
from portal.members.belonging import TermKind
from portal.members.deed_models import DeedState, DeedVerb
from portal.members.deed_steps import Given
from portal.members.forms import Reason
from portal.members.models import Pair, PairAnswer

PAGE = "deeds.deed"
D = DeedVerb
FOUND = 12


class Looked(Exception):
    """What a dry run wrote is taken back."""


desk = Blueprint("deeds", __name__, url_prefix="/office")


def _org(uid: str) -> Organisation:
    row = db.session.scalars(select(Organisation).where(Organisation.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such organisation."))
    return row


def _verb(word: str) -> DeedVerb:
    if word not in {one.value for one in DeedVerb}:
        raise Missing(_("There is no such step."))
    verb = DeedVerb(word)
    if not any(me().staff_may(may) for may in deeds.verb_of(verb).may):
        raise Forbidden(_("This step belongs to somebody else."))
    return verb


def _others(org: Organisation, verb: DeedVerb) -> list[tuple[str, Any]]:
    """Return the organisations to choose from: found by name, or answered to be the same or related."""
    if verb is D.UNMERGE:
        return deed_showing.merged_of(org)
    chosen, q = request.values.get("other", ""), request.values.get("q", "").strip()
    answers = [PairAnswer.SAME] if verb is D.MERGE else [PairAnswer.RELATED]
    pairs = select(Pair).where(or_(Pair.org_id == org.id, Pair.other_id == org.id), Pair.answer.in_(answers))
    ids = {number for pair in db.session.scalars(pairs) for number in (pair.org_id, pair.other_id)}
    wanted = or_(Organisation.id.in_(ids), Organisation.uid == chosen)
    if q:
        wanted = or_(wanted, grams.holding(q))
    found = select(Organisation).where(
        wanted,
        Organisation.id != org.id,
        Organisation.merged_into_id.is_(None),
        Organisation.person_id.is_(None),
    )
    rows = db.session.scalars(found.order_by(Organisation.sort_en).limit(FOUND))
    return [(row.uid, f"{row.name} · {(row.legal_key or '–').rsplit(':', 1)[-1]}") for row in rows]


def _form(org: Organisation, verb: DeedVerb, *, given: bool) -> f.DeedForm:
    form = f.FORMS[verb]() if given else f.FORMS[verb](formdata=None)
    f.choices_of(form, org, _others(org, verb))
    if not given:
        f.begin(form, org)
        if "other" in form:
            form["other"].data = request.args.get("other")
        form.version.data = str(deeds.version_of(org))
    return form


def _page(org: Organisation, verb: DeedVerb, form: f.DeedForm, status: int = 200, **more: Any) -> Any:
    g.nav = "roll.members"
    return render_template(
        "office/deed_new.html", org=org, verb=verb, form=form, title=labels.label(verb), table=deeds.verb_of(verb),
        waiting=deeds.open_deed(org), has_page=terms.membership_of(org) is not None,
        searches=verb in {D.MERGE, D.ABSORB}, **more,
    ), status  # fmt: skip


@desk.get("/organisations/<uid>/deeds/<verb>")
@allow(May.REVIEW, May.CREDIT, May.DECIDE_APPEALS)
def begin(uid: str, verb: str) -> Any:
    """Show the form of a verb."""
    org, which = _org(uid), _verb(verb)
    return _page(org, which, _form(org, which, given=False))


def _given(org: Organisation, form: f.DeedForm) -> Given:
    chosen = getattr(form, "other", None)
    other = _org(chosen.data) if chosen is not None and chosen.data else None
    return Given(org, f.detail_of(form), str(form.reason.data), other)


def _propose(uid: str, verb: DeedVerb) -> Any:
    """Look at what a verb would do, or propose it; nothing that was typed is lost."""
    org = _org(uid)
    form = _form(org, verb, given=True)
    if not form.validate_on_submit():
        return _page(org, verb, form, 422)
    try:
        if "look" in request.form:
            return _page(org, verb, form, preview=_look(org, verb, form))
        return _do(org, verb, form)
    except Refused as refusal:
        form.refused(refusal)
        return _page(_org(uid), verb, form, refusal.status)


def _look(org: Organisation, verb: DeedVerb, form: f.DeedForm) -> list[dict[str, Any]]:
    found: deeds.Preview = []
    try:
        with transaction():
            found = deeds.look(_given(org, form), verb, by=me().person)
            raise Looked
    except Looked:
        return deed_showing.said(found)


def _do(org: Organisation, verb: DeedVerb, form: f.DeedForm) -> BaseResponse:
    alone = isinstance(form, f.OpenTerm) and not giving.takes_two(TermKind(form.kind.data), form.start.data)
    if alone:
        with transaction():
            _open_alone(org, form)
        return go("roll.member", _("The term is on record."), uid=org.uid)
    paper = _paper()
    with transaction():
        made = deeds.propose(_given(org, form), verb, by=me().person, version=_seen(org, form), paper=paper)
    return go(PAGE, _("Proposed. Somebody else confirms it."), uid=made.uid)


def _seen(org: Organisation, form: f.DeedForm) -> int:
    """Return the version to go by: the page's, with the other organisation's facts as they are when proposed."""
    other = getattr(form, "other", None)
    if other is None or not other.data:
        return deeds.seen_on(form.version.data)
    return deeds.seen_on(form.version.data) + deeds.version_of(_org(other.data))


def _open_alone(org: Organisation, form: f.DeedForm) -> None:
    deeds.refuse_close(me().person, org)
    row = terms.found_membership(org)
    terms.locked(row)
    deeds.refuse_moved(deeds.seen_on(form.version.data), org)
    detail = f.detail_of(form)
    giving.open_by_hand(
        row, kind=TermKind(detail["kind"]), tier=detail["tier"], start=form["start"].data,
        months=int(detail["months"] or 0), charged=Money(detail["charged"]), by=me().person,
        reason=str(form.reason.data),
    )  # fmt: skip


def _paper() -> tuple[files.Content, str] | None:
    given = request.files.get("paper")
    if given is None or not given.filename:
        return None
    checked = uploads.check(given)
    return files.put(checked.data, checked.media_type), checked.name


def _door(verb: DeedVerb, path: str) -> None:
    """Open the door of one verb to whoever may propose it, as the table of verbs says."""

    def propose(uid: str) -> Any:
        return _propose(uid, verb)

    propose.__doc__ = f"Look at, or propose: {verb.value}."
    desk.add_url_rule(
        f"/organisations/<uid>/{path}", f"propose_{verb.value}", allow(*deeds.verb_of(verb).may)(propose), methods=["POST"]
    )  # fmt: skip


for _one, _path in {
    D.OPEN_TERM: "terms", D.SUSPEND: "suspensions", D.LIFT: "suspensions/lifting", D.CANCEL_TERM: "cancellations",
    D.EXPEL: "expulsions", D.SET_FOUNDING: "founding", D.ABSORB: "absorptions", D.MERGE: "merges", D.UNMERGE: "merges/undoing",
}.items():  # fmt: skip
    _door(_one, _path)


@desk.get("/deeds/<uid>")
@allow(May.READ_MEMBERS)
def deed(uid: str) -> str:
    """Show a proposal: what would happen, on what it rests, and who decides."""
    row, reader, g.nav = deeds.found(uid), me(), "roll.members"
    table = deeds.verb_of(row.verb)
    open_now = row.state is DeedState.PROPOSED
    second = any(reader.staff_may(may) for may in table.second) and row.by_id != reader.person.id
    return render_template(
        "office/deed.html", deed=row, preview=deed_showing.said(row.preview), reason=Reason(),
        may_confirm=open_now and second, may_decline=open_now and (second or row.by_id == reader.person.id),
        has_page=terms.membership_of(row.org) is not None, table=table,
    )  # fmt: skip


@desk.post("/deeds/<uid>/confirmation")
@allow(May.REVIEW, May.DECIDE)
def confirm(uid: str) -> BaseResponse:
    """Do what somebody else proposed."""
    row = deeds.found(uid)
    with transaction():
        deeds.confirm(row, by=me().person)
    return go(PAGE, _("Confirmed and done."), uid=uid)


@desk.post("/deeds/<uid>/refusal")
@allow(May.REVIEW, May.DECIDE, May.CREDIT, May.DECIDE_APPEALS)
def decline(uid: str) -> BaseResponse:
    """Leave everything as it is."""
    row, given = deeds.found(uid), Reason()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        deeds.decline(row, by=me().person, reason=str(given.reason.data))
    return go(PAGE, _("Declined. Everything stays as it is."), uid=uid)


@desk.get("/deeds/<uid>/paper")
@allow(May.REVIEW, May.DECIDE, May.DECIDE_APPEALS)
def paper(uid: str) -> Response:
    """Hand out the paper a proposal rests on."""
    row = deeds.found(uid)
    if row.paper is None:
        raise Missing(_("There is no such file."))
    return files.send(row.paper, inline=True)


@desk.post("/organisations/<uid>/resignation/undoing")
@allow(May.REVIEW)
def undo_resignation(uid: str) -> BaseResponse:
    """Take a resignation back for a member that asked us to."""
    org, given = _org(uid), Reason()
    row = terms.membership_of(org)
    if row is None or not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        deeds.refuse_close(me().person, org)
        leaving.undo_resignation(row, by=me().person, reason=str(given.reason.data), staff=True)
    return go("roll.member", _("The resignation is taken back."), uid=uid)
