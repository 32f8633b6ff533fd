"""Payment references: check digits and reading them back from bank text (billing.md §6, example 14)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.billing.reference import find, is_valid, reference

free = settings(deadline=None)
serials = st.integers(1, 2**30 - 1)
CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALIKE = str.maketrans("OIL", "011")
EXAMPLES = {1: "FOJMBX4H60", 2: "FO58QT9224", 3: "FOQX3QDK83", 1000: "FOCM6NK825"}


@pytest.mark.parametrize(("serial", "expected"), EXAMPLES.items())
def test_example_14(serial: int, expected: str) -> None:
    assert reference(serial) == expected
    assert is_valid(expected)
    assert find(expected) == [expected]


def test_example_14_in_bank_text() -> None:
    assert find("汇款 f0－JMBX 4H60 会费") == ["FOJMBX4H60"]
    assert is_valid("f0－JMBX 4H60")


@pytest.mark.parametrize(
    "text", ["FOJMBX4H61", "FOJMXB4H60", "", "FO", "FOJMBX4H6", "JMBX4H60", "会费", "FOFOFOFOFO"]
)
def test_finds_nothing(text: str) -> None:
    assert find(text) == []
    assert not is_valid(text)


@pytest.mark.parametrize(
    "text",
    [
        "FOJMBX4H600",
        "XFOJMBX4H60",
        "FOFOJMBX4H60",
        "ＦＯＪＭＢＸ４Ｈ６０",
        "fo/jmbx/4h/6o",
        "inv no.FOJMBX4H60yuan",
        "F\nOJMB X4H 60",
    ],
)
def test_reads_leniently(text: str) -> None:
    assert find(text) == ["FOJMBX4H60"]


def test_several_in_order_and_each_once() -> None:
    assert find("FOQX3QDK83 FO58QT9224，FOQX3QDK83") == ["FOQX3QDK83", "FO58QT9224"]


def test_is_valid_wants_exactly_one_reference() -> None:
    assert not is_valid("FOJMBX4H600")
    assert not is_valid("XFOJMBX4H60")
    assert not is_valid("FOJMBX4H60", prefix="AB")


@pytest.mark.parametrize("serial", [0, -1, 2**30])
def test_serials_do_not_repeat(serial: int) -> None:
    with pytest.raises(ValueError, match="serial"):
        reference(serial)


@pytest.mark.parametrize("prefix", ["", "fo", "F-", "部"])
def test_prefix_is_letters_and_digits(prefix: str) -> None:
    for call in (lambda: reference(1, prefix), lambda: is_valid("x", prefix), lambda: find("x", prefix)):
        with pytest.raises(ValueError, match="prefix"):
            call()


def test_serial_is_whole() -> None:
    bad: Any = 1.0
    with pytest.raises(TypeError):
        reference(bad)


@free
@given(serials, st.sampled_from(["FO", "FLAG", "A1", "LOIL"]))
def test_round_trip(serial: int, prefix: str) -> None:
    ref = reference(serial, prefix)
    assert ref.startswith(prefix)
    assert len(ref) == len(prefix) + 8
    assert not set(ref[len(prefix) : -2]) & set("ILOU")
    assert is_valid(ref, prefix)
    assert ref in find(f"付款：{ref.lower()}。", prefix)


@free
@given(serials, serials)
def test_no_two_serials_share_a_reference(a: int, b: int) -> None:
    assert (reference(a) == reference(b)) == (a == b)


@free
@given(serials)
def test_every_single_wrong_character_is_caught(serial: int) -> None:
    ref = reference(serial)
    for at, right in enumerate(ref):
        for wrong in CHARACTERS:
            if wrong.translate(ALIKE) != right.translate(ALIKE):
                text = ref[:at] + wrong + ref[at + 1 :]
                assert not is_valid(text)
                assert find(text) == []


@free
@given(serials)
def test_every_swap_of_neighbours_is_caught(serial: int) -> None:
    ref = reference(serial)
    for at in range(len(ref) - 1):
        text = ref[:at] + ref[at + 1] + ref[at] + ref[at + 2 :]
        if text.translate(ALIKE) != ref.translate(ALIKE):
            assert not is_valid(text)
            assert find(text) == []


@free
@given(
    st.lists(serials, max_size=4, unique=True),
    st.lists(st.sampled_from([" ", "，", "会费", "-", ""]), max_size=9),
)
def test_marks_and_chinese_between_characters_do_no_harm(numbers: list[int], marks: list[str]) -> None:
    refs = [reference(n) for n in numbers]
    joined = "".join(refs)
    text = "".join(c + (marks[i % len(marks)] if marks else "") for i, c in enumerate(joined))
    assert [ref for ref in find(text) if ref in refs] == refs


@free
@given(st.text(max_size=60))
def test_any_text_is_readable(text: str) -> None:
    assert all(is_valid(ref) for ref in find(text))
