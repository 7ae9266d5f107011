"""`flask person delete` forgets a person and keeps the audit log."""

import pytest
from sqlalchemy import select
from support.admin_client import count_rows, make_one_time_link, open_database, strip_markup
from support.portal_app import FEISHU, WECOM, both_databases
from support.rows import open_admin_browser
from support.syncs import find_person, run_sync, sign_in_person

from portal.clocks import now
from portal.database import db
from portal.models import (
    Account,
    AuditEvent,
    BindingRequest,
    Department,
    Identity,
    Import,
    ImportRow,
    Listing,
    LoginAttempt,
    LoginSession,
    Membership,
)


@pytest.fixture
def delete(portal):
    """Return a function that runs the command."""
    runner = portal.test_cli_runner()
    return lambda *words: runner.invoke(args=["person", "delete", *map(str, words)])


def find_words(portal, *words):
    """Return the places of the database that hold a word."""
    places = set()
    with open_database(portal) as session:
        for table in db.metadata.sorted_tables:
            for row in session.execute(select(table)).mappings():
                places |= {f"{table.name}.{name}" for name, value in row.items() if any(w in str(value) for w in words)}
        session.rollback()
    return places


@both_databases
def test_a_signed_in_person_is_forgotten(portal, delete):
    browser = sign_in_person(portal, FEISHU, "zhangsan")
    person = find_person(portal, FEISHU, "zhangsan")
    assert "identity.name" in find_words(portal, person.name)
    done = delete(person.id)
    assert done.exit_code == 0, done.output
    assert (
        f"(feishu, zhangsan) was deleted. The audit log calls them person no. {person.id}. Sessions ended: 1."
        in done.output
    )
    assert "The account zhangsan stays: no person can sign in to it any more." in done.output
    assert browser.session().status_code == 401
    own = (person.subject, person.email, person.mobile)
    assert find_words(portal, *filter(None, own)) == set()
    with open_database(portal) as session:
        row = session.scalars(select(LoginSession)).one()
        assert (row.identity_id, row.address, row.agent, row.ended_why) == (None, "", "", "person deleted")
    assert count_rows(portal, Account) == 1


@both_databases
def test_the_audit_log_names_a_number(portal, delete):
    sign_in_person(portal, FEISHU, "zhangsan")
    person = find_person(portal, FEISHU, "zhangsan")
    delete(person.id)
    sign_in_person(portal, FEISHU, "lisi")
    with open_database(portal) as session:
        of_person = session.scalars(select(AuditEvent).where(AuditEvent.identity_id == person.id)).all()
        assert {event.action for event in of_person} == {"account.create", "login", "person.delete"}
    page = strip_markup(open_admin_browser(portal).get("/admin/audit").text)
    assert f"person no. {person.id} was deleted on the server" in page
    assert f"person no. {person.id} signed in as zhangsan" in page
    assert person.name not in page


@both_databases
def test_a_synced_person_is_forgotten_everywhere(portal, delete):
    assert run_sync(portal, FEISHU).state == "done"
    person = find_person(portal, FEISHU, "zhangsan")
    with open_database(portal) as session:
        department = session.scalars(select(Department).limit(1)).first()
        department.leaders = [person.subject, "another"]
        run = session.scalars(select(db.metadata.tables["sync_run"].c.id)).one()
        table = db.metadata.tables["sync_run"]
        report = {"losing": [person.name, "Bob"], "warnings": {"unanswered_person": [person.user_id]}}
        session.execute(table.update().where(table.c.id == run).values(report=report))
        session.commit()
    done = delete(person.id)
    assert f"The platform still lists this person for {FEISHU}: the next sync stores them again" in done.output
    assert "account" not in done.output
    for model in (Listing, Membership):
        assert count_rows(portal, model, model.identity_id == person.id) == 0
    with open_database(portal) as session:
        assert session.get(Department, department.id).leaders == ["another"]
        report = session.scalars(select(table.c.report)).one()
        number = f"person no. {person.id}"
        losing = [f"{number}, or a namesake", "Bob"]
        assert report == {"losing": losing, "warnings": {"unanswered_person": [number]}}
    assert run_sync(portal, FEISHU).state == "done"
    assert find_person(portal, FEISHU, "zhangsan").id != person.id


@both_databases
def test_their_request_offer_and_import_lines_go(make_portal):
    portal = make_portal(PORTAL_UNKNOWN_PEOPLE="queue")
    portal.test_client().wait(FEISHU)
    open_admin_browser(portal)
    person = find_person(portal, FEISHU, "zhangsan")
    with open_database(portal) as session:
        attempt = session.scalars(select(LoginAttempt)).first()
        attempt.identity_id = person.id
        session.add(Import(id=9, account_id=session.scalar(select(Account.id)), expires_at=now().replace(year=2999)))
        session.flush()
        session.add(ImportRow(import_id=9, line=2, cells={"name": person.name}, identity_id=person.id))
        session.commit()
    done = portal.test_cli_runner().invoke(args=["person", "delete", str(person.id)])
    assert done.exit_code == 0, done.output
    assert [count_rows(portal, model) for model in (BindingRequest, LoginAttempt, ImportRow, Identity)] == [0] * 4


def test_an_account_with_another_person_keeps_its_other_sessions(portal, delete, change):
    first, second = sign_in_person(portal, FEISHU, "zhangsan"), sign_in_person(portal, WECOM, "lisi")
    one, other = find_person(portal, FEISHU, "zhangsan"), find_person(portal, WECOM, "lisi")
    change(LoginSession, LoginSession.identity_id == other.id, account_id=one.account_id)
    change(Identity, Identity.id == other.id, account_id=one.account_id)
    done = delete(one.id)
    assert "The account zhangsan stays: another person can sign in to it." in done.output
    assert (first.session().status_code, second.session().status_code) == (401, 200)


def test_the_link_and_link_sessions_of_a_left_account_end(portal, delete, change):
    sign_in_person(portal, FEISHU, "zhangsan")
    browser = open_admin_browser(portal, "zhangsan")
    link = make_one_time_link(portal, "zhangsan")
    change(LoginSession, LoginSession.how == "link", ended_at=None)
    delete(find_person(portal, FEISHU, "zhangsan").id)
    assert browser.session().status_code == 401
    assert portal.test_client().get(f"/login/once/{link}").status_code == 410


def test_a_deleted_person_may_come_back_as_a_new_one(portal, delete):
    sign_in_person(portal, FEISHU, "zhangsan")
    person = find_person(portal, FEISHU, "zhangsan")
    delete(person.id)
    browser = sign_in_person(portal, FEISHU, "zhangsan")
    assert find_person(portal, FEISHU, "zhangsan").id != person.id
    assert browser.session().json["account"]["username"] != "zhangsan"  # theirs so far is not given to a stranger


@both_databases
@pytest.mark.parametrize(("id", "line"), [("99", "there is no person no. 99"), ("0", "ID"), ("zhangsan", "ID")])
def test_an_unknown_number_is_refused(portal, delete, id, line):
    done = delete(id)
    assert done.exit_code != 0
    assert line in done.output
    assert "Traceback" not in done.output
