"""The README's first command works in a fresh clone."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest
import requests
from support.groups import report_missing
from support.portal_app import ROOT, Server, answer_platform, wait_for_server
from support.postgres import find_free_port


@pytest.fixture
def clone(tmp_path):
    """The committed files in an empty folder."""
    if shutil.which("git") is None or shutil.which("make") is None or not (ROOT / ".git").exists():
        report_missing("clone", "no git, no make, or no checkout to clone")
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", f"file://{ROOT}", str(folder)], check=True)
    return folder


@pytest.fixture
def bare_environment(tmp_path):
    """An environment with an empty home and the system's programs."""
    (tmp_path / "home").mkdir()
    kept = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "SSL_", "LANG"))}
    return {**kept, "HOME": str(tmp_path / "home"), "PATH": "/usr/local/bin:/usr/bin:/bin"}


@pytest.mark.clone
def test_make_run_leads_to_the_signed_in_page(clone, bare_environment, tmp_path):
    port, sandbox_port, wiki_port = (find_free_port() for _ in range(3))
    log = tmp_path / "make.log"
    ports = [f"PORT={port}", f"SANDBOX_PORT={sandbox_port}", f"WIKI_PORT={wiki_port}"]
    with log.open("w") as out:
        process = subprocess.Popen(
            ["make", "run", f"PYTHON={sys._base_executable}", *ports],
            cwd=clone,
            env=bare_environment,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_for_server(lambda: "Administrator" in server.output(), server, seconds=300)
        assert f"http://127.0.0.1:{sandbox_port}" in server.output()
        wiki = f"http://127.0.0.1:{wiki_port}"
        assert wiki in server.output()
        for element in ("FSInnerExample", "QywxInnerExample"):
            browser = requests.Session()
            start = browser.get(f"{server.url}/login/{element}", allow_redirects=False)
            page = browser.get(server.url + answer_platform(start.headers["Location"]))
            assert page.url == f"{server.url}/apps"
            assert "张三" in page.text
            assert "research" in browser.get(wiki, headers={"Accept": "text/html"}).text
            wait_for_server(lambda element=element: f"{element}: sync done" in server.output(), server, seconds=60)
        assert "sync failed" not in server.output()
        link = re.search(rf"{server.url}/login/once/\S+", server.output())[0]
        assert "admin" in requests.get(link).text
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=30)
    for number in (port, sandbox_port, wiki_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", number)) != 0


@pytest.mark.clone
def test_a_taken_port_is_reported_with_the_remedy(clone, bare_environment):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environ = {**bare_environment, "PORTAL_DATABASE_URL": f"sqlite:///{clone}/x.db"}
        command = [sys.executable, "-m", "flask", "up", "--port", str(port)]
        done = subprocess.run(command, cwd=clone, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"port {port} is in use; choose another: make run PORT={port + 1}" in done.stderr
