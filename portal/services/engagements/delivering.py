"""Milestones: begun, handed in with evidence, accepted or given back; acceptance earns and invoices in the same transaction."""

from __future__ import annotations

from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select

from portal.accounts.people import Person
from portal.billing import earning, splitting
from portal.billing.instalments import issue_instalments
from portal.billing.models import Instalment, OrderLine
from portal.billing.subscription_models import DueRule, InstalmentTerm
from portal.core import audit, clock, files, outbox, workdays
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.mail import MailMessage
from portal.core.states import move
from portal.services.contracts import verbs as contracts
from portal.services.engagements import leading, letters, times
from portal.services.engagements.events import EngagementEnded, MilestoneAccepted
from portal.services.engagements.models import DONE, Engagement, EngagementState, Milestone, MilestoneState
from portal.services.engagements.opening import locked
from portal.services.engagements.work_models import Deliverable, Outcome, SubmissionStep, WorkSubmission

E, M, O = EngagementState, MilestoneState, Outcome  # noqa: E741
CLICK, CHOP, SILENCE = "click", "chop", "silence"


def _running(milestone: Milestone) -> Engagement:
    row = locked(milestone.engagement_id)
    if row.state is not E.RUNNING:
        raise Refused(_l("Work on milestones goes on while the project runs."))
    return row


def _of_team(row: Engagement, by: Person) -> None:
    if not leading.inside(row, by):
        raise Forbidden(_l("Only the team of this project works on its milestones."))


def begin(milestone: Milestone, *, by: Person) -> None:
    """Begin the work on a milestone."""
    row = _running(milestone)
    _of_team(row, by)
    move(milestone, M.IN_WORK)
    audit.record("milestone.begun", milestone, by=by, org_id=row.org_id, number=milestone.n, about=row.number)  # fmt: skip


def hand_over(milestone: Milestone, content: files.Content, name: str, *, by: Person) -> Deliverable:
    """Add a file to a milestone; the same name again is its next version."""
    row = _running(milestone)
    _of_team(row, by)
    if milestone.state not in (M.IN_WORK, M.RETURNED):
        raise Refused(_l("Files are added while the milestone is worked on."))
    shown = name[:120]
    last = select(func.max(Deliverable.version)).where(
        Deliverable.milestone_id == milestone.id, Deliverable.name == shown
    )
    made = Deliverable(
        milestone=milestone, name=shown, version=int(db.session.scalar(last) or 0) + 1, by=by,
        file=files.StoredFile(
            sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose="deliverable",
            org_id=row.org_id,
        ),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record(
        "milestone.file", milestone, by=by, org_id=row.org_id, file=made.name, version=made.version, sha256=content.sha256
    )  # fmt: skip
    return made


def files_of(milestone: Milestone) -> list[Deliverable]:
    """Return the files of a milestone, the newest version of each name first."""
    rows = select(Deliverable).where(Deliverable.milestone_id == milestone.id)
    return list(db.session.scalars(rows.order_by(Deliverable.name, Deliverable.version.desc())))


def submissions(milestone: Milestone) -> list[WorkSubmission]:
    """Return every time a milestone was handed in, the newest first."""
    rows = select(WorkSubmission).where(WorkSubmission.milestone_id == milestone.id)
    return list(db.session.scalars(rows.order_by(WorkSubmission.n.desc())))


def waiting(milestone: Milestone) -> WorkSubmission:
    """Return the submission that waits for the customer."""
    found = next((one for one in submissions(milestone) if one.outcome is O.WAITING), None)
    if found is None:
        raise Refused(_l("Nothing of this milestone waits for an answer."))
    return found


def submit(milestone: Milestone, evidence: dict[str, str], *, by: Person) -> WorkSubmission:
    """Hand a milestone in: with files, and for each criterion the evidence that it holds."""
    row = _running(milestone)
    _of_team(row, by)
    if milestone.state not in (M.IN_WORK, M.RETURNED):
        raise Refused(_l("This milestone cannot be handed in now."))
    if not files_of(milestone):
        raise Refused(_l("Please hand over at least one file first."), field="files", status=422)
    given = {one["code"]: evidence.get(one["code"], "").strip() for one in milestone.criteria}
    if not all(given.values()):
        raise Refused(_l("Please give the evidence for each criterion."), field="evidence", status=422)
    before = submissions(milestone)
    made = WorkSubmission(milestone=milestone, n=len(before) + 1, by=by, evidence=given)
    db.session.add(made)
    move(milestone, M.SUBMITTED)
    db.session.flush()
    audit.record("milestone.submitted", milestone, by=by, org_id=row.org_id, number=milestone.n, about=row.number)  # fmt: skip
    letters.submitted(made)
    return made


def may_accept(row: Engagement, person: Person) -> bool:
    """Whether a person accepts work for the customer: the one named, or the deputy."""
    return person.id in {row.acceptor_id, row.deputy_id}


def _accepting(milestone: Milestone, by: Person) -> tuple[Engagement, WorkSubmission]:
    row = locked(milestone.engagement_id)
    if not may_accept(row, by):
        raise Forbidden(_l("Only who was named to accept the work, or the deputy, can do that."))
    if milestone.state is not M.SUBMITTED:
        raise Refused(_l("Nothing of this milestone waits for an answer."))
    return row, waiting(milestone)


def accept(milestone: Milestone, *, by: Person, scan: files.StoredFile | None = None) -> WorkSubmission:
    """Accept a milestone as the customer, by a click or with a chopped protocol."""
    row, handed = _accepting(milestone, by)
    handed.decided_by, handed.way, handed.scan = by, CHOP if scan is not None else CLICK, scan
    _take(row, milestone, handed, M.ACCEPTED, O.ACCEPTED, on=clock.today(), by=by)
    return handed


def reject(milestone: Milestone, findings: dict[str, str], *, by: Person) -> WorkSubmission:
    """Give a milestone back with what is missing, criterion by criterion; the second time both leads meet."""
    row, handed = _accepting(milestone, by)
    known = {one["code"] for one in milestone.criteria}
    said = {code: text.strip()[:1000] for code, text in findings.items() if code in known and text.strip()}
    if not said:
        raise Refused(
            _l("Please say for at least one criterion what is missing."), field="findings", status=422
        )
    handed.outcome, handed.findings, handed.decided_at, handed.decided_by = O.REJECTED, said, clock.now(), by
    move(milestone, M.RETURNED)
    audit.record("milestone.rejected", milestone, by=by, org_id=row.org_id, number=milestone.n, about=row.number)  # fmt: skip
    letters.rejected(handed)
    return handed


def deem(handed: WorkSubmission) -> bool:
    """Deem a milestone accepted whose day is over, if the contract says so and every reminder reached the customer."""
    milestone = handed.milestone
    row = locked(milestone.engagement_id)
    db.session.refresh(handed)
    day = deemed_on(row, handed)
    if handed.outcome is not O.WAITING or row.state is not E.RUNNING or day is None or clock.today() <= day:
        return False
    handed.way = SILENCE
    _take(row, milestone, handed, M.DEEMED, O.DEEMED, on=day, by="deem_acceptance")
    return True


def deemed_on(row: Engagement, handed: WorkSubmission) -> date | None:
    """Return the day at whose end a submission is deemed accepted; None while a condition is missing.

    Whoever was reminded late has as many working days left as after a reminder in time.
    """
    asked, agreed = times.reminders(), row.deemed and contracts.signed(row.quote)
    steps = db.session.scalars(
        select(SubmissionStep).where(SubmissionStep.submission_id == handed.id, SubmissionStep.people > 0)
    ).all()
    told = {one.step for one in steps if _went_out(handed, one.step)}
    if not agreed or handed.bounced_at is not None or not told >= set(asked):
        return None
    latest = max((clock.day_of(one.at) for one in steps), default=clock.day_of(handed.submitted_at))
    left = times.days() - max(asked, default=0)
    return max(times.last_day(handed), workdays.after(latest, left))


def _went_out(handed: WorkSubmission, step: int) -> bool:
    """Whether a reminder left the house: the mail of its step, or of the later one that caught it up."""
    later = [one for one in times.reminders() if one >= step]
    keys = [MailMessage.key.startswith(f"submission:{handed.uid}:{one}:", autoescape=True) for one in later]
    mails = select(MailMessage.id).where(MailMessage.sent_at.is_not(None), or_(*keys))
    return db.session.scalar(mails.limit(1)) is not None


def _take(
    row: Engagement, milestone: Milestone, handed: WorkSubmission, to: MilestoneState, outcome: Outcome, *, on: date,
    by: Person | str,
) -> None:  # fmt: skip
    """Take a milestone: what it carries is earned, and the parts of payment that waited for it are invoiced."""
    move(milestone, to)
    milestone.accepted_on = on
    handed.outcome, handed.decided_at = outcome, clock.now()
    db.session.flush()
    percent = accepted_percent(milestone.order_line, row)
    _earn(milestone.order_line, percent, on)
    invoice_reached(row, milestone, by=by)
    audit.record(
        "milestone.accepted", milestone, by=by, org_id=row.org_id, number=milestone.n, about=row.number, percent=percent,
        deemed=outcome is O.DEEMED,
    )  # fmt: skip
    outbox.queue("acceptance_paper", f"acceptance_paper:{handed.uid}", {"uid": handed.uid})
    letters.accepted(milestone, deemed=outcome is O.DEEMED, n=handed.n)
    publish(MilestoneAccepted(milestone, outcome is O.DEEMED))
    if all(one.state in DONE for one in row.milestones):
        move(row, E.DELIVERED)
        row.delivered_on = on
        audit.record("engagement.delivered", row, by=by, org_id=row.org_id, number=row.number)


def accepted_percent(line: OrderLine, row: Engagement) -> int:
    """Return how many per cent of a line are accepted in all."""
    return sum(one.percent for one in row.milestones if one.order_line_id == line.id and one.state in DONE)


def _earn(line: OrderLine, percent: int, on: date) -> None:
    """Book what acceptance earns: by its share, or all of it once the last part of what is delivered at once is there."""
    if line.recognition == earning.MILESTONE:
        earning.accept_milestone(line, percent, on=on)
    elif line.recognition == earning.POINT and percent == 100:
        earning.deliver(line, on=on)


def invoice_reached(row: Engagement, milestone: Milestone, *, by: Person | str) -> None:
    """Invoice the parts that waited for a milestone; one whose invoice was reversed can be issued again by hand."""
    parts = db.session.scalars(
        select(Instalment)
        .join(InstalmentTerm, InstalmentTerm.instalment_id == Instalment.id)
        .where(
            Instalment.order_line_id == milestone.order_line_id, InstalmentTerm.rule == DueRule.MILESTONE,
            InstalmentTerm.milestone == milestone.code, Instalment.due_on.is_(None),
        )
        .order_by(Instalment.n)
    ).all()  # fmt: skip
    for part in parts:
        splitting.reach(part, on=clock.today(), by=by)
    if parts:
        issue_instalments(parts, language=row.quote.language, by=by)


def note_bounce(handed: WorkSubmission, *, by: Person | str) -> None:
    """Note that a mail about a submission came back: nothing is deemed accepted after that."""
    row = locked(handed.milestone.engagement_id)
    db.session.refresh(handed)
    if handed.outcome is not O.WAITING:
        raise Refused(_l("This submission is decided already."))
    if handed.bounced_at is None:
        handed.bounced_at = clock.now()
        audit.record("milestone.bounced", handed.milestone, by=by, org_id=row.org_id, about=row.number)


def remind(handed: WorkSubmission) -> bool:
    """Remind of a submission on its working days, each once, caught up with the latest alone; a bounce ends it."""
    row = locked(handed.milestone.engagement_id)
    db.session.refresh(handed)
    if handed.outcome is not O.WAITING or not row.deemed or handed.bounced_at is not None:
        return False
    there = set(
        db.session.scalars(select(SubmissionStep.step).where(SubmissionStep.submission_id == handed.id))
    )
    fresh = [step for step in times.reached(handed, clock.today()) if step not in there]
    if not fresh:
        return False
    people = letters.reminded(handed, fresh[-1])
    for step in fresh:
        db.session.add(SubmissionStep(submission=handed, step=step, people=people))
    db.session.flush()
    return True


def close(engagement: Engagement, *, by: Person | str) -> bool:
    """Close an engagement whose warranty is over."""
    row = locked(engagement.id)
    if row.state is not E.DELIVERED or row.delivered_on is None:
        return False
    if clock.today() <= row.delivered_on + timedelta(days=row.warranty_days):
        return False
    move(row, E.CLOSED)
    row.ended_on = clock.today()
    audit.record("engagement.closed", row, by=by, org_id=row.org_id, number=row.number)
    publish(EngagementEnded(row))
    return True
