"""Mails to those who have the next step: staff who release, deciders, a second member of the panel, judges of a cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask_babel import gettext as _

from portal.accounts import grants
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.certs import levels, said
from portal.certs.models.booking import ExamSession
from portal.certs.models.cutting import CutPanel, ExamCut
from portal.certs.models.deciding import ExamAppeal, Rekey
from portal.certs.models.grading import ExamCase
from portal.core import clock, mail, web
from portal.core.mail import Letter
from portal.core.words import moment


def _send(key: str, people: Iterable[Person], letter: Callable[[], Letter], topic: str) -> int:
    return sum(
        mail.send(f"{key}:{one.uid}", one.email, one.name, one.language, letter, topic=topic)
        for one in people
        if one.erased_at is None
    )


def to_release(session: ExamSession) -> int:
    """Tell who releases results that every attempt of a session is scored; once. Return how many mails that makes."""

    def letter() -> Letter:
        return Letter(
            _("Results to release: %(level)s", level=levels.name_of(session.level)),
            (
                _("Every attempt of the session of %(start)s is scored.", start=said.there(session.starts_at, session.tz)),
                _("Please release the results, or hold back what has to be looked into first."),
            ),
            button=(_("Open the results"), web.absolute("exam_cases.listed")),
        )  # fmt: skip

    return _send(f"to-release:{session.uid}", grants.holders(May.RELEASE_RESULTS), letter, session.subject)


def to_decide(case: ExamCase) -> None:
    """Tell deciders that certificates wait for a decision: one mail a day, however many there are."""

    def letter() -> Letter:
        return Letter(
            _("Certificates wait for a decision"),
            (_("Whoever had no part in a case, and no tie to the candidate, decides on it."),),
            button=(_("Open the decisions"), web.absolute("exam_cases.desk")),
        )

    _send(f"to-decide:{clock.today()}", grants.holders(May.DECIDE_AWARDS), letter, case.subject)


def appeal_proposed(row: ExamAppeal) -> None:
    """Tell the other members of the panel that an answer waits for a second of them."""

    def letter() -> Letter:
        return Letter(
            _("An answer to an appeal waits for a second member: %(level)s", level=levels.name_of(row.case.level)),
            (_("Please confirm it, or have it written anew, by %(moment)s.", moment=moment(row.due_at)),),
            button=(_("Open the appeal"), web.absolute("exam_appeals.appeal", uid=row.uid)),
        )  # fmt: skip

    others = [one for one in grants.holders(May.DECIDE_EXAM_APPEALS) if one.id != row.first_id]
    _send(f"appeal-proposed:{row.uid}:{row.edition}", others, letter, row.subject)


def marked_anew(case: ExamCase, round_no: int) -> None:
    """Tell a candidate that the work was marked anew after an appeal and the outcome stays."""

    def letter() -> Letter:
        return Letter(
            _("Marked anew: %(level)s", level=levels.name_of(case.level)),
            (
                _("Two other graders have marked your work. The outcome stays as it was."),
                _("Your report shows the score that counts; it never falls by an appeal."),
            ),
            button=(_("Open your report"), web.absolute("results.result", uid=case.uid)),
        )

    _send(f"marked-anew:{case.uid}:{round_no}", [case.person], letter, case.subject)


def key_waits(row: Rekey) -> None:
    """Tell deciders that another key was proposed for an item."""

    def letter() -> Letter:
        item = row.version.item
        return Letter(
            _("A mended key waits for a decision: %(item)s", item=f"{item.exam} · {item.key}"),
            (_("Confirmed, it marks every attempt with this item anew; nobody loses a pass."),),
            button=(_("Open the keys"), web.absolute("exam_cases.keys")),
        )

    people = [one for one in grants.holders(May.DECIDE_AWARDS) if one.id != row.by_id]
    _send(f"rekey:{row.uid}", people, letter, row.version.item.subject)


def sides_wait(row: Rekey, count: int) -> None:
    """Tell deciders that released results would turn by a mended key."""
    if not count:
        return

    def letter() -> Letter:
        return Letter(
            _("Released results turn by a mended key: %(item)s", item=row.version.item.key),
            (_("For %(count)s of them a person says whether the new result counts.", count=count),),
            button=(_("Open the keys"), web.absolute("exam_cases.keys")),
        )

    _send(f"rekey-sides:{row.uid}", grants.holders(May.DECIDE_AWARDS), letter, row.version.item.subject)


def to_rate(panel: CutPanel, people: Iterable[Person], round_no: int) -> None:
    """Ask the judges of a panel for their ratings of a round."""

    def letter() -> Letter:
        return Letter(
            _("Items to rate for the cut: %(level)s", level=levels.name_of(panel.exam)),
            (
                _("Round 1: please rate alone, without speaking about it.")
                if round_no == 1
                else _("Round 2: you see the means of round 1 and may rate differently."),
            ),
            button=(_("Open the panel"), web.absolute("cut_panels.panel", uid=panel.uid)),
        )

    _send(f"to-rate:{panel.uid}:{round_no}", people, letter, panel.subject)


def cut_waits(row: ExamCut) -> None:
    """Tell deciders that the cut of a panel was proposed."""

    def letter() -> Letter:
        return Letter(
            _("A cut waits for a decision: %(level)s", level=levels.name_of(row.exam)),
            (_("The lead of a panel proposes it. Whoever sat in the panel does not decide."),),
            button=(_("Open the panel"), web.absolute("cut_panels.panel", uid=row.panel.uid)),
        )

    people = [one for one in grants.holders(May.DECIDE_AWARDS) if one.id != row.by_id]
    _send(f"cut:{row.uid}", people, letter, row.panel.subject)
