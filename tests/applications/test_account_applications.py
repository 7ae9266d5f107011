"""What the pages of accounts and people tell of applications."""

import re
from datetime import timedelta

import pytest
from support.admin_client import strip_markup
from support.application_rows import add_application, add_door, add_group
from support.rows import add_account, add_person

from portal.clocks import now

pytestmark = pytest.mark.usefixtures("alice", "context")


def read_section(page, name):
    """Return the words of a section's rows, by its id."""
    section = page[page.index(f'<h2 id="{name}"') :]
    section = section[: section.index("</section>")]
    return [strip_markup(row) for row in re.findall(r"<tr>.*?</tr>", section, re.DOTALL)[1:]]


@pytest.fixture
def zhang():
    account = add_account("zhang.wei", name="张伟")
    account.person = add_person("zw", account=account)
    return account


def test_an_account_shows_what_it_may_enter_and_why(alice, zhang):
    staff, dev = add_group("staff", "Staff", everybody=True), add_group("dev", "Developers")
    wiki = add_application("wiki", [staff, dev])
    add_application("docs", open_to_all=True)
    add_application("crm", [dev])
    add_door(wiki, zhang, opened_at=now() - timedelta(hours=2))
    rows = ["Docs open to everyone next request never", "Wiki Staff next request 2 hours ago open now"]
    for path in (f"/admin/accounts/{zhang.id}", f"/admin/people/{zhang.person.id}"):
        page = alice.get(path).text
        assert read_section(page, "applications") == rows
        assert 'id="ended"' not in page


def test_an_account_without_applications_says_nothing_of_them(alice, zhang):
    add_application("wiki")
    assert 'id="applications"' not in alice.get(f"/admin/accounts/{zhang.id}").text


def test_off_boarding_names_what_is_open(alice, zhang):
    wiki, docs, old = (add_application(name, open_to_all=True) for name in ("wiki", "docs", "old"))
    page = alice.get(f"/admin/accounts/{zhang.id}/offboard").text
    assert "Access to applications" not in page
    add_door(wiki, zhang), add_door(docs, zhang, opened_at=now() - timedelta(hours=1))
    add_door(docs, zhang, ended_at=now()), add_door(old, zhang, ended_at=now())
    words = strip_markup(alice.get(f"/admin/accounts/{zhang.id}/offboard").text)
    named = re.search(r"Access to applications ends at their next request: (.*?) The account and", words)[1]
    assert set(named.split(", ")) == {"Docs", "Wiki"}


def test_a_leavers_page_reports_what_ended_where(alice, zhang):
    uris = ["https://grafana.example.com/back"]
    wiki, grafana = add_application("wiki", open_to_all=True), add_application("grafana", redirect_uris=uris)
    add_door(wiki, zhang, ended_at=now() - timedelta(days=2), opened_at=now() - timedelta(days=3))
    add_door(wiki, zhang, opened_at=now() - timedelta(hours=1))
    add_door(grafana, zhang, opened_at=now() - timedelta(hours=1))
    alice.post_form(f"/admin/accounts/{zhang.id}/offboard", confirm="yes")
    page = alice.get(f"/admin/accounts/{zhang.id}").text
    assert 'id="applications"' not in page
    rows = read_section(page, "ended")
    assert sorted(row.split()[0] for row in rows) == ["Grafana", "Wiki"]
    assert all(" 1 hour ago just now " in row for row in rows)
    words = strip_markup(page)
    assert "the portal can't show when it ended: Grafana" in words and "ended: Grafana, Wiki" not in words
