"""After the score: keys put right, the community's review, the decision, appeals."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.certs.models.bank import ItemVersion
from portal.certs.models.grading import ExamCase, freeze
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class RekeyState(StrEnum):
    """The life of a mended key."""

    PROPOSED = "proposed"
    DONE = "done"
    DECLINED = "declined"


R = RekeyState
REKEY_LIFE = life(RekeyState, {R.PROPOSED: [R.DONE, R.DECLINED]})
labels.name(
    RekeyState,
    {R.PROPOSED: _l("Waits for a decider"), R.DONE: _l("Marked anew"), R.DECLINED: _l("Key stays")},
    {R.PROPOSED: "wait", R.DONE: "good", R.DECLINED: "mute"},
)


class Rekey(Model):
    """A key that was wrong: what counts instead, or that the item does not count (`key` null). All attempts follow."""

    __tablename__ = "exam_rekey"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    version_id: Mapped[int] = mapped_column(ForeignKey("item_version.id"), init=False, index=True)
    version: Mapped[ItemVersion] = relationship(lazy="joined", innerjoin=True)
    key: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    state: Mapped[RekeyState] = mapped_column(choice(RekeyState), init=False, default=R.PROPOSED, index=True)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], init=False, default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    remarked: Mapped[int] = mapped_column(init=False, default=0)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id OR state = 'declined'", name="two_eyes"),
        Index(
            "uq_exam_rekey_waits", "version_id", unique=True,
            sqlite_where=literal_column("state = 'proposed'"), postgresql_where=literal_column("state = 'proposed'"),
        ),
    )  # fmt: skip


class SideState(StrEnum):
    """What a person says to a released result that turned by a mended key."""

    OPEN = "open"
    TAKEN = "taken"
    LEFT = "left"


SIDE_LIFE = life(SideState, {SideState.OPEN: [SideState.TAKEN, SideState.LEFT]})
labels.name(
    SideState,
    {
        SideState.OPEN: _l("To be decided"),
        SideState.TAKEN: _l("The new result counts"),
        SideState.LEFT: _l("The old result stays"),
    },
    {SideState.OPEN: "wait", SideState.TAKEN: "good", SideState.LEFT: "mute"},
)


class SideChange(Model):
    """A released attempt that fell short of the cut before a key was put right, and reaches it now."""

    __tablename__ = "exam_side"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    rekey_id: Mapped[int] = mapped_column(ForeignKey("exam_rekey.id"), init=False, index=True)
    rekey: Mapped[Rekey] = relationship()
    case_id: Mapped[int] = mapped_column(ForeignKey("exam_case.id"), init=False, index=True)
    case: Mapped[ExamCase] = relationship(lazy="joined", innerjoin=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[SideState] = mapped_column(choice(SideState), init=False, default=SideState.OPEN)
    reason: Mapped[str] = mapped_column(String(300), init=False, default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    by: Mapped[Person | None] = relationship(init=False, default=None)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (UniqueConstraint("rekey_id", "case_id"),)


class ReviewState(StrEnum):
    """The life of a community review."""

    OPEN = "open"
    APPROVED = "approved"
    RETURNED = "returned"
    REJECTED = "rejected"


W = ReviewState
REVIEW_LIFE = life(
    ReviewState, {W.OPEN: [W.APPROVED, W.RETURNED, W.REJECTED], W.RETURNED: [W.OPEN, W.REJECTED]}
)
labels.name(
    ReviewState,
    {
        W.OPEN: _l("Open for votes"),
        W.APPROVED: _l("Approved by the community"),
        W.RETURNED: _l("Sent back for one revision"),
        W.REJECTED: _l("Rejected by the community"),
    },
    {W.OPEN: "wait", W.APPROVED: "good", W.RETURNED: "warn", W.REJECTED: "bad"},
)


class Review(Model):
    """The community's view of a released pass: so many votes are needed, until `closes_at`; `turn` 2 follows a revision."""

    __tablename__ = "exam_review"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    case_id: Mapped[int] = mapped_column(ForeignKey("exam_case.id"), init=False, unique=True)
    case: Mapped[ExamCase] = relationship(lazy="joined", innerjoin=True)
    quorum: Mapped[int]
    closes_at: Mapped[datetime]
    turn: Mapped[int] = mapped_column(init=False, default=1)
    extended: Mapped[bool] = mapped_column(init=False, default=False)
    state: Mapped[ReviewState] = mapped_column(choice(ReviewState), init=False, default=W.OPEN, index=True)
    revision: Mapped[str] = mapped_column(String(4000), init=False, default="")
    opened_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    closed_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}


class Ballot(StrEnum):
    """What a reviewer says."""

    APPROVE = "approve"
    RETURN = "return"
    REJECT = "reject"
    ABSTAIN = "abstain"
    RECUSE = "recuse"


labels.name(
    Ballot,
    {
        Ballot.APPROVE: _l("Approve the work"),
        Ballot.RETURN: _l("Send it back for a revision"),
        Ballot.REJECT: _l("Reject the work"),
        Ballot.ABSTAIN: _l("Abstain from the vote"),
        Ballot.RECUSE: _l("Step aside: I am not independent"),
    },
)


class ReviewVote(Model):
    """A vote with its points and reason; the newest of a reviewer counts. Never changed."""

    __tablename__ = "exam_vote"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    review_id: Mapped[int] = mapped_column(ForeignKey("exam_review.id"), init=False, index=True)
    review: Mapped[Review] = relationship()
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    turn: Mapped[int]
    ballot: Mapped[Ballot] = mapped_column(choice(Ballot))
    ticked: Mapped[list[str]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(String(1000))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class Verdict(StrEnum):
    """What a decider says."""

    GRANTED = "granted"
    REFUSED = "refused"


labels.name(
    Verdict,
    {Verdict.GRANTED: _l("Certificate granted"), Verdict.REFUSED: _l("Certificate refused")},
    {Verdict.GRANTED: "good", Verdict.REFUSED: "bad"},
)


class ExamDecision(Model):
    """The decision on a case, by somebody who had no part in it; `n` counts on after an appeal. Never changed."""

    __tablename__ = "exam_decision"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    case_id: Mapped[int] = mapped_column(ForeignKey("exam_case.id"), init=False)
    case: Mapped[ExamCase] = relationship()
    n: Mapped[int]
    verdict: Mapped[Verdict] = mapped_column(choice(Verdict))
    reason: Mapped[str] = mapped_column(String(1000))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("case_id", "n"),)


class AppealState(StrEnum):
    """The life of an appeal or a complaint."""

    LODGED = "lodged"
    ADMITTED = "admitted"
    TOO_LATE = "too_late"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


P = AppealState
APPEAL_LIFE = life(AppealState, {P.LODGED: [P.ADMITTED, P.TOO_LATE], P.ADMITTED: [P.UPHELD, P.DISMISSED]})
labels.name(
    AppealState,
    {
        P.LODGED: _l("Appeal received"),
        P.ADMITTED: _l("With the panel"),
        P.TOO_LATE: _l("Received too late"),
        P.UPHELD: _l("Appeal upheld"),
        P.DISMISSED: _l("Appeal dismissed"),
    },
    {P.ADMITTED: "wait", P.UPHELD: "good", P.DISMISSED: "bad", P.TOO_LATE: "mute"},
)


class Remedy(StrEnum):
    """What a panel does about an appeal."""

    REMARK = "remark"
    FREE_ATTEMPT = "free_attempt"
    DECIDE_ANEW = "decide_anew"
    ANSWER = "answer"
    DISMISS = "dismiss"


labels.name(
    Remedy,
    {
        Remedy.REMARK: _l("Marked anew by two other graders"),
        Remedy.FREE_ATTEMPT: _l("A free attempt"),
        Remedy.DECIDE_ANEW: _l("A new decision"),
        Remedy.ANSWER: _l("An answer, the result stays"),
        Remedy.DISMISS: _l("Dismissed with reasons"),
    },
)


class ExamAppeal(Model):
    """An appeal against a result or decision, or a complaint about the service: judged by two who are new to the case."""

    __tablename__ = "exam_appeal"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    case_id: Mapped[int] = mapped_column(ForeignKey("exam_case.id"), init=False, index=True)
    case: Mapped[ExamCase] = relationship(lazy="joined", innerjoin=True)
    complaint: Mapped[bool]
    words: Mapped[str] = mapped_column(String(4000))
    due_at: Mapped[datetime]
    state: Mapped[AppealState] = mapped_column(choice(AppealState), init=False, default=P.LODGED, index=True)
    remedy: Mapped[Remedy | None] = mapped_column(choice(Remedy), init=False, default=None)
    answer: Mapped[str] = mapped_column(String(2000), init=False, default="")
    first_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    first: Mapped[Person | None] = relationship(foreign_keys=[first_id], init=False, default=None)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], init=False, default=None)
    lodged_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    reminded_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (CheckConstraint("second_id IS NULL OR second_id <> first_id", name="two"),)
    __mapper_args__ = {"version_id_col": edition}


freeze(ReviewVote, ExamDecision)
