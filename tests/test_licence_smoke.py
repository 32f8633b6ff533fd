from __future__ import annotations
from flask import Flask
from portal.accounts.may import ContactRole, StaffRole
from portal.core.db import transaction
from tests import licences as l
from tests.people import browser, make_org, make_person, post


def test_all(app: Flask) -> None:
    with app.app_context(), transaction():
        chen = make_person("chen@g.example", "Chen")
        org = make_org("Galaxy", (chen, ContactRole.OWNER))
        make_person("sue@h.example", "Sue", staff=tuple(StaffRole))
    c = browser(app, "chen@g.example")
    s = browser(app, "sue@h.example")
    r = c.get("/licences/")
    assert r.status_code == 200, r.text
    with app.app_context():
        from tests import licence_world

        with transaction():
            rows = licence_world.rows(org)
    u, n, fl = rows["licence"], rows["licence_node"], rows["licence_file"]
    for path in [
        "/licences/",
        f"/licences/{u}",
        f"/licences/{u}/nodes/{n}",
        f"/licences/{u}/files",
        f"/licences/{u}/files/{fl}",
        f"/licences/{u}/keys",
        f"/licences/{u}/usage",
        f"/licences/{u}/usage?interval=month",
        f"/licences/{u}/usage/csv",
        f"/licences/{u}/terms",
        f"/licences/{u}/events",
        f"/licences/{u}/named",
        f"/licences/{u}/nodes/csv",
        "/webhooks",
    ]:
        r = c.get(path)
        r.data
        assert r.status_code == 200, (path, r.text[-3000:])
        if not path.startswith("/webhooks") and path != "/licences/":
            r = s.get(path)
            r.data
            assert r.status_code == 200, (path, r.text[-3000:])
    for path in [
        "/office/licences/",
        f"/office/licences/{u}?nodes=1",
        "/office/licences/queue",
        "/office/licences/signing-keys",
        "/office/licences/csv",
    ]:
        r = s.get(path)
        r.data
        assert r.status_code == 200, (path, r.text[-3000:])
    r = post(c, f"/licences/{u}/keys", label="x")
    assert r.status_code == 200, r.text[-2000:]
    r = post(c, f"/webhooks", url="https://hooks.example.com/x")
    assert r.status_code == 200, r.text[-2000:]
