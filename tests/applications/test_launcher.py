"""People open their applications from one page."""

import re

import pytest
from support.admin_client import strip_markup
from support.portal_app import FEISHU, WECOM
from support.rows import HOSTILE, isolate_context, store_row
from support.user_agents import DESKTOP_BROWSER, FEISHU_CLIENT, WECOM_CLIENT

from portal.models import Application, Group, GroupMember

pytestmark = pytest.mark.usefixtures("signed_in", "context")

CLIENTS = {**{f"feishu {k}": v for k, v in FEISHU_CLIENT.items()}, **{f"wecom {k}": v for k, v in WECOM_CLIENT.items()}}


@pytest.fixture
def signed_in(signed_in):
    """Zhang San, whose requests begin without the test's own context."""
    return isolate_context(signed_in)


def add_application(name, **values):
    return store_row(Application(name=name, **{"title": name.title(), "open_to_all": True, **values}))


def list_tiles(answer):
    """Return title and address of each tile."""
    tiles = re.findall(r'<a class="app" href="([^"]*)".*?<strong>(.*?)</strong>', answer.text, re.DOTALL)
    return [(title, address) for address, title in tiles]


def test_it_shows_what_this_person_may_open_by_title(signed_in):
    everybody = Group(name="all", title="All", members=[GroupMember(kind="everybody")])
    admins = Group(name="admins", title="Admins", members=[GroupMember(kind="role", value="admin")])
    add_application("wiki", hosts=["https://wiki.example.com", "https://w.example.com"])
    add_application("grafana", hosts=["https://g.example.com"], launch_url="https://g.example.com/home")
    add_application("files", hosts=["https://files.example.com"], open_to_all=False, groups=[everybody])
    add_application("payroll", hosts=["https://pay.example.com"], open_to_all=False, groups=[admins])
    add_application("off", hosts=["https://off.example.com"], active=False)
    assert list_tiles(signed_in.get("/apps")) == [
        ("Files", "https://files.example.com"),
        ("Grafana", "https://g.example.com/home"),
        ("Wiki", "https://wiki.example.com"),
    ]


def test_an_application_without_an_address_has_no_tile(signed_in):
    add_application("client", redirect_uris=["https://c.example.com/callback"])
    assert list_tiles(signed_in.get("/apps")) == []


def test_titles_are_text(signed_in):
    add_application("x", title=HOSTILE, hosts=["https://x.example.com"])
    assert "<script>alert" not in signed_in.get("/apps").text


def test_visitors_are_led_to_the_login_and_back(portal):
    visitor = isolate_context(portal.test_client())
    answer = visitor.get("/apps")
    assert (answer.status_code, answer.location) == (303, "/login?next=/apps")
    assert visitor.sign_in(next="/apps").location == "/apps"


def test_a_tile_opens_a_new_tab_in_a_browser(signed_in):
    add_application("wiki", hosts=["https://wiki.example.com"])
    page = signed_in.get("/apps", headers={"User-Agent": DESKTOP_BROWSER}).text
    assert 'href="https://wiki.example.com" target="_blank" rel="noopener"' in page


@pytest.mark.parametrize("agent", CLIENTS.values(), ids=CLIENTS)
def test_a_tile_stays_in_the_window_inside_a_client(signed_in, agent):
    add_application("wiki", hosts=["https://wiki.example.com"])
    page = signed_in.get("/apps", headers={"User-Agent": agent}).text
    assert 'href="https://wiki.example.com"' in page and "_blank" not in page


@pytest.mark.parametrize("element", [FEISHU, WECOM])
def test_the_workbench_leads_there_while_signed_in(signed_in, element):
    answer = signed_in.get(f"/login/{element}/in-app?next=/apps")
    assert (answer.status_code, answer.location) == (303, "/apps")


def test_few_tiles_need_no_search(signed_in):
    for number in range(12):
        add_application(f"a{number}", hosts=[f"https://a{number}.example.com"])
    assert 'type="search"' not in signed_in.get("/apps").text


def test_many_are_searched_by_title_and_host(signed_in):
    for number in range(60):
        add_application(f"a{number}", title=f"Tool {number}", hosts=[f"https://a{number}.example.com"])
    assert len(list_tiles(signed_in.get("/apps"))) == 60
    assert [title for title, _ in list_tiles(signed_in.get("/apps?q=TOOL+59"))] == ["Tool 59"]
    assert [title for title, _ in list_tiles(signed_in.get("/apps?q=a17."))] == ["Tool 17"]
    none = signed_in.get("/apps?q=nothing")
    assert list_tiles(none) == [] and "No results" in none.text and 'href="/apps">Show all' in none.text


def test_a_person_who_may_open_nothing_reads_whom_to_ask(make_portal):
    browser = make_portal(PORTAL_CONTACT="it@example.com").test_client()
    browser.sign_in()
    add_application("payroll", hosts=["https://pay.example.com"], open_to_all=False)
    text = strip_markup(browser.get("/apps").text)
    assert "There is nothing to open yet" in text and "it@example.com" in text


@pytest.mark.parametrize("path", ["/account", "/apps"])
def test_pages_lead_there_once_there_are_applications(signed_in, path):
    link = re.compile(r'<a class="quiet" href="/apps"')
    assert not link.search(signed_in.get(path).text)
    add_application("wiki", active=False)
    assert not link.search(signed_in.get(path).text)
    add_application("grafana")
    assert link.search(signed_in.get(path).text)
