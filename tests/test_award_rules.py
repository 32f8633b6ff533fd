"""What a certificate is worth at an instant, how long it lasts, and how much of a name is shown: pure functions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.certs import spans
from portal.certs.naming import Names, Shown, matches, shown
from portal.certs.standing import CertificateState, Facts, standing
from portal.core import clock

S = CertificateState
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2031, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))
MAYBE = st.none() | MOMENTS
DAY = timedelta(days=1)


@st.composite
def lives(draw: st.DrawFn) -> Facts:
    start = draw(MOMENTS)
    held = draw(st.lists(st.tuples(MOMENTS, MAYBE), max_size=3))
    return Facts(
        valid_from=start, valid_until=start + timedelta(days=draw(st.integers(1, 1500))), revoked_at=draw(MAYBE),
        superseded_at=draw(MAYBE), suspensions=tuple((a, b) for a, b in held if b is None or b > a),
    )  # fmt: skip


@settings(max_examples=400)
@given(lives(), MOMENTS)
def test_a_certificate_has_exactly_one_state_at_every_instant_and_the_first_that_fits_wins(
    facts: Facts, at: datetime
) -> None:
    state, since = standing(facts, at)
    runs = any(a <= at and (b is None or at < b) for a, b in facts.suspensions)
    expected = (
        S.REVOKED if facts.revoked_at and facts.revoked_at <= at
        else S.SUPERSEDED if facts.superseded_at and facts.superseded_at <= at
        else S.EXPIRED if at >= facts.valid_until
        else S.SUSPENDED if runs
        else S.VALID
    )  # fmt: skip
    assert state is expected
    assert since <= at or at < facts.valid_from


@settings(max_examples=300)
@given(lives(), MOMENTS, MOMENTS)
def test_revoked_is_final_and_so_are_replaced_and_expired_but_for_worse(
    facts: Facts, one: datetime, other: datetime
) -> None:
    early, late = sorted((one, other))
    order = [S.VALID, S.SUSPENDED, S.EXPIRED, S.SUPERSEDED, S.REVOKED]
    before, after = standing(facts, early)[0], standing(facts, late)[0]
    if before in (S.EXPIRED, S.SUPERSEDED, S.REVOKED):
        assert order.index(after) >= order.index(before)


def test_the_last_day_counts_whole_and_the_instant_after_it_no_more() -> None:
    span = spans.granted(date(2026, 11, 20), 24)
    assert (span.last, span.until) == (date(2028, 11, 19), datetime(2028, 11, 19, 16, tzinfo=UTC))
    facts = Facts(clock.start_of(span.start), span.until)
    assert standing(facts, span.until - timedelta(microseconds=1))[0] is S.VALID
    assert standing(facts, span.until) == (S.EXPIRED, span.until)


@settings(max_examples=300)
@given(st.dates(date(2026, 1, 1), date(2030, 1, 1)), st.integers(-90, 180), st.integers(1, 60))
def test_whoever_renews_early_loses_no_day_and_who_renews_late_gains_none(
    start: date, early: int, months: int
) -> None:
    old = spans.granted(start, months)
    decided = old.end - timedelta(days=early)
    new = spans.renewed(decided, months, old.end)
    anchor = old.end if early > 0 else decided
    assert new.end == spans.granted(anchor, months).end
    assert new.start == decided


def test_the_renewal_window_is_open_from_180_days_before_the_end_to_90_days_after_it() -> None:
    end = date(2028, 11, 20)
    inside = [n for n in range(-200, 120) if spans.in_window(end + n * DAY, end, (-180, 90))]
    assert (min(inside), max(inside), len(inside)) == (-180, 89, 270)


def test_a_name_is_shown_as_its_holder_wishes() -> None:
    names = Names("张伟", "Zhang Wei")
    assert shown(names, Shown.FULL) == names
    assert shown(names, Shown.MASKED) == Names("张*", "Z*** W*")
    assert shown(names, Shown.HIDDEN) == Names()
    assert shown(Names("", "Łukasz"), Shown.MASKED) == Names("", "Ł***")
    assert shown(Names("𠮷田", ""), Shown.MASKED) == Names("𠮷*", "")


@settings(max_examples=300)
@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(Shown))
def test_no_more_of_a_name_than_first_letters_is_ever_shown_unless_all_of_it_may(
    zh: str, latin: str, how: Shown
) -> None:
    found = shown(Names(zh, latin), how)
    if how is not Shown.FULL:
        for whole, part in ((zh, found.zh), (latin, found.latin)):
            assert len(part) <= len("Z*** W*")
            assert not part or part[0] == whole.split()[0][0]


def test_a_typed_name_matches_however_it_is_spaced_and_never_another() -> None:
    names = Names("阿卜杜热合曼·艾合买提", "Abdurahman Ahmat")
    for typed in (
        "阿卜杜热合曼•艾合买提", "阿卜杜热合曼艾合买提", "ABDURAHMAN  AHMAT", "abdurahman-ahmat", "Ａｂｄｕｒａｈｍａｎ Ahmat",
        "阿卜杜热合曼·艾合买提 Abdurahman Ahmat",
    ):  # fmt: skip
        assert matches(names, typed), typed
    for typed in ("", " ", "·", "阿卜杜", "Abdurahman", "Ahmat Abdurahman X", "x" * 1000):
        assert not matches(names, typed), typed
