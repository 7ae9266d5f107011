"""Figures are for monitors that show the token, or for this machine."""

import pytest

TOKEN = "a-token-of-the-tests-1234"
HERE = {"base_url": "http://127.0.0.1:8000"}


def read(client, address="127.0.0.1", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get("/metrics", **HERE, headers=headers, environ_overrides={"REMOTE_ADDR": address}).status_code


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_read_them(client, address):
    assert read(client, address) == 200


@pytest.mark.parametrize("address", ["203.0.113.9", "10.0.0.7", "", "nonsense", "::ffff:10.0.0.7"])
def test_other_machines_may_not(client, address):
    assert read(client, address) == 403


@pytest.mark.parametrize("proxies", ["0", "1"])
@pytest.mark.parametrize("forwarded", ["203.0.113.9", "127.0.0.1", "127.0.0.1, 127.0.0.1", ""])
def test_what_a_proxy_passes_on_is_not_from_this_machine(make_portal, proxies, forwarded):
    client = make_portal(PORTAL_TRUSTED_PROXIES=proxies).test_client()
    assert read(client, X_Forwarded_For=forwarded) == 403
    assert read(client, Forwarded="for=127.0.0.1") == 403
    assert read(client) == 200


@pytest.mark.parametrize("host", ["login.example.com", "evil.example", "10.0.0.7:8000", "a..b"])
def test_without_a_token_the_host_must_be_this_machine(client, host):
    assert read(client, Host=host) == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:9", "[::1]:8000"])
def test_monitors_on_this_machine_use_any_of_its_names(make_portal, elements, host):
    elements.wecom(redirectUri="https://login.example.com/cb")
    client = make_portal(PORTAL_BASE_URL="https://login.example.com").test_client()
    assert read(client, Host=host) == 200


class TestToken:
    @pytest.fixture
    def client(self, make_portal):
        return make_portal(PORTAL_METRICS_TOKEN=TOKEN).test_client()

    @pytest.mark.parametrize("address", ["127.0.0.1", "203.0.113.9", ""])
    def test_it_opens_from_anywhere_under_any_host(self, client, address):
        assert read(client, address, Authorization=f"Bearer {TOKEN}", Host="10.0.0.7:8000") == 200
        assert read(client, address, Authorization=f"bearer {TOKEN}", X_Forwarded_For="203.0.113.9") == 200

    @pytest.mark.parametrize(
        "header",
        ["", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer é"],
    )
    def test_nothing_else_does(self, client, header):
        assert read(client, Authorization=header) == 403

    def test_this_machine_needs_it_too(self, client):
        assert read(client) == 403

    def test_the_refusal_tells_nothing(self, client):
        answer = client.get("/metrics", headers={"Authorization": "Bearer wrong"})
        assert (answer.text, answer.headers.getlist("Set-Cookie")) == ("no access\n", [])
