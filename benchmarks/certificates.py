"""CPU per certificate: the floor, the fast path, WeasyPrint, a whole signed issue; as ratios measured in the same run.

usage: PYTHONPATH=. python benchmarks/certificates.py [ROUNDS]
"""

from __future__ import annotations

import io
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf


def _cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    rounds = max(30, int(sys.argv[1]) if len(sys.argv) > 1 else 30)
    home = Path(tempfile.mkdtemp(prefix="portal-bench-"))
    os.environ["PORTAL_HOME"] = str(home)
    from portal.certs import issuing, papers, signing_badges
    from portal.certs.documents import drawing, fast, fonts, layout, making, sealing
    from portal.certs.models.award import Award
    from portal.certs.naming import Names
    from portal.cli import prepared
    from portal.core import clock
    from portal.core.db import transaction
    from tests import awarded

    app = prepared()
    with app.app_context():
        fonts.build()
        with transaction():
            awarded.staff()
            awarded.make_keys()
            person = awarded.make_person("holder@bench.example", "Zhang Wei")
            award: Award = awarded.award(
                "holder@bench.example", on=clock.today(), names=Names("张伟", "Zhang Wei"), issue=False
            )
            document = issuing.issue(award, by="demo")
            body: dict[str, Any] = issuing.body_of(document) or {}
        assert person.id
        known, pens, pair = layout.known(), signing_badges.signers(), sealing.keys()
        badge = signing_badges.sign(body, pens, clock.now())[0].encode()

        def floor() -> None:
            """Append the fields to the page drawn once; say nothing of the document, sign nothing."""
            lines = layout.lines(known, body["names"])
            files = known.files["text"]
            bold, plain = fast._Face(files["Bold"]), fast._Face(files["Regular"])
            fields = fast._fields(body, lines, bold, plain)
            with pikepdf.open(io.BytesIO(fast._template(body, known))) as pdf:
                page, places = pdf.pages[0], {}
                kept = page.obj.Resources.get("/Font", pikepdf.Dictionary())
                for name, face in (("FB", bold), ("FR", plain)):
                    kept[f"/{name}"], places[name] = fast._embedded(pdf, face)
                fast._code(pdf, page, body["url"])
                page.contents_add(b"q", prepend=True)
                page.contents_add(b"Q\n" + fast._orders(fields, places))
                pdf.save(io.BytesIO())

        def whole() -> None:
            forms = signing_badges.sign(body, pens, clock.now())
            data = making.make(body, known, forms[0].encode())
            sealed = sealing.seal(data, pair, name="FlagOS", reason="Certificate")
            sealing.check(sealed, pair[1], at=clock.now())
            papers.files.put(sealed, papers.files.PDF)

        ways: dict[str, Callable[[], object]] = {
            "floor": floor,
            "fast path": lambda: fast.draw(body, known, badge),
            "weasyprint": lambda: drawing.draw(body, known, badge),
            "badge proofs": lambda: signing_badges.sign(body, pens, clock.now()),
            "whole issue": whole,
        }
        for work in ways.values():
            work()
        spent: dict[str, list[float]] = {name: [] for name in ways}
        before = _memory()
        for _round in range(rounds):
            for name, work in ways.items():
                spent[name].append(_cpu(work))
        least, middle = min(spent["floor"]), statistics.median(spent["floor"])
        print(f"rounds {rounds}, memory {before:.0f} MB before, {_memory():.0f} MB after")
        for name, times in spent.items():
            low, mid = min(times), statistics.median(times)
            print(
                f"{name:<14}{low * 1000:8.1f} ms min{mid * 1000:8.1f} ms median{low / least:7.2f}{mid / middle:7.2f} of floor"
            )
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
