"""`syncUserInfo` and `syncDepartmentInfo`: what the platform's directory says, stored."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from support.portal_app import both_databases

from portal.clocks import now
from portal.database import db
from portal.errors import Code
from portal.models import Account, AuditEvent, Department, FSInnerAuthModel, Identity, LoginSession, QywxInnerAuthModel

pytestmark = both_databases
READS = {"FSInnerExample": "/open-apis/contact/v3/users/*", "QywxInnerExample": "/cgi-bin/user/get"}
MODELS = {"FSInnerExample": FSInnerAuthModel, "QywxInnerExample": QywxInnerAuthModel}


@pytest.fixture(params=["FSInnerExample", "QywxInnerExample"])
def element(request, portal):
    with portal.app_context():
        yield portal.getElement(f"auths.loginTypes.{request.param}")


def stored(element):
    db.session.expire_all()
    return db.session.scalars(db.select(Identity).where(Identity.provider == element.provider)).one()


def reads(element, sandbox):
    return len(sandbox.calls(READS[element.name]))


class TestPeople:
    def test_somebody_unknown_is_fetched_and_stored(self, element, sandbox):
        assert element.syncUserInfo("zhangsan") is None
        person = stored(element)
        assert type(person) is MODELS[element.name]
        assert (person.userId, person.name, person.position, person.status) == ("zhangsan", "张三", "工程师", 1)
        assert person.department
        assert person.isLeader is False
        assert (person.accessToken, person.refreshToken, person.expiresAt) == (None, None, None)
        assert now() - person.createdAt < timedelta(minutes=1)
        assert now() - person.updatedAt < timedelta(minutes=1)

    def test_somebody_refreshed_within_a_day_is_left_alone(self, element, sandbox):
        element.syncUserInfo("zhangsan")
        sandbox.person(element.provider, "zhangsan", name="张三丰")
        element.syncUserInfo("zhangsan")
        assert stored(element).name == "张三"
        assert reads(element, sandbox) == 1

    def test_unless_it_is_forced_or_a_day_has_passed(self, element, sandbox):
        element.syncUserInfo("zhangsan")
        sandbox.person(element.provider, "zhangsan", name="张三丰")
        element.syncUserInfo(userId="zhangsan", forceUpdate=True)
        assert stored(element).name == "张三丰"
        sandbox.person(element.provider, "zhangsan", name="张四")
        db.session.execute(update(Identity).values(contact_at=now() - timedelta(hours=25)))
        db.session.commit()
        element.syncUserInfo("zhangsan")
        assert stored(element).name == "张四"

    def test_a_login_finds_what_was_synced(self, element, portal, sandbox):
        element.syncUserInfo("zhangsan")
        client = portal.test_client()
        assert client.sign_in(element.name).status_code == 303
        assert stored(element).account.username == "zhangsan"

    def test_somebody_who_does_not_exist_is_60111_and_nobody_is_stored(self, element):
        with pytest.raises(Code) as error:
            element.syncUserInfo("nosuchperson")
        assert error.value.code == 60111
        assert db.session.query(Identity).count() == 0

    def test_who_has_left_is_unbound_at_once_and_their_account_is_free(self, element, portal, sandbox):
        client = portal.test_client()
        client.sign_in(element.name)
        sandbox.person(element.provider, "zhangsan", resign=True)
        element.syncUserInfo("zhangsan", forceUpdate=True)
        person = stored(element)
        assert (person.status, person.account_id, person.last_account_id) == (2, None, 1)
        assert db.session.query(LoginSession).one().ended_why == "left"
        assert client.session().status_code == 401
        assert db.session.query(Account).one().active
        assert db.session.query(AuditEvent).filter_by(action="binding.end").one().identity_id == person.id

    def test_who_is_frozen_keeps_the_account_and_loses_the_session(self, element, portal, sandbox):
        client = portal.test_client()
        client.sign_in(element.name)
        sandbox.person(element.provider, "zhangsan", freeze=True)
        element.syncUserInfo("zhangsan", forceUpdate=True)
        person = stored(element)
        assert (person.status, person.account_id) == (3, 1)
        assert client.session().status_code == 401

    def test_a_platform_that_fails_changes_nothing(self, element, sandbox):
        element.syncUserInfo("zhangsan")
        sandbox.fail(READS[element.name], count=3, status=500, body="down")
        with pytest.raises(Code) as error:
            element.syncUserInfo("zhangsan", forceUpdate=True)
        assert error.value.code == 50300
        assert stored(element).status == 1

    @pytest.mark.parametrize("user_id", ["", ".", "..", "../departments/0", "a/b", "a?b=c"])
    def test_an_id_that_would_be_another_address_is_nobodys(self, element, user_id):
        with pytest.raises(Code) as error:
            element.getUserInfo(user_id)
        assert error.value.code == 60111


def test_one_id_in_two_companies_is_two_people(portal, elements, make_portal, sandbox):
    """Each company's own row is found fresh, in any spelling, and only theirs is touched when they leave."""
    sandbox.app("wecom", corpid="wwsandbox00000009", agentid="1000002", secret="other")
    elements.wecom("Other", corpId="wwsandbox00000009", corpSecret="other")
    portal = make_portal()
    with portal.app_context():
        both = [portal.getElement(f"auths.loginTypes.{name}") for name in ("QywxInnerExample", "Other")]
        for element in both:
            element.syncUserInfo("zhangsan")
        sandbox.forget_calls()
        for element in both:
            element.syncUserInfo("ZhangSan")
        assert sandbox.calls("/cgi-bin/user/get") == []
        sandbox.fail("/cgi-bin/user/get", body={"errcode": 60111, "errmsg": "x"})
        both[1].syncUserInfo("zhangsan", forceUpdate=True)
        states = {row.tenant: row.status for row in db.session.query(Identity)}
        assert states == {"wwsandbox00000001": 1, "wwsandbox00000009": 2}


class TestFeishuPeople:
    @pytest.fixture
    def feishu(self, portal):
        with portal.app_context():
            yield portal.getElement("auths.loginTypes.FSInnerExample")

    def test_every_id_of_a_person_finds_the_same_row(self, feishu, sandbox):
        feishu.syncUserInfo("zhangsan")
        person = stored(feishu)
        for user_id in (person.subject, person.open_ids["FSInnerExample"]):
            feishu.syncUserInfo(user_id)
        assert reads(feishu, sandbox) == 1
        feishu.syncUserInfo(person.subject, forceUpdate=True)
        assert stored(feishu).id == person.id

    def test_without_knowing_the_company_nobody_is_stored_and_the_remedy_is_named(self, feishu, sandbox):
        sandbox.app("feishu", app_id="cli_5a4db0c5a4db0c01", drop_permissions=["tenant:tenant:readonly"])
        with pytest.raises(Code) as error:
            feishu.syncUserInfo("zhangsan")
        assert error.value.code == 60020
        assert "tenantKeys" in error.value.reason
        assert feishu.getUserInfo("zhangsan")["name"] == "张三"

    def test_once_somebody_has_signed_in_the_company_is_known(self, feishu, portal, sandbox):
        sandbox.app("feishu", app_id="cli_5a4db0c5a4db0c01", drop_permissions=["tenant:tenant:readonly"])
        portal.test_client().sign_in("FSInnerExample", "lisi")
        feishu.syncUserInfo("zhangsan")
        assert {row.tenant for row in db.session.query(Identity)} == {db.session.query(Identity).first().tenant}
        assert db.session.query(Identity).count() == 2


class TestDepartments:
    def rows(self):
        return {row.dept_id: row for row in db.session.query(Department)}

    def test_the_whole_tree(self, element):
        assert element.syncDepartmentInfo() is None
        rows = self.rows()
        assert "2" in rows and len(rows) >= 7
        assert all(row.name for row in rows.values())
        roots = {"FSInnerExample": {"0"}, "QywxInnerExample": {"0"}}[element.name]
        assert {row.parent_id for row in rows.values()} <= set(rows) | roots

    def test_one_department(self, element):
        element.syncDepartmentInfo(deptId="2")
        assert list(self.rows()) == ["2"]

    def test_one_department_removes_no_other(self, element):
        element.syncDepartmentInfo()
        before = set(self.rows())
        element.syncDepartmentInfo("2")
        assert set(self.rows()) == before

    def test_a_whole_tree_removes_what_is_gone(self, element):
        with_ghost = Department(provider=element.provider, tenant=element.tenant(), dept_id="ghost", name="x")
        db.session.add(with_ghost)
        db.session.commit()
        element.syncDepartmentInfo()
        assert "ghost" not in self.rows()

    def test_an_incomplete_tree_removes_nothing(self, element, sandbox):
        element.syncDepartmentInfo()
        before = set(self.rows())
        for path in ("/open-apis/contact/v3/departments/*", "/cgi-bin/department/list"):
            sandbox.fail(path, count=3, status=502, body="x")
        with pytest.raises(Code):
            element.syncDepartmentInfo()
        assert set(self.rows()) == before

    def test_an_unknown_department_is_60111(self, element):
        with pytest.raises(Code) as error:
            element.syncDepartmentInfo("424242")
        assert error.value.code == 60111

    def test_names_and_leaders_are_told_at_the_next_login(self, element, portal):
        element.syncDepartmentInfo()
        element.syncUserInfo("lisi")
        person = element.getUserInfo("lisi")
        assert person["isLeader"] is True
        assert all(row["name"] for row in person["departments"])
        assert any(row["isLeader"] for row in person["departments"])
        assert element.getUserInfo("zhangsan")["isLeader"] is False


class TestFeishuDepartments:
    @pytest.fixture
    def feishu(self, portal):
        with portal.app_context():
            yield portal.getElement("auths.loginTypes.FSInnerExample")

    def test_a_smaller_range_is_read_from_its_own_roots(self, feishu, sandbox):
        sandbox.app("feishu", app_id="cli_5a4db0c5a4db0c01", contact_range={"departments": ["2"], "users": []})
        feishu.syncDepartmentInfo()
        rows = {row.dept_id for row in db.session.query(Department)}
        assert "2" in rows and "3" in rows and "1" not in rows

    def test_pages_that_do_not_end_are_an_error(self, feishu, sandbox):
        feishu.tenant()
        page = {"code": 0, "msg": "success", "data": {"has_more": True, "page_token": "again", "items": []}}
        sandbox.fail("/open-apis/contact/v3/departments/*", count=9, body=page)
        with pytest.raises(Code) as error:
            feishu.syncDepartmentInfo()
        assert error.value.code == 50300
