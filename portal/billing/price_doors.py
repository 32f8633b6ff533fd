"""Every door of what is sold: the price desk, the payer's pages, the API, the papers and the catalogue's files."""

from __future__ import annotations

from portal.billing import price_files, quote_papers, sell_office, tax_office  # noqa: F401 - loaders, papers, routes
from portal.billing.plan_api import plans_api
from portal.billing.plan_views import plans
from portal.billing.price_office import shelf

__all__ = ["plans", "plans_api", "shelf"]
