"""An installation in a temporary folder, made by the commands of a page of the docs.

Paths of the machine are replaced by paths below a folder, and `systemctl` by the commands that the installed units
name. All else runs as it is written.
"""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

import requests
from support.deployment import PATIENCE, hand_over_socket, reload_workers
from support.portal_app import ROOT, Server, is_ready, wait_for_server
from support.postgres import find_binaries, find_free_port
from support.sql import open_sql

from portal.settings.values import read_database

HOST = "login.example.com"
PLACES = ("/opt/portal", "/etc/portal", "/etc/systemd/system", "/var/backups/portal", "/usr/local/bin")
LEFT_OUT = {  # what would change this machine, or take minutes
    r"^useradd .*$": ":",
    r"^python3 -m venv (\S+)$": r"ln -s %s \1" % (ROOT / ".venv"),
    r"^\S+/pip install .*$": ":",
    r"^chgrp .*$": ":",
    r" -o portal": "",
    r" -g portal": "",
    r"^sleep \d+$": ":",  # `reload` waits for the old processes
}


class Installation:
    """A machine with the portal on it."""

    def __init__(self, folder):
        self.folder, self.servers, self.listener = folder, {}, None
        self.repository, self.release = ROOT, "HEAD"
        self.port = find_free_port()
        for place in ("opt", "etc/systemd/system", "usr/local/bin"):
            (folder / place).mkdir(parents=True)
        make_program(folder / "usr/local/bin/runuser", 'shift 3; exec "$@"')  # there is no user but this one
        binaries = find_binaries()
        path = [folder / "usr/local/bin", *([binaries] if binaries else []), os.environ["PATH"]]
        clean = {name: value for name, value in os.environ.items() if not re.match("PORTAL_|FLASK_", name)}
        self.environ = {**clean, "PATH": ":".join(str(part) for part in path)}

    def localise(self, text):
        """Return a text with paths below this installation's folder."""
        for place in PLACES:
            text = text.replace(place, f"{self.folder}{place}")
        for pattern, instead in LEFT_OUT.items():
            text = re.sub(pattern, instead, text, flags=re.MULTILINE)
        return (
            text.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
            .replace("REPOSITORY", f"file://{self.repository}")
            .replace("RELEASE", self.release)
        )

    def run(self, block, cwd="/"):
        """Run a block of the page, and return what it has printed."""
        output, script = "", ""
        for line in [*block.splitlines(), "systemctl"]:
            if not line.startswith("systemctl"):
                script += f"{line}\n"
                continue
            if script.strip():
                command = ["bash", "-euo", "pipefail", "-c", self.localise(script)]
                done = subprocess.run(
                    command, cwd=cwd, env=self.environ, capture_output=True, text=True, timeout=PATIENCE
                )
                assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
                output += done.stdout
                self.localise_installed_files()
            script = ""
            self.control(*line.split()[1:])
        return output

    def localise_installed_files(self):
        """Replace the paths in the files that the block has installed."""
        commands = [f"usr/local/bin/{name}" for name in ("portal-flask", "portal-postgres")]
        for name in (*commands, "etc/portal/portal.env", *self.list_units()):
            file = self.folder / name
            if file.exists() and str(self.folder) not in file.read_text():
                file.write_text(self.localise(file.read_text()))

    def list_units(self):
        return [f"etc/systemd/system/{name}" for name in ("portal.socket", "portal.service", "portal-worker.service")]

    # What systemd would do

    def control(self, verb=None, *names):
        for name in names:
            unit = name if "." in name else f"{name}.service"
            if verb in ("stop", "restart"):
                self.stop(unit)
            if verb in ("start", "restart", "enable") and not name.startswith("--"):
                self.start(unit)
            if verb == "reload" and unit in self.servers:
                reload_workers(self.servers[unit])

    def read_unit(self, unit, key):
        return re.findall(rf"^{key}=(.*)$", (self.folder / "etc/systemd/system" / unit).read_text(), re.MULTILINE)

    def start(self, unit):
        if unit == "portal.socket":
            if self.listener is None:
                self.listener = socket.create_server(("127.0.0.1", int(self.read_unit(unit, "ListenStream")[0][10:])))
            return
        if unit in self.servers:
            return
        settings = Path(self.read_unit(unit, "EnvironmentFile")[0]).read_text().splitlines()
        settings += self.read_unit(unit, "Environment")[0].split()
        environ = {**self.environ, **dict(line.split("=", 1) for line in settings if re.match("[A-Z]", line))}
        command, options = self.read_unit(unit, "ExecStart")[0].split(), {}
        if unit == "portal.service":
            command, options = hand_over_socket(self.listener, command)
        log = self.folder / f"{unit}.log"
        with log.open("a") as out:
            folder = self.read_unit(unit, "WorkingDirectory")[0]
            process = subprocess.Popen(command, cwd=folder, env=environ, stdout=out, stderr=out, **options)
        server = self.servers[unit] = Server(f"http://127.0.0.1:{self.port}", process, log)
        began = (lambda: is_ready(server)) if unit == "portal.service" else (lambda: "worker" in server.output())
        wait_for_server(began, server, PATIENCE)

    def stop(self, unit):
        if unit == "portal.socket" and self.listener is not None:
            self.listener.close()
            self.listener = None
        server = self.servers.pop(unit, None)
        if server is not None:
            server.process.terminate()
            server.process.wait(PATIENCE)

    def end(self):
        for unit in ("portal-worker.service", "portal.service", "portal.socket"):
            self.stop(unit)

    # What visitors do

    def get(self, path, **cookies):
        return self.ask("GET", path, cookies)

    def post(self, path, cookies, **form):
        return self.ask("POST", path, cookies, data=form)

    def ask(self, method, path, cookies, **options):
        # The portal is asked without its proxy, so the cookies for https are sent by hand.
        headers = {"Host": HOST, "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        url = f"http://127.0.0.1:{self.port}{path}"
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return requests.request(method, url, headers=headers, allow_redirects=False, timeout=60, **options)
            except requests.ConnectionError:
                assert time.monotonic() < until

    def get_database(self):
        """Return the database's address for SQLAlchemy."""
        return read_database((self.folder / "etc/portal/database_url").read_text().strip())

    def query(self, statement):
        """Return the rows of a statement on the database."""
        with open_sql(self.get_database()) as run:
            return run(statement)

    def flask(self, *words):
        return self.run(f"portal-flask {' '.join(words)}").strip()

    def sign_in(self, name):
        """Sign an administrator in by a link of the operator's command, and return the cookies."""
        path = self.flask("create-admin", name).partition(HOST)[2]
        cookies = read_cookies(self.get(path))
        answer = self.post(path, cookies, csrf_token=self.get_token(cookies))
        assert answer.status_code == 303, answer.text
        return {**cookies, **read_cookies(answer)}

    def begin_login(self, platform):
        """Begin a login, and return the browser's cookies and the callback that is due."""
        answer = self.get("/login/Feishu")
        assert answer.status_code == 302, answer.text
        return read_cookies(answer), platform.answer(answer.headers["Location"])

    def finish_login(self, cookies, callback):
        """Follow the callback of a login, and return the cookies."""
        answer = self.get(callback, **cookies)
        assert answer.status_code == 303, answer.text
        return {**cookies, **read_cookies(answer)}

    def get_token(self, cookies):
        """Return the token of a form, and keep the cookies that belong to it."""
        answer = self.get("/api/csrf", **cookies)
        cookies.update(read_cookies(answer))
        return answer.json()["csrfToken"]

    def is_signed_in(self, cookies):
        return self.get("/api/session", **cookies).status_code == 200


def make_program(path, script):
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def read_cookies(answer):
    return {cookie.name: cookie.value for cookie in answer.cookies}
