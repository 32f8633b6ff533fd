"""What nodes cost a year: the price's curve less what a membership includes. Pure: no clock, no rows."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.billing.catalogue import Price
from portal.billing.pricing import WHOLE_BP, Taxed
from portal.core.errors import Refused
from portal.core.money import Money, half_up


def listed(price: Price, nodes: int) -> int:
    """Return the list amount of so many nodes, in the price's own terms, in fen."""
    if nodes < 1:
        raise Refused(_l("Please order at least one node."), field="nodes", status=422)
    try:
        return price.listed(nodes).minor
    except ValueError:
        raise Refused(_l("This number of nodes cannot be sold."), field="nodes", status=422) from None


def waived(price: Price, nodes: int, cap: int, share_bp: int) -> int:
    """Return what a membership takes off: the curve up to its cap, less the share that is still paid."""
    if not cap:
        return 0
    return half_up(listed(price, min(cap, nodes)) * (WHOLE_BP - share_bp), WHOLE_BP)


def due(price: Price, nodes: int, cap: int = 0, share_bp: int = 0) -> int:
    """Return P(nodes) less what is waived, in the price's own terms, in fen: P(total) − P(cap) where the cap is free."""
    return listed(price, nodes) - waived(price, nodes, cap, share_bp)


def taxed(price: Price, nodes: int, cap: int = 0, share_bp: int = 0) -> tuple[Money, Money, Taxed]:
    """Return list and what is taken off with tax in them, and what is due: list − off = gross."""
    whole = price.figures(Money(listed(price, nodes))).gross
    figures = price.figures(Money(due(price, nodes, cap, share_bp)))
    return Money(whole), Money(whole - figures.gross), figures
