"""Sending a post to the moderators: checked, screened, and with a slot taken under the organisation's lock."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.states import move
from portal.jobs import employers, modes, pace, quotas, screening, slots, terms, writing
from portal.jobs import said as saying
from portal.jobs.kinds import OVER, PostState, Verdict, VersionState
from portal.jobs.models import Post, PostDecision, PostTerm, PostVersion
from portal.jobs.modes import Mode
from portal.jobs.said import Said
from portal.jobs.screening import ALIKE, DOMAIN, RETURNED, SAME, Mark
from portal.members.standing import Answer

P, V = PostState, VersionState
ALIKE_READ = 20


def submit(post: Post, *, by: Person) -> PostVersion:
    """Send the version at hand for review; a draft takes a slot, a post that is out keeps showing what was approved."""
    _refuse_closed(by)
    slots.lock(post.org_id)
    row = slots.lock_post(post)
    employers.refuse_unconfirmed(row.org)
    version = writing.in_state(row, V.WRITTEN)
    if version is None:
        raise Refused(_l("There is nothing new to send: change the post first."))
    if row.state is P.DRAFT:
        slots.refuse_full(row.org)
        _check_start(row)
        move(row, P.IN_REVIEW)
    elif row.state in OVER:
        raise Refused(_l("This post has ended. Renew it to send it again."))
    return send(row, version, by=by)


def send(post: Post, version: PostVersion, *, by: Person) -> PostVersion:
    """Hand a version to the moderators, with the marks for their eyes; the post is locked."""
    said = saying.of(version)
    saying.check_complete(said)
    marks = marks_of(post, said)
    if (mark := screening.blocking(marks, catalogue.entries("job_mark"))) is not None:
        raise Refused(
            _l(
                "Posts may not ask for fees, deposits or papers to be kept. Please take out: %(words)s",
                words=" · ".join(mark.words),
            ),
            field=f"text_{mark.language}", status=422,
        )  # fmt: skip
    move(version, V.WAITING)
    version.submitted_at, version.submitted_by, version.escalated_at = clock.now(), by, None
    version.marks = [one.plain() for one in marks]
    db.session.flush()
    audit.record(pace.POST_SENT, post, by=by, org_id=post.org_id, n=version.n, marks=len(marks))
    return version


def _refuse_closed(by: Person) -> None:
    if modes.mode() is Mode.OFF:
        raise Refused(_l("The job board is closed at present."))
    if by.verified_at is None and not by.demo:
        raise Refused(_l("Please confirm your mail address first."))
    if pace.hour_is_full(by):
        raise Refused(
            _l("You have sent %(count)s posts or applications within the hour. Please go on a little later; nothing is lost.", count=pace.most_an_hour()),
            status=429,
        )  # fmt: skip


def _check_start(post: Post) -> None:
    days = quotas.of(post.org).days
    if post.begins_on is not None and not post.begins_on < clock.today() + timedelta(days=days):
        raise Refused(
            _l("The first day lies too far ahead: a post of your tier runs for %(days)s days.", days=days),
            field="begins_on", status=422,
        )  # fmt: skip


def marks_of(post: Post, said: Said) -> list[Mark]:
    """Return what a moderator should look at in a version of a post."""
    marks = screening.by_lists(said, catalogue.entries("job_mark"))
    marks += screening.contacts(said)
    marks += screening.wide_pay(said, int(catalogue.policy("jobs.pay_spread")))
    if said.link and not employers.covers(employers.domains(post.org), saying.host_of(said.link)):
        marks.append(Mark(DOMAIN, words=(saying.host_of(said.link),)))
    marks += [Mark(ALIKE, words=(uid,)) for uid in alike(post, said)]
    if _returns(post) >= 2:
        marks.append(Mark(RETURNED))
    if post.shown is not None and saying.of(post.shown) == said:
        marks.append(Mark(SAME))
    return marks


def _returns(post: Post) -> int:
    rows = select(func.count()).where(
        PostDecision.post_id == post.id, PostDecision.verdict == Verdict.RETURNED
    )
    return int(db.session.scalar(rows) or 0)


def terms_of(said: Said | PostVersion) -> set[str]:
    """Return the terms under which a version is found: its texts and skills, its city and certificate, in both languages."""
    city = catalogue.entries("job_city").get(said.city, {})
    level = catalogue.entries("level").get(said.level, {})
    words = [*city.get("name", {}).values(), *level.get("name", {}).values(), said.level]
    return own_terms(said) | terms.terms_of(words)


def own_terms(said: Said | PostVersion) -> set[str]:
    """Return the terms of what a version says itself, whatever the catalogue calls its city today."""
    own = [text for tongue in saying.TONGUES for text in saying.texts(said, tongue)]
    return terms.terms_of([*own, *said.skills])


def alike(post: Post, said: Said) -> list[str]:
    """Return the posts on the board whose terms are nearly the same, the most alike first."""
    own, least = terms_of(said), int(catalogue.policy("jobs.alike_percent"))
    if not own:
        return []
    shared = func.count().label("shared")
    rows = db.session.execute(
        select(PostTerm.post_id, shared)
        .where(PostTerm.term.in_(sorted(own)), PostTerm.post_id != post.id)
        .group_by(PostTerm.post_id)
        .having(shared * 100 >= least * len(own) // 2)
        .order_by(shared.desc(), PostTerm.post_id)
        .limit(ALIKE_READ)
    ).all()
    counted = (
        select(PostTerm.post_id, func.count())
        .where(PostTerm.post_id.in_([number for number, _n in rows]))
        .group_by(PostTerm.post_id)
    )
    sizes = {int(row[0]): int(row[1]) for row in db.session.execute(counted)}
    near = [
        number for number, both in rows if both * 100 >= least * (len(own) + sizes[number] - both)
    ]  # Jaccard: shared over all, in per cent
    found = select(Post.uid).where(Post.id.in_(near)).order_by(Post.id)
    return list(db.session.scalars(found)) if near else []


def take_back(post: Post, *, by: Person | str) -> None:
    """Take a version back from the moderators; a post that was never approved is a draft again, and frees its slot."""
    slots.lock(post.org_id)
    row = slots.lock_post(post)
    version = writing.in_state(row, V.WAITING)
    if version is None:
        raise Refused(_l("Nothing of this post waits for a moderator."))
    move(version, V.WRITTEN)
    version.submitted_at, version.submitted_by, version.escalated_at = None, None, None
    version.renews = False  # what is sent again is an edit, unless the post is renewed again
    if row.state is P.IN_REVIEW:
        move(row, P.DRAFT)
    db.session.flush()
    audit.record("post.taken_back", row, by=by, org_id=row.org_id, n=version.n)


def may_renew(post: Post) -> bool:
    """Whether a post can be renewed today: it has ended, or its end is near and nothing of it waits."""
    if post.state is P.EXPIRED:
        return True
    if post.state is not P.LIVE or post.ends_on is None:
        return False
    return clock.today() >= post.ends_on - timedelta(days=int(catalogue.policy("jobs.remind_days")))


def renew(post: Post, *, by: Person) -> PostVersion:
    """Send a post for another run: with what was changed meanwhile, else with the text as it is shown.

    One that has ended takes a slot again; one that is still live keeps its own and its days until a moderator agrees.
    """
    _refuse_closed(by)
    slots.lock(post.org_id)
    row = slots.lock_post(post)
    if not may_renew(row):
        raise Refused(_l("A post can be renewed in its last days and once it has ended."))
    employers.refuse_unconfirmed(row.org)
    if quotas.right(row.org) is not Answer.YES:
        slots.refuse_full(row.org)
    waiting = writing.in_state(row, V.WAITING)
    if row.state is P.LIVE and waiting is not None:
        raise Refused(_l("A version waits for a moderator. Take it back first to change it."))
    if row.state is P.EXPIRED:
        slots.refuse_full(row.org)
        move(row, P.IN_REVIEW)
        row.begins_on = None
    if waiting is not None:
        waiting.renews = True
        audit.record(pace.POST_SENT, row, by=by, org_id=row.org_id, n=waiting.n)
        return waiting
    version = writing.newest(row)
    if version.state is not V.WRITTEN:
        assert row.shown is not None
        version = writing.add_version(row, saying.of(row.shown), by=by)
    version.renews = True
    return send(row, version, by=by)
