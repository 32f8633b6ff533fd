"""The lives of a post and of its versions as tables, and the words of what a post says."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l

from portal.core import labels
from portal.core.states import life


class PostState(StrEnum):
    """The life of a post; whether it is visible is derived from this, the days, the employer and the mode."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    LIVE = "live"
    PAUSED = "paused"
    FILLED = "filled"
    EXPIRED = "expired"
    REMOVED = "removed"


P = PostState
POST_LIFE = life(
    PostState,
    {
        P.DRAFT: [P.IN_REVIEW],
        P.IN_REVIEW: [P.LIVE, P.DRAFT, P.REMOVED],
        P.LIVE: [P.PAUSED, P.FILLED, P.EXPIRED, P.REMOVED],
        P.PAUSED: [P.LIVE, P.FILLED, P.EXPIRED, P.REMOVED],
        P.EXPIRED: [P.IN_REVIEW],
        P.REMOVED: [P.IN_REVIEW],
    },
)
labels.name(
    PostState,
    {
        P.DRAFT: _l("Draft"), P.IN_REVIEW: _l("In review"), P.LIVE: _l("Open to applicants"), P.PAUSED: _l("Paused"),
        P.FILLED: _l("Filled"), P.EXPIRED: _l("Expired"), P.REMOVED: _l("Taken down"),
    },
    {
        P.IN_REVIEW: "wait", P.LIVE: "good", P.PAUSED: "warn", P.FILLED: "good", P.EXPIRED: "mute", P.REMOVED: "bad",
    },
)  # fmt: skip
HELD = (P.IN_REVIEW, P.LIVE)  # what takes a slot of the quota
OVER = (P.FILLED, P.EXPIRED, P.REMOVED)  # gone from the board for good, or until renewed


class VersionState(StrEnum):
    """The life of one version of a post's text, reviewed on its own."""

    WRITTEN = "written"
    WAITING = "waiting"
    APPROVED = "approved"
    RETURNED = "returned"


V = VersionState
VERSION_LIFE = life(
    VersionState,
    {V.WRITTEN: [V.WAITING], V.WAITING: [V.APPROVED, V.RETURNED, V.WRITTEN], V.RETURNED: [V.WRITTEN]},
)
labels.name(
    VersionState,
    {
        V.WRITTEN: _l("Being written"), V.WAITING: _l("Waits for a moderator"), V.APPROVED: _l("Version approved"),
        V.RETURNED: _l("Sent back to be changed"),
    },
    {V.WAITING: "wait", V.APPROVED: "good", V.RETURNED: "warn"},
)  # fmt: skip


class PausedBy(StrEnum):
    """Why a post is paused."""

    EMPLOYER = "employer"
    STANDING = "standing"
    QUOTA = "quota"
    LINK = "link"
    SILENCE = "silence"


labels.name(
    PausedBy,
    {
        PausedBy.EMPLOYER: _l("by the employer"), PausedBy.STANDING: _l("the membership is not in force"),
        PausedBy.QUOTA: _l("more posts than the tier has"), PausedBy.LINK: _l("the link to apply is dead"),
        PausedBy.SILENCE: _l("nobody said that it is still open"),
    },
)  # fmt: skip


class Remote(StrEnum):
    """Where the work is done."""

    ONSITE = "onsite"
    HYBRID = "hybrid"
    REMOTE = "remote"


labels.name(
    Remote,
    {Remote.ONSITE: _l("On site"), Remote.HYBRID: _l("Partly remote"), Remote.REMOTE: _l("Remote")},
)


class Employment(StrEnum):
    """The kind of work."""

    FULL_TIME = "full_time"
    PART_TIME = "part_time"
    CONTRACT = "contract"
    INTERN = "intern"


labels.name(
    Employment,
    {
        Employment.FULL_TIME: _l("Full time"), Employment.PART_TIME: _l("Part time"),
        Employment.CONTRACT: _l("Freelance contract"), Employment.INTERN: _l("Internship"),
    },
)  # fmt: skip


class PayPer(StrEnum):
    """What a sum of pay is for."""

    MONTH = "month"
    YEAR = "year"


labels.name(PayPer, {PayPer.MONTH: _l("a month"), PayPer.YEAR: _l("a year")})


class Need(StrEnum):
    """How much a post asks for a certificate."""

    NONE = "none"
    PREFERRED = "preferred"
    REQUIRED = "required"


labels.name(
    Need,
    {
        Need.NONE: _l("No certificate asked for"), Need.PREFERRED: _l("Certificate preferred"),
        Need.REQUIRED: _l("Certificate required"),
    },
)  # fmt: skip


class ApplyBy(StrEnum):
    """The way to apply."""

    PORTAL = "portal"
    LINK = "link"


labels.name(ApplyBy, {ApplyBy.PORTAL: _l("In the portal"), ApplyBy.LINK: _l("On the employer's own page")})


class Verdict(StrEnum):
    """What was decided about a version or a post."""

    APPROVED = "approved"
    RETURNED = "returned"
    REMOVED = "removed"
    RESTORED = "restored"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


W = Verdict
labels.name(
    Verdict,
    {
        W.APPROVED: _l("Post approved"), W.RETURNED: _l("Post returned"), W.REMOVED: _l("Post taken down"),
        W.RESTORED: _l("Appeal granted"), W.UPHELD: _l("Appeal turned down"), W.DISMISSED: _l("Reports looked into"),
    },
    {W.APPROVED: "good", W.RETURNED: "warn", W.REMOVED: "bad", W.RESTORED: "good", W.UPHELD: "bad"},
)  # fmt: skip


class CheckState(StrEnum):
    """The life of the yearly confirmation of an employer."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


C = CheckState
CHECK_LIFE = life(CheckState, {C.ASKED: [C.CONFIRMED, C.DECLINED]})
labels.name(
    CheckState,
    {
        C.ASKED: _l("Waits for our look"), C.CONFIRMED: _l("Employer confirmed"), C.DECLINED: _l("Employer not confirmed"),
    },
    {C.ASKED: "wait", C.CONFIRMED: "good", C.DECLINED: "bad"},
)  # fmt: skip


class Rhythm(StrEnum):
    """How often a saved search writes."""

    DAILY = "daily"
    WEEKLY = "weekly"


labels.name(Rhythm, {Rhythm.DAILY: _l("Every day"), Rhythm.WEEKLY: _l("Every week")})
