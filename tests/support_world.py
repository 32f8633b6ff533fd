"""Rows of support for the walk through every door: a ticket with a file, a solved one with its question, a list, duty."""

from __future__ import annotations

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Organisation
from portal.core import clock
from portal.core.db import db
from portal.core.files import PDF, Content, StoredFile
from portal.services.support import answering, asking, duty, knowledge, satisfying
from portal.services.support.attaching import Attached
from portal.services.support.clocks import Severity
from portal.services.support.models import TicketFile, TicketMessage
from portal.services.support.monthly_models import SupportReport
from portal.services.support.people_models import SupportPerson
from tests.people import make_person

# Published to everybody on purpose.
OPEN = {"knowledge.article"}
KNOWN: dict[tuple[str, str], str] = {
    ("support", "uid"): "support_ticket",
    ("support", "file"): "support_file",
    ("support.report_file", "uid"): "support_report",
    ("support_office", "form"): "word:csv",
    ("support_office.any_report", "uid"): "support_report",
    ("support_office.propose_credit", "uid"): "support_report",
    ("support.remove_person", "uid"): "support_person",
    ("support", "token"): "word:" + "0" * 32 + "." + "0" * 40,
    ("support_office", "uid"): "support_ticket",
    ("support_office.article", "uid"): "article",
    ("support_office.go_on", "uid"): "article",
    ("support_office.publish_article", "uid"): "article",
    ("support_office.withdraw_article", "uid"): "article",
    ("knowledge", "uid"): "article",
    ("support_office", "file"): "support_file",
    ("support_office", "deed"): "word:taking",
    ("support_office", "message"): "ticket_message",
    ("api_tickets", "uid"): "support_ticket",
}


def rows(org: Organisation, content: Content) -> dict[str, str]:
    """Let somebody of a company ask, with a file; call inside a transaction."""
    agent = make_person("walkagent@support.example", "Walk Agent", staff=(StaffRole.SUPPORT_AGENT,))
    asker = make_person("walkasker@mail.example", "Walk Asker")
    db.session.add(Contact(person=asker, org=org, role=ContactRole.TECHNICAL, start=clock.today()))
    db.session.flush()
    given = {"by": asker, "org": org, "title": "Quokka stops", "body": "It stops", "severity": Severity.S2}
    row = asking.open_ticket(**given, files=[Attached(content, "run.log")])  # type: ignore[arg-type]
    answering.answer(row, by=agent, body="Try this")
    solved = asking.open_ticket(**given)  # type: ignore[arg-type]
    answering.solve(solved, by=agent, body="Done", cause="none")
    satisfying.ask(solved)
    texts = dict.fromkeys(knowledge.FIELDS, "Use another kernel")
    article = knowledge.write(None, texts, by=agent, ticket=solved)
    knowledge.publish(article, by=make_person("walksecond@support.example", "Walk Second"))
    report = SupportReport(org=org, month=clock.today().replace(day=1), level="gold")
    report.file = StoredFile(
        sha256=content.sha256, name="report.pdf", media_type=PDF, size=content.size, purpose="support_report",
        org_id=org.id,
    )  # fmt: skip
    db.session.add(report)
    db.session.flush()
    listed = SupportPerson(org=org, person=asker)
    db.session.add(listed)
    duty.roster(clock.today(), clock.today(), agent, None, by=agent)
    message = db.session.query(TicketMessage).filter_by(ticket_id=row.id).order_by(TicketMessage.id).first()
    file = db.session.query(TicketFile).one()
    assert message is not None
    return {
        "support_ticket": row.uid, "support_file": file.file.uid, "support_person": listed.uid,
        "ticket_message": message.uid, "article": article.uid, "support_report": report.uid,
    }  # fmt: skip
