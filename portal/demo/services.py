"""What the demo shows of services: support, a quote that waits for its answer, a project with a milestone handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import settling
from portal.billing.issuing import party_of
from portal.billing.money_models import Way
from portal.core import clock, files, outbox
from portal.core.db import db, transaction
from portal.demo import support
from portal.demo.support import PAID, org_of
from portal.services.contracts import verbs as contracts
from portal.services.engagements import delivering, leading, working
from portal.services.engagements.models import Engagement, Health
from portal.services.engagements.work_models import NoteKind
from portal.services.quotes import accepting, drafting, sending
from portal.services.quotes.editor import template_plan
from portal.services.quotes.figures import Ask
from portal.services.quotes.models import ServiceQuote
from portal.services.quotes.plan import Plan

Who = Callable[[str], Person]
WORKS, CARED = "lumenflow", "qinghe-models"
SOLD_AGO, SENT_AGO, HANDED_AGO, CARE_AGO = 40, 6, 3, 30
REPORT = "# Plan of the adaptation\n\nKernels, tests and machines, week by week.\n"


def _planned(first: date) -> Plan:
    """Return the template of adaptation with its days from a first one on."""
    found = template_plan("adaptation.chip")
    ends = (28, 90, 150)
    stages = (
        replace(one, on=first + timedelta(days=days)) for one, days in zip(found.stages, ends, strict=True)
    )
    return replace(found, stages=tuple(stages))


def _sent(who: Who, site: str, sum_: int, title: dict[str, str], first: date) -> ServiceQuote:
    row = drafting.draft(
        party_of(org_of(who(site))), [Ask("adaptation.chip", sum_=sum_, plan=_planned(first))], by=who("servicelead"),
        title=title,
    )  # fmt: skip
    return sending.send(row, by=who("servicelead"))


def sales(who: Who, today: date) -> list[tuple[int, Callable[[], None]]]:
    """Return what was sold, how many days ago, to be done in order of time."""

    def sell() -> None:
        day = today - timedelta(days=SOLD_AGO)
        with clock.stopped_at(day), transaction():
            title = {"zh": "G2 加速卡适配", "en": "Adaptation of the G2 accelerator"}
            row = _sent(who, WORKS, 48_000_000, title, day)
            _paid(accepting.accept(row, digest=row.digest, by=who(WORKS)), day)
        with clock.stopped_at(day):
            outbox.drain("demo")
        with clock.stopped_at(day), transaction():
            _start(who)

    def care() -> None:
        """Sell a year of support by a quote: it is listed with what is renewed by the year."""
        day = today - timedelta(days=CARE_AGO)
        with clock.stopped_at(day), transaction():
            title = {"zh": "黄金技术支持", "en": "Technical support Gold"}
            row = drafting.draft(
                party_of(org_of(who(CARED))), [Ask("support.gold")], by=who("servicelead"), title=title
            )
            row = sending.send(row, by=who("servicelead"))
            _paid(accepting.accept(row, digest=row.digest, by=who(CARED)), day)

    return [*support.sales(who, today), (SOLD_AGO, sell), (CARE_AGO, care)]


def _paid(row: ServiceQuote, day: date) -> None:
    """Let the money of an accepted quote come by bank on the same day."""
    if row.invoice is not None:
        receipt, _new = settling.record_receipt(
            Way.BANK, "bank", f"{row.number}-{day:%Y%m%d}", row.invoice.gross, day, payer=row.party.name, party=row.party, by="demo"
        )  # fmt: skip
        settling.put_on(receipt, row.invoice, by="demo")


def _project() -> Engagement:
    return db.session.scalars(select(Engagement).order_by(Engagement.id)).one()


def _start(who: Who) -> None:
    """Sign the contract, name everybody and begin."""
    row = _project()
    contract = contracts.of_quote(row.quote)
    if contract is None or contract.document is None:
        return
    signer = who(WORKS)
    contracts.send(contract, by=who("legal"))
    contracts.sign_by_click(contract, by=signer, typed_name=signer.name, sha256=contract.document.sha256)
    contracts.countersign(contract, by=who("signer"))
    leading.name_lead(row, who("servicelead"), by=who("servicemanager"))
    leading.name_acceptors(row, signer, None, by=signer)
    leading.start(row, by=who("servicemanager"))
    delivering.begin(row.milestones[0], by=who("servicelead"))


def fill(who: Who, today: date) -> None:
    """Let tickets be asked and answered, a milestone be handed in, and a quote wait for its answer."""
    support.fill(who, today)
    content = files.put(REPORT.encode(), "text/plain")
    with clock.stopped_at(today - timedelta(days=HANDED_AGO)), transaction():
        row, lead = _project(), who("servicelead")
        first = row.milestones[0]
        delivering.hand_over(first, content, "plan.md", by=lead)
        delivering.submit(first, {"plan": "双方已签字确认，见 plan.md", "machines": "两台 G2 服务器可登录，基线测试 100% 通过"}, by=lead)  # fmt: skip
        for days, words in ((20, "环境搭建"), (19, "基线测试"), (12, "方案撰写")):
            working.log(first, by=lead, day=today - timedelta(days=days), hundredths=100, words=words)
        leading.report(row, Health.AMBER, by=lead, words="第三台服务器延期一周到货，不影响首个里程碑。")
        working.note(row, NoteKind.QUESTION, "验收测试是否包含 FP8？", by=lead)
    with clock.stopped_at(today - timedelta(days=SENT_AGO)), transaction():
        title = {"zh": "推理服务场景调优", "en": "Tuning of an inference service"}
        _sent(who, PAID, 26_000_000, title, today)
