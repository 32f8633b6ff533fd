"""The lives of applications, requests for contact and referrals as tables; and what of a person can be shown to whom."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.core import labels
from portal.core.states import life


class JobApplicationState(StrEnum):
    """The life of an application; the three last states are final."""

    SENT = "sent"
    SEEN = "seen"
    INTERVIEW = "interview"
    OFFER = "offer"
    HIRED = "hired"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


A = JobApplicationState
APPLICATION_LIFE = life(
    JobApplicationState,
    {
        A.SENT: [A.SEEN, A.DECLINED, A.WITHDRAWN],
        A.SEEN: [A.INTERVIEW, A.OFFER, A.DECLINED, A.WITHDRAWN],
        A.INTERVIEW: [A.OFFER, A.DECLINED, A.WITHDRAWN],
        A.OFFER: [A.HIRED, A.DECLINED, A.WITHDRAWN],
    },
)
OPEN = (A.SENT, A.SEEN, A.INTERVIEW, A.OFFER)
labels.name(
    JobApplicationState,
    {
        A.SENT: _l("Sent to the employer"), A.SEEN: _l("Seen by the employer"), A.INTERVIEW: _l("In interviews"),
        A.OFFER: _l("Offer made"), A.HIRED: _l("Hired"), A.DECLINED: _l("Not hired"),
        A.WITHDRAWN: _l("Application withdrawn"),
    },
    {A.SENT: "wait", A.SEEN: "wait", A.INTERVIEW: "wait", A.OFFER: "good", A.HIRED: "good", A.DECLINED: "mute"},
)  # fmt: skip


class Closing(StrEnum):
    """Why the portal closed an application by itself."""

    FILLED = "filled"
    REMOVED = "removed"


labels.name(
    Closing,
    {Closing.FILLED: _l("The post was filled"), Closing.REMOVED: _l("The post was taken down")},
)


class ContactState(StrEnum):
    """The life of an employer's request for contact; that nobody answered in time is derived from the days."""

    ASKED = "asked"
    AGREED = "agreed"
    DECLINED = "declined"


C = ContactState
CONTACT_LIFE = life(ContactState, {C.ASKED: [C.AGREED, C.DECLINED]})
labels.name(
    ContactState,
    {
        C.ASKED: _l("Waits for the candidate"),
        C.AGREED: _l("Contact given"),
        C.DECLINED: _l("No contact wished"),
    },
    {C.ASKED: "wait", C.AGREED: "good", C.DECLINED: "mute"},
)


class ReferralState(StrEnum):
    """The life of a referral: one letter, and the answer of whoever got it."""

    ASKED = "asked"
    APPLIED = "applied"
    DECLINED = "declined"
    SILENT = "silent"


R = ReferralState
REFERRAL_LIFE = life(ReferralState, {R.ASKED: [R.APPLIED, R.DECLINED, R.SILENT]})
labels.name(
    ReferralState,
    {
        R.ASKED: _l("Letter sent"), R.APPLIED: _l("Answered yes"), R.DECLINED: _l("Answered no"),
        R.SILENT: _l("No answer, address erased"),
    },
    {R.ASKED: "wait", R.APPLIED: "good", R.DECLINED: "mute", R.SILENT: "mute"},
)  # fmt: skip


class Field(StrEnum):
    """One thing of a candidate that a consent names."""

    NAME = "name"
    LETTER = "letter"
    LEVEL = "level"
    CITY = "city"
    SKILLS = "skills"
    LANGUAGES = "languages"
    KINDS = "kinds"
    CERTIFICATES = "certificates"
    REACH = "reach"
    RESUME = "resume"


F = Field
labels.name(
    Field,
    {
        F.NAME: _l("My name"), F.LETTER: _l("What I write to the employer"), F.LEVEL: _l("My highest level in force"),
        F.CITY: _l("My city"), F.SKILLS: _l("My skills"), F.LANGUAGES: _l("My languages"),
        F.KINDS: _l("Kinds of work I look for"), F.CERTIFICATES: _l("My certificates, with what each is worth at the moment"),
        F.REACH: _l("How to reach me"), F.RESUME: _l("My résumé"),
    },
)  # fmt: skip
# What the same things are called for whoever sees them of somebody else.
SEEN_AS: dict[Field, LazyString] = {
    F.NAME: _l("Name"), F.LETTER: _l("Words to you"), F.LEVEL: _l("Highest level in force"), F.CITY: _l("City"),
    F.SKILLS: _l("Skills"), F.LANGUAGES: _l("Languages"), F.KINDS: _l("Kinds of work"),
    F.CERTIFICATES: _l("Certificates, as they are now"), F.REACH: _l("How to reach the person"), F.RESUME: _l("Résumé"),
}  # fmt: skip
TO_APPLY = (F.NAME, F.LETTER, F.CITY, F.SKILLS, F.LANGUAGES, F.CERTIFICATES, F.REACH, F.RESUME)
TO_SHOW = (F.NAME, F.CITY, F.SKILLS, F.LANGUAGES, F.CERTIFICATES, F.REACH, F.RESUME)
IN_POOL = (F.LEVEL, F.CITY, F.SKILLS, F.LANGUAGES, F.KINDS)


class Purpose(StrEnum):
    """What a candidate is asked about, each by itself; the words are rows of the catalogue's `consent`."""

    APPLY = "jobs.apply"
    POOL = "employers"
    SHOW = "jobs.show"
    PARTNER = "jobs.partner"
    KEEP = "jobs.keep"
    OUTCOME = "jobs.outcome"
    NAMED = "certificate.name"


P = Purpose
labels.name(
    Purpose,
    {
        P.APPLY: _l("Apply to one post"), P.POOL: _l("Be in the talent pool"), P.SHOW: _l("Show myself to one employer"),
        P.PARTNER: _l("Send to one partner"), P.KEEP: _l("Keep for other posts"),
        P.OUTCOME: _l("Tell whoever referred me"), P.NAMED: _l("Full name on the public check"),
    },
)  # fmt: skip


class Tongue(StrEnum):
    """A language that a candidate works in."""

    ZH = "zh"
    EN = "en"
    JA = "ja"
    KO = "ko"
    DE = "de"
    FR = "fr"
    ES = "es"
    RU = "ru"
    AR = "ar"


T = Tongue
labels.name(
    Tongue,
    {
        T.ZH: _l("Chinese"), T.EN: _l("English"), T.JA: _l("Japanese"), T.KO: _l("Korean"), T.DE: _l("German"),
        T.FR: _l("French"), T.ES: _l("Spanish"), T.RU: _l("Russian"), T.AR: _l("Arabic"),
    },
)  # fmt: skip
