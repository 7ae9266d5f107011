"""Every person of a large pretend company can be picked by hand."""

import re

import pytest
import requests
from support.authorize_pages import FEISHU_PAGES, OAUTH_PAGE, WEB_LOGIN_PAGES, make_address, read_callback, visit
from support.sandbox_server import SandboxServer


@pytest.fixture(scope="module")
def company():
    """A sandbox with a few hundred people."""
    sandbox = SandboxServer.start(people=200)
    yield sandbox
    sandbox.stop()


def list_people(page):
    return re.findall(r'name="person" value="([^"]*)"', page.text)


@pytest.mark.parametrize("path", [FEISHU_PAGES[0], WEB_LOGIN_PAGES[0], OAUTH_PAGE])
def test_a_person_beyond_the_first_forty_is_found_and_answers(company, path):
    browser, address = requests.Session(), make_address(company, path)
    page = visit(browser, address)
    assert len(list_people(page)) == 40 and "/ 2" in page.text
    kept = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text))
    assert kept["redirect_uri"] == "http://127.0.0.1:9/callback?kept=1"
    key = "p000150"
    found = visit(browser, f"{address}&find={key}")
    assert list_people(found) == [key]
    assert "checked" in found.text
    answer = browser.post(
        f"{address}&find={key}", {"person": key, "action": "allow"}, allow_redirects=False, timeout=10
    )
    assert read_callback(answer)["code"]


def test_a_search_without_a_result_offers_nobody(company):
    page = visit(requests.Session(), make_address(company, FEISHU_PAGES[0]) + "&find=nobody-of-that-name")
    assert list_people(page) == [] and "0 /" in page.text


def test_a_small_company_has_no_search(sandbox):
    page = visit(requests.Session(), make_address(sandbox, FEISHU_PAGES[0]))
    assert 'name="find"' not in page.text
