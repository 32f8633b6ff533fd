"""What moderators decide: approve, send back, take down, appeals, reports; each with reasons kept beside the version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, insert, select

from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.states import move
from portal.jobs import employers, letters, quotas, slots, submitting, writing
from portal.jobs import said as saying
from portal.jobs.board_models import PostReport
from portal.jobs.events import PostClosed, PostOpened
from portal.jobs.kinds import PostState, Verdict, VersionState
from portal.jobs.models import Post, PostDecision, PostTerm, PostVersion
from portal.members.honouring import acts_for
from portal.members.standing import Answer

P, V, W = PostState, VersionState, Verdict


def refuse_own(post: Post, by: Person, *others: Person | None) -> None:
    """Refuse a moderator who wrote or sent the post, or acts for its employer."""
    if by.id in {one.id for one in others if one is not None} | {post.by_id} or acts_for(by, post.org):
        raise Forbidden(
            _l("Somebody else must decide: this post is your own, or of an organisation you act for.")
        )


def _waiting(post: Post) -> PostVersion:
    version = writing.in_state(post, V.WAITING)
    if version is None:
        raise Refused(_l("This has moved on meanwhile: the step is no longer possible. Please look again."))
    return version


def _decide(
    post: Post, version: PostVersion | None, verdict: Verdict, *, by: Person, reasons: Sequence[str] = (),
    words: tuple[str, str] = ("", ""),
) -> PostDecision:  # fmt: skip
    sent = version.submitted_at if version is not None else None
    waited = int((clock.now() - sent).total_seconds()) if sent is not None else 0
    row = PostDecision(
        post=post, version=version, verdict=verdict, reasons=list(reasons), words_zh=words[0].strip()[:1000],
        words_en=words[1].strip()[:1000], by=by, waited=waited,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record(
        f"post.{verdict.value}", post, by=by, org_id=post.org_id, reasons=list(reasons),
        n=version.n if version is not None else 0,
    )  # fmt: skip
    return row


def check_reasons(reasons: Sequence[str], words: tuple[str, str], verdict: Verdict) -> None:
    """Refuse a decision without a reason of the list, or without a sentence in both languages."""
    known = {
        code for code, row in catalogue.entries("job_reason").items() if verdict.value in row["verdicts"]
    }
    if not reasons or set(reasons) - known:
        raise Refused(_l("Please choose at least one reason."), field="reasons", status=422)
    for field, said in zip(("words_zh", "words_en"), words, strict=True):
        if not said.strip():
            raise Refused(
                _l("Please write a sentence in both languages: the employer reads both."), field=field, status=422
            )  # fmt: skip


def approve(post: Post, *, by: Person, n: int | None = None) -> PostDecision:
    """Approve the version that waits: a new or renewed post goes live for the days of its tier, an edit is shown at once.

    `n` is the version the moderator read: another one that came meanwhile is not approved by mistake.
    """
    slots.lock(post.org_id)
    row = slots.lock_post(post)
    version = _waiting(row)
    if n is not None and n != version.n:
        raise Refused(_l("Another version was sent meanwhile. Please look again."))
    refuse_own(row, by, version.by, version.submitted_by)
    if quotas.right(row.org) is Answer.NO:
        raise Refused(_l("The membership of this employer is not in force: nothing can be approved."))
    host = saying.host_of(version.link)
    if host and not employers.covers(employers.domains(row.org), host):
        raise Refused(
            _l("The link leads to %(host)s, which is not confirmed. Confirm the domain, or send the post back.", host=host)
        )  # fmt: skip
    move(version, V.APPROVED)
    version.decided_at = clock.now()
    row.shown, row.places, row.changed_at = version, version.places, clock.now()
    db.session.flush()  # what it shows is written after the row itself, and a live post shows something
    if row.state is P.IN_REVIEW or (version.renews and row.state is P.LIVE):
        _run(row)
    db.session.flush()
    index(row)
    made = _decide(row, version, W.APPROVED, by=by)
    if row.state is P.LIVE:
        publish(PostOpened(row))
    letters.decided(made)
    return made


def _run(post: Post) -> None:
    """Give a post its days, once: those of the tier from today on."""
    today, days = clock.today(), max(1, quotas.of(post.org).days)
    post.days, post.ends_on = days, today + timedelta(days=days)
    post.starts_on = min(max(today, post.begins_on or today), post.ends_on - timedelta(days=1))
    post.posted_at, post.sign_on, post.asked_on, post.link_dead_since = clock.now(), today, None, None
    post.closed_at = None
    if post.state is P.IN_REVIEW:
        move(post, P.LIVE)


def index(post: Post) -> None:
    """Write the terms of a post anew, from the version it shows; none for one that is closed."""
    db.session.execute(delete(PostTerm).where(PostTerm.post_id == post.id))
    if post.shown is not None and post.state in (P.LIVE, P.PAUSED):
        found = sorted(submitting.terms_of(post.shown))
        db.session.execute(insert(PostTerm), [{"term": one, "post_id": post.id} for one in found])


def send_back(
    post: Post, *, by: Person, reasons: Sequence[str], words: tuple[str, str], n: int | None = None
) -> PostDecision:
    """Send the version that waits back, with coded reasons and a sentence in both languages."""
    check_reasons(reasons, words, W.RETURNED)
    slots.lock(post.org_id)
    row = slots.lock_post(post)
    version = _waiting(row)
    if n is not None and n != version.n:
        raise Refused(_l("Another version was sent meanwhile. Please look again."))
    refuse_own(row, by, version.by, version.submitted_by)
    move(version, V.RETURNED)
    version.decided_at = clock.now()
    if row.state is P.IN_REVIEW:
        move(row, P.DRAFT)
    made = _decide(row, version, W.RETURNED, by=by, reasons=reasons, words=words)
    letters.decided(made)
    return made


def remove(post: Post, *, by: Person, reasons: Sequence[str], words: tuple[str, str]) -> PostDecision:
    """Take a post down, whatever of it waits; the employer may appeal once."""
    check_reasons(reasons, words, W.REMOVED)
    slots.lock(post.org_id)
    row = slots.lock_post(post)
    refuse_own(row, by)
    version = writing.in_state(row, V.WAITING)
    if version is not None:
        move(version, V.RETURNED)
        version.decided_at = clock.now()
    move(row, P.REMOVED)
    close(row)
    row.appeal, row.appealed_at = "", None
    made = _decide(row, version or row.shown, W.REMOVED, by=by, reasons=reasons, words=words)
    _close_reports(row)
    publish(PostClosed(row))
    letters.decided(made)
    return made


def close(post: Post) -> None:
    """Note that a post is over; it is found by no word any more."""
    post.closed_at = post.changed_at = clock.now()
    post.paused_by = None
    db.session.flush()
    index(post)


def remover(post: Post) -> PostDecision | None:
    """Return the decision by which a post was taken down last."""
    rows = select(PostDecision).where(PostDecision.post_id == post.id, PostDecision.verdict == W.REMOVED)
    return db.session.scalars(rows.order_by(PostDecision.id.desc()).limit(1)).first()


def may_hear(post: Post, person: Person) -> bool:
    """Whether somebody may decide about an appeal: whoever took the post down may not."""
    taken = remover(post)
    return taken is None or taken.by_id != person.id


def decide_appeal(post: Post, *, by: Person, granted: bool, words: tuple[str, str]) -> PostDecision:
    """Decide about an appeal, by another moderator than who took the post down: back into review, or not."""
    slots.lock(post.org_id)
    row = slots.lock_post(post)
    if row.state is not P.REMOVED or row.appealed_at is None or _appeal_decided(row):
        raise Refused(_l("There is no appeal to decide about."))
    refuse_own(row, by)
    if not may_hear(row, by):
        raise Forbidden(_l("Another moderator decides about an appeal: you took the post down."))
    for field, said in zip(("words_zh", "words_en"), words, strict=True):
        if not said.strip():
            raise Refused(
                _l("Please write a sentence in both languages: the employer reads both."), field=field, status=422
            )  # fmt: skip
    if not granted:
        made = _decide(row, None, W.UPHELD, by=by, words=words)
    else:
        slots.refuse_full(row.org, new=False)
        last = writing.newest(row)
        version = last
        if last.state is not V.WRITTEN:
            version = writing.add_version(row, saying.of(last), by=last.by)
        move(row, P.IN_REVIEW)
        made = _decide(row, version, W.RESTORED, by=by, words=words)
        submitting.send(row, version, by=last.by)
    letters.decided(made)
    return made


def _appeal_decided(post: Post) -> bool:
    rows = select(PostDecision.id).where(
        PostDecision.post_id == post.id, PostDecision.verdict.in_([W.UPHELD, W.RESTORED]),
        PostDecision.at >= post.appealed_at,
    )  # fmt: skip
    return db.session.scalar(rows.limit(1)) is not None


def appeal_waits(post: Post) -> bool:
    """Whether an appeal waits for a moderator."""
    return post.state is P.REMOVED and post.appealed_at is not None and not _appeal_decided(post)


def dismiss(post: Post, *, by: Person) -> PostDecision:
    """Say that reports about a post were looked into, and that it stays."""
    row = slots.lock_post(post)
    refuse_own(row, by)
    if not _close_reports(row):
        raise Refused(_l("No report about this post is open."))
    return _decide(row, row.shown, W.DISMISSED, by=by)


def _close_reports(post: Post) -> int:
    rows = select(PostReport).where(PostReport.post_id == post.id, PostReport.closed_at.is_(None))
    found = db.session.scalars(rows.order_by(PostReport.id)).all()
    for one in found:
        one.closed_at = clock.now()
    return len(found)
