"""A sync within the platforms' limits: it waits as told, tries a page three times, and reads no list without an end."""

import json
import time

import pytest
from support.portal_app import both_databases
from support.sandbox_server import SandboxServer
from support.syncs import APPS, FEISHU, LIST_PATHS, LISTED_PEOPLE, TREE_PATHS, WECOM, list_people, run_sync

from portal.elements.feishu import contacts
from portal.elements.feishu.client import Feishu
from portal.elements.wecom.client import WeCom
from portal.providers import survey

LIMITED = {"code": 99991400, "msg": "request trigger frequency limit"}
both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])


@pytest.fixture
def short(monkeypatch):
    """WeCom does not say how long to wait; here its own usual waits are shorter."""
    monkeypatch.setattr(WeCom, "busy", {45009: 0.05, 45033: 0.02})


def refuse(sandbox, path, number, **how):
    sandbox.fail(path, body={"errcode": number, "errmsg": "api freq out of limit"}, **how)


def after(calls):
    """Return how many seconds lay between each two calls."""
    times = sorted(call["time"] for call in calls)
    return [late - early for early, late in zip(times, times[1:], strict=False)]


@both_databases
class TestWaiting:
    @pytest.mark.parametrize("header", ["x-ogw-ratelimit-reset", "Retry-After"])
    def test_feishus_limit_is_waited_out_as_the_header_says(self, portal, sandbox, header):
        sandbox.fail(TREE_PATHS[FEISHU], status=429, body=LIMITED, headers={header: "1"})
        assert run_sync(portal, FEISHU).state == "done"
        calls = sandbox.calls(TREE_PATHS[FEISHU])
        assert len(calls) == 2
        assert after(calls)[0] >= 1
        assert len(list_people(portal, FEISHU)) == len(LISTED_PEOPLE)

    @pytest.mark.parametrize("number", [45009, 45033])
    def test_wecoms_limits_are_waited_out(self, portal, sandbox, short, number):
        refuse(sandbox, TREE_PATHS[WECOM], number, count=2)
        refuse(sandbox, LIST_PATHS[WECOM], number, count=2)
        assert run_sync(portal, WECOM).state == "done"
        first, second = after(sandbox.calls(TREE_PATHS[WECOM]))
        assert first >= WeCom.busy[number] and second >= 2 * WeCom.busy[number]
        assert len(list_people(portal, WECOM)) == len(LISTED_PEOPLE)


def test_a_429_without_a_word_is_waited_out_too(portal, sandbox):
    sandbox.fail(TREE_PATHS[FEISHU], status=429, body="slow down", headers={"Retry-After": "0"})
    assert run_sync(portal, FEISHU).state == "done"


def test_while_one_call_waits_hardly_another_is_sent(portal, sandbox):
    """The limit is the app's: those who go on asking only lengthen it. What is under way already comes to its end."""
    for number in range(40):
        sandbox.department(f"2{number:02}", add=True, provider="feishu")
    sandbox.fail(LIST_PATHS[FEISHU], status=429, body=LIMITED, headers={"x-ogw-ratelimit-reset": "1"})
    assert run_sync(portal, FEISHU).state == "done"
    times = sorted(call["time"] for call in sandbox.calls(LIST_PATHS[FEISHU]))
    assert len(times) == 49
    assert sum(time < times[0] + 0.9 for time in times) < 25


class TestThreeTries:
    def test_of_feishu(self, portal, sandbox):
        sandbox.fail(TREE_PATHS[FEISHU], status=429, body=LIMITED, headers={"x-ogw-ratelimit-reset": "0"}, count=9)
        run = run_sync(portal, FEISHU)
        assert (run.state, run.failure) == ("failed", [50300, "the platform limits our calls", 99991400])
        assert len(sandbox.calls(TREE_PATHS[FEISHU])) == 3

    def test_of_wecom(self, portal, sandbox, short):
        refuse(sandbox, TREE_PATHS[WECOM], 45009, count=9)
        run = run_sync(portal, WECOM)
        assert (run.state, run.failure) == ("failed", [50300, "the platform limits our calls", 45009])
        assert len(sandbox.calls(TREE_PATHS[WECOM])) == 3

    @both_platforms
    def test_what_waiting_does_not_mend_is_tried_once(self, portal, sandbox, name):
        number = {FEISHU: {"code": 99991672, "msg": "x"}, WECOM: {"errcode": 48002, "errmsg": "x"}}[name]
        sandbox.fail(TREE_PATHS[name], body=number, count=9)
        run = run_sync(portal, name)
        assert (run.state, run.failure[0]) == ("failed", 60020)
        assert len(sandbox.calls(TREE_PATHS[name])) == 1

    @both_platforms
    def test_a_failing_page_is_got_at_the_third_try(self, portal, sandbox, name):
        sandbox.fail(LIST_PATHS[name], drop=True, count=2)
        assert run_sync(portal, name).state == "done"
        assert len(list_people(portal, name)) == len(LISTED_PEOPLE)


@pytest.mark.parametrize("told, longest", [(1, 1.2), (3600, 60)])
def test_no_wait_is_longer_than_a_minute(told, longest):
    waits = [
        min(survey.LONGEST_WAIT, survey.calculate_wait(survey.PlatformBusy(99991400, told, 1), 0)) for _ in range(50)
    ]
    assert max(waits) <= longest and (told > 60 or len(set(waits)) > 1)


class TestEndlessPages:
    """Feishu's pages; WeCom has none."""

    def page(self, **data):
        return {"code": 0, "msg": "success", "data": {"has_more": True, "items": [], **data}}

    def failed(self, portal, **before):
        run = run_sync(portal, FEISHU)
        assert (run.state, run.failure) == ("failed", [50300, "the platform's pages do not end", None])
        assert before.items() <= {key: row.name for key, row in list_people(portal, FEISHU).items()}.items()
        return run

    @pytest.mark.parametrize("path", [LIST_PATHS[FEISHU], TREE_PATHS[FEISHU]], ids=["people", "departments"])
    def test_a_page_token_that_comes_again(self, portal, sandbox, path):
        sandbox.fail(path, count=99, body=self.page(page_token="again", items=[{"open_department_id": "od-%n"}]))
        self.failed(portal)
        assert len(sandbox.calls(path)) <= 16

    def test_no_page_token_at_all(self, portal, sandbox):
        sandbox.fail(TREE_PATHS[FEISHU], count=99, body=self.page())
        self.failed(portal)

    def test_ever_new_tokens_with_the_same_page(self, portal, sandbox):
        sandbox.fail(
            TREE_PATHS[FEISHU], count=99, body=self.page(page_token="%n", items=[{"open_department_id": "od-1"}])
        )
        self.failed(portal)
        assert len(sandbox.calls(TREE_PATHS[FEISHU])) == 2

    def test_ever_new_tokens_with_nothing_on_the_page(self, portal, sandbox):
        sandbox.fail(TREE_PATHS[FEISHU], count=99, body=self.page(page_token="%n"))
        self.failed(portal)
        assert len(sandbox.calls(TREE_PATHS[FEISHU])) == contacts.MOST_EMPTY + 1

    def test_ever_new_tokens_with_ever_new_people(self, portal, sandbox, monkeypatch):
        run_sync(portal, FEISHU)
        monkeypatch.setattr(contacts, "MOST_PAGES", 30)
        somebody = {"union_id": "on_%n", "open_id": "ou_%n", "user_id": "u%n", "name": "x"}
        sandbox.fail(LIST_PATHS[FEISHU], count=9999, body=self.page(page_token="%n", items=[somebody]))
        self.failed(portal, lisi="李四")
        assert set(list_people(portal, FEISHU)) == LISTED_PEOPLE


class TestRealLimits:
    """Feishu's own limits: 50 calls of one kind a second, 1,000 a minute."""

    @pytest.fixture
    def sandbox(self):
        server = SandboxServer.start(people=240, departments=120)
        yield server
        server.stop()

    def test_they_are_kept_with_hardly_a_refusal(self, elements, make_portal, sandbox):
        elements.feishu(limits=True)
        sandbox.app(**APPS[FEISHU], limits=[[50, 1], [1000, 60]])
        run = run_sync(make_portal(), FEISHU)
        assert (run.state, run.counts["people"]) == ("done", 240 + len(LISTED_PEOPLE))
        pages = run.counts["pages"]
        assert pages >= 127
        extra = len(sandbox.calls("/open-apis/contact/v3/*")) - pages
        assert extra <= 5


@both_platforms
class TestSwitchedOff:
    """`"limits": false`, for a platform with limits of its own such as the sandbox."""

    def test_no_call_waits_for_its_turn(self, elements, make_portal, sandbox, name, monkeypatch):
        client = {FEISHU: Feishu, WECOM: WeCom}[name]
        monkeypatch.setattr(client, "limits", ((2, 3600),))
        assert run_sync(make_portal(), name).state == "done"
        assert len(sandbox.calls(LIST_PATHS[name])) > 2

    def test_calls_still_wait_when_the_platform_says_so(self, portal, sandbox, short, name):
        if name == FEISHU:
            sandbox.fail(TREE_PATHS[FEISHU], status=429, body=LIMITED, headers={"Retry-After": "1"})
        else:
            refuse(sandbox, TREE_PATHS[WECOM], 45009)
        assert run_sync(portal, name).state == "done"
        assert after(sandbox.calls(TREE_PATHS[name]))[0] >= (1 if name == FEISHU else WeCom.busy[45009])

    def test_limits_hold_unless_the_file_says_otherwise(self, elements, make_portal, sandbox, name):
        {FEISHU: elements.feishu, WECOM: elements.wecom}[name]()
        file = elements.folder / name / f"{name}.json"
        file.write_text(
            json.dumps({key: value for key, value in json.loads(file.read_text()).items() if key != "limits"})
        )
        assert make_portal().getElement(f"auths.loginTypes.{name}").keepsLimits is True


def test_a_call_beyond_a_limit_waits_for_its_end():
    pace = survey.Pace([(2, 0.2)])
    began = time.monotonic()
    for _ in range(3):
        pace.call(lambda: None)
    assert time.monotonic() - began >= 0.2
