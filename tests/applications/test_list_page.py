"""The administrators' list of applications."""

import re
from datetime import timedelta

import pytest
from support.admin_client import strip_markup
from support.application_rows import add_application, add_door, add_group
from support.rows import add_account

from portal.clocks import now

pytestmark = pytest.mark.usefixtures("alice", "context")


def list_titles(page):
    return re.findall(r'class="row-link cut"[^>]*>([^<]*)</a>', page)


def read_row(page, title):
    """Return the words of an application's row."""
    [row] = [row for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if f">{title}</a>" in row]
    return strip_markup(row)


def test_the_first_run_has_one_button(alice):
    page = alice.get("/admin/applications").text
    assert "No applications yet" in page
    assert page.count('href="/admin/applications/create"') == 1


def test_a_row_tells_what_one_looks_for(alice):
    dev = add_group("dev", "Developers")
    wiki = add_application("wiki", [dev], title="Company wiki")
    add_door(wiki, add_account("zw"), opened_at=now() - timedelta(hours=3))
    row = read_row(alice.get("/admin/applications").text, "Company wiki")
    assert row == "Company wiki wiki Gate Developers 3 hours ago next request active"


CLIENT = {"hosts": [], "redirect_uris": ["https://a.example.com/back"]}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "next request"),
        (CLIENT, "when its own session ends"),
        ({**CLIENT, "session_hint": 8}, "up to 8 h"),
        ({**CLIENT, "session_hint": 8, "refresh": True, "token_minutes": 5}, "≤ 5 min"),
        ({**CLIENT, "refresh": True, "backchannel_uri": "https://a.example.com/out"}, "seconds"),
        ({"redirect_uris": ["https://a.example.com/back"]}, "next request · when its own session ends"),
    ],
)
def test_how_soon_a_leaver_is_out(alice, fields, words):
    add_application("wiki", **fields)
    assert f"never {words} closed to everyone" in read_row(alice.get("/admin/applications").text, "Wiki")


def test_open_and_switched_off_ones_say_so(alice):
    add_application("docs", open_to_all=True)
    add_application("old", active=False)
    page = alice.get("/admin/applications").text
    assert "everyone" in read_row(page, "Docs") and "active" in read_row(page, "Docs")
    assert "switched off" in read_row(page, "Old")
    assert list_titles(alice.get("/admin/applications?state=off").text) == ["Old"]
    assert list_titles(alice.get("/admin/applications?state=closed").text) == []


@pytest.mark.parametrize("q", ["wiki", "WIKI", "Knowledge", "wiki.example"])
def test_the_search_looks_at_title_name_and_host(alice, q):
    add_application("wiki", title="Knowledge")
    add_application("crm")
    assert list_titles(alice.get(f"/admin/applications?q={q}").text) == ["Knowledge"]


def test_the_search_takes_signs_as_they_are(alice):
    add_application("wiki")
    page = alice.get("/admin/applications?q=%25").text
    assert "No results" in page and list_titles(page) == []


def test_a_kind_is_chosen(alice):
    add_application("wiki")
    add_application("grafana", **CLIENT)
    assert list_titles(alice.get("/admin/applications?kind=gate").text) == ["Wiki"]
    assert list_titles(alice.get("/admin/applications?kind=oidc").text) == ["Grafana"]
    assert list_titles(alice.get("/admin/applications?kind=nonsense").text) == ["Grafana", "Wiki"]


def test_a_hundred_have_two_pages(alice):
    for number in range(100):
        add_application(f"app-{number:03}")
    first, second = (list_titles(alice.get(f"/admin/applications?page={page}").text) for page in (1, 2))
    assert (len(first), len(second)) == (50, 50)
    assert set(first).isdisjoint(second)
