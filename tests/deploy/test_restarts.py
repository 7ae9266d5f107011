"""Restarts and reloads lose no request."""

import socket
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from support.deployment import DeployedPortal, keep_asking, listens, reload_workers
from support.portal_app import make_settings
from support.postgres import find_free_port

pytest_plugins = ["support.chromium"]
EVERY = 0.4  # seconds; two visitors ask five times a second together
ENOUGH = 15  # requests


def visit_often(deployment):
    """Return two functions that ask as visitors do, with what they must be answered."""
    reader, person = deployment.visit(), deployment.visit()
    assert deployment.sign_in(person).status_code == 303
    token = deployment.get(person, "/api/csrf").json()["csrfToken"]
    turns = iter(range(10**6))

    def read():
        paths = ("/login", "/static/css/portal.css", "/api/csrf")
        return deployment.get(reader, paths[next(turns) % len(paths)]).status_code

    def change():
        # Each turn checks the session, sends a form, and signs a person in.
        assert deployment.get(person, "/api/session").status_code == 200
        form = {"language": "en", "next": "/account", "csrf_token": token}
        headers = {"Referer": f"{deployment.url}/account"}
        options = {"data": form, "headers": headers, "allow_redirects": False, "timeout": 60}
        assert person.post(f"{deployment.url}/language", **options).status_code in (302, 303)
        return deployment.sign_in(deployment.visit(), person="bob").status_code

    return read, change


OUTCOMES = {("read", 200), ("change", 303)}


@pytest.mark.nginx
@pytest.mark.postgresql
@pytest.mark.redis
def test_a_rolling_restart_behind_nginx_loses_no_request(deployment):
    deployment.site.sandbox.reset()
    with keep_asking(*visit_often(deployment), every=EVERY) as load:
        load.wait_for_more(ENOUGH)
        for portal in deployment.portals:
            before = portal.process.pid
            portal.restart()
            assert portal.process.pid != before
            load.wait_for_more(ENOUGH)
    assert set(load.count()) == OUTCOMES, load.count()


def ask_and_send(deployment, person):
    """Return two functions that ask for a page and send a form, and take any answer."""
    reader = deployment.visit()
    form = {"language": "en", "next": "/account", "csrf_token": deployment.get(person, "/api/csrf").json()["csrfToken"]}
    options = {"data": form, "headers": {"Referer": f"{deployment.url}/account"}}

    def read():
        return deployment.get(reader, "/login").status_code

    def send():
        return person.post(f"{deployment.url}/language", allow_redirects=False, timeout=60, **options).status_code

    return read, send


@pytest.mark.nginx
@pytest.mark.postgresql
@pytest.mark.redis
def test_a_restart_of_all_portals_loses_only_new_requests(deployment):
    """nginx shows a page that says what to do, and everything goes on afterwards, the login under way as well."""
    deployment.site.sandbox.reset()
    person, newcomer = deployment.visit(), deployment.visit()
    assert deployment.sign_in(person).status_code == 303
    callback = deployment.scan(newcomer)
    calls = ask_and_send(deployment, person)
    with keep_asking(*calls, every=EVERY) as load:
        load.wait_for_more(ENOUGH)
        try:
            for portal in deployment.portals:
                portal.process.terminate()
            for portal in deployment.portals:
                portal.stop()
            answer = deployment.get(newcomer, callback)
            load.wait_for_more(ENOUGH)
        finally:
            for portal in deployment.portals:
                portal.start()
    assert set(load.count()) == {("read", 200), ("read", 502), ("send", 303), ("send", 502)}, load.count()
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert "load this page again" in answer.text and "<section lang='zh'>" in answer.text
    assert "<script" not in answer.text

    with keep_asking(*calls, every=EVERY) as load:
        load.wait_for_more(ENOUGH)
    assert set(load.count()) == {("read", 200), ("send", 303)}, load.count()
    assert deployment.get(newcomer, callback).status_code == 303
    for http in (person, newcomer):
        assert deployment.get(http, "/api/session").status_code == 200
    secrets = {values[0] for values in parse_qs(urlsplit(callback).query).values()}
    assert len(secrets) > 1
    assert [secret for secret in secrets if secret in deployment.read_logs()] == []


@pytest.mark.nginx
@pytest.mark.postgresql
@pytest.mark.redis
def test_a_form_is_not_lost_while_a_portal_ends_slowly(deployment):
    """A login holds the ending portal. Nothing new may wait for it: nginx could not send a form again."""
    sandbox = deployment.site.sandbox
    sandbox.reset()
    people = [deployment.visit() for _ in range(2)]
    callbacks = [deployment.scan(http) for http in people]
    visitor = deployment.visit()
    token = deployment.get(visitor, "/api/csrf").json()["csrfToken"]
    form = {"language": "en", "next": "/login", "csrf_token": token}
    options = {"data": form, "headers": {"Referer": f"{deployment.url}/login"}, "allow_redirects": False, "timeout": 60}
    sandbox.gate("/open-apis/authen/v2/oauth/token")
    answers = []
    threads = [
        threading.Thread(target=lambda pair: answers.append(deployment.get(*pair).status_code), args=(pair,))
        for pair in zip(people, callbacks, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        deployment.wait_for(lambda: sandbox.count_waiting() == 2)
        ending = deployment.portals[0]
        ending.process.terminate()
        deployment.wait_for(lambda: not listens(ending.port))
        statuses = {visitor.post(f"{deployment.url}/language", **options).status_code for _ in range(6)}
    finally:
        sandbox.open_gates()
        for thread in threads:
            thread.join(60)
    ending.process.wait(60)
    ending.start()
    assert statuses <= {302, 303}
    assert answers == [303, 303]


@pytest.mark.nginx
@pytest.mark.postgresql
@pytest.mark.redis
def test_a_reload_under_load_loses_no_request(deployment):
    deployment.site.sandbox.reset()
    with keep_asking(*visit_often(deployment), every=EVERY) as load:
        for portal in deployment.portals:
            load.wait_for_more(ENOUGH)
            before, process = portal.count_workers(), portal.process.pid
            reload_workers(portal)
            assert portal.count_workers() == before + 2
            assert portal.process.pid == process
        load.wait_for_more(ENOUGH)
    assert set(load.count()) == OUTCOMES, load.count()


# One portal, without nginx


@pytest.fixture
def lone(tmp_path, sandbox, elements, database):
    """A portal whose address is held for it, as by `portal.socket`."""
    with socket.create_server(("127.0.0.1", find_free_port()), backlog=128) as listener:
        port = listener.getsockname()[1]
        settings = make_settings(database, tmp_path / "app", f"http://127.0.0.1:{port}")
        portal = DeployedPortal(settings, tmp_path, port, listener)
        portal.start()
        yield portal
        portal.stop()


def ask_for_pages(portal):
    def ask():
        return requests.get(f"{portal.url}/login", timeout=60).status_code

    return ask


def test_a_restart_loses_no_request_where_the_socket_is_held(lone):
    ask = ask_for_pages(lone)
    with keep_asking(ask, ask, every=EVERY) as load:
        load.wait_for_more(ENOUGH)
        lone.restart()
        load.wait_for_more(ENOUGH)
    assert set(load.count()) == {("ask", 200)}


def test_a_reload_reads_elements_anew(lone, elements):
    def read_login_page():
        return requests.get(f"{lone.url}/login", timeout=60).text

    assert "Newcomer" not in read_login_page()
    elements.feishu("Newcomer")
    ask = ask_for_pages(lone)
    with keep_asking(ask, ask, every=EVERY) as load:
        reload_workers(lone)
        load.wait_for_more(ENOUGH)
    assert set(load.count()) == {("ask", 200)}
    assert "Newcomer" in read_login_page()
