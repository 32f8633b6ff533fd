"""Blind copies: what was handed in, without a name, with the rubric that stood when the attempt was started."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.organisations import Contact
from portal.certs import case_facts, case_rules, scrubbing
from portal.certs.models.bank import FormItem
from portal.certs.models.delivery import AttemptPart, Submission, Upload
from portal.certs.models.grading import CaseWork, ExamCase, ExamWork
from portal.core import files
from portal.core.db import db
from portal.core.errors import Missing, Refused


def names_of(case: ExamCase) -> list[str]:
    """Return every word by which a candidate might be known: names, mail, organisations."""
    person, booking = case.person, case.attempt.booking
    found = [person.name, booking.name, booking.name_latin, person.email, person.email.partition("@")[0]]
    for row in db.session.scalars(select(Contact).where(Contact.person_id == person.id)):
        org = row.org
        found += [org.legal_name, org.legal_name_en, org.display_name_zh, org.display_name_en]
    return scrubbing.words_of(one for one in found if one)


def copies(case: ExamCase, *, round_no: int = 1) -> list[ExamWork]:
    """Make a blind copy for each practical part of a case; a later round takes those of the first."""
    if round_no > 1:
        made = [_again(one) for one in case_facts.works_of(case, 1)]
    else:
        names = names_of(case)
        made = [_copy(case, part, names) for part in case.attempt.parts if not part.written]
    for work in made:
        db.session.add(CaseWork(case=case, work=work, round=round_no))
    db.session.flush()
    return made


def _again(old: ExamWork) -> ExamWork:
    work = ExamWork(
        level=old.level, section=old.section, task=old.task, rubric=old.rubric, text=old.text, files=old.files
    )
    db.session.add(work)
    return work


def _copy(case: ExamCase, part: AttemptPart, names: list[str]) -> ExamWork:
    last = db.session.scalars(
        select(Submission).where(Submission.part_id == part.id).order_by(Submission.n.desc()).limit(1)
    ).first()
    key = _task(part)
    work = ExamWork(
        level=case.level, section=part.code, task=key or part.code,
        rubric=case_rules.rubric_of(case.attempt, key),
        text="" if last is None else scrubbing.text(last.text, names),
        files=[] if last is None else [{"sha256": one["sha256"], "size": one["size"]} for one in last.files],
    )  # fmt: skip
    db.session.add(work)
    return work


def _task(part: AttemptPart) -> str:
    """Return the key of the task of a practical part; empty where it was never opened."""
    row = db.session.scalars(select(FormItem).where(FormItem.form_id == part.form_id)).first()
    return row.version.item.key if row is not None else ""


def name(work: ExamWork, n: int) -> str:
    """Return what the n-th file of a work is called for graders."""
    return f"work-{n}"


def file_of(work: ExamWork, n: int) -> bytes:
    """Return the n-th file of a work without names; `Refused` says what cannot be shown."""
    if not 1 <= n <= len(work.files):
        raise Missing(_l("There is no such file."))
    case = case_facts.case_of(work)
    upload = _handed_in(case, work.files[n - 1]["sha256"])
    if upload is None:
        raise Missing(_l("There is no such file."))
    try:
        return scrubbing.content(files.read(upload.file), names_of(case))
    except scrubbing.Unreadable:
        raise Refused(
            _l("This file cannot be shown without telling whose it is. Please ask the chief examiner.")
        ) from None


def _handed_in(case: ExamCase, sha256: str) -> Upload | None:
    """Return the candidate's own file: another may have handed in the same bytes, and have them erased at any time."""
    mine = select(Upload).join(AttemptPart).where(AttemptPart.attempt_id == case.attempt_id)
    kept = mine.join(files.StoredFile, Upload.file_id == files.StoredFile.id).where(
        files.StoredFile.erased_at.is_(None)
    )
    return db.session.scalars(kept.where(Upload.sha256 == sha256).order_by(Upload.id).limit(1)).first()
