"""One sync of an element at a time; one that is killed or paused anywhere leaves nothing that the next can't mend."""

import random
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import create_engine, select, text, update
from support.admin_client import open_database
from support.portal_app import both_databases
from support.syncs import (
    APPS,
    FEISHU,
    LIST_PATHS,
    MEMBER_PATHS,
    TREE_PATHS,
    WECOM,
    WriteCounter,
    compute_checksum,
    find_person,
    list_people,
    run_command,
    run_sync,
    wait_for,
)

from portal.clocks import now
from portal.database import retried, write
from portal.directory import bulk, runs
from portal.errors import Code
from portal.models import Identity, LoginSession, SyncRun

UNDER_WAY = "a sync of this element is under way; wait for its end"
PHASES = ["departments", "people", "leavers", "writing"]
INTERRUPTED = ("tests/support/interrupted.py",)
repeats = [1, *(pytest.param(number, marks=pytest.mark.soak) for number in range(2, 12))]


def sync_rows(portal):
    with open_database(portal) as session:
        return list(session.scalars(select(SyncRun).order_by(SyncRun.id)))


def let_the_lease_end(portal):
    with open_database(portal) as session:
        session.execute(update(SyncRun).values(leased_until=now() - timedelta(seconds=1)))
        session.commit()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
class TestRowsOfOthers:
    def test_people_change_while_another_transaction_seats_them(self, portal, sandbox, database):
        run_sync(portal, WECOM)
        sandbox.person("wecom", "lisi", name="Renamed")
        engine = create_engine(database)
        with engine.connect() as other:
            other.execute(select(Identity.id).with_for_update(read=True, key_share=True)).all()
            assert run_sync(portal, WECOM).state == "done"
        engine.dispose()
        assert find_person(portal, WECOM, "lisi").name == "Renamed"

    def test_syncs_of_one_company_write_one_after_the_other(self, portal, database):
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        engine = create_engine(database)
        with ThreadPoolExecutor(1) as pool, engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
            with portal.app_context(), write():
                bulk.lock_company("wecom", APPS[WECOM]["corpid"])
                run = pool.submit(run_sync, portal, WECOM)
                wait_for(lambda: other.scalar(waiting), seconds=10)
            assert run.result().state == "done"
        engine.dispose()

    def test_of_two_that_wait_for_each_other_both_come_to_their_end(self, portal, sandbox):
        run_sync(portal, WECOM)
        both_hold_one, tries = Barrier(2), []

        def rename(*user_ids):
            def work():
                tries.append(user_ids)
                with write() as session:
                    for user_id in user_ids:
                        session.execute(update(Identity).where(Identity.user_id == user_id).values(name=user_ids[0]))
                        if len(tries) <= 2 and user_id == user_ids[0]:
                            both_hold_one.wait(10)

            with portal.app_context():
                retried(work)()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda pair: rename(*pair), [("lisi", "alice"), ("alice", "lisi")]))
        assert len(tries) == 3
        assert find_person(portal, WECOM, "lisi").name == find_person(portal, WECOM, "alice").name


@both_databases
class TestTwo:
    def test_of_many_at_once_one_may_begin(self, portal):
        def take(_):
            with portal.app_context():
                try:
                    return runs.begin_from_command(FEISHU)
                except Code as error:
                    return error.code

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(take, range(8)))
        assert answers.count(40900) == 7

    def test_the_second_says_so_and_ends_with_1(self, portal, settings, sandbox):
        sandbox.gate(LIST_PATHS[WECOM])
        with run_command(settings, "sync", WECOM) as first:
            wait_for(sandbox.count_waiting)
            second = portal.test_cli_runner().invoke(args=["sync", WECOM])
            assert second.exit_code == 1
            assert UNDER_WAY in second.output
            assert portal.test_cli_runner().invoke(args=["sync", FEISHU]).exit_code == 0
            sandbox.open_gates()
            assert first.wait(60) == 0
        assert [row.state for row in sync_rows(portal)] == ["done", "done"]


@both_databases
class TestLease:
    def test_a_run_that_was_killed_holds_up_others_for_the_lease_only(self, portal, settings, sandbox):
        sandbox.gate(LIST_PATHS[WECOM])
        with run_command(settings, "sync", WECOM) as first:
            wait_for(sandbox.count_waiting)
            first.kill()
        sandbox.open_gates()
        with portal.app_context(), pytest.raises(Code) as error:
            runs.begin_from_command(WECOM)
        assert error.value.code == 40900
        let_the_lease_end(portal)
        assert run_sync(portal, WECOM).state == "done"
        cut_off, done = sync_rows(portal)
        assert (cut_off.state, cut_off.failure, cut_off.open, done.state) == ("failed", runs.CUT_OFF, None, "done")

    @pytest.mark.parametrize("phase", ["people", "writing"])
    def test_one_that_was_paused_past_its_lease_writes_nothing_any_more(
        self, portal, settings, sandbox, phase, database
    ):
        company(sandbox, WECOM)
        run_sync(portal, WECOM)
        changes(sandbox, WECOM)
        if phase == "people":
            sandbox.gate(LIST_PATHS[WECOM], after=4)
            words, program = ("sync", WECOM), ("-m", "flask")
        else:
            at = random.randint(1, 6)  # the 9th is the end
            words, program = ("SIGSTOP", "writing", str(at), "sync", WECOM), INTERRUPTED
        with run_command(settings, *words, program=program) as first:
            if phase == "people":
                wait_for(sandbox.count_waiting)
                first.send_signal(signal.SIGSTOP)
            wait_for(lambda: "T (stopped)" in status_of(first))
            sandbox.open_gates()
            let_the_lease_end(portal)
            sandbox.person("wecom", "alice", name="Alice the Second")
            assert run_sync(portal, WECOM).state == "done"
            before, written = compute_checksum(database), WriteCounter(database)
            sandbox.person("wecom", "alice", name="Alice the Third")
            first.send_signal(signal.SIGCONT)
            assert first.wait(60) == 1
            assert "another sync has taken over" in first.stdout.read()
        assert compute_checksum(database) == before
        assert written.take_counts() == {}
        written.close()
        assert find_person(portal, WECOM, "alice").name == "Alice the Second"
        assert [row.state for row in sync_rows(portal)] == ["done", "failed", "done"]


def status_of(process):
    with open(f"/proc/{process.pid}/status") as file:
        return file.read()


def company(sandbox, name, departments=5):
    """Let the company be as before the changes, with so many departments more."""
    sandbox.reset()
    for number in range(departments):
        sandbox.department(f"3{number:02}", add=True, provider=APPS[name]["provider"])


def changes(sandbox, name):
    """Let people and departments come, move, change and go."""
    provider = APPS[name]["provider"]
    for key in ("bob", "zhouba", "wujiu"):
        sandbox.person(provider, key, resign=True)
    for key in ("carol", "chenyi"):
        sandbox.person(provider, key, hide=True)
    for number in range(5):
        sandbox.person(provider, f"new{number}", add=True, departments=["7", "90"])
    sandbox.person(provider, "zhangsan", name="张三丰")
    sandbox.person(provider, "wangwu", departments=["7"])
    sandbox.person(provider, "alice", freeze=True)
    sandbox.person(provider, "sunqi", activate=True)
    sandbox.department("90", add=True, provider=provider, parent="2")
    sandbox.department("304", remove=True, provider=provider)
    sandbox.department("6", name="登录组", parent="7", provider=provider)


def begun(portal, sandbox, name, departments):
    """Sign some people in and sync; then let the company change."""
    company(sandbox, name, departments)
    for key in ("bob", "carol", "alice", "zhangsan"):
        assert portal.test_client().sign_in(name, key).status_code == 303
    assert run_sync(portal, name).state == "done"
    changes(sandbox, name)


def killed(settings, sandbox, name, phase, chance, most):
    """Run `flask sync` and kill it somewhere in a phase.

    :param most: statements that it has to write at least.
    """
    if phase == "writing":
        return killed_writing(settings, name, phase, chance.randint(2, most))
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


def killed_writing(settings, name, phase, at):
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
    begun(other, sandbox, name, departments)
    run = run_sync(other, name)
    assert (run.state, run.counts["left"], run.counts["out_of_sight"]) == ("done", 3, 2)

    begun(portal, sandbox, name, departments)
    start = compute_checksum(database)
    for most in (45, 9):
        where = killed(settings, sandbox, name, phase, chance, most)
        print(f"{name}: killed at {phase}, {where}")
        assert_consistent(portal)
        if phase != "writing":
            assert compute_checksum(database) == start
        let_the_lease_end(portal)
    assert run_sync(portal, name).state == "done"
    assert compute_checksum(database) == compute_checksum(f"sqlite:///{undisturbed}")
    assert {row.state for row in sync_rows(portal)} == {"failed", "done"}
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
    company(sandbox, name)
    for number in range(10):
        sandbox.person(APPS[name]["provider"], f"new{number}", add=True, departments=["7", "5"])
    assert run_sync(make_portal(PORTAL_DATABASE_URL=f"sqlite:///{undisturbed}"), name).state == "done"

    for most in (50, 9):
        where = killed_writing(settings, name, "people", chance.randint(2, most))
        print(f"seed {seed}, {name}: killed at people, {where}; {len(list_people(portal, name))} people stored")
        let_the_lease_end(portal)
    assert run_sync(portal, name).state == "done"
    assert compute_checksum(database) == compute_checksum(f"sqlite:///{undisturbed}")
    assert [row.state for row in sync_rows(portal)] == ["failed", "failed", "done"]
