"""What is sold in the demo: subscriptions with a change, open quotes, coupons, and a price that waits for a second person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import changing, discounting, publishing, quoting, subscribing
from portal.billing.catalogue import Audience, price_of
from portal.billing.discount_models import DiscountOffer
from portal.billing.issuing import party_of
from portal.billing.models import Party
from portal.billing.price_models import PriceVersion
from portal.billing.pricing import DiscountKind
from portal.billing.quote_models import Quote
from portal.billing.selling import Item
from portal.billing.subscription_models import Subscription
from portal.core import clock
from portal.core.db import db, transaction

Who = Callable[[str], Person]


def _party(name: str) -> Party | None:
    org = db.session.scalars(select(Organisation).where(Organisation.legal_name == name)).first()
    return party_of(org) if org is not None else None


def _subscribe(day: date, name: str, product: str, quantity: int, tier: str) -> int | None:
    with clock.stopped_at(day), transaction():
        party = _party(name)
        if party is None:
            return None
        audience = Audience(tier=tier)
        price = price_of(product, audience=audience)
        return subscribing.subscribe(party, price, by="demo", quantity=quantity, audience=audience).id


def _change(day: date, number: int | None, product: str, quantity: int, *, accept: bool) -> None:
    if number is None:
        return
    with clock.stopped_at(day), transaction():
        row = db.session.get_one(Subscription, number)
        quote = changing.quote_change(
            row, price_of(product, audience=Audience(**row.asked)), by="demo", quantity=quantity
        ).id
    if accept:
        with clock.stopped_at(day), transaction():
            changing.accept_change(db.session.get_one(Quote, quote), by="demo")


def _price(
    who: Who, today: date, product: str, terms: dict[str, object], note: str, *, publish: bool
) -> None:
    """Propose a new version of a price, for a day ahead; publish it if asked."""
    with clock.stopped_at(today), transaction():
        source = db.session.get_one(PriceVersion, price_of(product).id)
        start = (today + timedelta(days=75)).replace(day=1)
        fields = {**publishing.fields_of(source), "terms": terms, "valid_from": start, "note": note}
        row = publishing.draft_price(source.product, by=who("finance"), fields=fields)
        publishing.propose(row, by=who("finance"))
        number = row.id
    if publish:
        with clock.stopped_at(today), transaction():
            publishing.publish(db.session.get_one(PriceVersion, number), by=who("finance2"))


def _quotes(who: Who, today: date) -> None:
    words = {"zh": "第二代加速卡适配：三个模型", "en": "Adaptation for the second card: three models"}
    with clock.stopped_at(today - timedelta(days=4)), transaction():
        if (party := _party("星河芯片有限公司")) is not None:
            quoting.draft_quote(
                party, price_of("adaptation"), by=who("finance"), language="zh_Hans_CN", sum_=68_000_000, words=words,
                halves=True,
            )  # fmt: skip
        if (party := _party("云杉软件有限公司")) is not None:
            quoting.draft_quote(
                party, price_of("compliance"), by=who("finance"), language="zh_Hans_CN", sum_=15_000_000,
                note="首个试点项目，范围只含两套系统。",
            )  # fmt: skip


def _discounts(who: Who, today: date) -> None:
    with clock.stopped_at(today - timedelta(days=20)), transaction():
        spring = discounting.offer_discount(
            by=who("finance"), kind=DiscountKind.PERCENT, value=1_500, code="SPRING15", most_uses=50,
            words={"en": "Spring offer 15 %", "zh": "春季优惠 15%"}, starts=today - timedelta(days=20),
            ends=today + timedelta(days=70), products=["exam.opdev", "exam.adapt", "exam.arch"],
        )  # fmt: skip
        number = spring.id
        discounting.offer_discount(
            by=who("finance2"), kind=DiscountKind.WAIVER, value=0, code=None, first_period_only=True,
            words={"en": "Founding member: first year waived", "zh": "创始会员：首年免收"}, starts=today,
            products=["dues.platinum", "dues.gold"], reason="理事会决议：首批创始会员首年会费豁免。",
        )  # fmt: skip
    with clock.stopped_at(today - timedelta(days=2)), transaction():
        if (party := _party("海图智能科技有限公司")) is not None:
            row = db.session.get_one(DiscountOffer, number)
            discounting.order_with(party, "demo:exam", [Item(price_of("exam.opdev"), 10)], [row])


def sales(today: date) -> list[tuple[int, Callable[[], None]]]:
    """Return the subscriptions and their changes, how many days ago each was, to be done in order of time."""
    held: list[int | None] = [None]

    def subscribe(ago: int, name: str, product: str, quantity: int, tier: str) -> None:
        number = _subscribe(today - timedelta(days=ago), name, product, quantity, tier)
        if product == "licence.flagscale" and quantity == 100:
            held[0] = number

    def change(ago: int, quantity: int, accept: bool) -> None:
        _change(today - timedelta(days=ago), held[0], "licence.flagscale", quantity, accept=accept)

    begun = [
        (200, "海图智能科技有限公司", "support.gold", 1, "silver"),
        (120, "星河芯片有限公司", "licence.flagscale", 100, "platinum"),
        (90, "示例理工大学", "licence.triton", 60, "silver"),
        (30, "墨泉科技有限公司", "licence.flagscale", 5, "startup"),
    ]
    found: list[tuple[int, Callable[[], None]]] = [(one[0], partial(subscribe, *one)) for one in begun]
    return [*found, (60, partial(change, 60, 250, True)), (1, partial(change, 1, 600, False))]


def fill(who: Who, today: date) -> None:
    """Put something of each kind on the price desk."""
    steps = [[100, 0, 5_200_000], [500, 42_000, 0], [None, 30_000, 0]]
    _price(who, today, "licence.flagscale", {"tiers": steps}, "按理事会年度调价方案。", publish=False)
    _price(who, today, "support.gold", {"flat": 11_000_000}, "技术支持改为 7×24 小时。", publish=True)
    _quotes(who, today)
    _discounts(who, today)
