"""The portal over https: cookies that only this host can have set, and HSTS."""

import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

COOKIE = {"path": "/", "domain": "127.0.0.1", "secure": True, "httpOnly": True, "sameSite": "Lax"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return the files of a self-signed certificate for 127.0.0.1 and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    unencrypted = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unencrypted))
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture(scope="module")
def site(browser, run_site, certificate):
    return run_site(tls=certificate, PORTAL_UNKNOWN_PEOPLE="create")


@pytest.fixture
def page(browse, watch, sandbox_process):
    """A page; the sandbox has no https, and Chromium says so of the picture in its QR frame."""
    watch.tolerated = (f"Mixed Content: The page at '{sandbox_process.site_url}/",)
    return browse(ignore_https_errors=True)


def cookies(page, site):
    """Return the portal's cookies in this browser, by name."""
    return {cookie["name"]: cookie for cookie in page.context.cookies(site.url)}


@pytest.mark.parametrize("element", ["FSInnerExample", "QywxInnerExample"])
def test_a_login_over_https_leaves_two_cookies_for_this_host_alone(site, page, element):
    site.sign_in(page, element)
    assert page.get_by_role("heading", level=1).inner_text() == "张三"
    held = cookies(page, site)
    assert set(held) == {"__Host-portal_visit", "__Host-portal_session"}
    for cookie in held.values():
        assert {key: cookie[key] for key in COOKIE} == COOKIE

    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{site.url}/login")
    assert set(cookies(page, site)) == {"__Host-portal_visit"}


@pytest.mark.parametrize("path", ["/login", "/nowhere", "/static/favicon.svg", "/api/session"])
def test_every_answer_over_https_asks_to_stay_there(site, page, path):
    answer = page.request.get(site.url + path)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_no_script_sees_the_cookies(site, page):
    site.sign_in(page)
    assert page.evaluate("document.cookie") == ""
