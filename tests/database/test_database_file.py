"""A SQLite file on a full disk, or another user's.

The message names it, and no restart is needed after the remedy.
"""

import os
import shutil

import pytest
import requests
from support.http_visitors import expect_prompt_refusals
from support.portal_app import answer_platform
from support.small_disk import fill_disk, mount_small_disk
from support.syncs import FEISHU, WECOM, run_command, wait_for

# Root may write everywhere; without these rights it may not.
AS_ANYBODY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--") if os.geteuid() == 0 else ()


class Visitor:
    def __init__(self, server):
        self.server, self.http = server, requests.Session()

    def get(self, path):
        return self.http.get(self.server.url + path, allow_redirects=False, timeout=30)

    def sign_in(self):
        begun = self.get(f"/login/{WECOM}")
        return self.get(answer_platform(begun.headers["Location"])) if begun.status_code == 302 else begun


def run(settings, *words):
    """Run our command and return exit status and output."""
    with run_command(settings, *words) as process:
        out, err = process.communicate(timeout=120)
        return process.returncode, out + err


@pytest.mark.mount
def test_a_full_disk_is_named_and_more_room_is_enough(settings, serve, tmp_path, sqlite_template):
    with mount_small_disk(tmp_path / "disk") as disk:
        shutil.copy(sqlite_template, disk / "portal.db")
        settings["PORTAL_DATABASE_URL"] = f"sqlite:///{disk}/portal.db"
        server = serve(workers=2, threads=4)
        visitor = Visitor(server)
        assert visitor.sign_in().status_code == 303
        fill_disk(disk)
        answers = wait_for(lambda: (answer := visitor.sign_in()).status_code == 503 and [answer])
        answers += [visitor.sign_in() for _ in range(3)]
        expect_prompt_refusals([answer for answer in answers if answer.status_code != 303])
        assert visitor.get("/readyz").json() == {"status": "the disk of the database is full"}
        assert "its disk is full" in server.output()
        status, output = run(settings, "sync", FEISHU)
        assert status == 1 and "disk is full" in output and "db upgrade" not in output
        status, output = run(settings, "doctor")
        assert status == 1 and "The disk of the database is full" in output
        (disk / "filler").unlink()
        wait_for(lambda: visitor.get("/readyz").status_code == 200, seconds=120)
        assert visitor.sign_in().status_code == 303


@pytest.mark.parametrize("running", [False, True], ids=["before the start", "while running"])
@pytest.mark.parametrize(("mode", "status"), [(0o444, "can only be read"), (0o000, "cannot be used")])
def test_a_file_of_another_user_is_named_and_can_be_given_back(settings, serve, database, mode, status, running):
    path = database.removeprefix("sqlite:///")
    original = os.stat(path)

    def give_away():
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
        os.chmod(path, mode)

    if not running:
        give_away()
    server = serve(workers=2, threads=4, prefix=AS_ANYBODY, path="/healthz")
    visitor = Visitor(server)
    if running:
        for _ in range(8):  # connections of both workers
            assert visitor.sign_in().status_code == 303
        give_away()
    expect_prompt_refusals([visitor.sign_in() for _ in range(3)])
    answers = [visitor.get("/readyz") for _ in range(3)]
    expect_prompt_refusals(answers)
    assert all(status in answer.json()["status"] for answer in answers)
    for page in ("bindings", "queue", "accounts", "directory", "elements", "audit"):
        assert visitor.get(f"/admin/{page}").status_code in (401, 403, 503)
    assert "see who owns" in server.output() and "Traceback" not in server.output()
    os.chown(path, original.st_uid, original.st_gid)
    os.chmod(path, 0o600)
    wait_for(lambda: visitor.get("/readyz").status_code == 200, seconds=120)
    wait_for(lambda: visitor.sign_in().status_code == 303)
