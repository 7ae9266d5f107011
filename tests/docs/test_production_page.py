"""An operator who follows the production page gets what it promises."""

import os
import re
import runpy
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import NullPool, create_engine
from support.docs_pages import shell_blocks, text
from support.groups import report_missing
from support.installation import HOST, Installation
from support.portal_app import ROOT
from support.postgres import find_binaries
from support.releases import RELEASES, fill_tables, find_changes, move_to_now, read_release, reflect
from support.remote_platform import run_remote_platform
from support.source import Source

from portal.providers import causes

PAGE = "docs/production.md"
UNITS = {"portal.service", "portal-worker.service"}
pytestmark = pytest.mark.clone
both_databases = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


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
    fetch, secrets, start = shell_blocks(PAGE, "Install it on one machine")
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
    [block] = shell_blocks(PAGE, "Upgrade")
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
    backup, _ = shell_blocks(PAGE, "Backup")
    restore, _ = shell_blocks(PAGE, "Restore")
    restore_old_state(machine, backup, restore)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_backup_of_postgresql_is_restored_without_its_sessions(machine):
    if not (find_binaries() / "pg_dump").exists():
        report_missing("postgresql", "pg_dump is not installed")
    backup, dump = shell_blocks(PAGE, "Backup")
    restore, load = shell_blocks(PAGE, "Restore")
    backup = re.sub(
        r'^/opt/\S+/python -c "\n.*?^mv .*?$', lambda _: dump.strip(), backup, flags=re.DOTALL | re.MULTILINE
    )
    restore = re.sub(r"^rm -f .*\ninstall .*$", lambda _: load.strip(), restore, flags=re.MULTILINE)
    assert "pg_dump" in backup and "sqlite" not in backup
    assert "pg_restore" in restore and "portal.db" not in restore
    restore_old_state(machine, backup, restore)


def test_a_restore_without_end_all_would_open_sessions_again(machine):
    """This is why the page ends them."""
    backup, _ = shell_blocks(PAGE, "Backup")
    restore, _ = shell_blocks(PAGE, "Restore")
    cookies = machine.sign_in("root")
    machine.run(backup)
    machine.post("/logout", cookies, csrf_token=machine.get_token(cookies))
    machine.run(restore.replace("portal-flask sessions end-all\n", ""))
    assert machine.is_signed_in(cookies)


def use_portal(machine, platform):
    """Sign a person in, open a form, and begin another login.

    Return the cookies, the token of the form, and the login.
    """
    cookies = machine.finish_login(*machine.begin_login(platform))
    return cookies, machine.get_token(cookies), machine.begin_login(platform)


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
    change, forget, _ = shell_blocks(PAGE, "Change the keys")
    cookies, token, begun = use_portal(machine, platform)
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
    _, _, change = shell_blocks(PAGE, "Change the keys")
    cookies, token, begun = use_portal(machine, platform)
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
    encryption = shell_blocks(PAGE, "Change the keys")[-1]
    longest = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["graceful_timeout"]
    waits = re.search(
        r"^systemctl reload portal\n.*\nsleep (\d+)\nportal-flask keys reencrypt$", encryption, re.MULTILINE
    )
    assert int(waits[1]) > longest


def test_no_command_has_the_address_of_the_database():
    """All users of a machine can read the words of a command."""
    assert re.findall(r"\$\(cat /etc/portal/database_url\)", text(PAGE)) == []


@pytest.mark.nginx
def test_debian_rotates_the_logs_of_nginx():
    rules = Path("/etc/logrotate.d/nginx")
    if not rules.exists():
        report_missing("nginx", "Debian's nginx is not installed")
    [block] = shell_blocks(PAGE, "The proxy")
    assert rules.read_text().startswith("/var/log/nginx/*.log {")
    assert re.findall(r"NGINX_(\w+)_LOG=/var/log/nginx/[\w.]+\.log", block) == ["ACCESS", "ERROR"]


@pytest.mark.nginx
def test_the_names_of_the_nginx_template_are_all_replaced(tmp_path):
    [block] = shell_blocks(PAGE, "The proxy")
    commands = block.partition("nginx -t")[0].replace("/opt/portal/deploy", str(ROOT / "deploy"))
    commands = commands.replace("/etc/nginx/conf.d", str(tmp_path))
    subprocess.run(["bash", "-euo", "pipefail", "-c", commands], env=dict(os.environ), check=True)
    made = Path(tmp_path / "portal.conf").read_text()
    assert "${" not in made
    assert "server_name login.example.com;" in made
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in made
