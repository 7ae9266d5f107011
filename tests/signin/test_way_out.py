"""Forward proxies and private certificate authorities.

The doctor names what is wrong with them.
"""

import pytest
from support.authority import Authority, serve_https
from support.forward_proxy import run_forward_proxy

from jit.errcode import Code
from portal.elements import doctor
from portal.providers import breaker, causes, http

NAMES = {"feishu": "FSInnerExample", "wecom": "QywxInnerExample"}
PLATFORM = {"feishu": "/open-apis/", "wecom": "/cgi-bin/"}
BASES = {"feishu": "openBaseUrl", "wecom": "apiBaseUrl"}
both_platforms = pytest.mark.parametrize("platform", ["feishu", "wecom"])


@pytest.fixture(autouse=True)
def clear_environment(monkeypatch):
    """Clear the machine's settings and the failures of earlier tests."""
    for name in causes.AUTHORITIES:
        monkeypatch.delenv(name, raising=False)
    http._transports.clear()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def serve_over_https(elements, sandbox, authority):
    """Return a function that puts https before an element's sandbox."""
    opened = []

    def begin(platform, certificate, **more):
        front = serve_https(sandbox.port, certificate)
        opened.append(front)
        url = front.__enter__()
        getattr(elements, platform)(**{BASES[platform]: url}, **more)
        return url

    yield begin
    for front in opened:
        front.__exit__(None, None, None)


def examine(portal, platform):
    with portal.app_context():
        return {finding.name: finding for finding in doctor.examine(portal.elements.instances[NAMES[platform]])}


class TestForwardProxy:
    @both_platforms
    def test_every_call_of_login_and_directory_uses_the_proxy(self, elements, make_portal, sandbox, platform):
        with run_forward_proxy() as proxy:
            getattr(elements, platform)(httpProxy=proxy.url)
            portal = make_portal()
            assert portal.test_client().sign_in(NAMES[platform]).status_code == 303
            with portal.app_context():
                element = portal.getElement(f"auths.loginTypes.{NAMES[platform]}")
                element.syncUserInfo("lisi", forceUpdate=True)
                element.syncDepartmentInfo()
        calls = [call for call in sandbox.calls(f"{PLATFORM[platform]}*") if "authorize" not in call["path"]]
        assert len(calls) > 4
        asked = [line.split()[1].partition("?")[0] for line in proxy.asked]
        assert asked == [f"{sandbox.url}{call['path']}" for call in calls]

    @pytest.mark.parametrize("dialect", ["v2", "oidc", "v1", "passport", "v3"])
    def test_feishu_uses_the_proxy_in_every_dialect(self, elements, make_portal, sandbox, dialect):
        with run_forward_proxy() as proxy:
            elements.feishu(httpProxy=proxy.url, tokenDialect=dialect)
            client = make_portal().test_client()
            address = client.scan()
            sandbox.forget_calls()
            assert client.get(address).status_code == 303
        assert len(proxy.asked) == len(sandbox.calls()) > 1

    @both_platforms
    def test_https_uses_the_proxy_as_a_tunnel(self, serve_over_https, make_portal, authority, platform, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        with run_forward_proxy() as proxy:
            url = serve_over_https(platform, authority.certify(), httpProxy=proxy.url)
            assert make_portal().test_client().sign_in(NAMES[platform]).status_code == 303
        assert {line.split()[0] for line in proxy.asked} == {"CONNECT"}
        assert {line.split()[1] for line in proxy.asked} == {url.removeprefix("https://")}

    @both_platforms
    def test_without_the_key_no_proxy_is_used(self, client, platform, monkeypatch):
        with run_forward_proxy() as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            element = client.application.elements.instances[NAMES[platform]]
            with client.application.app_context():
                element.getAccessToken()
        assert proxy.asked == []

    @both_platforms
    def test_the_doctor_names_a_proxy_that_is_down(self, elements, make_portal, platform):
        getattr(elements, platform)(httpProxy="http://127.0.0.1:9")
        findings = examine(make_portal(), platform)
        assert "proxy" in findings and "unreachable" not in findings

    @both_platforms
    def test_a_proxy_that_is_down_stops_its_own_element_only(self, elements, make_portal, platform):
        add = getattr(elements, platform)
        add("Behind", httpProxy="http://127.0.0.1:9")
        portal = make_portal()
        with portal.app_context():
            for _ in range(breaker.FAILURES + 1):
                with pytest.raises(Code):
                    portal.getElement("auths.loginTypes.Behind").directory_client().fetch_app_token()
            assert portal.getElement(f"auths.loginTypes.{NAMES[platform]}").getAccessToken()

    @both_platforms
    @pytest.mark.parametrize(
        "value", ["proxy:3128", "socks5://proxy:1080", "http://", "http://proxy:x", "http://proxy/path", 5, True]
    )
    def test_a_wrong_proxy_address_breaks_the_element(self, elements, make_portal, platform, value):
        getattr(elements, platform)(httpProxy=value)
        with pytest.raises(Code, match="httpProxy must be") as error:
            make_portal().getElement(f"auths.loginTypes.{NAMES[platform]}")
        assert error.value.code == 47001


class TestAuthorities:
    @both_platforms
    @pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
    def test_a_private_authority_is_trusted_if_a_variable_names_it(
        self, serve_over_https, make_portal, authority, platform, name, monkeypatch
    ):
        serve_over_https(platform, authority.certify())
        client = make_portal().test_client()
        assert client.sign_in(NAMES[platform]).status_code == 503
        http._transports.clear()
        monkeypatch.setenv(name, str(authority.file))
        assert client.sign_in(NAMES[platform]).status_code == 303

    @both_platforms
    @pytest.mark.parametrize(
        ("address", "days", "name", "words"),
        [
            ("127.0.0.1", 1, "certificate_untrusted", "is not trusted"),
            ("127.0.0.1", -1, "certificate_expired", "has expired"),
            ("127.0.0.2", 1, "certificate_host", "is for another host"),
        ],
    )
    def test_the_doctor_says_what_is_wrong_with_a_certificate(
        self, serve_over_https, make_portal, authority, platform, address, days, name, words, monkeypatch
    ):
        url = serve_over_https(platform, authority.certify(address, days))
        if name != "certificate_untrusted":
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
        portal = make_portal()
        for _ in range(breaker.FAILURES + 2):  # also while calls to the platform are paused after many failures
            findings = examine(portal, platform)
            assert "unreachable" not in findings and words in findings[name].cause
            assert url.removeprefix("https://") in findings[name].cause

    @both_platforms
    def test_the_doctor_names_a_server_without_tls(self, serve_over_https, make_portal, platform):
        serve_over_https(platform, None)
        assert "tls" in examine(make_portal(), platform)

    @both_platforms
    @pytest.mark.parametrize("content", [None, b"", b"no certificate at all"])
    def test_a_file_without_certificate_is_named_and_breaks_no_page(
        self, serve_over_https, make_portal, authority, platform, content, tmp_path, monkeypatch
    ):
        serve_over_https(platform, authority.certify())
        if content is not None:
            (tmp_path / "ca.pem").write_bytes(content)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        portal = make_portal()
        assert portal.test_client().sign_in(NAMES[platform]).status_code == 503
        assert "authorities" in examine(portal, platform)
