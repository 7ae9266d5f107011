"""The configurations that the portal prints for proxies, as texts."""

import re

import pytest

from portal.models import Application
from portal.pages.admin.snippets import FILES, render_snippets

IDENTITY = ("Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "Remote-Subject")


@pytest.fixture
def snippets(context):
    hosts = ["https://wiki.example.com", "https://intra.example.net:8443"]
    return render_snippets(Application(name="team-wiki", title="Team wiki", hosts=hosts), "127.0.0.1:8000")


def test_there_is_one_for_each_proxy(snippets):
    assert list(snippets) == list(FILES)


@pytest.mark.parametrize("proxy", [proxy for proxy in FILES if "lua" not in proxy])
def test_names_hosts_and_the_portals_processes_are_filled_in(snippets, proxy):
    text = snippets[proxy]
    for value in ("team-wiki", "wiki.example.com", "intra.example.net", "127.0.0.1:8000", "/_portal/team-wiki/"):
        assert value in text
    assert "{{" not in text
    assert "&#" not in text


@pytest.mark.parametrize("proxy", [proxy for proxy in FILES if "lua" not in proxy])
@pytest.mark.parametrize("header", IDENTITY)
def test_every_header_about_the_person_is_set_or_removed(snippets, proxy, header):
    """Envoy refuses requests with names that have _."""
    text = snippets[proxy].lower()
    assert header.lower() in text
    assert header.lower().replace("-", "_") in text or "headers_with_underscores_action" in text


def test_two_upstreams_are_left_to_fill_in(snippets):
    for proxy in ("nginx", "Caddy", "Traefik"):
        places = re.findall(r"http://[\w.-]+", re.sub("(?m)^ *#.*", "", snippets[proxy]))
        assert {"http://portal", "http://team-wiki"} == set(places)


def test_an_application_that_is_not_behind_the_gate_has_none(context):
    assert render_snippets(Application(name="chat", title="Chat", hosts=[]), "127.0.0.1:8000") == {}
