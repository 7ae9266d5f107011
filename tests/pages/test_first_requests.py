"""Simultaneous requests right after a start are all answered.

What threads share is made before the first request.
"""

import json
import subprocess
import sys

import pytest
from support.admin_client import sign_in_administrator, store_account
from support.portal_app import ROOT, both_databases
from support.syncs import FEISHU, WECOM, run_sync

AT_ONCE = 16
PAGES = (
    *("/admin/bindings?status=suggested", "/admin/queue", "/admin/bindings?status=conflict", "/readyz"),
    *("/admin/accounts", "/admin/directory", "/admin/audit", "/admin/elements", "/account", "/login", "/api/session"),
)


@pytest.fixture
def send_requests(settings):
    """Return a function that sends requests to a new process."""

    def send(requests):
        environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", **settings}
        done = subprocess.run(
            [sys.executable, str(ROOT / "tests/support/first_requests.py")],
            input=json.dumps(requests),
            env=environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), done.stderr

    return send


def cookies(browser):
    names = ("portal_session", "portal_visit", "portal_browser", "portal_csrf")
    return {name: browser.cookie(name) for name in names if browser.cookie(name)}


def pages(browser, number, first):
    """Return so many requests of an administrator."""
    return [[PAGES[(first + index) % len(PAGES)], cookies(browser)] for index in range(number)]


def prepare_sign_ins(portal, number):
    """Return the last requests of sign-ins in separate browsers."""
    requests = []
    for index in range(number):
        browser = portal.test_client()
        path = browser.scan((FEISHU, WECOM)[index % 2], ("zhangsan", "lisi", "alice", "bob")[index // 2 % 4])
        requests.append([path, cookies(browser)])
    return requests


def try_once(send, portal, alice, turn):
    answers, log = send(prepare_sign_ins(portal, AT_ONCE // 2) + pages(alice, AT_ONCE // 2, 4 * turn))
    assert not [status for status in answers if status >= 500], log


@pytest.fixture
def alice(portal):
    store_account(portal, "zhangsan", email="zhangsan@example.com")
    run_sync(portal, WECOM)
    return sign_in_administrator(portal)


def test_the_first_requests_are_all_answered(send_requests, portal, alice):
    for turn in range(3):
        try_once(send_requests, portal, alice, turn)


@pytest.mark.soak
@both_databases
def test_the_first_requests_of_sixty_starts_are_all_answered(send_requests, portal, alice):
    for turn in range(60):
        try_once(send_requests, portal, alice, turn)
