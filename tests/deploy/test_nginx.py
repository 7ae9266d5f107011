"""People sign in through nginx, which is configured by the file in `deploy/`."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from support import in_app_page, qr_page
from support.admin_client import open_database
from support.deployment import Nginx
from support.postgres import find_free_port
from support.sql import open_sql
from support.syncs import wait_for
from support.user_agents import FEISHU_CLIENT, WECOM_CLIENT

import app as portal_app
from portal.database import db
from portal.models import Application

pytest_plugins = ["support.chromium"]
pytestmark = [pytest.mark.nginx, pytest.mark.browser, pytest.mark.postgresql, pytest.mark.redis]

VISITOR = "127.0.0.7"
COOKIE = {"path": "/", "domain": "127.0.0.1", "secure": True, "httpOnly": True, "sameSite": "Lax"}
COMPRESSED = {"Accept-Encoding": "gzip"}
SPOOFED = {"X-Forwarded-For": "198.51.100.9", "Forwarded": "for=198.51.100.9", "X-Real-IP": "198.51.100.9"}


@pytest.fixture
def site(deployment):
    deployment.site.sandbox.reset()
    return deployment.site


@pytest.fixture
def open_page(browse, watch, sandbox_process):
    """Return a function that opens a page.

    The sandbox has no https, and Chromium says so of the picture in its QR frame.
    """
    watch.tolerated = (f"Mixed Content: The page at '{sandbox_process.site_url}/",)
    return lambda **options: browse(ignore_https_errors=True, **options)


def assert_cookies_are_for_this_host(page, site):
    held = {cookie["name"]: cookie for cookie in page.context.cookies(site.url)}
    assert set(held) == {"__Host-portal_visit", "__Host-portal_session"}
    for cookie in held.values():
        assert {key: cookie[key] for key in COOKIE} == COOKIE


@pytest.mark.parametrize("element", ["FSInnerExample", "QywxInnerExample"])
def test_a_login_by_redirect(site, open_page, element):
    page = open_page()
    site.sign_in(page, element)
    assert page.get_by_role("heading", level=1).inner_text() == "张三"
    assert_cookies_are_for_this_host(page, site)
    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{site.url}/login")


def test_a_login_by_qr_code(site, open_page):
    page = open_page()
    qr_page.open_login(page, site)
    site.sandbox.qr("scan", "bob")
    site.sandbox.qr("confirm")
    qr_page.expect_signed_in(page, site)
    assert_cookies_are_for_this_host(page, site)


@pytest.mark.parametrize(
    ("platform", "agent"),
    [("feishu", FEISHU_CLIENT["windows"]), ("wecom", WECOM_CLIENT["windows"])],
    ids=["feishu", "wecom"],
)
def test_a_login_inside_the_app(site, open_page, platform, agent):
    site.sandbox.client(platform, "bob")
    page = open_page(user_agent=agent)
    page.goto(site.url + in_app_page.HOME[platform])
    in_app_page.expect_signed_in(page, site)
    assert_cookies_are_for_this_host(page, site)


# Addresses


def test_the_address_on_record_is_the_visitors_whatever_it_sends(deployment, site):
    http = deployment.visit()
    assert deployment.sign_in(http, **SPOOFED).status_code == 303
    with open_sql(site.settings["PORTAL_DATABASE_URL"]) as sql:
        [session] = sql("SELECT address FROM login_session ORDER BY id DESC LIMIT 1")
        [entry] = sql("SELECT address FROM audit_event ORDER BY id DESC LIMIT 1")
    assert (session, entry) == ((VISITOR,), (VISITOR,))


def test_tries_count_by_the_address_that_nginx_has_seen(deployment, redis):
    """Both portals count together, and an invented address neither helps nor harms."""
    before = deployment.count_links()

    def try_link(http, invented):
        headers = {"X-Forwarded-For": invented, "X-Real-IP": invented, "Forwarded": f"for={invented}"}
        return deployment.get(http, "/login/once/wrong", headers=headers).status_code

    visitor, neighbour = deployment.visit(VISITOR), deployment.visit("127.0.0.8")
    statuses = [try_link(visitor, f"198.51.100.{number}, 127.0.0.8") for number in range(11)]
    assert statuses == [410] * 10 + [429]
    assert try_link(neighbour, VISITOR) == 410
    deployment.wait_for(lambda: sum(deployment.count_links()) == sum(before) + 12)
    pairs = zip(before, deployment.count_links(), strict=True)
    assert all(first < last for first, last in pairs), "one portal has answered all"


def test_a_visitor_can_not_pose_as_another_host_or_scheme(deployment):
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/evil"}
    answer = deployment.get(deployment.visit(), "/login", headers=headers)
    assert answer.status_code == 200
    assert "evil" not in answer.text
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_questions_of_other_proxies_arrive_as_they_are(deployment, site):
    """Proxies of applications may ask the gate through this one."""
    with open_database(portal_app.create_app(site.settings)) as session:
        session.add(Application(name="wiki", title="Wiki", hosts=["https://wiki.example.com"]))
        session.commit()
        session.remove()
        db.engine.dispose()
    question = {"X-Forwarded-Host": "wiki.example.com", "X-Forwarded-Uri": "/page", "X-Forwarded-Method": "GET"}
    headers = {**question, "X-Forwarded-Proto": "https", "Accept": "text/html"}
    answer = deployment.get(deployment.visit(), "/_portal/wiki/forward-auth", headers=headers)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "https://wiki.example.com/_portal/wiki/start?to=/page"


def test_plain_http_leads_to_https(deployment):
    port = re.search(r"listen 127.0.0.1:(\d+);", (deployment.nginx.folder / "portal.conf").read_text())[1]
    answer = deployment.visit().get(f"http://127.0.0.1:{port}/login?via=x", allow_redirects=False, timeout=30)
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://127.0.0.1/login?via=x")


def test_metrics_are_not_for_visitors(deployment):
    assert deployment.get(deployment.visit(), "/metrics").status_code == 404


# Answers


@pytest.mark.parametrize("kind", ["css/portal.css", "js/feishu-qr.js"])
def test_static_files_are_compressed_and_kept(deployment, kind):
    page = deployment.get(deployment.visit(), "/login").text
    http = deployment.visit()
    address = re.search(rf'"(/static/{kind}\?v=\w+)"', page)
    path = address[1] if address else f"/static/{kind}"
    answer = deployment.get(http, path, headers={**COMPRESSED, "Sec-Fetch-Site": "cross-site"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(("site_of_link", "encoding"), [(None, "gzip"), ("none", "gzip"), ("same-origin", "gzip")])
def test_pages_are_compressed(deployment, site_of_link, encoding):
    headers = {**COMPRESSED, **({"Sec-Fetch-Site": site_of_link} if site_of_link else {})}
    answer = deployment.get(deployment.visit(), "/login", headers=headers)
    assert answer.headers["Content-Encoding"] == encoding
    assert "csrf_token" in answer.text


@pytest.mark.parametrize("site_of_link", ["cross-site", "same-site"])
def test_pages_that_another_site_asks_for_are_not(deployment, site_of_link):
    answer = deployment.get(deployment.visit(), "/login", headers={**COMPRESSED, "Sec-Fetch-Site": site_of_link})
    assert "Content-Encoding" not in answer.headers


def test_a_body_larger_than_an_import_is_refused_by_nginx(deployment):
    http = deployment.visit()
    answer = http.post(f"{deployment.url}/language", data=b"x" * (10 * 1024 * 1024 + 1), timeout=60)
    assert answer.status_code == 413
    assert "nginx" in answer.text


# Logs


def test_no_log_holds_a_code_a_state_or_a_link(deployment, site):
    http, secrets = deployment.visit(), set()
    for element in ("FSInnerExample", "QywxInnerExample"):
        callback = deployment.scan(http, element)
        secrets |= {values[0] for values in parse_qs(urlsplit(callback).query).values()}
        assert deployment.get(http, callback).status_code == 303
        deployment.get(http, "/account", headers={"Referer": deployment.url + callback})
    link = site.one_time_link()
    secrets.add(link.rpartition("/")[2])
    assert deployment.get(http, urlsplit(link).path).status_code == 200
    wait_for(lambda: '"GET /login/once/- HTTP/1.1" 200 ' in deployment.nginx.read_logs())  # written after the answer
    logs = deployment.read_logs()
    assert len(secrets) > 4
    assert [secret for secret in secrets if secret in logs] == []
    in_json, in_text = (portal.access_log.read_text() for portal in deployment.portals)
    paths = [json.loads(line)["path"] for line in in_json.splitlines()]
    assert "/login/FSInnerExample/callback" in paths
    assert "GET /login/FSInnerExample/callback 303 " in in_text
    nginx_log = (deployment.nginx.folder / "portal.access.log").read_text()
    assert f"{VISITOR} [" in nginx_log
    assert '"GET /login/once/- HTTP/1.1" 200 ' in nginx_log


def test_a_code_that_meets_no_portal_is_in_no_log_either(deployment, tmp_path, site):
    lonely = Nginx(tmp_path, [find_free_port()], deployment.nginx.names["NGINX_CERTIFICATE"], find_free_port())
    try:
        lonely.start(find_free_port())
        callback = f"https://127.0.0.1:{lonely.port}/login/FSInnerExample/callback?code=canary-code&state=canary-state"
        for ask in (deployment.visit().get, deployment.visit().post):
            answer = ask(callback, timeout=60)
            assert answer.status_code == 502
            assert "登录门户没有应答" in answer.text
            assert "canary" not in answer.text
        for method in ("GET", "POST"):
            line = f'"{method} /login/FSInnerExample/callback HTTP/1.1" 502 '
            wait_for(lambda line=line: line in lonely.read_logs())
        assert "canary" not in lonely.read_logs()
    finally:
        lonely.stop()
