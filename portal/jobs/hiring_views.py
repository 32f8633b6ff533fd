"""The employer's pages of applications: the list in its printed order, one application with its steps, the résumé."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template
from flask_babel import gettext as _
from sqlalchemy import case, func
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import files, labels
from portal.core.db import db, let_go, transaction
from portal.core.errors import Missing
from portal.core.paging import number, page_of
from portal.core.web import go
from portal.jobs import applying, credits, hirers, hiring, naming, ordering, profiles, watermarks
from portal.jobs import people_forms as f
from portal.jobs.application_models import JobApplication
from portal.jobs.hirers import viewer
from portal.jobs.looks import Asked, card, cards
from portal.jobs.models import Post
from portal.jobs.people_doors import hiring as doors
from portal.jobs.people_models import Profile
from portal.jobs.stages import SEEN_AS, Field, JobApplicationState, Purpose, Tongue

A = JobApplicationState
NAV = "hiring.posts"
APPLICATION = "hiring.application"


@doors.app_context_processor
def _words() -> dict[str, Any]:
    """Return what a field of a candidate is called for whoever sees it."""
    return {"seen_as": SEEN_AS.__getitem__}


@doors.get("/")
@allow(May.RECRUIT)
def posts() -> str:
    """List the posts one recruits for that have applications, with how many wait."""
    g.nav = NAV
    count = func.count(JobApplication.id)
    waiting = func.sum(case((JobApplication.state == A.SENT, 1), else_=0))
    rows = db.session.execute(
        hirers.posts_of(me())
        .join(JobApplication, JobApplication.post_id == Post.id)
        .with_only_columns(Post, count, waiting)
        .group_by(Post.id)
        .order_by(Post.id.desc())
    ).all()
    return render_template("jobs/people/posts.html", rows=rows, title=naming.title_of)


def _about(row: JobApplication, said: dict[Field, Any]) -> Asked:
    assert row.person is not None
    return Asked(row.person, Purpose.APPLY, row.post, row.subject, said)


@doors.get("/posts/<uid>")
@allow(May.RECRUIT)
def listed(uid: str) -> str:
    """List the applications to one post in the printed order, with what each lets this employer see."""
    g.nav = NAV
    post, reader = hirers.post(me(), uid), viewer(me(), hirers.post(me(), uid).org)
    ranking = ordering.ranked(post)
    least = number("level", 0)
    wanted = ranking.statement.where(ranking.rank >= least) if least else ranking.statement
    page = page_of(wanted.order_by(*ranking.order), rows=True)
    rows = [row for row, _rank in page.items]
    seen = _briefly(rows, reader)
    return render_template(
        "jobs/people/list.html", post=post, page=page, rows=rows, seen=seen, title=naming.title_of, rule=ordering.rule(),
        levels=credits.levels(), least=least, left_out=ordering.left_out(ranking, least) if least else 0, field=Field,
        asks=credits.asks(post), required=ordering.required(post),
    )  # fmt: skip


def _briefly(rows: list[JobApplication], reader: Any) -> dict[int, dict[Field, Any]]:
    """Return the name and the certificates of each, as far as the ledger lets; all looks at once."""
    there = [row for row in rows if row.person is not None and row.state is not A.WITHDRAWN]
    badges = credits.of([row.person for row in there if row.person is not None])
    asked = [
        _about(row, {Field.NAME: row.person.name, Field.CERTIFICATES: badges.get(row.person.id, [])})
        for row in there
        if row.person is not None
    ]
    return {row.id: one for row, one in zip(there, cards(reader, asked), strict=True)}


def said(row: JobApplication) -> dict[Field, Any]:
    """Return all there is to be seen of an application; what of it is seen says the ledger."""
    person = row.person
    if person is None:
        return {}
    profile = profiles.of(person)
    own = {
        Field.NAME: person.name, Field.LETTER: row.letter,
        Field.CERTIFICATES: credits.of([person]).get(person.id, []), Field.RESUME: row.resume,
    }  # fmt: skip
    return own if profile is None else {**own, **of_profile(profile)}


def of_profile(profile: Profile) -> dict[Field, Any]:
    """Return what a profile has to say to whom its owner shows it."""
    return {
        Field.CITY: naming.city(profile.city), Field.SKILLS: profile.skills, Field.REACH: profile.reach,
        Field.LANGUAGES: [labels.label(Tongue(one)) for one in profile.languages],
    }  # fmt: skip


def _opened(uid: str) -> JobApplication:
    g.nav = NAV
    return hirers.application(me(), uid)


def _page(row: JobApplication, form: f.StepForm | None = None, status: int = 200) -> Any:
    steps = [to for to in hiring.NEXT if to in applying.next_steps(row)]
    shut = row.state in (A.SENT, A.WITHDRAWN) or row.person is None
    reader = viewer(me(), row.post.org)
    seen = {} if shut else card(reader, _about(row, said(row)))
    if form is None:
        form = f.StepForm(formdata=None)
        form.offer(steps)
    return render_template(
        "jobs/people/application.html", row=row, seen=seen, form=form, steps=steps, title=naming.title_of, field=Field,
        history=applying.steps_of(row), state=A, reader=reader, shown=[one for one in Field if one in seen],
        rule=ordering.rule(), now=row.moved_at,
    ), status  # fmt: skip


@doors.get("/applications/<uid>")
@allow(May.RECRUIT)
def application(uid: str) -> Any:
    """Show one application: before it is opened only that it is there."""
    return _page(_opened(uid))


@doors.post("/applications/<uid>/opening")
@allow(May.RECRUIT)
def open_application(uid: str) -> BaseResponse:
    """Open an application, of which its sender hears."""
    row = _opened(uid)
    with transaction():
        hiring.open_(row, by=me().person)
    return go(APPLICATION, uid=uid)


@doors.post("/applications/<uid>/step")
@allow(May.RECRUIT)
def step(uid: str) -> Any:
    """Take the next step, with words to the candidate."""
    row, form = _opened(uid), f.StepForm()
    form.offer([to for to in hiring.NEXT if to in applying.next_steps(row)])
    status = form.carry_out(
        lambda: hiring.step(
            row, A(str(form.to.data)), by=me().person, words=str(form.words.data or ""), by_certificate=form.counted()
        )
    )  # fmt: skip
    if status:
        return _page(row, form, status)
    return go(APPLICATION, _("Done. The candidate gets a letter with your words."), uid=uid)


@doors.get("/applications/<uid>/resume/file")
@allow(May.RECRUIT)
def resume(uid: str) -> Response:
    """Hand out the résumé of an application, marked with the reader, if the ledger lets it now."""
    row = _opened(uid)
    if row.state in (A.SENT, A.WITHDRAWN) or row.person is None:
        raise Missing(_("There is no résumé to be seen."))
    return hand_out(card(viewer(me(), row.post.org), _about(row, {Field.RESUME: row.resume})), row.post)


def hand_out(seen: dict[Field, Any], post: Post) -> Response:
    """Return a résumé as an attachment with the reader's mark on each page; `Missing` where none may be seen."""
    file = seen.get(Field.RESUME)
    if file is None or file.erased_at is not None:
        raise Missing(_("There is no résumé to be seen."))
    reader, answer = viewer(me(), post.org), files.send(file)
    let_go()
    answer.set_data(watermarks.marked(answer.get_data(), reader))
    return answer
