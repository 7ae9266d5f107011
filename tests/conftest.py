"""Real parts for the tests: the sandbox as a process, SQLite and PostgreSQL, gunicorn, Chromium.

A part that is missing skips its tests and says so. `PORTAL_MUST_RUN`, a comma list of groups, turns that into a
failure: a group named there has to run.
"""

import shutil

import pytest
from support.groups import GROUPS, MUST_RUN, Groups, report_missing
from support.portal_app import Browser, Elements, make_settings, make_tables, run_portals
from support.postgres import Cluster, find_binaries, find_free_port
from support.redis_server import RedisServer
from support.sandbox_server import SandboxServer

import app as portal_app
from portal.database import db


def pytest_configure(config):
    unknown = set(MUST_RUN) - set(GROUPS)
    if unknown:
        raise pytest.UsageError(f"PORTAL_MUST_RUN names unknown groups: {', '.join(sorted(unknown))}")
    for name in GROUPS:
        config.addinivalue_line("markers", f"{name}: needs a part that may be missing on this machine")
    if not hasattr(config, "workerinput"):  # one of several processes tells the one that began them
        config.pluginmanager.register(Groups())


def pytest_collection_modifyitems(items):
    for item in items:
        if "postgresql" in getattr(getattr(item, "callspec", None), "params", {}).values():
            item.add_marker("postgresql")
        if "redis" in getattr(item, "fixturenames", ()):
            item.add_marker("redis")


# Platforms and databases


@pytest.fixture(scope="session")
def sandbox_process():
    server = SandboxServer.start()
    yield server
    server.stop()


@pytest.fixture
def sandbox(sandbox_process):
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "portal.db"
    make_tables(f"sqlite:///{path}", tmp_path_factory.mktemp("no-elements"))
    return path


@pytest.fixture(scope="session")
def postgres():
    if find_binaries() is None:
        report_missing("postgresql", "PostgreSQL is not installed")
    cluster = Cluster()
    cluster.template = cluster.database()
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def database(request, tmp_path):
    """A database with tables: SQLite, or what the test asks for by an indirect parameter."""
    if getattr(request, "param", "sqlite") == "sqlite":
        path = tmp_path / "portal.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    cluster = request.getfixturevalue("postgres")
    if cluster.made == 1:
        make_tables(cluster.url(cluster.template), tmp_path)
    return cluster.url(cluster.database(cluster.template))


@pytest.fixture(scope="session")
def redis_process():
    if shutil.which("redis-server") is None:
        report_missing("redis", "redis-server is not installed")
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def redis(redis_process):
    """A Redis with nothing in it."""
    redis_process.start()
    redis_process.empty()
    return redis_process


@pytest.fixture(params=["sqlite queue", "redis queue"])
def queue(request, settings):
    """Where jobs wait: a SQLite file, or Redis."""
    if request.param == "redis queue":
        settings["PORTAL_REDIS_URL"] = request.getfixturevalue("redis").url
    settings["PORTAL_SYNC_EVERY"] = "0"
    return request.param


# The portal


@pytest.fixture
def base():
    """The portal's public address: a port of its own for every test."""
    return f"http://127.0.0.1:{find_free_port()}"


@pytest.fixture
def elements(tmp_path, sandbox, base):
    """The two example elements, and the way to more."""
    made = Elements(tmp_path / "app", sandbox, base)
    made.feishu()
    made.wecom()
    return made


@pytest.fixture
def settings(tmp_path, database, base, elements):
    """The portal's environment; change it before asking for `portal` or `serve`."""
    return make_settings(database, tmp_path / "app", base)


@pytest.fixture
def make_portal(settings):
    """Return a function that makes the portal with further settings."""
    made = []

    def make(**more):
        portal = portal_app.create_app({**settings, **more})
        portal.test_client_class = Browser
        made.append(portal)
        return portal

    yield make
    for portal in made:
        with portal.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def portal(make_portal):
    return make_portal()


@pytest.fixture
def client(portal):
    return portal.test_client()


# The portal as processes


@pytest.fixture
def serve(settings, tmp_path):
    """Return a function that starts the portal on its own port: `serve(workers=2, **settings)`."""
    with run_portals(settings, tmp_path) as start:
        yield start
