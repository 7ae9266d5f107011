"""Every write that changes a right to enter raises the revision."""

import pytest
from sqlalchemy import create_engine, text
from support.portal_app import both_databases

ROWS = """
INSERT INTO account (id, username, username_key, name, role, active, created_at)
VALUES (1, 'bob', 'bob', 'Bob', 'user', true, :moment), (2, 'eve', 'eve', 'Eve', 'user', true, :moment)
"""
DEPARTMENT = """
INSERT INTO department (id, provider, tenant, dept_id, open_id, parent_id, name, leaders, seated)
VALUES (1, 'feishu', 't1', 'd7', '', '', 'Sales', '[]', true)
"""
IDENTITY = """
INSERT INTO identity (id, provider, tenant, subject, user_id, open_ids, name, mobile, email, avatar, department,
    position, gender, status, is_leader, employee_number, company_email, created_at, updated_at)
VALUES (1, 'feishu', 't1', 's', 'u', '{}', '', '', '', '', '[]', '', 0, 1, false, '', '', :moment, :moment)
"""
APPLICATION = """
INSERT INTO application (id, name, title, active, open_to_all, username_from, version, created_at, hosts, headers,
    header_encoding, redirect_uris, post_logout_uris, public, pkce, refresh, offline_days, scopes, token_minutes,
    claims_in_id_token, ask, all_groups, picture)
VALUES (1, 'wiki', 'Wiki', true, false, 'username', 1, :moment, '[]', '[]', 'utf-8', '[]', '[]', false, 'required',
    false, 0, '[]', 15, true, false, false, false)
"""
GROUP = """INSERT INTO "group" (id, name, title, version) VALUES (1, 'dev', 'Developers', 1)"""
MEMBER = "INSERT INTO group_member (id, group_id, kind, value, below) VALUES (1, 1, 'role', 'admin', false)"
ENTRY = "INSERT INTO application_group (application_id, group_id) VALUES (1, 1)"
MEMBERSHIP = "INSERT INTO membership (department_id, identity_id) VALUES (1, 1)"
INSERTS = (ROWS, DEPARTMENT, IDENTITY, APPLICATION, GROUP, MEMBER, ENTRY, MEMBERSHIP)
MOMENT = "2026-01-01 00:00:00.000000"

CHANGES = {  # table -> what sets the columns that rights are computed from
    "account": ["username = 'al'", "name = 'Al'", "email = 'a@b.cn'", "employee_number = '7'", "role = 'admin'"]
    + ["active = false"],
    "identity": ["account_id = 1", "status = 2", "name = 'Al'", "user_id = 'x'", "email = 'a@b.cn'"]
    + ["company_email = 'a@b.cn'", "employee_number = '7'"],
    "department": ["provider = 'wecom'", "tenant = 't2'", "dept_id = 'd8'", "parent_id = 'd1'"],
    "membership": ["department_id = 1"],
    "application": ["active = false", "open_to_all = true", "username_from = 'email'", "email_domain = 'b.cn'"],
    '"group"': ["name = 'ops'"],
    "group_member": ["value = 'user'", "kind = 'everybody'", "below = true"],
    "application_group": ["group_id = 1"],
}
OTHERS = {  # table -> what changes no right
    "account": ["mobile = '+8613800000000'", "username = 'bob'"],
    "identity": ["signed_in_at = CURRENT_TIMESTAMP", "mobile = '1'", "access_token = 'x'", "avatar = 'x'"],
    "department": ["name = 'Marketing'", "position = 7"],
    "application": ["title = 'x'", "version = 2", "launch_url = 'https://x.cn'"],
    '"group"': ["title = 'x'", "version = 2"],
}


@pytest.fixture
def read_revision(sql):
    """Return a function that reads the revision."""
    return lambda: sql("SELECT number FROM revision")[0][0]


@pytest.fixture
def rows(sql, read_revision):
    """Store one row of each table that rights are computed from."""
    for statement in INSERTS:
        before = read_revision()
        sql(statement, **({"moment": MOMENT} if ":moment" in statement else {}))
        assert read_revision() > before, statement


@both_databases
def test_a_change_of_a_right_raises_it(sql, rows, read_revision):
    for table, changes in CHANGES.items():
        for change in changes:
            before = read_revision()
            sql(f"UPDATE {table} SET {change}" + (" WHERE id = 1" if "username =" in change else ""))
            assert read_revision() > before, (table, change)


@both_databases
def test_other_writes_leave_it(sql, rows, read_revision):
    before = read_revision()
    for table, changes in OTHERS.items():
        for change in changes:
            sql(f"UPDATE {table} SET {change}" + (" WHERE id = 1" if table == "account" else ""))
            assert read_revision() == before, (table, change)


@both_databases
def test_a_removal_raises_it(sql, rows, read_revision):
    for table in ("membership", "application_group", "group_member", '"group"', "application", "identity"):
        before = read_revision()
        sql(f"DELETE FROM {table}")
        assert read_revision() > before, table
    for table in ("department", "account"):
        before = read_revision()
        sql(f"DELETE FROM {table}")
        assert read_revision() > before, table


@both_databases
def test_nothing_of_a_transaction_that_was_undone_counts(database, rows, read_revision):
    engine = create_engine(database)
    before = read_revision()
    with engine.connect() as connection:
        connection.execute(text("UPDATE account SET role = 'admin'"))
        connection.rollback()
    engine.dispose()
    assert read_revision() == before


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_transactions_that_change_rights_do_not_wait_for_each_other(database, rows, read_revision):
    """It is raised at the end: else each would hold what the other waits for. SQLite has one writer."""
    engine = create_engine(database)
    before = read_revision()
    with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            connection.execute(text("SET lock_timeout = '20s'"))
        first.execute(text("UPDATE account SET role = 'admin' WHERE id = 1"))
        second.execute(text("UPDATE account SET role = 'admin' WHERE id = 2"))
        second.execute(text("UPDATE application SET active = false"))
        second.commit()
        assert read_revision() > before
        middle = read_revision()
        first.execute(text("UPDATE account SET active = false WHERE id = 2"))
        first.execute(text("UPDATE application SET active = true"))
        first.commit()
    engine.dispose()
    assert read_revision() == middle + 1  # once a transaction
