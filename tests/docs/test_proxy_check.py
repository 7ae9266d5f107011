"""The page about the check of proxies names every check."""

from support.docs_pages import table
from support.portal_app import ROOT

from portal.applications.doctor.asking import ALL_SECONDS, MOST_READ, REQUEST_SECONDS
from portal.applications.doctor.host import HostDoctor

PAGE = "docs/proxy-check.md"


def test_the_table_has_the_checks_in_their_order(portal):
    with portal.test_request_context():
        titles = [str(title) for title in HostDoctor.checks.values()]
    assert [row[0] for row in table(PAGE, "check")] == titles


def test_the_limits_are_those_of_the_code():
    text = " ".join((ROOT / PAGE).read_text().split())
    assert f"at most {MOST_READ // 1024} KiB" in text
    assert f"at most {REQUEST_SECONDS} seconds, and all requests for one application {ALL_SECONDS}" in text
