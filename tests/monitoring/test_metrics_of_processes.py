"""The figures of several processes are summed, also after one was killed."""

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import requests
from support.deployment import keep_asking
from support.http_visitors import Visitor
from support.jobs import request_sync, wait_for_runs
from support.portal_app import FEISHU, ROOT, WECOM, both_databases
from support.scrapes import find_figure, scrape
from support.syncs import run_command, wait_for

from portal import metrics
from portal.signin.sessions import MOST_OPEN

COUNTERS = ("_total", "_count", "_sum", "_bucket")  # the ends of what may only rise


def sign_in(server, element=WECOM, **how):
    """Sign a new visitor in and return the last status."""
    return Visitor(server).sign_in(element, **how).status_code


def list_workers(folder):
    """Return the processes that have counted."""
    return {int(path.stem.partition("_")[2]) for path in Path(folder).glob("counter_*.db")}


def sign_in_at_both(server, folder):
    """Sign in until two processes have counted, and return how often."""
    number = 0
    while number < 10 or len([pid for pid in list_workers(folder) if metrics.is_running(pid)]) < 2:
        assert sign_in(server) == 303, server.output()
        number += 1
        assert number < 300, "one worker gets all requests"
    return number


@pytest.fixture
def folder(settings):
    return settings["PROMETHEUS_MULTIPROC_DIR"]


@both_databases
def test_sums_are_right_after_a_worker_was_killed(serve, folder):
    server = serve(workers=2, threads=4)
    number = sign_in_at_both(server, folder)
    assert sign_in(server, person="outsider") == 403
    assert sign_in(server, action="deny") == 400
    for _ in range(4):  # whichever worker answers
        figures = scrape(server)
        assert find_figure(figures, "portal_sign_ins_total", element=WECOM, outcome="signed_in") == number
        assert find_figure(figures, "portal_sign_ins_total", element=WECOM, outcome="refused") == 1
        assert find_figure(figures, "portal_sign_ins_total", element=WECOM, outcome="cancelled") == 1
        assert find_figure(figures, "portal_sign_ins_total", element=FEISHU) == 0

    victim = min(pid for pid in list_workers(folder) if metrics.is_running(pid))
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: not metrics.is_running(victim), seconds=60)
    number += sign_in_at_both(server, folder)
    assert victim in list_workers(folder)
    figures = scrape(server)
    assert find_figure(figures, "portal_sign_ins_total", element=WECOM, outcome="signed_in") == number
    assert find_figure(figures, "portal_refusals_total", number="40301") == 1
    calls = {"platform": "wecom", "call": "/cgi-bin/auth/getuserinfo"}
    assert find_figure(figures, "portal_platform_call_seconds_count", **calls, outcome="ok") == number + 1
    assert find_figure(figures, "portal_platform_call_seconds_bucket", **calls, outcome="ok", le="+Inf") == number + 1
    assert find_figure(figures, "portal_token_renewals_total", platform="wecom", outcome="ok") == 1
    assert find_figure(figures, "portal_open_sessions") == min(number, MOST_OPEN)


def find_falls(before, after):
    """Return the counters that fell, or went, from one scrape to the next."""
    return [key for key in before if key[0].endswith(COUNTERS) and after.get(key, -1) < before[key]]


@both_databases
def test_no_counter_falls_while_people_sign_in_and_a_worker_is_killed(serve, folder):
    server = serve(workers=2, threads=16)
    sign_in_at_both(server, folder)
    scrapes, begun = [scrape(server)], []

    def sign_in_once():
        begun.append(None)
        return sign_in(server)

    def take_scrape():
        with contextlib.suppress(requests.ConnectionError):  # asked of the process that was just killed
            scrapes.append(scrape(server))
        return scrapes

    with keep_asking(*[sign_in_once] * 6, every=0) as load:
        for kill in (True, False):
            target = len(load.outcomes) + 40
            wait_for(lambda target=target: take_scrape() and len(load.outcomes) >= target, seconds=120)
            if kill:
                os.kill(min(pid for pid in list_workers(folder) if metrics.is_running(pid)), signal.SIGKILL)
    scrapes.append(scrape(server))
    statuses = Counter(status for _name, status in load.outcomes)
    assert {status for status in statuses if isinstance(status, int)} == {303}, statuses
    assert len(scrapes) > 5
    assert [falls for before, after in pairwise(scrapes) if (falls := find_falls(before, after))] == []
    first, last = (
        find_figure(figures, "portal_sign_ins_total", element=WECOM, outcome="signed_in")
        for figures in (scrapes[0], scrapes[-1])
    )
    assert statuses[303] <= last - first <= len(begun), statuses


def test_a_killed_worker_holds_no_breaker_open(serve, sandbox, folder):
    server = serve(workers=1, threads=4)
    sandbox.fail("/cgi-bin/auth/getuserinfo", count=10, status=500, body="x")
    for _ in range(5):
        sign_in(server)
    assert find_figure(scrape(server), "portal_breaker_open", address=sandbox.url) == 1
    [victim] = list_workers(folder)
    os.kill(victim, signal.SIGKILL)
    sandbox.reset()
    wait_for(lambda: len(list_workers(folder)) == 2 or sign_in(server) == 0, seconds=60)
    assert find_figure(scrape(server), "portal_breaker_open", address=sandbox.url) in (0, None)


def test_the_first_fault_is_a_rise(serve):
    """A figure that appears as 1 would be none for Prometheus."""
    assert find_figure(scrape(serve(workers=1, threads=4)), "portal_refusals_total", number="50000") == 0


def test_a_server_starts_without_the_figures_of_former_processes(serve, folder):
    server = serve(workers=1, threads=4)
    assert sign_in(server) == 303
    [former] = list_workers(folder)
    server.process.terminate()
    server.process.wait(60)
    server = serve(workers=1, threads=4)
    assert former not in list_workers(folder)
    assert find_figure(scrape(server), "portal_sign_ins_total", element=WECOM, outcome="signed_in") == 0


def test_no_unfinished_file_is_left_for_a_scrape(tmp_path):
    """An empty file among the others would make every scrape fail."""
    program = "import resource; from portal import metrics; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)); "
    program += "metrics.reserve_files(); print(metrics.is_shared())"
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
    assert list(tmp_path.glob("*.db")) == []


@both_databases
def test_the_figures_of_the_worker_are_among_them(serve, settings, portal):
    settings["PORTAL_SYNC_EVERY"] = "0"
    server = serve(workers=1, threads=4)
    assert request_sync(portal, FEISHU)
    assert find_figure(scrape(server), "portal_queued_syncs") == 1
    assert find_figure(scrape(server), "portal_worker_up") == 0
    with run_command(settings, "worker"):
        wait_for_runs(portal)
        figures = scrape(server)
    assert find_figure(figures, "portal_token_renewals_total", platform="feishu", outcome="ok") == 1
    users = {"platform": "feishu", "call": "/open-apis/contact/v3/users/find_by_department", "outcome": "ok"}
    assert find_figure(figures, "portal_platform_call_seconds_count", **users) > 0
    assert find_figure(figures, "portal_queued_syncs") == 0
    assert find_figure(figures, "portal_worker_up") == 1
    assert find_figure(figures, "portal_sync_last_outcome", element=FEISHU, outcome="done") == 1
    assert find_figure(figures, "portal_sync_last_outcome", element=FEISHU, outcome="failed") == 0
    assert find_figure(figures, "portal_sync_age_seconds", element=FEISHU) < 600
    assert find_figure(figures, "portal_sync_age_seconds", element=WECOM) is None


def test_without_its_folder_a_server_serves_all_the_same(serve, tmp_path):
    (tmp_path / "a file").touch()
    server = serve(workers=1, threads=4, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "a file" / "below"))
    assert sign_in(server) == 303
    assert find_figure(scrape(server), "portal_sign_ins_total", element=WECOM, outcome="signed_in") == 1
    assert "figures are not shared between processes" in server.output()
