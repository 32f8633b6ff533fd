"""The cut by a panel: judges rate alone, then with the figures in view; a decider adopts what the lead proposes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select

from portal.accounts.people import Person
from portal.certs import drawing, grade_notices, schemes
from portal.certs.gift_answers import Kind
from portal.certs.models.bank import Item, ItemState, ItemVersion
from portal.certs.models.cutting import CutJudge, CutPanel, CutRating, CutState, ExamCut, PanelState
from portal.certs.standard import Cut, angoff, item_means
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.states import move

LEAST_JUDGES = 5
ROUNDS = {PanelState.ALONE: 1, PanelState.TOGETHER: 2}
USABLE = (ItemState.APPROVED, ItemState.LIVE, ItemState.RESTING)


def found(uid: str) -> CutPanel:
    """Return one panel."""
    row = db.session.scalars(select(CutPanel).where(CutPanel.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such panel."))
    return row


def _locked(row: CutPanel) -> CutPanel:
    return db.session.get_one(CutPanel, row.id, with_for_update={"of": CutPanel}, populate_existing=True)


def rateable(exam: str, part: str) -> list[ItemVersion]:
    """Return what a panel judges: the versions of a part's topics that are approved or in use, tasks left out."""
    found_part = next((one for one in schemes.scheme(exam).parts if one.code == part), None)
    if found_part is None:
        raise Missing(_l("There is no such part."))
    codes = [one.code for one in found_part.topics]
    rows = db.session.scalars(
        select(ItemVersion)
        .join(Item)
        .where(Item.exam == exam, ItemVersion.state.in_(USABLE), ItemVersion.kind != Kind.PRACTICAL)
        .order_by(Item.key, ItemVersion.n)
    )
    return [one for one in rows if drawing.topic_of(one.item.topic, codes) is not None]


def begin(exam: str, part: str, judges: list[tuple[Person, str]], *, by: Person) -> CutPanel:
    """Begin a panel over the items of a part, with its judges, each named with his competence."""
    versions = rateable(exam, part)
    if not versions:
        raise Refused(_l("The bank has no items of this part to judge."))
    if len({one.id for one, _why in judges}) < LEAST_JUDGES:
        raise Refused(
            _l("A panel has at least %(least)s judges.", least=LEAST_JUDGES), field="judges", status=422
        )
    if any(not why.strip() for _one, why in judges):
        raise Refused(_l("Please say of each judge what makes him competent."), field="judges", status=422)
    row = CutPanel(
        exam=exam, part=part, lead=by, items=[{"version": one.id, "points": one.points} for one in versions]
    )
    db.session.add(row)
    for person, why in judges:
        db.session.add(CutJudge(panel=row, person=person, competence=why.strip()[:300]))
    db.session.flush()
    audit.record("panel.begun", row, by=by, exam=exam, items=len(versions), judges=len(judges))
    grade_notices.to_rate(row, [one for one, _why in judges], 1)
    return row


def judges_of(row: CutPanel) -> list[CutJudge]:
    """Return the judges of a panel."""
    return list(db.session.scalars(select(CutJudge).where(CutJudge.panel_id == row.id).order_by(CutJudge.id)))


def judge_of(row: CutPanel, person: Person) -> CutJudge:
    """Return somebody's place in a panel; a panel one has no place in is not there."""
    for one in judges_of(row):
        if one.person_id == person.id:
            return one
    raise Missing(_l("There is no such panel."))


def ratings(row: CutPanel, round_no: int) -> dict[int, list[Decimal]]:
    """Return what each judge said in a round, by the judge's row."""
    rows = select(CutRating).join(CutJudge).where(CutJudge.panel_id == row.id, CutRating.round == round_no)
    return {one.judge_id: [Decimal(chance) for chance in one.chances] for one in db.session.scalars(rows)}


def _chance(text: str) -> str:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or not 0 <= value <= 1 or len(text.strip()) > 8:
        raise Refused(
            _l("Please give a chance from 0 to 1 for every item, such as 0.65."), field="chances", status=422
        )
    return text.strip()


def rate(row: CutPanel, *, by: Person, chances: list[str]) -> CutRating:
    """Say for every item the chance of a just competent candidate; said once in each round."""
    row = _locked(row)
    judge, round_no = judge_of(row, by), ROUNDS.get(row.state)
    if round_no is None:
        raise Refused(_l("This panel has rated already."))
    if len(chances) != len(row.items):
        raise Refused(
            _l("Please give a chance from 0 to 1 for every item, such as 0.65."), field="chances", status=422
        )
    if judge.id in ratings(row, round_no):
        raise Refused(_l("You have rated in this round already."))
    made = CutRating(judge=judge, round=round_no, chances=[_chance(one) for one in chances])
    db.session.add(made)
    db.session.flush()
    audit.record("panel.rated", row, by=by, round=round_no)
    return made


def go_on(row: CutPanel, *, by: Person) -> None:
    """End a round once every judge has rated: the figures are shown, or the panel has its cut."""
    row = _locked(row)
    round_no = ROUNDS.get(row.state)
    if round_no is None:
        raise Refused(_l("This panel has rated already."))
    missing = len(judges_of(row)) - len(ratings(row, round_no))
    if missing:
        raise Refused(_l("%(count)s judges have not rated yet.", count=missing))
    move(row, PanelState.TOGETHER if round_no == 1 else PanelState.RATED)
    audit.record("panel.round_ended", row, by=by, round=round_no)
    if round_no == 1:
        grade_notices.to_rate(row, [one.person for one in judges_of(row)], 2)


def figures(row: CutPanel, round_no: int) -> Cut | None:
    """Return the cut that a round comes to, with its error and agreement; None while nobody has rated."""
    said = ratings(row, round_no)
    order = sorted(said)
    return angoff([one["points"] for one in row.items], [said[number] for number in order]) if said else None


def means(row: CutPanel, round_no: int) -> list[Fraction]:
    """Return the mean rating of each item in a round."""
    said = ratings(row, round_no)
    return item_means([said[number] for number in sorted(said)]) if said else []


def last_figures(row: CutPanel) -> Cut:
    """Return the cut of a panel that has rated."""
    cut = figures(row, 2)
    if row.state not in (PanelState.RATED, PanelState.ADOPTED) or cut is None:
        raise Refused(_l("The panel has not rated to the end."))
    return cut


def _share(text: str) -> Fraction:
    try:
        value = Fraction(Decimal(text.strip().removesuffix("%").strip())) / 100
    except (InvalidOperation, ValueError, OverflowError):
        value = Fraction(-1)
    if not 0 < value < 1 or len(text) > 20:
        raise Refused(_l("Please give a percentage between 0 and 100."), field="share", status=422)
    return value


def propose(row: CutPanel, *, by: Person, share: str, valid_from: date, reason: str) -> ExamCut:
    """Propose the cut that the board adopts: the panel's (empty), or at most one standard error below it."""
    row, cut = _locked(row), last_figures(row)
    wanted = _share(share) if share.strip() else cut.share
    if row.lead_id != by.id:
        raise Forbidden(_l("The panel's lead proposes the cut."))
    if not cut.adoptable(wanted):
        raise Refused(_l("At most one standard error below the panel's cut, never above it."), field="share", status=422)  # fmt: skip
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    if valid_from < clock.today():
        raise Refused(_l("A cut counts from today or a later day: attempts of the past keep theirs."), field="valid_from", status=422)  # fmt: skip
    if cut_of(row, CutState.PROPOSED) is not None or row.state is PanelState.ADOPTED:
        raise Refused(_l("Somebody has made this proposal already."))
    made = ExamCut(
        panel=row, exam=row.exam, part=row.part, share=str(wanted), found=str(cut.share),
        error="" if cut.error is None else str(round(cut.error, 12)), valid_from=valid_from, reason=reason.strip()[:300], by=by,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record("cut.proposed", row, by=by, reason=made.reason)
    grade_notices.cut_waits(made)
    return made


def cut_of(row: CutPanel, state: CutState) -> ExamCut | None:
    """Return the newest cut of a panel in one state."""
    rows = (
        select(ExamCut).where(ExamCut.panel_id == row.id, ExamCut.state == state).order_by(ExamCut.id.desc())
    )
    return db.session.scalars(rows.limit(1)).first()


def decide(cut: ExamCut, *, by: Person, adopt: bool) -> None:
    """Adopt a cut or leave it; adopted, every item carries the panel's mean rating from now on."""
    panel = _locked(cut.panel)
    row = db.session.get_one(ExamCut, cut.id, with_for_update={"of": ExamCut}, populate_existing=True)
    if row.by_id == by.id or by.id in {one.person_id for one in judges_of(panel)}:
        raise Forbidden(_l("You proposed this or sat in the panel: somebody else decides on it."))
    move(row, CutState.ADOPTED if adopt else CutState.DECLINED)
    row.second, row.decided_at = by, clock.now()
    if adopt:
        move(panel, PanelState.ADOPTED)
        for place, mean in zip(panel.items, means(panel, 2), strict=True):
            version = db.session.get_one(ItemVersion, place["version"])
            version.rating = f"{float(mean):.6f}"
    db.session.flush()
    audit.record("cut.adopted" if adopt else "cut.declined", panel, by=by, share=row.share)


def listed() -> Select[CutPanel]:
    """Select the panels, the newest first."""
    return select(CutPanel).order_by(CutPanel.id.desc())


def count_waiting() -> Select[Any]:
    """Select how many cuts wait for a decider."""
    return select(func.count(ExamCut.id)).where(ExamCut.state == CutState.PROPOSED)
