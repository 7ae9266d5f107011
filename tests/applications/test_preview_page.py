"""The preview of what an application would be told."""

import re

import pytest
from support.admin_client import strip_markup
from support.application_rows import add_application, add_group
from support.rows import add_account, add_person

from portal.database import db
from portal.models import LEFT, AuditEvent

pytestmark = pytest.mark.usefixtures("alice", "context")

PREVIEW = "/admin/applications/wiki/preview"


def read_headers(page):
    pairs = re.findall(r'<dt translate="no">(Remote-[^<]*)</dt>\s*<dd><code translate="no">([^<]*)</code>', page)
    return dict(pairs)


@pytest.fixture
def zhang():
    account = add_account("zhang.wei", name="张伟", email="zw@example.com")
    add_person("zw", account=account, name="张伟")
    return account


def test_it_shows_the_headers_and_the_groups(alice, zhang):
    add_application("wiki", [add_group("staff", "Staff", everybody=True), add_group("dev", "Developers")])
    page = alice.get(f"{PREVIEW}?account={zhang.id}").text
    words = strip_markup(page)
    assert "Yes" in words and "Through these groups: Staff" in words and "Developers" not in words
    assert read_headers(page) == {
        "Remote-User": "zhang.wei",
        "Remote-Name": "张伟",
        "Remote-Email": "zw@example.com",
        "Remote-Groups": "staff",
    }


def test_names_are_encoded_as_they_are_sent(alice, zhang):
    add_application("wiki", open_to_all=True, header_encoding="percent", headers=["name", "user"])
    headers = read_headers(alice.get(f"{PREVIEW}?account={zhang.id}").text)
    assert headers == {"Remote-Name": "%E5%BC%A0%E4%BC%9F", "Remote-User": "zhang.wei"}


def test_a_value_that_is_missing_is_remarked(alice, zhang):
    add_application("wiki", open_to_all=True, username_from="employee_number")
    page = alice.get(f"{PREVIEW}?account={zhang.id}").text
    assert "There is no employee number: the username is sent." in page
    assert read_headers(page)["Remote-User"] == "zhang.wei"


@pytest.mark.parametrize(
    ("application", "account", "reason"),
    [
        ({}, {}, "The account is in none of: Developers"),
        ({"active": False, "open_to_all": True}, {}, "The application is switched off."),
        ({"open_to_all": True}, {"active": False}, "The account is disabled."),
    ],
)
def test_who_may_not_enter_is_told_why(alice, application, account, reason):
    add_application("wiki", [add_group("dev", "Developers")], **application)
    own = add_account("li.na", **account)
    page = alice.get(f"{PREVIEW}?account={own.id}").text
    words = strip_markup(page)
    assert f"May this account enter? No {reason}" in words
    assert read_headers(page) == {}


def test_a_look_is_recorded(alice, zhang):
    add_application("wiki", open_to_all=True)
    alice.get(f"{PREVIEW}?account={zhang.id}")
    db.session.rollback()
    [event] = db.session.query(AuditEvent).filter_by(action="application.preview")
    assert (event.account_id, event.details) == (zhang.id, {"application": "wiki"})
    assert event.actor_id is not None


def test_each_person_of_an_account_can_be_looked_at(alice, zhang):
    add_application("wiki", open_to_all=True, username_from="user_id")
    other = add_person("ou.zhang", account=zhang, provider="feishu", tenant="t1", name="Zhang Wei")
    add_person("gone", account=zhang, provider="feishu", tenant="t2", status=LEFT)
    page = alice.get(f"{PREVIEW}?account={zhang.id}").text
    [link] = re.findall(r'href="([^"]*identity=[^"]*)"', page)
    assert read_headers(page)["Remote-User"] == "zw" and f"identity={other.id}" in link
    assert read_headers(alice.get(link.replace("&amp;", "&")).text)["Remote-User"] == "ou.zhang"


def test_an_account_is_chosen_from_a_search(alice, zhang):
    add_application("wiki")
    assert f"account={zhang.id}" not in alice.get(PREVIEW).text
    page = alice.get(f"{PREVIEW}?q=zhang").text
    assert f'href="{PREVIEW}?account={zhang.id}"' in page and "张伟" in page
    assert "Only people with an account" in alice.get(f"{PREVIEW}?q=nobody-here").text


def test_an_unknown_account_is_not_found(alice):
    add_application("wiki")
    assert alice.get(f"{PREVIEW}?account=999").status_code == 404
