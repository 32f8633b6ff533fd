"""Certificates: what one costs, a batch of them, and the public check under load. `python -m benchmarks.certificates [PART[=SIZE]…]`.

* `single` (30 rounds): CPU of the floor, the fast path, WeasyPrint, the badge proofs and a whole signed issue, in turn, as
  ratios measured in the same run. The floor is the page drawn once with the fields appended: no metadata, no signature.
* `batch` (2 000): awards are numbered and made by the batch's own rows and the outbox, as a worker does it; CPU per
  certificate with all that the database does, as a ratio to the floor, and the memory after each fifth.
* `page` (10 seconds): the public check of a number by 8 visitors at once from a real server with 4 threads: requests per
  second and CPU per request, beside a constant page of the same bytes by a server of the same settings.

`fonts=FOLDER` takes the faces from there instead of making them, which takes a minute.
"""

from __future__ import annotations

import http.client
import io
import os
import secrets
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.members import resident
from benchmarks.pages import cpu_ns, family, serving

SIZES = {"single": 30, "batch": 2000, "page": 10}
ROOT = Path(__file__).resolve().parents[1]
VISITORS = 8
FAMILY = ("王", "李", "张", "欧阳", "陈", "赵")
GIVEN = ("伟", "思源", "晓彤", "静", "文博", "木")
LATIN = ("Zhang Wei", "Li Siyuan", "Ouyang Xiaotong", "María-José Fernández", "Lukas Brandt", "Anna Müller")


def _cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def ready(fonts: str) -> Any:
    """Return a fresh installation with faces, staff and keys."""
    from portal.certs.documents import fonts as made
    from portal.cli import prepared
    from portal.core.db import transaction
    from tests import awarded

    app = prepared()
    home = Path(app.extensions["settings"].home)
    if fonts:
        shutil.copytree(fonts, home / "fonts")
    with app.app_context():
        made.build()
        with transaction():
            awarded.staff()
            awarded.make_keys()
    return app


def _granted(n: int) -> Any:
    from portal.certs.naming import Names
    from portal.core import clock
    from tests import awarded

    mail = f"holder{n}@bench.example"
    awarded.make_person(mail, "Holder")
    names = Names(
        FAMILY[n % 6] + GIVEN[n // 6 % 6] if n % 7 else "", LATIN[n // 36 % 6]
    )  # fmt: skip
    return awarded.award(mail, on=clock.today(), decision=f"decision:{n}", names=names, issue=False)


def _floor(body: dict[str, Any], known: Any) -> None:
    """Append the fields to the page drawn once; say nothing of the document, sign nothing."""
    import pikepdf

    from portal.certs.documents import fast, layout

    lines, files = layout.lines(known, body["names"]), known.files["text"]
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


def _one() -> tuple[dict[str, Any], Any]:
    """Issue one certificate; return its snapshot and the families of letters."""
    from portal.certs import issuing
    from portal.certs.documents import layout
    from portal.core.db import transaction

    with transaction():
        body = issuing.body_of(issuing.issue(_granted(1), by="demo")) or {}
    return body, layout.known()


def _ways(body: dict[str, Any], known: Any) -> dict[str, Callable[[], object]]:
    from portal.certs import papers, signing_badges
    from portal.certs.documents import drawing, fast, making, sealing
    from portal.core import clock

    pens, pair = signing_badges.signers(), sealing.keys()
    badge = signing_badges.sign(body, pens, clock.now())[0].encode()

    def whole() -> None:
        forms = signing_badges.sign(body, pens, clock.now())
        sealed = sealing.seal(
            making.make(body, known, forms[0].encode()), pair, name="FlagOS", reason="Certificate"
        )
        sealing.check(sealed, pair[1], at=clock.now())
        papers.files.put(sealed, papers.files.PDF)

    return {
        "floor": lambda: _floor(body, known),
        "fast path": lambda: fast.draw(body, known, badge),
        "weasyprint": lambda: drawing.draw(body, known, badge),
        "badge proofs": lambda: signing_badges.sign(body, pens, clock.now()),
        "whole issue": whole,
    }


def single(rounds: int) -> None:
    """Print what each way costs beside the floor."""
    ways = _ways(*_one())
    for work in ways.values():
        work()
    spent: dict[str, list[float]] = {name: [] for name in ways}
    before = resident()
    for _round in range(rounds):
        for name, work in ways.items():
            spent[name].append(_cpu(work))
    least, middle = min(spent["floor"]), statistics.median(spent["floor"])
    print(f"single: {rounds} rounds, memory {before} MB before, {resident()} MB after")
    for name, times in spent.items():
        low, mid = min(times), statistics.median(times)
        print(
            f"  {name:<14}{low * 1000:8.1f} ms min{mid * 1000:8.1f} ms median{low / least:7.2f}{mid / middle:7.2f} of the floor"
        )


def batch(size: int) -> None:
    """Issue a batch as a worker does it; print CPU per certificate and the memory after each fifth."""
    from portal.certs import batches
    from portal.certs.models.document import BatchKind
    from portal.core import outbox
    from portal.core.db import db, transaction
    from tests import awarded

    body, known = _one()
    outbox.drain()
    base = min(_cpu(lambda: _floor(body, known)) for _ in range(30))
    with transaction():
        rows = [_granted(n) for n in range(2, size + 2)]
        made = batches.open_batch(
            rows, kind=BatchKind.ISSUE, label="bench", reason="", by=awarded.person("cen@house.example")
        )
        uid = made.uid
    db.session.remove()
    numbering = _cpu(lambda: outbox.drain(most=1))
    held, spent = [resident()], []
    for _fifth in range(5):
        spent.append(_cpu(lambda: outbox.drain(most=max(1, size // 5))))
        held.append(resident())
        db.session.remove()
    outbox.drain()
    far = batches.progress(batches.found(uid))
    each = (numbering + sum(spent)) / size
    print(
        f"batch: {far.ready} of {size} files ready, memory {' '.join(map(str, held))} MB at the start and after each fifth"
    )
    print(
        f"  {each * 1000:.1f} ms CPU a certificate, {each / base:.2f} of the floor ({base * 1000:.1f} ms);"
        f" numbering {numbering / size * 1000:.1f} ms of it"
    )


def _load(port: int, pid: int, path: str, seconds: float) -> tuple[float, float, int]:
    """Return requests per second, CPU milliseconds of the server a request, and the bytes of an answer."""
    counts, sizes = [0] * VISITORS, [0] * VISITORS
    end = time.monotonic() + seconds

    def visit(n: int) -> None:
        wire = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.monotonic() < end:
            wire.request("GET", path, headers={"Accept-Language": "zh"})
            answer = wire.getresponse()
            sizes[n] = len(answer.read())
            if answer.status != 200:
                raise SystemExit(f"{path} answered {answer.status}")
            counts[n] += 1

    threads = [threading.Thread(target=visit, args=(n,)) for n in range(VISITORS)]
    before, begun = cpu_ns(family(pid)), time.monotonic()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    total = sum(counts)
    return total / (time.monotonic() - begun), (cpu_ns(family(pid)) - before) / 1e6 / total, sizes[0]


def page(seconds: int) -> None:
    """Print how the public check stands a crowd, beside a constant page."""
    from portal.core import outbox

    body, _known = _one()
    outbox.drain()
    path = f"/verify/{body['number']}"
    env = {
        **os.environ,
        "PORTAL_LIMITS": "verify=1000000/minute, verify-all=1000000/minute",
        "PYTHONPATH": str(ROOT),
    }
    with (
        serving("benchmarks.pages:portal_app", env, threads=4) as (port, pid),
        serving("benchmarks.pages:floor_app", env, threads=4) as (floor_port, floor_pid),
    ):
        _load(port, pid, path, 2)  # warm
        rate, spent, size = _load(port, pid, path, seconds)
        least, least_ms, _ = _load(floor_port, floor_pid, f"/{size}", seconds)
        health, health_ms, _ = _load(port, pid, "/healthz", seconds)
    print(f"page: {VISITORS} visitors at once, {size} bytes")
    for name, per_second, ms in (
        ("public check", rate, spent), ("constant page, bare server", least, least_ms), ("/healthz of the portal", health, health_ms),
    ):  # fmt: skip
        print(
            f"  {name:<28}{per_second:8.0f} requests a second{ms:8.2f} ms CPU each{ms / least_ms:7.1f} of the constant page"
        )


def main() -> None:
    """Run the parts that were named, or all of them, each in an installation of its own."""
    asked = dict(word.partition("=")[::2] for word in sys.argv[1:])
    fonts = asked.pop("fonts", "")
    for name in asked or SIZES:
        home = Path(tempfile.mkdtemp(prefix="portal-bench-"))
        os.environ.update(PORTAL_HOME=str(home), PORTAL_SECRET_KEY=secrets.token_hex(24))
        with ready(fonts).app_context():
            {"single": single, "batch": batch, "page": page}[name](int(asked.get(name) or SIZES[name]))
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
