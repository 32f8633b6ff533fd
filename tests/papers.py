"""Papers in tests: each kind is laid out once per process and language; the rest are blank pages, which are as good to file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from portal.core import pdf

_laid_out: set[tuple[str, str, bool]] = set()
_render = pdf.render


def _once(html: str, *, css: str = "", attachments: object = None, **more: str) -> bytes:
    """Lay out the first paper of a kind in a language for real: its template and its look are tried by somebody."""
    code = sys._getframe(1).f_code
    kind = (code.co_filename, code.co_qualname, 'lang="zh' in html[:400])
    if kind in _laid_out:
        with pdf.not_laid_out():
            return _render(html, css=css)
    _laid_out.add(kind)
    return _render(html, css=css, attachments=attachments, **more)  # type: ignore[arg-type]


@contextmanager
def laid_out_once() -> Iterator[None]:
    """Spare the layout of papers that nobody reads; a test that reads them is marked `papers`."""
    with mock.patch.object(pdf, "render", _once), mock.patch.object(pdf, "spared", return_value=True):
        yield
