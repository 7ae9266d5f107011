"""The portal's front door.

`create_app()` wires settings, tables, elements and pages. WSGI: `app:create_app()`.
"""

import hashlib
import logging
import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
from flask import Flask, Response, abort, current_app, request
from flask_babel import Babel
from flask_migrate import Migrate
from sqlalchemy.orm import configure_mappers
from werkzeug.middleware.proxy_fix import ProxyFix

import config
from portal import commands, database, files, logs, maintenance, metrics, trial
from portal.applications import tickets
from portal.audit import daily_sign_ins, remove_old_events
from portal.bindings import binding_requests, csv_import, suggestion_counts
from portal.clocks import VisitCookies
from portal.database import db
from portal.directory import runs
from portal.elements.meta import Meta
from portal.elements.registry import Elements
from portal.errors import MEANINGS, SETTING_WRONG, Code
from portal.pages import (
    account,
    api,
    applications,
    error_pages,
    gate,
    guards,
    headers,
    health,
    launcher,
    limits,
    login,
    login_page,
    metrics_page,
    references,
    site,
    template_context,
    waiting,
)
from portal.pages.admin import (
    accounts,
    application_check,
    application_secrets,
    audit,
    bind,
    bindings,
    bulk_accept,
    directory,
    elements,
    groups,
    home,
    imports,
    offboarding,
    queue,
    search,
)
from portal.pages.admin import applications as admin_applications
from portal.pages.browser import name_cookie
from portal.pages.language import get_language
from portal.pages.login_flow import ONE_TIME_LINK
from portal.pages.proxies import GateRequests, VisitorAddress
from portal.signin import attempts, one_time_links, sessions
from sandbox import server as sandbox

log = logging.getLogger("portal")

YEAR = 31_536_000  # seconds


class Portal(Flask):
    """A Flask app with elements."""

    session_interface = VisitCookies()
    elements: Elements

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.callback_paths: set[str] = set()
        self.static_versions = hash_files(Path(self.static_folder))

    def get_static_version(self, name: str) -> str | None:
        """Return the digest of a static file, if there is one.

        The file's address changes with it, so browsers may keep the file for good.
        """
        return self.static_versions.get(name)

    def send_static_file(self, filename: str) -> Response:
        """Serve a file below `static/` by its own name.

        A name that leads to a file over dots or slashes is none: what there is was listed at the start.
        """
        if filename not in self.static_versions:
            abort(404)
        return super().send_static_file(filename)

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return how long a browser may keep a static file.

        :return: in seconds; `None`: it asks each time.
        """
        version = self.get_static_version(filename)
        return YEAR if version and request.args.get("v") == version else None

    def getElement(self, fullName: str) -> Meta | type[Meta]:
        """Return the element of a full name.

        :param fullName: such as `auths.loginTypes.FSInnerExample`; of a Type, it gives the class.
        :raises Code: SETTING_MISSING unknown or incomplete, SETTING_WRONG wrong: naming file and key.
        """
        return self.elements.get(fullName)


def create_app(environ: Mapping[str, str] | None = None) -> Portal:
    """Create the portal.

    :param environ: the settings; by default the process's environment.
    :raises config.BadSettings: naming each setting that can't be used.
    """
    environ = os.environ if environ is None else environ
    app = Portal(__name__, instance_path=str(config.ROOT / "instance"))
    settings = load_settings(environ, Path(app.instance_path))
    files.tighten(Path(app.instance_path))
    if file := files.sqlite_file(settings["PORTAL_DATABASE_URL"], app.instance_path):
        if file.parent == Path(app.instance_path):
            files.make_folder(file.parent)
        files.make_file(file)
    app.config.update(settings, **translate_settings(settings))
    app.url_map.merge_slashes = False  # an address with an empty part is none of ours
    logs.set_up(settings["PORTAL_LOG"])
    for warning in config.check_names(environ, settings["PORTAL_APP_DIR"]):
        log.warning(warning)

    db.init_app(app)
    Migrate(app, db, directory=str(config.ROOT / "migrations"), render_as_batch=True, compare_type=True)
    Babel(app, default_locale="en", locale_selector=get_language)
    for part in (references, guards, headers, error_pages, limits, template_context):
        part.init_app(app)
    for part in (site, login_page, login, waiting, account, launcher, applications, gate, api, health, metrics_page):
        app.register_blueprint(part.bp)
    for part in (home, search, bindings, bind, bulk_accept, imports, queue):
        app.register_blueprint(part.bp)
    for part in (accounts, offboarding, directory, elements, audit):
        app.register_blueprint(part.bp)
    for part in (admin_applications, application_secrets, application_check, groups):
        app.register_blueprint(part.bp)
    app.url_defaults(add_static_version)
    # The worker's room comes before those of the rows it removes, so it gets the functions from here.
    app.extensions["old_rows"] = (
        attempts.remove_old_attempts,
        csv_import.remove_old_imports,
        runs.remove_old_runs,
        one_time_links.remove_old_links,
        tickets.remove_old_tickets,
        sessions.remove_old_sessions,
        binding_requests.forget_old_addresses,
        remove_old_events,
    )
    app.extensions["stored_counts"] = (
        suggestion_counts.renew_counts,
        partial(daily_sign_ins.store_past_days, app.config["PORTAL_TIMEZONE"]),
    )
    commands.init_app(app)
    maintenance.init_app(app)
    trial.init_app(app)
    app.cli.add_command(sandbox.command)
    proxies = settings["PORTAL_TRUSTED_PROXIES"]
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=0, x_proto=proxies, x_host=proxies)
    app.wsgi_app = GateRequests(VisitorAddress(app.wsgi_app, proxies))

    def read_variable(name: str) -> str | None:
        return settings["PORTAL_BASE_URL"] if name == "PORTAL_BASE_URL" else config.read_value(environ, name)

    configure_mappers()  # before the first requests come, all at once
    app.elements = Elements(app, settings["PORTAL_APP_DIR"], read_variable)
    add_callbacks(app)
    if metrics.is_shared():  # one process of several that serve; the first login need not wait for this
        usable = app.elements.list_usable()
        metrics.start_sign_ins([*(element.name for element in usable), ONE_TIME_LINK])
        metrics.start_failures(MEANINGS, sorted({element.provider for element in usable}))
    return app


def load_settings(environ: Mapping[str, str], instance: Path) -> dict:
    """Return the settings.

    Wrong ones end a command of `flask` here: its help would print an exception with a traceback, and go on.
    """
    try:
        return config.load(environ, instance)
    except config.BadSettings as error:
        if click.get_current_context(silent=True) is None:
            raise
        error.show()
        sys.exit(error.exit_code)


def hash_files(folder: Path) -> dict[str, str]:
    """Return short digests of the files below a folder, by path."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in paths}


def translate_settings(settings: dict) -> dict:
    """Return the settings of Flask and its extensions."""
    base, key, former_keys = (
        settings[name] for name in ("PORTAL_BASE_URL", "PORTAL_SECRET_KEY", "PORTAL_SECRET_KEY_FALLBACKS")
    )
    return {
        "SECRET_KEY": key,
        "SECRET_KEY_FALLBACKS": former_keys,
        "WTF_CSRF_SECRET_KEY": [*former_keys, key],  # Flask-WTF hands them to itsdangerous, which signs with the last
        # Routes are found and addresses made whatever the header Host holds; pages.guards checks that one.
        "SERVER_NAME": urlsplit(base).netloc,
        "SQLALCHEMY_DATABASE_URI": settings["PORTAL_DATABASE_URL"],
        "SQLALCHEMY_ENGINE_OPTIONS": database.engine_options(settings["PORTAL_DATABASE_URL"]),
        "SESSION_COOKIE_NAME": name_cookie(base, "portal_visit"),
        "SESSION_COOKIE_SECURE": base.startswith("https:"),
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PORTAL_SESSION_COOKIE": name_cookie(base, "portal_session"),
        "PREFERRED_URL_SCHEME": urlsplit(base).scheme,
        "MAX_CONTENT_LENGTH": 64 * 1024,
        "WTF_CSRF_CHECK_DEFAULT": False,  # pages.guards checks, where there is something to check
        "WTF_CSRF_TIME_LIMIT": None,  # or login tabs die overnight
        "WTF_CSRF_SSL_STRICT": False,  # pages.guards checks the origin
        "BABEL_TRANSLATION_DIRECTORIES": str(config.ROOT / "translations"),
    }


def add_callbacks(app: Portal) -> None:
    """Serve the paths of the elements' own `redirectUri`.

    One that is a page of the portal breaks its element.
    """
    pages, added = app.url_map.bind(""), set()
    for element in app.elements.list_usable():
        path = unquote(urlsplit(element.redirectUri).path)
        if element.ownPage or path in added or path == f"/login/{element.name}/callback":
            continue
        if pages.test(path, "GET") or pages.test(path, "POST"):
            why = f"{element.file}: redirectUri is a page of the portal ({path})"
            app.elements.break_(element.name, Code(SETTING_WRONG, why))
            continue
        app.callback_paths.add(path)
        app.add_url_rule(path, f"login.shared_callback_{len(added)}", login.finish_shared_login, methods=["GET"])
        added.add(path)


def add_static_version(endpoint: str, values: dict) -> None:
    """Add a static file's version to its address."""
    if endpoint == "static" and "filename" in values:
        values["v"] = current_app.get_static_version(values["filename"])
