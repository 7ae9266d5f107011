"""The portal for the tests.

It runs in the process with a browser, or under gunicorn.
"""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from flask_migrate import upgrade

import app as portal_app
from portal.database import db
from portal.errors import Code

ROOT = Path(__file__).parent.parent.parent
PORTAL = "app:create_app()"
FEISHU, WECOM = "FSInnerExample", "QywxInnerExample"  # the example elements
FEISHU_APP = {"appId": "cli_5a4db0c5a4db0c01", "appSecret": "sandbox-feishu-secret"}
QR_SCRIPT = "/obj/feishu-static/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.3.js"
H5_SCRIPT = "/lark/op/h5-js-sdk-1.5.44.js"
WECOM_APP = {"corpId": "wwsandbox00000001", "corpSecret": "sandbox-wecom-secret", "agentId": "1000002"}

both_databases = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def make_settings(database, folder, base="http://127.0.0.1:8000"):
    return {
        "PORTAL_SECRET_KEY": "a secret key for tests, long enough to be one",
        "PORTAL_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PORTAL_DATABASE_URL": database,
        "PORTAL_BASE_URL": base,
        "PORTAL_APP_DIR": str(folder),
        "PORTAL_UNKNOWN_PEOPLE": "create",
        "PORTAL_TIMEZONE": "UTC",  # days begin for the tests as for the portal
    }


def make_tables(url, folder):
    with portal_app.create_app(make_settings(url, folder)).app_context():
        upgrade()
        db.engine.dispose()


class Elements:
    """Writes element folders that use the sandbox."""

    def __init__(self, folder, sandbox, base):
        self.folder, self.sandbox, self.base = folder / "auths" / "loginTypes", sandbox, base

    def add(self, name, type, settings, title=None):
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        declared = {"title": title or name, "type": f"auths.loginTypes.{type}"}
        (folder / "e.json").write_text(json.dumps(declared), encoding="utf-8")
        (folder / f"{name}.json").write_text(json.dumps(settings), encoding="utf-8")
        return name

    def add_type(self, name, code, base="Meta"):
        """Write a developer's own Type."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        declared = {"title": name, "type": f"auths.loginTypes.{base}"}
        (folder / "e.json").write_text(json.dumps(declared), encoding="utf-8")
        (folder / "__init__.py").write_text(code, encoding="utf-8")

    def feishu(self, name="FSInnerExample", type="FSInnerType", **settings):
        urls = dict.fromkeys(("openBaseUrl", "accountsBaseUrl", "passportBaseUrl"), self.sandbox.url)
        scripts = {"qrSdkUrl": self.sandbox.url + QR_SCRIPT, "h5SdkUrl": self.sandbox.url + H5_SCRIPT}
        return self.add(name, type, {**FEISHU_APP, **urls, **scripts, "limits": False, **settings})

    def wecom(self, name="QywxInnerExample", type="QywxInnerType", **settings):
        urls = dict.fromkeys(("apiBaseUrl", "loginBaseUrl", "oauthBaseUrl"), self.sandbox.url)
        redirect = {"redirectUri": f"{self.base}/api/auth/qywx/callback"}
        return self.add(name, type, {**WECOM_APP, **urls, **redirect, "limits": False, **settings})


def read_problem(portal, name):
    """Return the error for which an element or a Type is broken."""
    with pytest.raises(Code) as error:
        portal.getElement(f"auths.loginTypes.{name}")
    return error.value


# A browser


class Browser(FlaskClient):
    """A browser in the process, with cookies and form tokens."""

    def open(self, *args, **kwargs):
        kwargs.setdefault("base_url", self.application.config["PORTAL_BASE_URL"])
        kwargs.setdefault("buffered", True)
        return super().open(*args, **kwargs)

    def cookie(self, name="portal_session"):
        cookie = self.get_cookie(name, domain=urlsplit(self.application.config["PORTAL_BASE_URL"]).hostname)
        return cookie.value if cookie else None

    def set_portal_cookie(self, value, name="portal_session"):
        """Send this cookie from now on."""
        self.set_cookie(name, value, domain=urlsplit(self.application.config["PORTAL_BASE_URL"]).hostname)

    def start(self, element, next=None, **headers):
        """Begin a login and return the address at the platform."""
        answer = self.get(f"/login/{element}", query_string={"next": next} if next else {}, headers=headers)
        assert answer.status_code == 302, answer.text
        return answer.location

    def scan(self, element="FSInnerExample", person="zhangsan", action="allow", next=None):
        """Begin a login and answer as the person.

        Return the callback's address to which the platform redirects.
        """
        return answer_platform(self.start(element, next), person, action)

    def sign_in(self, element="FSInnerExample", person="zhangsan", next=None):
        """Sign a person in and return the last answer."""
        return self.get(self.scan(element, person, next=next))

    def wait(self, element="FSInnerExample", person="zhangsan", next=None):
        """Scan as a person without an account.

        Return the page on which they wait.
        """
        answer = self.sign_in(element, person, next)
        assert (answer.status_code, answer.location) == (303, "/login/waiting"), answer.text
        return self.get(answer.location)

    def post_form(self, path, **fields):
        """Post a form as a page of ours would."""
        token = self.get("/api/csrf").json["csrfToken"]
        return self.post(path, data={**fields, "csrf_token": token})

    def session(self):
        return self.get("/api/session")


def answer_platform(address, person="zhangsan", action="allow"):
    """Answer the platform's page as a person.

    Return the path and query to which it redirects the browser.
    """
    address, _, fragment = address.partition("#")
    answer = requests.get(f"{address}&person={person}&action={action}", allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def parse_query(address):
    """Return an address's parameters, each once."""
    return {key: values[0] for key, values in parse_qs(urlsplit(address).query, keep_blank_values=True).items()}


def find_reference(page):
    return re.search(r'translate="no">([0-9A-Z]{4}-[0-9A-Z]{2})<', page)


# The portal as processes


class Server:
    """A running gunicorn."""

    def __init__(self, url, process, log):
        self.url, self.process, self.log = url, process, log

    def output(self):
        return self.log.read_text()


@contextmanager
def run_portals(settings, folder):
    """Yield a function that starts the portal.

    `PORTAL_ENV` is not `production`, which refuses logins whose platform is on this machine, as the sandbox is. The
    processes end with the block.
    """
    running = []

    def start(workers=2, threads=32, tls=None, app=PORTAL, prefix=(), path="/readyz", graceful=5, port=None, **more):
        log = folder / f"gunicorn{len(running)}.log"
        url = f"http://127.0.0.1:{port}" if port else settings["PORTAL_BASE_URL"]
        port = urlsplit(url).port
        options = ["--workers", str(workers), "--threads", str(threads)]
        options += ["--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
        options += ["--graceful-timeout", str(graceful)]  # seconds; most tests are over then
        if app != PORTAL:
            options += ["--pythonpath", str(Path(__file__).parent.parent)]
        if tls:
            options += ["--certfile", str(tls[0]), "--keyfile", str(tls[1])]
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
        with log.open("w") as out:
            process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "gunicorn", *options, app],
                cwd=ROOT,
                env={**clean, **settings, **more},
                stdout=out,
                stderr=out,
            )
        running.append(process)
        server = Server(url, process, log)
        wait_for_server(lambda: is_ready(server, path), server)
        return server

    try:
        yield start
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=60)


def is_ready(server, path="/readyz"):
    """Tell whether a server is ready.

    It is reached by its number, as only a browser may know its name.
    """
    public = urlsplit(server.url)
    try:
        return requests.get(f"{public.scheme}://127.0.0.1:{public.port}{path}", timeout=2, verify=False).ok
    except requests.RequestException:
        return False


def wait_for_server(condition, server, seconds=90):
    until = time.monotonic() + seconds
    while not condition():
        assert server.process.poll() is None, server.output()
        assert time.monotonic() < until, server.output()
        time.sleep(0.05)
