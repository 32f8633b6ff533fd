"""What the demo shows of the job board: members who recruit, posts in every state and both languages, what moderators said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

from portal.accounts.organisations import Contact
from portal.accounts.people import Person
from portal.core import catalogue, clock
from portal.core.db import db, transaction
from portal.demo.cast import FIRMS, credit_code
from portal.demo.scans import scan
from portal.demo.support import org_of
from portal.jobs import (
    employers,
    moderating,
    partners,
    reporting,
    running,
    saving,
    searching,
    submitting,
    writing,
)
from portal.jobs.kinds import ApplyBy, Employment, Need, PayPer, Remote, Rhythm
from portal.jobs.models import Post
from portal.jobs.said import Said
from portal.jobs.searching import Asked

Who = Callable[[str], Person]
EMPLOYERS = (
    "galaxy-chips",
    "polaris-compute",
    "qinghe-models",
    "spruce-software",
    "seachart-ai",
    "lumenflow",
    "inkspring",
)
ASKS = "whitestone"  # its document waits for a look
K = 100_000  # a thousand yuan


class Job(NamedTuple):
    """A vacancy of the demo: who, both titles and what it is about, place, pay in thousands, days ago, what became of it."""

    site: str
    zh: str
    en: str
    about_zh: str
    about_en: str
    city: str
    low: int
    high: int
    ago: int
    state: str = "live"
    level: str = ""
    more: dict[str, Any] = {}


FULL_ZH = "{about}\n\n**我们提供**\n\n- 开源优先的研发环境\n- 每年一次技术会议"
FULL_EN = "{about}\n\n**What we offer**\n\n- work that is open source first\n- a conference a year"
REMOTE = {"remote": Remote.REMOTE, "city": "", "remote_from": ("CN", "SG", "DE")}
JOBS = (
    Job("galaxy-chips", "算子开发工程师", "Operator developer", "为星河 G3 芯片编写并优化 Triton 与 FlagGems 算子。", "Write and tune Triton and FlagGems operators for our G3 chips.", "beijing", 30, 55, 20, "live", "OPDEV", {"need": Need.REQUIRED, "places": 3, "skills": ("Triton", "C++", "FlagGems")}),
    Job("galaxy-chips", "编译器工程师", "Compiler engineer", "负责 MLIR 后端与图优化。", "Own our MLIR back end and graph passes.", "shanghai", 40, 70, 15, "live", "ADAPT", {"need": Need.PREFERRED, "skills": ("MLIR", "LLVM")}),
    Job("galaxy-chips", "芯片验证实习生", "Chip validation intern", "协助搭建自动化验证流程。", "Help to build our automatic validation.", "beijing", 6, 9, 6, "live", "", {"employment": Employment.INTERN, "pay_months": 12}),
    Job("galaxy-chips", "性能分析工程师", "Performance analyst", "分析大模型在多芯片上的瓶颈。", "Find the bottlenecks of large models on many chips.", "shenzhen", 28, 50, 3, "in_review", "", {"skills": ("profiling", "Python")}),
    Job("galaxy-chips", "技术布道师", "Developer advocate", "撰写文档与示例，组织线上活动。", "Write guides and examples, run meetings online.", "", 25, 45, 12, "live", "", REMOTE),
    Job("polaris-compute", "集群运维工程师", "Cluster engineer", "运维千卡异构训练集群。", "Run a mixed training cluster of a thousand cards.", "hangzhou", 25, 42, 30, "live", "ARCH", {"need": Need.PREFERRED, "skills": ("Kubernetes", "RDMA")}),
    Job("polaris-compute", "存储系统工程师", "Storage engineer", "设计面向训练的并行文件系统。", "Design a parallel file system for training.", "hangzhou", 35, 60, 26, "paused"),
    Job("polaris-compute", "解决方案架构师", "Solution architect", "为客户设计训推一体方案。", "Design training and serving for customers.", "guangzhou", 35, 65, 80, "filled", "ARCH", {"need": Need.REQUIRED}),
    Job("qinghe-models", "模型迁移工程师", "Model migration engineer", "将青禾 72B 迁移至两款国产芯片。", "Bring our 72B model to two more chips.", "beijing", 32, 58, 18, "live", "ADAPT", {"need": Need.REQUIRED, "skills": ("PyTorch", "FlagScale")}),
    Job("qinghe-models", "推理优化工程师", "Inference engineer", "量化、投机解码与算子融合。", "Quantisation, speculative decoding, fused kernels.", "beijing", 35, 65, 10, "live", "OPDEV", {"need": Need.PREFERRED, "places": 2}),
    Job("qinghe-models", "数据标注负责人", "Head of data labelling", "限女性，35 岁以下，形象好。", "Female only, under 35.", "beijing", 15, 60, 2, "in_review"),
    Job("qinghe-models", "训练平台工程师", "Training platform engineer", "建设弹性训练平台。", "Build our elastic training platform.", "shanghai", 30, 55, 65, "expired"),
    Job("spruce-software", "SDK 开发工程师", "SDK developer", "维护 Python 与 C++ SDK。", "Keep our SDKs in Python and C++.", "nanjing", 20, 38, 14, "live", "", {"skills": ("Python", "C++")}),
    Job("spruce-software", "测试开发工程师", "Test engineer", "编写精度与性能回归测试。", "Write tests for precision and speed.", "nanjing", 18, 32, 9, "live", "OPDEV", {"need": Need.PREFERRED, "remote": Remote.HYBRID}),
    Job("spruce-software", "开源社区运营", "Community manager", "运营社区并组织贡献者活动。", "Care for our community and its contributors.", "", 15, 28, 7, "live", "", {**REMOTE, "employment": Employment.PART_TIME}),
    Job("spruce-software", "前端工程师", "Front-end developer", "开发可视化调优工具。", "Build tools that show where time goes.", "wuhan", 18, 30, 5, "returned"),
    Job("seachart-ai", "海图识别算法工程师", "Chart-reading researcher", "港口海图识别模型的研发与部署。", "Models that read harbour charts, from paper to port.", "tianjin", 22, 40, 16, "live", "", {"skills": ("vision", "PyTorch")}),
    Job("seachart-ai", "边缘部署工程师", "Edge deployment engineer", "在船载设备上部署模型。", "Deploy models on machines aboard ships.", "tianjin", 20, 36, 4, "live", "ADAPT", {"need": Need.PREFERRED}),
    Job("lumenflow", "驱动开发工程师", "Driver developer", "LF200 加速卡 Linux 驱动。", "Linux drivers of our LF200 cards.", "chengdu", 26, 48, 11, "live", "", {"skills": ("Linux", "PCIe", "C")}),
    Job("lumenflow", "FlagGems 适配工程师", "FlagGems engineer", "将 FlagGems 适配至 LF200。", "Bring FlagGems to LF200 cards.", "chengdu", 28, 50, 8, "edited", "OPDEV", {"need": Need.REQUIRED}),
    Job("lumenflow", "市场经理（岗前培训）", "Marketing manager", "职位描述与实际不符。", "The work is not as described.", "chengdu", 10, 20, 13, "removed"),
    Job("inkspring", "全栈工程师", "Full-stack developer", "小团队，做开发者喜欢的工具。", "A small team that makes tools developers like.", "singapore", 60, 110, 17, "live", "", {"currency": "SGD", "pay_per": PayPer.YEAR}),
    Job("galaxy-chips", "硬件采购专员", "Hardware buyer", "负责关键器件采购。", "Buy the parts we cannot do without.", "beijing", 14, 22, 1, "draft"),
    Job("spruce-software", "技术文档工程师", "Technical writer", "以中英文撰写文档。", "Write documents in Chinese and English.", "", 16, 28, 1, "draft", "", REMOTE),
)  # fmt: skip
NO = ("请写明主要工作内容与使用的技术。", "Please say what the work is and which technology it uses.")
DOWN = (
    "多位读者反映与实际不符，核查属实。",
    "Several readers said it is not as described, and they were right.",
)


def fill(who: Who, today: date) -> None:
    """Open the board, confirm the employers, and let posts go as far as each says."""
    _open(today)
    _confirm(who, today)
    for job in sorted(JOBS, key=lambda one: -one.ago):
        _live(job, who, today)
    with transaction():
        partners.give("智联招聘", by=who("moderator"))
        partners.give("Gitee", by=who("moderator2"))
    with transaction():
        saving.keep(Asked(q="triton"), Rhythm.WEEKLY, by=who("inkspring"))
        saving.keep(searching.read({"city": "remote"}), Rhythm.DAILY, by=who("inkspring"))


def _open(today: date) -> None:
    """The demo runs the whole board on a licence that is marked as invented."""
    row = {
        "code": "jobs.mode", "value": "full", "licence_number": "DEMO-0000-2026",
        "licence_issuer": {"en": "Invented for the demo", "zh": "演示虚构"},
        "licence_valid_until": (today + timedelta(days=720)).isoformat(),
    }  # fmt: skip
    with transaction():
        catalogue.take("job_board", row, today - timedelta(days=200))


def _confirm(who: Who, today: date) -> None:
    numbers = {firm.site: n for n, firm in enumerate(FIRMS, 1)}
    for site in (*EMPLOYERS, ASKS):
        content = scan(f"Registration of {site}")
        ago = 1 if site == ASKS else 85
        with clock.stopped_at(today - timedelta(days=ago)), transaction():
            row = employers.ask(
                org_of(who(site)),
                code=credit_code(numbers[site]),
                file=(content, "licence.png"),
                by=who(site),
            )
            if site != ASKS:
                employers.confirm(row, by=who("moderator"))


def _said(job: Job) -> Said:
    values: dict[str, Any] = {
        "title_zh": job.zh, "title_en": job.en, "text_zh": FULL_ZH.format(about=job.about_zh),
        "text_en": FULL_EN.format(about=job.about_en), "duties_zh": "- 与社区协作\n- 编写测试与文档",
        "duties_en": "- work with the community\n- write tests and documents", "requirements_zh": "- 两年以上相关经验，或可展示的项目",
        "requirements_en": "- two years of such work, or a project to show", "city": job.city, "pay_low": job.low * K,
        "pay_high": job.high * K, "pay_months": 14, "level": job.level, "apply_by": ApplyBy.PORTAL,
        "link": f"https://www.{job.site}.example/jobs",
    }  # fmt: skip
    return Said(**{**values, **job.more})


def _live(job: Job, who: Who, today: date) -> None:
    """Let one post go as far as its state says; its employer sends, moderators decide a day later."""
    begun, mod, boss = today - timedelta(days=job.ago), "moderator", job.site
    with clock.stopped_at(begun), transaction():
        post = writing.begin(org_of(who(boss)), _said(job), by=who(boss))
        number = post.id
        if job.state != "draft":
            submitting.submit(post, by=who(boss))
    if job.state in ("draft", "in_review"):
        return
    with clock.stopped_at(begun + timedelta(days=1)), transaction():
        post = _the(number)
        if job.state == "returned":
            moderating.send_back(post, by=who(mod), reasons=["unclear"], words=NO)
        else:
            moderating.approve(post, by=who("moderator2" if number % 3 == 0 else mod))
    _after(job, number, who, today)


def _the(number: int) -> Post:
    return db.session.get_one(Post, number)


def _after(job: Job, number: int, who: Who, today: date) -> None:
    post, boss = _the(number), who(job.site)
    later = today - timedelta(days=max(1, job.ago // 3))
    if job.state == "paused":
        with clock.stopped_at(later), transaction():
            running.pause(post, by=boss)
    elif job.state == "filled":
        with clock.stopped_at(later), transaction():
            running.fill(post, by=boss, certificate=True, board=True)
    elif job.state == "expired" and post.ends_on is not None:
        with clock.stopped_at(post.ends_on), transaction():
            running.expire(post, by="expire_posts")
    elif job.state == "edited":
        with clock.stopped_at(later), transaction():
            said = _said(job._replace(high=job.high + 5))
            writing.write(post, said, by=boss)
            submitting.submit(_the(number), by=boss)
    elif job.state == "removed":
        _reported(number, who, later)


def _reported(number: int, who: Who, day: date) -> None:
    for n in range(3):
        with clock.stopped_at(day), transaction():
            reporting.report(_the(number), reason="misleading", words="", person=None, address=f"192.0.2.{n}")
    with clock.stopped_at(day), transaction():
        moderating.remove(_the(number), by=who("moderator"), reasons=["untrue"], words=DOWN)
    with transaction():
        owner = _the(number).org_id
        person = db.session.query(Contact).filter_by(org_id=owner).order_by(Contact.id).first()
        assert person is not None
        running.appeal(_the(number), "职位描述已更正，请复核。", by=person.person)
