"""Findings at an element of Feishu."""

import pytest
from support.doctor import EMPTY_RANGE, Stories
from support.portal_app import FEISHU

from portal.elements.feishu.doctor.advice import ADVICE
from sandbox.feishu.gateway import WHOLE_CONTACT
from sandbox.feishu.model import EVERYTHING

STORIES = Stories("feishu")


@STORIES.add
def tell_of_credentials(doctor):
    doctor.elements.feishu(appSecret="old")
    yield
    doctor.elements.feishu()


@STORIES.add
def tell_of_app_off(doctor):
    doctor.change_feishu(disabled=True)
    yield
    doctor.change_feishu(disabled=False)


@STORIES.add
def tell_of_address(doctor):
    doctor.change_feishu(trusted_ip=False)
    yield
    doctor.change_feishu(trusted_ip=True)


def drop_permissions(*permissions):
    """Return a story of permissions that an app lacks."""

    def tell(doctor):
        doctor.change_feishu(drop_permissions=permissions)
        yield
        doctor.change_feishu(permissions=sorted(EVERYTHING))

    return tell


STORIES["contacts_forbidden"] = drop_permissions(*WHOLE_CONTACT)
STORIES["department_fields"] = drop_permissions("contact:department.organize:readonly")
STORIES["person_fields"] = drop_permissions("contact:user.employee:readonly")
STORIES["person_optional"] = drop_permissions("contact:user.phone:readonly")
STORIES["company_unknown"] = drop_permissions("tenant:tenant:readonly")


@STORIES.add
def tell_of_company_unlisted(doctor):
    yield
    doctor.elements.feishu(tenantKeys=["5a4db0c5a4db0c01"])


@STORIES.add
def tell_of_range_empty(doctor):
    doctor.change_feishu(contact_range=EMPTY_RANGE)
    yield
    doctor.change_feishu(contact_range=None)


@STORIES.add
def tell_of_range_partial(doctor):
    doctor.change_feishu(contact_range={"departments": ["2"], "users": []})
    yield
    doctor.change_feishu(contact_range=None)


@STORIES.add
def tell_of_person_unread(doctor):
    doctor.change_feishu(contact_range={"departments": ["6"], "users": []})
    doctor.sandbox.person("feishu", "carol", departments=["2"])
    yield
    doctor.sandbox.person("feishu", "carol", departments=["6"])


@STORIES.add
def tell_of_company_foreign(doctor):
    doctor.elements.feishu(tenantKeys=["somebody else's"])
    yield
    doctor.elements.feishu(tenantKeys=["somebody else's", "5a4db0c5a4db0c01"])


@STORIES.add
def tell_of_tokens_unrefreshed(doctor):
    doctor.elements.feishu(keepUserTokens=True)
    yield
    doctor.elements.feishu(keepUserTokens=True, scope="offline_access")


@STORIES.add
def tell_of_redirect_unproven(doctor):
    yield
    doctor.open_browser().sign_in(FEISHU)


@STORIES.add
def tell_of_redirect_refused(doctor):
    client = doctor.open_browser()
    doctor.sandbox.fail("/open-apis/authen/v2/oauth/token", body={"code": 20071, "error": "invalid_grant"})
    assert client.sign_in(FEISHU).status_code == 500
    yield
    client.sign_in(FEISHU)


@STORIES.add
def tell_of_home_unproven(doctor):
    yield
    client = doctor.open_browser()
    path = f"/api/auths/loginTypes/{FEISHU}"
    headers = {"X-CSRFToken": client.get("/api/csrf").json["csrfToken"]}
    state = client.post(f"{path}/getLoginConfig", json={"kind": "in_app"}, headers=headers).json["data"]["state"]
    sent = {"authCode": doctor.sandbox.code("feishu", "bob", source="requestAccess"), "state": state}
    assert client.post(f"{path}/getLoginCode", json=sent, headers=headers).json["errcode"] == 0


@pytest.mark.parametrize("name", STORIES)
def test_a_finding_shows_and_is_gone_after_its_remedy(doctor, name):
    STORIES.run(doctor, name)


def test_every_finding_has_its_story():
    assert set(STORIES) == set(ADVICE)
