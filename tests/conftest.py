"""Fixtures with the real parts that tests run against.

They are the sandbox as a process, SQLite and PostgreSQL, Redis, and gunicorn. A part that is missing skips its tests
and says so. `PORTAL_MUST_RUN`, a comma list of groups, turns that into a failure, as a group named there has to run.
"""

import shutil
from contextlib import contextmanager

import pytest
from sqlalchemy import update
from support.clusters import run_cluster
from support.groups import GROUPS, MUST_RUN, Groups, report_missing
from support.portal_app import FEISHU, Browser, Elements, make_settings, make_tables, run_portals
from support.postgres import find_free_port
from support.redis_server import RedisServer
from support.rows import open_admin_browser
from support.sandbox_server import SandboxServer
from support.sql import open_sql

import app as portal_app
from portal.database import db
from portal.providers import http


def pytest_configure(config):
    unknown = set(MUST_RUN) - set(GROUPS)
    if unknown:
        raise pytest.UsageError(f"PORTAL_MUST_RUN names unknown groups: {', '.join(sorted(unknown))}")
    for name in GROUPS:
        config.addinivalue_line("markers", f"{name}: needs a part that may be missing on this machine")
    if not hasattr(config, "workerinput"):  # a worker process reports to the main one
        config.pluginmanager.register(Groups())


def pytest_collection_modifyitems(items):
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "postgresql" in getattr(getattr(item, "callspec", None), "params", {}).values() or "own_cluster" in fixtures:
            item.add_marker("postgresql")
        if {"redis", "own_redis"} & fixtures:
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
    http._transports.clear()  # failures of one test are not the next one's
    return sandbox_process


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "portal.db"
    make_tables(f"sqlite:///{path}", tmp_path_factory.mktemp("no-elements"))
    return path


@pytest.fixture(scope="session")
def postgres():
    with run_cluster() as cluster:
        cluster.template = cluster.database()
        yield cluster


@pytest.fixture
def own_cluster():
    """A PostgreSQL for one test, which may stop it."""
    with run_cluster() as cluster:
        yield cluster


@pytest.fixture
def database(request, tmp_path):
    """A database with tables.

    It is SQLite, or the one that the test names by an indirect parameter.
    """
    if getattr(request, "param", "sqlite") == "sqlite":
        path = tmp_path / "portal.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    cluster = request.getfixturevalue("postgres")
    if cluster.made == 1:
        make_tables(cluster.url(cluster.template), tmp_path)
    return cluster.url(cluster.database(cluster.template))


@pytest.fixture
def sql(database):
    """Return a function that runs a statement on the database."""
    with open_sql(database) as run:
        yield run


@contextmanager
def make_redis():
    if shutil.which("redis-server") is None:
        report_missing("redis", "redis-server is not installed")
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_process():
    with make_redis() as server:
        yield server


@pytest.fixture
def redis(redis_process):
    """A Redis with nothing in it."""
    redis_process.start()
    redis_process.empty()
    return redis_process


@pytest.fixture
def own_redis():
    """A Redis for one test, which starts it."""
    with make_redis() as server:
        yield server


@pytest.fixture(params=["sqlite queue", "redis queue"])
def queue(request, settings):
    """The queue of the jobs, a SQLite file or Redis."""
    if request.param == "redis queue":
        settings["PORTAL_REDIS_URL"] = request.getfixturevalue("redis").url
    settings["PORTAL_SYNC_EVERY"] = "0"
    return request.param


# The portal


@pytest.fixture
def base():
    """The portal's public address, with a port for each test."""
    return f"http://127.0.0.1:{find_free_port()}"


@pytest.fixture
def elements(tmp_path, sandbox, base):
    """The two example elements, and a way to add more."""
    elements = Elements(tmp_path / "app", sandbox, base)
    elements.feishu()
    elements.wecom()
    return elements


@pytest.fixture
def settings(tmp_path, database, base, elements):
    """The portal's environment.

    A test changes it before it asks for `portal` or `serve`.
    """
    settings = make_settings(database, tmp_path / "app", base)
    return {**settings, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}  # for processes, not for this one


@pytest.fixture
def make_portal(settings):
    """Return a function that makes a portal with more settings."""
    portals = []

    def make(**more):
        portal = portal_app.create_app({**settings, **more})
        portal.test_client_class = Browser
        portals.append(portal)
        return portal

    yield make
    for portal in portals:
        with portal.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def portal(make_portal):
    return make_portal()


@pytest.fixture
def client(portal):
    return portal.test_client()


@pytest.fixture
def signed_in(client):
    """Zhang San, signed in by Feishu."""
    client.sign_in(FEISHU, "zhangsan")
    return client


@pytest.fixture
def alice(portal):
    """The browser of an administrator."""
    return open_admin_browser(portal)


@pytest.fixture
def context(portal):
    """An app context, in which the test works with rows."""
    with portal.app_context():
        yield


@pytest.fixture
def change(portal):
    """Return a function that changes rows, as another request would."""

    def change_rows(table, *where, **values):
        with portal.app_context():
            db.session.execute(update(table).where(*where).values(**values))
            db.session.commit()

    return change_rows


# The portal as processes


@pytest.fixture
def serve(settings, tmp_path):
    """Return a function that starts the portal on its port.

    It is called as `serve(workers=2, **settings)`.
    """
    with run_portals(settings, tmp_path) as start:
        yield start
