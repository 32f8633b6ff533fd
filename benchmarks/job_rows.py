"""Rows of the job board as the house would write them: posts with their versions and words, and people in the talent pool."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

DAY = date(2026, 6, 15)
PER_EMPLOYER = 20
BATCH = 2_000
FIRST_PERSON = 1_000  # ids of candidates begin after it; before it are those who sign in
WORDS = ("算子", "编译器", "推理", "训练", "量化", "驱动", "集群", "迁移", "前端", "测试")
LATIN = ("triton", "cuda", "mlir", "pytorch", "kubernetes", "linux", "rdma", "llvm", "python", "vulkan")
CITIES = ("beijing", "shanghai", "shenzhen", "hangzhou", "chengdu", "nanjing")
LEVELS = ("OPDEV", "ADAPT", "ARCH")
# A skill of one in five, and one of two in a thousand.
COMMON, RARE = "triton", "vulkan"
SKILLS = {"triton": 40, "cuda": 30, "pytorch": 30, "算子开发": 25, "mlir": 10, "推理优化": 10, "rdma": 4, "模型量化": 4, "llvm": 3, "vulkan": 0.3}  # fmt: skip
Rows = dict[str, list[dict[str, Any]]]


def posts(start: int, count: int, dice: random.Random) -> Rows:
    """Return posts, versions and terms, each post live for a part of the year."""
    from portal.accounts.people import new_uid
    from portal.core import clock
    from portal.jobs.terms import terms_of

    found: Rows = {"post": [], "version": [], "term": []}
    for n in range(start, start + count):
        word, latin, city = dice.choice(WORDS), dice.choice(LATIN), dice.choice(CITIES)
        begun = DAY - timedelta(days=dice.randrange(80))
        at = clock.start_of(begun) + timedelta(seconds=n % 80_000)
        texts = {
            "title_zh": f"{word}工程师 {n}", "title_en": f"{latin} engineer {n}",
            "text_zh": f"负责{word}的研发与优化，与{dice.choice(WORDS)}团队合作。" * 4,
            "text_en": f"Build {latin} for many chips, beside {dice.choice(LATIN)}. " * 4,
        }  # fmt: skip
        level = dice.choice(LEVELS) if dice.random() < 0.4 else ""
        found["post"].append({
            "id": n, "uid": new_uid(), "org_id": 1 + (n - 1) // PER_EMPLOYER, "by_id": 1, "created_at": at, "state": "draft",
            "starts_on": begun, "ends_on": begun + timedelta(days=90), "days": 90, "places": 1, "posted_at": at, "changed_at": at,
            "appeal": "", "edition": 1,
        })  # fmt: skip
        low = dice.randrange(10, 50) * 100_000
        found["version"].append({
            "id": n, "uid": new_uid(), "post_id": n, "n": 1, "state": "approved", "by_id": 1, "created_at": at, "submitted_at": at,
            "decided_at": at, "renews": False, "marks": [], **texts, "duties_zh": "", "duties_en": "", "requirements_zh": "",
            "requirements_en": "", "remote": "remote" if dice.random() < 0.1 else "onsite", "city": city, "remote_from": [],
            "employment": "full_time" if dice.random() < 0.9 else "intern", "places": 1, "currency": "CNY", "pay_low": low,
            "pay_high": low * 2, "pay_per": "month", "pay_months": 12, "pay_year": low * 24, "skills": [latin],
            "need": "preferred" if level else "none", "level": level, "apply_by": "link", "link": "https://jobs.example/1",
        })  # fmt: skip
        found["term"] += [{"term": one, "post_id": n} for one in sorted(terms_of(texts.values()))]
    return found


def people(start: int, count: int, dice: random.Random) -> Rows:
    """Return people with a profile: most let themselves be found, a third hold a certificate, one in fifty shut somebody out."""
    from portal.accounts.people import new_uid
    from portal.core import clock
    from portal.jobs.terms import terms_of

    found: Rows = {name: [] for name in ("person", "profile", "word", "consent", "award", "hold", "shut")}
    said = clock.start_of(date(2026, 3, 1))
    for n in range(start, start + count):
        person = FIRST_PERSON + n
        skills = list(dict.fromkeys(dice.choices(list(SKILLS), list(SKILLS.values()), k=4)))
        found["person"].append({
            "id": person, "email": f"p{n}@people.example", "name": f"Candidate {n}", "uid": new_uid(), "language": "en",
            "verified_at": said, "totp_step": 0, "demo": False, "created_at": said, "version": 1,
        })  # fmt: skip
        found["profile"].append({
            "id": n, "uid": new_uid(), "person_id": person, "city": dice.choice(CITIES), "skills": skills,
            "kinds": ["full_time"] if dice.random() < 0.8 else ["intern", "part_time"],
            "languages": ["zh", "en"] if dice.random() < 0.7 else ["zh"], "reach": f"wechat {n}", "used_at": said, "edition": 1,
        })  # fmt: skip
        found["word"] += [{"term": one, "profile_id": n} for one in sorted(terms_of(skills))]
        found["consent"] += _consents(person, said, dice)
        found["award"] += _awards(person, said, dice)
        if dice.random() < 0.02:
            found["shut"].append({"person_id": person, "org_id": dice.randrange(1, 101), "at": said})
    for award in found["award"]:
        if dice.random() < 0.01:
            found["hold"].append({
                "award_id": award["id"], "start": said, "reason": "benchmark", "by_name": "bench", "second_name": "",
                "lifted_at": said + timedelta(days=9) if dice.random() < 0.5 else None,
            })  # fmt: skip
    return found


def _consents(person: int, said: Any, dice: random.Random) -> list[dict[str, Any]]:
    """Return the words of one person: four in five are in the pool, some of them again after having left it."""
    chance = dice.random()
    given = [True] if chance < 0.75 else [True, False, True] if chance < 0.8 else [True, False]
    same = {
        "person_id": person,
        "receiver": "members that recruit",
        "text_version": 1,
        "language": "en",
        "channel": "account",
    }
    return [
        {
            **same, "purpose": "employers", "about": "", "fields": ["level", "city", "skills", "languages", "kinds"],
            "until": date(2028, 3, 1) if one else None, "withdrawn": not one, "at": said + timedelta(days=at),
        }
        for at, one in enumerate(given)
    ]  # fmt: skip


def _awards(person: int, said: Any, dice: random.Random) -> list[dict[str, Any]]:
    """Return the awards of one person: a third have the lowest level, fewer the higher ones; one in ten is over."""
    from portal.accounts.people import new_uid

    highest = dice.choices((0, 1, 2, 3), (65, 20, 11, 4))[0]
    over, revoked = dice.random() < 0.1, dice.random() < 0.01
    return [
        {
            "id": person * 4 + at, "uid": new_uid(), "level": level, "scheme_version": 1, "person_id": person, "name_zh": "",
            "name_latin": "Candidate", "decision": f"bench:{person}", "decided_on": date(2024, 1, 2), "start": date(2024, 1, 2),
            "end": date(2026, 1, 2) if over else date(2028, 1, 2), "shown": "masked", "created_at": said, "version": 1,
            "state": "revoked" if revoked else "granted", "revoked_at": said if revoked else None,
            "cause": "misconduct" if revoked else None, "badge_subject": new_uid(),
        }
        for at, level in enumerate(LEVELS[:highest])
    ]  # fmt: skip


def fill_posts(start: int, count: int) -> None:
    """Write posts straight into the tables, then let them be live."""
    from sqlalchemy import update

    from portal.core.db import db
    from portal.jobs.models import Post, PostTerm, PostVersion

    def live(at: int) -> None:
        db.session.connection().execute(
            update(Post).where(Post.id >= at, Post.state == "draft").values(shown_id=Post.id, state="live")
        )

    _fill(posts, {"post": Post, "version": PostVersion, "term": PostTerm}, start, count, live)


def fill_people(start: int, count: int) -> None:
    """Write people, what they say of themselves, allow and hold, straight into the tables."""
    from portal.accounts.people import Person
    from portal.accounts.privacy_models import Consent
    from portal.certs.models.award import Award, Suspension
    from portal.jobs.people_models import Profile, ProfileTerm, ShutOut

    tables = {
        "person": Person, "profile": Profile, "word": ProfileTerm, "consent": Consent, "award": Award, "hold": Suspension,
        "shut": ShutOut,
    }  # fmt: skip
    _fill(people, tables, start, count)


def _fill(
    make: Callable[[int, int, random.Random], Rows], tables: dict[str, Any], start: int, count: int,
    after: Callable[[int], None] | None = None,
) -> None:  # fmt: skip
    from sqlalchemy import insert

    from portal.core.db import db, transaction

    dice = random.Random(start)
    for at in range(start, start + count, BATCH):
        made = make(at, min(BATCH, start + count - at), dice)
        with transaction():
            for name, table in tables.items():
                if made[name]:
                    db.session.connection().execute(insert(table.__table__), made[name])
            if after is not None:
                after(at)
