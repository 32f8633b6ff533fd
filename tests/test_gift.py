"""GIFT files: every row of the table, refusals with their line, a round trip through a writer of our own, hostile input."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.certs import gift
from portal.certs.gift_answers import ESCAPED, FALSE, TRUE, Answer, Kind, Number, Option
from portal.certs.item_content import exact

D = Decimal


def one(text: str) -> gift.Item:
    found = gift.parse(text)
    assert [str(fault) for fault in found.faults] == []
    (item,) = found.items
    return item


def fault(text: str) -> tuple[int, str]:
    found = gift.parse(text)
    assert len(found.faults) == 1
    return found.faults[0].at, str(found.faults[0].what)


def weights(answer: Answer) -> list[tuple[str, str]]:
    return [(option.text, exact(option.weight)) for option in answer.options]


def test_each_row_of_the_table_becomes_its_kind() -> None:
    single = one("::Q1:: What is 2+2? {=4 #right ~3 #no ~%50%five}").answer
    assert (single.kind, weights(single)) == (Kind.SINGLE, [("4", "1"), ("3", "0"), ("five", "0.5")])
    assert [option.feedback for option in single.options] == ["right", "no", ""]
    multiple = one("Which? {~%50%a ~%50%b ~%-100%c}").answer
    assert (multiple.kind, weights(multiple)) == (Kind.MULTIPLE, [("a", "0.5"), ("b", "0.5"), ("c", "-1")])
    for word in sorted(TRUE | FALSE):
        truth = one(f"Is it so? {{{word}#wrong#right}}").answer
        assert truth.kind is Kind.SINGLE
        assert truth.truth is (word in TRUE)
        assert {option.feedback: option.weight for option in truth.options} == {"right": 1, "wrong": 0}
    short = one("Name it {=a =%50%b}").answer
    assert (short.kind, weights(short)) == (Kind.SHORT, [("a", "1"), ("b", "0.5")])
    assert one("Write an operator. {}").answer == Answer(Kind.PRACTICAL)
    assert one("Pi? {#3.14:0.01}").answer.numbers == (Number(D("3.14"), D("0.01")),)
    assert one("Up to five? {#1..5}").answer.numbers == (Number(D(3), D(2)),)
    several = one("When? {#=1822:0 =%50%1822:2#near}").answer
    assert several.numbers == (Number(D(1822), D(0)), Number(D(1822), D(2), D("0.5"), "near"))


def test_categories_comments_feedback_gaps_formats_and_escapes() -> None:
    text = (
        "// a comment\n$CATEGORY: $course$/top/memory/layout\n\n"
        "::gap::[markdown]The kernel {=runs ####about kernels} on **the chip**.\n// within\n\n"
        "::esc::a \\{ b \\} \\~ \\= \\# \\: c\\nd {=x\\=y ~z\\#1}\n\n$CATEGORY: testing\n::c:: q {T}\n"
    )
    found = gift.parse(text)
    assert found.faults == []
    gap, escaped, last = found.items
    assert (gap.category, gap.format, gap.line) == ("memory/layout", "markdown", 4)
    assert gap.text == "The kernel _____ on **the chip**."
    assert gap.answer.general == "about kernels"
    assert escaped.text == "a { b } ~ = # : c\nd"
    assert weights(escaped.answer) == [("x=y", "1"), ("z#1", "0")]
    assert (last.category, last.line) == ("testing", 10)


def test_the_key_is_the_title_else_a_digest_of_the_normal_text() -> None:
    assert one("::Title here:: x {T}").key == "Title here"
    assert one("What  IS it? {T}").key == one("Ｗhat is\nit? {F}").key == gift.digest("what is it?")
    assert one("What isn't it? {T}").key != gift.digest("what is it?")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a {T}\n\nMatch {\n=a -> b\n=c -> d\n}", 4, "matching"),
        ("a {T}\n\n\nb {=x", 4, "not closed"),
        ("a }", 1, "never opened"),
        ("a {=b {c}", 1, "opens within"),
        ("a {T} b {F}", 1, "one answer only"),
        ("a {true}", 1, "must begin with"),
        ("a {\n=x\n=x\n}", 3, "say the same"),
        ("a {~b ~c}", 1, "no option is right"),
        ("a {=b}\n\nc {~%50%b}", 3, "only one option"),
        ("a {#}", 1, "no number"),
        ("a {#ten}", 1, "no number"),
        ("a {#5..1}", 1, "ends before"),
        ("a {#1:-1}", 1, "negative"),
        ("a {~%5000%b ~c}", 1, "from −100 to 100"),
        ("a {=%50%b}", 1, "whole mark"),
        ("a {=b =}", 1, "empty"),
        ("{=b ~c}", 1, "no text"),
        ("::t: a {T}", 1, "title is not closed"),
        ("::t:: a {T}\n\n::t:: b {F}", 3, "stands in line 1"),
        ("a\x00 {T}", 1, "U+0000"),
        (f"::{'x' * 121}:: a {{T}}", 1, "120"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    at, why = fault(text)
    assert at == line
    assert said in why


def test_a_description_is_passed_over_with_a_warning() -> None:
    found = gift.parse("Read this first.\n\nq {T}")
    assert [(note.line, str(note)) for note in found.warnings] == [
        (1, "line 1: asks nothing and is passed over (Read this first.)")
    ]
    assert len(found.items) == 1


def escape(text: str) -> str:
    """Write a text as GIFT writes it."""
    back = {value: key for key, value in ESCAPED.items()}
    return "".join(f"\\{back[char]}" if char in back else char for char in text)


def written(option: Option, mark: str) -> str:
    weight = "" if (mark, option.weight) in (("=", D(1)), ("~", D(0))) else f"%{exact(option.weight * 100)}%"
    feedback = f"#{escape(option.feedback)}" if option.feedback else ""
    return f"{mark}{weight}{escape(option.text)}{feedback}"


def number(one_: Number) -> str:
    feedback = f"#{escape(one_.feedback)}" if one_.feedback else ""
    return f"=%{exact(one_.weight * 100)}%{exact(one_.value)}:{exact(one_.tolerance)}{feedback}"


def between(answer: Answer) -> str:
    if answer.truth is not None:
        return "T" if answer.truth else "F"
    if answer.kind is Kind.NUMERIC:
        return "#" + " ".join(number(row) for row in answer.numbers)
    right = [
        answer.kind is Kind.SHORT or (answer.kind is Kind.SINGLE and one.weight == 1)
        for one in answer.options
    ]
    return " ".join(
        written(option, "=" if key else "~") for option, key in zip(answer.options, right, strict=True)
    )


def write(items: list[gift.Item]) -> str:
    """Write a file that says what these items say."""
    blocks = []
    for item in items:
        general = f"####{escape(item.answer.general)}" if item.answer.general else ""
        title = f"::{escape(item.title)}::" if item.title else ""
        blocks.append(
            f"$CATEGORY: {item.category}\n{title}[{item.format}]{escape(item.text)} {{{between(item.answer)}{general}}}"
        )
    return "\n\n".join(blocks)


letters = st.text("ab中 ~=#{}:\\%/-1é", min_size=1, max_size=12).map(lambda text: " ".join(text.split()))
texts = letters.filter(lambda text: bool(text) and not text.startswith(("//", "%")))
optional = st.one_of(st.just(""), texts)
shares = st.integers(-9_999, 9_999).map(lambda n: D(n).scaleb(-4))
right = st.integers(0, 9_999).map(lambda n: D(n).scaleb(-4))
numbers = st.decimals(-(10**6), 10**6, places=3, allow_nan=False, allow_infinity=False)
sizes = numbers.map(abs)


def different(rows: list[Option]) -> bool:
    return len({row.text for row in rows}) == len(rows)


def options(weight: st.SearchStrategy[D], least: int) -> st.SearchStrategy[list[Option]]:
    row = st.builds(Option, texts, weight, optional)
    return st.lists(row, min_size=least, max_size=5).filter(different)


def with_key(rows: list[Option]) -> tuple[Option, ...]:
    return (Option(rows[0].text, D(1), rows[0].feedback), *rows[1:])


singles = options(shares, 2).map(with_key).map(lambda rows: Answer(Kind.SINGLE, rows))
multiples = (
    options(shares, 2)
    .filter(lambda rows: any(row.weight > 0 for row in rows))
    .map(lambda rows: Answer(Kind.MULTIPLE, tuple(rows)))
)
shorts = (
    options(right, 1)
    .map(with_key)
    .filter(lambda rows: not any("->" in escape(row.text + row.feedback) for row in rows))
    .map(lambda rows: Answer(Kind.SHORT, rows))
)
numerics = st.lists(st.builds(Number, numbers, sizes, right, optional), max_size=3).map(
    lambda rows: Answer(Kind.NUMERIC, numbers=(Number(D("1.5"), D(0)), *rows))
)
answers = st.one_of(singles, multiples, shorts, numerics, st.just(Answer(Kind.PRACTICAL)))


def item(title: str, category: str, form: str, text: str, answer: Answer, general: str) -> gift.Item:
    said = Answer(answer.kind, answer.options, answer.numbers, answer.truth, general)
    return gift.Item(0, title, category, form, text, said)


files = st.lists(
    st.builds(
        item, texts, st.sampled_from(["", "a", "a/b"]), st.sampled_from(["plain", "html", "markdown"]), texts, answers,
        optional,
    ),
    min_size=1, max_size=4, unique_by=lambda row: row.key,
)  # fmt: skip


def said(row: gift.Item) -> tuple[object, ...]:
    return (row.title, row.category, row.format, row.text, row.answer)


@settings(max_examples=300, deadline=None)
@given(files)
def test_what_our_writer_writes_is_read_again(items: list[gift.Item]) -> None:
    found = gift.parse(write(items))
    assert [str(note) for note in found.faults] == []
    assert [said(row) for row in found.items] == [said(row) for row in items]


hostile = st.text(st.sampled_from("{}~=#:\\%$/[]()->nTF1.e,é中\x00\ud800\u202e \n\r"), max_size=80)


@settings(max_examples=500, deadline=None)
@given(st.one_of(hostile, st.text(max_size=200)))
@example("{" * 5000)
@example("\\" * 5000)
@example("::" * 3000 + "{}")
@example("a {" + "~%" * 3000 + "}")
@example("a {#1e99..1e-99}")
@example("a {#" + "9" * 5000 + "}")
@example("$CATEGORY:" * 500)
def test_no_text_breaks_the_parser(text: str) -> None:
    found = gift.parse(text)
    lines = text.count("\n") + text.count("\r") + 1
    assert all(1 <= note.line <= note.at <= lines for note in [*found.faults, *found.warnings])
    assert all(str(note) for note in found.faults)
    assert all(row.text and row.key for row in found.items)
