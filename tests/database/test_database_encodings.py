"""The portal speaks UTF-8 with every database.

A database that stores another encoding is refused.
"""

import psycopg
import pytest
from sqlalchemy import select
from support.portal_app import make_tables
from support.syncs import WECOM, run_command

from portal.database import db
from portal.models import Account

pytestmark = pytest.mark.postgresql
NAME = "王𱍓 Łukasz ⅷ"  # not all of it is in GBK


def make_database(cluster, encoding):
    """Make a database with an encoding and return its name."""
    cluster.made += 1
    name = f"portal{cluster.made}"
    with psycopg.connect(cluster.url("template1", "postgresql"), autocommit=True) as connection:
        made = f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
        connection.execute(made)
    return name


@pytest.mark.parametrize("where", ["database", "role", "address", "environment"])
def test_a_preference_for_another_encoding_does_not_matter(
    postgres, where, make_portal, tmp_path, sandbox, monkeypatch
):
    name = make_database(postgres, "UTF8")
    url = postgres.url(name)
    make_tables(url, tmp_path)
    with psycopg.connect(postgres.url("template1", "postgresql"), autocommit=True) as connection:
        if where == "database":
            connection.execute(f"ALTER DATABASE {name} SET client_encoding = 'GBK'")
        elif where == "role":
            connection.execute("CREATE ROLE gbk LOGIN SUPERUSER")
            connection.execute("ALTER ROLE gbk SET client_encoding = 'GBK'")
            url = url.replace("portal@", "gbk@")
        elif where == "address":
            url += "?client_encoding=GBK"
        else:
            monkeypatch.setenv("PGCLIENTENCODING", "GBK")
    sandbox.person("wecom", "lisi", name=NAME)
    portal = make_portal(PORTAL_DATABASE_URL=url)
    assert portal.test_client().sign_in(WECOM, "lisi").status_code == 303
    with portal.app_context():
        assert db.session.scalar(select(Account.name)) == NAME


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_CN"])
def test_a_database_that_stores_another_encoding_is_refused_in_one_sentence(postgres, encoding, make_portal, settings):
    url = postgres.url(make_database(postgres, encoding))
    why = f"the database's encoding is {encoding}: create it with ENCODING 'UTF8'"
    portal = make_portal(PORTAL_DATABASE_URL=url)
    assert portal.test_client().get("/readyz").status_code == 503
    assert portal.test_client().get(f"/login/{WECOM}").status_code == 503
    assert why in portal.test_cli_runner().invoke(args=["doctor"]).output
    with run_command(settings, "db", "upgrade", PORTAL_DATABASE_URL=url) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert why in err and "Traceback" not in err
