"""Rows of candidates for the walk through every door: an application, a request, a search, a consent, a referral."""

from __future__ import annotations

from datetime import timedelta

from portal.accounts.organisations import Organisation
from portal.core import clock
from portal.core.db import db
from portal.core.files import Content
from portal.jobs import consents, profiles
from portal.jobs.application_models import ContactRequest, JobApplication
from portal.jobs.models import Post, PostVersion
from portal.jobs.people_models import PoolSearch, ShutOut
from portal.jobs.profiles import Written
from portal.jobs.stages import Field, Purpose
from tests.people import make_person

KNOWN: dict[tuple[str, str], str] = {
    ("candidates", "uid"): "job_application",
    ("candidates.apply_form", "uid"): "job_applied_post",
    ("candidates.send", "uid"): "job_applied_post",
    ("candidates.refer_form", "uid"): "job_applied_post",
    ("candidates.refer", "uid"): "job_applied_post",
    ("candidates.request_page", "uid"): "job_contact",
    ("candidates.agree", "uid"): "job_contact",
    ("candidates.refuse", "uid"): "job_contact",
    ("candidates.let_in", "uid"): "job_shut_out",
    ("candidates.take_back", "number"): "job_consent",
    ("hiring", "uid"): "job_application",
    ("hiring.listed", "uid"): "job_applied_post",
    ("hiring.found", "uid"): "job_pool_search",
    ("hiring.ask_form", "uid"): "job_pool_search",
    ("hiring.ask", "uid"): "job_pool_search",
    ("hiring", "handle"): "word:0123456789abcdef0123456789abcdef",
    ("hiring.request_seen", "uid"): "job_contact",
    ("hiring.request_resume", "uid"): "job_contact",
    ("referred", "token"): "word:nothing",
    ("api_job_applications", "uid"): "job_application",
}


def rows(org: Organisation, content: Content) -> dict[str, str]:
    """Let somebody have applied to a company, been asked and shut it out; call inside a transaction."""
    who = make_person("walkcandidate@people.example", "Walk Quokka")
    profile = profiles.save(who, Written(skills=["Quokka"]))
    post = Post(org=org, by=who)
    db.session.add(post)
    db.session.flush()
    version = PostVersion(post=post, n=1, by=who, title_en="Quokka post", text_en="Quokka work")
    db.session.add(version)
    db.session.flush()
    post.shown = version
    row = JobApplication(
        post=post, person=who, letter="Quokka letter", resume=profiles.kept(who, content, "q.pdf")
    )
    asked = ContactRequest(
        org=org, person=who, post=post, reason="Quokka", by=who, answer_by=clock.today() + timedelta(days=14)
    )
    search = PoolSearch(org=org, by=who, day=clock.today(), asked={})
    db.session.add_all([row, asked, search, ShutOut(person=who, org=org)])
    db.session.flush()
    word = consents.give(who, Purpose.APPLY, post, org.legal_name, [Field.NAME, Field.LETTER, Field.RESUME])
    assert profile.id
    return {
        "job_application": row.uid, "job_applied_post": post.uid, "job_contact": asked.uid, "job_pool_search": search.uid,
        "job_consent": str(word.id), "job_shut_out": org.uid,
    }  # fmt: skip
