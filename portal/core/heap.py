"""The collector of reference cycles, held still while very many rows become objects that all stay alive."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_holders = 0


@contextmanager
def filling() -> Iterator[None]:
    """Make many objects without the collector walking over all of them again and again; counted, for threads at once.

    Nothing leaks: what dies without a cycle is freed as ever, and cycles are found at the next collection after.
    """
    global _holders
    with _lock:
        if not _holders and not gc.isenabled():
            held = False  # somebody else keeps it still: not ours to start again
        else:
            _holders += 1
            held = True
            gc.disable()
    try:
        yield
    finally:
        if held:
            with _lock:
                _holders -= 1
                if not _holders:
                    gc.enable()


@contextmanager
def swept() -> Iterator[None]:
    """Do work that leaves much memory behind in cycles: the collector stands still meanwhile, and takes what is new at the end.

    A document that is laid out leaves 60 MB so, which would wait for a collection of everything; of the young alone it takes
    milliseconds, since nothing made meanwhile has grown old.
    """
    with filling():
        try:
            yield
        finally:
            gc.collect(0)
