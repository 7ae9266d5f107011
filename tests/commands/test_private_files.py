"""The portal's files are readable by its own user alone.

Files that an earlier version left open are closed.
"""

import os
import re
import shutil
import stat
import subprocess
import sys

import pytest
from support.portal_app import ROOT

from portal.directory import jobs


@pytest.fixture
def installation(tmp_path):
    """The code in a folder with an `instance/` of its own."""
    folder = tmp_path / "portal"
    kept = shutil.ignore_patterns(".*", "node_modules", "instance", "tests", "docs", "bench", "__pycache__")
    shutil.copytree(ROOT, folder, ignore=kept)
    return folder


def run(folder, *words, **more):
    """Run a command in a folder under an open umask."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PORTAL_", "FLASK_"))}
    command = [sys.executable, "-m", "flask", *words]
    done = subprocess.run(
        command, cwd=folder, env={**clean, **more}, capture_output=True, text=True, umask=0o022, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_modes(folder):
    """Return the modes of a folder and its files."""
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in (folder, *folder.iterdir())}


KEEPS_OPEN = """
import os
from sqlalchemy import text
import app
from portal.directory import jobs
from portal.database import db, write
portal = app.create_app()
with portal.app_context():
    jobs.get_jobs(portal)
    with write() as session:
        session.execute(text("UPDATE account SET name = name"))
    print({name: oct(os.stat(f"instance/{name}").st_mode & 0o777) for name in os.listdir("instance")})
"""


def test_folder_keys_database_and_queue_are_private(installation):
    run(installation, "db", "upgrade")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PORTAL_", "FLASK_"))}
    command = [sys.executable, "-c", KEEPS_OPEN]
    done = subprocess.run(command, cwd=installation, env=clean, capture_output=True, text=True, umask=0o022, timeout=60)
    assert done.returncode == 0, done.stderr
    names = re.findall(r"'([^']+)': '(0o[0-7]+)'", done.stdout)
    wanted = {"secret_key", "encryption_key", "portal.db", "portal.db-wal", "portal.db-shm", "portal.db-jobs"}
    assert wanted <= {name for name, _ in names}
    assert {mode for _, mode in names} == {"0o600"}
    assert read_modes(installation / "instance")["instance"] == "0o700"


def test_a_database_file_in_the_folder_is_private(installation):
    run(installation, "db", "upgrade", PORTAL_DATABASE_URL="sqlite:///other.db")
    assert read_modes(installation / "instance").pop("instance") == "0o700"
    assert read_modes(installation / "instance")["other.db"] == "0o600"


def test_files_left_open_by_an_earlier_version_are_closed(installation):
    run(installation, "db", "upgrade")
    folder = installation / "instance"
    (folder / "portal.db-old").write_text("a copy of the operator's")
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)
    (folder / "elsewhere").symlink_to(installation / "app.py")
    before = (installation / "app.py").stat().st_mode
    run(installation, "create-admin", "root")
    file_modes = read_modes(folder)
    assert file_modes.pop("instance") == "0o700"
    assert file_modes.pop("elsewhere") == oct(stat.S_IMODE(before))  # what a link leads to is not ours
    assert set(file_modes.values()) == {"0o600"}


def test_a_new_database_elsewhere_is_private_and_an_old_one_stays(tmp_path, settings, make_portal):
    make_portal(PORTAL_DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}")
    assert read_modes(tmp_path)["new.db"] == "0o600"
    (tmp_path / "new.db").chmod(0o640)
    make_portal(PORTAL_DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}")
    assert read_modes(tmp_path)["new.db"] == "0o640"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_queue_beside_postgresql_is_private_too(portal, tmp_path):
    portal.instance_path = str(tmp_path / "instance")
    assert jobs.get_jobs(portal).huey.pending_count() == 0
    assert set(read_modes(tmp_path / "instance").values()) == {"0o700", "0o600"}
