"""Settings from the environment.

Each has a type and a meaning, and unsafe ones are refused by name.

`SETTINGS` is the list; `load()` reads it. A setting called `NAME` may also be given as `NAME_FILE`,
the path of a file that holds the value: the usual way to hand over a secret.
"""

import os
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import click
from cryptography.fernet import Fernet
from gunicorn.errors import AppImportError

from portal import files
from portal.settings import names
from portal.settings.logo import read_logo
from portal.settings.page_values import leads_back, read_contact, read_home
from portal.settings.values import (
    find_machine_timezone,
    read_bind,
    read_choice,
    read_database,
    read_fernet_keys,
    read_origin,
    read_redis,
    read_secret_key,
    read_secret_keys,
    read_text,
    read_timezone,
    read_token,
    read_whole,
)

ROOT = Path(__file__).resolve().parent
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
MIXED = 8  # different characters, or bytes, that a random key never falls below


class BadSettings(click.ClickException, AppImportError):
    """One or more settings can't be used.

    The text has a line for each, with the remedy. `flask` and gunicorn print the text of these two kinds alone, without
    a traceback.
    """

    exit_code = 2

    def show(self, file: IO | None = None) -> None:
        """Print the text to standard error."""
        click.echo(self.message, file=file, err=True)


@dataclass(frozen=True)
class Setting:
    """The way to read one setting.

    :param read: turns the text into a value, or raises ValueError saying what is allowed.
    :param default: the text used when the variable is absent or empty; `None` leaves the value `None`.
    """

    read: Callable[[str], Any]
    default: str | None = None


SETTINGS = {
    # `production` refuses settings that are only fit for trying the portal out.
    "PORTAL_ENV": Setting(read_choice("development", "production"), "development"),
    # Signs cookies and login states, the same on all machines. A new one ends open logins, but ends no session.
    "PORTAL_SECRET_KEY": Setting(read_secret_key),
    # Comma list of former secret keys: what they have signed is still taken.
    "PORTAL_SECRET_KEY_FALLBACKS": Setting(read_secret_keys),
    # Comma list of Fernet keys for stored tokens: the first encrypts, all decrypt.
    "PORTAL_ENCRYPTION_KEYS": Setting(read_fernet_keys),
    # SQLite file or PostgreSQL.
    "PORTAL_DATABASE_URL": Setting(read_database),
    # Job queue and counters of limits when there is more than one machine.
    "PORTAL_REDIS_URL": Setting(read_redis),
    # The public address: redirect URIs, cookies and HSTS follow it, never the request.
    "PORTAL_BASE_URL": Setting(read_origin, "http://127.0.0.1:8000"),
    # Where `make serve` listens.
    "PORTAL_BIND": Setting(read_bind, "127.0.0.1:8000"),
    # The folder that holds auths/loginTypes/.
    "PORTAL_APP_DIR": Setting(Path, str(ROOT)),
    # How many proxies in front may set X-Forwarded-*.
    "PORTAL_TRUSTED_PROXIES": Setting(read_whole(0, 10), "0"),
    # First scan of an unbound person: an administrator decides, an account is made, or nothing is stored.
    "PORTAL_UNKNOWN_PEOPLE": Setting(read_choice("queue", "create", "refuse"), "queue"),
    # Seconds without a request after which a session ends.
    "PORTAL_SESSION_IDLE": Setting(read_whole(60, 31_536_000), "7200"),
    # Seconds after the sign-in at which a session ends, used or not.
    "PORTAL_SESSION_LIFETIME": Setting(read_whole(60, 31_536_000), "43200"),
    # The company's or portal's name on every page.
    "PORTAL_TITLE": Setting(read_text),
    # An SVG or PNG file, shown on the login page; its path may begin at PORTAL_APP_DIR.
    "PORTAL_LOGO": Setting(Path),
    # Whom to ask, shown where people are stuck.
    "PORTAL_CONTACT": Setting(read_contact),
    # Where a sign-in leads that was begun for no page.
    "PORTAL_HOME_URL": Setting(read_home),
    # The pages show times of this zone; without it, of the machine's. Exports have UTC.
    "PORTAL_TIMEZONE": Setting(read_timezone),
    # Seconds between scheduled directory syncs; 0 = never.
    "PORTAL_SYNC_EVERY": Setting(read_whole(0, 31_536_000), "3600"),
    # Days that rows of the audit log are kept.
    "PORTAL_AUDIT_DAYS": Setting(read_whole(30, 36_500), "365"),
    # Log lines for programs or for people; `json` in production, else `text`.
    "PORTAL_LOG": Setting(read_choice("json", "text")),
    # Bearer for /metrics; without it, only this machine may read them.
    "PORTAL_METRICS_TOKEN": Setting(read_token),
}


OTHER_NAMES = ("PORTAL_MUST_RUN",)  # no settings: this one is read by the tests


def load(environ: Mapping[str, str], instance: Path) -> dict:
    """Return every setting's value by name.

    :param environ: the environment, or a mapping like it.
    :param instance: folder for what a development portal makes for itself: keys and the SQLite file.
    :raises BadSettings: naming each setting that can't be used, and why.
    """
    values, problems = {}, []
    for name in SETTINGS:
        try:
            values[name] = read_setting(environ, name)
        except ValueError as error:
            problems.append(f"{name} {error}")
    if not problems:
        problems = check_pages(values)
    if not problems:
        problems = complete_values(values, instance)
    if not problems and values["PORTAL_ENV"] == "production":
        problems = check_production(values, environ)
    if problems:
        # A misspelt name may be the reason.
        raise BadSettings("\n".join([*problems, *check_names(environ, values.get("PORTAL_APP_DIR"))]))
    return values


def read_setting(environ: Mapping[str, str], name: str) -> Any:
    """Return one setting's value.

    :raises ValueError: saying why it can't be used.
    """
    setting = SETTINGS[name]
    value = read_value(environ, name) or setting.default
    return None if value is None else setting.read(value)


def read_value(environ: Mapping[str, str], name: str) -> str | None:
    """Return the value of `name`, without blanks around it.

    It may also be the content of the file that `name_FILE` names.

    :raises ValueError: when both are set, or the file can't be read.
    """
    value, path = environ.get(name), environ.get(f"{name}_FILE")
    if value and path:
        raise ValueError(f"is set twice: by itself and as {name}_FILE; keep one")
    if path:
        try:
            value = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeError) as error:
            raise ValueError(f"can't be read from the file in {name}_FILE: {type(error).__name__}") from None
        if "\0" in value:  # UTF-16 without its mark
            raise ValueError(f"can't be read from the file in {name}_FILE: it must be UTF-8 text")
    return value.strip() if value else None


def read_early(environ: Mapping[str, str], name: str) -> Any:
    """Return one setting's value before all are read.

    One that can't be used has its default; `load()` refuses it by name.
    """
    try:
        return read_setting(environ, name)
    except ValueError:
        default = SETTINGS[name].default
        return None if default is None else SETTINGS[name].read(default)


def read_log_form(environ: Mapping[str, str]) -> str:
    """Return the form of log lines before all settings are read."""
    return read_early(environ, "PORTAL_LOG") or choose_log_form(read_early(environ, "PORTAL_ENV"))


def choose_log_form(env: str | None) -> str:
    """Return the form of log lines where none is set."""
    return "json" if env == "production" else "text"


def check_names(environ: Mapping[str, str], app_dir: Path | None) -> list[str]:
    """Return a warning of each PORTAL_ name that is no setting."""
    return names.check_names(environ, {*SETTINGS, *OTHER_NAMES}, app_dir)


def check_pages(values: dict) -> list[str]:
    """Read the logo, and check where a sign-in leads.

    :return: a problem for each one that can't be used.
    """
    problems, path, home = [], values["PORTAL_LOGO"], values["PORTAL_HOME_URL"]
    try:
        values["PORTAL_LOGO"] = path and read_logo(values["PORTAL_APP_DIR"] / path)
    except ValueError as error:
        problems.append(f"PORTAL_LOGO {error}")
    if home and leads_back(home.removeprefix(values["PORTAL_BASE_URL"])):
        problems.append("PORTAL_HOME_URL must not be the start page or a login page: these lead there themselves")
    return problems


def complete_values(values: dict, instance: Path) -> list[str]:
    """Make missing values for development.

    :return: a problem for each one that is missing still.
    """
    base = urlsplit(values["PORTAL_BASE_URL"])
    values["PORTAL_SECRET_KEY_FALLBACKS"] = values["PORTAL_SECRET_KEY_FALLBACKS"] or []
    values["PORTAL_LOG"] = values["PORTAL_LOG"] or choose_log_form(values["PORTAL_ENV"])
    values["PORTAL_TIMEZONE"] = values["PORTAL_TIMEZONE"] or find_machine_timezone()
    if values["PORTAL_ENV"] == "production":
        problems = [
            f"{name} must be set in production"
            for name in ("PORTAL_SECRET_KEY", "PORTAL_ENCRYPTION_KEYS", "PORTAL_DATABASE_URL")
            if not values[name]
        ]
        if base.scheme != "https" and base.hostname not in LOOPBACK:
            problems.append("PORTAL_BASE_URL must start with https:// in production")
        return problems
    makers = {
        "PORTAL_SECRET_KEY": lambda path: keep_secret(path / "secret_key", lambda: secrets.token_urlsafe(48)),
        "PORTAL_ENCRYPTION_KEYS": lambda path: keep_secret(
            path / "encryption_key", lambda: Fernet.generate_key().decode()
        ),
        "PORTAL_DATABASE_URL": lambda path: f"sqlite:///{path / 'portal.db'}",
    }
    problems = []
    for name in [name for name in makers if not values[name]]:
        try:
            files.make_folder(instance)
            values[name] = SETTINGS[name].read(makers[name](instance))
        except OSError as error:
            why = f"is not set, and none can be kept in {instance} ({type(error).__name__}); set it or mend the folder"
            problems.append(f"{name} {why}")
        except ValueError as error:
            problems.append(f"{name} in {instance} {error}")
    return problems


def check_production(values: dict, environ: Mapping[str, str]) -> list[str]:
    """Return a problem for each setting that is unsafe in production."""
    secret_keys = [values["PORTAL_SECRET_KEY"], *values["PORTAL_SECRET_KEY_FALLBACKS"]]
    problems = []
    if len(set(secret_keys[0])) < MIXED:
        problems.append("PORTAL_SECRET_KEY is too regular; make a random one")
    if any(len(set(key)) < MIXED for key in secret_keys[1:]):
        problems.append("PORTAL_SECRET_KEY_FALLBACKS has a key that is too regular; such a key protects nothing")
    if secret_keys[0] in secret_keys[1:]:
        problems.append("PORTAL_SECRET_KEY_FALLBACKS holds PORTAL_SECRET_KEY itself; keep former keys alone there")
    if any(len(set(urlsafe_b64decode(key))) < MIXED for key in values["PORTAL_ENCRYPTION_KEYS"]):
        problems.append("PORTAL_ENCRYPTION_KEYS has a key that is too regular; make a random one")
    if not set(secret_keys).isdisjoint(values["PORTAL_ENCRYPTION_KEYS"]):
        problems.append("PORTAL_ENCRYPTION_KEYS has a key that is also a secret key; make one for each use")
    if environ.get("FLASK_DEBUG", "").lower() not in ("", "0", "false", "no"):  # as Flask reads it
        problems.append("FLASK_DEBUG must not be set in production")
    return problems


def keep_secret(path: Path, make: Callable[[], str]) -> str:
    """Return the secret in a file, which is made if missing.

    Of several processes the first makes it. Only the file's owner may read it.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except FileNotFoundError:
        pass
    with open(draft, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(make())
    try:
        os.link(draft, path)  # fails where another process was first: then its key counts
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()
