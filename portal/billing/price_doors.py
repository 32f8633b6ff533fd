"""Every door of what is sold: the price desk, the payer's pages, the API, the papers and the catalogue's files."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.billing import begin_office, price_files, price_words, quote_papers, sell_office, tax_office  # noqa: F401 - loaders, papers, routes
from portal.billing.plan_api import plans_api
from portal.billing.plan_views import plans
from portal.billing.price_office import shelf
from portal.billing.shelves import count_waiting
from portal.core import nav
from portal.core.nav import Entry

__all__ = ["install", "plans", "plans_api", "shelf"]


def install() -> None:
    """Put the doors on the rails, name the verbs, and let credit notes serve changes that give money back."""
    price_words.install()
    nav.add(
        Entry("member", 45, "plans.subscriptions", _l("Subscriptions"), "arrow-repeat", lambda _r: True),
        Entry(
            "office", 66, "shelf.products", _l("Prices"), "tags", staff_who_may(May.READ_MONEY), count_waiting
        ),
    )
