"""A sync keeps what is withheld later, and spares logins the question."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from support.admin_client import open_database
from support.syncs import (
    APPS,
    FEISHU,
    LISTED_PEOPLE,
    PROVIDERS,
    WECOM,
    find_person,
    list_departments,
    run_sync,
)

from portal.models import SyncRun

both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])
READS = {FEISHU: "/open-apis/contact/v3/users/*", WECOM: "/cgi-bin/user/get"}


@both_platforms
class TestWithheld:
    def test_what_is_withheld_later_stays_as_it_was(self, portal, sandbox, name):
        sandbox.app(**APPS[name], **({"old_app": True} if name == WECOM else {}))
        run_sync(portal, name)
        before = find_person(portal, name, "lisi")
        fields = ("mobile", "email", "gender", "position", "avatar", "employee_number", "name")
        held = ["mobile", "email", "gender", "position", "job_title", "avatar", "employee_no", "name", "biz_mail"]
        sandbox.person(PROVIDERS[name], "lisi", withhold=[*held, "enterprise_email"])
        assert run_sync(portal, name).state == "done"
        after = find_person(portal, name, "lisi")
        assert [getattr(after, field) for field in fields] == [getattr(before, field) for field in fields]
        assert all(getattr(before, field) for field in ("mobile", "email", "gender", "position"))

    def test_what_an_app_may_not_read_of_departments_stays_as_it_was(self, portal, sandbox, name):
        run_sync(portal, name)
        before = list_departments(portal, name)
        if name == FEISHU:
            staff = ["contact:user.base:readonly", "contact:user.employee_id:readonly", "contact:user.id:readonly"]
            staff += ["contact:department.base:readonly", "tenant:tenant:readonly"]
            staff += ["contact:user.department:readonly", "contact:user.employee:readonly"]
            sandbox.app(**APPS[name], permissions=[*staff, "contact:contact.base:readonly"])
        else:
            for key in before:
                sandbox.department(key, provider="wecom", withhold=["name", "department_leader", "order"])
        assert run_sync(portal, name).state == "done"
        after = list_departments(portal, name)
        kept = ("name", "parent_id", "leaders", "position")
        for key, row in before.items():
            assert [getattr(after[key], field) for field in kept] == [getattr(row, field) for field in kept]
        assert find_person(portal, name, "lisi").isLeader is True


class TestFreshness:
    @both_platforms
    def test_after_a_sync_nobody_is_asked_for_again_within_a_day(self, portal, sandbox, name):
        run_sync(portal, name)
        sandbox.forget_calls()
        with portal.app_context():
            portal.getElement(f"auths.loginTypes.{name}").syncUserInfo("lisi")
        assert sandbox.calls(READS[name]) == []

    def test_a_login_within_a_day_of_a_sync_asks_the_directory_nothing(self, portal, sandbox):
        run_sync(portal, FEISHU)
        sandbox.forget_calls()
        assert portal.test_client().sign_in(FEISHU, "lisi").status_code == 303
        assert sandbox.calls(READS[FEISHU]) == []
        assert find_person(portal, FEISHU, "lisi").position == "研发总监"

    @pytest.mark.parametrize(
        "changes",
        [{"state": "failed"}, {"state": "stopped"}, {"dry_run": True}, {"age": 25}],
        ids=["failed", "stopped", "a dry run", "of yesterday"],
    )
    def test_a_sync_that_was_none_makes_nobody_fresh(self, portal, sandbox, changes):
        run_sync(portal, FEISHU)
        change_last_run(portal, **changes)
        sandbox.forget_calls()
        portal.test_client().sign_in(FEISHU, "lisi")
        assert len(sandbox.calls(READS[FEISHU])) == 1

    def test_who_was_not_listed_is_asked_for(self, portal, sandbox):
        sandbox.app(**APPS[FEISHU], contact_range={"departments": ["5"], "users": []})
        run_sync(portal, FEISHU)
        sandbox.app(**APPS[FEISHU], contact_range=None)
        sandbox.forget_calls()
        portal.test_client().sign_in(FEISHU, "lisi")
        assert len(sandbox.calls(READS[FEISHU])) == 1

    def test_what_a_login_has_read_since_counts_more_than_what_the_sync_read_before(self, portal, sandbox):
        """Somebody signs in while the sync waits at another department: what is newer stays."""
        run_sync(portal, FEISHU)
        with open_database(portal) as session:
            session.execute(SyncRun.__table__.delete())
            session.commit()
        sandbox.person("feishu", "bob", name="Bob the Elder")
        met = []

        def tell(run):
            if run.phase == "leavers" and not met:
                sandbox.person("feishu", "bob", name="Bob the Younger", freeze=False)
                met.append(portal.test_client().sign_in(FEISHU, "bob").status_code)

        run = run_sync(portal, FEISHU, tell=tell)
        assert (run.state, met) == ("done", [303])
        assert find_person(portal, FEISHU, "bob").name == "Bob the Younger"
        assert run_sync(portal, FEISHU).counts["unchanged"] == len(LISTED_PEOPLE) - 1


def change_last_run(portal, age=0, **changes):
    """Change the last run; let it have ended so many hours earlier."""
    with open_database(portal) as session:
        run = session.scalars(select(SyncRun)).one()
        run.ended_at -= timedelta(hours=age)
        for key, value in changes.items():
            setattr(run, key, value)
        session.commit()
