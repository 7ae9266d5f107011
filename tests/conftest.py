"""Real parts for the tests: the sandbox as a process, SQLite and PostgreSQL, gunicorn, Chromium.

A part that is missing skips its tests and says so. `PORTAL_MUST_RUN`, a comma list of groups, turns that into a
failure: a group named there has to run.
"""

import json
import os
import re
import shutil
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
from postgres import Cluster, binaries, free_port
from redis_server import RedisServer
from sandbox_server import SandboxServer

import app as portal_app
from portal.models import db

ROOT = Path(__file__).parent.parent
PORTAL = "app:create_app()"
GROUPS = ("browser", "postgresql", "redis", "pgbouncer", "clone", "node")
MUST_RUN = [name for name in os.environ.get("PORTAL_MUST_RUN", "").split(",") if name]
FEISHU_APP = {"appId": "cli_5a4db0c5a4db0c01", "appSecret": "sandbox-feishu-secret"}
QR_SCRIPT = "/obj/feishu-static/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.3.js"
H5_SCRIPT = "/lark/op/h5-js-sdk-1.5.44.js"
WECOM_APP = {"corpId": "wwsandbox00000001", "corpSecret": "sandbox-wecom-secret", "agentId": "1000002"}


# Groups that may not be skipped


class Groups:
    """Counts the tests of each group that have passed, in whichever process they ran."""

    def __init__(self):
        self.ran = dict.fromkeys(GROUPS, 0)

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            for name in GROUPS:
                self.ran[name] += name in report.keywords

    def pytest_sessionfinish(self, session, exitstatus):
        silent = [name for name in MUST_RUN if not self.ran[name]]
        if silent and exitstatus in (0, 5):
            session.config.get_terminal_writer().line(f"\nno test passed of the group: {', '.join(silent)}", red=True)
            session.exitstatus = 1


def pytest_configure(config):
    unknown = set(MUST_RUN) - set(GROUPS)
    if unknown:
        raise pytest.UsageError(f"PORTAL_MUST_RUN names unknown groups: {', '.join(sorted(unknown))}")
    for name in GROUPS:
        config.addinivalue_line("markers", f"{name}: needs a part that may be missing on this machine")
    if not hasattr(config, "workerinput"):  # one of several processes tells the one that began them
        config.pluginmanager.register(Groups())


def pytest_collection_modifyitems(items):
    for item in items:
        if "postgresql" in getattr(getattr(item, "callspec", None), "params", {}).values():
            item.add_marker("postgresql")
        if "redis" in getattr(item, "fixturenames", ()):
            item.add_marker("redis")


def missing(group, what):
    """Skip for want of a part, or fail where the part is due."""
    if group in MUST_RUN:
        pytest.fail(f"{what}, but PORTAL_MUST_RUN names {group}")
    pytest.skip(what)


# Platforms and databases


@pytest.fixture(scope="session")
def sandbox_process():
    server = SandboxServer.start()
    yield server
    server.stop()


@pytest.fixture
def sandbox(sandbox_process):
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "portal.db"
    make_tables(f"sqlite:///{path}", tmp_path_factory.mktemp("no-elements"))
    return path


@pytest.fixture(scope="session")
def postgres():
    if binaries() is None:
        missing("postgresql", "PostgreSQL is not installed")
    cluster = Cluster()
    cluster.template = cluster.database()
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def database(request, tmp_path):
    """A database with tables: SQLite, or what the test asks for by an indirect parameter."""
    if getattr(request, "param", "sqlite") == "sqlite":
        path = tmp_path / "portal.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    cluster = request.getfixturevalue("postgres")
    if cluster.made == 1:
        make_tables(cluster.url(cluster.template), tmp_path)
    return cluster.url(cluster.database(cluster.template))


@pytest.fixture(scope="session")
def redis_process():
    if shutil.which("redis-server") is None:
        missing("redis", "redis-server is not installed")
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def redis(redis_process):
    """A Redis with nothing in it."""
    redis_process.start()
    redis_process.empty()
    return redis_process


@pytest.fixture(params=["sqlite queue", "redis queue"])
def queue(request, settings):
    """Where jobs wait: a SQLite file, or Redis."""
    if request.param == "redis queue":
        settings["PORTAL_REDIS_URL"] = request.getfixturevalue("redis").url
    settings["PORTAL_SYNC_EVERY"] = "0"
    return request.param


both_databases = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def make_tables(url, folder):
    with portal_app.create_app(base_settings(url, folder)).app_context():
        upgrade()
        db.engine.dispose()


# The portal


def base_settings(database, folder, base="http://127.0.0.1:8000"):
    return {
        "PORTAL_SECRET_KEY": "a secret key for tests, long enough to be one",
        "PORTAL_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PORTAL_DATABASE_URL": database,
        "PORTAL_BASE_URL": base,
        "PORTAL_APP_DIR": str(folder),
        "PORTAL_UNKNOWN_PEOPLE": "create",
    }


class Elements:
    """Writes element folders, pointed at the sandbox."""

    def __init__(self, folder, sandbox, base):
        self.folder, self.sandbox, self.base = folder / "auths" / "loginTypes", sandbox, base

    def add(self, name, type, settings, title=None):
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        declared = {"title": title or name, "type": f"auths.loginTypes.{type}"}
        (folder / "e.json").write_text(json.dumps(declared), encoding="utf-8")
        (folder / f"{name}.json").write_text(json.dumps(settings), encoding="utf-8")
        return name

    def feishu(self, name="FSInnerExample", type="FSInnerType", **settings):
        urls = dict.fromkeys(("openBaseUrl", "accountsBaseUrl", "passportBaseUrl"), self.sandbox.url)
        scripts = {"qrSdkUrl": self.sandbox.url + QR_SCRIPT, "h5SdkUrl": self.sandbox.url + H5_SCRIPT}
        return self.add(name, type, {**FEISHU_APP, **urls, **scripts, **settings})

    def wecom(self, name="QywxInnerExample", type="QywxInnerType", **settings):
        urls = dict.fromkeys(("apiBaseUrl", "loginBaseUrl", "oauthBaseUrl"), self.sandbox.url)
        redirect = {"redirectUri": f"{self.base}/api/auth/qywx/callback"}
        return self.add(name, type, {**WECOM_APP, **urls, **redirect, **settings})


@pytest.fixture
def base():
    """The portal's public address: a port of its own for every test."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def elements(tmp_path, sandbox, base):
    """The two example elements, and the way to more."""
    made = Elements(tmp_path / "app", sandbox, base)
    made.feishu()
    made.wecom()
    return made


@pytest.fixture
def settings(tmp_path, database, base, elements):
    """The portal's environment; change it before asking for `portal` or `serve`."""
    return base_settings(database, tmp_path / "app", base)


@pytest.fixture
def make_portal(settings):
    """Return a function that makes the portal with further settings."""
    made = []

    def make(**more):
        portal = portal_app.create_app({**settings, **more})
        portal.test_client_class = Browser
        made.append(portal)
        return portal

    yield make
    for portal in made:
        with portal.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def portal(make_portal):
    return make_portal()


@pytest.fixture
def client(portal):
    return portal.test_client()


class Browser(FlaskClient):
    """A browser inside the process: a cookie jar, forms with their token, and a person who scans."""

    def open(self, *args, **kwargs):
        kwargs.setdefault("base_url", self.application.config["PORTAL_BASE_URL"])
        kwargs.setdefault("buffered", True)
        return super().open(*args, **kwargs)

    def cookie(self, name="portal_session"):
        cookie = self.get_cookie(name, domain=urlsplit(self.application.config["PORTAL_BASE_URL"]).hostname)
        return cookie.value if cookie else None

    def bring(self, value, name="portal_session"):
        """Send this cookie from now on."""
        self.set_cookie(name, value, domain=urlsplit(self.application.config["PORTAL_BASE_URL"]).hostname)

    def start(self, element, next=None, **headers):
        """Begin a login; return the address at the platform."""
        answer = self.get(f"/login/{element}", query_string={"next": next} if next else {}, headers=headers)
        assert answer.status_code == 302, answer.text
        return answer.location

    def scan(self, element="FSInnerExample", person="zhangsan", action="allow", next=None):
        """Begin a login and let the person answer; return the callback's address that the platform sends us to."""
        return platform_answers(self.start(element, next), person, action)

    def sign_in(self, element="FSInnerExample", person="zhangsan", next=None):
        """Sign the person in; return the last answer."""
        return self.get(self.scan(element, person, next=next))

    def post_form(self, path, **fields):
        """Post a form as a page of ours would."""
        token = self.get("/api/csrf").json["csrfToken"]
        return self.post(path, data={**fields, "csrf_token": token})

    def session(self):
        return self.get("/api/session")


def platform_answers(address, person="zhangsan", action="allow"):
    """Let a person answer at the platform's page; return where it sends the browser, as path and query."""
    address, _, fragment = address.partition("#")
    answer = requests.get(f"{address}&person={person}&action={action}", allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def query_of(address):
    """Return an address's parameters, each once."""
    return {key: values[0] for key, values in parse_qs(urlsplit(address).query, keep_blank_values=True).items()}


def reference_in(page):
    return re.search(r'translate="no">([0-9A-Z]{4}-[0-9A-Z]{2})<', page)


# The portal as processes


class Server:
    """A running gunicorn."""

    def __init__(self, url, process, log):
        self.url, self.process, self.log = url, process, log

    def output(self):
        return self.log.read_text()


@pytest.fixture
def serve(settings, tmp_path):
    """Return a function that starts the portal on its own port: `serve(workers=2, **settings)`."""
    with portals(settings, tmp_path) as start:
        yield start


@contextmanager
def portals(settings, folder):
    """Give a function that starts the portal; what it started ends with the block."""
    running = []

    def start(workers=2, threads=32, tls=None, app=PORTAL, prefix=(), path="/readyz", **more):
        log = folder / f"gunicorn{len(running)}.log"
        port = urlsplit(settings["PORTAL_BASE_URL"]).port
        options = ["--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads)]
        options += ["--no-control-socket", "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
        options += ["--graceful-timeout", "5"]  # seconds; the test is over
        if app != PORTAL:
            options += ["--pythonpath", str(Path(__file__).parent)]
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
        server = Server(settings["PORTAL_BASE_URL"], process, log)
        wait_until(lambda: answers(server, path), server)
        return server

    try:
        yield start
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=60)


def answers(server, path="/readyz"):
    """Return whether a server is ready; by its number, as its name may be known to a browser alone."""
    public = urlsplit(server.url)
    try:
        return requests.get(f"{public.scheme}://127.0.0.1:{public.port}{path}", timeout=2, verify=False).ok
    except requests.RequestException:
        return False


def wait_until(condition, server, seconds=90):
    until = time.monotonic() + seconds
    while not condition():
        assert server.process.poll() is None, server.output()
        assert time.monotonic() < until, server.output()
        time.sleep(0.05)
