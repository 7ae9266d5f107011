"""Findings at an element, whatever its platform."""

import pytest
from support.authority import Authority, serve_https
from support.doctor import Stories

from portal.elements.doctor.element import Doctor

FEISHU_TOKEN = "/open-apis/auth/v3/app_access_token/internal"
STORIES = Stories("element")


@STORIES.add
def tell_of_waits(doctor):
    doctor.elements.feishu(appSecret="old")
    yield
    doctor.elements.feishu()


@STORIES.add
def tell_of_broken(doctor):
    doctor.elements.feishu(appId="")
    yield
    doctor.elements.feishu()


@STORIES.add
def tell_of_off(doctor):
    doctor.elements.feishu(isActive=False)
    yield
    doctor.elements.feishu()


@STORIES.add
def tell_of_own_type(doctor):
    doctor.write_own_type("    pass\n")
    yield
    doctor.write_own_type("    class doctor(Meta.doctor):\n        checks = {'usable': 'Settings'}\n")


@STORIES.add
def tell_of_own_code(doctor):
    checks = "        checks = {'usable': 'Settings', 'mine': 'My platform'}\n"
    doctor.write_own_type(
        f"    class doctor(Meta.doctor):\n{checks}\n        def check_mine(self):\n            raise KeyError('x')\n"
    )
    yield
    doctor.write_own_type(
        f"    class doctor(Meta.doctor):\n{checks}\n        def check_mine(self):\n            return []\n"
    )


@STORIES.add
def tell_of_unreachable(doctor):
    doctor.sandbox.fail(FEISHU_TOKEN, status=503, body="<h1>Bad gateway</h1>")
    yield


@STORIES.add
def tell_of_certificate_untrusted(doctor):
    authority = Authority(doctor.elements.folder)
    with serve_https(doctor.sandbox.port, authority.certify()) as url:
        doctor.elements.feishu(openBaseUrl=url)
        yield
        doctor.environ.setenv("SSL_CERT_FILE", str(authority.file))
        yield


def serve_bad_certificate(doctor, bad):
    authority = Authority(doctor.elements.folder)
    doctor.environ.setenv("SSL_CERT_FILE", str(authority.file))
    with serve_https(doctor.sandbox.port, authority.certify(**bad)) as url:
        doctor.elements.feishu(openBaseUrl=url)
        yield
    with serve_https(doctor.sandbox.port, authority.certify()) as url:
        doctor.elements.feishu(openBaseUrl=url)
        yield


@STORIES.add
def tell_of_certificate_expired(doctor):
    return serve_bad_certificate(doctor, {"days": -1})


@STORIES.add
def tell_of_certificate_host(doctor):
    return serve_bad_certificate(doctor, {"address": "127.0.0.2"})


@STORIES.add
def tell_of_authorities(doctor):
    doctor.environ.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    yield
    doctor.environ.delenv("REQUESTS_CA_BUNDLE")


@STORIES.add
def tell_of_tls(doctor):
    with serve_https(doctor.sandbox.port) as url:
        doctor.elements.feishu(openBaseUrl=url)
        yield
    doctor.elements.feishu()


@STORIES.add
def tell_of_proxy(doctor):
    doctor.elements.feishu(httpProxy="http://127.0.0.1:9")
    yield
    doctor.elements.feishu()


@STORIES.add
def tell_of_busy(doctor):
    doctor.change_feishu(rate=0)
    yield
    doctor.change_feishu(rate=None)


@STORIES.add
def tell_of_refused(doctor):
    doctor.sandbox.fail(FEISHU_TOKEN, body={"code": 424242, "msg": "hidden <b>text</b>"})
    yield


@STORIES.add
def tell_of_token_refused(doctor):
    doctor.sandbox.fail("/open-apis/contact/v3/scopes", count=2, body={"code": 99991663, "msg": "Invalid access token"})
    yield


@STORIES.add
def tell_of_clock(doctor):
    doctor.sandbox.clock(120)
    yield
    doctor.sandbox.clock(-120)


@STORIES.add
def tell_of_clock_unknown(doctor):
    token = {"code": 0, "app_access_token": "t-1", "tenant_access_token": "t-1", "expire": 7200}
    doctor.sandbox.fail(FEISHU_TOKEN, body=token, headers={"Date": "yesterday"})
    yield


@pytest.mark.parametrize("name", STORIES)
def test_a_finding_shows_and_is_gone_after_its_remedy(doctor, name):
    STORIES.run(doctor, name)


def test_every_finding_has_its_story():
    assert set(STORIES) == set(Doctor.advice)
