"""WeCom's member ids are ASCII, and case does not matter.

Nothing else makes two of them one.
"""

import pytest
from sqlalchemy import select
from support.admin_client import open_database
from support.syncs import WECOM, list_people, run_sync

from portal.errors import Code
from portal.models import Identity

WHO, MEMBER, LIST = "/cgi-bin/auth/getuserinfo", "/cgi-bin/user/get", "/cgi-bin/user/list"
ALIKE = ["ſtaff", "ＳＴＡＦＦ", "\u212aate", "straße", "İnes", "员工"]  # a long s, full width, the Kelvin sign
ids = pytest.mark.parametrize("userid", ALIKE, ids=ascii)


def member(userid, **more):
    return {"errcode": 0, "errmsg": "ok", "userid": userid, "name": "王五", "status": 1, **more}


def subjects(portal):
    with open_database(portal) as session:
        return session.scalars(select(Identity.subject)).all()


def test_an_id_in_other_case_is_the_same_person(make_portal, sandbox):
    portal = make_portal(PORTAL_UNKNOWN_PEOPLE="create")
    for userid in ("Staff", "STAFF"):
        sandbox.fail(WHO, body={"errcode": 0, "errmsg": "ok", "userid": userid})
        sandbox.fail(MEMBER, body=member("staff"))
        assert portal.test_client().sign_in(WECOM).status_code == 303
    assert subjects(portal) == ["staff"]


@ids
def test_no_person_signs_in_by_an_id_that_is_not_ascii(make_portal, sandbox, userid):
    portal = make_portal(PORTAL_UNKNOWN_PEOPLE="create")
    sandbox.fail(WHO, body={"errcode": 0, "errmsg": "ok", "userid": userid})
    assert portal.test_client().sign_in(WECOM).status_code == 503
    assert subjects(portal) == [] and sandbox.calls(MEMBER) == []


@pytest.mark.parametrize(("asked", "answered"), [("staff", "ſtaff"), ("kate", "\u212aate"), ("strasse", "straße")])
def test_an_id_that_only_folds_alike_is_another_person(portal, sandbox, asked, answered):
    element = portal.getElement(f"auths.loginTypes.{WECOM}")
    sandbox.fail(MEMBER, body=member(answered))
    with portal.app_context(), pytest.raises(Code) as refusal:
        element.getUserInfo(asked)
    assert refusal.value.code == 50300


@ids
def test_the_platform_is_not_asked_for_an_impossible_id(portal, sandbox, userid):
    element = portal.getElement(f"auths.loginTypes.{WECOM}")
    with portal.app_context(), pytest.raises(Code) as refusal:
        element.getUserInfo(userid)
    assert refusal.value.code == 60111
    assert sandbox.calls(MEMBER) == []


def test_a_sync_leaves_out_people_without_a_usable_id(portal, sandbox):
    odd = [member(userid, name=f"odd{number}", department=[1]) for number, userid in enumerate(ALIKE)]
    sandbox.fail(LIST, body={"errcode": 0, "errmsg": "ok", "userlist": [*odd, member("staff", department=[1])]})
    run = run_sync(portal, WECOM)
    assert run.state == "done"
    assert set(list_people(portal, WECOM)) & {*ALIKE, "staff"} == {"staff"}
    assert set(run.report["warnings"]["unusable_person"]) == {f"odd{number}" for number in range(len(ALIKE))}


def test_a_stored_person_is_found_by_ascii_letters_alone(portal, sandbox):
    run_sync(portal, WECOM)
    element = portal.getElement(f"auths.loginTypes.{WECOM}")
    with portal.app_context():
        assert element.find_person("ZHANGSAN").user_id == "zhangsan"
        assert element.find_person("zhang\u017fan") is None
        assert element.find_person("ZHANG\u017fAN") is None
