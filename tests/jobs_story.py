"""The people of the job board's stories: an employer, a candidate and moderators at browsers, in one language and on one screen."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from playwright.sync_api import Browser, FilePayload, Locator

from portal.accounts.may import StaffRole
from portal.accounts.organisations import Organisation
from portal.certs import award_steps, awarding
from portal.certs.models.award import RevokeCause
from portal.core import clock, files
from portal.core.db import db, transaction
from portal.jobs import moderating, profiles, submitting, writing
from portal.jobs.kinds import ApplyBy
from portal.jobs.models import Post
from portal.jobs.profiles import Written
from portal.jobs.said import Said
from portal.members import terms
from portal.members.belonging import Hold
from portal.members.standing import HoldCause
from tests import job_people_world as w
from tests import jobs_scene as s
from tests import membership
from tests.browser import Served, Visitor, as_person, visit
from tests.membership import inside
from tests.people import make_person

CV = w.pdf()
STAFF = {"mo": StaffRole.JOB_MODERATOR, "max": StaffRole.JOB_MODERATOR, "certs": StaffRole.CERTIFICATION}


class Words(NamedTuple):
    """What is typed in one language."""

    company: str
    candidate: str
    skill: str
    deposit: str
    limit: str
    mark: str
    reason: str
    text: str
    letter: str
    why: str
    come: str


ZH = Words(
    "岸桥芯片", "欧阳明月", "算子开发", "入职须交押金五百元。", "35 岁以下。", "年龄限制", "工作内容不清楚",
    "为岸桥芯片编写算子。", "您好，我写过两款芯片的算子。", "您的算子经验与我们契合。", "周四两点，线上面试。",
)  # fmt: skip
EN = Words(
    "Quayside Chips", "Mei Quokka", "kernels", "A security deposit is due.", "Under 35.", "A limit by age",
    "It is not clear what the work is", "Write kernels for our chips.", "Hello, I wrote kernels for two chips.",
    "Your kernels fit our chips.", "Thursday at two, online.",
)  # fmt: skip
TITLE_ZH, TITLE_EN = "岸桥算子工程师", "Quayside kernel engineer"
COPIED_EN = "Tune Triton kernels for many chips, day by day, with people who like to measure before they change anything."
COPIED_ZH = "与喜欢先测量再动手的同事一起，每天为多种芯片调优算子，并把结果写成文档与测试，回馈开源社区。"


@dataclass
class Board:
    """The board as one story sees it; each browser is opened when it is first needed."""

    browser: Browser
    served: Served
    language: str
    seen: dict[str, Visitor] = field(default_factory=dict)

    @property
    def words(self) -> Words:
        """Return what people type in this story."""
        return ZH if self.language.startswith("zh") else EN

    @property
    def key(self) -> str:
        """Return what tells this story's people from those of the other."""
        return self.language[:2]

    @property
    def phone(self) -> bool:
        """Whether this story is lived on a phone: one language is, the other sits at a desk."""
        return self.language == "en"

    @property
    def boss(self) -> str:
        """Return the employer's address."""
        return f"boss@quayside-{self.key}.example"

    @property
    def mei(self) -> str:
        """Return the candidate's address."""
        return f"mei@people-{self.key}.example"

    def at(self, email: str) -> Visitor:
        """Return somebody at a browser."""
        if email not in self.seen:
            email_ = email if "@" in email else f"{email}@house.example"
            self.seen[email] = as_person(
                self.browser, self.served, email_, language=self.language, phone=self.phone
            )
        return self.seen[email]

    def passer_by(self) -> Visitor:
        """Return somebody without an account."""
        if "" not in self.seen:
            self.seen[""] = visit(self.browser, self.served, language=self.language, phone=self.phone)
        return self.seen[""]

    @property
    def title(self) -> str:
        """Return the title of the employer's post as this story reads it."""
        return TITLE_ZH if self.key == "zh" else TITLE_EN

    def org(self) -> Organisation:
        """Return the employer; call inside the application."""
        return s.org_of(self.boss)

    def second(self) -> str:
        """Write one more draft of the employer, and return its address."""
        with inside(self.served.app), transaction():
            said = Said(
                title_en="Second",
                text_en="Something else.",
                city="beijing",
                pay_low=100_000,
                pay_high=200_000,
            )
            return writing.begin(self.org(), said, by=w.person(self.boss)).uid  # fmt: skip

    def revoke(self) -> None:
        """Let the candidate's certificate be revoked."""
        with inside(self.served.app), transaction():
            (award,) = awarding.of_person(w.person(self.mei))
            award_steps.revoke(award, cause=RevokeCause.MISCONDUCT, by=s.person("certs"), reason="copied")

    def lapse(self) -> None:
        """Let the employer's membership rest."""
        with inside(self.served.app), transaction():
            row = terms.membership_of(self.org())
            assert row is not None
            today = clock.today()
            hold = Hold(
                membership=row, start=today, end=today + timedelta(days=9), cause=HoldCause.CONDUCT, reason="because",
                by_name="test",
            )  # fmt: skip
            db.session.add(hold)
            db.session.flush()
            terms.refresh([row])

    def post(self) -> str:
        """Return the address of the employer's first post."""
        with inside(self.served.app), transaction():
            rows = db.session.query(Post.uid).filter_by(org_id=self.org().id).order_by(Post.id)
            return str(rows.limit(1).scalar())


def found(served: Served) -> None:
    """Open the board, with its staff, a neighbour that recruits, and four people in the pool."""
    with served.app.app_context(), transaction():
        w.full(clock.today() + timedelta(days=700))
        for name, role in STAFF.items():
            make_person(f"{name}@house.example", name.title(), staff=(role,))
        spruce = membership.company("Spruce", "boss@spruce.example", homepage="https://spruce.example")
        membership.member(spruce, tier="silver", start=clock.today() - timedelta(days=40))
        s.confirm(spruce)
        _copied(spruce)
        w.pooled(*[w.candidate(f"crowd{n}") for n in range(4)])


def _copied(org: Organisation) -> None:
    """Let a neighbour have a live post whose text the employer will use again."""
    boss = w.person("boss@spruce.example")
    said = Said(
        title_zh=TITLE_ZH, title_en=TITLE_EN, text_zh=COPIED_ZH, text_en=COPIED_EN, city="beijing", pay_low=100_000,
        pay_high=200_000, apply_by=ApplyBy.PORTAL, skills=("Triton", "C++"),
    )  # fmt: skip
    row = writing.begin(org, said, by=boss)
    submitting.submit(row, by=boss)
    moderating.approve(row, by=s.person("mo"))


def people(board: Board, *, confirmed: bool, profiled: bool) -> None:
    """Let the employer with its one slot, and the candidate with a certificate, have accounts; and what the story leaves out."""
    words = board.words
    with inside(board.served.app):
        kept = files.put(CV, files.PDF)
    with inside(board.served.app), transaction():
        org = membership.company(
            words.company, board.boss, homepage=f"https://quayside-{board.key}.example", country="CN",
            display_name_zh=words.company, display_name_en=words.company,
        )  # fmt: skip
        membership.member(org, tier="startup", start=clock.today() - timedelta(days=40))
        w.person(board.boss).language = board.language
        if confirmed:
            s.confirm(org)
        mei = make_person(board.mei, words.candidate, language=board.language)
        w.certified(mei, "OPDEV")
        if profiled:
            profiles.save(mei, Written("beijing", [words.skill]))
            profiles.attach(mei, kept, "cv.pdf")


def paper(data: bytes, name: str) -> FilePayload:
    """Return a file to upload."""
    return {"name": name, "mimeType": "application/pdf", "buffer": data}


def unfold(who: Visitor, words: str) -> Locator:
    """Open what is folded under some words, and return it."""
    folded = who.page.locator("details", has=who.page.locator("summary", has_text=who.words(words)))
    folded.locator("summary").click()
    return folded


def tick(who: Visitor, *labels: str) -> None:
    """Tick boxes by their words."""
    for label in labels:
        who.field(label).check()


def choose(who: Visitor, group: str, option: str) -> None:
    """Choose one answer of a question."""
    asked: Any = who.page.get_by_role("group", name=who.words(group))
    asked.get_by_label(who.t(option)).check()


def worth(who: Visitor, words: str) -> Locator:
    """Return the badges of certificates that say what each is worth at the moment."""
    return who.page.locator("main .badge-state", has_text=re.compile(f"· {who.words(words).pattern}$"))


def click(who: Visitor, name: str) -> None:
    """Follow a link of the page's own part, whose words are a name."""
    who.page.get_by_role("main").get_by_role("link", name=name).first.click()
    who.page.wait_for_load_state()
