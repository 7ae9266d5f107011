"""`flask up` shows the gate: a pretend wiki, and who may read it."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests
from support.portal_app import FEISHU, ROOT, Server, answer_platform, wait_for_server
from support.postgres import find_free_port

PAGE = {"Accept": "text/html"}


@pytest.fixture
def environ(settings, base):
    """The environment of `flask up` and of further commands."""
    return {**os.environ, **settings, "PORTAL_BASE_URL": base, "PORTAL_SYNC_EVERY": "3600"}


@pytest.fixture
def wiki(base):
    """The wiki's address."""
    return f"http://127.0.0.1:{find_free_port()}"


@pytest.fixture
def run_up(environ, base, wiki, tmp_path):
    """Return a context with everything running."""

    @contextmanager
    def run():
        ports = ["--port", urlsplit(base).port, "--sandbox-port", find_free_port(), "--wiki-port", urlsplit(wiki).port]
        command, log = [sys.executable, "-m", "flask", "up", *map(str, ports)], tmp_path / "up.log"
        with log.open("w") as out:
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=out)
        server = Server(base, process, log)
        try:
            wait_for_server(lambda: "Ctrl-C ends all" in server.output(), server)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)

    return run


def flask(environ, *words):
    command = [sys.executable, "-m", "flask", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)


class Visitor(requests.Session):
    """A browser that keeps cookies and looks at pages."""

    def __init__(self):
        super().__init__()
        self.trust_env, self.headers["Accept"] = False, "text/html"

    def open_wiki(self, wiki, base, person):
        """Open the wiki, and scan as a person where asked."""
        login = self.get(f"{wiki}/notes", timeout=30)
        assert urlsplit(login.url).path == "/login", login.text
        start = self.get(login.url.replace("/login?", f"/login/{FEISHU}?"), allow_redirects=False, timeout=30)
        return self.get(base + answer_platform(start.headers["Location"], person), timeout=30)


def test_sign_in_door_and_leaver_are_shown(run_up, environ, wiki, base, sandbox):
    with run_up() as server:
        assert f"Wiki           {wiki}" in server.output()
        visitor = Visitor()
        page = visitor.open_wiki(wiki, base, "zhangsan")
        assert page.url == f"{wiki}/notes" and "张三" in page.text
        page = visitor.post(f"{wiki}/notes", data={"text": "你好"}, timeout=30)
        assert page.url == f"{wiki}/notes" and "你好" in page.text
        assert "research" in visitor.get(wiki, timeout=30).text

        refused = Visitor().open_wiki(wiki, base, "alice")
        assert refused.status_code == 403 and "研发中心" in refused.text

        sandbox.person("feishu", "zhangsan", resign=True)
        done = flask(environ, "sync", FEISHU)
        assert done.returncode == 0, done.stderr
        assert urlsplit(visitor.get(wiki, timeout=30).url).path == "/login"


def test_later_starts_keep_what_administrators_have_changed(run_up, wiki, sql):
    with run_up():
        pass
    assert sql("SELECT name, title FROM application") == [("wiki", "Wiki")]
    sql("UPDATE application SET active = false, title = 'Ours' WHERE name = 'wiki'")
    with run_up() as server:
        assert "is switched off" in server.output()
        answer = requests.get(wiki, headers=PAGE, allow_redirects=False, timeout=30)
        assert answer.status_code == 403
    assert [(bool(active), title) for active, title in sql("SELECT active, title FROM application")] == [
        (False, "Ours")
    ]


def test_a_taken_port_of_the_wiki_is_reported_with_the_remedy(environ, base):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = {"--port": urlsplit(base).port, "--sandbox-port": find_free_port(), "--wiki-port": port}
        done = flask(environ, "up", *(word for pair in ports.items() for word in pair))
    assert done.returncode == 1
    assert f"port {port} is in use; choose another: make run WIKI_PORT={port + 1}" in done.stderr


def test_the_three_ports_must_differ(environ):
    port = find_free_port()
    done = flask(environ, "up", "--port", port, "--sandbox-port", find_free_port(), "--wiki-port", port)
    assert done.returncode == 1
    assert "PORT, SANDBOX_PORT and WIKI_PORT must differ" in done.stderr


def test_in_production_nothing_is_started(environ, portal):
    portal.config["PORTAL_ENV"] = "production"
    done = portal.test_cli_runner().invoke(args=["up"])
    assert done.exit_code == 1
    assert "PORTAL_ENV is production" in done.output
