"""nginx in front of an application that is one small file."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from support.postgres import find_free_port
from support.processes import list_children

from bench.gate_statements import CHECK, HOST
from bench.machine import cpu_of
from bench.visitors import Line

STARTING = 10  # seconds
PAGE = "/page.html"  # not `/`, which nginx would lead to a file by itself, and ask a second time
SITE = """
{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    {places}
    upstream portal {{ server 127.0.0.1:{portal}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port};
        keepalive_requests 100000;
        root {folder}/files;
        location = {check} {{
            internal;
            proxy_pass http://portal;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
        location / {{ auth_request {check}; }}
    }}
}}
"""


class Nginx:
    """A running nginx that asks a portal before each request.

    It keeps its connections to the portal, and serves a file where an application would answer.
    """

    def __init__(self, folder: Path, portal: int):
        self.port, user = find_free_port(), "user root;" if os.geteuid() == 0 else ""
        self.folder = folder = folder.with_name(folder.name.replace(" ", "-"))
        (folder / "files").mkdir(parents=True)
        (folder / f"files{PAGE}").write_text("<p>wiki</p>\n")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        names = {"folder": folder, "portal": portal, "port": self.port, "check": CHECK, "user": user}
        places = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(SITE.format(places=places, **names))
        words = [find_nginx(), "-e", f"{folder}/error.log", "-p", str(folder), "-c", "nginx.conf"]
        self.process = subprocess.Popen(words)
        self.wait()

    def wait(self):
        until = time.monotonic() + STARTING
        while True:
            try:
                return self.connect(1)
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"nginx does not start: {(self.folder / 'error.log').read_text()}") from None
                time.sleep(0.05)

    def connect(self, count: int) -> list[Line]:
        """Return kept connections of browsers at the application's host."""
        lines = [Line(self.port, HOST.partition("//")[2]) for _ in range(count)]
        for line in lines:
            line.connect()
        return lines

    @property
    def cpu(self) -> float:
        """The CPU seconds of nginx, until now."""
        return sum(cpu_of(pid) for pid in (self.process.pid, *list_children(self.process.pid)))

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def find_nginx() -> str | None:
    """Return the program, if it is installed."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
