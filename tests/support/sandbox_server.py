"""The sandbox as a process, with its knobs as methods."""

import subprocess
import sys
from pathlib import Path

import requests

ROOT = Path(__file__).parent.parent.parent


class SandboxServer:
    """A running sandbox.

    It ends with the test process, which holds its standard input.
    """

    FEISHU = {"app_id": "cli_5a4db0c5a4db0c01", "app_secret": "sandbox-feishu-secret"}
    WECOM = {"corpid": "wwsandbox00000001", "agentid": "1000002", "corpsecret": "sandbox-wecom-secret"}

    def __init__(self, process, port):
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.site_url = f"http://localhost:{port}"
        self.http = requests.Session()
        self.http.trust_env = False

    @classmethod
    def start(cls, port=0, people=0, departments=0, options=()):
        """Start a sandbox and wait until it listens.

        :param options: further options of the command line.
        """
        command = [sys.executable, "-m", "sandbox", "--stop-with-stdin", "--port", str(port)]
        command += ["--people", str(people), "--departments", str(departments), *options]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        if "http://" not in line:
            raise RuntimeError(f"the sandbox did not start: {line!r}")
        return cls(process, int(line.strip().rstrip("/").rpartition(":")[2]))

    def stop(self):
        self.http.close()
        self.process.terminate()
        self.process.communicate(timeout=5)

    def reset(self):
        self._turn("reset")

    def fail(self, path, **how):
        """Make the next requests to a path fail or wait.

        :param how: the words of the knob, see `sandbox.knobs`.
        """
        self._turn("fail", path=path, **how)

    def person(self, provider, key, **changes):
        self._turn("person", provider=provider, person=key, **changes)

    def department(self, key, **changes):
        self._turn("department", department=key, **changes)

    def group(self, provider, key, users=(), departments=()):
        """Set the members of a user group or a tag.

        Feishu has user groups, WeCom has tags.
        """
        self._turn("group", provider=provider, group=key, users=list(users), departments=list(departments))

    def gate(self, path, after=0):
        """Make requests to a path wait until `open_gates()`.

        :param after: how many pass before.
        """
        self._turn("gate", path=path, after=after)

    def open_gates(self):
        self.http.delete(f"{self.url}/_sandbox/gate", timeout=10).raise_for_status()

    def count_waiting(self):
        """Return how many requests wait at a gate."""
        return self.http.get(f"{self.url}/_sandbox/gate", timeout=10).json()["waiting"]

    def app(self, provider, **changes):
        self._turn("app", provider=provider, **changes)

    def clock(self, advance):
        """Move the sandbox's clock.

        :param advance: seconds
        """
        self._turn("clock", advance=advance)

    def client(self, provider, person):
        """Set the person signed in in the pretend client."""
        self._turn("client", provider=provider, person=person)

    def jsapi(self, how):
        """Set how the pretend Feishu client answers a page's script.

        :param how: a word such as "ok", "103" or "silent", see `sandbox.knobs`.
        """
        self._turn("client", provider="feishu", jsapi=how)

    def portal(self, url, **names):
        """Set the portal that the pretend workspaces open.

        :param names: `feishu` and `wecom`, lists of element names.
        """
        self._turn("portal", url=url, **names)

    def qr(self, action, person=None, ticket="last"):
        """Act on a QR code and return its state.

        :param action: `scan`, `confirm`, `refuse`, `expire`.
        :param person: the owner of the phone, needed unless the code is scanned.
        """
        return self._turn("qr", ticket=ticket, person=person, action=action)["state"]

    def qr_tickets(self):
        """Return the QR codes that wait, the newest first."""
        return self.http.get(f"{self.url}/_sandbox/qr", timeout=10).json()["tickets"]

    def code(self, provider, person, **how):
        """Return a new login code of a person."""
        return self._turn("code", provider=provider, person=person, **how)["code"]

    def exchange(self, code, **words):
        """Return Feishu's answer to the exchange of a code."""
        app = {"client_id": self.FEISHU["app_id"], "client_secret": self.FEISHU["app_secret"]}
        fields = {"grant_type": "authorization_code", **app, "code": code, **words}
        return self.http.post(f"{self.url}/open-apis/authen/v2/oauth/token", json=fields, timeout=10).json()

    def redeem_code(self, provider, code):
        """Use a code up and return its person's key."""
        if provider == "feishu":
            headers = {"Authorization": f"Bearer {self.exchange(code)['access_token']}"}
            answer = self.http.get(f"{self.url}/open-apis/authen/v1/user_info", headers=headers, timeout=10)
            return answer.json()["data"]["user_id"]
        app = {"corpid": self.WECOM["corpid"], "corpsecret": self.WECOM["corpsecret"]}
        token = self.http.get(f"{self.url}/cgi-bin/gettoken", params=app, timeout=10).json()["access_token"]
        query = {"access_token": token, "code": code}
        return self.http.get(f"{self.url}/cgi-bin/auth/getuserinfo", params=query, timeout=10).json()["userid"]

    def tmp_code(self, person):
        return self._turn("tmp_code", person=person)["tmp_code"]

    def calls(self, path=None):
        """Return the calls to the platforms since the last reset."""
        return self._calls(path)["calls"]

    def connections(self):
        """Return how many connections API clients have opened.

        It counts from the last reset.
        """
        return self._calls()["connections"]

    def forget_calls(self):
        self.http.delete(f"{self.url}/_sandbox/calls", timeout=10).raise_for_status()

    def _calls(self, path=None):
        return self.http.get(f"{self.url}/_sandbox/calls", params={"path": path}, timeout=10).json()

    def _turn(self, knob, **words):
        answer = self.http.post(f"{self.url}/_sandbox/{knob}", json=words, timeout=10)
        if answer.status_code != 200:
            raise ValueError(answer.text)
        return answer.json()
