"""Findings at an element of WeCom."""

from urllib.parse import urlsplit

import pytest
from support.doctor import EMPTY_RANGE, Stories
from support.portal_app import WECOM

from portal.elements.wecom.doctor.advice import ADVICE

PROOF = {"file": "WW_verify_abc123.txt", "content": "abc123"}
STORIES = Stories("wecom")


@STORIES.add
def tell_of_company_id(doctor):
    doctor.elements.wecom(corpId="wwsandbox00000009")
    yield
    doctor.elements.wecom()


@STORIES.add
def tell_of_secret(doctor):
    doctor.elements.wecom(corpSecret="old")
    yield
    doctor.elements.wecom()


@STORIES.add
def tell_of_app_off(doctor):
    doctor.change_wecom(disabled=True)
    yield
    doctor.change_wecom(disabled=False)


@STORIES.add
def tell_of_address(doctor):
    doctor.change_wecom(trusted_ip=False)
    yield
    doctor.change_wecom(trusted_ip=True)


@STORIES.add
def tell_of_contact_secret(doctor):
    doctor.elements.wecom(corpSecret="sandbox-contact-sync-secret")
    yield
    doctor.elements.wecom()


@STORIES.add
def tell_of_agent_id(doctor):
    doctor.elements.wecom(agentId="2000002")
    yield
    doctor.elements.wecom()


def forbid_calls(*calls):
    """Return a story of calls an app may not make."""

    def tell(doctor):
        doctor.change_wecom(drop_permissions=calls)
        yield
        doctor.change_wecom(dropped=[])

    return tell


STORIES["forbidden"] = forbid_calls("department/list")
STORIES["domain_unread"] = forbid_calls("agent/get")
STORIES["home_unproven"] = forbid_calls("agent/get")


@STORIES.add
def tell_of_range_empty(doctor):
    doctor.change_wecom(contact_range=EMPTY_RANGE)
    yield
    doctor.change_wecom(contact_range=None)


@STORIES.add
def tell_of_range_people(doctor):
    doctor.change_wecom(contact_range={"departments": [], "users": ["zhangsan"]})
    yield
    doctor.change_wecom(contact_range={"departments": ["2"], "users": ["zhangsan"]})


@STORIES.add
def tell_of_person_out_of_range(doctor):
    doctor.sandbox.fail("/cgi-bin/user/get", body={"errcode": 60011, "errmsg": "no privilege to access zhangsan"})
    yield


@STORIES.add
def tell_of_person_unread(doctor):
    doctor.change_wecom(contact_range={"departments": ["6"], "users": []})
    doctor.sandbox.person("wecom", "carol", departments=["2"])
    yield
    doctor.sandbox.person("wecom", "carol", departments=["6"])


@STORIES.add
def tell_of_person_optional(doctor):
    yield
    doctor.elements.wecom(scope="snsapi_privateinfo")


@STORIES.add
def tell_of_domain(doctor):
    doctor.change_wecom(trusted_domain="intranet.example.com")
    yield
    doctor.change_wecom(trusted_domain=urlsplit(doctor.base).netloc)


@STORIES.add
def tell_of_home(doctor):
    doctor.change_wecom(home_url="https://open.weixin.qq.com/connect/oauth2/authorize?appid=x")
    yield
    doctor.change_wecom(home_url=f"{doctor.base}/login/{WECOM}/in-app?from=workbench")


@STORIES.add
def tell_of_redirect_unproven(doctor):
    yield
    doctor.open_browser().sign_in(WECOM)


@STORIES.add
def tell_of_redirect_refused(doctor):
    client = doctor.open_browser()
    doctor.sandbox.fail("/cgi-bin/auth/getuserinfo", body={"errcode": 50001, "errmsg": "redirect_uri unauthorized"})
    assert client.sign_in(WECOM).status_code == 500
    yield
    client.sign_in(WECOM)


@STORIES.add
def tell_of_proof_unset(doctor):
    yield
    doctor.elements.wecom(domainVerification=PROOF)


@STORIES.add
def tell_of_proof_unreachable(doctor):
    doctor.elements.wecom(domainVerification=PROOF)
    yield
    doctor.serve(workers=1)


@STORIES.add
def tell_of_proof_wrong(doctor):
    server = doctor.serve(workers=1)
    doctor.elements.wecom(domainVerification=PROOF)
    yield
    server.process.terminate()
    server.process.wait(timeout=15)
    doctor.serve(workers=1)


@pytest.mark.parametrize("name", STORIES)
def test_a_finding_shows_and_is_gone_after_its_remedy(doctor, name):
    STORIES.run(doctor, name)


def test_every_finding_has_its_story():
    assert set(STORIES) == set(ADVICE)
