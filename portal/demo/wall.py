"""The demo's wall: an edition of some weeks ago, what has come since, and a person who asks to be erased."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from sqlalchemy import select

from portal.accounts import consents, erasing
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel
from portal.core import clock
from portal.core.db import db, transaction
from portal.demo.cast import FIRMS
from portal.members import editions, profile

Who = Callable[[str], Person]


def fill(who: Who, today: date) -> None:
    """Publish an edition, let an owner allow the newsletter, and let a former colleague ask to be erased."""
    with clock.stopped_at(today - timedelta(days=1)), transaction():
        editions.publish()
    with clock.stopped_at(today), transaction():
        org = db.session.scalars(
            select(Organisation).where(Organisation.display_name_en == FIRMS[0].en)
        ).one()
        profile.change(org, {"homepage": f"https://{FIRMS[0].site}.example/ai"}, by=who(FIRMS[0].site))
        consents.speak(consents.NEWSLETTER, True, by=who(FIRMS[0].site), channel=Channel.ACCOUNT)
        former = Person(email="former@galaxy-chips.example", name="王前", language="zh_Hans_CN")
        former.verified_at, former.demo = clock.now(), True
        db.session.add(former)
        db.session.flush()
        erasing.request(former)
