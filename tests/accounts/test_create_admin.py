"""The command `flask create-admin`."""

import re

import pytest
from support.admin_client import open_database, store_account
from support.portal_app import both_databases
from support.rows import open_admin_browser

from portal.database import db
from portal.models import Account, AuditEvent
from portal.trial import make_first_link


@pytest.fixture
def command(portal):
    """Return a function that runs the command.

    It returns the exit status, the link or "", and the messages.
    """
    runner = portal.test_cli_runner()

    def run(*words):
        done = runner.invoke(args=["create-admin", *words])
        link = re.fullmatch(r"http://127\.0\.0\.1:\d+(/login/once/\S+)\n", done.stdout)
        assert (link is not None) == (done.exit_code == 0), done.output
        return done.exit_code, link[1] if link else "", done.stderr

    return run


def read_state(portal, username):
    with open_database(portal) as session:
        row = session.query(Account).filter_by(username=username).one()
        return row.role, row.active


def sign_in_by_link(portal, link):
    """Sign in with a link and return the username."""
    browser = portal.test_client()
    assert browser.post_form(link).status_code == 303
    return browser.session().json["account"]["username"]


@both_databases
def test_a_new_account_is_created(portal, command):
    status, link, messages = command("ops")
    assert (status, read_state(portal, "ops")) == (0, ("admin", True))
    assert "The account ops was created: no person of a platform is bound to it." in messages
    assert sign_in_by_link(portal, link) == "ops"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "was made an administrator"),
        ({"active": False}, "was made an administrator and was enabled again"),
        ({"role": "admin", "active": False}, "was enabled again"),
        ({"role": "admin"}, "was an administrator already"),
    ],
)
def test_an_unbound_account_is_promoted_and_enabled(portal, command, fields, words):
    store_account(portal, "ops", **fields)
    status, link, messages = command("ops")
    assert (status, read_state(portal, "ops")) == (0, ("admin", True))
    assert f"The account ops {words}: no person" in messages
    assert sign_in_by_link(portal, link) == "ops"


@both_databases
@pytest.mark.parametrize("element", ["FSInnerExample", "QywxInnerExample"])
def test_a_person_with_that_name_by_a_scan_is_not_promoted(portal, sandbox, command, element):
    """The person's platform id is the name given."""
    platform = "feishu" if element == "FSInnerExample" else "wecom"
    stranger = portal.test_client()
    stranger.sign_in(element, "lisi")
    status, _, messages = command("lisi")
    assert status == 1
    assert f"lisi is a user already, and signs in 李四 ({platform}, lisi). Nothing was changed." in messages
    assert "flask create-admin lisi --promote" in messages
    assert "choose another NAME" in messages
    assert read_state(portal, "lisi") == ("user", True)
    assert stranger.session().status_code == 200
    with open_database(portal) as session:
        event = session.query(AuditEvent).filter_by(action="account.create_admin").one()
        assert (event.result, event.details) == (40900, {})


@pytest.mark.parametrize("fields", [{}, {"active": False}, {"role": "admin"}, {"role": "admin", "active": False}])
def test_no_bound_account_is_changed(portal, command, fields):
    portal.test_client().sign_in(person="lisi")
    with open_database(portal) as session:
        session.query(Account).update(fields or {"active": True})
        session.commit()
    before = read_state(portal, "lisi")
    assert command("lisi")[0] == 1
    assert read_state(portal, "lisi") == before


@both_databases
def test_promote_changes_a_bound_account_and_ends_its_sessions(portal, command):
    stranger, elsewhere = portal.test_client(), portal.test_client()
    for browser in (stranger, elsewhere):
        browser.sign_in(person="lisi")
    status, link, messages = command("lisi", "--promote")
    assert (status, read_state(portal, "lisi")) == (0, ("admin", True))
    assert (
        "The account lisi was made an administrator: it signs in 李四 (feishu, lisi); 2 sessions were ended."
        in messages
    )
    assert stranger.session().status_code == elsewhere.session().status_code == 401
    assert sign_in_by_link(portal, link) == "lisi"


def test_an_earlier_link_and_its_session_end(portal, command):
    first = command("ops")[1]
    browser = portal.test_client()
    browser.post_form(first)
    second = command("ops")[1]
    _, third, messages = command("ops")
    assert browser.session().status_code == 401
    assert "sessions were" not in messages  # the second call has ended it
    assert portal.test_client().post_form(second).status_code == 410
    assert sign_in_by_link(portal, third) == "ops"


def test_other_accounts_keep_their_sessions(portal, command):
    other = portal.test_client()
    other.sign_in()
    command("ops")
    assert other.session().status_code == 200


def test_a_name_that_differs_by_capitals_is_the_same_account(portal, command):
    store_account(portal, "ops")
    status, link, messages = command("OPS")
    assert (status, sign_in_by_link(portal, link)) == (0, "ops")
    assert "The account ops was made an administrator" in messages
    with open_database(portal) as session:
        assert session.query(Account).count() == 1


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "a\x00b"])
def test_an_unusable_name_is_refused(command, name):
    status, _, messages = command(name)
    assert (status, "must be 1 to 64 printable characters" in messages) == (2, True)


def test_the_audit_log_tells_what_was_done(portal, command):
    portal.test_client().sign_in(person="lisi")
    command("lisi")
    command("lisi", "--promote")
    page = open_admin_browser(portal).get("/admin/audit?action=account.create_admin").text
    assert "lisi was made an administrator on the server" in page
    assert "lisi was not made an administrator on the server because people are bound to it" in page
    assert "1 session ended" in page


@pytest.mark.parametrize(("role", "opened"), [("admin", True), ("user", False)])
def test_make_run_prints_a_link_unless_a_users_account_has_the_name(portal, sandbox, role, opened):
    sandbox.person("feishu", "lisi", set={"user_id": "admin"})
    portal.test_client().sign_in(person="lisi")
    with open_database(portal) as session:
        session.query(Account).update({"role": role})
        session.commit()
        assert read_state(portal, "admin") == (role, True)
        assert ("/login/once/" in make_first_link()) is opened
    assert read_state(portal, "admin") == (role, True)


def test_without_tables_it_names_the_command_to_run(make_portal, tmp_path):
    portal = make_portal(PORTAL_DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")
    done = portal.test_cli_runner().invoke(args=["create-admin", "ops"])
    assert done.exit_code == 1
    assert "flask db upgrade" in done.stderr
    with portal.app_context():
        db.engine.dispose()
