"""`make serve` and `make worker` run a safe production portal, or say in a line why not."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import requests
from support.groups import report_missing
from support.portal_app import PORTAL, ROOT, Server, is_ready, wait_for_server
from support.postgres import find_free_port

SECRET = "0123456789 is the secret of tests"
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
REGULAR = 43 * "A" + "="  # 32 bytes of zero
MEMORY = "must start with sqlite:/// and the path of a file, or with postgresql+psycopg://"
REFUSALS = [
    ({"PORTAL_SECRET_KEY": None}, "PORTAL_SECRET_KEY must be set in production"),
    ({"PORTAL_SECRET_KEY": "short"}, "PORTAL_SECRET_KEY must have at least 32 characters"),
    ({"PORTAL_SECRET_KEY": 40 * "x"}, "PORTAL_SECRET_KEY is too regular; make a random one"),
    ({"PORTAL_SECRET_KEY": 20 * "ab"}, "PORTAL_SECRET_KEY is too regular; make a random one"),
    (
        {"PORTAL_SECRET_KEY_FALLBACKS": 40 * "x"},
        "PORTAL_SECRET_KEY_FALLBACKS has a key that is too regular; such a key protects nothing",
    ),
    (
        {"PORTAL_SECRET_KEY_FALLBACKS": SECRET},
        "PORTAL_SECRET_KEY_FALLBACKS holds PORTAL_SECRET_KEY itself; keep former keys alone there",
    ),
    ({"PORTAL_ENCRYPTION_KEYS": None}, "PORTAL_ENCRYPTION_KEYS must be set in production"),
    (
        {"PORTAL_ENCRYPTION_KEYS": "c2hvcnQ="},
        "PORTAL_ENCRYPTION_KEYS must be a comma list of Fernet keys, each 32 bytes in URL-safe base64",
    ),
    ({"PORTAL_ENCRYPTION_KEYS": REGULAR}, "PORTAL_ENCRYPTION_KEYS has a key that is too regular; make a random one"),
    (
        {"PORTAL_ENCRYPTION_KEYS": f"{KEY},{REGULAR}"},
        "PORTAL_ENCRYPTION_KEYS has a key that is too regular; make a random one",
    ),
    (
        {"PORTAL_SECRET_KEY": KEY},
        "PORTAL_ENCRYPTION_KEYS has a key that is also a secret key; make one for each use",
    ),
    ({"PORTAL_BASE_URL": "http://login.example.com"}, "PORTAL_BASE_URL must start with https:// in production"),
    ({"FLASK_DEBUG": "1"}, "FLASK_DEBUG must not be set in production"),
    ({"FLASK_DEBUG": "true"}, "FLASK_DEBUG must not be set in production"),
    ({"PORTAL_DATABASE_URL": None}, "PORTAL_DATABASE_URL must be set in production"),
    ({"PORTAL_DATABASE_URL": "sqlite:///:memory:"}, f"PORTAL_DATABASE_URL {MEMORY}"),
    ({"PORTAL_DATABASE_URL": "sqlite:///file:x?mode=memory&uri=true"}, f"PORTAL_DATABASE_URL {MEMORY}"),
    ({"PORTAL_LOG": "xml"}, "PORTAL_LOG must be one of: json, text"),
    (
        {"PORTAL_BIND": "8000"},
        "PORTAL_BIND must be an address and a port, such as 127.0.0.1:8000, or unix:/run/portal.sock",
    ),
]
CASES = pytest.mark.parametrize(
    ("changes", "line"), REFUSALS, ids=[f"{list(case)} {n}" for n, (case, _) in enumerate(REFUSALS)]
)


@pytest.fixture
def environ(tmp_path):
    """Return a function that makes the environment of a production portal, with changes."""
    good = {
        "PORTAL_ENV": "production",
        "PORTAL_SECRET_KEY": SECRET,
        "PORTAL_ENCRYPTION_KEYS": KEY,
        "PORTAL_DATABASE_URL": f"sqlite:///{tmp_path}/portal.db",
        "PORTAL_BASE_URL": "https://login.example.com",
        "PORTAL_BIND": f"127.0.0.1:{find_free_port()}",
        "PORTAL_APP_DIR": str(tmp_path),
    }
    clean = {name: value for name, value in os.environ.items() if not re.match("PORTAL_|FLASK_|GUNICORN_", name)}

    def make(**changes):
        together = {**clean, **good, **changes}
        return {name: value for name, value in together.items() if value is not None}

    return make


def run(environ, *words):
    return subprocess.run(words, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)


def need_make():
    if shutil.which("make") is None or not (ROOT / ".venv" / "run.done").exists():
        report_missing("clone", "make is not installed, or the tests run without .venv")


@CASES
def test_the_server_refuses_before_a_process_is_made(environ, changes, line):
    done = run(environ(**changes), sys.executable, "-m", "gunicorn", PORTAL)
    assert done.returncode == 2, done.stderr
    told = [text for text in done.stderr.splitlines() if not text.startswith("{")]  # gunicorn's own lines are JSON
    assert told == [line]
    assert "Listening" not in done.stderr and "Booting" not in done.stderr
    assert SECRET not in done.stderr and KEY not in done.stderr


@CASES
def test_the_worker_refuses_in_a_line(environ, changes, line):
    done = run(environ(**changes), sys.executable, "-m", "flask", "worker")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{line}\n")


def test_flask_can_not_debug_in_production(environ):
    done = run(environ(), sys.executable, "-m", "flask", "--debug", "worker")
    assert (done.returncode, done.stderr) == (2, "FLASK_DEBUG must not be set in production\n")


@pytest.mark.clone
@pytest.mark.parametrize("target", ["serve", "worker"])
def test_make_sets_production_and_hands_on_the_refusal(environ, target):
    need_make()
    done = run(environ(PORTAL_ENV=None, PORTAL_SECRET_KEY=None), "make", "--no-print-directory", target)
    assert done.returncode == 2
    assert "PORTAL_SECRET_KEY must be set in production" in done.stderr.splitlines()
    assert "Traceback" not in done.stderr


@pytest.fixture
def start(environ, tmp_path):
    """Return a function that starts a command and waits for a sign of it."""
    started = []

    def start_command(*words, until, **changes):
        log = tmp_path / "log"
        variables = environ(**changes)
        with log.open("w") as out:
            process = subprocess.Popen(words, cwd=ROOT, env=variables, stdout=out, stderr=out)
        started.append(process)
        server = Server(f"http://{variables['PORTAL_BIND']}", process, log)
        wait_for_server(lambda: until(server), server)
        return server

    yield start_command
    for process in started:
        process.terminate()
        process.wait(timeout=60)


def is_alive(server):
    return is_ready(server, "/healthz")


@pytest.mark.clone
def test_make_serve_listens_where_it_should_in_production(start):
    need_make()
    server = start("make", "serve", until=is_alive, PORTAL_ENV=None)
    answer = requests.get(f"{server.url}/login", headers={"Host": "login.example.com"}, timeout=30)
    assert "__Host-portal_visit" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in answer.headers
    assert server.output().count("Booting worker") == 2


def test_an_unknown_name_is_a_warning_with_the_nearest(start):
    server = start(sys.executable, "-m", "gunicorn", PORTAL, until=is_alive, PORTAL_SESION_IDLE="60")
    assert "PORTAL_SESION_IDLE is no setting; did you mean PORTAL_SESSION_IDLE?" in server.output()


def test_an_element_at_this_machine_is_named_as_broken(start):
    """Those of the repository are at the sandbox."""
    server = start(sys.executable, "-m", "gunicorn", PORTAL, until=is_alive, PORTAL_APP_DIR=str(ROOT), SANDBOX_URL=None)
    lines = [json.loads(line) for line in server.output().splitlines()]
    broken = {line["element"]: line for line in lines if line["event"] == "element_broken"}
    assert set(broken) == {"FSInnerExample", "QywxInnerExample"}
    for element, key in (("FSInnerExample", "openBaseUrl"), ("QywxInnerExample", "apiBaseUrl")):
        file = f"auths/loginTypes/{element}/{element}.json"
        assert broken[element]["reason"].startswith(f"{file}: {key} is an address of this machine"), broken[element]
        assert broken[element]["number"] == 47001


def test_the_server_makes_no_control_socket(start, tmp_path):
    server = start(
        sys.executable, "-m", "gunicorn", PORTAL, until=is_alive, HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path)
    )
    assert "ontrol socket" not in server.output()
    assert not list(tmp_path.rglob("*.ctl"))


@pytest.mark.clone
def test_make_worker_says_what_it_runs(start):
    need_make()
    server = start("make", "worker", until=lambda server: '"worker_start"' in server.output(), PORTAL_ENV=None)
    assert "no element has a directory to sync" in server.output()
