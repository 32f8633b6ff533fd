"""Rows of the job board for the walk through every door."""

from __future__ import annotations

from datetime import timedelta

from portal.accounts.may import StaffRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import clock, vault
from portal.core.db import db
from portal.core.files import Content, StoredFile
from portal.core.states import move
from portal.jobs import moderating, saving, searching, writing
from portal.jobs.board_models import EmployerCheck, FeedKey
from portal.jobs.kinds import ApplyBy, PostState, Rhythm, VersionState
from portal.jobs.said import Said
from tests.people import make_person

KNOWN: dict[tuple[str, str], str] = {
    ("jobs", "uid"): "job_post",
    ("jobs.sitemap_part", "number"): "word:0",
    ("jobs.end", "uid"): "job_search",
    ("jobs.stop", "uid"): "job_search",
    ("jobs.stopped", "uid"): "job_search",
    ("jobs.one_click", "uid"): "word:none",
    ("jobs_employer", "uid"): "job_post",
    ("jobs_employer", "deed"): "word:pause",
    ("jobs_office", "uid"): "job_post",
    ("jobs_office", "n"): "word:1",
    ("jobs_office.employer", "uid"): "job_employer",
    ("jobs_office.employer_file", "uid"): "job_employer",
    ("jobs_office.confirm", "uid"): "job_employer",
    ("jobs_office.decline", "uid"): "job_employer",
    ("jobs_office.end_partner", "uid"): "job_partner",
    ("api_jobs", "uid"): "job_post",
}
# Posts are read by everybody while they are visible; a mail's link ends a search without signing in.
OPEN = {"jobs.post", "jobs.sitemap_part", "jobs.report", "jobs.stop", "jobs.stopped", "api_jobs.get_job"}


def rows(org: Organisation, by: Person, content: Content) -> dict[str, str]:
    """Let a company have a post on the board, a request to be confirmed, and a search; call inside a transaction."""
    staff = make_person("walkjobs@house.example", "Walk Jobs", staff=(StaffRole.JOB_MODERATOR,))
    said = Said(
        title_en="Quokka keeper", text_en="Keeps **quokkas**.", city="beijing", pay_low=100_000, pay_high=200_000,
        apply_by=ApplyBy.LINK, link="https://quokka.example/jobs",
    )  # fmt: skip
    post = writing.begin(org, said, by=by)
    version = writing.newest(post)
    version.submitted_at, version.submitted_by = clock.now(), by
    for state in (VersionState.WAITING, VersionState.APPROVED):
        move(version, state)
    today = clock.today()
    post.shown, post.starts_on, post.ends_on, post.days = version, today, today + timedelta(days=30), 30
    post.posted_at = clock.now()
    db.session.flush()
    for step in (PostState.IN_REVIEW, PostState.LIVE):
        move(post, step)
    db.session.flush()
    moderating.index(post)
    file = StoredFile(
        sha256=content.sha256, name="paper.txt", media_type=content.media_type, size=content.size, purpose="employer",
        org_id=org.id,
    )  # fmt: skip
    check = EmployerCheck(
        org=org, code="QUOKKA", domain="quokka.example", mail_domain="quokka.example", file=file, by=by
    )
    key = FeedKey(partner="Quokka jobs", key_hash=vault.digest("walk"), by=staff)
    db.session.add_all([check, key])
    db.session.flush()
    search = saving.keep(searching.Asked(q="quokka"), Rhythm.WEEKLY, by=by)
    return {"job_post": post.uid, "job_employer": check.uid, "job_partner": key.uid, "job_search": search.uid}
