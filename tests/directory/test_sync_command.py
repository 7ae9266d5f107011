"""`flask sync`: what it says, how it ends, and how far it tells to be."""

import os
import pty
import re
import signal
import subprocess
import sys

import pytest
from support.portal_app import ROOT, both_databases
from support.syncs import (
    APPS,
    FEISHU,
    LIST_PATHS,
    LISTED_PEOPLE,
    TREE_PATHS,
    WECOM,
    compute_checksum,
    list_people,
    run_command,
    run_sync,
    wait_for,
)

REFUSED = {"errcode": 48002, "errmsg": "x"}


@pytest.fixture
def flask_sync(portal):
    """Return a function that runs `flask sync` inside the process."""
    return lambda *words: portal.test_cli_runner().invoke(args=["sync", *words])


def leave(sandbox, number=12):
    for at in range(number):
        sandbox.person("wecom", f"one{at:03}", resign=True)


@pytest.fixture
def crowd(sandbox):
    for at in range(12):
        sandbox.person("wecom", f"one{at:03}", add=True, departments=["7"])


class TestEnds:
    def test_without_a_name_every_element_is_synced(self, flask_sync, portal):
        done = flask_sync()
        assert (done.exit_code, done.stderr) == (0, "")
        for name in (FEISHU, WECOM):
            assert re.search(rf"^{name}: done: 11 new; 11 people, [78] departments$", done.stdout, re.M)
            assert len(list_people(portal, name)) == len(LISTED_PEOPLE)

    @pytest.mark.parametrize("name", [WECOM, f"auths.loginTypes.{WECOM}"])
    def test_an_element_goes_by_its_short_and_its_full_name(self, flask_sync, portal, name):
        assert flask_sync(name).exit_code == 0
        assert list_people(portal, WECOM) and not list_people(portal, FEISHU)

    def test_an_unknown_name_is_told_with_those_there_are(self, flask_sync, portal):
        done = flask_sync(WECOM, "Nobody")
        assert done.exit_code == 1
        assert f"there is no element 'Nobody'; there are: {FEISHU}, {WECOM}" in done.stderr
        assert list_people(portal, WECOM) == {}

    def test_a_failure_is_1_with_its_cause_and_number(self, flask_sync, sandbox):
        sandbox.fail(TREE_PATHS[WECOM], body=REFUSED)
        done = flask_sync(WECOM)
        assert done.exit_code == 1
        assert re.search(
            rf"^{WECOM}: failed, no person was removed: .+ \(platform 48002\) \[60020\]$", done.stderr, re.M
        )

    @pytest.mark.usefixtures("crowd")
    def test_the_guard_is_2_and_says_how_to_go_on(self, flask_sync, sandbox):
        flask_sync(WECOM)
        leave(sandbox)
        done = flask_sync(WECOM)
        assert done.exit_code == 2
        assert "stopped, nothing was changed: 12 of 21 people would lose their access" in done.stderr
        assert "--accept-leavers" in done.stderr
        assert "losing: one000" in done.stdout
        done = flask_sync(WECOM, "--accept-leavers")
        assert (done.exit_code, "12 left" in done.stdout) == (0, True)

    @pytest.mark.usefixtures("crowd")
    def test_accepting_what_was_not_shown_stops_and_shows_it(self, flask_sync, sandbox):
        flask_sync(WECOM)
        leave(sandbox)
        done = flask_sync(WECOM, "--accept-leavers")
        assert done.exit_code == 2
        assert "--accept-leavers counts only after a sync that has shown them" in done.stderr
        assert "losing: one000" in done.stdout
        assert flask_sync(WECOM, "--accept-leavers").exit_code == 0

    @pytest.mark.usefixtures("crowd")
    def test_a_failure_counts_more_than_the_guard_and_stops_no_other(self, flask_sync, sandbox, portal):
        flask_sync()
        leave(sandbox)
        sandbox.fail(TREE_PATHS[FEISHU], body={"code": 99991672, "msg": "x"})
        done = flask_sync()
        assert done.exit_code == 1
        assert f"{FEISHU}: failed" in done.stderr and f"{WECOM}: stopped" in done.stderr

    def test_a_warning_is_told_by_name(self, flask_sync, sandbox):
        sandbox.department("4", provider="wecom", set={"parentid": 4})
        assert "warning: own parent: 4" in flask_sync(WECOM).stdout

    def test_without_tables_the_remedy_is_told(self, make_portal, tmp_path):
        portal = make_portal(PORTAL_DATABASE_URL=f"sqlite:///{tmp_path}/empty.db")
        done = portal.test_cli_runner().invoke(args=["sync", WECOM])
        assert (done.exit_code, "flask db upgrade" in done.stderr) == (1, True)


@both_databases
@pytest.mark.parametrize("name", [FEISHU, WECOM])
def test_a_dry_run_names_what_would_change_and_changes_nothing(flask_sync, portal, sandbox, name, database):
    provider = APPS[name]["provider"]
    run_sync(portal, name)
    before = compute_checksum(database)
    sandbox.person(provider, "newcomer", add=True, departments=["7"], name="New Comer")
    sandbox.person(provider, "alice", name="Alice Carroll")
    sandbox.person(provider, "wangwu", departments=["7"])
    sandbox.person(provider, "bob", resign=True)
    sandbox.person(provider, "carol", hide=True)
    sandbox.department("90", add=True, provider=provider)
    done = flask_sync(name, "--dry-run")
    assert done.exit_code == 0
    assert "dry run, would be: 1 new, 1 changed, 1 moved, 1 left, 1 out of sight; 10 people" in done.stdout
    for kind, who in {
        "new": "New Comer",
        "changed": "Alice Carroll",
        "moved": "王五",
        "left": "Bob Miller",
        "out of sight": "Carol Reyes",
    }.items():
        assert f"  {kind}: {who}\n" in done.stdout
    assert compute_checksum(database) == before
    real = flask_sync(name)
    assert "done: 1 new, 1 changed, 1 moved, 1 left, 1 out of sight; 10 people" in real.stdout


@pytest.mark.parametrize("name", [FEISHU, WECOM])
@pytest.mark.parametrize("pages", [2, 5])
def test_lines_tell_how_far_it_is(settings, sandbox, name, pages):
    """The platform answers so many pages of people and then no more: the line says so many, and the tree's one."""
    sandbox.gate(LIST_PATHS[name], after=pages)
    with run_command(settings, "sync", name) as process:
        lines = [process.stdout.readline()]
        while f", {pages + 1} pages" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], process.stderr.read()
        sandbox.open_gates()
        rest = process.stdout.read()
        assert process.wait(30) == 0
    assert lines[0].startswith(f"{name}: departments, 0 people")
    departments = {FEISHU: 7, WECOM: 8}[name]
    told = rf"{name}: people, (\d+) people, {departments} departments, {pages + 1} pages.*\n"
    assert int(re.fullmatch(told, lines[-1])[1]) <= len(LISTED_PEOPLE)
    assert not any(f", {number} pages" in line for line in lines for number in range(pages + 2, 10))
    assert f"{name}: writing, 11 people" in rest
    assert "\x1b" not in rest and "done: 11 new" in rest


def test_a_terminal_shows_a_bar_that_moves(settings, sandbox):
    sandbox.gate(LIST_PATHS[WECOM], after=4)
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "flask", "sync", WECOM]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
    with subprocess.Popen(words, cwd=ROOT, env={**clean, **settings}, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = ""
        while ", 5 pages" not in shown:
            shown += os.read(ours, 4096).decode("utf-8", "replace")
        bar = shown.split("\r")[-1]
        assert re.search(r"█{12}░{12}  people, \d+ people, 8 departments, 5 pages", bar)  # 4 of 8 departments
        sandbox.open_gates()
        while "done:" not in shown:
            shown += os.read(ours, 4096).decode("utf-8", "replace")
        assert process.wait(30) == 0
    os.close(ours)
    assert shown.rstrip().rpartition("\r\x1b[2K")[2].startswith(f"{WECOM}: done: 11 new")


def test_ctrl_c_ends_the_run_at_once(settings, sandbox, portal):
    sandbox.gate(LIST_PATHS[WECOM])
    with run_command(settings, "sync", WECOM) as process:
        wait_for(sandbox.count_waiting)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 1
        assert "failed, no person was removed: the process that ran it has ended" in process.stderr.read()
    sandbox.open_gates()
    assert run_sync(portal, WECOM).state == "done"
