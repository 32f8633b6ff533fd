"""The staff's pages of quotes: the pipeline, writing one line by line, and what happens to one that is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, g, render_template
from flask_babel import gettext as _
from sqlalchemy import func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.billing.models import Party
from portal.core import audit, clock, files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.core.paging import asked, folded, page_of
from portal.core.web import chip, go
from portal.services.contracts import verbs as contracts
from portal.services.offers import buyers
from portal.services.quotes import deciding, drafting, seen, sending
from portal.services.quotes import forms as f
from portal.services.quotes.doors import quote_office
from portal.services.quotes.models import BEFORE, Q, ServiceQuote
from portal.services.quotes.showing import lines_of

PAGE, EDIT = "quote_office.quote", "quote_office.edit"
OVER = (Q.ACCEPTED, Q.DECLINED, Q.EXPIRED, Q.WITHDRAWN, Q.SUPERSEDED)


def _sum(*states: Q) -> Money:
    found = db.session.scalar(select(func.sum(ServiceQuote.gross)).where(ServiceQuote.state.in_(states)))
    return found if isinstance(found, Money) else Money(int(found or 0))


def count_asked() -> Any:
    """Select how many quotes wait for a second person."""
    return select(func.count(ServiceQuote.id)).where(ServiceQuote.state == Q.IN_APPROVAL)


def _won() -> tuple[int, int]:
    """Return how many quotes were accepted, and how many were decided, in the last twelve months."""
    since = clock.start_of(clock.today().replace(year=clock.today().year - 1, day=1))
    counts = dict(
        db.session.execute(
            select(ServiceQuote.state, func.count())
            .where(ServiceQuote.ended_at >= since, ServiceQuote.state.in_((Q.ACCEPTED, Q.DECLINED, Q.EXPIRED)))
            .group_by(ServiceQuote.state)
        ).all()
    )  # fmt: skip
    return int(counts.get(Q.ACCEPTED, 0)), int(sum(counts.values()))


@quote_office.get("/quotes")
@allow(May.READ_SERVICES)
def pipeline() -> str:
    """Show what is offered and how it stands: open first, then decided; sums of what is open."""
    group, q = asked("state", most=20), folded(asked("q"))
    statement = select(ServiceQuote).join(Party, ServiceQuote.party_id == Party.id)
    if group in [one.value for one in Q]:
        statement = statement.where(ServiceQuote.state == Q(group))
    elif group != "all":
        statement = statement.where(ServiceQuote.state.in_((*BEFORE, Q.SENT)))
    if q:
        orgs = select(Organisation.id).where(Organisation.search_text.icontains(q, autoescape=True))
        statement = statement.where(
            ServiceQuote.number.icontains(q, autoescape=True) | Party.org_id.in_(orgs)
        )
    won, decided = _won()
    return render_template(
        "office/services/pipeline.html", page=page_of(statement.order_by(ServiceQuote.id.desc())),
        open_sum=_sum(Q.SENT), waiting_sum=_sum(*BEFORE), won=won, decided=decided, today=clock.today(),
        may_draft=me().staff_may(May.DRAFT_QUOTES),
        filters=[chip("state", code, words, group) for code, words in _groups()],
    )  # fmt: skip


def _groups() -> list[tuple[str, str]]:
    return [
        ("in_approval", _("In approval")), ("sent", _("Open for acceptance")), ("accepted", _("Accepted")),
        ("declined", _("Declined")), ("expired", _("Expired")), ("all", _("All")),
    ]  # fmt: skip


@quote_office.get("/quotes/<uid>")
@allow(May.READ_SERVICES)
def quote(uid: str) -> str:
    """Show one version with everything that happened to it."""
    row, reader, g.nav = seen.any_quote(uid), me(), "quote_office.pipeline"
    return render_template(
        "office/services/quote.html", quote=row, lines=lines_of(row), why=f.Why(formdata=None),
        may_draft=reader.staff_may(May.DRAFT_QUOTES), may_second=_may_second(row), contract=contracts.of_quote(row),
        reasons=[deciding.Second(one) for one in row.second_reasons], warns=deciding.rule("share_warns_bp"),
        versions=drafting.versions(row), late=buyers.overdue(row.party),
        history=db.session.scalars(audit.of_subject(row.subject)).all(),
    )  # fmt: skip


def _may_second(row: ServiceQuote) -> bool:
    try:
        deciding.refuse_second(row, me().person)
    except Refused:
        return False
    return row.state is Q.IN_APPROVAL


@quote_office.get("/quotes/<uid>/pdf")
@allow(May.READ_SERVICES)
def quote_pdf(uid: str) -> Response:
    """Hand out a version as PDF."""
    row = seen.any_quote(uid)
    if row.pdf is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(row.pdf, inline=True)


def _done(uid: str, deed: Callable[[ServiceQuote], object], words: str) -> BaseResponse:
    row = seen.any_quote(uid)
    with transaction():
        deed(row)
    return go(PAGE, words, uid=uid)


def _reason() -> str:
    why = f.Why()
    if not why.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    return str(why.reason.data)


@quote_office.post("/quotes/<uid>/sending")
@allow(May.DRAFT_QUOTES)
def send(uid: str) -> BaseResponse:
    """Send a draft, or ask a second person to stand for it."""
    row = seen.any_quote(uid)
    with transaction():
        done = sending.send(row, by=me().person)
    words = _("The quote is on its way.") if done.state is Q.SENT else _("A second person decides on it now.")
    return go(PAGE, words, uid=uid)


@quote_office.post("/quotes/<uid>/approval")
@allow(May.APPROVE_QUOTES, May.APPROVE_LARGE_QUOTES, May.CREDIT)
def approve(uid: str) -> BaseResponse:
    """Stand for another's quote."""
    return _done(uid, lambda row: sending.approve(row, by=me().person), _("The quote is on its way."))


@quote_office.post("/quotes/<uid>/return")
@allow(May.APPROVE_QUOTES, May.APPROVE_LARGE_QUOTES, May.CREDIT)
def give_back(uid: str) -> BaseResponse:
    """Give another's quote back with what is to be changed."""
    reason = _reason()
    return _done(
        uid, lambda row: sending.return_quote(row, by=me().person, reason=reason), _("The quote went back.")
    )


@quote_office.post("/quotes/<uid>/withdrawal")
@allow(May.DRAFT_QUOTES)
def withdraw(uid: str) -> BaseResponse:
    """Take a quote back."""
    reason = _reason()
    return _done(
        uid, lambda row: sending.withdraw(row, by=me().person, reason=reason), _("The quote is withdrawn.")
    )


@quote_office.post("/quotes/<uid>/revision")
@allow(May.DRAFT_QUOTES)
def revise(uid: str) -> BaseResponse:
    """Write the next version of a quote that went out."""
    row = seen.any_quote(uid)
    with transaction():
        made = drafting.revise(row, by=me().person)
    return go(EDIT, _("This is the next version, with the figures of today."), uid=made.uid)
