"""The sandbox's test person with hostile text in every field is the last thing a newcomer sees."""

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
    """An administrator, after everybody has been synced and all have signed in once on both platforms."""
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


def rows(page):
    """Return the text of each row in the bodies of a page's tables."""
    bodies = "".join(re.findall(r"<tbody[^>]*>(.*?)</tbody>", page, re.S))
    return re.findall(r"<tr[^>]*>(.*?)</tr>", bodies, re.S)


@both_databases
def test_the_hostile_person_heads_no_table_and_ends_the_list_of_people(admin):
    for path in PAGES:
        found = rows(admin.get(path).text)
        assert len(found) > 1 and HOSTILE not in found[0], path
    marked = [HOSTILE in row for row in rows(admin.get("/admin/bindings").text)]
    assert marked == sorted(marked) and any(marked)


def test_the_hostile_person_heads_no_page_of_the_sandbox(sandbox):
    names = re.findall(r'class="name">(.*?)</bdi>', sandbox.http.get(f"{sandbox.url}/", timeout=10).text)
    assert len(names) > 1 and HOSTILE not in names[0]
