"""The cache that the page about nginx describes keeps people apart."""

import re

import pytest
from support.deployment import PATIENCE
from support.docs_pages import code_blocks
from support.gate_proxies import NginxGate
from support.gate_visitors import SCRIPT
from support.portal_app import wait_for_server

pytestmark = pytest.mark.nginx

QUESTION = re.compile(r"(location = /_portal/[\w-]+/auth-request \{)")


class CachingGate(NginxGate):
    """nginx with the lines of the page."""

    def write(self, name, snippets):
        http, question = code_blocks("docs/gate-nginx.md", "nginx")
        question = question.replace('"wiki:', f'"{name}:')
        text = QUESTION.sub(rf"\1\n{question}", snippets[self.title])
        super().write(name, {self.title: text})
        self.parts.insert(0, http.replace("/run/portal_gate", str(self.cache)))

    @property
    def cache(self):
        return self.folder / "portal_gate"


@pytest.fixture(scope="module")
def proxy(gate_site):
    proxy = CachingGate(gate_site.folder / "cached")
    gate_site.serve(proxy, {"cached": "http://cached.localhost:{port}"})
    return proxy


@pytest.fixture
def address(proxy):
    return f"http://cached.localhost:{proxy.port}/"


def enter(site, address, person):
    visitor = site.visit()
    visitor.enter(address, person)
    return visitor


def test_each_person_gets_their_own_answer(gate_site, proxy, address):
    people = {person: enter(gate_site, address, person) for person in ("zhangsan", "bob")}
    told = {person: visitor.ask(address).list_identity() for person, visitor in people.items()}
    assert told["zhangsan"] != told["bob"]
    for person, visitor in people.items():
        assert visitor.ask(address).list_identity() == told[person]
    assert [path for path in proxy.cache.rglob("*") if path.is_file()]
    assert proxy.cache.stat().st_mode & 0o077 == 0


def test_visitors_without_a_sign_in_share_no_answer(gate_site, address):
    assert enter(gate_site, address, "zhangsan").ask(address).status == 200
    assert gate_site.visit().ask(address, SCRIPT).status == 401
    visitor = gate_site.visit()
    visitor.cookies["cached.localhost"] = {"portal_nginx-cached": "x" * 43}
    assert visitor.ask(address, SCRIPT).status == 401


def test_a_leaver_is_out_in_the_end(gate_site, proxy, address):
    visitor = enter(gate_site, address, "bob")
    with gate_site.left("bob"):
        wait_for_server(lambda: visitor.ask(address, SCRIPT).status == 401, proxy, PATIENCE)
