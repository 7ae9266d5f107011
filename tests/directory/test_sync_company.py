"""Whose directory a Feishu app reads: the platform tells, and no visitor of another company decides it."""

import pytest
from sqlalchemy import func, select, update
from support.admin_client import open_database
from support.portal_app import both_databases
from support.syncs import APPS, FEISHU, list_people, run_sync

from portal.models import AppCompany, Identity

pytestmark = both_databases
COMPANY = "/open-apis/tenant/v2/tenant/query"
PARTNER = "outsider"  # somebody of the sandbox's other company


@pytest.fixture
def partner(portal, sandbox):
    """Somebody of another company has signed in first, and got an account."""
    assert portal.test_client().sign_in(FEISHU, PARTNER).status_code == 303


@pytest.fixture
def forbid(sandbox):
    sandbox.app(**APPS[FEISHU], drop_permissions=["tenant:tenant:readonly"])


def companies(portal):
    """Return company -> how many of its people are stored."""
    with open_database(portal) as session:
        found = select(Identity.tenant, func.count()).group_by(Identity.tenant)
        return dict(tuple(row) for row in session.execute(found))


@pytest.mark.usefixtures("partner")
def test_a_partner_who_signs_in_first_does_not_decide(portal, sandbox):
    assert run_sync(portal, FEISHU).state == "done"
    assert sorted(companies(portal).values()) == [1, 11]
    portal.test_client().sign_in(FEISHU, "lisi")
    assert run_sync(portal, FEISHU).counts["unchanged"] == 11


def test_the_platform_is_asked_once_and_remembered(portal, sandbox):
    run_sync(portal, FEISHU), run_sync(portal, FEISHU)
    assert len(sandbox.calls(COMPANY)) == 1
    with open_database(portal) as session:
        (known,) = session.scalars(select(AppCompany))
        assert (known.provider, [known.tenant]) == ("feishu", list(companies(portal)))
    sandbox.app(**APPS[FEISHU], drop_permissions=["tenant:tenant:readonly"])
    assert run_sync(portal, FEISHU).state == "done"


@pytest.mark.usefixtures("partner", "forbid")
class TestWithoutThePermission:
    def test_somebody_the_directory_knows_tells_the_company(self, portal):
        portal.test_client().sign_in(FEISHU, "lisi")
        assert run_sync(portal, FEISHU).state == "done"
        assert sorted(companies(portal).values()) == [1, 11]

    def test_somebody_it_does_not_know_tells_nothing(self, portal):
        run = run_sync(portal, FEISHU)
        assert (run.state, run.failure[0]) == ("failed", 60020)
        assert "tenantKeys" in run.failure[1]
        assert len(list_people(portal, FEISHU)) == 1

    def test_somebody_who_is_not_bound_tells_nothing(self, portal):
        portal.test_client().sign_in(FEISHU, "lisi")
        with open_database(portal) as session:
            session.execute(update(Identity).values(account_id=None))
            session.commit()
        assert run_sync(portal, FEISHU).state == "failed"
