"""Hostile text is never first on a page."""

import re

import pytest
from sqlalchemy import update
from support.portal_app import both_databases
from support.syncs import FEISHU, WECOM, run_sync

from portal.database import db
from portal.models import Account

HOSTILE = "&lt;script&gt;alert(1)&lt;/script&gt;"
PAGES = ("/admin/bindings", "/admin/accounts", "/admin/directory")


@pytest.fixture
def admin(portal):
    """An administrator, after syncs and logins on both platforms."""
    client = portal.test_client()
    client.sign_in(person="zhangsan")
    for name in (FEISHU, WECOM):
        for person in ("hostile", "alice", "lisi"):
            portal.test_client().sign_in(name, person)
        run_sync(portal, name)
    with portal.app_context():
        db.session.execute(update(Account).where(Account.username == "zhangsan").values(role="admin"))
        db.session.commit()
    return client


def list_rows(page):
    """Return the text of each row of a page's tables."""
    bodies = "".join(re.findall(r"<tbody[^>]*>(.*?)</tbody>", page, re.S))
    return re.findall(r"<tr[^>]*>(.*?)</tr>", bodies, re.S)


@both_databases
def test_the_hostile_person_is_first_in_no_table_and_last_in_the_list(admin):
    for path in PAGES:
        rows = list_rows(admin.get(path).text)
        assert len(rows) > 1 and HOSTILE not in rows[0], path
    marked = [HOSTILE in row for row in list_rows(admin.get("/admin/bindings").text)]
    assert marked == sorted(marked) and any(marked)


def test_the_hostile_person_is_first_on_no_page_of_the_sandbox(sandbox):
    names = re.findall(r'class="name">(.*?)</bdi>', sandbox.http.get(f"{sandbox.url}/", timeout=10).text)
    assert len(names) > 1 and HOSTILE not in names[0]
