"""The table of verbs agrees with the lives, the doors, the functions and the page in the docs."""

from __future__ import annotations

import ast

import pytest
from flask import Flask

from portal.core.states import TABLES
from portal.core.web import ACCESS
from portal.members import (
    agreements,
    appeals,
    chores,
    closing,
    drafting,
    fulfil,
    quorum,
    review,
    tier_changes,
)
from portal.members.belonging import AGREEMENT_LIFE
from portal.members.models import APPLICATION_LIFE
from portal.members.verbs import AGREEMENT, APPLICATION, Verb, moves
from tools import state_tables

ROOMS = (drafting, review, quorum, appeals, closing, fulfil, agreements, tier_changes)
LATER = {"supersede"}  # with renewals


@pytest.mark.parametrize(("life", "verbs"), [(APPLICATION_LIFE, APPLICATION), (AGREEMENT_LIFE, AGREEMENT)])
def test_verbs_and_life_allow_the_same_steps(life: object, verbs: tuple[Verb, ...]) -> None:
    assert isinstance(life, dict)
    assert moves(verbs) == {(str(state), str(to)) for state, onward in life.items() for to in onward}
    reached = {verb.to for verb in verbs}
    assert set(life) - reached == set()


@pytest.mark.parametrize("verb", [*APPLICATION, *AGREEMENT], ids=lambda verb: verb.name)
def test_every_verb_is_a_function_and_its_doors_ask_for_its_permission(sqlite_app: Flask, verb: Verb) -> None:
    assert verb.may or verb.by
    assert verb.name in LATER or any(callable(getattr(room, verb.name, None)) for room in ROOMS)
    for door in verb.doors:
        assert getattr(sqlite_app.view_functions[door], ACCESS) == frozenset(verb.may), door


def test_every_chore_of_the_table_exists() -> None:
    for name in ("expire_applications", "close_unfulfilled", "void_envelopes", "announce_standings"):
        assert callable(getattr(chores, name))


def test_the_page_in_the_docs_is_what_the_code_says() -> None:
    assert state_tables.FILE.read_text("utf-8") == state_tables.page()


def test_every_life_in_the_code_is_in_the_documentation() -> None:
    """Found by reading the code, not by the list that the tool reads: a life that is not wired is missed there."""
    text, named = state_tables.FILE.read_text("utf-8"), []
    for file in sorted((state_tables.ROOT / "portal").rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "life":
                named.append(ast.unparse(call.args[0]))
    kinds = {kind.__name__: kind for kind in TABLES if kind.__module__.startswith("portal.")}
    assert set(named) == set(kinds)
    assert len(named) > 15
    for name in named:
        assert state_tables.diagram(TABLES[kinds[name]]) in text or kinds[name] in state_tables.TOLD, name
