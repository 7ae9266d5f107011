"""One sync of an element runs at a time, and one that has lost its lease writes nothing."""

import random
import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import create_engine, select, text, update
from support.interrupted_syncs import INTERRUPTED, change_company, expire_leases, reset_company
from support.jobs import list_runs
from support.portal_app import both_databases
from support.syncs import (
    APPS,
    FEISHU,
    LIST_PATHS,
    WECOM,
    WriteCounter,
    compute_checksum,
    find_person,
    run_command,
    run_sync,
    wait_for,
)

from portal.database import retried, write
from portal.directory import bulk, runs
from portal.errors import Code
from portal.models import Identity

UNDER_WAY = "a sync of this element is under way; wait for its end"


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
        assert [row.state for row in list_runs(portal)] == ["done", "done"]


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
        expire_leases(portal)
        assert run_sync(portal, WECOM).state == "done"
        cut_off, done = list_runs(portal)
        assert (cut_off.state, cut_off.failure, cut_off.open, done.state) == ("failed", runs.CUT_OFF, None, "done")

    @pytest.mark.parametrize("phase", ["people", "writing"])
    def test_one_that_was_paused_past_its_lease_writes_nothing_any_more(
        self, portal, settings, sandbox, phase, database
    ):
        reset_company(sandbox, WECOM)
        run_sync(portal, WECOM)
        change_company(sandbox, WECOM)
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
            wait_for(lambda: "T (stopped)" in read_status(first))
            sandbox.open_gates()
            expire_leases(portal)
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
        assert [row.state for row in list_runs(portal)] == ["done", "failed", "done"]


def read_status(process):
    with open(f"/proc/{process.pid}/status") as file:
        return file.read()
