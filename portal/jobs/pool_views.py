"""The employer's pages of the talent pool: a search that counts, whom it finds, asking for contact, and what was answered."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template
from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import required_org
from portal.core import catalogue, labels
from portal.core.db import db
from portal.core.paging import number, page_of
from portal.core.web import go
from portal.jobs import contacting, credits, hirers, modes, naming, pool, posts, profiles, quotas
from portal.jobs import people_forms as f
from portal.jobs.application_models import ContactRequest
from portal.jobs.hirers import viewer
from portal.jobs.hiring_views import hand_out, of_profile
from portal.jobs.kinds import Employment
from portal.jobs.looks import Asked, card
from portal.jobs.matching import Wanted
from portal.jobs.models import Post
from portal.jobs.people_doors import hiring
from portal.jobs.people_models import PoolSearch
from portal.jobs.stages import ContactState, Field, Purpose, Tongue
from portal.members.standing import Answer

NAV, SIZE = "hiring.pool_page", 10


def _org() -> Organisation:
    g.nav = NAV
    modes.full_only()
    return required_org(me(), May.RECRUIT)


def _search_page(org: Organisation, form: f.SearchForm, status: int = 200) -> Any:
    quota = quotas.of(org)
    return render_template(
        "jobs/people/pool.html", org=org, form=form, quota=quota, spent=pool.spent(org), asked=contacting.spent(org.id),
        may=quotas.right(org) is Answer.YES, least=catalogue.policy("jobs.pool_least"),
    ), status  # fmt: skip


@hiring.get("/pool")
@allow(May.RECRUIT)
def pool_page() -> Any:
    """Show the form of a search, with what is left for today."""
    form = f.SearchForm(formdata=None)
    form.offer()
    return _search_page(_org(), form)


@hiring.post("/pool")
@allow(May.RECRUIT)
def search() -> Any:
    """Begin a search; it counts, and can be looked at for the rest of the day."""
    org, form = _org(), f.SearchForm()
    form.offer()
    made: list[PoolSearch] = []

    def begin() -> None:
        wanted = Wanted(
            int(form.level.data or 0), str(form.city.data or ""), str(form.skills.data or ""), str(form.kind.data or ""),
            str(form.language.data or ""),
        )  # fmt: skip
        made.append(pool.search(org, wanted, by=me().person))

    status = form.carry_out(begin)
    return _search_page(org, form, status) if status else go("hiring.found", uid=made[0].uid)


@hiring.get("/pool/<uid>")
@allow(May.RECRUIT)
def found(uid: str) -> Any:
    """Show whom a search of today finds, by handles; nobody while they are too few."""
    org = _org()
    row = pool.found(uid, org)
    hirers.in_force(org)
    part = pool.part(row, number("page", 1), SIZE)
    return render_template(
        "jobs/people/found.html", row=row, found=pool.shown(row, part.people, viewer(me(), org)), at=part.at, more=part.more,
        field=Field, wanted=_in_words(row), least=catalogue.policy("jobs.pool_least"),
    )  # fmt: skip


def _in_words(row: PoolSearch) -> list[str]:
    wanted = Wanted(**row.asked)
    names = {rank: name for rank, _code, name in credits.levels()}
    parts = [
        _("%(level)s or higher", level=names[wanted.level]) if wanted.level in names else "",
        naming.city(wanted.city), wanted.skills,
        labels.label(Employment(wanted.kind)) if wanted.kind else "",
        labels.label(Tongue(wanted.language)) if wanted.language else "",
    ]  # fmt: skip
    return [one for one in parts if one]


def _open_posts(org: Organisation) -> list[Post]:
    return list(db.session.scalars(posts.visible().where(Post.org_id == org.id).order_by(Post.id.desc())))


def _ask_page(row: PoolSearch, handle: str, form: f.AskForm, status: int = 200) -> Any:
    profile, rank = pool.one(row, handle)
    seen = pool.shown(row, [(profile, rank)], viewer(me(), row.org))
    return render_template(
        "jobs/people/ask.html", row=row, handle=handle, form=form, seen=seen[0].seen if seen else {}, field=Field,
        posts=_open_posts(row.org), left=max(0, quotas.of(row.org).contacts_a_month - contacting.spent(row.org_id)),
        days=catalogue.policy("jobs.contact_days"),
    ), status  # fmt: skip


@hiring.get("/pool/<uid>/<handle>")
@allow(May.RECRUIT)
def ask_form(uid: str, handle: str) -> Any:
    """Show the form to ask one of those found for contact."""
    org = _org()
    hirers.in_force(org)
    form = f.AskForm(formdata=None)
    form.offer(_open_posts(org))
    return _ask_page(pool.found(uid, org), handle, form)


@hiring.post("/pool/<uid>/<handle>")
@allow(May.RECRUIT)
def ask(uid: str, handle: str) -> Any:
    """Ask for contact; the person decides what is seen."""
    org = _org()
    hirers.in_force(org)
    row, form = pool.found(uid, org), f.AskForm()
    open_posts = _open_posts(org)
    form.offer(open_posts)
    profile, _rank = pool.one(row, handle)

    def send() -> None:
        post = next(one for one in open_posts if one.uid == form.post.data)
        contacting.ask(row, profile, post, reason=str(form.reason.data), by=me().person)

    status = form.carry_out(send)
    if status:
        return _ask_page(row, handle, form, status)
    return go("hiring.requests", _("Asked. You hear of the answer; who it is you learn only with a yes."))


# ---- Requests


@hiring.get("/requests")
@allow(May.RECRUIT)
def requests() -> str:
    """List the requests for contact of the organisation with their answers."""
    org = _org()
    mine = select(ContactRequest).where(ContactRequest.org_id == org.id)
    page = page_of(mine.order_by(ContactRequest.id.desc()))
    return render_template(
        "jobs/people/requests.html", page=page, title=naming.title_of, waits=contacting.is_open, org=org
    )


def _own(uid: str) -> ContactRequest:
    g.nav = NAV
    return hirers.request(me(), uid)


def _asked(row: ContactRequest, said: dict[Field, Any]) -> Asked | None:
    if row.person is None or row.state is not ContactState.AGREED:
        return None
    return Asked(row.person, Purpose.SHOW, row.org, row.subject, said)


def said(row: ContactRequest) -> dict[Field, Any]:
    """Return all there is to be seen after a yes; what of it is seen says the ledger."""
    if row.person is None:
        return {}
    badges = credits.of([row.person]).get(row.person.id, [])
    profile = profiles.of(row.person)
    own: dict[Field, Any] = {Field.NAME: row.person.name, Field.CERTIFICATES: badges}
    return own if profile is None else {**own, **of_profile(profile), Field.RESUME: profile.resume}


@hiring.get("/requests/<uid>")
@allow(May.RECRUIT)
def request_seen(uid: str) -> str:
    """Show what somebody who said yes lets this employer see, while that lasts."""
    row = _own(uid)
    asked = _asked(row, said(row))
    reader = viewer(me(), row.org)
    seen = card(reader, asked) if asked is not None else {}
    return render_template(
        "jobs/people/request.html", row=row, seen=seen, title=naming.title_of, field=Field, reader=reader,
        waits=contacting.is_open(row), shown=[one for one in Field if one in seen],
    )  # fmt: skip


@hiring.get("/requests/<uid>/resume/file")
@allow(May.RECRUIT)
def request_resume(uid: str) -> Response:
    """Hand out the résumé of somebody who said yes, marked with the reader."""
    row = _own(uid)
    asked = _asked(row, {Field.RESUME: said(row).get(Field.RESUME)})
    return hand_out(card(viewer(me(), row.org), asked) if asked is not None else {}, row.post)
