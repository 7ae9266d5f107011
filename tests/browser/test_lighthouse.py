"""Pages score at least 95 in Lighthouse.

It simulates a phone on a slow network. Other work on the machine lowers the score for performance now and then; a
page's own faults stay.
"""

import pytest
from support.http_visitors import Visitor

pytest_plugins = ["support.chromium", "support.lighthouse"]
pytestmark = [pytest.mark.browser, pytest.mark.node]

LEAST = 95
TRIES = 3


@pytest.fixture(scope="module")
def queue(office):
    """People who wait for an account, so that the pages show some."""
    for person in ("zhangsan", "alice", "bob"):
        assert Visitor(office).sign_in("FSInnerExample", person).headers["Location"] == "/login/waiting"


@pytest.mark.parametrize("path", ["/login", "/account", "/admin/bindings"])
def test_a_page_scores_at_least_95(office, queue, cookies, lighthouse, path):
    for _ in range(TRIES):
        report = lighthouse(office.url + path, () if path == "/login" else cookies)
        assert report.address == office.url + path
        if min(report.scores.values()) >= LEAST:
            return
    pytest.fail(f"{path}: {report.scores}\n" + "\n".join(report.faults))
