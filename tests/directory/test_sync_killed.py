"""A sync that is killed anywhere is made good by the next."""

import random
import signal

import pytest
from sqlalchemy import select
from support.admin_client import open_database
from support.interrupted_syncs import INTERRUPTED, change_company, expire_leases, reset_company
from support.jobs import list_runs
from support.portal_app import both_databases
from support.syncs import (
    APPS,
    FEISHU,
    LIST_PATHS,
    MEMBER_PATHS,
    TREE_PATHS,
    WECOM,
    compute_checksum,
    list_people,
    run_command,
    run_sync,
    wait_for,
)

from portal.models import Identity, LoginSession

PHASES = ["departments", "people", "leavers", "writing"]
repeats = [1, *(pytest.param(number, marks=pytest.mark.soak) for number in range(2, 12))]


def begin(portal, sandbox, name, departments):
    """Sign some people in and sync; then let the company change."""
    reset_company(sandbox, name, departments)
    for key in ("bob", "carol", "alice", "zhangsan"):
        assert portal.test_client().sign_in(name, key).status_code == 303
    assert run_sync(portal, name).state == "done"
    change_company(sandbox, name)


def kill(settings, sandbox, name, phase, chance, most):
    """Run `flask sync` and kill it somewhere in a phase.

    :param most: statements that it has to write at least.
    """
    if phase == "writing":
        return kill_while_writing(settings, name, phase, chance.randint(2, most))
    points = {
        "departments": (TREE_PATHS, 2 if name == FEISHU else 1),
        "people": (LIST_PATHS, 8),
        "leavers": (MEMBER_PATHS, 4),
    }
    path, calls = points[phase]
    after = chance.randrange(calls)
    sandbox.gate(path[name], after=after)
    with run_command(settings, "sync", name) as process:
        wait_for(sandbox.count_waiting, seconds=60)
        process.kill()
    sandbox.open_gates()
    return f"call {after + 1}"


def kill_while_writing(settings, name, phase, at):
    with run_command(settings, "SIGKILL", phase, str(at), "sync", name, program=INTERRUPTED) as process:
        assert process.wait(60) == -signal.SIGKILL, process.stderr.read()
    return f"statement {at}"


def assert_consistent(portal):
    """Whoever has left has neither account nor session."""
    with open_database(portal) as session:
        for identity in session.scalars(select(Identity).where(Identity.status == 2)):
            assert identity.account_id is None
            mine = (LoginSession.identity_id == identity.id, LoginSession.ended_at.is_(None))
            assert session.scalars(select(LoginSession).where(*mine)).first() is None


@both_databases
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("repeat", repeats)
def test_a_sync_killed_anywhere_is_made_good_by_the_next(
    make_portal, portal, settings, sandbox, phase, repeat, tmp_path, sqlite_template, database
):
    """Killed twice, then undisturbed: in the end all is as after a run that was never disturbed."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    print(f"seed {seed}")
    name = chance.choice([FEISHU, WECOM])
    undisturbed = tmp_path / "undisturbed.db"
    undisturbed.write_bytes(sqlite_template.read_bytes())
    other = make_portal(PORTAL_DATABASE_URL=f"sqlite:///{undisturbed}")
    departments = 45 if phase == "departments" else 5  # two pages of Feishu's
    begin(other, sandbox, name, departments)
    run = run_sync(other, name)
    assert (run.state, run.counts["left"], run.counts["out_of_sight"]) == ("done", 3, 2)

    begin(portal, sandbox, name, departments)
    start = compute_checksum(database)
    for most in (45, 9):
        where = kill(settings, sandbox, name, phase, chance, most)
        print(f"{name}: killed at {phase}, {where}")
        assert_consistent(portal)
        if phase != "writing":
            assert compute_checksum(database) == start
        expire_leases(portal)
    assert run_sync(portal, name).state == "done"
    assert compute_checksum(database) == compute_checksum(f"sqlite:///{undisturbed}")
    assert {row.state for row in list_runs(portal)} == {"failed", "done"}
    assert len(list_people(portal, name)) == 16


@both_databases
@pytest.mark.parametrize("repeat", repeats)
def test_a_first_sync_killed_anywhere_is_made_good_by_the_next(
    make_portal, portal, settings, sandbox, repeat, tmp_path, sqlite_template, database
):
    """It writes while it reads; the second, killed too, finds part of the company listed."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    name = chance.choice([FEISHU, WECOM])
    undisturbed = tmp_path / "undisturbed.db"
    undisturbed.write_bytes(sqlite_template.read_bytes())
    reset_company(sandbox, name)
    for number in range(10):
        sandbox.person(APPS[name]["provider"], f"new{number}", add=True, departments=["7", "5"])
    assert run_sync(make_portal(PORTAL_DATABASE_URL=f"sqlite:///{undisturbed}"), name).state == "done"

    for most in (50, 9):
        where = kill_while_writing(settings, name, "people", chance.randint(2, most))
        print(f"seed {seed}, {name}: killed at people, {where}; {len(list_people(portal, name))} people stored")
        expire_leases(portal)
    assert run_sync(portal, name).state == "done"
    assert compute_checksum(database) == compute_checksum(f"sqlite:///{undisturbed}")
    assert [row.state for row in list_runs(portal)] == ["failed", "failed", "done"]
