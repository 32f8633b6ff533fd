"""What the demo shows of candidates: profiles, people in the pool, applications in each state, looks, a request that waits."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from PIL import Image, ImageDraw
from sqlalchemy import select

from portal.accounts.people import Person
from portal.core import clock, files
from portal.core.db import db, transaction
from portal.demo.support import org_of
from portal.jobs import (
    applying,
    consents,
    contacting,
    hiring,
    hiring_views,
    looks,
    pool,
    profiles,
    referring,
)
from portal.jobs.application_models import JobApplication
from portal.jobs.applying import Handed
from portal.jobs.looks import Asked, Viewer
from portal.jobs.matching import Wanted
from portal.jobs.models import Post, PostVersion
from portal.jobs.profiles import Written
from portal.jobs.stages import TO_APPLY, Field, JobApplicationState, Purpose

Who = Callable[[str], Person]
A, F = JobApplicationState, Field
ALL_BUT_RESUME = [one for one in TO_APPLY if one is not F.RESUME]
BARE = [F.NAME, F.LETTER]


class Seeker(NamedTuple):
    """Somebody who looks for work: whose account, where, with which skills, and whether the pool may show him."""

    email: str
    city: str
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    pooled: bool = True


SEEKERS = (
    Seeker("holder@certs.example", "beijing", ("Triton", "FlagGems", "算子开发"), ("zh", "en")),
    Seeker("zhe@certs.example", "beijing", ("Triton", "C++"), ("zh",)),
    Seeker("lukasz@certs.example", "berlin", ("MLIR", "LLVM", "Triton"), ("en", "de")),
    Seeker("abdurahman@certs.example", "beijing", ("PyTorch", "模型迁移", "Triton"), ("zh", "en")),
    Seeker("maria@certs.example", "singapore", ("FlagScale", "PyTorch"), ("en", "es")),
    Seeker("tian@certs.example", "beijing", ("Triton", "性能分析"), ("zh",)),
    Seeker("soon@certs.example", "beijing", ("算子开发", "Triton"), ("zh",), False),
    Seeker("lin@exams.example", "beijing", ("Triton", "Python"), ("zh", "en")),
    Seeker("mei@certs.example", "shanghai", ("MLIR", "Triton"), ("zh",)),
)
# Who applied to which post (employer, English title), how many days ago, how far it came, what he shows.
SENT: tuple[tuple[str, str, str, int, JobApplicationState, Sequence[Field]], ...] = (
    ("holder@certs.example", "galaxy-chips", "Operator developer", 12, A.INTERVIEW, list(TO_APPLY)),
    ("zhe@certs.example", "galaxy-chips", "Operator developer", 11, A.OFFER, ALL_BUT_RESUME),
    ("lukasz@certs.example", "galaxy-chips", "Operator developer", 10, A.SEEN, ALL_BUT_RESUME),
    ("lin@exams.example", "galaxy-chips", "Operator developer", 9, A.SEEN, BARE),
    ("tian@certs.example", "galaxy-chips", "Operator developer", 6, A.DECLINED, ALL_BUT_RESUME),
    ("abdurahman@certs.example", "galaxy-chips", "Operator developer", 3, A.SENT, ALL_BUT_RESUME),
    ("maria@certs.example", "galaxy-chips", "Operator developer", 2, A.WITHDRAWN, BARE),
    ("mei@certs.example", "galaxy-chips", "Compiler engineer", 4, A.SENT, ALL_BUT_RESUME),
    ("holder@certs.example", "qinghe-models", "Inference engineer", 7, A.SEEN, ALL_BUT_RESUME),
    ("soon@certs.example", "qinghe-models", "Inference engineer", 6, A.HIRED, ALL_BUT_RESUME),
)  # fmt: skip
LETTERS = {
    "zh": "您好，我在过去一年里为两款芯片编写并优化过注意力与矩阵乘算子，代码在社区可以看到，希望有机会面谈。",
    "en": "Hello, over the last year I wrote and tuned attention and matmul kernels for two chips; the code is public. I would be glad to talk.",
}
WORDS = {
    A.INTERVIEW: "您好，请于周四下午两点参加线上面试，链接随后由门户发送。",
    A.OFFER: "很高兴与您交流，我们有意录用您，细节请见随附说明。",
    A.HIRED: "欢迎加入！",
    A.DECLINED: "感谢您的关注，这一次我们选择了经验更贴近的候选人。",
}
ROAD = {
    A.SENT: (),
    A.SEEN: (A.SEEN,),
    A.INTERVIEW: (A.SEEN, A.INTERVIEW),
    A.OFFER: (A.SEEN, A.INTERVIEW, A.OFFER),
    A.HIRED: (A.SEEN, A.OFFER, A.HIRED),
    A.DECLINED: (A.SEEN, A.DECLINED),
    A.WITHDRAWN: (),
}  # fmt: skip


def fill(who: Who, today: date) -> None:
    """Let people write profiles, apply, be looked at and be asked for contact."""
    _profiles(today)
    for email, site, title, ago, state, fields in SENT:
        _sent(who(site), today - timedelta(days=ago), email, _post(who(site), title), state, fields)
    _contact(who, today)
    with clock.stopped_at(today - timedelta(days=3)), transaction():
        referring.refer(
            _post(who("qinghe-models"), "Inference engineer"),
            "friend@nowhere.example",
            by=who("galaxy-chips"),
        )


def _person(email: str) -> Person:
    return db.session.scalars(select(Person).where(Person.email == email)).one()


def _post(boss: Person, title: str) -> Post:
    rows = (
        select(Post)
        .join(PostVersion, Post.shown_id == PostVersion.id)
        .where(PostVersion.title_en == title, Post.org_id == org_of(boss).id)
    )
    return db.session.scalars(rows.order_by(Post.id)).one()


def _profiles(today: date) -> None:
    """Nine profiles, one of them with a résumé; eight let the pool find them."""
    content = _resume()
    for n, one in enumerate(SEEKERS):
        with clock.stopped_at(today - timedelta(days=40 - n)), transaction():
            person = _person(one.email)
            reach = f"微信 demo-{n}" if "zh" in one.languages else f"Signal demo.{n}"
            profiles.save(person, Written(one.city, one.skills, ("full_time",), one.languages, reach))
            if n == 0:
                profiles.attach(person, content, "resume.pdf")
            if one.pooled:
                consents.enter_pool(person, True)


def _resume() -> files.Content:
    """Return a page that says it is a specimen, as a PDF."""
    image = Image.new("RGB", (900, 1200), "white")
    ImageDraw.Draw(image).multiline_text((60, 60), "SPECIMEN\nCurriculum vitae", fill="#333333")
    out = io.BytesIO()
    image.save(out, "PDF")
    return files.put(out.getvalue(), files.PDF)


def _sent(
    hr: Person, day: date, email: str, post: Post, state: JobApplicationState, fields: Sequence[Field]
) -> None:
    letter = LETTERS["zh" if _person(email).language.startswith("zh") else "en"]
    with clock.stopped_at(day), transaction():
        number = applying.apply(post, Handed(letter, fields), by=_person(email)).id
    if state is A.WITHDRAWN:
        with clock.stopped_at(day + timedelta(days=1)), transaction():
            applying.withdraw(_row(number), by=_person(email))
        return
    for n, to in enumerate(ROAD[state]):
        with clock.stopped_at(day + timedelta(days=n)), transaction():
            row = _row(number)
            if to is A.SEEN:
                hiring.open_(row, by=hr)
                _look(row, hr)
            else:
                hiring.step(row, to, by=hr, words=WORDS.get(to, ""), by_certificate=to is A.HIRED or None)


def _look(row: JobApplication, hr: Person) -> None:
    assert row.person is not None
    asked = Asked(row.person, Purpose.APPLY, row.post, row.subject, hiring_views.said(row))
    looks.card(Viewer(hr, row.post.org), asked)


def _row(number: int) -> JobApplication:
    return db.session.get_one(JobApplication, number)


def _contact(who: Who, today: date) -> None:
    """One employer asks two people of the pool: one has said yes, the other has not answered yet."""
    hr = who("galaxy-chips")
    post = _post(hr, "Compiler engineer")
    for ago, email in ((8, "lukasz@certs.example"), (1, "holder@certs.example")):
        with clock.stopped_at(today - timedelta(days=ago)), transaction():
            search = pool.search(org_of(hr), Wanted(skills="Triton"), by=hr)
            found = pool.results(search)
            pool.shown(search, found, Viewer(hr, search.org))
            profile = next(one for one, _rank in found if one.person.email == email)
            asked = contacting.ask(
                search,
                profile,
                post,
                reason="您的算子经验与我们的编译器团队非常契合，想与您聊聊 G3 芯片。",
                by=hr,
            )
        if ago > 1:
            with clock.stopped_at(today - timedelta(days=ago - 1)), transaction():
                contacting.agree(asked, [F.NAME.value, F.SKILLS.value, F.REACH.value], by=_person(email))
