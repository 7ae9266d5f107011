"""PgBouncer in front of PostgreSQL, in both usual modes.

It has the settings that Debian ships.
"""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import text
from support.groups import report_missing
from support.pgbouncer import PgBouncer, find_program
from support.portal_app import make_tables
from support.syncs import FEISHU, WECOM, list_people, run_sync

from portal.database import db, write

pytestmark = pytest.mark.pgbouncer


@pytest.fixture(params=["session", "transaction"])
def pooler(request, postgres):
    if find_program() is None:
        report_missing("pgbouncer", "PgBouncer is not installed")
    made = PgBouncer(postgres, request.param)
    yield made
    made.stop()


@pytest.fixture
def portal(pooler, postgres, make_portal, tmp_path):
    """A portal that reaches its database through the pooler.

    Its tables were made through it, too.
    """
    url = pooler.url(postgres.database())
    make_tables(url, tmp_path)
    return make_portal(PORTAL_DATABASE_URL=url)


def test_people_sign_in_and_syncs_run(portal):
    assert portal.test_client().get("/readyz").status_code == 200
    for name in (FEISHU, WECOM):
        assert run_sync(portal, name).state == "done"
    assert "zhangsan" in list_people(portal, WECOM)
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: portal.test_client().sign_in(WECOM).status_code, range(24))
        assert set(answers) == {303}


def test_every_transaction_has_its_limits(portal):
    query = text("SELECT current_setting('statement_timeout'), current_setting('jit')")
    with portal.app_context():
        for _ in range(3):
            assert db.session.execute(query).one() == ("3s", "off")
            with write() as session:
                assert session.execute(query).one() == ("3s", "off")
            db.session.remove()


def test_no_limit_stays_for_other_clients(portal, pooler, postgres):
    """In transaction mode the next client gets a server unchanged."""
    portal.test_client().sign_in(WECOM)
    address = portal.config["PORTAL_DATABASE_URL"].replace("+psycopg", "")
    for _ in range(3):
        with psycopg.connect(address) as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_the_doctor_quotes_a_refusal(portal, pooler, make_portal):
    there = pooler.url("no_such_database").replace("portal@", "portal:a-password@")
    output = make_portal(PORTAL_DATABASE_URL=there).test_cli_runner().invoke(args=["doctor"]).output
    assert "The database cannot be used" in output and "no_such_database" in output
    assert "a-password" not in output
