"""Each route is for visitors, users or administrators.

A route that is missing in the table fails the test.
"""

import re
import sqlite3

import pytest

from portal.audit import Client
from portal.database import write
from portal.models import Account
from portal.signin import sessions

IN = "let in"  # whatever is then said of what was asked for: it is no refusal of the asker, and no fault of ours
ROLES = ("anonymous", "user", "admin")
ROUTES = {  # (anonymous, user, admin)
    # Everybody
    "GET /": (IN, IN, IN),
    "GET /<file>.txt": (IN, IN, IN),
    "GET /favicon.ico": (IN, IN, IN),
    "GET /logo": (IN, IN, IN),
    "GET /static/<filename>": (IN, IN, IN),
    "GET /healthz": (IN, IN, IN),
    "GET /readyz": (IN, IN, IN),
    "GET /metrics": (IN, IN, IN),  # for this machine, or with the token
    "POST /language": (IN, IN, IN),
    "GET /login": (IN, IN, IN),
    "GET /login/<name>": (IN, IN, IN),
    "GET /login/<name>/in-app": (IN, IN, IN),
    "GET /login/<name>/callback": (IN, IN, IN),
    "POST /login/<name>/callback": (IN, IN, IN),
    "GET /api/auth/qywx/callback": (IN, IN, IN),
    "GET /login/once/<token>": (IN, IN, IN),
    "POST /login/once/<token>": (IN, IN, IN),
    "GET /login/waiting": (IN, IN, IN),  # of the browser that has scanned
    "POST /login/waiting": (IN, IN, IN),
    "GET /api/waiting": (IN, IN, IN),
    "POST /logout": (IN, IN, IN),
    "GET /api/csrf": (IN, IN, IN),
    "POST /api/auths/loginTypes/<name>/getLoginConfig": (IN, IN, IN),
    "POST /api/auths/loginTypes/<name>/getLoginCode": (IN, IN, IN),
    "GET /apps": (IN, IN, IN),  # visitors are led to the login page
    # The gate: no application has this name, which proxies learn by 403 alone
    "GET /_portal/<name>/auth-request": (403, 403, 403),
    "GET /_portal/<name>/forward-auth": (403, 403, 403),
    "GET /_portal/<name>/ext-authz/": (403, 403, 403),
    "GET /_portal/<name>/ext-authz/<path>": (403, 403, 403),
    "GET /_portal/<name>/start": (IN, IN, IN),
    "GET /_portal/<name>/enter": (IN, IN, IN),
    "GET /_portal/<name>/signed-out": (IN, IN, IN),
    "GET /_portal/<name>/no-access": (IN, IN, IN),
    "GET /_portal/<name>/sign-out": (IN, IN, IN),
    "POST /_portal/<name>/sign-out": (IN, IN, IN),
    "GET /apps/<name>/enter": (IN, IN, IN),
    # Whoever is signed in, for their own account
    "GET /api/session": (401, IN, IN),
    "GET /account": (401, IN, IN),
    "POST /account/confirm/<name>": (401, IN, IN),
    "POST /account/bind/<name>": (401, IN, IN),
    "GET /account/bind/confirm": (401, IN, IN),
    "GET /account/sign-out": (401, IN, IN),
    "POST /account/bind/confirm": (401, IN, IN),
    "GET /account/bindings/<id>/unbind": (401, IN, IN),
    "POST /account/bindings/<id>/unbind": (401, IN, IN),
    "POST /account/sessions/<id>/end": (401, IN, IN),
    "POST /account/sessions/end-others": (401, IN, IN),
    # Administrators
    "GET /admin": (401, 403, IN),
    "GET /admin/accounts": (401, 403, IN),
    "GET /admin/accounts/<id>": (401, 403, IN),
    "GET /admin/accounts/<id>/<what>": (401, 403, IN),
    "POST /admin/accounts/<id>/disable": (401, 403, IN),
    "GET /admin/accounts/<id>/edit": (401, 403, IN),
    "POST /admin/accounts/<id>/edit": (401, 403, IN),
    "POST /admin/accounts/<id>/enable": (401, 403, IN),
    "POST /admin/accounts/<id>/end-sessions": (401, 403, IN),
    "POST /admin/accounts/<id>/link": (401, 403, IN),
    "POST /admin/accounts/<id>/link/revoke": (401, 403, IN),
    "GET /admin/accounts/<id>/offboard": (401, 403, IN),
    "POST /admin/accounts/<id>/offboard": (401, 403, IN),
    "POST /admin/accounts/<id>/role": (401, 403, IN),
    "GET /admin/accounts/create": (401, 403, IN),
    "POST /admin/accounts/create": (401, 403, IN),
    "GET /admin/applications": (401, 403, IN),
    "GET /admin/applications/<name>": (401, 403, IN),
    "GET /admin/applications/<name>/edit": (401, 403, IN),
    "POST /admin/applications/<name>/edit": (401, 403, IN),
    "GET /admin/applications/<name>/preview": (401, 403, IN),
    "POST /admin/applications/<name>/secret": (401, 403, IN),
    "POST /admin/applications/<name>/secret/<id>/expire": (401, 403, IN),
    "GET /admin/applications/<name>/switch": (401, 403, IN),
    "POST /admin/applications/<name>/switch": (401, 403, IN),
    "GET /admin/applications/create": (401, 403, IN),
    "POST /admin/applications/create": (401, 403, IN),
    "GET /admin/audit": (401, 403, IN),
    "GET /admin/audit/export": (401, 403, IN),
    "GET /admin/bindings": (401, 403, IN),
    "GET /admin/bindings/<id>/conflict": (401, 403, IN),
    "GET /admin/bindings/accept": (401, 403, IN),
    "POST /admin/bindings/accept": (401, 403, IN),
    "POST /admin/bindings/first-steps": (401, 403, IN),
    "POST /admin/bindings/<id>/decline": (401, 403, IN),
    "POST /admin/bindings/<id>/replace": (401, 403, IN),
    "GET /admin/bindings/<id>/unbind": (401, 403, IN),
    "POST /admin/bindings/<id>/unbind": (401, 403, IN),
    "GET /admin/bindings/bind": (401, 403, IN),
    "POST /admin/bindings/bind": (401, 403, IN),
    "GET /admin/bindings/export": (401, 403, IN),
    "GET /admin/bindings/import": (401, 403, IN),
    "POST /admin/bindings/import": (401, 403, IN),
    "GET /admin/bindings/import/<id>": (401, 403, IN),
    "POST /admin/bindings/import/<id>/apply": (401, 403, IN),
    "POST /admin/bindings/import/<id>/discard": (401, 403, IN),
    "GET /admin/bindings/import/<id>/failed.csv": (401, 403, IN),
    "POST /admin/bindings/import/<id>/step": (401, 403, IN),
    "GET /admin/bindings/import/template.csv": (401, 403, IN),
    "POST /admin/bindings/look-up": (401, 403, IN),
    "POST /admin/bindings/many": (401, 403, IN),
    "POST /admin/bindings/store": (401, 403, IN),
    "GET /admin/directory": (401, 403, IN),
    "GET /admin/directory/runs": (401, 403, IN),
    "POST /admin/directory/sync": (401, 403, IN),
    "GET /admin/elements": (401, 403, IN),
    "POST /admin/elements/<name>/check": (401, 403, IN),
    "GET /admin/groups": (401, 403, IN),
    "GET /admin/groups/<name>/edit": (401, 403, IN),
    "POST /admin/groups/<name>/edit": (401, 403, IN),
    "POST /admin/groups/<name>/delete": (401, 403, IN),
    "GET /admin/groups/create": (401, 403, IN),
    "POST /admin/groups/create": (401, 403, IN),
    "POST /admin/applications/<name>/check": (401, 403, IN),
    "GET /admin/people/<id>": (401, 403, IN),
    "POST /admin/people/<id>/end-sessions": (401, 403, IN),
    "GET /admin/queue": (401, 403, IN),
    "POST /admin/queue/<id>/bind": (401, 403, IN),
    "POST /admin/queue/<id>/create": (401, 403, IN),
    "POST /admin/queue/<id>/refuse": (401, 403, IN),
    "POST /admin/queue/<id>/reopen": (401, 403, IN),
    "POST /admin/queue/many": (401, 403, IN),
    "POST /admin/reveal": (401, 403, IN),
    "GET /admin/search": (401, 403, IN),
}
VALUES = {
    "name": "FSInnerExample",
    "id": 999,
    "token": "x",
    "file": "robots",
    "filename": "favicon.svg",
    "what": "disable",
    "path": "x",
}


def make_key(rule, method):
    """Return a route without the types of its parameters."""
    return f"{method} " + re.sub(r"<[^<>]*:(\w+)>", r"<\1>", rule.rule)


@pytest.fixture
def routes(portal):
    """Every route of the portal.

    They are its key in the table -> (method, path).
    """
    urls = portal.url_map.bind("")
    routes = {}
    for rule in portal.url_map.iter_rules():
        path = urls.build(rule.endpoint, {name: VALUES[name] for name in rule.arguments})
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            routes[make_key(rule, method)] = (method, path.partition("?")[0])
    return routes


@pytest.fixture
def open_browser(portal):
    """Return a function that opens a browser of a role."""
    with portal.app_context(), write() as session:
        accounts = {role: Account(username=role, role=role) for role in ROLES[1:]}
        session.add_all(accounts.values())
        session.flush()
        ids = {role: account.id for role, account in accounts.items()}

    def open_(role):
        browser = portal.test_client()
        if role != "anonymous":
            with portal.app_context(), write() as session:
                account = session.get_one(Account, ids[role])
                browser.set_portal_cookie(sessions.open_session(account.id, None, (None, "link"), Client(), None))
        return browser

    return open_


def send(browser, method, path):
    """Send a request as our own pages do.

    It has the form's token, and JSON where the route takes it.
    """
    if method == "GET":
        return browser.get(path)
    token = {"X-CSRFToken": browser.get("/api/csrf").json["csrfToken"]}
    if path.startswith("/api/"):
        return browser.open(path, method=method, json={}, headers=token)
    return browser.open(path, method=method, headers=token)


def is_allowed(status):
    return status < 500 and status not in (401, 403, 405)


def test_every_route_is_in_the_table_and_the_table_has_no_other(routes):
    assert routes.keys() - ROUTES.keys() == set(), "these routes are missing in the table"
    assert ROUTES.keys() - routes.keys() == set(), "these are gone"


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_use_its_routes_only(routes, open_browser, role):
    wrong = {}
    for route, (method, path) in routes.items():
        expected = ROUTES[route][ROLES.index(role)]
        status = send(open_browser(role), method, path).status_code
        if not (is_allowed(status) if expected == IN else status == expected):
            wrong[route] = (expected, status)
    assert wrong == {}


def test_administrators_routes_are_for_administrators_alone(routes):
    assert {ROUTES[route] for route, (_, path) in routes.items() if path.startswith("/admin")} == {(401, 403, IN)}


@pytest.mark.parametrize(("role", "status"), [("anonymous", 401), ("user", 403)])
def test_no_other_method_passes_the_guard(routes, open_browser, role, status):
    """Flask itself answers HEAD and OPTIONS."""
    paths = {path for method, path in routes.values() if path.startswith("/admin") and method == "GET"}
    browser = open_browser(role)
    for method in ("HEAD", "OPTIONS"):
        assert {browser.open(path, method=method).status_code for path in paths} == {status}, method


@pytest.mark.parametrize("role", ROLES)
def test_unknown_routes_are_not_found(open_browser, role):
    browser = open_browser(role)
    for path in ("/nothing", "/account/nothing", "/admin/nothing", "/admin/queue/1/nothing", "/api/nothing", "/admin/"):
        assert browser.get(path).status_code == 404, path
        assert send(browser, "POST", path).status_code == 404, path


@pytest.mark.parametrize("role", ROLES)
def test_every_change_needs_the_forms_token(routes, open_browser, role):
    """The gate's checks are no forms, and its sign-out looks at the origin."""
    browser = open_browser(role)
    posts = {route: path for route, (method, path) in routes.items() if method == "POST" and "/_portal/" not in path}
    statuses = {route: browser.post(path).status_code for route, path in posts.items()}
    assert {route: status for route, status in statuses.items() if status != 400} == {}


def test_reading_changes_nothing(routes, open_browser, database):
    """Only some tables may get rows from reading.

    They are the audit log of views, logins that begin, and the row that /readyz writes.
    """
    tables = ("audit_event", "login_attempt", "login_session", "readiness")
    left_out = [f'INSERT INTO "{table}"' for table in tables]

    def dump():
        with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
            lines = [line for line in connection.iterdump() if not line.startswith((*left_out, "DELETE", "UPDATE"))]
        connection.close()
        return lines

    open_browser("admin")
    before = dump()
    for method, path in routes.values():
        if method == "GET":
            open_browser("admin").get(path)
    assert dump() == before
