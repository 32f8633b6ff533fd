"""How the history of prices, discounts, quotes and subscriptions reads."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.core import story


def install() -> None:
    """Name the verbs of what is sold."""
    story.words(
        {
            "price.drafted": (_l("Price drafted"), "pencil"),
            "price.changed": (_l("Draft changed"), "pencil"),
            "price.proposed": (_l("Price proposed"), "hourglass-split"),
            "price.sent_back": (_l("Sent back to be changed"), "arrow-counterclockwise"),
            "price.dropped": (_l("Draft dropped"), "x-circle"),
            "price.published": (_l("Price published"), "check-circle"),
            "price.ending_proposed": (_l("End of the price proposed"), "hourglass-split"),
            "price.ending_declined": (_l("Goes on being sold"), "arrow-counterclockwise"),
            "price.retired": (_l("Price ended"), "slash-circle"),
            "tax.proposed": (_l("Tax row proposed"), "hourglass-split"),
            "tax.sent_back": (_l("Sent back to be changed"), "arrow-counterclockwise"),
            "tax.dropped": (_l("Draft dropped"), "x-circle"),
            "tax.published": (_l("Tax row published"), "check-circle"),
            "tax.retired": (_l("Tax row ended"), "slash-circle"),
            "discount.offered": (_l("Discount written down"), "percent"),
            "discount.approved": (_l("Discount approved"), "check-circle"),
            "discount.declined": (_l("Discount declined"), "x-circle"),
            "discount.ended": (_l("Discount ended"), "slash-circle"),
            "subscription.begun": (_l("Subscription begun"), "play-circle"),
            "subscription.renewed": (_l("Next period ordered"), "arrow-repeat"),
            "subscription.ending": (_l("Set to end"), "slash-circle"),
            "subscription.kept": (_l("End taken back"), "arrow-counterclockwise"),
            "subscription.ended": (_l("Subscription ended"), "flag"),
            "quote.drafted": (_l("Quote written"), "pencil"),
            "quote.sent": (_l("Quote sent"), "send"),
            "quote.accepted": (_l("Quote accepted"), "check-circle"),
            "quote.declined": (_l("Quote declined"), "x-circle"),
            "quote.withdrawn": (_l("Quote withdrawn"), "arrow-counterclockwise"),
            "quote.expired": (_l("Quote expired"), "clock-history"),
            "quote.superseded": (_l("Replaced by a newer quote"), "arrow-repeat"),
            "instalment.reached": (_l("Milestone reached"), "flag"),
        },
        {
            "valid_from": _l("In force from"),
            "product": _l("Product"),
            "coupon": _l("Code of the coupon"),
            "offer": _l("Discount"),
            "milestone": _l("Milestone"),
        },
    )
