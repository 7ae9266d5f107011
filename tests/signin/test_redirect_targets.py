"""The targets of logins, and the portal's own addresses."""

import pytest
from support.portal_app import parse_query

BAD = [
    "https://evil.example/",
    "http://evil.example",
    "//evil.example/a",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " /account",
    "javascript:alert(1)",
    "data:text/html,x",
    "account",
    "/%09/evil.example",
    "/%2f%2fevil.example/%5c",
    "/%5cevil.example",
    "/%252f/evil.example%00",
    "%2f%2fevil.example",
    "/a%0d%0aSet-Cookie:x=1",
    "/\x00",
    "/" + "a" * 3000,
    "/.//evil.example",
    "/./%2fevil.example",
    "/..//evil.example",
    "/a/..//evil.example",
    "/a//b",
    "/a%2f%2fb",
    "/%2e%2f%2fevil.example",
    "/a%5cb",
    "/a%255cb",
    "/a%00",
    "/a%250a",
    "/%25252fevil.example",
    "/%2525252525255cevil.example",
    "/%2525252e%25252f/evil.example",
    "/%" + "25" * 900 + "2f",
    "/a\x85b",
    "/\u202e",
    "/account?q=a\nb",
    "/account?q=a\x00",
]
GOOD = [
    "/account",
    "/account?a=1&b=%E4%B8%AD",
    "/account#top",
    "/a/b/../c",
    "/?x=/y",
    "/%E4%B8%AD",
    "/files/My%20plan",
    "/admin/bindings?status=bound&q=zhang",
    "/admin/bindings?q=Li%20Ming",
    "/admin/bindings?q=Li+Ming",
    "/admin/bindings?q=a%5Cb%22%27%3C",
    "/admin/bindings?q=a%2Fb%26c%3Dd%25",
    "/admin/bindings?q=%e5%BC%a0",
    "/admin/bindings?q=//evil.example",
    "/admin/bindings?next=https://evil.example/",
    "/admin/bindings?q=%00%0A",
]
WRITTEN = {  # a path as somebody typed it -> as it stands in a header
    "/admin/bindings?q=Li Ming": "/admin/bindings?q=Li%20Ming",
    "/admin/bindings?q=a\\b": "/admin/bindings?q=a%5Cb",
    '/admin/bindings?q="a"': "/admin/bindings?q=%22a%22",
    "/admin/bindings?q=张伟": "/admin/bindings?q=%E5%BC%A0%E4%BC%9F",
    "/admin/bindings?q=张\u3000伟": "/admin/bindings?q=%E5%BC%A0%E3%80%80%E4%BC%9F",
    "/files/My plan": "/files/My%20plan",
}


def test_a_target_that_could_lead_away_is_ignored(client):
    for next in BAD:
        assert client.get(client.scan(next=next)).location == "/account", next
        assert client.get("/login", query_string={"next": next}).location == "/account", next


def test_a_path_of_ours_is_kept(client):
    for next in GOOD:
        assert client.get(client.scan(next=next)).location == next
        assert client.get("/login", query_string={"next": next}).location == next


def test_a_path_with_escaped_characters_is_kept(client):
    client.sign_in()
    targets = {next: client.get("/login", query_string={"next": next}).location for next in WRITTEN}
    assert targets == WRITTEN


def test_the_target_stays_here_and_is_not_sent_to_the_platform(client):
    assert "secret-page" not in client.start("FSInnerExample", next="/secret-page")


def test_a_target_cannot_be_changed_on_the_way_back(client):
    address = client.scan(next="/account?mine")
    assert client.get(f"{address}&next=/other").location == "/account?mine"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "[::1", "", "@"])
@pytest.mark.parametrize("path", ["/", "/login", "/account", "/api/session", "/static/favicon.svg", "/nothing"])
def test_another_host_is_refused(client, path, host):
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 400
    assert "evil.example" not in answer.text
    assert "Location" not in answer.headers


UNREADABLE = ["a..b", ".example", "127.0.0.1..", "x" * 64]


@pytest.mark.parametrize("host", UNREADABLE)
def test_an_impossible_host_name_is_refused_as_well(client, caplog, host):
    for path in ("/login", "/api/session", "/static/favicon.svg", "/nothing"):
        answer = client.get(path, headers={"Host": host})
        assert (answer.status_code, answer.headers["Cache-Control"]) == (400, "no-store"), path
    assert repr(host) in caplog.text
    assert client.get("/healthz", headers={"Host": host}).json == {"status": "ok"}


def test_forwarded_headers_count_for_nothing_unless_a_proxy_is_configured(client, base, make_portal):
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    answer = client.get("/login/FSInnerExample", headers=forged)
    assert parse_query(answer.location)["redirect_uri"] == f"{base}/login/FSInnerExample/callback"
    behind = make_portal(PORTAL_TRUSTED_PROXIES="1").test_client()
    assert behind.get("/login", headers={"X-Forwarded-Host": "evil.example"}).status_code == 400
    assert behind.get("/login", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 200


def test_addresses_of_visitors_are_taken_from_configured_proxies_alone(make_portal):
    from portal.database import db
    from portal.models import AuditEvent

    for proxies, address in (("0", "127.0.0.1"), ("1", "203.0.113.9")):
        portal = make_portal(PORTAL_TRUSTED_PROXIES=proxies)
        client = portal.test_client()
        client.get(client.scan(), headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"})
        with portal.app_context():
            last = db.session.scalars(db.select(AuditEvent).order_by(AuditEvent.id.desc())).first()
            assert last.address == address


def test_an_unexpected_forwarded_header_is_reported_once(client, caplog):
    for _ in range(3):
        client.get("/login", headers={"X-Forwarded-For": "203.0.113.9"})
    warnings = [record for record in caplog.records if "PORTAL_TRUSTED_PROXIES" in record.message]
    assert len(warnings) == 1


class TestHostsOfOneName:
    """Proxies and browsers write one host in several ways."""

    @pytest.fixture
    def base(self):
        return "https://login.example.com"

    @pytest.mark.parametrize(
        ("base_url", "host", "status"),
        [
            ("https://login.example.com", "LOGIN.example.com", 200),
            ("https://login.example.com", "Login.Example.Com:443", 200),
            ("https://login.example.com", "login.example.com:8443", 400),
            ("https://login.example.com", "login.example.com:x", 400),
            ("https://login.example.com", "user@login.example.com", 400),
            ("https://login.example.com", "www.login.example.com", 400),
            ("https://login.example.com:8443", "LOGIN.example.com:8443", 200),
            ("https://login.example.com:8443", "login.example.com", 200),
            ("https://login.example.com:8443", "login.example.com:443", 200),
            ("https://login.example.com:8443", "login.example.com:8444", 400),
            ("http://portal.lan", "PORTAL.lan:80", 200),
            ("http://[fd00::1]:8000", "[FD00::1]:8000", 200),
            ("http://[fd00::1]:8000", "[fd00::2]:8000", 400),
        ],
    )
    def test_capitals_and_the_usual_port_make_no_difference(self, make_portal, elements, base_url, host, status):
        elements.wecom(redirectUri=f"{base_url}/cb")
        client = make_portal(PORTAL_BASE_URL=base_url).test_client()
        assert client.get("/login", headers={"Host": host}).status_code == status

    def test_the_log_names_the_host_received_and_the_one_expected(self, client, caplog):
        client.get("/login", headers={"Host": "www.example.com:81"})
        [line] = [record.getMessage() for record in caplog.records if "www.example.com:81" in record.getMessage()]
        assert "'login.example.com'" in line
        assert "PORTAL_BASE_URL" in line


def test_the_other_names_of_this_machine_lead_to_our_address(client, base):
    answer = client.get("/login?via=x", base_url="http://localhost:8000")
    assert (answer.status_code, answer.location) == (307, f"{base}/login?via=x")
    assert client.post("/logout", base_url="http://localhost:8000").status_code == 400
    odd = client.get("/login/x%0d%0aSet-Cookie:y", base_url="http://localhost:8000")
    assert odd.location == f"{base}/login/x%0D%0ASet-Cookie:y"


def test_health_answers_under_any_host(client):
    for path in ("/healthz", "/readyz"):
        assert client.get(path, headers={"Host": "10.0.0.7:8000"}).json == {"status": "ok"}


class TestPublicAddress:
    @pytest.fixture
    def base(self):
        return "https://portal.example.com"

    def test_redirect_addresses_leave_out_the_usual_port(self, make_portal):
        portal = make_portal(PORTAL_BASE_URL="https://Portal.Example.com:443/")
        address = portal.test_client().start("FSInnerExample")
        assert parse_query(address)["redirect_uri"] == "https://portal.example.com/login/FSInnerExample/callback"

    @pytest.mark.parametrize("start", ["https://portal.example.com:443", "https://Portal.Example.com"])
    def test_a_redirect_address_may_be_spelled_otherwise_and_is_sent_as_written(self, elements, make_portal, start):
        elements.feishu(redirectUri=f"{start}/cb")
        address = make_portal().test_client().start("FSInnerExample")
        assert parse_query(address)["redirect_uri"] == f"{start}/cb"

    def test_a_redirect_address_elsewhere_breaks_its_element_alone(self, elements, make_portal):
        elements.wecom("Elsewhere", redirectUri="https://evil.example/api/auth/qywx/callback")
        elements.wecom("Port", redirectUri="https://portal.example.com:8443/cb")
        elements.wecom("Prefix", redirectUri="https://portal.example.com.evil.example/cb")
        client = make_portal().test_client()
        for name in ("Elsewhere", "Port", "Prefix"):
            assert client.get(f"/login/{name}").status_code == 500
        assert client.get("/login/QywxInnerExample").status_code == 302
