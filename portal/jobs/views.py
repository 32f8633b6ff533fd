"""The public board: the list with its filters, a post's page, the short page of one that is over, and reports."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import g, make_response, redirect, render_template, request, url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import Row, Select, literal, select
from sqlalchemy.orm import aliased
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import who
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core import catalogue, clock, i18n, labels
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.money import Money
from portal.core.paging import Page, asked, page_of
from portal.core.unchanged import unchanged
from portal.core.web import LONG_QUERY, chip, go, public
from portal.core.words import price
from portal.jobs import early, jsonld, modes, naming, posts, quotas, reporting, searching, showing
from portal.jobs import forms as f
from portal.jobs.doors import jobs
from portal.jobs.kinds import OVER, Employment
from portal.jobs.models import NO_POST, Post, PostVersion
from portal.jobs.modes import Mode
from portal.jobs.searching import Asked
from portal.members import wall
from portal.members.standing import Answer

PAGE, LIST = "jobs.post", "jobs.board"
SIZES = (25, 50)
SIMILAR = 5


def read_asked() -> Asked:
    """Return the filters of this address."""
    return searching.read(request.args)


@jobs.app_context_processor
def _words() -> dict[str, Any]:
    """Return what every page says of the board: the way to it while it is public, and the licence at its foot."""
    found = modes.mode()
    links = [{"href": "/jobs/", "label": _("Jobs")}] if found in (Mode.LINK_OUT, Mode.FULL) else []
    return {"public_nav": links, "job_licence": modes.licence, "job_mode": found.value}


def only_members() -> BaseResponse | None:
    """Let members alone read notices: None for them, else the way to sign in; `Missing` for other people."""
    reader = who()
    if reader is None:
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")), code=303)
    orgs = db.session.scalars(
        select(Organisation).where(Organisation.id.in_(reader.orgs(May.SEE_ORG))).order_by(Organisation.id)
    )
    if not reader.works_here() and all(quotas.right(org) is Answer.NO for org in orgs):
        raise Missing(_("The notices of members are open to members."))
    g.private = True
    return None


@jobs.get("/")
@public
def board() -> Any:
    """Show the board: searched and filtered in the address, the newest first."""
    if modes.mode() is Mode.NOTICES and (turned := only_members()) is not None:
        return turned
    wanted = read_asked()
    known = len(request.query_string) < LONG_QUERY  # what nobody types is not worth keeping
    read = partial(_shown, wanted)
    key = ("jobs", request.query_string, i18n.language(), clock.today())
    page = unchanged(key, read) if known else read()
    return render_template(
        "jobs/board.html", page=page, asked=wanted, filters=partial(_chips, wanted), words=_row_words,
        saveable=bool(wanted) or who() is not None, feed=_address("jobs.atom", wanted),
        json_feed=_address("jobs.json_feed", wanted),
    )  # fmt: skip


COLUMNS = (
    Post.uid, Post.posted_at, Post.places, PostVersion.title_zh, PostVersion.title_en, PostVersion.text_zh,
    PostVersion.text_en, PostVersion.remote, PostVersion.city, PostVersion.remote_from, PostVersion.employment,
    PostVersion.currency, PostVersion.pay_low, PostVersion.pay_high, PostVersion.pay_per, PostVersion.pay_months,
    PostVersion.need, PostVersion.level, PostVersion.skills, PostVersion.link,
)  # fmt: skip


def _address(endpoint: str, wanted: Asked) -> str:
    values: dict[str, Any] = {"lang": naming.tongue(), **wanted.plain()}
    return url_for(endpoint, **values)


def _worded(rows: Select[Any]) -> Select[Any]:
    columns: tuple[Any, ...] = (*COLUMNS, wall.shown_name().label("employer"))
    return rows.join(Post.org).with_only_columns(*columns)


def _shown(wanted: Asked) -> Page:
    listed = searching.narrowed(posts.visible(), wanted)
    return page_of(
        _worded(listed), order=(Post.posted_at, Post.id), down=True, plain=True, sizes=SIZES,
        upto=searching.MOST_COUNTED, tally=listed,
    )  # fmt: skip


def _row_words(row: Row[Any]) -> dict[str, Any]:
    """Return a row of the list in words."""
    own = naming.tongue_of(row)  # type: ignore[arg-type]
    return {
        "title": getattr(row, f"title_{own}"), "lang": naming.HTML[own] if own != naming.tongue() else "",
        "place": showing.place_words(row), "pay": showing.pay_words(row),  # type: ignore[arg-type]
        "employment": labels.label(row.employment), "level": naming.level(row.level), "need": row.need.value,
        "day": clock.day_of(row.posted_at), "skills": list(row.skills)[:5],
    }  # fmt: skip


def _chips(wanted: Asked) -> list[dict[str, Any]]:
    """Return the filters as chips; cities that no post has are left out."""
    known = catalogue.entries("job_city")
    cities = _cities(list(known))
    groups = (
        ("city", _("City"), [(code, catalogue.in_words(row["name"])) for code, row in known.items() if code in cities]
         + [(searching.REMOTE, _("Remote"))]),
        ("level", _("Certificate"), [(code, catalogue.in_words(row["name"])) for code, row in catalogue.entries("level").items()]),
        ("kind", _("Kind of work"), [(one.value, labels.label(one)) for one in Employment]),
        ("pay", _("Pay a month from"), [(str(one), price(Money(one * 100, "CNY"))) for one in searching.PAYS]),
    )  # fmt: skip
    return [
        {"label": label, "options": [chip(key, code, words, getattr(wanted, key)) for code, words in options]}
        for key, label, options in groups
    ]


def _cities(known: list[str]) -> set[str]:
    """Return those of some cities in which a visible post is: one look each, however many posts there are."""
    said = aliased(PostVersion)
    there = (
        posts.visible().with_only_columns(literal(1)).where(Post.shown_id == said.id).correlate(said).exists()
    )
    columns = [select(said.id).where(said.city == code, there).limit(1).scalar_subquery() for code in known]
    row = db.session.connection().execute(select(*columns)).one() if columns else ()
    return {code for code, one in zip(known, row, strict=True) if one}


def found(uid: str) -> Post:
    """Return a post by its address, visible or not; `Missing` if it was never out."""
    row = db.session.scalars(select(Post).where(Post.uid == uid, Post.shown_id.is_not(None))).first()
    if row is None:
        raise Missing(NO_POST)
    return row


@jobs.get("/<uid>")
@public
def post(uid: str) -> Any:
    """Show a visible post; 410 with similar ones once it is over, 404 while it is not out."""
    if modes.mode() is Mode.NOTICES:
        raise Missing(NO_POST)
    row = found(uid)
    if not posts.is_visible(row):
        return over(row)
    return _page(row, f.Report(formdata=None))


def _wanted() -> str:
    said = asked("lang", most=5)
    return said if said in naming.LOCALES else ""


def _page(row: Post, form: f.Report, status: int = 200) -> Any:
    wanted = _wanted()
    if not wanted:
        return _drawn(row, form, status, naming.tongue())
    with force_locale(naming.LOCALES[wanted]):  # an address with a language is the same page for everybody
        return _drawn(row, form, status, wanted)


def _drawn(row: Post, form: f.Report, status: int, wanted: str) -> Any:
    assert row.shown is not None
    seen = showing.shown(row, wanted)
    body = jsonld.block(jsonld.posting(row, row.shown, seen))
    return render_template(
        "jobs/post.html", row=row, seen=seen, posting=body, form=form.offer(), report_open=status != 200,
        links=[(naming.HTML[one], showing.address(row.uid, one)) for one in seen.languages],
        canonical=showing.address(row.uid, seen.tongue), similar=similar(row),
        rank=catalogue.entries("level").get(seen.level_code), opens=early.opens_at(row),
    ), status  # fmt: skip


def is_over(row: Post) -> bool:
    """Whether a post is over: filled, expired, removed, or past its last day though no chore has run."""
    return row.state in OVER or (row.ends_on is not None and clock.today() >= row.ends_on)


def over(row: Post) -> Any:
    """Answer for a post that is not visible: gone, with similar ones, or (paused, not yet begun) as if it were not there."""
    if not is_over(row):
        raise Missing(NO_POST)
    answer = make_response(
        render_template(
            "jobs/gone.html", row=row, title=naming.title_of(row), similar=similar(row), words=_row_words
        ),
        410,
    )
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def similar(row: Post) -> list[Any]:
    """Return visible posts that are like one: of the same city, kind or certificate, the newest first."""
    version = row.shown
    if version is None:
        return []
    near = (
        (PostVersion.city == version.city) & (PostVersion.city != "")
        | (PostVersion.level == version.level) & (PostVersion.level != "")
        | (Post.org_id == row.org_id)
    )
    rows = _worded(posts.visible()).where(Post.id != row.id, near)
    return list(db.session.execute(searching.newest_first(rows).limit(SIMILAR)))


@jobs.post("/<uid>/reports")
@public
def report(uid: str) -> Any:
    """Take a reader's report about a post."""
    row = found(uid)
    if not posts.is_visible(row):
        return over(row)
    form, reader = f.Report().offer(), who()
    status = form.carry_out(
        lambda: reporting.report(
            row, reason=str(form.reason.data), words=str(form.words.data or ""),
            person=reader.person if reader else None, address=request.remote_addr or "",
        )
    )  # fmt: skip
    if not status:
        return go(
            PAGE, _("Thank you. We look into reports; the post stays until somebody has decided."), uid=uid
        )
    return _page(found(uid), form, status)
