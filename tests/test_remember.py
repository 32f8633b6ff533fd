"""Parts of pages that are kept: the same for the same values, drawn anew when anything they depend on changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, g
from flask_babel import force_locale

from portal.core import clock
from portal.core.remember import MOST, frozen

PART = "{% remember row %}{{ row[0] }} {{ _('Members') }} {{ drawn() }}{% endremember %}"


class Counter:
    """Counts how often a part was drawn."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self) -> int:
        self.n += 1
        return self.n


def draw(app: Flask, counter: Counter, row: Any, source: str = PART) -> str:
    return app.jinja_env.from_string(source).render(row=row, drawn=counter)


def test_a_part_is_drawn_once_for_the_same_values_and_language(app: Flask) -> None:
    counter = Counter()
    with app.test_request_context("/"):
        first = draw(app, counter, ("<b>", 1))
        assert first.startswith("&lt;b&gt; ")
        assert draw(app, counter, ("<b>", 1)) == first
        assert draw(app, counter, ("<b>", 2)) != first
        with force_locale("en"):
            other = draw(app, counter, ("<b>", 1))
        assert other != first
        assert draw(app, counter, ("<b>", 1)) == first
    assert counter.n == 3


def test_another_day_and_another_catalogue_draw_it_anew(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    counter, said = Counter(), []
    for moment in (datetime(2027, 1, 1, 15, tzinfo=UTC), datetime(2027, 1, 1, 17, tzinfo=UTC)):
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        with app.test_request_context("/"):
            said.append(draw(app, counter, ("a",)))
    with app.test_request_context("/"):
        g.catalogue_stamp = (1, 2)
        said.append(draw(app, counter, ("a",)))
    assert len(set(said)) == 3


def test_what_is_kept_has_a_bound(app: Flask) -> None:
    counter = Counter()
    with app.test_request_context("/"):
        part = app.jinja_env.from_string(PART)
        for n in range(MOST + 10):
            part.render(row=(n,), drawn=counter)
    assert len(app.extensions["remembered"]) <= MOST


def test_lists_and_dictionaries_become_keys() -> None:
    assert hash(frozen([{"a": [1, 2]}, {"b": None}])) == hash(frozen([{"a": [1, 2]}, {"b": None}]))
    assert frozen([{"a": [1]}]) != frozen([{"a": [2]}])
