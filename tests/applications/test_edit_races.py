"""Two administrators change applications at once: one wins."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, text
from support.portal_app import both_databases

from portal.applications import catalogue, groups
from portal.audit import Actor
from portal.errors import Code
from portal.models import Application

pytestmark = both_databases
BY = Actor()
HOST = "https://wiki.example.com"
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@contextmanager
def keep_from_writing(database, table):
    """Keep others from writing a table, and yield a function.

    It waits until none of some calls can go on.
    """
    engine = create_engine(database)
    with engine.connect() as connection, engine.connect() as observer:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f'LOCK TABLE "{table}" IN SHARE MODE')

        def wait(calls):
            while engine.dialect.name != "sqlite":
                waiting = observer.execute(WAITING).scalar_one()
                observer.rollback()
                if waiting + sum(call.done() for call in calls) >= len(calls):
                    break

        yield wait
        connection.commit()
    engine.dispose()


@pytest.fixture
def run_at_once(portal, database):
    """Return a function that runs calls which all want to write at once."""

    def call(act):
        with portal.app_context():
            try:
                act()
            except (Code, catalogue.InvalidFields) as error:
                return type(error)
        return None

    def run(table, *acts):
        with ThreadPoolExecutor(len(acts)) as pool:
            with keep_from_writing(database, table) as wait:
                calls = [pool.submit(call, act) for act in acts]
                wait(calls)
            return [result.result(timeout=60) for result in calls]

    return run


def test_of_two_edits_one_is_refused(store, run_at_once):
    catalogue.create_application({"name": "wiki"}, by=BY)
    edits = [lambda t=title: catalogue.edit_application("wiki", {"title": t}, 1, by=BY) for title in ("One", "Two")]
    results = run_at_once("application", *edits)
    assert set(results) == {None, catalogue.ApplicationChanged}
    store.rollback()
    wiki = catalogue.find_application("wiki")
    assert (wiki.title, wiki.version) == (("One", "Two")[results.index(None)], 2)


def test_of_two_applications_one_gets_the_host(store, run_at_once):
    values = [{"name": name, "hosts": [HOST]} for name in ("wiki", "board")]
    acts = [lambda v=value: catalogue.create_application(v, by=BY) for value in values]
    assert set(run_at_once("application", *acts)) == {None, catalogue.InvalidFields}
    store.rollback()
    assert [application.hosts for application in store.query(Application)] == [[HOST]]


def test_of_two_edits_of_a_group_one_is_refused(store, run_at_once):
    groups.create_group({"name": "dev"}, by=BY)
    edits = [lambda t=title: groups.edit_group("dev", {"title": t}, 1, by=BY) for title in ("One", "Two")]
    assert set(run_at_once("group", *edits)) == {None, groups.GroupChanged}


def test_a_group_is_not_deleted_while_an_application_takes_it(store, run_at_once):
    groups.create_group({"name": "dev"}, by=BY)
    catalogue.create_application({"name": "wiki"}, by=BY)
    results = run_at_once(
        "application_group",
        lambda: catalogue.edit_application("wiki", {"groups": ["dev"]}, 1, by=BY),
        lambda: groups.delete_group("dev", by=BY),
    )
    assert sorted(result is None for result in results) == [False, True]
    assert set(results) <= {None, groups.GroupInUse, catalogue.InvalidFields}
