"""A JupyterHub that takes the user's name from a header."""

import os
import subprocess

import requests
from support.groups import report_missing
from support.portal_app import ROOT, wait_for_server
from support.postgres import find_free_port

PROGRAMS = ROOT / ".venv" / "jupyterhub" / "bin"
CONFIGURATION = """
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.JupyterHub.authenticator_class = "jhub_remote_user_authenticator.remote_user_auth.RemoteUserAuthenticator"
c.RemoteUserAuthenticator.header_name = "Remote-User"
c.RemoteUserAuthenticator.allow_all = True
c.JupyterHub.default_url = "/hub/home"
c.JupyterHub.spawner_class = "simple"
"""


class JupyterHub:
    """A JupyterHub with its proxy, as processes."""

    def __init__(self, folder):
        self.folder, self.log, self.port = folder, folder / "jupyterhub.log", find_free_port()
        if not (PROGRAMS / "jupyterhub").exists():
            report_missing("jupyterhub", "JupyterHub is not installed: make .venv/jupyterhub.done")

    def start(self):
        text = CONFIGURATION.format(port=self.port, hub=find_free_port(), api=find_free_port())
        (self.folder / "jupyterhub_config.py").write_text(text)
        environ = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
        with self.log.open("w") as out:
            command = [PROGRAMS / "jupyterhub", "--config", "jupyterhub_config.py"]
            self.process = subprocess.Popen(command, cwd=self.folder, env=environ, stdout=out, stderr=out)
        wait_for_server(self.answers, self)

    def answers(self):
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/hub/api", timeout=10).ok
        except requests.RequestException:
            return False

    def output(self):
        return self.log.read_text()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
