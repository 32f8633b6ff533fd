"""Strangers verify what we sign: stock libraries of four languages take and refuse the same, and the vectors say which."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.services.licences import proofs
from tests import strangers
from tests.licence_forgeries import ASK, GOOD, KEYS, case, flipped, right, wrong
from tests.strangers import EXAMPLES, SHELL, by_command, by_javascript, by_python

PROOFS = bool(os.environ.get("PROOFS"))


def test_python_node_and_we_take_and_refuse_the_same() -> None:
    cases = [*right(), *wrong(), *flipped(3000 if PROOFS else 300)]
    expected = [one["valid"] for one in cases]
    assert [by_python(one, KEYS, proofs.verify) for one in cases] == expected
    assert [by_python(one, KEYS, strangers.module().verify) for one in cases] == expected
    assert by_javascript(cases, KEYS) == expected


def test_openssl_and_the_shell_take_and_refuse_the_same(tmp_path: Path) -> None:
    cases = [*right(), *wrong(), *flipped(120 if PROOFS else 6)]
    told = {one["why"]: by_command(SHELL, one, KEYS, tmp_path) for one in cases}
    assert told == {one["why"]: one["valid"] for one in cases}


def test_go_takes_and_refuses_the_same(tmp_path: Path) -> None:
    made = strangers.in_go(tmp_path)
    if made is None:
        pytest.skip("there is no Go here")
    cases = [*right(), *wrong(), *flipped(300 if PROOFS else 30)]
    told = {one["why"]: by_command([made, "verify"], one, KEYS, tmp_path) for one in cases}
    assert told == {one["why"]: one["valid"] for one in cases}


def test_the_fixed_vectors_are_these_cases() -> None:
    vectors = json.loads((EXAMPLES / "vectors.json").read_text("utf-8"))
    assert vectors == {**KEYS, "cases": [*right(), *wrong()]}
    pinned = json.loads((EXAMPLES / "pinned.json").read_text("utf-8"))
    assert pinned == {"issuer": ASK[0], "tool": ASK[1], **KEYS}


def test_a_signature_that_would_fit_has_one_spelling() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    cases = [case(GOOD[:-1] + letter, letter) for letter in letters]
    taken = [one["why"] for one, good in zip(cases, by_javascript(cases, KEYS), strict=True) if good]
    assert taken == [one["why"] for one in cases if by_python(one, KEYS, proofs.verify)] == [GOOD[-1]]


@settings(max_examples=500 if PROOFS else 100, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.characters(codec="latin-1"), st.sampled_from(("put", "drop", "add")))
def test_a_letter_changed_dropped_or_added_anywhere_is_refused(place: int, letter: str, how: str) -> None:
    after = place + (how != "add")
    token = GOOD[:place] + ("" if how == "drop" else letter) + GOOD[after:]
    same = token.strip() == GOOD
    one = case(token.strip(), "changed")
    assert by_python(one, KEYS, proofs.verify) is same
    assert by_python(one, KEYS, strangers.module().verify) is same
