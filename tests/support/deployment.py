"""The portal as it is deployed, under gunicorn and behind the proxies of `deploy/`.

One thing differs: `PORTAL_ENV` is not `production`. The sandbox is on this machine, and production refuses logins with
such platforms. The form of the log lines is that of production.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager

import requests
from support.groups import report_missing
from support.portal_app import PORTAL, ROOT, Server, is_ready, wait_for_server

PATIENCE = 120  # seconds until a part has started or ended; the machine may be busy


def hand_over_socket(listener, command):
    """Return a command and its options that hand over a socket.

    They are for `Popen`. As with systemd, the socket has number 3 and the command knows its own process's number.
    """
    script = f'exec 3<&{listener.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
    return ["bash", "-c", script, "bash", *command], {"pass_fds": [listener.fileno()]}


def reload_workers(server):
    """Reload gunicorn and wait until both workers are new."""
    exited = server.output().count("Worker exiting")
    server.process.send_signal(signal.SIGHUP)
    wait_for_server(lambda: server.output().count("Worker exiting") >= exited + 2, server, PATIENCE)
    wait_for_server(lambda: is_ready(server), server, PATIENCE)


def listens(port):
    """Tell whether new connections are taken."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class DeployedPortal(Server):
    """A portal under gunicorn with the settings of `gunicorn.conf.py`, and an access log.

    It logs JSON lines as in production, unless the settings choose another form.
    """

    def __init__(self, settings, folder, port, listener=None):
        super().__init__(f"http://127.0.0.1:{port}", None, folder / f"portal{port}.log")
        self.port, self.listener, self.access_log = port, listener, folder / f"access{port}.log"
        clean = {name: value for name, value in os.environ.items() if not re.match("PORTAL_|FLASK_|LISTEN_", name)}
        self.environ = {**clean, "PORTAL_LOG": "json", **settings, "PORTAL_BIND": f"127.0.0.1:{port}"}

    def start(self):
        command = [sys.executable, "-m", "gunicorn", "--access-logfile", str(self.access_log), PORTAL]
        options = {}
        if self.listener is not None:
            command, options = hand_over_socket(self.listener, command)
        with self.log.open("a") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=out, stderr=out, **options)
        wait_for_server(lambda: is_ready(self), self, PATIENCE)

    def count_workers(self):
        return self.output().count("Booting worker")

    def stop(self):
        """End the server, if it was started at all."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def restart(self):
        self.stop()
        self.start()


class Nginx:
    """nginx with the configuration of `deploy/`, in which its names alone are replaced."""

    def __init__(self, folder, portals, certificate, port, host="127.0.0.1"):
        self.program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if self.program is None:
            report_missing("nginx", "nginx is not installed")
        self.folder, self.port, self.process, self.log = folder, port, None, folder / "output.log"
        self.names = {
            "NGINX_HOST": host,
            "NGINX_PORTALS": " ".join(f"server 127.0.0.1:{portal} max_fails=0;" for portal in portals),
            "NGINX_CERTIFICATE": certificate,
            "NGINX_KEY": certificate,
            "NGINX_HTTPS": f"127.0.0.1:{port}",
            "NGINX_ACCESS_LOG": folder / "portal.access.log",
            "NGINX_ERROR_LOG": folder / "portal.error.log",
        }

    def start(self, http_port):
        names = {**self.names, "NGINX_HTTP": f"127.0.0.1:{http_port}"}
        template = (ROOT / "deploy/nginx/portal.conf.template").read_text()
        site = re.sub(r"\$\{(NGINX_\w+)\}", lambda match: str(names[match[1]]), template)
        (self.folder / "portal.conf").write_text(site)
        places = [
            f"{kind}_temp_path {self.folder / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        ]
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            f"{user} daemon off; worker_processes 2; pid {self.folder / 'pid'}; error_log {self.folder / 'main.log'};\n"
            f"events {{}}\nhttp {{ {' '.join(places)} include /etc/nginx/mime.types; include portal.conf; }}\n"
        )
        with self.log.open("w") as out:
            words = [self.program, "-e", str(self.folder / "main.log"), "-p", str(self.folder), "-c", "nginx.conf"]
            self.process = subprocess.Popen(words, stdout=out, stderr=out)
        wait_for_server(lambda: listens(self.port), self, PATIENCE)

    def output(self):
        return self.log.read_text()

    def read_logs(self):
        """Return all that nginx has logged."""
        return "".join(file.read_text() for file in sorted(self.folder.glob("*.log")))

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)


class Load:
    """Requests that go on in threads until told to end.

    :param calls: functions that make a request and return its status; each has a thread.
    :param every: seconds between two requests of a thread.
    """

    def __init__(self, calls, every):
        self.ended, self.every, self.outcomes, self.made = threading.Event(), every, [], 0
        self.threads = [threading.Thread(target=self.run, args=(call,), daemon=True) for call in calls]

    def run(self, call):
        while not self.ended.wait(self.every):
            try:
                self.outcomes.append((call.__name__, call()))
            except (requests.RequestException, OSError) as error:
                self.outcomes.append((call.__name__, type(error).__name__))

    def wait_for_more(self, number):
        """Wait until so many further requests have been answered."""
        until, target = time.monotonic() + PATIENCE, len(self.outcomes) + number
        while len(self.outcomes) < target:
            assert time.monotonic() < until, Counter(self.outcomes)
            time.sleep(0.02)

    def count(self):
        """Return how often each outcome came."""
        return Counter(self.outcomes)


@contextmanager
def keep_asking(*calls, every):
    """Make requests while the block runs.

    Yield the `Load`.
    """
    load = Load(calls, every)
    for thread in load.threads:
        thread.start()
    try:
        yield load
    finally:
        load.ended.set()
        for thread in load.threads:
            thread.join(PATIENCE)
