"""The limits hold for two processes together, and for each alone where Redis fails.

All requests are real ones, with the address that a proxy names.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy

import pytest
import requests
from support.portal_app import FEISHU, WECOM, both_databases
from support.redis_server import RedisServer

pytestmark = both_databases
WORKERS = 2
ATTEMPTS, OF_ADDRESS, OF_BROWSER, LINKS = 600, 300, 20, 10  # the limits, in five minutes
BAD_CALLBACK = f"/login/{FEISHU}/callback?code=x&state="
TOO_LARGE = "x" * 70_000


@pytest.fixture
def start(serve, own_redis):
    """Return a function that starts two processes behind a proxy."""
    return lambda: serve(workers=WORKERS, PORTAL_REDIS_URL=own_redis.url, PORTAL_TRUSTED_PROXIES="1")


@pytest.fixture
def server(start, own_redis):
    """Two processes with a Redis that runs."""
    own_redis.start()
    return start()


@pytest.fixture
def count_rows(sql):
    """Return a function that counts what logins leave."""
    return lambda: {name: sql(f"SELECT count(*) FROM {name}")[0][0] for name in ("audit_event", "login_attempt")}


class Crowd:
    """Visitors of one address.

    Each asks over a connection that it keeps, and all of them at once.
    """

    def __init__(self, server, address, browsers=8):
        self.url, self.browsers = server.url, [requests.Session() for _ in range(browsers)]
        for browser in self.browsers:
            browser.headers["X-Forwarded-For"] = f"198.51.100.9, {address}"  # the first is the visitor's own invention

    def remember(self):
        """Give each browser an id, as a login does."""
        for browser in self.browsers:
            assert self.get(browser, f"/login/{WECOM}") == 302
        return self

    def share_id(self):
        """Make all of them one browser."""
        for browser in self.browsers[1:]:
            browser.cookies.update(self.browsers[0].cookies)
        return self

    def forget(self):
        """Take no cookies, so that every request is a new browser's."""
        for browser in self.browsers:
            browser.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return self

    def get(self, browser, path):
        return browser.get(self.url + path, allow_redirects=False, timeout=60).status_code

    def ask(self, path, times):
        """Return how often each status came.

        :param path: with the number of the try in place of `{}`.
        """

        def ask_with(number):
            browser, tries = self.browsers[number], range(number, times, len(self.browsers))
            return Counter(self.get(browser, path.format(f"{at:032}")) for at in tries)

        with ThreadPoolExecutor(len(self.browsers)) as pool:
            return sum(pool.map(ask_with, range(len(self.browsers))), Counter())


# With Redis


def test_a_browser_has_twenty_refused_callbacks(server, count_rows):
    crowd = Crowd(server, "192.0.2.1").remember().share_id()
    before = count_rows()
    assert crowd.ask(BAD_CALLBACK + "{}", 22) == {400: OF_BROWSER, 429: 2}
    assert count_rows() == {**before, "audit_event": before["audit_event"] + OF_BROWSER}
    assert Crowd(server, "192.0.2.1", browsers=1).remember().ask(BAD_CALLBACK + "{}", 1) == {400: 1}


def test_an_address_has_three_hundred_refused_callbacks(server, count_rows):
    crowd = Crowd(server, "192.0.2.1", browsers=16).remember()
    before = count_rows()
    assert crowd.ask(BAD_CALLBACK + "{}", 303) == {400: OF_ADDRESS, 429: 3}
    assert count_rows() == {**before, "audit_event": before["audit_event"] + OF_ADDRESS}
    assert Crowd(server, "192.0.2.2").ask(BAD_CALLBACK + "{}", 1) == {400: 1}


def test_an_address_begins_six_hundred_logins(server, count_rows):
    crowd = Crowd(server, "192.0.2.1").forget()
    assert crowd.ask(f"/login/{FEISHU}", 602) == {302: ATTEMPTS, 429: 2}
    assert count_rows() == {"audit_event": 0, "login_attempt": ATTEMPTS}
    assert Crowd(server, "192.0.2.2").ask(f"/login/{FEISHU}", 1) == {302: 1}


def test_a_body_of_seventy_kilobytes_is_refused(server, count_rows):
    [browser] = Crowd(server, "192.0.2.1", browsers=1).remember().browsers
    token = browser.get(f"{server.url}/api/csrf").json()["csrfToken"]
    before = count_rows()
    for path, body in (
        (f"/login/{FEISHU}/callback", {"data": {"csrf_token": token, "state": "x", "code": TOO_LARGE}}),
        (f"/api/auths/loginTypes/{FEISHU}/getLoginConfig", {"json": {"next": TOO_LARGE}}),
        (f"/api/auths/loginTypes/{FEISHU}/getLoginCode", {"json": {"state": "x", "authCode": TOO_LARGE}}),
    ):
        # A connection of its own: what the server leaves unread of a body ends the one it came by.
        headers, cookies = {**browser.headers, "X-CSRFToken": token}, browser.cookies
        answer = requests.post(server.url + path, headers=headers, cookies=cookies, timeout=60, **body)
        assert answer.status_code == 413, path
    assert count_rows() == before


# Without Redis, each process counts for itself


def expect_limits(server, count_rows):
    """Try far more than the limits of both processes allow.

    What is refused beyond a limit leaves no row.
    """
    tries = {
        "/login/once/wrong{}": (LINKS, 410, Crowd(server, "192.0.2.11")),
        BAD_CALLBACK + "{}": (OF_BROWSER, 400, Crowd(server, "192.0.2.12").remember().share_id()),
        BAD_CALLBACK + "other{}": (OF_ADDRESS, 400, Crowd(server, "192.0.2.13").forget()),
        f"/login/{FEISHU}?x={{}}": (ATTEMPTS, 302, Crowd(server, "192.0.2.14").forget()),
    }
    before, answered = count_rows(), Counter()
    for path, (limit, status, crowd) in tries.items():
        number = WORKERS * limit + 20
        statuses = crowd.ask(path, number)
        assert set(statuses) == {status, 429}, (path, statuses)
        assert limit <= statuses[status] <= WORKERS * limit, (path, statuses)
        answered += statuses
    assert count_rows() == {
        "audit_event": before["audit_event"] + answered[400],
        "login_attempt": before["login_attempt"] + answered[302],
    }
    assert "Traceback" not in server.output()


def use_up(server):
    """Reach a limit while Redis counts."""
    assert Crowd(server, "192.0.2.11").ask("/login/once/w{}", LINKS + 1) == {410: LINKS, 429: 1}


def test_without_redis_from_the_start(start, count_rows):
    expect_limits(start(), count_rows)


@contextmanager
def kill(redis):
    redis.kill()
    yield


@pytest.mark.parametrize("fail", [kill, RedisServer.paused], ids=["killed", "paused"])
def test_after_redis_has_failed(server, own_redis, count_rows, fail):
    use_up(server)
    with fail(own_redis):
        expect_limits(server, count_rows)
