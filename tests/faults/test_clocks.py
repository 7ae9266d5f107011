"""Two machines with clocks an hour apart sign nobody in for longer.

They are allowed to differ by a minute. Beyond that people are refused and told to start again.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from support.admin_client import make_one_time_link
from support.http_visitors import Visitor
from support.other_clock import OTHER_CLOCK
from support.portal_app import WECOM, both_databases
from support.postgres import find_free_port

pytestmark = both_databases
HOUR = 3600  # seconds


@pytest.fixture
def run_machines(serve):
    """Return a function that runs portals on one database.

    It takes how far the clock of each is ahead, in seconds.
    """

    def run(*aheads, **more):
        own = {"workers": 1, "app": OTHER_CLOCK, **more}
        return [serve(**own, port=find_free_port(), CLOCK_AHEAD=str(ahead)) for ahead in aheads]

    return run


@pytest.fixture
def visit(base):
    """Return a function that opens a browser at a machine.

    The browser uses the portal's only address, and a load balancer chooses the machine.
    """

    def open_browser(machine):
        visitor = Visitor(machine)
        visitor.http.headers["Host"] = urlsplit(base).netloc
        return visitor

    return open_browser


def move(visitor, server):
    """Send a visitor's next requests to another machine."""
    visitor.server = server


def is_signed_in(visitor, server):
    move(visitor, server)
    return visitor.get("/api/session").status_code == 200


@pytest.mark.parametrize("ahead", [-HOUR, HOUR])
def test_a_login_that_changes_machines_starts_again(run_machines, visit, sandbox, sql, ahead):
    right, wrong = run_machines(0, ahead)
    for first, second in ((right, wrong), (wrong, right)):
        visitor = visit(first)
        callback = visitor.scan(WECOM)
        move(visitor, second)
        answer = visitor.get(callback)
        assert (answer.status_code, "Error 40300" in answer.text, "/login/" in answer.text) == (400, True, True)
        assert not is_signed_in(visitor, second)
        assert visitor.sign_in(WECOM).status_code == 303
    assert "Traceback" not in right.output() + wrong.output()


def test_a_session_opened_by_a_fast_clock_is_not_taken_for_longer(run_machines, visit):
    """It would live an hour longer here, and stay fresh for an hour."""
    right, wrong = run_machines(0, HOUR)
    visitor = visit(wrong)
    assert visitor.sign_in(WECOM).status_code == 303
    assert is_signed_in(visitor, wrong)
    assert not is_signed_in(visitor, right)
    assert visitor.get("/account").status_code == 401
    assert visitor.sign_in(WECOM).status_code == 303
    assert is_signed_in(visitor, right)


def test_a_session_ends_by_its_own_clock_and_never_later(run_machines, visit):
    """With a lifetime of half an hour, the fast machine calls it over, the right one does not, and a later one does."""
    right, fast, later = run_machines(0, HOUR, 1900, PORTAL_SESSION_LIFETIME="1800", PORTAL_SESSION_IDLE="1800")
    visitor = visit(right)
    assert visitor.sign_in(WECOM).status_code == 303
    assert not is_signed_in(visitor, fast)
    assert is_signed_in(visitor, right)
    assert not is_signed_in(visitor, later)


def test_a_clock_within_a_minute_makes_no_difference(run_machines, visit):
    right, other = run_machines(0, 50)
    for first, second in ((right, other), (other, right)):
        visitor = visit(first)
        callback = visitor.scan(WECOM)
        move(visitor, second)
        assert visitor.get(callback).status_code == 303
        assert is_signed_in(visitor, first) and is_signed_in(visitor, second)


def test_a_one_time_link_of_a_fast_clock_is_none(run_machines, visit, make_portal):
    """A quarter of an hour would be more than an hour here."""
    right, _ = run_machines(0, HOUR)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=HOUR), tick=True):
        token = make_one_time_link(make_portal(), "alice")
    assert visit(right).get(f"/login/once/{token}").status_code == 410
