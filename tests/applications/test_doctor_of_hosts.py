"""The doctor asks the hosts of applications and names what is wrong."""

from contextlib import ExitStack

import pytest
from support.local_sites import serve_site
from support.portal_app import FEISHU
from support.postgres import find_free_port
from support.proxies_at_the_gate import (
    FaultyGate,
    ForwardingGate,
    HeaderTrustingGate,
    LeakyGate,
    SwallowingGate,
    answer,
    change,
)

from portal.applications import catalogue
from portal.applications.doctor import SignedInAs, examine_hosts
from portal.audit import Actor
from portal.database import db
from portal.elements.doctor import OK
from portal.models import Door, LoginSession
from sandbox.gate import Gate
from sandbox.wiki import create_app


@pytest.fixture
def gate(serve, base):
    """A running portal."""
    serve()
    return base


@pytest.fixture
def put_behind(portal, gate):
    """Return a function that serves a site and registers it as `wiki`."""
    with ExitStack() as sites:

        def put(site, name="wiki", **fields):
            origin = sites.enter_context(serve_site(site))
            with portal.app_context():
                values = {"name": name, "title": name.title(), "hosts": [origin], "open_to_all": True, **fields}
                catalogue.create_application(values, by=Actor())
            return origin

        yield put


@pytest.fixture
def examine(portal):
    """Return a function that examines the wiki, and returns the findings by name."""

    def run(me=None):
        with portal.app_context():
            [findings] = examine_hosts(catalogue.find_application("wiki"), me).values()
            db.session.rollback()
        assert all((finding.state == OK) == (finding.name == "") for finding in findings)
        assert all(finding.cause and finding.remedy for finding in findings if finding.name)
        assert not any("%(" in finding.cause + finding.remedy for finding in findings)
        return {finding.name: finding for finding in findings if finding.name not in ("", "waits", "in_browser")}

    return run


@pytest.fixture
def me(portal):
    """A session of 张三, who has signed in."""
    assert portal.test_client().sign_in(FEISHU, "zhangsan").status_code == 303
    with portal.app_context():
        session = db.session.scalars(db.select(LoginSession)).one()
        return SignedInAs(session.id, session.account_id, session.identity_id)


def test_the_right_proxy_has_no_finding(gate, put_behind, examine, me, portal):
    put_behind(Gate(create_app(), "wiki", gate))
    assert examine() == {}
    assert examine(me) == {}
    with portal.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(Door)) == 0


CHECKS = {  # a fault of the check -> the finding
    "unknown": {"name": "other"},
    "incomplete": {"check": change(X_Forwarded_Uri=None)},
    "other_host": {"check": change(X_Forwarded_Host="127.0.0.1:1")},
    "script_led": {"check": change(Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document")},
    "not_led": {"check": change(Sec_Fetch_Mode=None, Sec_Fetch_Dest=None, Accept=None)},
    "pages_host": {"pages": change(Host="127.0.0.1:1")},
}


@pytest.mark.parametrize("finding", CHECKS)
def test_a_fault_of_the_configuration_is_named(gate, put_behind, examine, finding):
    put_behind(FaultyGate(**{"name": "wiki", "portal": gate, **CHECKS[finding]}))
    assert list(examine()) == [finding]


def test_the_gate_of_another_application_is_named(gate, put_behind, examine):
    put_behind(Gate(create_app(), "intranet", gate))
    other = find_free_port()
    put_behind(Gate(create_app(), "intranet", gate), "intranet", hosts=[f"http://127.0.0.1:{other}"])
    assert "intranet" in examine()["other_gate"].cause


SITES = {  # what answers instead -> the finding
    "open": create_app(),
    "elsewhere": answer(302, Location="https://sso.example.com/"),
    "fault": answer(502),
    "other_answer": answer(401),
}


@pytest.mark.parametrize("finding", SITES)
def test_what_answers_instead_of_the_gate_is_named(put_behind, examine, finding):
    put_behind(SITES[finding])
    assert list(examine()) == [finding]


@pytest.mark.parametrize(
    ("site", "finding"),
    [(SwallowingGate, "pages_missing"), (ForwardingGate, "noted"), (HeaderTrustingGate, "let_in")],
)
def test_a_fault_is_found_without_a_sign_in(gate, put_behind, examine, site, finding):
    put_behind(site(create_app(), "wiki", gate))
    assert list(examine()) == [finding]


def test_made_up_headers_that_reach_the_application_are_found(gate, put_behind, examine, me):
    put_behind(LeakyGate(create_app(), "wiki", gate))
    assert examine() == {}
    assert "Remote-User" in examine(me)["arrives"].cause


def test_a_check_without_the_cookie_is_found(gate, put_behind, examine, me):
    put_behind(FaultyGate("wiki", gate, check=change(Cookie=None)))
    assert list(examine(me)) == ["not_let_in"]


def test_a_fault_of_the_application_itself_is_a_warning(gate, put_behind, examine, me):
    put_behind(Gate(answer(502), "wiki", gate))
    assert list(examine(me)) == ["application_fault"]


def test_an_administrator_without_access_is_told_why_the_last_part_is_left_out(gate, put_behind, examine, me):
    put_behind(Gate(create_app(), "wiki", gate), open_to_all=False)
    finding = examine(me)["may_not_enter"]
    assert finding.state == "skipped"


def test_a_host_that_cannot_be_reached_is_named_with_the_reason(portal, gate, examine):
    hosts = {"refused": f"http://127.0.0.1:{find_free_port()}", "name": "https://wiki.invalid"}
    with portal.app_context():
        catalogue.create_application({"name": "wiki", "title": "Wiki", "hosts": list(hosts.values())}, by=Actor())
        found = examine_hosts(catalogue.find_application("wiki"))
        db.session.rollback()
    for cause, origin in hosts.items():
        assert found[origin][0].name == cause and origin in found[origin][0].cause
        assert {finding.name for finding in found[origin][1:]} == {"waits"}


def test_the_command_prints_the_findings_of_all_hosts(put_behind, portal):
    origin = put_behind(create_app())
    done = portal.test_cli_runner().invoke(args=["doctor"])
    assert done.exit_code == 1
    assert f"wiki ({origin})" in done.output
    assert "open to everybody" in done.output and "Put the snippet for your proxy" in done.output


def test_the_command_leaves_applications_out_that_are_switched_off(put_behind, portal):
    origin = put_behind(create_app(), active=False)
    assert origin not in portal.test_cli_runner().invoke(args=["doctor"]).output


def test_a_named_element_is_checked_alone(put_behind, portal):
    origin = put_behind(create_app())
    assert origin not in portal.test_cli_runner().invoke(args=["doctor", FEISHU]).output
