"""Which of a person's addresses only the company can change: told by the platform, and kept apart from the other."""

import pytest
from sqlalchemy import update
from support.admin_client import open_database
from support.portal_app import both_databases
from support.syncs import APPS, FEISHU, PROVIDERS, WECOM, find_person, run_sync

from portal.models import Identity, Listing

TYPED, COMPANY = "CEO@corp.example", "Li.Si@Corp.example.com"
KEY = {FEISHU: "enterprise_email", WECOM: "biz_mail"}
both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])


@pytest.fixture
def told(sandbox, name):
    """Return a function that sets what the platform tells of Li Si; the WeCom app may read addresses."""
    sandbox.app(**APPS[name], **({"old_app": True} if name == WECOM else {}))

    def tell(email, company_email):
        sandbox.person(PROVIDERS[name], "lisi", set={"email": email, KEY[name]: company_email})

    return tell


def stored(portal, name):
    row = find_person(portal, name, "lisi")
    return row.email, row.company_email


@both_databases
@both_platforms
class TestStored:
    def test_by_a_sync(self, portal, told, name):
        told(TYPED, COMPANY)
        run_sync(portal, name)
        assert stored(portal, name) == (TYPED, "li.si@corp.example.com")

    def test_by_a_sign_in(self, client, portal, told, name):
        told(TYPED, COMPANY)
        assert client.sign_in(name, "lisi").status_code == 303
        assert stored(portal, name) == (TYPED, "li.si@corp.example.com")

    def test_by_a_single_person_of_the_directory(self, portal, told, name):
        told(TYPED, COMPANY)
        with portal.app_context():
            portal.getElement(f"auths.loginTypes.{name}").syncUserInfo("lisi")
        assert stored(portal, name) == (TYPED, "li.si@corp.example.com")

    def test_an_address_the_person_typed_is_none_of_the_companys(self, client, portal, told, name):
        told(TYPED, "")
        run_sync(portal, name)
        client.sign_in(name, "lisi")
        assert stored(portal, name) == (TYPED, "")


@both_platforms
def test_what_is_not_told_this_time_stays(client, portal, told, sandbox, name):
    told(TYPED, COMPANY)
    run_sync(portal, name)
    sandbox.person(PROVIDERS[name], "lisi", withhold=[KEY[name]])
    run_sync(portal, name)
    client.sign_in(name, "lisi")
    assert stored(portal, name) == (TYPED, "li.si@corp.example.com")


@both_platforms
def test_a_sync_takes_a_new_address_over(portal, told, name):
    told(TYPED, COMPANY)
    run_sync(portal, name)
    told(TYPED, "new@corp.example.com")
    assert run_sync(portal, name).counts["changed"] == 1
    assert stored(portal, name) == (TYPED, "new@corp.example.com")


@both_platforms
def test_people_stored_before_the_kind_was_kept_get_theirs_by_the_next_sync(portal, told, name):
    told(TYPED, COMPANY)
    run_sync(portal, name)
    with open_database(portal) as session:
        session.execute(update(Identity).values(company_email=""))
        session.execute(update(Listing).values(digest="0" * 32))  # of a version that looked at less
        session.commit()
    run_sync(portal, name)
    assert stored(portal, name) == (TYPED, "li.si@corp.example.com")


@both_platforms
def test_without_one_of_their_own_the_companys_is_the_persons_address(portal, told, name):
    told("", COMPANY)
    run_sync(portal, name)
    assert stored(portal, name) == (COMPANY, "li.si@corp.example.com")
