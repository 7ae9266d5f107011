"""The login page with few and many logins under axe-core, and without sideways scrolling."""

import pytest
from support.axe import check_page
from support.many_logins import add_logins

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


def leave_one(elements):
    elements.wecom(isActive=False)


SITES = {1: leave_one, 2: None, 5: add_logins(5), 50: add_logins(50)}


@pytest.fixture(scope="module", params=SITES)
def site(request, run_site):
    """A portal with so many logins."""
    contact = "https://help.example.com/a-long-way-to-the-people-who-help-with-signing-in"
    return run_site(add=SITES[request.param], PORTAL_CONTACT=contact, PORTAL_TITLE="云杉科技 Spruce Works")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_axe_finds_nothing_whatever_the_number_of_logins(site, browse, axe, locale):
    page = browse(locale=locale, reduced_motion="reduce")
    page.goto(f"{site.url}/login?via=FSInnerExample")
    page.frame_locator("#qr iframe").locator("img").first.wait_for()
    for fold in page.locator("main summary").all():
        fold.click()
    check_page(page, axe)
