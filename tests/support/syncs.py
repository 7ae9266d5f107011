"""Syncs for the tests, and the rows they leave.

A sync runs inside the process, or as `flask sync`.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager

from sqlalchemy import create_engine, select, text
from support.admin_client import open_database
from support.portal_app import FEISHU, ROOT, WECOM

from portal.database import Moment
from portal.directory import runs
from portal.directory.sync import Sync
from portal.models import Account, Department, Identity, Listing, LoginSession, Membership

PROVIDERS = {FEISHU: "feishu", WECOM: "wecom"}
APPS = {
    FEISHU: {"provider": "feishu", "app_id": "cli_5a4db0c5a4db0c01"},
    WECOM: {"provider": "wecom", "corpid": "wwsandbox00000001", "agentid": "1000002"},
}
LIST_PATHS = {FEISHU: "/open-apis/contact/v3/users/find_by_department", WECOM: "/cgi-bin/user/list"}
TREE_PATHS = {FEISHU: "/open-apis/contact/v3/departments/*", WECOM: "/cgi-bin/department/list"}
MEMBER_PATHS = {FEISHU: "/open-apis/contact/v3/users/on_*", WECOM: "/cgi-bin/user/get"}
LISTED_PEOPLE = {"zhangsan", "lisi", "wangwu", "alice", "bob", "carol", "chenyi", "sunqi", "zhouba", "wujiu", "hostile"}


def run_sync(portal, name, **wishes):
    """Sync an element and return the run with its `state`.

    :param wishes: `dry_run`, `accept_leavers`, `stopped_id`, `tell`.
    """
    tell = wishes.pop("tell", lambda sync: None)
    with portal.app_context():
        run = Sync(portal.getElement(f"auths.loginTypes.{name}"), runs.begin_from_command(name, **wishes), tell)
        run.state = run.run()
    return run


def add_people(sandbox, name, number):
    """Add people and return their keys."""
    keys = [f"one{at:03}" for at in range(number)]
    for key in keys:
        sandbox.person(PROVIDERS[name], key, add=True, departments=["7"])
    return keys


def change_people(sandbox, name, keys, **how):
    for key in keys:
        sandbox.person(PROVIDERS[name], key, **how)


def sign_in_person(portal, name, user_id):
    """Return a browser in which a person has signed in."""
    browser = portal.test_client()
    assert browser.sign_in(name, user_id).status_code == 303
    return browser


def bind_people(portal, name, keys):
    """Store people and bind each to an account.

    No sync has listed them.
    """
    with open_database(portal) as session:
        for key in keys:
            portal.getElement(f"auths.loginTypes.{name}").syncUserInfo(key)
        for row in session.scalars(select(Identity).where(Identity.user_id.in_(keys))):
            row.account = Account(username=row.user_id)
        session.commit()


def find_person(portal, name, user_id):
    """Return a person as stored."""
    with open_database(portal) as session:
        return session.scalars(select(Identity).filter_by(provider=PROVIDERS[name], user_id=user_id)).one()


def list_people(portal, name):
    with open_database(portal) as session:
        return {row.user_id: row for row in session.scalars(select(Identity).filter_by(provider=PROVIDERS[name]))}


def list_departments(portal, name):
    with open_database(portal) as session:
        return {row.dept_id: row for row in session.scalars(select(Department).filter_by(provider=PROVIDERS[name]))}


def list_members(portal, name):
    """Return the user ids of each department's members."""
    members = {}
    with open_database(portal) as session:
        seats = select(Department.dept_id, Identity.user_id).join(Membership, Membership.department_id == Department.id)
        seats = seats.join(Identity, Identity.id == Membership.identity_id)
        for dept, user_id in session.execute(seats.where(Department.provider == PROVIDERS[name])):
            members.setdefault(dept, set()).add(user_id)
    return members


def compute_checksum(database):
    """Return a checksum of all rows that syncs have written.

    Keys and times of the rows do not count.
    """
    rows = []
    engine = create_engine(database)
    with engine.connect() as connection:
        for table in (Identity.__table__, Department.__table__):
            columns = [column for column in table.c if column.name != "id" and not isinstance(column.type, Moment)]
            rows += [(table.name, *map(repr, row)) for row in connection.execute(select(*columns))]
        seats = select(Identity.subject, Department.provider, Department.dept_id)
        seats = seats.join(Membership, Membership.identity_id == Identity.id)
        seats = seats.join(Department, Department.id == Membership.department_id)
        rows += [("membership", *row) for row in connection.execute(seats)]
        listed = select(Listing.element, Identity.subject, Listing.digest).join(Identity)
        rows += [("listing", *map(repr, row)) for row in connection.execute(listed)]
        ended = select(LoginSession.account_id, LoginSession.ended_why)
        rows += [("session", *map(str, row)) for row in connection.execute(ended)]
    engine.dispose()
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()


class WriteCounter:
    """Counts the rows written to the directory's tables.

    Triggers do the counting.
    """

    TABLES = ("identity", "department", "membership")

    def __init__(self, database):
        self.engine = create_engine(database)
        with self.engine.begin() as connection:
            connection.execute(text("CREATE TABLE written (name text)"))
            for statement in self.triggers():
                connection.execute(text(statement))

    def triggers(self):
        if self.engine.dialect.name == "sqlite":
            for table in self.TABLES:
                for event in ("INSERT", "UPDATE", "DELETE"):
                    body = f"BEGIN INSERT INTO written VALUES ('{table}'); END"
                    yield f"CREATE TRIGGER count_{table}_{event} AFTER {event} ON {table} {body}"
            return
        body = "BEGIN INSERT INTO written VALUES (TG_TABLE_NAME); RETURN NULL; END"
        yield f"CREATE FUNCTION count_row() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
        for table in self.TABLES:
            events = "AFTER INSERT OR UPDATE OR DELETE"
            yield f"CREATE TRIGGER count_{table} {events} ON {table} FOR EACH ROW EXECUTE FUNCTION count_row()"

    def take_counts(self):
        """Return how many rows of each table were written.

        It counts from the last call.
        """
        with self.engine.begin() as connection:
            counts = connection.execute(text("SELECT name, count(*) FROM written GROUP BY name")).all()
            connection.execute(text("DELETE FROM written"))
        return dict(tuple(row) for row in counts)

    def close(self):
        self.engine.dispose()


@contextmanager
def run_command(settings, *words, program=("-m", "flask"), **more):
    """Run one of our commands as a process.

    It ends with the block at the latest.
    """
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
    process = subprocess.Popen(
        [sys.executable, *program, *words],
        cwd=ROOT,
        env={**clean, "PYTHONUNBUFFERED": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", **settings, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(condition, seconds=30):
    """Return the first true thing that `condition` returns."""
    until = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.02)
    return result
