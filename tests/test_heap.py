"""The collector stays still for as long as anybody fills the heap, and only then."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from portal.core import heap


def test_the_collector_starts_again_when_the_last_has_done() -> None:
    assert gc.isenabled()
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with heap.filling():
            inside.set()
            leave.wait(20)

    thread = threading.Thread(target=other)
    with heap.filling():
        thread.start()
        assert inside.wait(20)
        assert not gc.isenabled()
    assert not gc.isenabled(), "the other still fills"
    leave.set()
    thread.join(20)
    assert gc.isenabled()


def test_a_failure_starts_it_again() -> None:
    with pytest.raises(ValueError, match="torn"), heap.filling():
        raise ValueError("torn")
    assert gc.isenabled()


def test_who_keeps_it_still_is_left_alone() -> None:
    gc.disable()
    try:
        with heap.filling():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


class Knot:
    """Something that holds itself, as a laid-out document does."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_swept_is_gone_at_once() -> None:
    with heap.swept():
        left = weakref.ref(Knot())
        assert left() is not None
    assert left() is None
    with pytest.raises(ValueError, match="torn"), heap.swept():
        left = weakref.ref(Knot())
        raise ValueError("torn")
    assert left() is None
