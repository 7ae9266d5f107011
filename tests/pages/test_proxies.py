"""Proxies may pass on visitors' addresses and no other path."""

import socket
from urllib.parse import urlsplit

import pytest
from support.portal_app import both_databases

from portal.database import db
from portal.models import AuditEvent

CALLBACK = "/login/FSInnerExample/callback?state=x&code=y"
SEEN = {  # the last entry of X-Forwarded-For -> the visitor's address
    "198.51.100.7": "198.51.100.7",
    " 198.51.100.7 ": "198.51.100.7",
    "198.51.100.7:40001": "198.51.100.7",
    "2001:db8::1": "2001:db8::1",
    "2001:DB8:0::0:1": "2001:db8::1",
    "[2001:db8::1]": "2001:db8::1",
    "[2001:db8::1]:40100": "2001:db8::1",
    "::ffff:198.51.100.7": "198.51.100.7",
    "[::ffff:198.51.100.7]:40100": "198.51.100.7",
    "fe80::1%eth0": "fe80::1",
    '", 198.51.100.7': "198.51.100.7",
    "unknown": "",
    "_hidden": "",
    "198.51.100.7:port": "",
    "198.51.100.7:400000": "",
    "198.51.100.300": "",
    "[198.51.100.7": "",
    "198.51.100.7, ": "",
    "<script>": "",
    "a" * 200: "",
    "1." * 200: "",
    "": "127.0.0.1",  # nothing was said
}


@pytest.fixture
def address(make_portal):
    """Return a function that sends a header.

    It returns the address in the audit log.
    """
    portal = make_portal(PORTAL_TRUSTED_PROXIES="1")

    def ask(header):
        client = portal.test_client()  # of one browser, so many refusals would be too many
        assert client.get(CALLBACK, headers={"X-Forwarded-For": header}).status_code == 400
        with portal.app_context():
            return db.session.scalars(db.select(AuditEvent.address).order_by(AuditEvent.id.desc())).first()

    return ask


@both_databases
def test_a_forwarded_entry_is_an_address_or_ignored(address):
    assert {header: address(header) for header in SEEN} == SEEN


def test_the_number_of_proxies_picks_the_entry(make_portal):
    header = "203.0.113.9:1, [2001:db8::1]:2, 198.51.100.7:3"
    for proxies, expected in (("0", "127.0.0.1"), ("1", "198.51.100.7"), ("2", "2001:db8::1"), ("4", "127.0.0.1")):
        portal = make_portal(PORTAL_TRUSTED_PROXIES=proxies)
        portal.test_client().get(CALLBACK, headers={"X-Forwarded-For": header})
        with portal.app_context():
            newest = db.select(AuditEvent.address).order_by(AuditEvent.id.desc())
            assert db.session.scalars(newest).first() == expected, proxies


@pytest.mark.parametrize("form", ["198.51.100.7:{}", "[2001:db8::1]:{}", "nonsense{}"])
def test_a_visitor_whose_port_changes_is_one_visitor_to_the_limits(make_portal, form):
    client = make_portal(PORTAL_TRUSTED_PROXIES="1").test_client()
    headers = [{"X-Forwarded-For": form.format(40000 + number)} for number in range(11)]
    statuses = [client.get("/login/once/wrong", headers=header).status_code for header in headers]
    assert statuses == [410] * 10 + [429]


def test_a_session_keeps_the_address_without_a_port(make_portal):
    client = make_portal(PORTAL_TRUSTED_PROXIES="1").test_client()
    client.get(client.scan(), headers={"X-Forwarded-For": "198.51.100.7:40001"})
    assert ">198.51.100.*<" in client.get("/account").text


def test_no_header_moves_the_path_or_stops_a_request(serve):
    """A program on this machine is not trusted either.

    It may be a proxy that passes all headers on.
    """
    where = urlsplit(serve(workers=1, threads=2).url)

    def ask(path, *headers):
        lines = [f"GET {path} HTTP/1.1", f"Host: {where.netloc}", "Connection: close", *headers]
        received = b""
        with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            while more := connection.recv(65536):
                received += more
        return received.decode()

    plain = ask("/login")
    assert plain.startswith("HTTP/1.1 200")
    for header in ("SCRIPT_NAME: /login", "Script-Name: /evil", "PATH_INFO: /evil"):
        answer = ask("/login", header)
        assert answer.startswith("HTTP/1.1 200"), header
        assert 'href="/static/' in answer
    assert ask("/evil/login", "SCRIPT_NAME: /evil").startswith("HTTP/1.1 404")
    assert ask("/login", "X-Forwarded-Proto: https", "X-Forwarded-SSL: off").startswith("HTTP/1.1 200")
