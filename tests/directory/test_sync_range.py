"""An app's range of single people, tags and user groups: it is read, or a warning says what can't be read."""

import pytest
from sqlalchemy import select
from support.admin_client import open_database, sign_in_administrator
from support.portal_app import both_databases
from support.syncs import APPS, FEISHU, PROVIDERS, WECOM, list_departments, list_people, run_sync, sign_in_person

from portal.directory import jobs
from portal.models import Identity, Listing

both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])
TAG = {FEISHU: "unread_group", WECOM: "unread_tag"}
CALLS = {FEISHU: "/open-apis/contact/v3/group/*", WECOM: "/cgi-bin/tag/get"}
REFUSED = {FEISHU: {"code": 99991672, "msg": "x"}, WECOM: {"errcode": 60011, "errmsg": "x"}}
BUSY = {FEISHU: {"code": 2200, "msg": "x"}, WECOM: {"errcode": -1, "errmsg": "x"}}


@pytest.fixture
def reach(sandbox, name):
    """Give the app a range of one person, and of a group that holds one more and a department."""
    sandbox.group(PROVIDERS[name], "5", users=["alice", "hostile"], departments=["3"])
    sandbox.app(**APPS[name], contact_range={"departments": [], "users": ["lisi"], "groups": ["5"]})


def listed(portal, name):
    with open_database(portal) as session:
        mine = select(Identity.user_id).join(Listing).where(Listing.element == name)
        return set(session.scalars(mine))


@both_databases
@both_platforms
@pytest.mark.usefixtures("reach")
def test_single_people_and_groups_are_read(portal, sandbox, name):
    run = run_sync(portal, name)
    assert (run.state, run.report.get("warnings")) == ("done", None)
    expected = {"lisi", "alice", "hostile", "wangwu", "bob", "carol", "sunqi", "zhouba"}
    assert set(list_people(portal, name)) == listed(portal, name) == expected
    assert set(list_departments(portal, name)) == {"3", "4", "6"}
    sandbox.person(PROVIDERS[name], "alice", resign=True)
    assert run_sync(portal, name).counts["left"] == 1
    assert run_sync(portal, name).counts["unchanged"] == 7


@both_platforms
class TestRefused:
    @pytest.fixture(autouse=True)
    def refuse(self, sandbox, reach, name):
        sandbox.fail(CALLS[name], body=REFUSED[name], count=99)

    def test_a_group_that_cannot_be_read_is_a_warning(self, portal, name):
        run = run_sync(portal, name)
        assert (run.state, run.report["warnings"]) == ("done", {TAG[name]: ["5"]})
        assert "lisi" in listed(portal, name) and "alice" not in listed(portal, name)

    def test_command_and_page_tell_it(self, portal, name):
        done = portal.test_cli_runner().invoke(args=["sync", name])
        assert f"warning: {TAG[name].replace('_', ' ')}: 5" in done.stdout
        admin = sign_in_administrator(portal)
        admin.post_form("/admin/directory/sync", element=name)
        with portal.app_context():
            jobs.run_queued_sync(name)
        shown = {FEISHU: "User groups in the app", WECOM: "Tags in the app"}[name]
        assert shown in admin.get("/admin/directory").text
        chinese = {FEISHU: "用户组", WECOM: "标签"}[name]
        assert chinese in admin.get("/admin/directory", headers={"Accept-Language": "zh"}).text


@both_platforms
@pytest.mark.usefixtures("reach")
def test_departments_of_a_group_that_cannot_be_read_are_one_warning(portal, sandbox, name):
    nobody = {"code": 0, "msg": "success", "data": {"has_more": False, "memberlist": []}}
    gone = {"has_more": False, "memberlist": [{"member_id": "od-gone1"}, {"member_id": "od-gone2"}]}
    answers = {
        FEISHU: [nobody, {"code": 0, "msg": "success", "data": gone}],
        WECOM: [{"errcode": 0, "errmsg": "ok", "userlist": [], "partylist": [404, 405]}],
    }
    for body in answers[name]:
        sandbox.fail(CALLS[name], body=body)
    run = run_sync(portal, name)
    assert (run.state, run.report["warnings"]) == ("done", {TAG[name]: ["5"]})
    assert "lisi" in listed(portal, name) and "alice" not in listed(portal, name)


@both_platforms
@pytest.mark.usefixtures("reach")
def test_a_platform_that_is_busy_is_a_failure_and_no_warning(portal, sandbox, name, monkeypatch):
    monkeypatch.setattr("portal.providers.survey.calculate_wait", lambda error, waits: 0)
    sandbox.fail(CALLS[name], body=BUSY[name], count=99)
    run = run_sync(portal, name)
    assert (run.state, run.failure[0]) == ("failed", 50300)


@pytest.mark.parametrize("answer", [{"body": {"errcode": 48002, "errmsg": "x"}}, {"status": 404, "body": "no"}])
def test_a_range_wecom_does_not_tell_is_a_warning(portal, sandbox, answer):
    sandbox.app(**APPS[WECOM], contact_range={"departments": ["3"], "users": ["lisi"]})
    sandbox.fail("/cgi-bin/agent/get", count=99, **answer)
    run = run_sync(portal, WECOM)
    assert (run.state, run.report["warnings"]) == ("done", {"unread_range": ["1000002"]})
    assert listed(portal, WECOM) == {"wangwu", "bob", "carol", "sunqi", "zhouba"}


def test_an_app_that_sees_all_of_the_company_is_not_asked_for_its_range(portal, sandbox):
    run_sync(portal, WECOM)
    assert sandbox.calls("/cgi-bin/agent/get") == []


def test_people_of_a_range_who_are_gone_are_not_listed(portal, sandbox):
    sandbox.app(**APPS[WECOM], contact_range={"departments": [], "users": ["lisi", "alice"]})
    sandbox.person("wecom", "alice", resign=True)
    run = run_sync(portal, WECOM)
    assert (run.state, listed(portal, WECOM)) == ("done", {"lisi"})


@both_databases
@both_platforms
class TestNobodyIsLeft:
    """The only people of an app's range, by themselves or by a group, are not listed any more."""

    @pytest.fixture(params=["users", "groups"])
    def browser(self, request, portal, sandbox, name):
        browser = sign_in_person(portal, name, "alice")
        sandbox.group(PROVIDERS[name], "5", users=["alice"])
        only = {request.param: {"users": ["alice"], "groups": ["5"]}[request.param]}
        sandbox.app(**APPS[name], contact_range={"departments": [], "users": [], "groups": [], **only})
        assert run_sync(portal, name).state == "done"
        assert listed(portal, name) == {"alice"}
        return browser

    def test_whoever_has_left_is_out(self, portal, sandbox, name, browser):
        sandbox.person(PROVIDERS[name], "alice", resign=True)
        run = run_sync(portal, name)
        assert (run.state, run.counts["left"]) == ("done", 1)
        assert browser.session().status_code == 401

    def test_whoever_is_out_of_sight_keeps_all(self, portal, sandbox, name, browser):
        sandbox.app(**APPS[name], contact_range={"departments": [], "users": [], "groups": []})
        run = run_sync(portal, name)
        assert (run.state, run.counts["out_of_sight"]) == ("done", 1)
        assert browser.session().status_code == 200
