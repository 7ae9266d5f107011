"""The button *Check the proxy* of an application."""

import pytest
from support.local_sites import serve_site
from support.proxies_at_the_gate import LeakyGate

from portal.applications import catalogue
from portal.audit import Actor
from portal.database import db
from portal.models import AuditEvent, Door
from sandbox.gate import Gate
from sandbox.wiki import create_app

CHECK = "/admin/applications/wiki/check"


@pytest.fixture
def gate(serve, base):
    """A running portal."""
    serve()
    return base


def register(portal, origin, **fields):
    values = {"name": "wiki", "title": "Wiki", "hosts": [origin], "open_to_all": True, **fields}
    with portal.app_context():
        catalogue.create_application(values, by=Actor())


def count_rows(portal, table):
    with portal.app_context():
        return db.session.scalar(db.select(db.func.count()).select_from(table))


def test_the_whole_way_is_checked_with_the_administrators_sign_in(gate, portal, alice):
    with serve_site(Gate(create_app(), "wiki", gate)) as origin:
        register(portal, origin)
        events = count_rows(portal, AuditEvent)
        page = alice.post_form(CHECK)
    assert page.status_code == 200
    assert origin in page.text and "no problems" in page.text and "6 checks passed" in page.text
    assert (count_rows(portal, Door), count_rows(portal, AuditEvent)) == (0, events)


def test_a_proxy_that_lets_made_up_headers_through_is_shown_with_the_remedy(gate, portal, alice):
    with serve_site(LeakyGate(create_app(), "wiki", gate)) as origin:
        register(portal, origin)
        page = alice.post_form(CHECK).text
    assert "1 problem" in page and "own Remote-User reaches the application" in page
    assert "it removes these headers before" in page


def test_the_last_part_is_left_out_where_the_administrator_may_not_enter(gate, portal, alice):
    with serve_site(Gate(create_app(), "wiki", gate)) as origin:
        register(portal, origin, open_to_all=False)
        page = alice.post_form(CHECK).text
    assert "because you may not enter this application" in page and "5 checks passed" in page


def test_an_application_that_is_off_or_has_no_host_is_not_asked(portal, alice):
    register(portal, "http://127.0.0.1:1", active=False)
    assert "switched off" in alice.post_form(CHECK).text
    with portal.app_context():
        application = catalogue.find_application("wiki")
        catalogue.edit_application("wiki", {"hosts": []}, application.version, by=Actor())
        catalogue.switch_application("wiki", True, by=Actor())
    assert "no host behind the gate" in alice.post_form(CHECK).text


def test_an_unknown_application_is_no_page(alice):
    assert alice.post_form("/admin/applications/none/check").status_code == 404
