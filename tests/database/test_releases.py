"""An installation of each release can be upgraded, and keeps its data.

`tests/data/releases/` has the rows of a database in use for each release, and the digests of the revisions that are out
in the world. With a release, add both: `sha256sum 0*.py` in `migrations/versions/` writes the digests.
"""

import hashlib

import pytest
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from support.portal_app import ROOT, both_databases
from support.releases import FOLDER, RELEASES, fill_tables, find_changes, move_to_now, read_release

import portal as package
from portal.database import db

DIGESTS = dict(line.split()[::-1] for line in (FOLDER / "revisions.sha256").read_text().splitlines())


@pytest.fixture(params=RELEASES)
def release(request, portal):
    """A release whose rows are in the database, which has been upgraded."""
    release = move_to_now(read_release(request.param))
    with portal.app_context():
        downgrade(revision="base")
        upgrade(revision=release["revision"])
        fill_tables(db.engine, release)
        upgrade()
    return release


def test_the_rows_of_this_version_are_kept():
    assert package.__version__ in RELEASES


@pytest.mark.parametrize("name", RELEASES)
def test_every_table_of_a_release_has_a_row(name):
    assert [table for table, rows in read_release(name)["rows"].items() if not rows] == []


@both_databases
def test_every_row_of_a_release_survives_the_upgrade(portal, release):
    with portal.app_context():
        assert find_changes(db.engine, release) == []


@both_databases
def test_people_of_a_release_are_who_they_were(portal, release):
    client = portal.test_client()
    client.set_portal_cookie(release["session"])
    assert client.session().json["account"]["username"] == "zhangsan"
    again = portal.test_client()
    assert again.sign_in("FSInnerExample", "zhangsan").status_code == 303
    assert again.session().json["account"] == client.session().json["account"]


@pytest.mark.parametrize("name", DIGESTS)
def test_a_released_revision_does_not_change(name):
    digest = hashlib.sha256((ROOT / "migrations/versions" / name).read_bytes()).hexdigest()
    assert digest == DIGESTS[name], f"{name} is in databases out there; write a further revision instead"


def test_every_revision_up_to_a_release_is_listed():
    newest = max(read_release(name)["revision"] for name in RELEASES)
    steps = ScriptDirectory("migrations").walk_revisions("base", newest)
    assert {step.path.rpartition("/")[2] for step in steps} <= set(DIGESTS)
