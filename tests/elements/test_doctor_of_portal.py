"""Findings at the portal itself."""

import shutil
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from flask_migrate import upgrade
from sqlalchemy import select, update
from support.doctor import Stories
from support.portal_app import FEISHU, both_databases
from support.small_disk import fill_disk, mount_small_disk

from portal.clocks import now
from portal.database import db
from portal.elements.doctor.installation import Installation
from portal.models import Account, Worker

STORIES = Stories("portal")


@STORIES.add
def tell_of_database_old(doctor):
    newest = doctor.execute("SELECT version_num FROM alembic_version").scalar_one()
    doctor.execute("UPDATE alembic_version SET version_num = 'earlier'")
    yield
    doctor.execute(f"UPDATE alembic_version SET version_num = '{newest}'")


STORIES["waits"] = tell_of_database_old


@STORIES.add
def tell_of_database_empty(doctor):
    doctor.changes = {"PORTAL_DATABASE_URL": f"sqlite:///{doctor.elements.folder.parent}/new.db"}
    yield
    with doctor.make_portal(**doctor.changes).app_context():
        upgrade()


@STORIES.add
def tell_of_database_down(doctor):
    """What should be the file is a folder."""
    folder = doctor.elements.folder.parent / "folder.db"
    folder.mkdir()
    doctor.changes = {"PORTAL_DATABASE_URL": f"sqlite:///{folder}"}
    yield
    doctor.changes = {}


@STORIES.add
def tell_of_database_read_only(doctor):
    path = doctor.settings["PORTAL_DATABASE_URL"].removeprefix("sqlite:///")
    doctor.changes = {"PORTAL_DATABASE_URL": f"sqlite:///file:{path}?mode=ro&uri=true"}
    yield
    doctor.changes = {}


@STORIES.add
def tell_of_database_full(doctor):
    with mount_small_disk(doctor.elements.folder.parent / "disk") as disk:
        shutil.copy(doctor.settings["PORTAL_DATABASE_URL"].removeprefix("sqlite:///"), disk / "portal.db")
        doctor.changes = {"PORTAL_DATABASE_URL": f"sqlite:///{disk}/portal.db"}
        fill_disk(disk)
        yield
        (disk / "filler").unlink()
        yield


@STORIES.add
def tell_of_address_local(doctor):
    doctor.changes = {"PORTAL_ENV": "production"}
    yield
    doctor.changes["PORTAL_BASE_URL"] = "https://login.example.com"


@STORIES.add
def tell_of_address_insecure(doctor):
    doctor.changes = {"PORTAL_BASE_URL": "http://login.example.com"}
    yield
    doctor.changes = {"PORTAL_BASE_URL": "https://login.example.com"}


@STORIES.add
def tell_of_proxy_unseen(doctor):
    doctor.forwarded = None
    yield
    doctor.forwarded = []


@STORIES.add
def tell_of_proxy_unexpected(doctor):
    doctor.forwarded = ["198.51.100.7"]
    yield
    doctor.changes = {"PORTAL_TRUSTED_PROXIES": "1"}


@STORIES.add
def tell_of_proxy_missing(doctor):
    doctor.changes = {"PORTAL_TRUSTED_PROXIES": "2"}
    doctor.forwarded = ["198.51.100.7"]
    yield
    doctor.forwarded = ["198.51.100.7", "10.0.0.1"]


@STORIES.add
def tell_of_keys_lost(doctor):
    doctor.elements.feishu(keepUserTokens=True)
    doctor.open_browser().sign_in(FEISHU)
    new = Fernet.generate_key().decode()
    doctor.changes = {"PORTAL_ENCRYPTION_KEYS": new}
    yield
    doctor.changes = {"PORTAL_ENCRYPTION_KEYS": f"{new},{doctor.settings['PORTAL_ENCRYPTION_KEYS']}"}


@STORIES.add
def tell_of_files_open(doctor):
    file = Path(doctor.settings["PORTAL_DATABASE_URL"].removeprefix("sqlite:///"))
    file.parent.chmod(0o755)
    file.chmod(0o644)
    yield
    file.parent.chmod(0o700)


@STORIES.add
def tell_of_worker_missing(doctor):
    yield
    with doctor.make_portal().app_context():
        db.session.add(Worker(name="host-1", seen_at=now()))
        db.session.commit()


@STORIES.add
def tell_of_usernames_alike(doctor):
    with doctor.make_portal().app_context():
        db.session.add_all([Account(username="admin"), Account(username="second")])
        db.session.flush()
        db.session.execute(
            update(Account).where(Account.username == "second").values(username="ADMIN", username_key=None)
        )
        db.session.commit()
    yield
    with doctor.make_portal().app_context():
        db.session.scalars(select(Account).filter_by(username="ADMIN")).one().username = "root"
        db.session.commit()


@pytest.mark.parametrize("name", STORIES)
def test_a_finding_shows_and_is_gone_after_its_remedy(doctor, name):
    STORIES.run(doctor, name)


def test_every_finding_has_its_story():
    assert set(STORIES) == set(Installation.advice)


@both_databases
def test_the_portal_itself_is_well(doctor):
    with doctor.make_portal().app_context():
        db.session.add(Worker(name="host-1", seen_at=now()))
        db.session.commit()
    assert list(doctor.examine("portal")) == [""]
