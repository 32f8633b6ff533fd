"""Rows of awards for the walk through every door: an award with its paper and badge, a link, a proposal, a batch."""

from __future__ import annotations

from sqlalchemy import select

from portal.accounts.may import StaffRole
from portal.accounts.people import Person
from portal.certs import award_proposals, awarding, batches, issuing, sharing
from portal.certs.award_proposals import Wanted
from portal.certs.education import entries
from portal.certs.education.entries import Claim
from portal.certs.models.award import Award, AwardVerb, RevokeCause
from portal.certs.models.document import Badge, BatchKind
from portal.certs.models.education import EducationRenewal
from portal.certs.naming import Names
from portal.core import clock, files, outbox, pdf
from portal.core.db import db, transaction
from tests import awarded
from tests.people import make_person

# What stands in an address of these pages, by endpoint and parameter.
KNOWN: dict[tuple[str, str], str] = {
    ("verify", "number"): "certificate_number",
    ("api_certificates", "number"): "certificate_number",
    ("badges", "public_id"): "badge",
    ("badges", "purpose"): "word:revocation",
    ("badges", "number"): "word:1",
    ("badges", "code"): "word:OPDEV",
    ("badges", "token"): "share_token",
    ("holder", "uid"): "award",
    ("holder", "form"): "word:json",
    ("holder.paper", "uid"): "certificate",
    ("holder.badge_file", "uid"): "certificate",
    ("holder.end_link", "uid"): "share_link",
    ("awards", "uid"): "award",
    ("awards", "verb"): "word:suspend",
    ("awards.confirm", "uid"): "award_proposal",
    ("awards.decline", "uid"): "award_proposal",
    ("awards.proposal_paper", "uid"): "award_proposal",
    ("awards.document", "uid"): "certificate",
    ("awards.retry", "uid"): "certificate",
    ("education", "uid"): "education_entry",
    ("education.ask", "uid"): "award",
    ("education.take_back", "uid"): "education_renewal",
    ("education_office", "uid"): "education_entry",
    ("education_office.renewal", "uid"): "education_renewal",
    ("education_office.decide", "uid"): "education_renewal",
    ("batch_desk", "uid"): "certificate_batch",
    ("batch_desk", "kid"): "word:none",
}
# What a certificate is worth, anybody with its number may ask; a badge and a shared page have addresses nobody guesses.
OPEN = {
    "verify.number_page", "verify.match_name", "verify.compare", "api_certificates.get_certificate", "badges.badge",
    "badges.shared",
}  # fmt: skip


def rows(mail: str) -> dict[str, str]:
    """Grant somebody a level, make its paper, share it, and propose to revoke it and to issue it anew."""
    paper = files.put(b"%PDF-1.4 walked", files.PDF)
    with transaction():
        holder = db.session.scalars(select(Person).where(Person.email == mail)).one()
        decider = make_person("decider@awards.example", "De Cider", staff=(StaffRole.DECIDER,))
        keeper = make_person("keeper@awards.example", "Kee Per", staff=(StaffRole.CERTIFICATION,))
        awarded.make_keys()
        award = awarding.grant(
            holder, level="OPDEV", names=Names("", "Quick Walker"), decision="walk:1", decided_on=clock.today(), by=decider
        )  # fmt: skip
        link, address = sharing.give([award], by=holder, label="walk", days=30)
        wanted = Wanted(reason="walked", cause=RevokeCause.ERROR)
        proposal = award_proposals.propose(
            award, AwardVerb.REVOKE, wanted, by=keeper, paper=(paper, "walk.pdf")
        )
        entry = entries.submit(
            holder, Claim("talk", clock.today(), "Walked", "https://walk.example", "5"), by=holder, paper=(paper, "walk.pdf")
        )  # fmt: skip
        today = clock.today()
        renewal = EducationRenewal(award=award, needed=40, points=40, first_day=today, last_day=today)
        db.session.add(renewal)
        batch = batches.open_batch([award], kind=BatchKind.REISSUE, label="walk", reason="walked", by=keeper)
        found = {
            "award": award.uid, "share_link": link.uid, "share_token": address.rsplit("/", 1)[1],
            "award_proposal": proposal.uid, "certificate_batch": batch.uid,
            "education_entry": entry.uid, "education_renewal": renewal.uid,
        }  # fmt: skip
    with pdf.not_laid_out():
        outbox.drain()
    with transaction():
        certificate = issuing.current(db.session.scalars(select(Award)).one())
        assert certificate is not None
        badge = db.session.scalars(select(Badge)).one()
        return {
            **found, "certificate": certificate.uid, "certificate_number": certificate.number, "badge": badge.public_id,
        }  # fmt: skip
