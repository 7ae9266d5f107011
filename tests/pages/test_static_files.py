"""Wrong addresses below /static/ are refused at once."""

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from support.processes import list_children

PATIENCE = 20  # seconds until an answer counts as missing
UP = "/.." * 12  # from any folder to the root
UP_ENCODED = "%2f.." * 12
ODD = [
    f"/static{UP}/dev/zero",
    f"/static{UP}/dev/urandom",
    f"/static{UP}/dev/full",
    f"/static{UP}/dev/tty",
    f"/static{UP}/dev/stdin",
    f"/static{UP}/dev",
    f"/static{UP}/etc/passwd",
    f"/static{UP}/etc/nothing",
    f"/static{UP}/proc/self/environ",
    f"/static{UP}/proc/kmsg",
    f"/static{UP}PIPE",
    f"/static/{UP_ENCODED}%2fdev%2fzero",
    "/static/..%2f..%2fetc%2fnothing",
    "/static/%2e%2e/%2e%2e/app.py",
    "/static/%252e%252e/app.py",
    "/static/..%5c..%5capp.py",
    "/static/../app.py",
    "/static/css/../../app.py",
    "/static//dev/zero",
    "/static/%2fdev%2fzero",
    "/static//etc/passwd",
    "/static/nope.css",
    "/static/nope.css?v=000000000000",
    "/static/favicon.svg/",
    "/static/favicon.svg/.",
    "/static/./favicon.svg",
    "/static/css/../favicon.svg",
    "/static/css/%2e%2e/favicon.svg",
    "/static/css",
    "/static/css/",
    "/static/",
    "/static/.",
    "/static/..",
    "/static/%00",
    "/static/favicon.svg%00.css",
    "/static/%ff%fe",
    "/static/%E4%B8%AD.css",
    "/static/%ED%A0%80",
    "/static/%",
    "/static/" + "a" * 3000,
    "/static/" + "a/" * 1000,
]


def send_raw(server, path):
    """Send a request with a raw path.

    Return status, head and body of the answer.
    """
    where, received = urlsplit(server.url), b""
    with socket.create_connection((where.hostname, where.port), timeout=PATIENCE) as connection:
        lines = f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n"
        connection.sendall(lines.encode("latin-1"))
        while more := connection.recv(65536):
            received += more
    head, _, body = received.decode("latin-1").partition("\r\n\r\n")
    return int(head.split()[1]), head.lower(), body


def measure_memory(server):
    """Return the resident memory of a server's processes in bytes."""
    processes = (server.process.pid, *list_children(server.process.pid))
    pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in processes)
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return str(tmp_path / "pipe")


def test_odd_paths_are_refused_at_once_and_the_portal_continues(serve, pipe):
    server = serve(workers=2, threads=8)
    paths = [path.replace("PIPE", pipe) for path in ODD]
    with ThreadPoolExecutor(16) as visitors:
        list(visitors.map(partial(send_raw, server), paths[:16]))  # both workers have loaded what they need
        before = measure_memory(server)
        asked = {path: visitors.submit(send_raw, server, path) for path in paths}
        assert requests.get(f"{server.url}/healthz", timeout=PATIENCE).json() == {"status": "ok"}
        for path, future in asked.items():
            status, head, body = future.result()
            assert status in (400, 404), path
            assert "\r\ncache-control: no-store" in head, path
            assert "set-cookie" not in head, path
            assert "<" not in body, path
    assert measure_memory(server) - before < 30 * 1024 * 1024


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_errors_below_the_folder_set_no_cookie_for_any_method(client, method):
    answer = client.open("/static/nope.css", method=method)
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert "csrf" not in answer.text


def test_an_error_below_the_folder_keeps_the_messages_for_the_next_page(client):
    client.post_form("/account/sessions/end-others")
    client.sign_in()
    client.post_form("/account/sessions/end-others")
    assert client.get("/static/nope.css").status_code == 404
    assert "You were not signed in anywhere else." in client.get("/account").text
