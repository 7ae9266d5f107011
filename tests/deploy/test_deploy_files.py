"""The files of `deploy/` are what the programs that read them take.

The image itself can't be built here: that needs a Docker daemon and a registry. Its file is linted, and what it copies
is run.
"""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml
from compose_spec import PyCompose
from support.portal_app import PORTAL, ROOT
from support.postgres import find_free_port
from support.programs import need, run
from support.redis_server import wait_for_port

DEPLOY = ROOT / "deploy"
UNITS = ("portal.socket", "portal.service", "portal-worker.service")
MOST_EXPOSED = 2.0  # by the scale of `systemd-analyze security`, whose "OK" begins below 5
LEFT_OUT = (".git", ".venv", "tests", "docs", "bench", "deploy", "instance", "node_modules")


# The image


def read_ignored():
    return [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]


def test_the_dockerfile_passes_its_linter():
    done = run(Path(sys.executable).parent / "hadolint", DEPLOY / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_is_not_run_by_root_and_says_how_it_is():
    text = (DEPLOY / "Dockerfile").read_text()
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    assert "/readyz" in re.search(r"^HEALTHCHECK (.*\\\n.*)$", text, re.MULTILINE)[1]
    assert text.rstrip().endswith('CMD ["gunicorn", "app:create_app()"]')


def test_the_image_asks_the_portal_for_its_health(serve, base):
    """A proxy in the environment, as Docker may set one, is not asked."""
    [command] = re.findall(r"^HEALTHCHECK .*\n *CMD (\[.*\])$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    words = [word.replace("http://127.0.0.1:8000/", f"{base}/") for word in json.loads(command)]
    assert words[0] == "python" and f"{base}/readyz" in words[2]
    proxy = {"http_proxy": f"http://127.0.0.1:{find_free_port()}"}
    assert run(sys.executable, *words[1:], **proxy).returncode != 0
    serve(workers=1, threads=4)
    assert run(sys.executable, *words[1:], **proxy).returncode == 0


def test_the_image_takes_nothing_that_is_not_named():
    first, *rest = read_ignored()
    assert first == "*"
    tops = {line[1:] for line in rest if line.startswith("!")}
    assert tops.isdisjoint(LEFT_OUT)
    assert [top for top in tops if not (ROOT / top).exists()] == []


def test_what_the_image_takes_is_enough_to_run(tmp_path):
    folder = tmp_path / "portal"
    folder.mkdir()
    for line in read_ignored():
        if line.startswith("!"):
            source, target = ROOT / line[1:], folder / line[1:]
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    settings = {"PORTAL_DATABASE_URL": f"sqlite:///{tmp_path}/portal.db", "PYTHONWARNINGS": "error"}
    done = run(sys.executable, "-m", "flask", "db", "upgrade", cwd=folder, **settings)
    assert done.returncode == 0, done.stderr
    done = run(sys.executable, "-m", "gunicorn", "--check-config", PORTAL, cwd=folder, **settings)
    assert done.returncode == 0, done.stderr


# Compose


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_the_compose_file_fits_the_specification(compose):
    file = PyCompose.from_json(json.dumps(compose))
    file.validate()
    assert set(file.to_spec().services) == {"tables", "portal1", "portal2", "worker", "postgresql", "redis", "nginx"}


def test_secrets_reach_the_containers_as_files_alone(compose):
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if re.search("KEY|PASSWORD|DATABASE_URL|REDIS_URL|TOKEN", variable) and not variable.startswith("NGINX_"):
                assert variable.endswith("_FILE") and value.startswith("/run/secrets/"), (name, variable)
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_docker_rotates_all_logs(compose):
    for name, service in compose["services"].items():
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name
    logs = [compose["services"]["nginx"]["environment"][name] for name in ("NGINX_ACCESS_LOG", "NGINX_ERROR_LOG")]
    assert logs == ["/dev/stdout", "stderr"]
    assert set(compose["volumes"]) == {"database"}


def test_the_tables_are_made_before_anything_uses_them(compose):
    services = compose["services"]
    assert services["tables"]["command"] == ["flask", "db", "upgrade"]
    for name in ("portal1", "portal2", "worker"):
        assert services[name]["depends_on"]["tables"]["condition"] == "service_completed_successfully"


def test_only_the_proxy_can_be_reached(compose):
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["nginx"]


def test_containers_are_given_longer_to_end_than_their_requests(compose):
    graceful = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["graceful_timeout"]
    assert graceful > 8  # seconds that a login may take
    for name in ("portal1", "portal2"):
        assert int(compose["services"][name]["stop_grace_period"].rstrip("s")) > graceful
    assert int(re.search(r"TimeoutStopSec=(\d+)", (DEPLOY / "systemd/portal.service").read_text())[1]) > graceful


def test_the_proxy_names_both_portals_by_their_addresses(compose):
    services = compose["services"]
    addresses = [services[name]["networks"]["inside"]["ipv4_address"] for name in ("portal1", "portal2")]
    named = re.findall(r"server ([\d.]+):8000 max_fails=0;", services["nginx"]["environment"]["NGINX_PORTALS"])
    assert named == addresses


def test_redis_asks_for_the_password_of_the_file(compose, tmp_path):
    need("redis-server", "redis", "redis-server")
    (tmp_path / "redis_password").write_text("correct-horse")
    command, port = read_redis_command(compose, tmp_path), find_free_port()
    command[-1] = f"{command[-1].rstrip()} --port {port} --dir {tmp_path}\n"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        server = wait_for_port(port)
        with server:
            server.sendall(b"PING\r\n")
            assert server.recv(100).startswith(b"-NOAUTH")
            server.sendall(b"AUTH correct-horse\r\nPING\r\n")
            answer = b""
            while answer.count(b"\r\n") < 2:
                answer += server.recv(100)
            assert answer == b"+OK\r\n+PONG\r\n"
        words = Path(f"/proc/{process.pid}/cmdline").read_text()
        assert words.startswith("redis-server ") and "correct-horse" not in words
        assert (tmp_path / "redis.conf").stat().st_mode & 0o077 == 0
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.parametrize("password", ["", None])
def test_redis_does_not_start_without_a_password(compose, tmp_path, password):
    need("redis-server", "redis", "redis-server")
    if password is not None:
        (tmp_path / "redis_password").write_text(password)
    command = read_redis_command(compose, tmp_path)
    command[-1] = f"{command[-1].rstrip()} --port {find_free_port()} --dir {tmp_path}\n"
    done = run(*command)
    assert done.returncode != 0
    assert "redis_password" in done.stderr or "requirepass" in done.stderr + done.stdout


def read_redis_command(compose, folder):
    """Return the words that start Redis, with its two files in a folder."""
    *words, script = compose["services"]["redis"]["command"]
    script = script.replace("$$", "$").replace("/tmp/redis.conf", f"{folder}/redis.conf")
    return [*words, script.replace("/run/secrets", str(folder))]


def test_redis_has_no_rights_of_root(compose):
    redis = compose["services"]["redis"]
    assert (redis["user"], redis["cap_drop"], redis["tmpfs"]) == ("redis", ["ALL"], ["/tmp"])


# systemd


@pytest.fixture
def units(tmp_path):
    """Return the unit files, with this folder in place of the installed one."""
    need("systemd-analyze", "systemd", "systemd")
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text()
        text = text.replace("/opt/portal/.venv/bin", str(Path(sys.executable).parent)).replace("/opt/portal", str(ROOT))
        (tmp_path / name).write_text(text)
    return [tmp_path / name for name in UNITS]


@pytest.mark.systemd
def test_systemd_takes_the_units(units):
    done = run("systemd-analyze", "verify", *units)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.systemd
def test_a_mistake_in_a_unit_would_be_seen(units):
    units[1].write_text(units[1].read_text().replace("ProtectHome=", "ProtectHouse="))
    assert "ProtectHouse" in run("systemd-analyze", "verify", *units).stderr


@pytest.mark.systemd
@pytest.mark.parametrize("number", [1, 2])
def test_the_services_are_hardened(units, number):
    done = run("systemd-analyze", "security", "--offline=true", units[number])
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)[1]) < MOST_EXPOSED


def test_the_services_start_what_make_starts():
    makefile = (ROOT / "Makefile").read_text()
    for name, command in (("portal", "gunicorn app:create_app()"), ("portal-worker", "flask worker")):
        text = (DEPLOY / f"systemd/{name}.service").read_text()
        assert f"ExecStart=/opt/portal/.venv/bin/{command}\n" in text
        assert "Environment=PORTAL_ENV=production" in text
        assert f"$(BIN)/{command}" in makefile.replace('"', "")


# Caddy


def read_page(name):
    """Return the page about portals that do not answer, as a configuration holds it."""
    return re.search(r"<!doctype html>.*</html>", (DEPLOY / name).read_text(), re.DOTALL)[0]


def test_both_proxies_show_the_same_page_without_a_script():
    page = read_page("Caddyfile")
    assert page == read_page("nginx/portal.conf.template")
    assert "<script" not in page and "javascript:" not in page
    for words in ("load this page again", "重新载入本页", "href='/login'"):
        assert words in page


@pytest.mark.caddy
def test_caddy_rotates_its_log():
    done = run(need("caddy", "caddy", "Caddy"), "adapt", "--config", DEPLOY / "Caddyfile", "--adapter", "caddyfile")
    [log] = [log for name, log in json.loads(done.stdout)["logging"]["logs"].items() if name != "default"]
    rolling = {name: value for name, value in log["writer"].items() if name.startswith("roll_")}
    assert set(rolling) == {"roll_size_mb", "roll_keep", "roll_keep_days"}
    assert (rolling["roll_keep"], rolling["roll_keep_days"]) == (10, 30)


@pytest.mark.caddy
def test_caddy_takes_its_file():
    caddy, file = need("caddy", "caddy", "Caddy"), DEPLOY / "Caddyfile"
    done = run(caddy, "validate", "--config", file, "--adapter", "caddyfile", CADDY_LOG="/dev/null")
    assert done.returncode == 0, done.stderr
    assert run(caddy, "fmt", file).stdout == file.read_text()


@pytest.mark.caddy
def test_caddy_logs_no_code_and_no_link_also_where_no_portal_answers(tmp_path):
    port, log = find_free_port(), tmp_path / "access.log"
    settings = {"CADDY_HOST": f"http://127.0.0.1:{port}", "CADDY_PORTALS": f"127.0.0.1:{find_free_port()}"}
    environ = {**os.environ, **settings, "CADDY_LOG": str(log), "HOME": str(tmp_path)}
    command = [need("caddy", "caddy", "Caddy"), "run", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"]
    output = tmp_path / "output.log"
    with output.open("w") as out:
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=out)
    try:
        wait_for_port(port).close()
        for path in ("/login/X/callback?code=canary", "/login/once/canary"):
            answer = requests.get(f"http://127.0.0.1:{port}{path}", headers={"Referer": "http://x/?canary"}, timeout=60)
            assert (answer.status_code, answer.headers["Referrer-Policy"]) == (502, "no-referrer")
            assert answer.text.strip() == read_page("Caddyfile")
        assert requests.get(f"http://127.0.0.1:{port}/metrics", timeout=60).status_code == 404
    finally:
        process.terminate()
        process.wait(60)
    assert "/login/X/callback?-" in log.read_text()
    assert "canary" not in log.read_text() + output.read_text()
