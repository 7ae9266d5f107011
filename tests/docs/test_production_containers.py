"""The containers of the production page are what its commands make of them."""

import re
import stat
import subprocess

import pytest
import yaml
from cryptography.fernet import Fernet
from support.docs_pages import shell_blocks, text
from support.portal_app import ROOT

import config

PAGE = "docs/production.md"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())


def make_secrets(folder):
    """Run the commands that make the secrets of the containers, as a cautious administrator."""
    command = ["bash", "-euo", "pipefail", "-c", f"umask 077\n{shell_blocks(PAGE, 'Containers')[0]}"]
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
    _, start, upgrade = shell_blocks(PAGE, "Containers")
    lines = [line.split(" > ")[0].split() for line in (start + upgrade).splitlines()]
    assert all(line[:2] == ["docker", "compose"] for line in lines)
    named = [word for line in lines for word in line[3:] if word in compose["services"]]
    assert named == ["portal1", "portal1", "postgresql", "worker", "tables", "portal1", "portal2", "worker"]


def test_the_page_names_the_addresses_of_the_containers(compose):
    places = [service["networks"] for service in compose["services"].values() if "inside" in service["networks"]]
    addresses = [place["inside"]["ipv4_address"] for place in places if isinstance(place, dict)]
    assert [f"{address}:8000" for address in addresses] == re.findall(r"`(172[\d.:]+)`", text(PAGE))


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
    [upgrade] = [block for block in shell_blocks(PAGE, "Containers") if "compose build\n" in block]
    steps = [line.removeprefix("docker compose ") for line in upgrade.splitlines()]
    replaced = [(step.split()[-1], "--no-deps" in step) for step in steps if step.startswith("up ")]
    assert "pg_dump" in steps[0]
    assert steps[1:4] == ["build", "stop worker", "run --rm --no-deps tables"]
    assert replaced == [("portal1", True), ("portal2", True), ("worker", True)]
    assert all("--wait" in step for step in steps if step.startswith("up ") and "portal" in step)
