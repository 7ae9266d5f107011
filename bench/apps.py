"""The apps that are measured: the portal, and its peers."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.postgres import find_free_port

from bench.machine import ROOT, Portals
from bench.served import Served
from bench.visitors import Line

PORTAL = "portal"
SESSION = "/api/session"


@dataclass(frozen=True)
class App:
    """An app to measure.

    :param app: for the server, `module:callable`.
    :param feishu: the address that begins a login; `None` where it has none.
    :param page: the address of its login page.
    :param has_tables: whether running its module makes its tables.
    """

    title: str
    app: str
    feishu: str | None = "/feishu/start"
    wecom: str | None = None
    page: str = "/login"
    has_tables: bool = False


APPS = {
    PORTAL: App("portal", "app:create_app()", "/login/Feishu", "/login/WeCom"),
    "bare": App("bare Flask", "bench.peers.bare:app", None),
    "probe": App("near-limit probe", "bench.peers.probe:app", wecom="/wecom/start", has_tables=True),
    "authlib": App("plain Authlib, cookie", "bench.peers.authlib_cookie:app", wecom="/wecom/start"),
    "redis": App("Flask-Session on Redis", "bench.peers.session_redis:app"),
    "flask-login": App("Flask-Login, SQLAlchemy", "bench.peers.login_sqlalchemy:app", has_tables=True),
    "allauth": App(
        "django-allauth", "bench.peers.allauth_site:app", "/accounts/feishu/login/", None, "/accounts/login/", True
    ),
}
PEERS = [name for name in APPS if name != PORTAL]


def make_portal_environ(portals: Portals, platform: str, base: str, database: str = "sqlite") -> dict:
    """Return the environment of a new portal behind one proxy, which creates unknown people.

    It runs as in development: in production it refuses elements whose platform is on this machine.
    """
    behind_proxy = {"PORTAL_UNKNOWN_PEOPLE": "create", "PORTAL_TRUSTED_PROXIES": "1"}
    return {**portals.settings(database, platform, base=base), **behind_proxy}


def start_portal(portals: Portals, platform: str, start=Served.gunicorn) -> Served:
    """Start a new portal, and wait until it answers.

    :param start: starts the server, as `Served.gunicorn` does.
    """
    port = find_free_port()
    environ = make_portal_environ(portals, platform, f"http://127.0.0.1:{port}")
    return start(PORTAL, APPS[PORTAL].app, environ, portals.folder, port).wait("/readyz")


def start_peer(name: str, folder: Path, page_size: int, environ: dict) -> Served:
    """Start a peer with its tables, and wait until it answers.

    :param page_size: of its login page, in bytes.
    :param environ: what it has to know besides: STUB, REDIS.
    """
    one, port = APPS[name], find_free_port()
    environ = {**environ, "BASE": f"http://127.0.0.1:{port}", "FOLDER": str(folder), "PAGE_SIZE": str(page_size)}
    if one.has_tables:
        command = [sys.executable, "-m", one.app.partition(":")[0]]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, check=True)
    return Served.gunicorn(name, one.app, environ, folder, port).wait(one.page)


def get_page_size(portal: Served) -> int:
    """Return the size of the portal's login page in bytes."""
    return len(Line(portal.port).get(APPS[PORTAL].page).body)
