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
from sqlalchemy import NullPool, create_engine
from support.docs_pages import text
from support.groups import report_missing
from support.installation import HOST, Installation
from support.portal_app import ROOT
from support.postgres import find_binaries
from support.releases import RELEASES, fill_tables, find_changes, move_to_now, read_release, reflect
from support.remote_platform import run_remote_platform
from support.source import Source

import config
from portal.providers import causes

PAGE = "docs/production.md"
UNITS = {"portal.service", "portal-worker.service"}
pytestmark = pytest.mark.clone
both_databases = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


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
def database_url(request):
    """The address of the database, or None for the page's SQLite."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    cluster = request.getfixturevalue("postgres")
    return cluster.url(cluster.database(), "postgresql")


@pytest.fixture
def platform(bare, sandbox):
    """A platform elsewhere, which the machine trusts."""
    with run_remote_platform(bare.folder, sandbox) as platform:
        bare.environ.update(dict.fromkeys(causes.AUTHORITIES, str(platform.authority)))
        yield platform


def install(machine, database_url, platform):
    """Install the portal by the page's commands, with a login called Feishu.

    It makes an account for each person. No sync runs by itself.
    """
    fetch, secrets, start = read_section("Install it on one machine")
    machine.run(fetch)
    machine.run(secrets)
    settings = machine.folder / "etc/portal"
    if database_url:
        (settings / "database_url").write_text(f"{database_url}\n")
    platform.write_login(settings / "auths/loginTypes", f"https://{HOST}")
    with (settings / "portal.env").open("a") as file:
        file.write("PORTAL_UNKNOWN_PEOPLE=create\nPORTAL_SYNC_EVERY=0\n")
    machine.run(start)


@pytest.fixture
def machine(bare, database_url, platform):
    """A machine on which the page's commands have installed the portal."""
    install(bare, database_url, platform)
    return bare


def test_the_installation_runs_and_keeps_its_secrets(machine):
    assert machine.get("/readyz").json() == {"status": "ok"}
    assert machine.get("/login").headers["Strict-Transport-Security"]
    for file in (machine.folder / "etc/portal").glob("*_key*"):
        assert not stat.S_IMODE(file.stat().st_mode) & 0o007, file
    assert stat.S_IMODE((machine.folder / "opt/portal/instance").stat().st_mode) == 0o700
    assert machine.is_signed_in(machine.sign_in("root"))


@both_databases
@pytest.mark.parametrize("revision", ["of the release", "0010"])
@pytest.mark.parametrize("name", RELEASES)
def test_the_upgrade_keeps_every_row_and_session(bare, database_url, platform, name, revision):
    """The rows are those of an installation in use, and the step leads to this version.

    The older tables are there for the migrations, of which the newest release may need none.
    """
    release, source = move_to_now(read_release(name)), Source(bare.folder / "source")
    bare.repository, bare.release = source.folder, source.find_release(name)
    install(bare, database_url, platform)
    bare.flask("db", "downgrade", release["revision"])
    engine = create_engine(bare.get_database(), poolclass=NullPool)
    fill_tables(engine, release)
    if revision != "of the release":
        bare.flask("db", "downgrade", revision)
        there = reflect(engine)
        release["rows"] = {table: rows for table, rows in release["rows"].items() if table in there}
    running = dict(bare.servers)
    bare.release = source.publish()
    [block] = read_section("Upgrade")
    assert f"Login portal {bare.release.removeprefix('v')}, " in bare.run(block)
    assert bare.get("/readyz").json() == {"status": "ok"}
    assert find_changes(engine, release, apart_from=("readiness", "worker")) == []
    answer = bare.get("/api/session", **{"__Host-portal_session": release["session"]})
    assert answer.json()["account"]["username"] == "zhangsan"
    assert set(bare.servers) == UNITS
    assert not any(bare.servers[unit] is server for unit, server in running.items())


def restore_old_state(machine, backup, restore):
    """Back up, change much, restore, and check what came back.

    The backup is of a portal with older tables. The portal ends without closing its database.
    """
    settings = machine.folder / "etc/portal"
    before, ended = machine.sign_in("root"), machine.sign_in("second")
    machine.flask("db", "downgrade", "0011")
    machine.run(backup)
    machine.flask("db", "upgrade")
    assert machine.is_signed_in(before)
    machine.post("/logout", ended, csrf_token=machine.get_token(ended))
    assert not machine.is_signed_in(ended)
    machine.sign_in("late")
    files = read_files(settings)
    for name in files:
        (settings / name).write_text("damaged\n")
    logs = read_files(machine.folder / "opt/portal/instance", "portal.db-*")
    stop, _, rest = restore.partition("\n")
    machine.run(stop)
    assert (machine.servers, machine.listener) == ({}, None)
    for name, content in logs.items():  # as after a crash
        (machine.folder / "opt/portal/instance" / name).write_bytes(content)
    machine.run(rest)
    assert machine.get("/readyz").json() == {"status": "ok"}
    assert set(machine.servers) == UNITS
    assert read_files(settings) == files
    assert not machine.is_signed_in(before)
    assert not machine.is_signed_in(ended)
    assert machine.query("SELECT username FROM account ORDER BY id") == [("root",), ("second",)]
    assert machine.query("SELECT state FROM sync_run WHERE how = 'command'") == [("done",)]
    assert machine.is_signed_in(machine.sign_in("root"))


def read_files(folder, names="**/*"):
    """Return the contents of files by their names."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.glob(names) if file.is_file()}


def test_a_backup_is_restored_without_its_sessions(machine):
    backup, _ = read_section("Backup")
    restore, _ = read_section("Restore")
    restore_old_state(machine, backup, restore)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_backup_of_postgresql_is_restored_without_its_sessions(machine):
    if not (find_binaries() / "pg_dump").exists():
        report_missing("postgresql", "pg_dump is not installed")
    backup, dump = read_section("Backup")
    restore, load = read_section("Restore")
    backup = re.sub(
        r'^/opt/\S+/python -c "\n.*?^mv .*?$', lambda _: dump.strip(), backup, flags=re.DOTALL | re.MULTILINE
    )
    restore = re.sub(r"^rm -f .*\ninstall .*$", lambda _: load.strip(), restore, flags=re.MULTILINE)
    assert "pg_dump" in backup and "sqlite" not in backup
    assert "pg_restore" in restore and "portal.db" not in restore
    restore_old_state(machine, backup, restore)


def test_a_restore_without_end_all_would_open_sessions_again(machine):
    """This is why the page ends them."""
    backup, _ = read_section("Backup")
    restore, _ = read_section("Restore")
    cookies = machine.sign_in("root")
    machine.run(backup)
    machine.post("/logout", cookies, csrf_token=machine.get_token(cookies))
    machine.run(restore.replace("portal-flask sessions end-all\n", ""))
    assert machine.is_signed_in(cookies)


def post_form(machine, cookies, token):
    """Post a form of a page that has been open, and return the status."""
    return machine.post("/language", cookies, language="en", next="/account", csrf_token=token).status_code


def read_tokens(machine, key):
    """Return the stored tokens of apps and people, decrypted with one key alone."""
    apps = machine.query("SELECT value FROM app_token WHERE value IS NOT NULL")
    people = machine.query("SELECT access_token FROM identity WHERE access_token IS NOT NULL")
    assert apps and people
    return [Fernet(key).decrypt(bytes(value)) for (value,) in [*apps, *people]]


@both_databases
def test_new_secret_keys_sign_nobody_out(machine, platform):
    key = machine.folder / "etc/portal/secret_key"
    change, forget, _ = read_section("Change the keys")
    cookies = machine.finish_login(*machine.begin_login(platform))
    token, begun = machine.get_token(cookies), machine.begin_login(platform)
    old, worker = key.read_text(), machine.servers["portal-worker.service"]
    machine.run(change)
    assert key.read_text() != old
    assert machine.servers["portal-worker.service"] is not worker
    assert machine.is_signed_in(cookies)
    assert post_form(machine, cookies, token) == 303
    late_cookies = machine.finish_login(*begun)
    assert machine.is_signed_in(late_cookies)
    late_token = machine.get_token(late_cookies)
    machine.run(forget)
    assert machine.is_signed_in(cookies)
    assert post_form(machine, cookies, token) == 400
    assert post_form(machine, late_cookies, late_token) == 303


@both_databases
def test_new_encryption_keys_keep_stored_tokens(machine, platform):
    keys = machine.folder / "etc/portal"
    _, _, change = read_section("Change the keys")
    cookies = machine.finish_login(*machine.begin_login(platform))
    token, begun = machine.get_token(cookies), machine.begin_login(platform)
    old, worker = (keys / "encryption_keys").read_text().strip(), machine.servers["portal-worker.service"]
    tokens = read_tokens(machine, old)
    machine.run(change)
    new = (keys / "encryption_keys").read_text().strip()
    assert new != old
    assert read_tokens(machine, new) == tokens
    assert machine.servers["portal-worker.service"] is not worker
    assert machine.is_signed_in(cookies)
    assert post_form(machine, cookies, token) == 303
    assert machine.is_signed_in(machine.finish_login(*begun))
    assert len(read_tokens(machine, new)) == len(tokens)
    names = sorted(file.name for file in keys.glob("*_key*"))
    assert names == ["encryption_keys", "secret_key", "secret_key_fallbacks"]


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
    assert values["PORTAL_SECRET_KEY_FALLBACKS"] == [] and len(values["PORTAL_METRICS_TOKEN"]) == 48
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
    assert steps[1:4] == ["build", "stop worker", "run --rm --no-deps tables"]
    assert replaced == [("portal1", True), ("portal2", True), ("worker", True)]
    assert all("--wait" in step for step in steps if step.startswith("up ") and "portal" in step)


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
