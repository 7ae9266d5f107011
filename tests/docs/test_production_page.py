"""An operator who follows the production page gets what it promises."""

import os
import re
import runpy
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml
from cryptography.fernet import Fernet
from support.docs_pages import text
from support.groups import report_missing
from support.installation import Installation
from support.portal_app import ROOT
from support.postgres import find_binaries

import config

PAGE = "docs/production.md"
pytestmark = pytest.mark.clone


def read_section(heading):
    """Return the blocks of shell commands below a heading of the page."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text(PAGE), re.MULTILINE | re.DOTALL)[1]
    return re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def bare(tmp_path):
    """A machine without the portal."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        report_missing("clone", "no git, or no checkout to clone")
    machine = Installation(tmp_path)
    yield machine
    machine.end()


@pytest.fixture
def machine(bare):
    """A machine on which the page's commands have installed the portal, with SQLite."""
    for block in read_section("Install it on one machine"):
        bare.run(block)
    return bare


@pytest.fixture
def on_postgres(bare, postgres):
    """The same with PostgreSQL."""
    fetch, secrets, start = read_section("Install it on one machine")
    bare.run(fetch)
    bare.run(secrets)
    url = postgres.url(postgres.database())
    (bare.folder / "etc/portal/database_url").write_text(f"{url}\n")
    bare.run(start)
    return bare


def test_the_installation_runs_and_keeps_its_secrets(machine):
    assert machine.get("/readyz").json() == {"status": "ok"}
    assert machine.get("/login").headers["Strict-Transport-Security"]
    for file in (machine.folder / "etc/portal").glob("*_key*"):
        assert not stat.S_IMODE(file.stat().st_mode) & 0o007, file
    assert stat.S_IMODE((machine.folder / "opt/portal/instance").stat().st_mode) == 0o700
    assert machine.is_signed_in(machine.sign_in("root"))


def test_the_upgrade_keeps_data_and_sessions(machine):
    cookies = machine.sign_in("root")
    machine.flask("db", "downgrade", "0010")
    [block] = read_section("Upgrade")
    assert "Login portal " in machine.run(block)
    assert machine.get("/readyz").ok
    assert machine.is_signed_in(cookies)
    assert set(machine.processes) == {"portal.service", "portal-worker.service"}


def restore_old_state(machine, backup, restore):
    """Back up, change much, restore, and check what came back."""
    before = machine.sign_in("root")
    ended = machine.sign_in("second")
    machine.run(backup)
    assert machine.is_signed_in(before)
    machine.post("/logout", ended, csrf_token=machine.get_token(ended))
    assert not machine.is_signed_in(ended)
    machine.sign_in("late")
    machine.run(restore)
    assert machine.get("/readyz").ok
    assert not machine.is_signed_in(before)
    assert not machine.is_signed_in(ended)
    assert machine.is_signed_in(machine.sign_in("root"))


def test_a_backup_is_restored_without_its_sessions(machine):
    backup, _ = read_section("Backup")
    restore, _ = read_section("Restore")
    restore_old_state(machine, backup, restore)


def test_a_backup_of_postgresql_is_restored_without_its_sessions(on_postgres):
    if not (find_binaries() / "pg_dump").exists():
        pytest.skip("pg_dump is not installed")
    backup, dump = read_section("Backup")
    restore, load = read_section("Restore")
    backup = re.sub(
        r'^/opt/\S+/python -c "\n.*?^mv .*?$', lambda _: dump.strip(), backup, flags=re.DOTALL | re.MULTILINE
    )
    restore = re.sub(r"^rm -f .*\ninstall .*$", lambda _: load.strip(), restore, flags=re.MULTILINE)
    assert "pg_dump" in backup and "sqlite" not in backup
    assert "pg_restore" in restore and "portal.db" not in restore
    restore_old_state(on_postgres, backup, restore)


def test_a_restore_without_end_all_would_open_sessions_again(machine):
    """This is why the page ends them."""
    backup, _ = read_section("Backup")
    restore, _ = read_section("Restore")
    cookies = machine.sign_in("root")
    machine.run(backup)
    machine.post("/logout", cookies, csrf_token=machine.get_token(cookies))
    machine.run(restore.replace("portal-flask sessions end-all\n", ""))
    assert machine.is_signed_in(cookies)


def test_new_keys_sign_nobody_out(machine):
    change, forget, encryption = read_section("Change the keys")
    cookies = machine.sign_in("root")
    token, keys = machine.get_token(cookies), machine.folder / "etc/portal"
    old = (keys / "secret_key").read_text()
    machine.run(change)
    assert (keys / "secret_key").read_text() != old
    assert machine.is_signed_in(cookies)
    form = {"language": "en", "next": "/account", "csrf_token": token}  # of a page that was open all the time
    assert machine.post("/language", cookies, **form).status_code in (302, 303)
    machine.run(forget)
    assert machine.is_signed_in(cookies)
    assert machine.post("/language", cookies, **form).status_code == 400
    old = (keys / "encryption_keys").read_text()
    machine.run(encryption)
    assert (keys / "encryption_keys").read_text() != old
    assert "," not in (keys / "encryption_keys").read_text()
    assert machine.is_signed_in(cookies)
    assert sorted(file.name for file in keys.glob("*_key*")) == [
        "encryption_keys",
        "secret_key",
        "secret_key_fallbacks",
    ]


def test_new_keys_wait_for_the_old_processes():
    """An old process may store a token under the old key until it ends."""
    encryption = read_section("Change the keys")[-1]
    longest = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["graceful_timeout"]
    waits = re.search(
        r"^systemctl reload portal\n.*\nsleep (\d+)\nportal-flask keys reencrypt$", encryption, re.MULTILINE
    )
    assert int(waits[1]) > longest


def test_no_command_has_the_address_of_the_database():
    """All users of a machine can read the words of a command."""
    assert re.findall(r"\$\(cat /etc/portal/database_url\)", text(PAGE)) == []


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())


def make_secrets(folder):
    """Run the commands that make the secrets of the containers, as a cautious administrator."""
    command = ["bash", "-euo", "pipefail", "-c", f"umask 077\n{read_section('Containers')[0]}"]
    subprocess.run(command, cwd=folder, check=True)


def test_only_the_containers_can_read_their_secrets(tmp_path):
    make_secrets(tmp_path)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").rglob("*")}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert set(modes.values()) == {0o644, 0o755}


def test_the_host_of_the_containers_must_be_named(tmp_path, compose):
    make_secrets(tmp_path)
    assert (tmp_path / ".env").read_text() == "LOGIN_HOST=login.example.com\n"
    assert compose["x-portal"]["environment"]["PORTAL_BASE_URL"].startswith("https://${LOGIN_HOST:?")


def test_the_commands_for_containers_name_services(compose):
    _, start, upgrade = read_section("Containers")
    lines = [line.split(" > ")[0].split() for line in (start + upgrade).splitlines()]
    assert all(line[:2] == ["docker", "compose"] for line in lines)
    named = [word for line in lines for word in line[3:] if word in compose["services"]]
    assert named == ["portal1", "portal1", "postgresql", "worker", "tables", "portal1", "portal2", "worker"]


def test_the_page_names_the_addresses_of_the_containers(compose):
    places = [service["networks"] for service in compose["services"].values() if "inside" in service["networks"]]
    addresses = [place["inside"]["ipv4_address"] for place in places if isinstance(place, dict)]
    assert [f"{address}:8000" for address in addresses] == re.findall(r"`(172[\d.:]+)`", text(PAGE))


@pytest.mark.nginx
def test_debian_rotates_the_logs_of_nginx():
    rules = Path("/etc/logrotate.d/nginx")
    if not rules.exists():
        report_missing("nginx", "Debian's nginx is not installed")
    [block] = read_section("The proxy")
    assert rules.read_text().startswith("/var/log/nginx/*.log {")
    assert re.findall(r"NGINX_(\w+)_LOG=/var/log/nginx/[\w.]+\.log", block) == ["ACCESS", "ERROR"]


def test_the_secrets_of_the_containers_are_good_settings(tmp_path, compose):
    make_secrets(tmp_path)
    files = [file for file in (tmp_path / "secrets").iterdir() if file.is_file()]
    assert {file.name for file in files} == set(compose["secrets"])
    environ = {f"PORTAL_{file.name.upper()}_FILE": str(file) for file in files}
    environ = {name: path for name, path in environ.items() if "PASSWORD" not in name}
    assert set(environ) <= set(compose["services"]["portal1"]["environment"])
    values = config.load({**environ, "PORTAL_ENV": "production", "PORTAL_BASE_URL": "https://x.example"}, tmp_path)
    assert values["PORTAL_DATABASE_URL"].endswith("@postgresql/portal")
    assert values["PORTAL_REDIS_URL"].endswith("@redis:6379/0")
    Fernet(values["PORTAL_ENCRYPTION_KEYS"][0])
    assert (values["PORTAL_SECRET_KEY_FALLBACKS"], values["PORTAL_METRICS_TOKEN"]) == ([], None)
    (tmp_path / "secrets/metrics_token").write_text("0123456789abcdef\n")
    (tmp_path / "secrets/secret_key").rename(tmp_path / "secrets/secret_key_fallbacks")
    (tmp_path / "secrets/secret_key").write_text(f"{Fernet.generate_key().decode()}\n")
    changed = config.load(environ, tmp_path)
    assert changed["PORTAL_METRICS_TOKEN"] == "0123456789abcdef"
    assert changed["PORTAL_SECRET_KEY_FALLBACKS"] == [values["PORTAL_SECRET_KEY"]]


def test_the_upgrade_of_the_containers_stops_the_worker_and_changes_the_tables_first():
    [upgrade] = [block for block in read_section("Containers") if "compose build\n" in block]
    steps = [line.removeprefix("docker compose ") for line in upgrade.splitlines()]
    replaced = [(step.split()[-1], "--no-deps" in step) for step in steps if step.startswith("up ")]
    assert "pg_dump" in steps[0]
    assert steps[1:4] == ["build", "stop worker", "run --rm tables"]
    assert replaced == [("portal1", True), ("portal2", True), ("worker", True)]
    assert all("--wait" in step for step in steps if "portal" in step)


def test_prometheus_asks_the_portals_of_the_containers_and_the_job_of_the_alerts():
    section = text(PAGE).partition("\n## Containers\n")[2]
    [job] = yaml.safe_load(re.search(r"^```yaml\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[1])["scrape_configs"]
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    addresses = [services[name]["networks"]["inside"]["ipv4_address"] for name in ("portal1", "portal2")]
    assert job["static_configs"] == [{"targets": [f"{address}:8000" for address in addresses]}]
    assert f'up{{job="{job["job_name"]}"}}' in (ROOT / "deploy/prometheus-alerts.yml").read_text()


@pytest.mark.nginx
def test_the_names_of_the_nginx_template_are_all_replaced(tmp_path):
    [block] = read_section("The proxy")
    commands = block.partition("nginx -t")[0].replace("/opt/portal/deploy", str(ROOT / "deploy"))
    commands = commands.replace("/etc/nginx/conf.d", str(tmp_path))
    subprocess.run(["bash", "-euo", "pipefail", "-c", commands], env=dict(os.environ), check=True)
    made = Path(tmp_path / "portal.conf").read_text()
    assert "${" not in made
    assert "server_name login.example.com;" in made
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in made
