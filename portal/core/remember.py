"""Parts of a page that are drawn once for the same values: `{% remember row %}…{% endremember %}` in a template."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import current_app, g, request
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup

from portal.core import clock, i18n

MOST = 4096


class Remember(Extension):
    """Keeps what a part of a template became, by everything it may depend on.

    The part may use only the values named in the tag (tuples, rows of a query, texts, numbers, days, enums), the
    language, the catalogue and the day: these are part of the key, so that nothing is ever shown that was true before.
    It may not hold a form, a token, a nonce or anything of the reader.
    """

    tags = {"remember"}

    def parse(self, parser: Parser) -> nodes.Node:
        """Read the tag: the values it depends on, and the part of the template it keeps."""
        line = next(parser.stream).lineno
        values = parser.parse_tuple()
        where = nodes.Const((parser.name, line))
        body = parser.parse_statements(("name:endremember",), drop_needle=True)
        call = self.call_method("_drawn", [where, values])
        return nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _drawn(self, where: tuple[str, int], values: Any, caller: Callable[[], Markup]) -> Markup:
        # A list asks for each of its rows: the request's own object is asked, not its stand-in.
        held: dict[Any, Markup]
        held, day = g._get_current_object().get("remembered") or self._of_the_day()
        key = (where, i18n.language(), day, values)
        if (found := held.get(key)) is None:
            if len(held) >= MOST:
                held.clear()
            found = held[key] = caller()
        return found

    @staticmethod
    def _of_the_day() -> Any:
        """Return what is kept, and what else it depends on: the day, the catalogue's stamp, where the portal stands."""
        day = (clock.today(), g.get("catalogue_stamp"), request.environ.get("SCRIPT_NAME"))
        g.remembered = (current_app.extensions.setdefault("remembered", {}), day)
        return g.remembered


def frozen(value: Any) -> Any:
    """Return lists and dictionaries as tuples, so that they can be the key of what was drawn from them."""
    if isinstance(value, dict):
        return tuple((key, frozen(one)) for key, one in value.items())
    return tuple(frozen(one) for one in value) if isinstance(value, list | tuple) else value
