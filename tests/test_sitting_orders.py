"""Saves in any order, doubled, from two browsers and late: what stands is the greatest number that came in time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.certs.answering import Elsewhere, Over
from portal.certs.gift_answers import Kind
from portal.certs.models.delivery import AnswerSave
from portal.certs.sitting_verify import verify_sittings
from portal.core import clock
from portal.core.db import db, transaction
from tests import sittings as sit
from tests.sittings import HERE, THERE
from tests.undone import examples, undone

# (seq, value, seconds after the start, device)
SAVES = st.lists(
    st.tuples(
        st.integers(1, 6), st.sampled_from(["a", "b", "c", None]), st.integers(3500, 3700),
        st.sampled_from([HERE, HERE, HERE, THERE]),
    ),
    max_size=14,
)  # fmt: skip
DUE, GRACE = 3600, 60


def expected(saves: list[tuple[int, str | None, int, str]]) -> Iterator[tuple[int, str | None]]:
    """Walk what is acknowledged: in time, from the bound browser, with a greater number than before."""
    top = 0
    for seq, value, at, device in saves:
        if device == HERE and at <= DUE + GRACE and seq > top:
            top = seq
            yield seq, value


def test_whatever_comes_in_whatever_order_the_greatest_number_in_time_stands(app: Flask) -> None:
    with sit.at_work(app) as (row, begin):
        n = sit.position_of(row, Kind.SINGLE)

        @settings(max_examples=examples(app), deadline=None)
        @given(SAVES)
        def lives(saves: list[tuple[int, str | None, int, str]]) -> None:
            with undone(app):
                for seq, value, at, device in saves:
                    with (
                        clock.stopped_at(begin + timedelta(seconds=at)),
                        suppress(Over, Elsewhere),
                        transaction(),
                    ):
                        sit.save(row, n, value, seq, device)
                kept = list(expected(saves))
                found = sit.answer_at(row, n)
                assert (found.seq, found.value) == (kept[-1] if kept else (0, None))
                log = db.session.query(AnswerSave).filter_by(answer_id=found.id).order_by(AnswerSave.id)
                assert [(one.seq, one.value) for one in log] == kept
                assert verify_sittings()[1] == []

        lives()
