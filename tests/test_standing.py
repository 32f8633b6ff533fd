"""Standing as a function of facts and a day (members.md 1.3 to 1.5 and the cases of 8)."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.members.standing import (
    Answer,
    ApplicationFact,
    EndingCause,
    EndingFact,
    Facts,
    HoldCause,
    HoldFact,
    Policy,
    ReversalFact,
    Right,
    Standing,
    TermFact,
    answer,
    continuous_since,
    in_force,
    member_since,
    standing_of,
)

POLICY = Policy()
EARLY = datetime(2025, 12, 1, tzinfo=UTC)
WORDS = {"y": Answer.YES, "k": Answer.KEEPS, "-": Answer.NO}
ROWS = {  # members.md 1.5; "pay only" is told as keeps, "by decision" and "provisional" as no
    "active active_unpaid": "yyyyyyyyy",
    "at_risk": "yyyyyyy-y",
    "grace": "yyyyk---k",
    "pending applicant none": "yyy------",
    "suspended": "yyk-k----",
    "resigned lapsed": "yky------",
    "expelled": "y--------",
}
RIGHTS = {
    name: {right.value: WORDS[cell].value for right, cell in zip(Right, cells, strict=True)}
    for names, cells in ROWS.items()
    for name in names.split()
}
RANK = {Answer.NO: 0, Answer.KEEPS: 1, Answer.YES: 2}


def day(text: str | None) -> Any:
    return date.fromisoformat(text) if text else None


def term(start: str = "2026-01-01", end: str | None = "2027-01-01", **more: Any) -> TermFact:
    usual: dict[str, Any] = {"id": 1, "tier": "gold", "covered": True, "due": None, "recorded_at": EARLY}
    return TermFact(start=day(start), end=day(end), **usual | more)


def owing(due: str | None, extended_until: str | None = None) -> TermFact:
    return term(covered=False, due=day(due), extended_until=day(extended_until))


def ending(on: str, cause: EndingCause, **more: Any) -> EndingFact:
    usual: dict[str, Any] = {"id": 1, "term_id": 1, "recorded_at": EARLY}
    return EndingFact(on=day(on), cause=cause, **usual | more)


def expelled(on: str, until: str | None, **more: Any) -> EndingFact:
    return ending(on, EndingCause.EXPELLED, barred_until=day(until), **more)


def hold(start: str, end: str | None = None, at: datetime = EARLY) -> HoldFact:
    return HoldFact(id=1, start=day(start), end=day(end), cause=HoldCause.CONDUCT, recorded_at=at)


def undone(kind: Any, from_day: str, which: int = 1, at: datetime = EARLY) -> ReversalFact:
    return ReversalFact(id=1, undoes_kind=kind, undoes_id=which, from_day=day(from_day), recorded_at=at)


def applied(submitted: str, approved: str | None = None, closed: str | None = None) -> ApplicationFact:
    return ApplicationFact(submitted=day(submitted), approved=day(approved), closed=day(closed))


def expect(facts: Facts, timeline: str) -> None:
    """Compare the standing on some days with a text such as "2026-01-31=grace 2026-02-01=lapsed"."""
    days = [entry.split("=")[0] for entry in timeline.split()]
    assert " ".join(f"{d}={standing_of(facts, day(d), POLICY)}" for d in days) == timeline


def test_row_1_expelled_while_the_bar_runs() -> None:
    bar = expelled("2026-05-01", "2028-05-01")
    facts = Facts(terms=(term(),), endings=(bar,), holds=(hold("2026-04-30"),))
    expect(facts, "2026-04-30=suspended 2026-05-01=expelled 2028-04-30=expelled 2028-05-01=suspended")
    for_good = Facts(terms=(term(),), endings=(expelled("2026-05-01", None, bar_for_good=True),))
    expect(for_good, "2026-04-30=active 2026-05-01=expelled 2035-12-31=expelled")
    expect(replace(for_good, terms=(term(), term("2026-06-01", id=2))), "2026-07-01=expelled")
    bar_over = Facts(terms=(term(),), endings=(expelled("2027-01-01", "2027-01-10"),))
    expect(bar_over, "2027-01-09=expelled 2027-01-10=lapsed")


def test_row_2_suspended_by_a_hold() -> None:
    facts = Facts(terms=(term(),), holds=(hold("2026-03-01", "2026-04-01"),))
    expect(facts, "2026-02-28=active 2026-03-01=suspended 2026-03-31=suspended 2026-04-01=active")
    lifts = (undone("hold", "2026-03-11"), undone("ending", "2026-03-02"))
    lifted = Facts(terms=(term(),), holds=(hold("2026-03-01"),), reversals=lifts)
    expect(lifted, "2026-03-01=suspended 2026-03-10=suspended 2026-03-11=active")


def test_row_3_active_to_the_last_day_of_the_term() -> None:
    facts = Facts(terms=(term(), term("2027-01-01", "2028-01-01", id=2)))
    expect(facts, "2025-12-31=pending 2026-01-01=active 2027-01-01=active 2027-12-31=active 2028-01-01=grace")
    expect(Facts(terms=(term(end=None),)), "2026-01-01=active 2035-12-31=active")


def test_rows_4_to_6_credit_terms_and_a_credit_note() -> None:
    facts = Facts(terms=(owing("2026-03-31"),))
    expect(facts, "2026-03-31=active_unpaid 2026-04-01=at_risk 2026-05-29=at_risk 2026-05-30=suspended")
    expect(Facts(terms=(owing(None),)), "2026-12-31=active_unpaid")
    expect(Facts(terms=(owing("2026-05-01"),)), "2026-05-01=active_unpaid 2026-05-02=at_risk")


def test_row_6_waits_for_the_day_finance_extended_to() -> None:
    facts = Facts(terms=(owing("2026-03-31", extended_until="2026-07-01"),))
    expect(facts, "2026-05-30=at_risk 2026-06-30=at_risk 2026-07-01=suspended")
    expect(Facts(terms=(owing("2026-03-31", "2026-04-15"),)), "2026-04-20=at_risk 2026-05-30=suspended")


def test_row_7_grace_of_thirty_days_only_after_running_out() -> None:
    facts = Facts(terms=(term(),), applications=(applied("2026-12-01", "2026-12-20", "2027-02-10"),))
    expect(facts, "2026-12-31=active 2027-01-01=grace 2027-01-30=grace 2027-01-31=pending 2027-02-10=lapsed")
    assert standing_of(facts, day("2027-01-08"), Policy(grace_days=7)) == Standing.PENDING
    cancelled = Facts(terms=(term(),), endings=(ending("2026-12-31", EndingCause.CANCELLED),))
    expect(cancelled, "2026-12-30=active 2026-12-31=lapsed 2027-01-01=lapsed")


def test_row_8_pending_by_application_or_by_a_later_term() -> None:
    asked = (applied("2026-01-05", "2026-01-20"),)
    expect(Facts(applications=asked), "2026-01-19=applicant 2026-01-20=pending")
    completed = applied("2026-01-05", "2026-01-20", "2026-02-10")
    facts = Facts(terms=(term("2026-03-01", "2027-03-01"),), applications=(completed,))
    expect(facts, "2026-02-09=pending 2026-02-10=pending 2026-02-28=pending 2026-03-01=active")
    dropped = replace(facts, endings=(ending("2026-02-15", EndingCause.CANCELLED),), applications=())
    expect(dropped, "2026-02-14=pending 2026-02-15=lapsed 2026-03-01=lapsed")


def test_row_9_resigned_from_the_day_said() -> None:
    early = Facts(terms=(term(),), endings=(ending("2026-06-01", EndingCause.RESIGNED),))
    expect(early, "2026-05-31=active 2026-06-01=resigned 2027-01-01=resigned")
    at_the_end = replace(early, endings=(ending("2027-01-01", EndingCause.RESIGNED),))
    expect(at_the_end, "2026-12-31=active 2027-01-01=resigned")
    both = (term(), term("2027-01-01", "2028-01-01", id=2))
    paid_ahead = Facts(terms=both, endings=(ending("2027-01-01", EndingCause.RESIGNED, term_id=2),))
    expect(paid_ahead, "2026-12-31=active 2027-01-01=resigned")
    expect(replace(early, reversals=(undone("ending", "2026-06-20"),)), "2026-06-01=active 2027-01-01=grace")
    expect(replace(early, reversals=(undone("hold", "2026-06-20"),)), "2026-06-20=resigned")


def test_row_10_lapsed_goes_before_a_new_application() -> None:
    facts = Facts(terms=(term(),), applications=(applied("2027-03-01", "2027-03-20"),))
    expect(facts, "2027-01-31=lapsed 2027-03-01=lapsed 2027-03-20=pending")
    expect(Facts(terms=(term(),), endings=(ending("2026-06-01", EndingCause.ABSORBED),)), "2026-06-01=lapsed")


def test_rows_11_and_12_applicant_and_none() -> None:
    facts = Facts(applications=(applied("2026-02-01", closed="2026-03-01"),))
    expect(facts, "2026-01-31=none 2026-02-01=applicant 2026-02-28=applicant 2026-03-01=none")
    expect(Facts(), "2026-01-01=none")


def test_the_earliest_ending_counts_and_on_a_tie_the_later_recorded() -> None:
    first = ending("2026-06-01", EndingCause.RESIGNED)
    later_day = expelled("2026-09-01", "2030-01-01", id=2, recorded_at=EARLY + timedelta(days=9))
    expect(Facts(terms=(term(),), endings=(first, later_day)), "2026-06-01=resigned 2026-09-01=resigned")
    same_day = replace(later_day, on=first.on)
    two_terms = Facts(terms=(term(), term(id=2)), endings=(first, replace(same_day, term_id=2)))
    expect(two_terms, "2026-06-01=expelled")
    facts = Facts(terms=(term(),), endings=(first, same_day))
    expect(facts, "2026-06-01=expelled")
    expect(replace(facts, reversals=(undone("ending", "2026-06-01", which=2),)), "2026-06-01=resigned")


def test_what_was_known_then_and_what_is_known_now() -> None:
    tenth = datetime(2026, 5, 10, tzinfo=UTC)
    before, asked = tenth - timedelta(seconds=1), day("2026-04-01")
    facts = Facts(terms=(term("2026-03-01", "2027-03-01", recorded_at=tenth),))
    assert standing_of(facts, asked, POLICY, known=before) == Standing.NONE
    assert standing_of(facts, asked, POLICY, known=tenth) == Standing.ACTIVE
    assert in_force(facts, asked, known=before) is None
    assert member_since(facts, known=before) is None
    assert continuous_since(facts, asked, known=tenth) == day("2026-03-01")


def test_an_ending_a_hold_and_their_reversals_are_known_from_their_recording() -> None:
    said, back = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 20, tzinfo=UTC)
    leave = ending("2026-05-10", EndingCause.RESIGNED, recorded_at=said)
    stay = undone("ending", "2026-05-20", at=back)
    resigned = Facts(terms=(term(),), endings=(leave,), reversals=(stay,))
    lift = undone("hold", "2026-05-12", at=back)
    held = Facts(terms=(term(),), holds=(hold("2026-05-10", at=said),), reversals=(lift,))
    instants = [EARLY, said, back]
    for facts, between in ((resigned, Standing.RESIGNED), (held, Standing.SUSPENDED)):
        found = [standing_of(facts, day("2026-05-15"), POLICY, known=known) for known in instants]
        assert found == [Standing.ACTIVE, between, Standing.ACTIVE]


def test_term_in_force_and_the_chain_of_terms() -> None:
    old, new = term("2024-01-01", "2025-01-01"), term("2025-06-01", "2026-06-01", id=2)
    gold, platinum = term("2026-06-01", "2027-06-01", id=3), term("2026-09-01", "2027-06-01", id=4)
    change = ending("2026-09-01", EndingCause.TIER_CHANGE, term_id=3)
    facts = Facts(terms=(old, new, gold, platinum), endings=(change,))
    asked = "2024-12-31 2025-01-01 2026-05-31 2026-08-31 2026-09-01 2027-06-01"
    days = [day(d) for d in asked.split()]
    assert [in_force(facts, d) for d in days] == [old, None, new, gold, platinum, None]
    since = [day("2024-01-01"), None, *[day("2025-06-01")] * 3, None]
    assert [continuous_since(facts, d) for d in days] == since
    assert member_since(facts) == day("2024-01-01")
    never_ran = Facts(terms=(old,), endings=(ending("2024-01-01", EndingCause.CANCELLED),))
    assert (member_since(never_ran), member_since(Facts())) == (None, None)


def test_rights_are_read_from_the_table_and_a_missing_cell_is_no() -> None:
    assert answer(Standing.ACTIVE, Right.VOTE, RIGHTS) is Answer.YES
    assert answer(Standing.GRACE, Right.SEATS, RIGHTS) is Answer.KEEPS
    assert answer(Standing.GRACE, Right.VOTE, RIGHTS) is Answer.NO
    assert answer(Standing.ACTIVE, Right.VOTE, {}) is Answer.NO
    assert answer(Standing.ACTIVE, Right.VOTE, {"active": {}}) is Answer.NO
    with pytest.raises(ValueError, match="maybe"):
        answer(Standing.ACTIVE, Right.VOTE, {"active": {"vote": "maybe"}})


FIRST, LAST = date(2020, 1, 1), date(2035, 12, 31)
# Half of the days and all instants come from few values, so that ties are common.
dates = st.dates(FIRST, LAST) | st.sampled_from([date(year, 1, 1) for year in range(2026, 2030)])
instants = st.integers(0, 4).map(lambda n: EARLY + timedelta(days=n))
maybe = st.none() | dates
ids = st.integers(1, 4)
said = {"id": ids, "recorded_at": instants}
over = {"start": dates, "end": maybe}
dues = {"covered": st.booleans(), "due": maybe, "extended_until": maybe}
bars = {"barred_until": maybe, "bar_for_good": st.booleans()}
kinds = st.sampled_from(("ending", "hold"))
causes = st.sampled_from(EndingCause)


def few(kind: type[Any], **columns: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    rows = st.lists(st.builds(kind, **columns), max_size=4, unique_by=lambda row: getattr(row, "id", row))
    return rows.map(tuple)


# Overlapping and contradicting each other as no verb would allow.
all_facts = st.builds(
    Facts,
    terms=few(TermFact, **said, **over, **dues, tier=st.just("gold")),
    endings=few(EndingFact, **said, **bars, term_id=ids, on=dates, cause=causes),
    holds=few(HoldFact, **said, **over, cause=st.just(HoldCause.ARREARS)),
    reversals=few(ReversalFact, **said, undoes_kind=kinds, undoes_id=ids, from_day=dates),
    applications=few(ApplicationFact, submitted=dates, approved=maybe, closed=maybe),
)


def shuffled(facts: Facts, rng: random.Random) -> Facts:
    lists = {field.name: getattr(facts, field.name) for field in fields(Facts)}
    return Facts(**{name: tuple(rng.sample(rows, len(rows))) for name, rows in lists.items()})


@settings(deadline=None, max_examples=20)
@given(all_facts)
def test_every_day_has_exactly_one_standing(facts: Facts) -> None:
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    assert {type(standing_of(facts, on, POLICY)) for on in days} == {Standing}


@settings(deadline=None, max_examples=150)
@given(all_facts, st.lists(dates, min_size=1, max_size=20), st.none() | instants, st.randoms())
def test_the_order_of_the_facts_does_not_matter(
    facts: Facts, days: list[date], known: datetime | None, rng: random.Random
) -> None:
    other = shuffled(facts, rng)
    for on in days:
        assert standing_of(other, on, POLICY, known=known) == standing_of(facts, on, POLICY, known=known)
        assert in_force(other, on, known=known) == in_force(facts, on, known=known)
        assert continuous_since(other, on, known=known) == continuous_since(facts, on, known=known)
    assert member_since(other, known=known) == member_since(facts, known=known)


@settings(deadline=None, max_examples=150)
@given(all_facts, dates, st.integers(-400, 900), st.integers(1, 900))
def test_a_further_settled_term_lowers_no_right(facts: Facts, on: date, wait: int, length: int) -> None:
    start = on + timedelta(days=wait)
    end = max(start, on) + timedelta(days=length)
    further = TermFact(id=99, start=start, end=end, tier="gold", covered=True, due=None, recorded_at=EARLY)
    before = standing_of(facts, on, POLICY)
    after = standing_of(replace(facts, terms=(*facts.terms, further)), on, POLICY)
    assert before is not Standing.ACTIVE or after is Standing.ACTIVE
    lowered = [r for r in Right if RANK[answer(after, r, RIGHTS)] < RANK[answer(before, r, RIGHTS)]]
    assert lowered == []
