"""The form that creates and changes applications."""

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import update
from support.admin_client import read_form, strip_markup
from support.application_rows import add_application, add_group
from support.rows import reload_row

from portal.applications import catalogue
from portal.clocks import now
from portal.database import db
from portal.models import Application, LoginSession

pytestmark = pytest.mark.usefixtures("alice", "context")

CREATE = "/admin/applications/create"


def load(name):
    db.session.rollback()
    db.session.expire_all()
    return catalogue.find_application(name)


def count():
    db.session.rollback()
    return db.session.query(Application).count()


def read_value(page, name):
    """Return what a field or an area of text shows."""
    field = re.search(rf'<input id="{name}"[^>]* value="([^"]*)"', page)
    area = re.search(rf'<textarea id="{name}"[^>]*>([^<]*)</textarea>', page)
    return unescape((field or area)[1])


def test_one_is_created_with_its_hosts_and_groups(alice):
    add_group("dev"), add_group("ops")
    fields = {"title": "公司维基", "name": "wiki", "hosts": "https://wiki.example.com\r\nhttps://w.example.com\r\n"}
    answer = alice.post_form(CREATE, groups=["", "dev", "ops"], **fields)
    assert (answer.status_code, answer.location) == (303, "/admin/applications/wiki")
    wiki = load("wiki")
    assert (wiki.title, wiki.hosts) == ("公司维基", ["https://wiki.example.com", "https://w.example.com"])
    assert [group.name for group in wiki.groups] == ["dev", "ops"]
    assert wiki.headers == ["user", "name", "email", "groups"] and not wiki.open_to_all


@pytest.mark.parametrize(
    ("title", "host", "name"),
    [
        ("Company Wiki 2", "", "company-wiki-2"),
        ("公司维基", "https://wiki.example.com", "wiki"),
        ("3D-Druck", "", "d-druck"),
        ("W" * 60, "", "w" * 40),
    ],
)
def test_a_name_that_is_left_empty_is_made(alice, title, host, name):
    assert alice.post_form(CREATE, title=title, name="", hosts=host).location == f"/admin/applications/{name}"


def test_without_a_usable_title_the_form_asks_for_a_name(alice):
    answer = alice.post_form(CREATE, title="公司维基", name="", hosts="")
    assert answer.status_code == 422
    assert "Use 2 to 40 letters a-z, digits and hyphens, a letter first." in answer.text


def test_a_fault_keeps_all_that_was_typed(alice):
    add_group("dev")
    fields = {"title": "Wiki", "name": "x", "hosts": "wiki.example.com\nhttps://ok.example.com", "contact": "it@a.com"}
    fields |= {"username_from": "email", "fresh_minutes": "soon", "open_to_all": ["0", "1"], "headers": ["", "user"]}
    answer = alice.post_form(CREATE, groups=["", "dev"], **fields)
    page = answer.text
    assert answer.status_code == 422 and count() == 0
    for fault in ("Use 2 to 40 letters", "Enter an origin such as https://wiki.example.com.", "Enter a whole number"):
        assert fault in page
    for name in ("title", "name", "hosts", "contact", "fresh_minutes"):
        assert read_value(page, name) == fields[name], name
    assert '<option value="email" selected>' in page
    ticked = read_form(page, 'action="/admin/applications/create"')
    assert (ticked["groups"], ticked["open_to_all"], ticked["headers"]) == (["", "dev"], ["0", "1"], ["", "user"])


def test_the_form_sends_what_is_stored(alice):
    """An edit without a change changes nothing."""
    wiki = add_application("wiki", [add_group("dev")], open_to_all=True, session_hint=8, contact="it@a.com")
    page = alice.get("/admin/applications/wiki/edit").text
    sent = read_form(page, 'action="/admin/applications/wiki/edit"')
    for name in ("title", "hosts", "contact", "session_hint", "fresh_minutes", "launch_url", "email_domain"):
        sent[name] = read_value(page, name)
    answer = alice.post_form("/admin/applications/wiki/edit", **sent)
    assert answer.status_code == 303
    assert "Nothing was changed." in alice.get(answer.location).text
    assert reload_row(wiki).version == 1


def test_a_tick_that_is_taken_away_counts(alice):
    add_application("wiki", [add_group("dev")], open_to_all=True)
    alice.post_form("/admin/applications/wiki/edit", version=1, open_to_all="0", groups="", headers=["", "user"])
    wiki = load("wiki")
    assert (wiki.open_to_all, wiki.groups, wiki.headers) == (False, [], ["user"])


def test_a_field_that_is_not_sent_stays(alice):
    add_application("wiki", [add_group("dev")], open_to_all=True, contact="it@a.com", fresh_minutes=5)
    alice.post_form("/admin/applications/wiki/edit", version=1, title="Knowledge")
    wiki = load("wiki")
    assert (wiki.title, wiki.contact, wiki.fresh_minutes, wiki.open_to_all) == ("Knowledge", "it@a.com", 5, True)
    assert [group.name for group in wiki.groups] == ["dev"]


def test_a_list_has_one_entry_a_line(alice):
    add_group("dev"), add_group("ops")
    alice.post_form(CREATE, title="Wiki", name="wiki", groups="dev\nops", headers="user\nsubject")
    wiki = load("wiki")
    assert [group.name for group in wiki.groups] == ["dev", "ops"] and wiki.headers == ["user", "subject"]


def test_a_group_that_is_gone_is_named(alice):
    answer = alice.post_form(CREATE, title="Wiki", name="wiki", groups="dev")
    assert answer.status_code == 422 and "There is no group named dev." in answer.text


def test_who_edits_an_old_version_sees_the_new_one(alice):
    add_application("wiki", title="Before")
    alice.post_form("/admin/applications/wiki/edit", version=1, title="Now")
    answer = alice.post_form("/admin/applications/wiki/edit", version=1, title="Mine")
    assert answer.status_code == 409
    assert "changed in the meantime" in answer.text and read_value(answer.text, "title") == "Now"
    assert read_form(answer.text, "/wiki/edit")["version"] == ["2"]
    assert load("wiki").title == "Now"


def make_link(alice, portal):
    """Let an old sign-in send a form, and return the link that brings it back."""
    with portal.app_context():
        db.session.execute(update(LoginSession).values(signed_in_at=now() - timedelta(minutes=11)))
        db.session.commit()
    refused = alice.post_form("/admin/applications/wiki/edit", hosts="https://new.example.com", version="1")
    assert refused.status_code == 403
    [link] = re.findall(r'href="(/admin/applications/wiki/edit[?][^"]*)"', refused.text)
    return unescape(link)


def test_after_a_new_sign_in_the_form_has_what_was_typed(alice, portal):
    add_application("wiki")
    assert read_value(alice.get(make_link(alice, portal)).text, "hosts").strip() == "https://new.example.com"


@pytest.mark.parametrize("spoil", [lambda link: link + "x", lambda link: link.replace("draft=", "draft=x")])
def test_a_link_that_another_has_made_fills_in_no_form(alice, portal, spoil):
    add_application("wiki")
    stored = read_value(alice.get("/admin/applications/wiki/edit").text, "hosts")
    for address in (spoil(make_link(alice, portal)), "/admin/applications/wiki/edit?hosts=https://evil.example"):
        assert read_value(alice.get(address).text, "hosts") == stored


def test_unknown_ones_are_not_found(alice):
    for path in ("", "/edit", "/preview", "/switch"):
        assert alice.get(f"/admin/applications/nothing{path}").status_code == 404
    for path in ("/edit", "/switch", "/secret", "/secret/1/expire"):
        assert alice.post_form(f"/admin/applications/nothing{path}", active="1").status_code == 404


def test_a_client_is_taken_before_the_form_shows_it(alice):
    page = alice.get(CREATE).text
    assert "redirect_uris" not in page
    uris = "https://a.example.com/back\nhttps://b.example.com/back"
    fields = {"redirect_uris": uris, "scopes": "openid\ngroups", "refresh": "1", "token_minutes": "5", "public": "0"}
    assert alice.post_form(CREATE, title="Grafana", name="grafana", **fields).status_code == 303
    client = load("grafana")
    assert client.redirect_uris == uris.split("\n") and client.scopes == ["openid", "groups"]
    assert (client.refresh, client.public, client.token_minutes) == (True, False, 5)
    assert read_value(alice.get("/admin/applications/grafana/edit").text, "redirect_uris") == uris


def test_a_fault_of_a_client_is_shown(alice):
    answer = alice.post_form(CREATE, title="Grafana", name="grafana", redirect_uris="grafana/back")
    assert answer.status_code == 422
    assert "Enter a full http or https address without a fragment." in strip_markup(answer.text)
    assert read_value(answer.text, "redirect_uris") == "grafana/back"
